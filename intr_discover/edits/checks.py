"""What every edit asks of its picture, its mask and its amounts."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from intr_discover.errors import UserError

Mask = NDArray[np.bool_]


def check_photograph(photograph: NDArray[np.uint8], what: str = "picture") -> None:
    """Refuse what is not uint8: grey ``[H, W]``, RGB ``[H, W, 3]`` or RGBA ``[H, W, 4]``.

    Parameters
    ----------
    photograph
        The picture.
    what
        What to call it in the message: ``"donor"``, say.

    Raises
    ------
    UserError
        With what was given.
    """
    shape = np.shape(photograph)
    given = f"{list(shape)} of {np.asarray(photograph).dtype}"
    if np.asarray(photograph).dtype != np.uint8:
        raise UserError(
            f"the {what} is {given}, and edits work on 8 bits a channel (uint8, 0 to 255): "
            "convert it first"
        )
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (3, 4)):
        raise UserError(
            f"the {what} is {given}; an edit needs [height, width] (grey), [height, width, 3] "
            "(RGB) or [height, width, 4] (RGBA)"
        )
    if 0 in shape:
        raise UserError(f"the {what} is {given}: there is no pixel in it")


def as_region(mask: NDArray[np.generic], what: str = "mask") -> Mask:
    """Return where a mask is above 0: 0 and 1, 0 and 255, truth values and soft edges are alike.

    Raises
    ------
    UserError
        If it is not ``[height, width]``, no numbers, or a value is not a number.
    """
    values = np.asarray(mask)
    if values.ndim != 2 or values.dtype.kind not in "buif":
        raise UserError(
            f"the {what} is {list(values.shape)} of {values.dtype}; a mask is [height, width] of "
            "numbers or truth values"
        )
    if values.dtype.kind == "f" and np.isnan(values).any():
        raise UserError(
            f"the {what} holds values that are no numbers (NaN): put 0 where it does not lie"
        )
    region: Mask = values > 0
    return region


def check_mask(
    mask: NDArray[np.generic],
    photograph: NDArray[np.uint8],
    *,
    what: str = "mask",
    picture: str = "picture",
) -> Mask:
    """Return where a mask is above 0, as booleans; refuse one of another size.

    Parameters
    ----------
    mask
        ``[H, W]`` of any numbers; what is above 0 counts.
    photograph
        The picture that it belongs to.
    what, picture
        What to call the two in the message.

    Raises
    ------
    UserError
        With both sizes, or what is wrong with its values.
    """
    size = list(np.shape(photograph)[:2])
    if list(np.shape(mask)) != size:
        raise UserError(
            f"the {what} is {list(np.shape(mask))} and the {picture} {size}; "
            f"a mask must have the size of its {picture}"
        )
    return as_region(mask, what)


def check_amounts(feather: float, strength: float) -> None:
    """Refuse a feather below 0 and a strength outside [0, 1].

    Raises
    ------
    UserError
        With the value.
    """
    if not (math.isfinite(feather) and feather >= 0):
        raise UserError(f"the feather is {feather}; it is a number of pixels, 0 or more")
    if not 0 <= strength <= 1:
        raise UserError(f"the strength is {strength}; it lies between 0 (unchanged) and 1")
