"""Where maps peak, and whether a peak hits a known region (the pointing game with a tolerance).

After Zhang et al., "Top-Down Neural Attention by Excitation Backprop", IJCV 2018: a peak counts as
a hit when some pixel of the region lies within the tolerance.
"""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from intr_discover.explain.method import Units


def peak_positions(
    maps: ArrayLike, stride: int, resized_shape: tuple[int, int], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the centre of each map's largest cell on the original photograph.

    Parameters
    ----------
    maps
        ``[..., h, w]``.
    stride
        Pixels of the resized photograph in a cell.
    resized_shape
        (height, width) to which the model resized the photograph.
    shape
        (height, width) of the original photograph.

    Returns
    -------
    ndarray
        ``[..., 2]``: x and y in original pixels, 0 being the centre of the first pixel. Of several
        largest cells the first in reading order counts. The last cells may reach over the edge of
        the photograph; their peaks are brought back to it.
    """
    maps = np.asarray(maps)
    rows, columns = np.unravel_index(
        maps.reshape(*maps.shape[:-2], -1).argmax(axis=-1), maps.shape[-2:]
    )
    x = (columns + 0.5) * stride * (shape[1] / resized_shape[1]) - 0.5
    y = (rows + 0.5) * stride * (shape[0] / resized_shape[0]) - 0.5
    return np.stack([np.clip(x, 0, shape[1] - 1), np.clip(y, 0, shape[0] - 1)], axis=-1)


def peaks_of(units: Units) -> NDArray[np.float64]:
    """Return ``[U, 2]``: x and y of each unit's largest cell in pixels of the original."""
    return peak_positions(units.maps, units.stride, units.resized_shape, units.photograph_shape)


def distance_to_mask(mask: ArrayLike) -> NDArray[np.float64]:
    """Return each pixel's distance to the nearest pixel of a region, in pixels.

    Parameters
    ----------
    mask
        ``[H, W]``: the region is where it is not 0.

    Returns
    -------
    ndarray
        ``[H, W]``: 0 inside the region; infinite everywhere when the region is empty.
    """
    outside = np.asarray(mask) == 0
    if outside.all():
        return np.full(outside.shape, np.inf)
    # Double precision: at exactly the tolerance a point hits.
    return np.asarray(scipy.ndimage.distance_transform_edt(outside), dtype=np.float64)


def distances(points: ArrayLike, mask: ArrayLike) -> NDArray[np.float64]:
    """Return how far points ``[..., 2]`` (x, y) are from a region, in pixels.

    The distance is that of the pixel in which the point lies; on the border of two, the right or
    the lower one.
    """
    field = distance_to_mask(mask)
    whole = np.floor(np.asarray(points) + 0.5).astype(np.int64)
    columns = np.clip(whole[..., 0], 0, field.shape[1] - 1)
    rows = np.clip(whole[..., 1], 0, field.shape[0] - 1)
    return field[rows, columns]


def hits(points: ArrayLike, mask: ArrayLike, tolerance: float) -> NDArray[np.bool_]:
    """Return whether each point hits a region.

    Parameters
    ----------
    points
        ``[..., 2]``: x and y in pixels.
    mask
        ``[H, W]``: the region is where it is not 0. An empty region is never hit; leave such
        photographs out of a score, they have none.
    tolerance
        Pixels by which a point may miss the region and still counts.
    """
    return distances(points, mask) <= tolerance


def chance(mask: ArrayLike, specimen: ArrayLike, tolerance: float) -> float:
    """Return how often a point drawn evenly on the specimen would hit a region, in [0, 1].

    Parameters
    ----------
    mask
        ``[H, W]``: the region.
    specimen
        ``[H, W]``: the specimen. The region counts as part of it (a site beside a wing).
    tolerance
        As for ``hits``.
    """
    region = np.asarray(mask) != 0
    within = (np.asarray(specimen) != 0) | region
    if not within.any():
        return 0.0
    near = distance_to_mask(region) <= tolerance
    return float((near & within).sum() / within.sum())


def tolerance_for(shape: tuple[int, int], cell: float) -> float:
    """Return the usual tolerance: 8 pixels for a short side of 160, at least half a cell.

    Parameters
    ----------
    shape
        (height, width) of the photograph.
    cell
        Side of a cell in original pixels.
    """
    return max(8 / 160 * min(shape), cell / 2)
