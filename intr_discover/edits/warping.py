"""Laying a region drawn on one specimen over another specimen."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import RBFInterpolator

from intr_discover.edits.checks import Mask
from intr_discover.edits.registration import register
from intr_discover.errors import UserError

Point = tuple[float, float]

FEWEST_LANDMARKS = 3
"""Shared landmarks, not on one line, below which nothing can be placed by them."""

_GRID = 96  # points of the longer side at which the splines are evaluated; bilinear in between
_ON_A_LINE = 1e-3  # width over length of the landmarks


def shared_landmarks(a: Mapping[str, Point], b: Mapping[str, Point]) -> list[str]:
    """Return the names, sorted, that two specimens share; none where they cannot place anything.

    Parameters
    ----------
    a, b
        Visible landmarks by name, (x, y) in pixels.
    """
    names = sorted(set(a) & set(b))
    if len(names) < FEWEST_LANDMARKS:
        return []
    for points in (a, b):
        places = np.array([points[name] for name in names])
        spread = np.linalg.svd(places - places.mean(axis=0), compute_uv=False)
        if not spread[1] > _ON_A_LINE * spread[0]:
            return []
    return names


def warped_by_landmarks(
    mask: NDArray[np.bool_],
    template: Mapping[str, Point],
    specimen: Mapping[str, Point],
    shape: tuple[int, int],
) -> Mask:
    """Return a template's region on another specimen, by the landmarks that both have.

    Thin-plate splines (Bookstein 1989) take the specimen's landmarks exactly to the template's;
    a pixel is in the region where the template's nearest pixel is. With three landmarks the warp is
    affine.

    Parameters
    ----------
    mask
        ``[h, w]``: the region on the template.
    template, specimen
        Landmarks by name, (x, y) in pixels of each photograph; see ``shared_landmarks``.
    shape
        (height, width) of the specimen's photograph.

    Returns
    -------
    ndarray
        Booleans ``[H, W]``. Far from all landmarks the splines guess.

    Raises
    ------
    UserError
        If fewer than three landmarks are shared, or they lie on one line.
    """
    names = shared_landmarks(template, specimen)
    if not names:
        raise UserError(
            f"fewer than {FEWEST_LANDMARKS} landmarks in common, or all on one line: "
            "a region cannot be placed by them"
        )
    spline = RBFInterpolator(
        np.array([specimen[name] for name in names], dtype=np.float64),
        np.array([template[name] for name in names], dtype=np.float64),
        kernel="thin_plate_spline",
    )
    height, width = shape
    step = max(1.0, max(shape) / _GRID)
    rows, columns = (max(2, int(np.ceil(length / step)) + 1) for length in shape)
    # Grid points from the first pixel's centre to the last one's, both included.
    y, x = np.linspace(0, height - 1, rows), np.linspace(0, width - 1, columns)
    there = spline(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)).reshape(rows, columns, 2)
    # Back to all pixels: bilinear between the grid points, whose corners are the photograph's.
    at_x = np.broadcast_to(np.arange(width) / max(1, width - 1) * (columns - 1), shape)
    at_y = np.broadcast_to(np.arange(height)[:, None] / max(1, height - 1) * (rows - 1), shape)
    places = [
        cv2.remap(
            np.ascontiguousarray(there[..., axis], dtype=np.float32),
            np.ascontiguousarray(at_x, dtype=np.float32),
            np.ascontiguousarray(at_y, dtype=np.float32),
            cv2.INTER_LINEAR,
        )
        for axis in range(2)
    ]
    return _taken(mask, places[0], places[1])


def warped_by_outline(
    mask: NDArray[np.bool_], template: NDArray[np.bool_], specimen: NDArray[np.bool_]
) -> Mask:
    """Return a template's region on another specimen, by the masks of both specimens.

    Moved, turned and scaled as one piece so that the specimens' masks overlap most, see
    ``register``.

    Parameters
    ----------
    mask, template
        ``[h, w]``: the region on the template, and the template's specimen; not empty.
    specimen
        ``[H, W]``: the other specimen, not empty.

    Raises
    ------
    UserError
        If a specimen's mask is empty.
    """
    for region, whose in ((template, "the template's specimen"), (specimen, "the specimen")):
        if not region.any():
            raise UserError(f"the mask of {whose} is empty: a region cannot be placed by it")
    matrix = register(template, specimen).matrix
    back = np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]]))
    rows, columns = np.indices(specimen.shape)
    x = back[0, 0] * columns + back[0, 1] * rows + back[0, 2]
    y = back[1, 0] * columns + back[1, 1] * rows + back[1, 2]
    return _taken(mask, x, y)


def _taken(mask: NDArray[np.bool_], x: ArrayLike, y: ArrayLike) -> Mask:
    """Return the mask at places ``[H, W]``; false beyond its edges."""
    # Halves go one way whatever the last bits of the arithmetic.
    column, row = (np.floor(np.asarray(at) + 0.5 + 1e-6).astype(int) for at in (x, y))
    inside = (column >= 0) & (column < mask.shape[1]) & (row >= 0) & (row < mask.shape[0])
    result = np.zeros(column.shape, dtype=bool)
    result[inside] = mask[row[inside], column[inside]]
    return result
