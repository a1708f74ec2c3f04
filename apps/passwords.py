"""Names and hashed passwords in a file: one ``name:hash`` a line.

The hash is scrypt's (RFC 7914) with a salt of its own; the file never holds a password.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path

from intr_discover.errors import UserError
from intr_discover.files import write_text

_COST, _BLOCK, _PARALLEL = 2**14, 8, 1  # 16 MB and some 50 ms for each guess
_KIND = "scrypt"
SHORTEST = 8


def hash_password(password: str, salt: bytes | None = None) -> str:
    """Return what is written of a password: kind, cost, salt and hash."""
    salt = os.urandom(16) if salt is None else salt
    found = hashlib.scrypt(
        password.encode(), salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL, maxmem=2**26
    )
    parts = (base64.b64encode(part).decode() for part in (salt, found))
    return "$".join([_KIND, str(_COST), *parts])


def is_password(password: str, stored: str) -> bool:
    """Return whether a password has a hash; the time taken does not tell how near it is."""
    salt, expected = _parts(stored)
    found = hashlib.scrypt(
        password.encode(), salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL, maxmem=2**26
    )
    return hmac.compare_digest(found, expected)


def read_passwords(path: Path) -> dict[str, str]:
    """Return the hashes of a file by name.

    Raises
    ------
    UserError
        If it is missing, empty, or a line is no ``name:hash``.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"cannot read the passwords {path}; make the file with intr-discover app --auth {path} "
            "--add-user NAME"
        ) from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, stored = line.rpartition(":")
        try:
            if not name:
                raise ValueError
            _parts(stored)
        except ValueError:
            raise UserError(
                f"{path}, line {number}: this is no 'name:{_KIND}$…'; passwords are never written "
                f"as they are: use intr-discover app --auth {path} --add-user NAME"
            ) from None
        found[name] = stored
    if not found:
        raise UserError(f"{path} holds no names; add one with --add-user NAME")
    return found


def add_password(path: Path, name: str, password: str) -> None:
    """Write a name and the hash of its password to a file; an earlier one of that name goes.

    Raises
    ------
    UserError
        If the name or the password will not do.
    """
    if not name.strip() or ":" in name or "\n" in name:
        raise UserError(
            f"'{name}' will not do as a name: leave out colons, and do not leave it empty"
        )
    if len(password) < SHORTEST:
        raise UserError(f"the password needs at least {SHORTEST} characters")
    known = read_passwords(path) if path.exists() else {}
    known[name] = hash_password(password)
    write_text(path, "".join(f"{each}:{stored}\n" for each, stored in known.items()))
    path.chmod(0o600)


def checker(path: Path) -> Callable[[str, str], bool]:
    """Return what Gradio asks: does this name have this password? The file is read once."""
    known = read_passwords(path)
    nobody = hash_password(os.urandom(16).hex())

    def check(name: str, password: str) -> bool:
        # An unknown name takes as long as a known one.
        right = is_password(password, known.get(name, nobody))
        return right and name in known

    return check


def _parts(stored: str) -> tuple[bytes, bytes]:
    """Return salt and hash.

    Raises
    ------
    ValueError
        If it is none of ours.
    """
    parts = stored.strip().split("$")
    if len(parts) != 4 or parts[:2] != [_KIND, str(_COST)]:
        raise ValueError
    try:
        return base64.b64decode(parts[2], validate=True), base64.b64decode(parts[3], validate=True)
    except binascii.Error as error:
        raise ValueError from error
