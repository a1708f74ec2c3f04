"""Laying an edited region into a photograph, so that nothing else changes by a single level."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from intr_discover.edits.checks import Mask


@dataclass(frozen=True)
class Area:
    """The part of a photograph in which an edit works: a box round its region.

    Attributes
    ----------
    box
        Rows and columns of the photograph.
    region
        ``[h, w]`` within the box: where the mask is.
    weight
        ``[h, w]``, 0 to 1: 1 in the region, falling to 0 across the feather.
    """

    box: tuple[slice, slice]
    region: Mask
    weight: NDArray[np.float32]

    @property
    def support(self) -> Mask:
        """Where the edit shows at all: the region and its soft edge."""
        shows: Mask = self.weight > 0
        return shows


def soft_edge(region: Mask, feather: float) -> NDArray[np.float32]:
    """Return how much of an edit shows in each pixel.

    Parameters
    ----------
    region
        ``[h, w]``, not empty.
    feather
        Pixels, 0 or more.

    Returns
    -------
    ndarray
        float32 ``[h, w]``: 1 in the region; outside it ``max(0, 1 − d / feather)``, d being the
        distance in pixels to the region's nearest pixel, centre to centre. So the edge is soft
        outside only, and a feather of 1 or less is a hard one.
    """
    if feather <= 1:
        return region.astype(np.float32)
    distance = cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.maximum(0, 1 - distance.astype(np.float64) / feather).astype(np.float32)


def area_around(region: Mask, feather: float, margin: float = 0) -> Area:
    """Return the box round a region and its soft edge, with so many pixels more on each side.

    Parameters
    ----------
    region
        ``[H, W]``, not empty.
    feather
        Width of the soft edge in pixels.
    margin
        Pixels beyond the soft edge that the operation must see.
    """
    height, width = region.shape
    beyond = math.ceil(min(feather + margin, max(height, width)))
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    box = (
        slice(max(0, int(rows[0]) - beyond), min(height, int(rows[-1]) + beyond + 1)),
        slice(max(0, int(columns[0]) - beyond), min(width, int(columns[-1]) + beyond + 1)),
    )
    return Area(box, region[box], soft_edge(region[box], feather))


def as_rgb(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return grey, RGB or RGBA as RGB ``[h, w, 3]``; transparency is left out, not applied."""
    if picture.ndim == 2:
        return np.repeat(picture[..., None], 3, axis=2)
    return np.ascontiguousarray(picture[..., :3])


def blend(
    photograph: NDArray[np.uint8],
    area: Area,
    edited: NDArray[np.uint8] | NDArray[np.float32],
    strength: float,
) -> NDArray[np.uint8]:
    """Return a photograph with an edited area laid in.

    Parameters
    ----------
    photograph
        uint8, grey, RGB or RGBA; it is not changed.
    area
        Where, and with which soft edge.
    edited
        RGB ``[h, w, 3]`` of the area's box, 0 to 255. In a grey photograph its grey shows.
    strength
        0 to 1; 0 gives the photograph as it was, byte for byte.

    Returns
    -------
    ndarray
        uint8, of the photograph's shape: ``old + strength · weight · (edited − old)``, rounded.
        An alpha channel stays as it is.
    """
    result = photograph.copy()
    if strength == 0:
        return result
    shows = area.support
    new = np.asarray(edited)[shows].astype(np.float32)
    weight = (np.float32(strength) * area.weight[shows])[:, None]
    if photograph.ndim == 2:
        crop = result[area.box][..., None]
        grey = cv2.cvtColor(new[None], cv2.COLOR_RGB2GRAY)
        new = np.asarray(grey, dtype=np.float32).reshape(-1, 1)
    else:
        crop = result[area.box][..., :3]
    old = crop[shows].astype(np.float32)
    # Not old + weight · (new − old): at full weight this is the new value exactly.
    mixed = (1 - weight) * old + weight * new
    crop[shows] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return result
