"""Pictures for a screen that put what belongs together side by side: tiles of the atlas, and items.

As in print (``head_atlas``), without the page around them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from intr_discover.figures import overlay
from intr_discover.figures.head_atlas import Tile, crop, place_of_crop
from intr_discover.figures.screen import map_picture, photograph_picture, screen_grid
from intr_discover.figures.strips import MARKER_COLOUR

_GAP_SHARE = 0.02  # of the longer side
_WHITE = 255

Picture = npt.NDArray[np.uint8]


def tile_picture(tile: Tile, scale: float, window: float, side: int) -> Picture:
    """Return what lies round a head's peak, and beside it the map with the place of it.

    Parameters
    ----------
    tile
        The photograph as the head sees it.
    scale
        The weight drawn in the last colour, the same for all tiles that are shown together.
    window
        Side of the left picture as a share of the photograph's sides.
    side
        Pixels of the longer side of each of the two.

    Returns
    -------
    ndarray
        ``[h, w, 3]`` uint8.
    """
    rows, columns = tile.photograph.shape[:2]
    shape = screen_grid((rows, columns), side)
    left, top, right, bottom = place = place_of_crop(tile.peak, window)
    cut = crop(tile.photograph, place)
    near = Image.fromarray(overlay.resize_photograph(cut, *shape))
    ring = [(at - low) / (high - low) * pixels
            for at, low, high, pixels in zip(tile.peak, (left, top), (right, bottom),
                                                shape[::-1], strict=True)]  # fmt: skip
    radius = side / 26
    _outline(near, "ellipse", [ring[0] - radius, ring[1] - radius, ring[0] + radius,
                               ring[1] + radius])  # fmt: skip
    far = Image.fromarray(
        map_picture(tile.photograph, overlay.resize_map(tile.heatmap, *shape), scale)
    )
    _outline(far, "rectangle", [left * shape[1], top * shape[0], right * shape[1] - 1,
                                bottom * shape[0] - 1])  # fmt: skip
    return side_by_side([np.asarray(near), np.asarray(far)])


def item_picture(
    photograph: Picture, maps: Sequence[npt.NDArray[np.float32]], side: int
) -> Picture:
    """Return a photograph, and beside it one map or several, without a word about any of them.

    Parameters
    ----------
    photograph
        ``[H, W, 3]`` uint8.
    maps
        ``[h, w]`` each, over the whole photograph, at least 0. They are drawn on one scale, from 0
        to the largest value among them: the scale itself would tell one method from another.
    side
        Pixels of the longer side of the photograph; several maps share the place of one.

    Returns
    -------
    ndarray
        ``[h, w, 3]`` uint8, white where there is nothing.
    """
    largest = max(float(each.max()) for each in maps)
    scale = largest if largest > 0 else 1.0
    columns = math.ceil(math.sqrt(len(maps)))
    shape = screen_grid((photograph.shape[0], photograph.shape[1]), max(1, side // min(columns, 2)))
    drawn = [map_picture(photograph, overlay.resize_map(each, *shape), scale) for each in maps]
    rows = [side_by_side(drawn[first : first + columns])
            for first in range(0, len(drawn), columns)]  # fmt: skip
    turned = [row.transpose(1, 0, 2) for row in rows]
    grid = side_by_side(turned).transpose(1, 0, 2)
    return side_by_side([photograph_picture(photograph, side), np.ascontiguousarray(grid)])


def side_by_side(pictures: Sequence[Picture]) -> Picture:
    """Return pictures in a row with white between and below them, ``[h, w, 3]`` uint8."""
    gap = max(2, round(_GAP_SHARE * max(max(each.shape[:2]) for each in pictures)))
    height = max(each.shape[0] for each in pictures)
    width = sum(each.shape[1] for each in pictures) + gap * (len(pictures) - 1)
    page = np.full((height, width, 3), _WHITE, dtype=np.uint8)
    left = 0
    for each in pictures:
        page[: each.shape[0], left : left + each.shape[1]] = each
        left += each.shape[1] + gap
    return page


def _outline(picture: Image.Image, kind: str, box: Sequence[float]) -> None:
    """Draw a ring or a frame in blue with a dark rim, seen on every ground."""
    pen = ImageDraw.Draw(picture)
    width = max(1, round(max(picture.size) / 110))
    for colour, grown in (("black", width), (MARKER_COLOUR, 0)):
        outer = [box[0] - grown, box[1] - grown, box[2] + grown, box[3] + grown]
        getattr(pen, kind)(outer, outline=colour, width=width + 2 * grown)
