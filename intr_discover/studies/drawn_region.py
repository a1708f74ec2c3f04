"""A region that somebody drew: a picture of it, or the corners of polygons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intr_discover.data.images import read_mask
from intr_discover.edits.masks import mask_of_polygon
from intr_discover.errors import UserError

Mask = NDArray[np.bool_]

_WANTED = (
    "wanted: corners [[x, y], …] in pixels, a list of several such polygons, or a file of LabelMe"
)


def read_region(path: Path, shape: tuple[int, int]) -> Mask:
    """Read a drawn region.

    Parameters
    ----------
    path
        A picture of the photograph's size, bright where the region is; or a ``.json`` of polygons:
        ``[[x, y], …]``, a list of several such, or what LabelMe writes. The first pixel's centre
        is at 0, 0. What reaches beyond the photograph is cut off.
    shape
        (height, width) of the photograph.

    Returns
    -------
    ndarray
        ``[H, W]``, not empty.

    Raises
    ------
    UserError
        If it cannot be read, has another size than the photograph, or is empty.
    """
    if path.suffix.lower() != ".json":
        mask = read_mask(path, shape)
        if not mask.any():
            raise UserError(f"the mask {path} is empty: make it bright where the trait is")
        return mask
    found = np.zeros(shape, dtype=bool)
    for number, corners in enumerate(_polygons(path, shape), 1):
        try:
            found |= mask_of_polygon(np.asarray(corners, dtype=np.float64), shape)
        except (TypeError, ValueError) as error:
            raise UserError(f"{path}, polygon {number} cannot be read; {_WANTED}") from error
        except UserError as error:
            raise UserError(f"{path}, polygon {number}: {error}") from error
    return found


def _polygons(path: Path, shape: tuple[int, int]) -> list[Any]:
    """Return the polygons of a file, their corners not looked at yet."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no JSON; {_WANTED}") from error
    if isinstance(read, dict) and isinstance(read.get("shapes"), list):
        return _of_labelme(path, read, shape)
    if not isinstance(read, list) or not read:
        raise UserError(f"{path} holds no polygon; {_WANTED}")
    first = read[0]
    several = isinstance(first, list) and bool(first) and isinstance(first[0], list)
    return read if several else [read]


def _of_labelme(path: Path, read: dict[str, Any], shape: tuple[int, int]) -> list[Any]:
    size = read.get("imageHeight", shape[0]), read.get("imageWidth", shape[1])
    if size != shape:
        raise UserError(
            f"{path} was drawn on {size[1]} x {size[0]} pixels, the photograph has "
            f"{shape[1]} x {shape[0]}"
        )
    shapes = read["shapes"]
    if not shapes:
        raise UserError(f"{path} holds no polygon")
    for number, each in enumerate(shapes, 1):
        kind = each.get("shape_type", "polygon") if isinstance(each, dict) else None
        if kind != "polygon" or "points" not in each:
            raise UserError(f"{path}, shape {number} is no polygon: draw the trait with polygons")
    return [each["points"] for each in shapes]
