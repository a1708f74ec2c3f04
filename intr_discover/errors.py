"""The one exception that speaks to the user.

Standard library only, so that every room of the package may import it.
"""

from __future__ import annotations

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
