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


def clip(name: str, most: int = 200) -> str:
    """Return a name, or the beginning and the end of one that would make a line unreadable."""
    return name if len(name) <= most else f"{name[: most // 2]}…{name[-most // 4 :]}"


def shorten(names: Sequence[object], most: int = 5) -> str:
    """Return the first ``most`` names as one line, with the number of those left out.

    Examples
    --------
    >>> shorten(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    shown = ", ".join(clip(str(name)) for name in names[:most])
    left_out = len(names) - most
    return f"{shown} and {left_out} more" if left_out > 0 else shown


MEMORY_TROUBLE = (
    "the memory is not enough for this: close other programs, or take smaller batches "
    "(--batch-size) or smaller images"
)

# How PyTorch on the processor, on an accelerator, and OpenCV say it.
_WORDS_OF_MEMORY = ("can't allocate memory", "out of memory", "insufficient memory", "bad alloc")


def is_memory_trouble(error: BaseException) -> bool:
    """Return whether an exception says that the memory was not enough."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or any(each in words for each in _WORDS_OF_MEMORY)


_TROUBLES = {
    errno.ENOSPC: ("no space is left on the disk{of}", "free some, or choose another place"),
    errno.EDQUOT: ("your quota of the disk is used up{of}", "free some, or choose another place"),
    errno.EROFS: ("the file system{of} is read-only", "choose another place"),
    errno.EACCES: ("there is no permission{to}", "change its permissions, or choose another place"),
    errno.EPERM: ("there is no permission{to}", "change its permissions, or choose another place"),
    errno.EFBIG: ("a file became larger than is allowed{at}", "ask who set the limit"),
    errno.ENOMEM: ("the memory is used up{at}", "close other programs, or take smaller batches"),
    errno.ENAMETOOLONG: ("a name is too long{at}", "choose a shorter one"),
    errno.ELOOP: ("links lead in a circle{at}", "choose another place"),
    errno.EISDIR: ("a folder stands where a file is needed{at}", "choose another place"),
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
        name: "" if place is None else f" {word} {clip(str(place))}"
        for name, word in prepositions.items()
    }
    return f"{words.format(**where)}: {remedy}"
