"""The one exception that speaks to the user.

Standard library only, so that every room of the package may import it.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence


class UserError(Exception):
    """A mistake that the user can mend: one clear line of what, where and what to do.

    The command line prints the message without a traceback and exits with status 2.
    Anything that is our own mistake is an ``AssertionError`` or another exception.
    """


def shorten(names: Sequence[object], most: int = 5) -> str:
    """Return the first ``most`` names as one line, with the number of those left out.

    Examples
    --------
    >>> shorten(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    shown = ", ".join(str(name) for name in names[:most])
    left_out = len(names) - most
    return f"{shown} and {left_out} more" if left_out > 0 else shown


_TROUBLES = {
    errno.ENOSPC: ("no space is left on the disk{of}", "free some, or choose another place"),
    errno.EDQUOT: ("your quota of the disk is used up{of}", "free some, or choose another place"),
    errno.EROFS: ("the file system{of} is read-only", "choose another place"),
    errno.EACCES: ("there is no permission{to}", "change its permissions, or choose another place"),
    errno.EPERM: ("there is no permission{to}", "change its permissions, or choose another place"),
    errno.EEXIST: ("a file is in the way{at}", "move it, or choose another place"),
    errno.ENOTDIR: ("a file stands where a folder is needed{at}", "choose another place"),
    errno.ENOENT: ("a file is gone, or never was there{at}", "give the command again"),
}  # fmt: skip


def system_trouble(error: OSError) -> str:
    """Return in one line what the operating system refused, where, and what can be done.

    Parameters
    ----------
    error
        As it was raised; files are written whole or not at all, so nothing is left half-written.

    Examples
    --------
    >>> system_trouble(OSError(28, "No space left on device", "out/table.csv"))
    'no space is left on the disk of out/table.csv: free some, or choose another place'
    """
    place = error.filename2 or error.filename
    words, remedy = _TROUBLES.get(
        error.errno or 0, (f"{error.strerror}{{at}}", "give the command again when mended")
    )
    prepositions = {"of": "of", "to": "for", "at": "at"}
    where = {
        name: "" if place is None else f" {word} {place}" for name, word in prepositions.items()
    }
    return f"{words.format(**where)}: {remedy}"
