"""Photographs that cannot be used."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from tests.faults.world import kinds, photograph

Make = Callable[[Path], object]


def encoded(format_: str, size: int = 200, **options: object) -> bytes:
    """Return a noisy picture in a format of Pillow's."""
    pixels = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format_, **options)
    return file.getvalue()


def holding(name: str, content: bytes) -> Make:
    """Return what writes a file of these bytes."""
    return lambda folder: (folder / name).write_bytes(content)


def cut(name: str, format_: str, share: float = 0.5) -> Make:
    """Return what writes a picture of which the end is missing."""

    def make(folder: Path) -> None:
        content = encoded(format_)
        (folder / name).write_bytes(content[: int(share * len(content))])

    return make


def png(width: int, height: int, data: bytes = b"") -> bytes:
    """Return a PNG whose header claims a size, whatever its data are."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))  # fmt: skip


def tiff(values: np.ndarray, **options: str) -> Make:
    """Return what writes a TIFF of these values."""
    return lambda folder: tifffile.imwrite(folder / "bad.tif", values, **options)


def among_others(make: Make, name: str) -> Make:
    """Return what writes a collection of good photographs and a bad one."""

    def made(folder: Path) -> None:
        for label in ("blue", "red"):
            (folder / "own" / label).mkdir(parents=True)
            for number in range(3):
                picture = Image.fromarray(photograph(label, number))
                picture.save(folder / "own" / label / f"{number}.png")
        make(folder / "own" / "red")
        assert (folder / "own" / "red" / name).lstat()

    return made


def with_nan(folder: Path) -> None:
    """Write a floating point TIFF that has no value in one place."""
    values = np.full((32, 40, 3), 0.5, np.float32)
    values[3, 4] = np.nan
    tiff(values, photometric="rgb")(folder)


PREDICT = "predict {run} "
TRAIN = "train own --out out --epochs 1 --device cpu"

BAD_IMAGES = kinds(
    "image",
    ("JPEG cut short", PREDICT + "bad.jpg", ("bad.jpg", "truncated"), cut("bad.jpg", "JPEG")),
    ("PNG cut short", PREDICT + "bad.png", ("bad.png", "truncated"), cut("bad.png", "PNG")),
    ("TIFF cut short", PREDICT + "bad.tif", "bad.tif", cut("bad.tif", "TIFF")),
    ("WebP cut short", PREDICT + "bad.webp", "bad.webp", cut("bad.webp", "WEBP")),
    ("JPEG 2000 cut short", PREDICT + "bad.jp2", "bad.jp2", cut("bad.jp2", "JPEG2000")),
    ("GIF cut short", PREDICT + "bad.gif", "bad.gif", cut("bad.gif", "GIF")),
    ("empty file", PREDICT + "bad.jpg", ("bad.jpg", "empty"), holding("bad.jpg", b"")),
    ("web page saved as .jpg", PREDICT + "bad.jpg", ("bad.jpg", "not a picture"),
     holding("bad.jpg", b"<!DOCTYPE html><html><body>404</body></html>")),
    ("SVG saved as .png", PREDICT + "bad.png", "bad.png",
     holding("bad.png", b'<svg xmlns="http://www.w3.org/2000/svg"/>')),
    ("HEIC", PREDICT + "bad.heic", ("bad.heic", "convert HEIC"),
     holding("bad.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))),
    ("decompression bomb", PREDICT + "bad.png", ("bad.png", "million pixels"),
     holding("bad.png", png(60_000, 60_000))),
    ("PNG without pixels", PREDICT + "bad.png", "bad.png", holding("bad.png", png(0, 0))),
    ("PNG with broken data", PREDICT + "bad.png", "bad.png",
     holding("bad.png", png(40, 32, b"abc"))),
    ("TIFF with NaN", PREDICT + "bad.tif", ("bad.tif", "scale"), with_nan),
    ("TIFF of floats without a scale", PREDICT + "bad.tif", ("bad.tif", "scale"),
     tiff(np.linspace(-5, 900, 32 * 40, dtype=np.float32).reshape(32, 40))),
    ("TIFF of 32-bit integers", PREDICT + "bad.tif", ("bad.tif", "scale"),
     tiff(np.arange(32 * 40, dtype=np.int32).reshape(32, 40))),
    ("TIFF with five channels", PREDICT + "bad.tif", "bad.tif",
     tiff(np.zeros((32, 40, 5), np.uint8), planarconfig="contig")),
    ("far longer than it is wide", PREDICT + "bad.png", ("bad.png", "60000 x 1"),
     lambda folder: Image.new("RGB", (60_000, 1)).save(folder / "bad.png")),
    ("link to itself", PREDICT + "bad.jpg", "bad.jpg",
     lambda folder: (folder / "bad.jpg").symlink_to("bad.jpg")),
    ("link to nothing", PREDICT + "bad.jpg", "bad.jpg",
     lambda folder: (folder / "bad.jpg").symlink_to("gone.jpg")),
    ("folder named .jpg", PREDICT + "bad.jpg", "bad.jpg",
     lambda folder: (folder / "bad.jpg").mkdir()),
    ("named pipe in a folder", PREDICT + "own/red", "bad.jpg",
     among_others(lambda red: os.mkfifo(red / "bad.jpg"), "bad.jpg")),
    ("link to itself in a collection", TRAIN, "red/bad.jpg",
     among_others(lambda red: (red / "bad.jpg").symlink_to("bad.jpg"), "bad.jpg")),
    ("JPEG cut short in a collection", TRAIN, ("red/bad.jpg", "--skip-broken"),
     among_others(cut("bad.jpg", "JPEG"), "bad.jpg")),
    ("photograph to explain cut short", "explain {run} bad.jpg --out out", "bad.jpg",
     cut("bad.jpg", "JPEG")),
    ("photograph to edit cut short",
     "edit {run} bad.jpg --mask {mask} --op erase --out out", "bad.jpg", cut("bad.jpg", "JPEG")),
    ("photograph that does not exist", PREDICT + "gone.jpg", "gone.jpg"),
)  # fmt: skip
