"""Decoding: any picture file as upright 8-bit sRGB values, and every fault as one ImageError.

``images.py`` holds what the rest of the package calls; here is how it is done.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile, TiffImagePlugin, UnidentifiedImageError

from intr_discover.data.raw import DNG_VERSION, develop, is_raw
from intr_discover.data.shards import stored
from intr_discover.errors import UserError

#: Pictures with more pixels than this are refused. It is Pillow's own hard limit against files made
#: to fill the memory; a 150-megapixel camera back still passes.
MAX_PIXELS = 178_956_970

#: So are those that are so many times as long as wide: made as wide as a model wants them, they
#: would fill the memory.
MOST_ELONGATED = 100

#: A file, or the bytes of one that lies in shards.
Source = Path | io.BytesIO

WHITE = (255, 255, 255)
BLACK = (0, 0, 0)

# EXIF 2.32, tag 0x0112: how the stored picture must be turned to stand upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# How Pillow, its JPEG 2000 decoder and tifffile say that bytes are missing at the end.
_WORDS_FOR_TRUNCATED = ("truncated", "broken data stream", "failed to read")


class ImageError(UserError):
    """A picture that cannot be used: one line naming the file and what is wrong with it.

    Attributes
    ----------
    kind
        ``"missing"``, ``"empty"``, ``"truncated"``, ``"gigantic"`` or ``"unreadable"``.
    """

    def __init__(self, message: str, kind: str = "unreadable") -> None:
        super().__init__(message)
        self.kind = kind


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[tuple[Image.Image, int]]:
    """Open a picture for the time of the body; give it and its bits a channel.

    Every fault, also one in the body, comes out as an ImageError that names the file.
    """
    path, name = Path(path), os.fspath(path)
    with translated(name):
        source = _source(path, name)
        picture = _open_with_pillow(source, name)
        if picture is None:
            yield _read_with_tifffile(source, name)
        else:
            with picture as image:
                _refuse_gigantic(image.width, image.height)
                _refuse_elongated(image.width, image.height, name)
                yield image, _bits(image)


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn whatever the body's decoding raises into an ImageError that names the file."""
    try:
        yield
    except (UserError, MemoryError, AssertionError):
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"{name} has more than {MAX_PIXELS / 1e6:.0f} million pixels: make it smaller",
            "gigantic",
        ) from error
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is not a picture that can be read{_hint(name)}") from error
    # Pillow's decoders meet bytes that nobody has checked, and raise OSError, SyntaxError,
    # ValueError, struct.error, EOFError, zlib.error, KeyError and more on them. To the user all
    # of these mean one thing.
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error)
        reason = " ".join(reason.split()) or type(error).__name__
        if any(word in reason.lower() for word in _WORDS_FOR_TRUNCATED):
            message = f"{name} is cut short (truncated): copy it again"
            raise ImageError(message, "truncated") from error
        raise ImageError(f"{name} cannot be read: {reason}") from error


def _hint(name: str) -> str:
    if Path(name).suffix.lower() in (".heic", ".heif"):
        return ": convert HEIC to JPEG or PNG first"
    return ""


def _source(path: Path, name: str) -> Source:
    """Return the file, or its bytes where it lies in shards."""
    try:
        status = path.stat()  # asked once: on network disks every question takes its time
    except (FileNotFoundError, NotADirectoryError) as error:
        content = stored(path)
        if content is None:
            raise ImageError(f"{name} does not exist", "missing") from error
        source: Source = io.BytesIO(content)
        size = len(content)
    else:
        source, size = path, status.st_size
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(f"{name} is a folder, not a picture")
        if not stat.S_ISREG(status.st_mode):  # to read a pipe would wait for ever
            raise ImageError(f"{name} is no file")
    if size == 0:
        raise ImageError(f"{name} is empty (0 bytes): copy it again", "empty")
    return source


def _open_with_pillow(source: Source, name: str) -> Image.Image | None:
    """Open a picture; None for a TIFF that Pillow cannot read, or not rightly."""
    if is_raw(name):
        return develop(source, MAX_PIXELS)
    try:
        image = Image.open(source)
    except UnidentifiedImageError:
        if _is_tiff(source):
            return None
        if _is_heif(source):
            return _open_heif(source)
        raise
    if is_raw(name, image):
        image.close()
        return develop(source, MAX_PIXELS)
    if _pillow_misreads(image):
        image.close()
        return None
    return image


def _refuse_gigantic(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise Image.DecompressionBombError(f"{width} x {height} pixels")


def _refuse_elongated(width: int, height: int, name: str) -> None:
    if max(width, height) > MOST_ELONGATED * min(width, height):
        raise ImageError(
            f"{name} has {width} x {height} pixels, more than {MOST_ELONGATED} times as long as "
            "wide: crop it to the specimen"
        )


def _is_tiff(source: Source) -> bool:
    if isinstance(source, io.BytesIO):
        start = source.getvalue()[:4]
    else:
        with source.open("rb") as file:
            start = file.read(4)
    return start in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def _pillow_misreads(image: Image.Image) -> bool:
    """Return whether Pillow would show the wrong pixels of a TIFF without a word.

    Found with Pillow 12 and 13: uncompressed 16-bit colour stored plane by plane is read as 8-bit,
    and 16-bit grey with white as zero is not inverted.
    """
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False
    tags = image.tag_v2
    deep = max(tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,))) > 8
    planes = tags.get(TiffImagePlugin.PLANAR_CONFIGURATION, 1) == 2
    uncompressed = tags.get(TiffImagePlugin.COMPRESSION, 1) == 1
    white_is_zero = tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0
    return deep and ((planes and uncompressed) or white_is_zero)


def _is_heif(source: Source) -> bool:
    if isinstance(source, io.BytesIO):
        start = source.getvalue()[:12]
    else:
        with source.open("rb") as file:
            start = file.read(12)
    # ISO/IEC 23008-12: a box "ftyp" with a brand of still pictures coded in HEVC.
    return start[4:8] == b"ftyp" and start[8:] in (b"heic", b"heix", b"heim", b"heis", b"mif1")


def _open_heif(source: Source) -> Image.Image:
    """Open a HEIC photograph; libheif turns it upright by the file's own box, not by EXIF."""
    import pi_heif  # here because few collections need it

    if isinstance(source, io.BytesIO):
        source.seek(0)
    try:
        image: Image.Image = pi_heif.HeifImageFile(source)
    except (ValueError, OSError, RuntimeError, SyntaxError, EOFError) as error:
        raise UnidentifiedImageError(str(error)) from error
    return image


def _read_with_tifffile(source: Source, name: str) -> tuple[Image.Image, int]:
    """Read a TIFF that Pillow cannot: colour in floating point (scikit-image writes it), planes."""
    import tifffile  # here because few collections need it

    if isinstance(source, io.BytesIO):
        source.seek(0)  # Pillow has read some of it
    with tifffile.TiffFile(source) as file:
        page = file.pages.first
        if DNG_VERSION in page.tags:
            return develop(source, MAX_PIXELS), 8
        if len(file.pages) != 1:
            raise UnidentifiedImageError(f"{len(file.pages)} pages")
        _refuse_gigantic(page.imagewidth, page.imagelength)
        values = page.asarray()
        planes = page.axes == "SYX"
        white_is_zero = page.photometric == tifffile.PHOTOMETRIC.MINISWHITE
        orientation = page.tags.valueof(ExifTags.Base.Orientation, default=1)
        profile = page.iccprofile
    if planes:
        values = np.moveaxis(values, 0, -1)
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] not in (3, 4)):
        raise UnidentifiedImageError(f"shape {values.shape}")
    eight_bit = _to_8_bits(values, name)
    image = Image.fromarray(255 - eight_bit if white_is_zero else eight_bit)
    if orientation in TURNS:
        image = image.transpose(TURNS[orientation])
    if profile:
        image.info["icc_profile"] = profile
    return image, 8 * values.dtype.itemsize


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) to 8; a value out of range counts as 1."""
    value = image.getexif().get(ExifTags.Base.Orientation, 1)
    return value if value in TURNS else 1


def _bits(image: Image.Image) -> int:
    if image.mode == "1":
        return 1
    if image.mode in ("I", "F"):
        return 32
    tiles = image.tile if isinstance(image, ImageFile.ImageFile) else []
    # Pillow shows 16-bit colour as plain RGB; only the raw mode of its decoder tells.
    return 16 if ";16" in image.mode or ";16" in str(tiles) else 8


def upright_rgb(
    image: Image.Image,
    name: str,
    background: tuple[int, int, int] = WHITE,
    use_profile: bool = True,
) -> np.ndarray:
    """Return an opened picture as upright sRGB, ``uint8 [H, W, 3]``, a new array.

    Parameters
    ----------
    image
        In any mode; it is not changed.
    name
        What to call it in an error.
    background
        The colour that transparent parts are laid on.
    use_profile
        Whether an embedded colour profile is converted to sRGB.
    """
    image.load()
    # After loading: Pillow's TIFF reader turns the picture by itself and then drops the tag.
    turn = TURNS.get(orientation_of(image))
    profile = image.info.get("icc_profile") if use_profile else None
    if turn is not None:
        image = image.transpose(turn)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = Image.fromarray(_to_8_bits(_deep_values(image), name))
    if not image.has_transparency_data:
        return np.array(_to_srgb(image, profile))
    with_alpha = image.convert("RGBA")
    opaque = image.getchannel("L") if image.mode == "LA" else with_alpha.convert("RGB")
    ground = Image.new("RGB", image.size, background)
    return np.array(Image.composite(_to_srgb(opaque, profile), ground, with_alpha.getchannel("A")))


def _deep_values(image: Image.Image) -> np.ndarray:
    values = np.asarray(image)
    # Pillow scales deep PGM files to 16 bits but keeps them in 32.
    return values.astype(np.uint16) if image.format == "PPM" else values


def _to_8_bits(values: np.ndarray, name: str) -> np.ndarray:
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        return (values >> 8).astype(np.uint8)
    if values.dtype.kind == "f" and values.min() >= 0 and values.max() <= 1:  # false for NaN
        return np.rint(values * 255).astype(np.uint8)
    raise ImageError(
        f"{name} has {values.dtype.name} values from {values.min():g} to {values.max():g}, whose "
        "scale is not known: save it with 8 or 16 bits a channel, or as floats from 0 to 1"
    )


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile:
        return image.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}.get(source.profile.xcolor_space.strip())
        if mode == "RGB" and image.mode != "CMYK":
            image = image.convert("RGB")  # greys and palettes carry RGB profiles too
        if image.mode == mode:
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            assert converted is not None  # None only when converting in place
            return converted
    except (OSError, ImageCms.PyCMSError):
        pass  # A damaged profile: show the values as they are, like every viewer.
    return image.convert("RGB")
