"""Input that looks awkward and is right: what must come out of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
from PIL import Image

from intr_discover.data.images import read_image, read_mask
from intr_discover.data.specimens import Specimens
from tests.faults.world import photograph, square

PIXELS = photograph("red", 0)
LUMINANCE = np.asarray(Image.fromarray(PIXELS).convert("L"))


@dataclass(frozen=True)
class GoodInput:
    """One awkward input.

    Attributes
    ----------
    kind
        What it is, in words.
    outcome
        What is done with it, in words.
    make
        Writes it into a folder and returns its path.
    check
        Raises AssertionError where it is not read rightly.
    """

    kind: str
    outcome: str
    make: Callable[[Path], Path]
    check: Callable[[Path], None]


def file(name: str, content: bytes | str) -> Callable[[Path], Path]:
    """Return what writes a file."""
    data = content.encode() if isinstance(content, str) else content

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


def saved(image: Image.Image, name: str, **options: object) -> Callable[[Path], Path]:
    """Return what writes a picture with Pillow."""

    def make(folder: Path) -> Path:
        image.save(folder / name, **options)
        return folder / name

    return make


def tiff(values: np.ndarray, **options: object) -> Callable[[Path], Path]:
    """Return what writes a TIFF."""

    def make(folder: Path) -> Path:
        tifffile.imwrite(folder / "a.tif", values, **options)
        return folder / "a.tif"

    return make


def shows(expected: np.ndarray, off_by: int = 0) -> Callable[[Path], None]:
    """Return what compares the pixels."""

    def check(path: Path) -> None:
        found = read_image(path)
        wanted = expected if expected.ndim == 3 else np.repeat(expected[..., None], 3, 2)
        assert found.shape == wanted.shape and found.dtype == np.uint8
        difference = np.abs(found.astype(int) - wanted.astype(int)).max()
        assert difference <= off_by, f"pixels differ by {difference}"

    return check


def masks(expected: np.ndarray) -> Callable[[Path], None]:
    """Return what compares a mask."""

    def check(path: Path) -> None:
        np.testing.assert_array_equal(read_mask(path), expected)

    return check


def table(content: bytes, name: str = "t.csv") -> Callable[[Path], Path]:
    """Return what writes two photographs and a table of them."""

    def make(folder: Path) -> Path:
        for picture in ("é 1.png", "b.png"):
            Image.fromarray(PIXELS).save(folder / picture)
        (folder / name).write_bytes(content)
        return folder / name

    return make


def lists(labels: list[str]) -> Callable[[Path], None]:
    """Return what compares the labels, whose photographs must be there."""

    def check(path: Path) -> None:
        specimens = Specimens.read(path)
        assert specimens.table["label"].tolist() == labels
        assert all(each.is_file() for each in specimens.paths)

    return check


def workbook() -> bytes:
    """Return a table as Excel writes it, with a number for a label."""
    content = io.BytesIO()
    frame = pd.DataFrame({"image": ["é 1.png", "b.png"], "label": ["007", 7]})
    frame.to_excel(content, index=False)
    return content.getvalue()


def elsewhere(folder: Path) -> Path:
    """Write a table that names photographs outside of its folder, one by its absolute path."""
    for name in ("own", "pictures"):
        (folder / name).mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(PIXELS).save(folder / "pictures" / name)
    content = f"image,label\n../pictures/a.png,a\n{folder / 'pictures' / 'b.png'},b\n"
    (folder / "own" / "t.csv").write_text(content)
    return folder / "own" / "t.csv"


def turned(orientation: int) -> Image.Exif:
    """Return the EXIF tags of a camera that was held so."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


ROWS = "image,label\né 1.png,a\nb.png,Érato\n"
RGBA = np.dstack([PIXELS, np.full(PIXELS.shape[:2], 255, np.uint8)])
RGBA[:5, :, 3] = 0
ON_WHITE = PIXELS.copy()
ON_WHITE[:5] = 255
GREY_MASK = np.where(square() > 0, 130, 120).astype(np.uint8)
RGBA_MASK = np.dstack([np.full((*square().shape, 3), 255, np.uint8), square()])
ANIMATION = [Image.fromarray(p).convert("P", palette=Image.Palette.ADAPTIVE, colors=256)
             for p in (PIXELS, 255 - PIXELS)]  # fmt: skip

GOOD_INPUTS = [
    GoodInput("TIFF of 16 bits, grey", "the high byte is kept",
              tiff(LUMINANCE.astype(np.uint16) * 257), shows(LUMINANCE)),
    GoodInput("TIFF of 16 bits, colour", "the high byte is kept",
              tiff(PIXELS.astype(np.uint16) * 257, photometric="rgb"), shows(PIXELS)),
    GoodInput("TIFF of floats from 0 to 1", "scaled to 255",
              tiff((PIXELS / 255).astype(np.float32), photometric="rgb"), shows(PIXELS)),
    GoodInput("grey picture", "the same value in all channels",
              saved(Image.fromarray(LUMINANCE), "a.png"), shows(LUMINANCE)),
    GoodInput("black and white, one bit", "0 and 255",
              saved(Image.fromarray(square()).convert("1"), "a.png"), shows(square())),
    GoodInput("CMYK", "converted to RGB",
              saved(Image.fromarray(PIXELS).convert("CMYK"), "a.tif"), shows(PIXELS)),
    GoodInput("CMYK JPEG", "converted to RGB, near what was saved",
              saved(Image.fromarray(np.full((64, 64, 3), (200, 40, 40), np.uint8))
                    .convert("CMYK"), "a.jpg", quality=100),
              shows(np.full((64, 64, 3), (200, 40, 40), np.uint8), 6)),
    GoodInput("transparent parts", "laid on white", saved(Image.fromarray(RGBA), "a.png"),
              shows(ON_WHITE)),
    GoodInput("turned by its EXIF tag", "upright",
              saved(Image.fromarray(np.rot90(PIXELS).copy()), "a.png",
                    exif=turned(6)), shows(PIXELS)),
    GoodInput("a single pixel", "read as it is",
              saved(Image.fromarray(PIXELS[8:9, 10:11]), "a.png"), shows(PIXELS[8:9, 10:11])),
    GoodInput("animated GIF", "the first frame",
              saved(ANIMATION[0], "a.gif", save_all=True, append_images=ANIMATION[1:]),
              shows(np.asarray(ANIMATION[0].convert("RGB")))),
    GoodInput("TIFF of several pages", "the first page",
              saved(Image.fromarray(PIXELS), "a.tif", save_all=True,
                    append_images=[Image.fromarray(255 - PIXELS)]), shows(PIXELS)),
    GoodInput("PNG called .jpg", "read by what it is",
              saved(Image.fromarray(PIXELS), "a.jpg", format="PNG"), shows(PIXELS)),
    GoodInput("mask in greys", "bright from 128 on", saved(Image.fromarray(GREY_MASK), "m.png"),
              masks(square() > 0)),
    GoodInput("mask as transparency", "transparent is background",
              saved(Image.fromarray(RGBA_MASK), "m.png"), masks(square() > 0)),
    GoodInput("table with a byte-order mark", "as without", table(ROWS.encode("utf-8-sig")),
              lists(["a", "Érato"])),
    GoodInput("table in UTF-16", "as in UTF-8", table(ROWS.encode("utf-16")),
              lists(["a", "Érato"])),
    GoodInput("table in Windows-1252", "as in UTF-8", table(ROWS.encode("cp1252")),
              lists(["a", "Érato"])),
    GoodInput("table with semicolons and Windows line ends", "as with commas",
              table(ROWS.replace(",", ";").replace("\n", "\r\n").encode()), lists(["a", "Érato"])),
    GoodInput("table with tabulators", "as with commas", table(ROWS.replace(",", "\t").encode()),
              lists(["a", "Érato"])),
    GoodInput("columns in capitals", "as in small letters",
              table(ROWS.replace("image,label", "Image,LABEL").encode()), lists(["a", "Érato"])),
    GoodInput("workbook with a number for a label", "007 and 7 stay two labels",
              table(workbook(), "t.xlsx"), lists(["007", "7"])),
    GoodInput("backslashes in paths", "as slashes",
              table("image,label\n.\\é 1.png,a\n.\\b.png,b\n".encode()), lists(["a", "b"])),
    GoodInput("paths outside of the folder, and absolute ones", "found", elsewhere,
              lists(["a", "b"])),
]  # fmt: skip
