"""Laying one specimen over another: which places of two photographs are the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import scipy
from numpy.typing import NDArray

from intr_discover.edits.checks import Mask
from intr_discover.edits.registration import register
from intr_discover.errors import UserError

Point = tuple[float, float]
Numbers = NDArray[np.float64]

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


@dataclass(frozen=True)
class Places:
    """Where the pixels of one photograph lie on another.

    Attributes
    ----------
    x, y
        ``[H, W]`` each: for every pixel of the one, the place in pixels of the other.
    """

    x: Numbers
    y: Numbers

    def mask(self, mask: NDArray[np.bool_]) -> Mask:
        """Return a mask of the other photograph on the one; false beyond its edges."""
        # Halves go one way whatever the last bits of the arithmetic.
        column, row = (np.floor(at + 0.5 + 1e-6).astype(int) for at in (self.x, self.y))
        inside = (column >= 0) & (column < mask.shape[1]) & (row >= 0) & (row < mask.shape[0])
        result = np.zeros(self.x.shape, dtype=bool)
        result[inside] = mask[row[inside], column[inside]]
        return result

    def photograph(self, photograph: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the other photograph ``[h, w, 3]`` as it lies on the one (bilinear)."""
        return np.asarray(
            cv2.remap(
                photograph,
                self.x.astype(np.float32),
                self.y.astype(np.float32),
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            dtype=np.uint8,
        )


def places_by_landmarks(
    template: Mapping[str, Point], specimen: Mapping[str, Point], shape: tuple[int, int]
) -> Places:
    """Return where a specimen's pixels lie on a template, by the landmarks that both have.

    Thin-plate splines (Bookstein 1989) take the specimen's landmarks exactly to the template's.
    With three landmarks the warp is affine. Far from all landmarks the splines guess.

    Parameters
    ----------
    template, specimen
        Landmarks by name, (x, y) in pixels of each photograph; see ``shared_landmarks``.
    shape
        (height, width) of the specimen's photograph.

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
    spline = scipy.interpolate.RBFInterpolator(
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
    # Back to all pixels: bilinear between the grid points.
    at_x = np.broadcast_to(np.arange(width) / max(1, width - 1) * (columns - 1), shape)
    at_y = np.broadcast_to(np.arange(height)[:, None] / max(1, height - 1) * (rows - 1), shape)
    found = [
        cv2.remap(
            np.ascontiguousarray(there[..., axis], dtype=np.float32),
            np.ascontiguousarray(at_x, dtype=np.float32),
            np.ascontiguousarray(at_y, dtype=np.float32),
            cv2.INTER_LINEAR,
        )
        for axis in range(2)
    ]
    return Places(found[0].astype(np.float64), found[1].astype(np.float64))


def landmark_error(template: Mapping[str, Point], specimen: Mapping[str, Point]) -> float:
    """Return how far from its place each landmark would come to lie by the others, on average.

    The splines of ``places_by_landmarks`` pass through all landmarks, so that their own residual is
    0 and says nothing. Here each landmark is left out in turn. Outer ones are extrapolated: inside
    their hull a region is placed better than this.

    Parameters
    ----------
    template, specimen
        Landmarks by name, (x, y) in pixels of each photograph.

    Returns
    -------
    float
        In pixels of the specimen. NaN with fewer than four shared landmarks, or where what is left
        lies on one line.
    """
    names = shared_landmarks(template, specimen)
    apart = []
    for left_out in names:
        others = {name: template[name] for name in names if name != left_out}
        used = shared_landmarks(others, specimen)
        if not used:
            continue
        spline = scipy.interpolate.RBFInterpolator(
            np.array([template[name] for name in used], dtype=np.float64),
            np.array([specimen[name] for name in used], dtype=np.float64),
            kernel="thin_plate_spline",
        )
        expected = spline(np.array([template[left_out]], dtype=np.float64))[0]
        apart.append(float(np.linalg.norm(expected - specimen[left_out])))
    return float(np.mean(apart)) if apart else float("nan")


def places_by_outline(template: NDArray[np.bool_], specimen: NDArray[np.bool_]) -> Places:
    """Return where a specimen's pixels lie on a template, by the masks of both specimens.

    Moved, turned and scaled as one piece so that the masks overlap most, see ``register``.

    Parameters
    ----------
    template, specimen
        ``[h, w]`` and ``[H, W]``: the masks of the two specimens.

    Raises
    ------
    UserError
        If a mask is empty.
    """
    for region, whose in ((template, "the template's specimen"), (specimen, "the specimen")):
        if not region.any():
            raise UserError(f"the mask of {whose} is empty: a region cannot be placed by it")
    matrix = register(template, specimen).matrix
    back = np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]]))
    rows, columns = np.indices(specimen.shape)
    return Places(
        back[0, 0] * columns + back[0, 1] * rows + back[0, 2],
        back[1, 0] * columns + back[1, 1] * rows + back[1, 2],
    )
