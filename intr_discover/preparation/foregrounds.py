"""The specimen's mask: as the table has it, or guessed beside a colour card."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from intr_discover.data.foreground import automatic_foreground, border
from intr_discover.errors import UserError
from intr_discover.preparation.apart import nearest_part, separate
from intr_discover.preparation.boxes import mask_box, widen
from intr_discover.preparation.colour_card import ColourCard

_LEAST_PART = 0.05  # of the largest; the guess has left out what is smaller
_ROOM = 0.1  # of a specimen's longer side: the ground that is looked at beside it
_CLOSE = 0.6  # of the photograph: a specimen that fills more of it was seen closely at once
_RIM = 0.01  # of the picture's shorter side round a card: its shadow goes with it


def guessed_foreground(
    photograph: NDArray[np.uint8], card: ColourCard | None = None
) -> NDArray[np.bool_]:
    """Guess the specimen's mask; a colour card in the photograph is no specimen.

    Parameters
    ----------
    photograph
        ``uint8 [H, W, 3]``, sRGB.
    card
        Where a card was found. It is painted over with the colour of the photograph's border
        before anything is guessed, and left out of the mask.

    Returns
    -------
    ndarray
        ``bool [H, W]``, see :func:`intr_discover.data.foreground.automatic_foreground`.

    Raises
    ------
    UserError
        Nothing can be told from the ground.
    """
    shown = photograph
    away = np.zeros(photograph.shape[:2], dtype=bool)
    if card is not None:
        reach = 2 * round(_RIM * min(photograph.shape[:2])) + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
        away = cv2.dilate(card.mask(photograph).astype(np.uint8), kernel) > 0
        ground = border(photograph.shape[:2]) & ~away
        colour = np.median(photograph[ground if ground.any() else ~away], axis=0)
        shown = np.where(away[..., None], np.round(colour), photograph).astype(np.uint8)
    found = automatic_foreground(shown)
    if found is None or not (found & ~away).any():
        raise UserError("no specimen can be told from the ground: give it a mask in the table")
    return looked_at_closely(shown, np.asarray(found & ~away, dtype=bool))


def looked_at_closely(photograph: NDArray[np.uint8], found: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Guess the outline of each specimen once more, in the part of the photograph round it.

    Parameters
    ----------
    photograph
        ``uint8 [H, W, 3]``, sRGB.
    found
        ``bool [H, W]``: the first guess. It was made on 160 pixels of the whole photograph, which
        are few where the specimen is small.

    Returns
    -------
    ndarray
        ``bool [H, W]``. A second guess counts where it overlaps the first by half or more, and
        adds nothing that lies far from it.
    """
    height, width = found.shape
    made = np.zeros_like(found)
    parts = separate(found, _LEAST_PART)
    whose = nearest_part(parts) if len(parts) > 1 else np.zeros(found.shape, np.intp)
    for place, part in enumerate(parts):
        x0, y0, x1, y1 = widen(mask_box(part), _ROOM, width, height)
        near = part[y0:y1, x0:x1]
        if (x1 - x0) * (y1 - y0) > _CLOSE * width * height:
            made[y0:y1, x0:x1] |= near
            continue
        closer = automatic_foreground(np.ascontiguousarray(photograph[y0:y1, x0:x1]))
        if closer is not None:
            closer &= whose[y0:y1, x0:x1] == place
        if closer is None or (closer & near).sum() < 0.5 * (closer | near).sum():
            closer = near
        made[y0:y1, x0:x1] |= closer
    return made
