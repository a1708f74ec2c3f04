"""Filled outlines, lines and noise as float32 rasters; places in pixels, 0 is a pixel's centre."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Picture = NDArray[np.float32]
Numbers = NDArray[np.float64]

_SHIFT = 4  # OpenCV draws in sixteenths of a pixel


def polygon(shape: tuple[int, int], corners: ArrayLike) -> Picture:
    """Return the coverage ``[height, width]`` of a filled outline ``[n, 2]``, antialiased."""
    layer = np.zeros(shape, np.uint8)
    cv2.fillPoly(layer, [_sixteenths(corners)], (255,), cv2.LINE_AA, shift=_SHIFT)
    return as_coverage(layer)


def lines(shape: tuple[int, int], curves: Sequence[ArrayLike], width: float) -> Picture:
    """Return the coverage of curves; lines thinner than a pixel are paler instead."""
    layer = np.zeros(shape, np.uint8)
    points = [_sixteenths(curve) for curve in curves]
    cv2.polylines(layer, points, False, (255,), max(1, round(width)), cv2.LINE_AA, shift=_SHIFT)
    return as_coverage(layer) * np.float32(min(1.0, width))


def disc(shape: tuple[int, int], centre: Numbers, radius: float) -> Picture:
    """Return the coverage of a filled circle, at least a pixel wide."""
    layer = np.zeros(shape, np.uint8)
    x, y = _sixteenths(centre).tolist()
    around = max(2 ** (_SHIFT - 1), round(radius * 2**_SHIFT))
    cv2.circle(layer, (x, y), around, (255,), -1, cv2.LINE_AA, shift=_SHIFT)
    return as_coverage(layer)


def blur(layer: Picture, sigma: float) -> Picture:
    """Return a raster after a Gaussian blur with a standard deviation in pixels."""
    return cv2.GaussianBlur(layer, (0, 0), sigma).astype(np.float32, copy=False)


def smooth_noise(random: np.random.Generator, shape: tuple[int, int], bumps: int) -> Picture:
    """Return smooth noise of mean 0, ``[height, width]``, ``bumps`` along the longer side."""
    height, width = shape
    step = max(height, width) / max(1, bumps)
    coarse = (max(2, round(height / step) + 1), max(2, round(width / step) + 1))
    field = random.standard_normal(coarse).astype(np.float32)
    resized = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
    return resized.astype(np.float32, copy=False)


def lay_over(picture: Picture, coverage: Picture, colour: ArrayLike) -> None:
    """Lay a colour, RGB or a picture ``[h, w, 3]``, over another picture, in place."""
    target = np.asarray(colour, dtype=np.float32)
    # Most of what is laid is small: the rest of the picture is not touched.
    box = bounding_box(coverage)
    target = target[box] if target.ndim == 3 else target
    picture[box] += coverage[box][..., None] * (target - picture[box])


def bounding_box(coverage: Picture) -> tuple[slice, slice]:
    """Return the rows and columns outside which a coverage is 0."""
    left, top, width, height = cv2.boundingRect((coverage > 0).astype(np.uint8))
    return slice(top, top + height), slice(left, left + width)


def as_coverage(layer: NDArray[np.uint8]) -> Picture:
    """Return bytes as shares from 0 to 1."""
    return layer.astype(np.float32) / np.float32(255)


def _sixteenths(points: ArrayLike) -> NDArray[np.int32]:
    return np.rint(np.asarray(points, dtype=np.float64) * 2**_SHIFT).astype(np.int32)
