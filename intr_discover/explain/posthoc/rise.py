"""RISE: what is visible, on average, when the model is sure of a class (Petsiuk et al. 2018).

Random parts of the picture are covered many times over; a pixel is important when the class stays
probable while it can be seen. Arrays and a scoring function come in, an array goes out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from intr_discover.errors import UserError

Floats = NDArray[np.float32]
Score = Callable[[Floats], NDArray[np.float64]]
"""Pictures ``[B, channels, H, W]`` in, one number or one row of numbers a picture out."""


@dataclass(frozen=True)
class RiseSettings:
    """How RISE covers a picture.

    Attributes
    ----------
    masks
        N, how many random masks. 500 is a preview; the paper used 4000 to 8000.
    cells
        s: a mask is drawn on s by s cells and enlarged.
    share
        p, in (0, 1): the probability that a cell is visible.

    Raises
    ------
    UserError
        If a value is outside its range.
    """

    masks: int = 500
    cells: int = 8
    share: float = 0.5

    def __post_init__(self) -> None:
        if self.masks < 1 or self.cells < 1:
            raise UserError(
                f"RISE needs at least 1 mask of 1 cell, not {self.masks} of {self.cells}"
            )
        if not 0 < self.share < 1:
            raise UserError(f"RISE: the share of visible cells lies in (0, 1), not {self.share}")

    def as_dict(self) -> dict[str, Any]:
        """Return the settings for the record."""
        return asdict(self)


def random_masks(
    shape: tuple[int, int], settings: RiseSettings, seed: int | tuple[int, ...]
) -> Iterator[Floats]:
    """Yield the N masks ``[H, W]`` in [0, 1], one after the other: 1 is visible.

    Parameters
    ----------
    shape
        (H, W) of the picture.
    settings
        Number, coarseness and visible share.
    seed
        Of the masks. They do not depend on how many are scored at once.

    Notes
    -----
    As the authors do it: ``s × s`` cells, each visible with probability p, are enlarged (bilinear)
    to ``(s + 1)`` cells' worth of pixels, and a window of the picture's size is cut out at random.
    """
    generator = np.random.default_rng(seed)
    height, width = (math.ceil(side / settings.cells) for side in shape)
    enlarged = ((settings.cells + 1) * width, (settings.cells + 1) * height)
    for _ in range(settings.masks):
        cells = generator.random((settings.cells, settings.cells)) < settings.share
        top, left = int(generator.integers(height)), int(generator.integers(width))
        mask = cv2.resize(cells.astype(np.float32), enlarged, interpolation=cv2.INTER_LINEAR)
        yield np.ascontiguousarray(mask[top : top + shape[0], left : left + shape[1]])


def rise(
    picture: Floats,
    score: Score,
    settings: RiseSettings | None = None,
    seed: int | tuple[int, ...] = 0,
    batch_size: int = 32,
) -> NDArray[np.float64]:
    """Return the importance of every pixel, ``S = Σ_i f(x ⊙ m_i) m_i / (N p)``.

    Parameters
    ----------
    picture
        ``[channels, H, W]``, normalised: covered pixels become 0, the mean colour.
    score
        The probability of the class in question, ``[B]`` of ``[B, channels, H, W]``.
    settings
        Default: 500 masks of 8 by 8 cells, half of them visible.
    seed
        Of the masks.
    batch_size
        Most pictures scored at once.

    Returns
    -------
    ndarray
        ``[H, W]``, at least 0. About the probability of the class where a pixel does not matter.
        NaN where a score is.
    """
    settings = settings or RiseSettings()
    shape = (picture.shape[1], picture.shape[2])
    total = np.zeros(shape)
    waiting: list[Floats] = []

    def add() -> None:
        masks = np.stack(waiting)
        scores = np.asarray(score(picture[None] * masks[:, None]), dtype=np.float64)
        assert scores.shape == (len(masks),), scores.shape
        np.add(total, np.tensordot(scores, masks, axes=1), out=total)
        waiting.clear()

    for mask in random_masks(shape, settings, seed):
        waiting.append(mask)
        if len(waiting) == batch_size:
            add()
    if waiting:
        add()
    return total / (settings.masks * settings.share)
