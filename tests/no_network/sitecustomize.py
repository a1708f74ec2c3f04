"""Refuse every connection and every look-up of a name that leads off this machine.

Python imports a module of this name when it starts. The folder is on the ``PYTHONPATH`` of the
tests, so that each process that they start has the same guard; ``conftest.py`` sets it up in the
process of the tests itself. Audit hooks cannot be taken off again, and see what C code asks of the
module ``socket`` too. Standard library only.
"""

import ipaddress
import os
import socket
import sys

#: A file in which every attempt is written down, so that one whose error is caught is seen too.
LOG = "INTR_DISCOVER_TESTS_NETWORK_LOG"
#: With this set, not even this machine itself may be asked.
NOT_EVEN_LOOPBACK = "INTR_DISCOVER_TESTS_NOT_EVEN_LOOPBACK"

_LOOKS_UP = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
_REACHES = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
# A server that asks for its own name asks no other machine.
_OWN_NAMES = frozenset({"", "localhost", "localhost.localdomain", socket.gethostname().lower()})


class NetworkRefusedError(OSError):
    """A test asked for another machine."""


def install() -> None:
    """Set the guard up in this process, once."""
    if not getattr(sys, "_intr_discover_no_network", False):
        sys._intr_discover_no_network = True  # type: ignore[attr-defined]
        sys.addaudithook(_refuse)


def _refuse(event: str, words: tuple) -> None:
    if event in _LOOKS_UP:
        host = words[0]
    elif event in _REACHES:
        address = words[1]
        if not isinstance(address, tuple):
            return  # a socket of this machine's file system, or none at all
        host = address[0]
    else:
        return
    if os.environ.get(NOT_EVEN_LOOPBACK) != "1" and is_here(host, event in _LOOKS_UP):
        return
    line = f"{event} {words[1] if event in _REACHES else words[:2]!r}"
    if os.environ.get(LOG):
        with open(os.environ[LOG], "a", encoding="utf-8") as log:  # noqa: PTH123 - no imports here
            log.write(f"{line}\n")
    raise NetworkRefusedError(f"no network in the tests: {line}")


def is_here(host: object, looked_up: bool = False) -> bool:
    """Return whether a host is this machine; with ``looked_up``, a number needs no look-up."""
    if host is None:
        return True
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    name = str(host).lower().rstrip(".").partition("%")[0]
    if name in _OWN_NAMES:
        return True
    try:
        number = ipaddress.ip_address(name)
    except ValueError:
        return False
    return looked_up or number.is_loopback or number.is_unspecified


install()
