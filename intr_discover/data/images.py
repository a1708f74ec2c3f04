"""Photographs and masks from disk as arrays, upright, in 8-bit sRGB, or one clear error.

What a biologist calls "a JPEG" comes in many forms: turned by an EXIF tag, with 16 bits a channel,
in CMYK from a publisher, cut out on a transparent ground, with a scanner's colour profile. All end
here as one thing: ``uint8`` RGB of shape ``[H, W, 3]``.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

import numpy as np
from PIL import Image

from intr_discover.data.decoding import (
    BLACK,
    MAX_PIXELS,
    ImageError,
    opened,
    orientation_of,
    translated,
    upright_rgb,
)
from intr_discover.errors import UserError

__all__ = [
    "MAX_PIXELS",
    "ImageError",
    "ImageFacts",
    "inspect_image",
    "read_image",
    "read_mask",
    "to_array",
    "upright_shape",
]

_TURNED = 5  # EXIF orientations from here on exchange width and height


@dataclass(frozen=True)
class ImageFacts:
    """What a picture file holds, for the defect report.

    Attributes
    ----------
    format, mode
        As Pillow names them, for example ``"JPEG"`` and ``"CMYK"``.
    width, height
        Pixels of the upright picture.
    bits
        Bits a channel in the file: 1, 8, 16 or 32.
    frames
        Frames of an animation or pages of a TIFF; 1 for a plain picture.
    orientation
        EXIF orientation, 1 (upright) to 8.
    has_alpha
        Whether any part of the picture may be transparent.
    has_profile
        Whether a colour profile is embedded.
    darkest, brightest
        Range of the values after conversion to 8-bit RGB.
    digest
        SHA-256 of those values and their shape: equal for pictures that look the same to a model.
    """

    format: str
    mode: str
    width: int
    height: int
    bits: int
    frames: int
    orientation: int
    has_alpha: bool
    has_profile: bool
    darkest: int
    brightest: int
    digest: str


def read_image(path: str | os.PathLike[str], *, at_least: int | None = None) -> np.ndarray:
    """Read a photograph as upright 8-bit sRGB.

    Parameters
    ----------
    path
        Any format that Pillow reads (JPEG, PNG, TIFF, WebP, AVIF, GIF, BMP, JPEG 2000, …).
    at_least
        A shorter side of so many pixels is enough: of a larger JPEG a half, a quarter or an eighth
        is decoded, in a fraction of the time, and every other format as a whole. Pixels then
        differ a little from those of the whole picture made smaller.

    Returns
    -------
    numpy.ndarray
        ``uint8 [H, W, 3]``, a new array.

    Raises
    ------
    ImageError
        The file is missing, empty, cut short, too large (``MAX_PIXELS``) or no picture.

    Notes
    -----
    - *Orientation*: the EXIF tag (1 to 8) is applied.
    - *Transparency* (alpha channel or a transparent palette entry) is laid on white, the ground of
      most specimen plates. What lies under transparent pixels is arbitrary, often black.
    - *16 bits a channel*: the high byte is kept, ``v >> 8``, so 0x8000 becomes 128. Pillow, OpenCV
      and scikit-image do the same, and it undoes both ``8-bit · 256`` and ``8-bit · 257`` exactly.
    - *Floating point*: values in [0, 1] become ``round(255 v)``; other values are refused, since
      their scale is not known. So are 32-bit and signed integers.
    - *CMYK*: with the embedded profile where there is one, else by Pillow's simple formula. CMYK
      JPEGs are taken to be inverted, as Adobe writes them.
    - *Colour profile*: an embedded profile is converted to sRGB; one that cannot be read or does
      not fit the picture is ignored, as all viewers do.
    - *Animations and many pages*: the first frame.
    """
    with opened(path) as (image, _):
        if at_least is not None:
            image.draft(None, (at_least, at_least))
        return upright_rgb(image, os.fspath(path))


def inspect_image(path: str | os.PathLike[str]) -> ImageFacts:
    """Decode a photograph exactly as ``read_image`` does and return what it is.

    Raises
    ------
    ImageError
        As ``read_image``.
    """
    with opened(path) as (image, bits):
        # Asked before decoding: Pillow forgets some of it when the pixels are loaded.
        format_, mode = image.format or "TIFF", image.mode
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        orientation = orientation_of(image)
        has_alpha = image.has_transparency_data
        has_profile = bool(image.info.get("icc_profile"))
        rgb = upright_rgb(image, os.fspath(path))
    digest = hashlib.sha256(str(rgb.shape).encode())
    digest.update(rgb.data)
    return ImageFacts(
        format=format_,
        mode=mode,
        width=rgb.shape[1],
        height=rgb.shape[0],
        bits=bits,
        frames=frames,
        orientation=orientation,
        has_alpha=has_alpha,
        has_profile=has_profile,
        darkest=int(rgb.min()),
        brightest=int(rgb.max()),
        digest=digest.hexdigest(),
    )


def upright_shape(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Return (height, width) of an upright photograph, from its header alone."""
    with opened(path) as (image, _):
        turned = orientation_of(image) >= _TURNED
        return (image.width, image.height) if turned else (image.height, image.width)


def to_array(image: str | os.PathLike[str] | Image.Image | np.ndarray) -> np.ndarray:
    """Turn whatever a user calls an image into upright 8-bit RGB.

    Parameters
    ----------
    image
        A path, a Pillow image, or a ``uint8`` array ``[H, W]``, ``[H, W, 3]`` (RGB) or
        ``[H, W, 4]`` (RGB and alpha, laid on white). OpenCV's arrays are BGR: turn them first.

    Returns
    -------
    numpy.ndarray
        ``uint8 [H, W, 3]``, a new array.

    Raises
    ------
    ImageError
        As ``read_image``.
    UserError
        The array has another type or shape.
    """
    if isinstance(image, str | os.PathLike):
        return read_image(image)
    if isinstance(image, Image.Image):
        with translated("the image"):
            return upright_rgb(image, "the image")
    if not isinstance(image, np.ndarray):
        raise UserError(
            f"cannot read an image from a {type(image).__name__}: "
            "give a path, a Pillow image or a uint8 array"
        )
    if image.dtype != np.uint8:
        raise UserError(
            f"the image array has type {image.dtype}: give uint8 values from 0 to 255 "
            "(skimage.util.img_as_ubyte converts)"
        )
    if 0 in image.shape or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (3, 4))):
        raise UserError(
            f"the image array has shape {list(image.shape)}: give [H, W], [H, W, 3] or [H, W, 4]"
        )
    return upright_rgb(Image.fromarray(image), "the image")


def read_mask(path: str | os.PathLike[str], size: tuple[int, int] | None = None) -> np.ndarray:
    """Read a mask: true where it is bright.

    Parameters
    ----------
    path
        A picture of any mode. A pixel is foreground where its largest channel is at least 128 of
        255; transparent pixels are background. Its EXIF orientation is applied like that of a
        photograph, and colour profiles are ignored.
    size
        ``(height, width)`` of the upright photograph that the mask belongs to.

    Returns
    -------
    numpy.ndarray
        ``bool [H, W]``.

    Raises
    ------
    ImageError
        As ``read_image``.
    UserError
        The mask has another size than ``size``.
    """
    with opened(path) as (image, _):
        values = upright_rgb(image, os.fspath(path), background=BLACK, use_profile=False)
    mask: np.ndarray = values.max(axis=2) >= 128
    if size is not None and mask.shape != tuple(size):
        height, width = size
        turned = mask.shape == (width, height)
        raise UserError(
            f"the mask {os.fspath(path)} has {mask.shape[1]} x {mask.shape[0]} pixels, "
            f"its photograph {width} x {height}: "
            + (
                "draw it on the upright photograph (as the EXIF orientation turns it)"
                if turned
                else "make it the same size"
            )
        )
    return mask
