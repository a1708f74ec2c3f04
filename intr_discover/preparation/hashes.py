"""Perceptual hashes: 64 bits that stay nearly the same when a photograph is scaled or re-saved."""

from __future__ import annotations

from typing import TypeVar

import cv2
import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Hashes = NDArray[np.uint64]
Number = TypeVar("Number", bound=np.generic)

BITS = 64

#: The eight ways to lay a square picture on itself, by name: as it is, three turns, and mirrored.
WAYS = (
    "same way up", "turned by 90°", "turned by 180°", "turned by 270°",
    "mirrored", "mirrored, turned by 90°", "mirrored, turned by 180°", "mirrored, turned by 270°",
)  # fmt: skip

_SIDE = 64  # pixels to which a photograph is reduced before it is turned


def hashes_of(photograph: NDArray[np.uint8]) -> Hashes:
    """Return pHash and dHash of a photograph in each of the eight ``WAYS``.

    Parameters
    ----------
    photograph
        ``uint8 [H, W, 3]``, sRGB.

    Returns
    -------
    ndarray
        ``uint64 [2, 8]``: pHash (signs of low frequencies of a cosine transform, Zauner 2010), and
        dHash (signs of differences from left to right), by the library ImageHash.

    Notes
    -----
    The photograph is reduced to a grey square of 64 pixels, whatever its shape, so that one that
    was stretched or turned by a quarter keeps its hash.
    """
    grey = cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY)
    small = np.asarray(cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    found = np.zeros((2, len(WAYS)), np.uint64)
    for way in range(len(WAYS)):
        picture = Image.fromarray(np.ascontiguousarray(turned(small, way)))
        found[0, way] = _packed(imagehash.phash(picture))
        found[1, way] = _packed(imagehash.dhash(picture))
    return found


def turned(picture: NDArray[Number], way: int) -> NDArray[Number]:
    """Return a picture in one of the eight ``WAYS``; turns are against the clock."""
    return np.rot90(picture[:, ::-1] if way >= 4 else picture, way % 4)


def _packed(found: imagehash.ImageHash) -> np.uint64:
    return np.frombuffer(np.packbits(found.hash).tobytes(), dtype=">u8")[0].astype(np.uint64)
