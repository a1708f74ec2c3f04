"""A ColorChecker drawn into a picture: for tests, the benchmark and the guide's picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from intr_discover.preparation.colour_correction import COLUMNS, REFERENCE, ROWS

Pixels = NDArray[np.uint8]

_PATCH, _GAP, _FRAME = 60, 12, 30  # pixels of a drawn card's patches and gaps; level of its frame


def drawn_card() -> Pixels:
    """Return a card in the published colours on a dark frame, ``uint8 [300, 444, 3]``."""
    height, width = (n * (_PATCH + _GAP) + _GAP for n in (ROWS, COLUMNS))
    card = np.full((height, width, 3), _FRAME, np.uint8)
    for number, colour in enumerate(REFERENCE):
        row, column = divmod(number, COLUMNS)
        top, left = (_GAP + place * (_PATCH + _GAP) for place in (row, column))
        card[top : top + _PATCH, left : left + _PATCH] = colour
    return card


def with_card(
    photograph: Pixels, middle: tuple[float, float], width: float, degrees: float = 0
) -> Pixels:
    """Return a photograph with a card laid on it.

    Parameters
    ----------
    photograph
        ``uint8 [H, W, 3]``.
    middle
        x and y of the card's middle.
    width
        Of the card, pixels.
    degrees
        By which it is turned against the clock.
    """
    card = drawn_card()
    high, wide = card.shape[:2]
    move = cv2.getRotationMatrix2D((wide / 2, high / 2), degrees, width / wide)
    move[:, 2] += np.subtract(middle, (wide / 2, high / 2))
    laid = photograph.copy()
    size = (photograph.shape[1], photograph.shape[0])
    cv2.warpAffine(card, move, size, dst=laid, borderMode=cv2.BORDER_TRANSPARENT)
    return laid
