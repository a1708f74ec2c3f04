"""The background replaced, or the specimen taken away: pure functions of a picture and a mask.

Nothing inside the mask changes by a level when a background is replaced.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from intr_discover.edits.checks import Mask, check_mask, check_photograph
from intr_discover.errors import UserError

GREY = 128

_FILLED_ON = 96  # pixels of the longer side on which a specimen is filled in
_RADIUS = 3.0  # pixels around each filled one that OpenCV looks at
_RIM = 0.04  # of the shorter side: shadows and mixed pixels round a specimen go with it


def replace_background(
    photograph: NDArray[np.uint8],
    mask: NDArray[np.generic],
    background: NDArray[np.uint8],
    *,
    feather: float = 0.0,
) -> NDArray[np.uint8]:
    """Put a specimen on another background.

    Parameters
    ----------
    photograph
        uint8 RGB ``[H, W, 3]``; it is not changed.
    mask
        ``[H, W]``: the specimen is where it is above 0.
    background
        uint8 RGB ``[H', W', 3]``, stretched to the photograph's size where that differs.
    feather
        Width in pixels of the soft edge outside the mask, in which the old background passes into
        the new one; 0 for a hard edge.

    Returns
    -------
    ndarray
        uint8 ``[H, W, 3]``; inside the mask exactly the photograph.

    Raises
    ------
    UserError
        If the arrays do not fit each other, or the feather is negative.
    """
    specimen = _checked(photograph, mask)
    check_photograph(background, "background")
    if not (np.isfinite(feather) and feather >= 0):
        raise UserError(f"the feather is {feather}; it is a number of pixels, 0 or more")
    height, width = specimen.shape
    behind = background
    if background.shape[:2] != (height, width):
        smaller = width * height < background.shape[0] * background.shape[1]
        how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        behind = np.asarray(cv2.resize(background, (width, height), interpolation=how), np.uint8)
    if feather == 0 or not specimen.any():
        return np.where(specimen[..., None], photograph, behind)
    away = cv2.distanceTransform((~specimen).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    share = np.clip(1 - away / (feather + 1), 0, 1)[..., None]
    mixed = np.round(share * photograph + (1 - share) * behind).astype(np.uint8)
    return np.where(specimen[..., None], photograph, mixed)


def grey_background(
    photograph: NDArray[np.uint8],
    mask: NDArray[np.generic],
    *,
    level: int = GREY,
    feather: float = 0.0,
) -> NDArray[np.uint8]:
    """Put a specimen on plain grey of the given level; see :func:`replace_background`."""
    return replace_background(photograph, mask, np.full_like(photograph, level), feather=feather)


def shuffled_background(
    photograph: NDArray[np.uint8],
    mask: NDArray[np.generic],
    generator: np.random.Generator,
    *,
    block: int = 1,
    feather: float = 0.0,
) -> NDArray[np.uint8]:
    """Put a specimen on its own background in disorder: colours stay, arrangement goes.

    Parameters
    ----------
    photograph, mask, feather
        See :func:`replace_background`.
    generator
        Draws the order.
    block
        Pixels of the side of what is moved as a whole. 1 deals out the background's pixels anew;
        none is lost. Larger blocks keep their texture; they are cut from the picture with the
        specimen filled in, and those that lie behind the specimen cannot be seen.

    Raises
    ------
    UserError
        If the arrays do not fit each other, or a block is smaller than a pixel.
    """
    specimen = _checked(photograph, mask)
    if block < 1:
        raise UserError(f"a block has a side of {block} pixels; it needs at least 1")
    if block == 1:
        behind = photograph.copy()
        behind[~specimen] = generator.permutation(photograph[~specimen])
    else:
        behind = _blocks_in_disorder(specimen_removed(photograph, mask), block, generator)
    return replace_background(photograph, mask, behind, feather=feather)


def specimen_removed(
    photograph: NDArray[np.uint8], mask: NDArray[np.generic], *, rim: float | None = None
) -> NDArray[np.uint8]:
    """Take the specimen away: its surroundings grow over its place.

    Parameters
    ----------
    photograph, mask
        See :func:`replace_background`.
    rim
        Pixels round the mask that go too, because shadows and mixed pixels show the outline;
        default a twenty-fifth of the shorter side.

    Returns
    -------
    ndarray
        uint8 ``[H, W, 3]``; outside mask and rim exactly the photograph.

    Raises
    ------
    UserError
        If the arrays do not fit each other, or nothing is left to fill the place from.

    Notes
    -----
    Filled by fast marching (Telea 2004) on the picture reduced to 96 pixels: there is no detail
    to be invented, and a large hole takes long at full size.
    """
    specimen = _checked(photograph, mask)
    hole = _widened(specimen, rim)
    if not hole.any():
        return photograph.copy()
    if hole.all():
        raise UserError("the mask covers the whole picture; nothing is left of its background")
    height, width = hole.shape
    shrink = min(1.0, _FILLED_ON / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    # A reduced pixel is known where none of it lies in the hole, so that no specimen seeps in.
    small_hole = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    small = cv2.resize(photograph, size, interpolation=cv2.INTER_AREA)
    if small_hole.all():
        filled = np.broadcast_to(np.median(photograph[~hole], axis=0), photograph.shape)
    else:
        grown = cv2.inpaint(small, small_hole.astype(np.uint8), _RADIUS, cv2.INPAINT_TELEA)
        filled = cv2.resize(grown, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(hole[..., None], filled, photograph).astype(np.uint8)


def specimen_greyed(
    photograph: NDArray[np.uint8], mask: NDArray[np.generic], *, level: int = GREY
) -> NDArray[np.uint8]:
    """Hide the specimen under a grey rectangle, so that not even its outline is left.

    Parameters
    ----------
    photograph, mask
        See :func:`replace_background`.
    level
        Of the grey, 0 to 255.

    Returns
    -------
    ndarray
        uint8 ``[H, W, 3]``; outside the mask's bounding box exactly the photograph.
    """
    specimen = _checked(photograph, mask)
    hidden = photograph.copy()
    if specimen.any():
        rows, columns = np.flatnonzero(specimen.any(axis=1)), np.flatnonzero(specimen.any(axis=0))
        hidden[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = level
    return hidden


def _checked(photograph: NDArray[np.uint8], mask: NDArray[np.generic]) -> Mask:
    check_photograph(photograph)
    if photograph.ndim != 3 or photograph.shape[2] != 3:
        raise UserError(
            f"the picture is {list(photograph.shape)}; a background is replaced in RGB, "
            "[height, width, 3]"
        )
    return check_mask(mask, photograph)


def _widened(specimen: Mask, rim: float | None) -> Mask:
    """Return a mask with what lies within ``rim`` pixels of it."""
    reach = _RIM * min(specimen.shape) if rim is None else rim
    if reach <= 0 or not specimen.any():
        return specimen
    away = cv2.distanceTransform((~specimen).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    widened: Mask = away <= reach
    return widened


def _blocks_in_disorder(
    picture: NDArray[np.uint8], block: int, generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Cut a picture into blocks and lay them out anew; the last ones are mirrored to full size."""
    height, width = picture.shape[:2]
    below, right = -height % block, -width % block
    whole = cv2.copyMakeBorder(picture, 0, below, 0, right, cv2.BORDER_REFLECT)
    rows, columns = whole.shape[0] // block, whole.shape[1] // block
    blocks = (
        whole.reshape(rows, block, columns, block, 3).swapaxes(1, 2).reshape(-1, block, block, 3)
    )
    mixed = generator.permutation(blocks).reshape(rows, columns, block, block, 3).swapaxes(1, 2)
    return np.ascontiguousarray(mixed.reshape(whole.shape)[:height, :width])
