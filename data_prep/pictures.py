"""Cropping photographs, removing their background, and writing them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from intr_discover.errors import UserError
from intr_discover.files import write_with
from intr_discover.preparation.boxes import Box, mask_box, widen

__all__ = ["GREY", "Box", "PictureOptions", "copy_file", "edit", "mask_box", "save_png", "widen"]

#: The fill of a removed background: neutral, half-way between black and white.
GREY = 128


@dataclass(frozen=True)
class PictureOptions:
    """What is done to each photograph.

    Attributes
    ----------
    copy
        Copy pictures into the output folder; otherwise the table points to the published files.
    crop
        Cut to the specimen's box.
    margin
        Rim kept around the box when cropping, as a share (0 to 1) of the box's longer side.
    remove_background
        Fill everything outside the specimen mask with grey 128.
    """

    copy: bool = False
    crop: bool = False
    margin: float = 0.0
    remove_background: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.margin <= 1:
            raise UserError(
                f"--margin is {self.margin:g}: give a share of the box's longer side from 0 to 1"
            )

    @property
    def changes_pixels(self) -> bool:
        """Whether new pictures are written rather than the published files used."""
        return self.crop or self.remove_background

    def describe(self) -> str:
        """Return what is done to the pictures, in words."""
        if not self.changes_pixels:
            return "Pictures: the published files, " + ("copied." if self.copy else "not copied.")
        changes = []
        if self.crop:
            changes.append(f"cropped to the specimen's box (margin {self.margin:g})")
        if self.remove_background:
            changes.append(f"background filled with grey {GREY}")
        return f"Pictures: {', '.join(changes)}."


def edit(
    photograph: np.ndarray, mask: np.ndarray, box: Box, options: PictureOptions
) -> tuple[np.ndarray, np.ndarray, Box]:
    """Crop a photograph and remove its background, as the options say.

    Parameters
    ----------
    photograph
        ``uint8 [H, W, 3]``.
    mask
        ``bool [H, W]``, true on the specimen.
    box
        The specimen's box, before the margin.
    options
        What to do.

    Returns
    -------
    photograph, mask, window
        The new arrays, and the part of the old picture that they show. A point ``(x, y)`` of the
        old picture lies at ``(x - window[0], y - window[1])`` in the new one.
    """
    height, width = mask.shape
    window: Box = (0, 0, width, height)
    if options.remove_background:
        photograph = np.where(mask[..., None], photograph, np.uint8(GREY))
    if options.crop:
        window = widen(box, options.margin, width, height)
    x0, y0, x1, y1 = window
    return photograph[y0:y1, x0:x1], mask[y0:y1, x0:x1], window


def save_png(path: Path, pixels: np.ndarray) -> None:
    """Write ``uint8 [H, W, 3]`` or ``bool [H, W]`` (as 0 and 255) as PNG, whole or not at all."""
    if pixels.dtype == bool:
        pixels = np.where(pixels, np.uint8(255), np.uint8(0))
    image = Image.fromarray(np.ascontiguousarray(pixels))
    write_with(path, lambda file: image.save(file, format="PNG"))


def copy_file(source: Path, path: Path) -> None:
    """Copy a file byte by byte, whole or not at all."""
    write_with(path, lambda file: shutil.copyfile(source, file))
