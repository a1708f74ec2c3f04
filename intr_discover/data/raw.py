"""Raw photographs (DNG, NEF, CR2 …), developed by LibRaw with what the camera has noted."""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image

RAW_SUFFIXES = frozenset(
    {".dng", ".nef", ".nrw", ".cr2", ".cr3", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"}
)

DNG_VERSION = 50706
"""The TIFF tag that every DNG has, whatever the file is called (Adobe, DNG Specification 1.7)."""


def is_raw(name: str | os.PathLike[str], image: Image.Image | None = None) -> bool:
    """Tell a raw photograph by its suffix, or by what Pillow takes for a TIFF and is a DNG.

    Pillow alone would show the thumbnail that such a file begins with.
    """
    if Path(name).suffix.lower() in RAW_SUFFIXES:
        return True
    return DNG_VERSION in getattr(image, "tag_v2", ())


def develop(source: Path | io.BytesIO, most_pixels: int) -> Image.Image:
    """Return a raw photograph as upright 8-bit sRGB.

    White balance is the camera's; brightness is that of the exposure, so that two photographs of a
    series stay comparable.

    Parameters
    ----------
    source
        The file or its bytes.
    most_pixels
        A photograph of more is refused.

    Raises
    ------
    DecompressionBombError
        If it has more pixels.
    LibRawError
        If LibRaw cannot read it.
    """
    import rawpy  # here because few collections need it

    if isinstance(source, io.BytesIO):
        source.seek(0)
    with rawpy.imread(os.fspath(source) if isinstance(source, Path) else source) as raw:
        if raw.sizes.width * raw.sizes.height > most_pixels:
            raise Image.DecompressionBombError(f"{raw.sizes.width} x {raw.sizes.height} pixels")
        values = raw.postprocess(
            use_camera_wb=True, no_auto_bright=True, output_color=rawpy.ColorSpace.sRGB
        )
    return Image.fromarray(values)
