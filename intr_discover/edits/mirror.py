"""Filling a region from the other wing."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from intr_discover.edits.blending import area_around, as_rgb, blend
from intr_discover.edits.checks import check_amounts, check_mask, check_photograph
from intr_discover.edits.symmetry import Axis
from intr_discover.errors import UserError


def mirror(
    photograph: NDArray[np.uint8],
    mask: NDArray[np.generic],
    axis: Axis,
    *,
    feather: float = 0.0,
    strength: float = 1.0,
) -> NDArray[np.uint8]:
    """Fill a region with what lies at the same place on the other side of the specimen.

    A region that lies on both sides is exchanged, left for right.

    Parameters
    ----------
    photograph
        uint8, grey, RGB or RGBA; it is not changed.
    mask
        ``[H, W]``: the region is where it is above 0.
    axis
        The specimen's: :func:`~intr_discover.edits.symmetry.axis_from_mask`, or
        :func:`~intr_discover.edits.symmetry.axis_from_keypoints`.
    feather, strength
        As in :func:`intr_discover.edits.erase.erase`.

    Returns
    -------
    ndarray
        uint8, of the photograph's shape. Pixels whose reflection lies beyond the photograph stay.

    Raises
    ------
    UserError
        If the arrays do not fit each other, or the whole reflection lies beyond the photograph.
    """
    check_photograph(photograph)
    check_amounts(feather, strength)
    region = check_mask(mask, photograph)
    if not region.any() or strength == 0:
        return photograph.copy()
    area = area_around(region, feather)
    rows, columns = area.box
    height, width = area.region.shape
    # From pixels of the crop to where they come from in the photograph.
    matrix = axis.matrix()
    matrix[:, 2] += matrix[:, :2] @ np.array([columns.start, rows.start])
    y, x = np.indices((height, width), dtype=np.float64)
    there = np.einsum("ij,jhw->ihw", matrix, np.stack([x, y, np.ones_like(x)]))
    last = np.array([region.shape[1] - 1, region.shape[0] - 1])[:, None, None]
    known = ((there > -1e-6) & (there < last + 1e-6)).all(axis=0)
    if not (known & area.region).any():
        raise UserError(
            "the mirror image of the mask lies beyond the photograph: look at the axis, "
            f"which runs through x = {axis.x:.0f}, y = {axis.y:.0f}, {axis.degrees:.0f}° from "
            "upright"
        )
    area.weight[~known] = 0
    # float32 maps: exact to a thirty-second of a pixel or better for photographs of any size.
    source = np.clip(there, 0, last).astype(np.float32)
    found = cv2.remap(as_rgb(photograph), source[0], source[1], cv2.INTER_LINEAR)
    reflected = np.asarray(found, dtype=np.uint8).reshape(height, width, 3)
    return blend(photograph, area, reflected, strength)
