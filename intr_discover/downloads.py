"""Files from the web that are whole, checked and resumable, or absent.

Standard library only, so that every room of the package may import it. Proxies come from the
environment (``https_proxy``, ``no_proxy``).
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import json
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from functools import partial
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from intr_discover.errors import UserError
from intr_discover.files import write_json

_PIECE = 1 << 20
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
# The bytes as they are published: a checksum is of those, not of what is unpacked on the way.
_ALWAYS = {"Accept-Encoding": "identity", "User-Agent": "intr-discover"}


#: Of a checksum that a file's name carries there must be so many digits at least.
_FEWEST_DIGITS = 8


class NoConnectionError(UserError):
    """Nobody answers, or not to the end: there may be no network, or one that comes and goes."""


class _ConnectionLostError(Exception):
    """The server stopped before the end; what has come stays and can be gone on with."""


@dataclass(frozen=True)
class Offered:
    """What a hub of models says of a file before it is fetched.

    Attributes
    ----------
    revision
        The state of the collection of files that it belongs to; None where the server has none.
    sha256
        Its checksum; None where the server does not tell.
    size
        Its bytes; None where the server does not tell.
    """

    revision: str | None
    sha256: str | None
    size: int | None


def offered(url: str, timeout: float = 60.0) -> Offered:
    """Ask a server of Hugging Face's kind what it has at an address, and fetch nothing.

    Parameters
    ----------
    url
        An ``http://`` or ``https://`` address.
    timeout
        Seconds without an answer after which there is no connection.

    Raises
    ------
    UserError
        The address is none of the web, or the server refuses.
    NoConnectionError
        Nobody answers.

    Notes
    -----
    Such a server keeps large files on another machine, and says in the headers of its redirect
    (``X-Linked-ETag``, ``X-Linked-Size``, ``X-Repo-Commit``) what will come from there. So the
    redirect to another machine is not followed here.
    """
    _refuse_other_addresses(url)
    request = urllib.request.Request(url, headers=_ALWAYS, method="HEAD")
    try:
        with urllib.request.build_opener(_SameMachine).open(request, timeout=timeout) as response:
            headers: Message = response.headers
    except urllib.error.HTTPError as error:
        with error:
            if not 300 <= error.code < 400:
                raise UserError(f"{url} cannot be had: {error.code} {error.reason}") from error
            headers = error.headers
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise NoConnectionError(
            f"the connection to {urlsplit(url).hostname} failed ({_reason(error)})"
        ) from error
    mark = headers.get("X-Linked-ETag", "").strip('"').lower()
    revision = headers.get("X-Repo-Commit", "")
    size = headers.get("X-Linked-Size", "")
    return Offered(
        revision if re.fullmatch(r"[0-9a-f]{40}", revision) else None,
        mark if re.fullmatch(r"[0-9a-f]{64}", mark) else None,
        int(size) if size.isascii() and size.isdigit() else None,
    )


def download(
    url: str,
    target: str | os.PathLike[str],
    *,
    sha256: str | None = None,
    md5: str | None = None,
    size: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    timeout: float = 60.0,
) -> Path:
    """Fetch a file; it appears under its name whole and checked, or not at all.

    Parameters
    ----------
    url
        An ``http://`` or ``https://`` address.
    target
        The file to write. Its folder is made if it is absent. A file that is there already and
        agrees with what is known of it is kept, and no connection made.
    sha256, md5
        The published checksums, hexadecimal. The file must agree with each that is given. Of the
        SHA-256 eight digits or more from its beginning will do, as torch's hub writes them into a
        file's name.
    size
        The published number of bytes. A server that offers another number is refused at once.
    progress
        Called with the bytes that are here and their number in all (0: the server does not say).
    timeout
        Seconds without a single byte after which a connection counts as lost.

    Returns
    -------
    Path
        ``target``.

    Raises
    ------
    UserError
        The address is none of the web, the server refuses, the disk is full, or the file is not
        the published one.
    NoConnectionError
        The connection cannot be made, or is lost.

    Notes
    -----
    What has come stays beside ``target`` in a file that ends in ``.part``, and the next call goes
    on from there; where the server forgets ranges it starts again. A part is continued only where
    the pieces are known to be of one file: by the server's own mark of it (ETag or date, asked for
    with ``If-Range``), or by a checksum at the end. A lost connection is taken up again for as long
    as each one brings more than those before. What does not agree with a checksum is removed.
    """
    target = Path(target)
    _refuse_other_addresses(url)
    if target.is_dir():
        raise UserError(f"{target} is a folder: give the name of the file to write")
    if target.exists():
        wrong = _difference(target, sha256, md5, size)
        if wrong:
            raise UserError(
                f"{target} is there already, but it is not the published file ({wrong}): move it "
                "away and try again"
            )
        return target
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch(_Wanted(url, part, bool(sha256 or md5), size, timeout), progress)
        wrong = _difference(part, sha256, md5, size)
        if wrong:
            _forget(part)
            raise UserError(
                f"{url} gave another file than the published one ({wrong}); it was removed. Try "
                "again; if that does not help, the publisher has changed the file"
            )
        part.replace(target)
        _mark_of(part).unlink(missing_ok=True)
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise UserError(
                f"the disk of {target.parent} is full: free some room and run the same command "
                "again, it goes on where it stopped"
            ) from error
        raise UserError(
            f"cannot write {error.filename or target}: {error.strerror or error}"
        ) from error
    return target


@dataclass(frozen=True)
class _Wanted:
    """What is fetched, and what is known of it beforehand."""

    url: str
    part: Path
    has_checksum: bool
    size: int | None
    timeout: float


def _fetch(wanted: _Wanted, progress: Callable[[int, int], None] | None) -> None:
    """Bring the part to its full length, over as many connections as bring something new."""
    longest = -1
    while True:
        try:
            _fetch_rest(wanted, progress)
            return
        except _ConnectionLostError as lost:
            here = _length(wanted.part)
            if here <= longest:
                kept = f" {here:,} bytes are kept," if here else ""
                raise NoConnectionError(
                    f"the connection to {urlsplit(wanted.url).hostname} failed ({lost}):{kept} run "
                    "the same command again to go on"
                ) from lost
            longest = here


def _fetch_rest(wanted: _Wanted, progress: Callable[[int, int], None] | None) -> None:
    """Make one connection and add what it brings to the part."""
    here = _length(wanted.part)
    mark = _read_mark(wanted)
    if here and not (mark or wanted.has_checksum):
        here = 0  # nobody could say whether two pieces belong to one file
    headers = dict(_ALWAYS)
    if here:
        headers["Range"] = f"bytes={here}-"
        if mark:
            headers["If-Range"] = mark
    request = urllib.request.Request(wanted.url, headers=headers)
    try:
        response = urllib.request.build_opener(_WebOnly).open(request, timeout=wanted.timeout)
    except urllib.error.HTTPError as error:
        with error:
            if here and error.code == 416:  # nothing lies beyond what is here
                if _total(error.headers) == here:
                    return
                _forget(wanted.part)
                raise _ConnectionLostError("it has another file than before") from error
            if error.code >= 500:
                raise _ConnectionLostError(f"{error.code} {error.reason}") from error
            raise UserError(f"{wanted.url} cannot be had: {error.code} {error.reason}") from error
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise _ConnectionLostError(_reason(error)) from error
    with response:
        _take(response, wanted, here, progress)


def _take(
    response: Any, wanted: _Wanted, here: int, progress: Callable[[int, int], None] | None
) -> None:
    """Write what the server sends: after what is here where it agrees, else from the beginning."""
    headers: Message = response.headers
    part = wanted.part
    if response.status == 206:
        first = re.match(r"bytes (\d+)-", headers.get("Content-Range", ""))
        if first is None or int(first[1]) != here:
            _forget(part)
            raise _ConnectionLostError("it sends another piece than asked for")
        total = _total(headers)
    else:
        here = 0
        length = headers.get("Content-Length", "")
        total = int(length) if length.isascii() and length.isdigit() else None
        if headers.get_content_type() == "text/html" and not part.name.endswith(".html.part"):
            raise UserError(
                f"{wanted.url} answers with a web page and not with the file: open the address in "
                "a browser, and do what it asks for"
            )
    if wanted.size is not None and total not in (None, wanted.size):
        raise UserError(
            f"{wanted.url} offers a file of {total:,} bytes, the published one has "
            f"{wanted.size:,}: the publisher has changed it"
        )
    total = wanted.size if total is None else total
    _refuse_full_disk(part, (total or 0) - here)
    _write_mark(wanted, headers)
    with part.open("r+b" if here else "wb") as file:
        file.seek(here)
        here = _copy(response, file, here, total, progress)
        file.flush()
        os.fsync(file.fileno())
    if total is not None and here < total:
        raise _ConnectionLostError(f"it stopped after {here:,} of {total:,} bytes")


def _copy(
    response: Any,
    file: IO[bytes],
    here: int,
    total: int | None,
    progress: Callable[[int, int], None] | None,
) -> int:
    """Copy the server's bytes into ``file``; return how many are there then."""
    while True:
        try:
            piece = response.read(_PIECE)
        except http.client.IncompleteRead as error:
            file.write(error.partial)
            raise _ConnectionLostError(_reason(error)) from error
        except (http.client.HTTPException, OSError) as error:
            raise _ConnectionLostError(_reason(error)) from error
        if not piece:
            return here
        file.write(piece)
        here += len(piece)
        if progress is not None:
            progress(here, total or 0)


class _WebOnly(urllib.request.HTTPRedirectHandler):
    """Follow a redirect only to another address of the web, and never from https to http."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Return the request to the new address."""
        _refuse_other_addresses(newurl)
        if req.full_url.startswith("https:") and not newurl.lower().startswith("https:"):
            raise UserError(f"{req.full_url} leads to the unprotected address {newurl}: refused")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _SameMachine(_WebOnly):
    """Follow a redirect only on the same machine."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Return the request to the new address; None where that is another machine's."""
        if urlsplit(newurl).netloc != urlsplit(req.full_url).netloc:
            return None
        followed = super().redirect_request(req, fp, code, msg, headers, newurl)
        if followed is not None:
            followed.method = "HEAD"  # urllib makes a GET of it
        return followed


def _refuse_other_addresses(url: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UserError(f"{url} is no address of the web: {error}") from error
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise UserError(f"{url} is no address of the web: it must begin with https:// or http://")


def _refuse_full_disk(part: Path, missing: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if missing > free:
        raise UserError(
            f"{part.parent} has no room for {part.stem}: {missing:,} bytes are missing, {free:,} "
            "are free"
        )


def _difference(path: Path, sha256: str | None, md5: str | None, size: int | None) -> str | None:
    """Return in what a file differs from the published one; None where it agrees."""
    if size is not None and path.stat().st_size != size:
        return f"{path.stat().st_size:,} bytes instead of {size:,}"
    for name, expected in (("sha256", sha256), ("md5", md5)):
        if expected is not None:
            with path.open("rb") as file:
                # md5 guards against accidents here, and is what many publishers give.
                digest = partial(hashlib.new, name, usedforsecurity=False)
                found = hashlib.file_digest(file, digest).hexdigest()
            wanted = expected.lower()
            if len(wanted) < _FEWEST_DIGITS or not found.startswith(wanted):
                return f"{name} {found} instead of {expected}"
    return None


def _mark_of(part: Path) -> Path:
    """Return the file that remembers which state of which address a part belongs to."""
    return part.with_name(part.name + ".json")


def _write_mark(wanted: _Wanted, headers: Message) -> None:
    etag = headers.get("ETag")
    strong = etag if etag and not etag.startswith("W/") else None
    mark = strong or headers.get("Last-Modified")
    write_json(_mark_of(wanted.part), {"url": wanted.url, "mark": mark})


def _read_mark(wanted: _Wanted) -> str | None:
    """Return the server's mark of the file that the part belongs to; None where there is none."""
    try:
        known = json.loads(_mark_of(wanted.part).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(known, dict) or known.get("url") != wanted.url:
        return None
    mark = known.get("mark")
    return mark if isinstance(mark, str) else None


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _mark_of(part).unlink(missing_ok=True)


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _total(headers: Message) -> int | None:
    """Return the whole length that the header ``Content-Range`` names."""
    found = re.search(r"/(\d+)$", headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _reason(error: BaseException) -> str:
    """Return the innermost reason of an error of the network, in one line."""
    reason = getattr(error, "reason", error)
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return " ".join(text.split())
