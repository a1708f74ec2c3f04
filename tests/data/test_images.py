"""Every awkward kind of picture file, made here, with the pixel values it must give."""

from __future__ import annotations

import io
import pickle
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from intr_discover.data.images import (
    MAX_PIXELS,
    ImageError,
    inspect_image,
    read_image,
    read_mask,
    to_array,
    upright_shape,
)
from intr_discover.errors import UserError

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def noise(height: int = 24, width: int = 36, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def png_bytes(values: np.ndarray, colour_type: int, depth: int, size=None) -> bytes:
    """Write a PNG by the letter of its specification, without any imaging library."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    width, height = size or (values.shape[1], values.shape[0])
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2" if depth == 16 else "u1").tobytes() for row in values)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def linear_profile(space: bytes) -> bytes:
    """Return an ICC 2.1 profile with sRGB's primaries (or grey) and a linear tone curve."""

    def fixed(*numbers: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(n * 65536)) for n in numbers)

    curve = b"curv" + bytes(4) + struct.pack(">I", 0)  # no entries: the identity
    text = b"linear\0"
    description = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)
    tags = {b"desc": description, b"cprt": b"text\0\0\0\0none\0", b"wtpt": fixed(0.9642, 1, 0.8249)}
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:  # sRGB's primaries, adapted to D50 (IEC 61966-2-1)
        tags[b"rXYZ"] = fixed(0.43607, 0.22249, 0.01392)
        tags[b"gXYZ"] = fixed(0.38515, 0.71687, 0.09708)
        tags[b"bXYZ"] = fixed(0.14307, 0.06061, 0.71410)
        tags.update(dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data
    header = struct.pack(
        ">I4sI4s4s4s", start + len(body), bytes(4), 0x02100000, b"mntr", space, b"XYZ "
    )
    header += bytes(12) + b"acsp" + bytes(28) + fixed(0.9642, 1, 0.8249)[8:]
    return header.ljust(128, b"\0") + table + body


# --- 16 bits, floats, other depths -----------------------------------------------------------

# By hand: the high byte.
DEEP = np.array([[0x0000, 0x00FF, 0x0100, 0x7FFF], [0x8000, 0x80FF, 0xFF00, 0xFFFF]], np.uint16)
EIGHT = np.array([[0, 0, 1, 127], [128, 128, 255, 255]], np.uint8)
DEEP_RGB = np.stack([DEEP, DEEP[::-1], DEEP[:, ::-1]], axis=2)
EIGHT_RGB = np.stack([EIGHT, EIGHT[::-1], EIGHT[:, ::-1]], axis=2)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("how", ["plain", "deflate", "tiles", "planes", "planes+deflate"])
def test_tiff_with_16_bits_a_channel(tmp_path, order, how):
    options = {"byteorder": order}
    if "deflate" in how:
        options["compression"] = "deflate"
    if how == "tiles":
        options["tile"] = (16, 16)
    if "planes" in how:
        values, options["planarconfig"] = DEEP_RGB.transpose(2, 0, 1).copy(), "separate"
    else:
        values = DEEP_RGB
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", **options)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), EIGHT_RGB)
    assert inspect_image(tmp_path / "a.tif").bits == 16


def test_png_with_16_bits_a_channel(tmp_path):
    (tmp_path / "grey.png").write_bytes(png_bytes(DEEP, 0, 16))
    (tmp_path / "rgb.png").write_bytes(png_bytes(DEEP_RGB, 2, 16))
    np.testing.assert_array_equal(read_image(tmp_path / "grey.png"), EIGHT[..., None].repeat(3, 2))
    np.testing.assert_array_equal(read_image(tmp_path / "rgb.png"), EIGHT_RGB)
    for name in ("grey.png", "rgb.png"):
        assert inspect_image(tmp_path / name).bits == 16
        # OpenCV, an independent decoder, reduces to the same 8 bits.
        other = cv2.imread(str(tmp_path / name), cv2.IMREAD_COLOR)[..., ::-1]
        np.testing.assert_array_equal(read_image(tmp_path / name), other)


def test_16_bit_alpha_is_laid_on_white(tmp_path):
    grey_alpha = np.dstack([DEEP, np.full_like(DEEP, 0xFFFF)])
    grey_alpha[0, 0, 1] = 0
    (tmp_path / "la.png").write_bytes(png_bytes(grey_alpha, 4, 16))
    pixels = read_image(tmp_path / "la.png")
    assert tuple(pixels[0, 0]) == WHITE
    assert tuple(pixels[1, 0]) == (128, 128, 128)
    tifffile.imwrite(
        tmp_path / "rgba.tif",
        np.dstack([DEEP_RGB, grey_alpha[..., 1]]),
        photometric="rgb",
        extrasamples=["unassalpha"],
    )
    pixels = read_image(tmp_path / "rgba.tif")
    assert tuple(pixels[0, 0]) == WHITE
    np.testing.assert_array_equal(pixels[1], EIGHT_RGB[1])


@pytest.mark.parametrize("deep", [False, True])
def test_tiff_whose_zero_is_white(tmp_path, deep):
    values = DEEP if deep else EIGHT
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[..., 0], 255 - EIGHT)


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
@pytest.mark.parametrize("colour", [False, True])
def test_floats_from_0_to_1(tmp_path, kind, colour):
    values = np.array([[0, 0.25, 0.5, 1]], dtype=kind)
    expected = np.array([[0, 64, 128, 255]])  # round(255 v): 63.75 and, to even, 127.5
    if colour:
        values, expected = np.dstack([values] * 3), np.dstack([expected] * 3)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb" if colour else "minisblack")
    pixels = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(pixels if colour else pixels[..., 0], expected)


@pytest.mark.parametrize(
    "values",
    [
        np.array([[0, 255]], np.float32),
        np.array([[0, np.nan]], np.float32),
        np.array([[-0.5, 1]], np.float32),
        np.array([[0, 70000]], np.uint32),
        np.array([[-5, 5]], np.int16),
        np.zeros((4, 5, 3), np.float32) + 2,
    ],
)
def test_values_of_unknown_scale_are_refused(tmp_path, values):
    colours = "rgb" if values.ndim == 3 else "minisblack"
    tifffile.imwrite(tmp_path / "a.tif", values, photometric=colours)
    with pytest.raises(ImageError, match=r"a\.tif has .* values from .* scale is not known"):
        read_image(tmp_path / "a.tif")


def test_stacks_that_pillow_cannot_read_are_refused_not_guessed(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 4, 5), np.float64))
    tifffile.imwrite(tmp_path / "b.tif", np.zeros((4, 5, 7), np.uint16), planarconfig="contig")
    for name in ("a.tif", "b.tif"):
        with pytest.raises(ImageError, match="not a picture that can be read"):
            read_image(tmp_path / name)


def test_deep_pgm(tmp_path):
    (tmp_path / "a.pgm").write_bytes(b"P5 3 1 65535\n" + struct.pack(">3H", 0, 0x8000, 0xFFFF))
    assert read_image(tmp_path / "a.pgm")[0, :, 0].tolist() == [0, 128, 255]


def test_one_bit(tmp_path):
    Image.fromarray(np.array([[0, 255, 255]], np.uint8)).convert("1").save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png")[0].tolist() == [[0] * 3, [255] * 3, [255] * 3]
    assert inspect_image(tmp_path / "a.png").bits == 1


# --- modes -----------------------------------------------------------------------------------


def test_grey_palette_and_colour(tmp_path):
    Image.fromarray(EIGHT).save(tmp_path / "l.png")
    np.testing.assert_array_equal(read_image(tmp_path / "l.png"), EIGHT[..., None].repeat(3, 2))
    palette = Image.new("P", (2, 1))
    palette.putpalette([*RED, *BLUE])
    palette.putdata([0, 1])
    palette.save(tmp_path / "p.png")
    assert read_image(tmp_path / "p.png").tolist() == [[list(RED), list(BLUE)]]
    assert not inspect_image(tmp_path / "p.png").has_alpha


def test_transparent_palette_entry_is_white(tmp_path):
    palette = Image.new("P", (2, 1))
    palette.putpalette([*RED, *BLUE])
    palette.putdata([0, 1])
    for name in ("p.png", "p.gif"):
        palette.save(tmp_path / name, transparency=1)
        assert read_image(tmp_path / name).tolist() == [[list(RED), list(WHITE)]], name
        assert inspect_image(tmp_path / name).has_alpha


def test_transparent_colour_of_rgb_png_is_white(tmp_path):
    Image.fromarray(np.array([[RED, BLUE]], np.uint8)).save(tmp_path / "a.png", transparency=BLUE)
    assert read_image(tmp_path / "a.png").tolist() == [[list(RED), list(WHITE)]]


def test_alpha_is_laid_on_white(tmp_path):
    # By hand: 200 · a + 255 · (1 - a) with a = 0, 51/255, 1.
    la = np.array([[[200, 0], [200, 51], [200, 255]]], np.uint8)
    Image.fromarray(la, "LA").save(tmp_path / "la.png")
    assert read_image(tmp_path / "la.png")[0, :, 0].tolist() == [255, 244, 200]
    rgba = np.array([[(0, 0, 0, 0), (255, 0, 0, 128), (255, 0, 0, 255)]], np.uint8)
    for name in ("rgba.png", "rgba.tif"):
        Image.fromarray(rgba).save(tmp_path / name)
        assert read_image(tmp_path / name).tolist() == [[[255] * 3, [255, 127, 127], [255, 0, 0]]]
    Image.fromarray(rgba).save(tmp_path / "rgba.webp", lossless=True)
    assert read_image(tmp_path / "rgba.webp")[0, 0].tolist() == [255] * 3


def test_cmyk_jpeg_as_adobe_writes_it(tmp_path):
    # Ink: none, full cyan, full black; blocks of 16 pixels survive JPEG.
    inks = np.repeat(np.array([[(0, 0, 0, 0), (255, 0, 0, 0), (0, 0, 0, 255)]], np.uint8), 16, 1)
    Image.fromarray(np.repeat(inks, 16, 0), "CMYK").save(tmp_path / "a.jpg", quality=100)
    pixels = read_image(tmp_path / "a.jpg")
    for block, colour in enumerate([(255, 255, 255), (0, 255, 255), (0, 0, 0)]):
        np.testing.assert_allclose(pixels[8, 16 * block + 8], colour, atol=3)
    other = cv2.imread(str(tmp_path / "a.jpg"))[..., ::-1]  # an independent decoder
    np.testing.assert_allclose(pixels.astype(int), other.astype(int), atol=4)
    assert inspect_image(tmp_path / "a.jpg").mode == "CMYK"


def test_cmyk_tiff(tmp_path):
    Image.fromarray(np.array([[(0, 255, 255, 0)]], np.uint8), "CMYK").save(tmp_path / "a.tif")
    assert read_image(tmp_path / "a.tif").tolist() == [[list(RED)]]


def test_ycbcr(tmp_path):
    image = Image.new("RGB", (32, 16), RED).convert("YCbCr")
    np.testing.assert_allclose(to_array(image)[8, 8], RED, atol=2)
    image.save(tmp_path / "a.tif", compression="jpeg")
    np.testing.assert_allclose(read_image(tmp_path / "a.tif")[8, 8], RED, atol=2)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tif"])
def test_first_frame_of_animations_and_pages(tmp_path, name):
    frames = [Image.new("RGB", (8, 6), colour) for colour in (RED, GREEN, BLUE)]
    options = {"lossless": True} if name == "a.webp" else {}
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **options)
    assert (read_image(tmp_path / name) == RED).all()
    assert inspect_image(tmp_path / name).frames == 3


def test_preview_pictures_of_phones_are_no_animation(tmp_path):
    flat = [Image.new("RGB", (16, 16), colour) for colour in (RED, BLUE)]
    flat[0].save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=flat[1:])
    facts = inspect_image(tmp_path / "a.jpg")
    assert (facts.format, facts.frames) == ("MPO", 1)
    np.testing.assert_allclose(read_image(tmp_path / "a.jpg")[8, 8], RED, atol=2)


@pytest.mark.parametrize("suffix", ["jp2", "avif", "webp", "bmp", "tif", "png", "ppm"])
def test_formats(tmp_path, suffix):
    flat = np.full((40, 48, 3), (200, 100, 50), np.uint8)
    Image.fromarray(flat).save(tmp_path / f"a.{suffix}")
    np.testing.assert_allclose(read_image(tmp_path / f"a.{suffix}").astype(int), flat, atol=4)


# --- orientation -----------------------------------------------------------------------------

# EXIF 2.32, table of tag 0x0112, as array arithmetic: the upright picture from the stored one.
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a[::-1].swapaxes(0, 1),  # a quarter turn clockwise
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a.swapaxes(0, 1)[::-1],  # a quarter turn anticlockwise
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_exif_orientation_exactly(tmp_path, orientation, suffix):
    stored = noise(5, 8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(stored).save(tmp_path / f"a.{suffix}", exif=exif, **options)
    upright = UPRIGHT[orientation](stored)
    np.testing.assert_array_equal(read_image(tmp_path / f"a.{suffix}"), upright)
    facts = inspect_image(tmp_path / f"a.{suffix}")
    assert facts.orientation == orientation
    assert (facts.height, facts.width) == upright.shape[:2]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_of_jpeg_agrees_with_opencv(tmp_path, orientation):
    stored = cv2.resize(noise(4, 6), (48, 32), interpolation=cv2.INTER_LINEAR)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "a.jpg", exif=exif, quality=100, subsampling=0)
    pixels = read_image(tmp_path / "a.jpg").astype(int)
    np.testing.assert_allclose(pixels, UPRIGHT[orientation](stored), atol=6)
    np.testing.assert_allclose(pixels, cv2.imread(str(tmp_path / "a.jpg"))[..., ::-1], atol=6)


def test_exif_orientation_of_16_bit_grey(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(DEEP).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png")[..., 0], EIGHT[::-1].T)


@pytest.mark.parametrize(
    ("at_least", "shape"),
    [(300, (400, 300)), (150, (200, 150)), (101, (200, 150)), (30, (50, 38)), (1, (50, 38))],
)
def test_a_jpeg_of_which_less_is_enough(tmp_path, at_least, shape):
    """300 rows by 400 columns, turned by EXIF; libjpeg decodes a half, a quarter or an eighth."""
    rows, columns = np.mgrid[:300, :400]
    smooth = np.stack([rows * 0.8, columns * 0.6, (rows + columns) * 0.3], axis=2)
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(smooth.astype(np.uint8)).save(tmp_path / "p.jpg", quality=95, exif=exif)
    whole = read_image(tmp_path / "p.jpg")
    small = read_image(tmp_path / "p.jpg", at_least=at_least)
    assert whole.shape[:2] == (400, 300) and small.shape[:2] == shape
    shrunk = Image.fromarray(whole).resize((shape[1], shape[0]), Image.Resampling.BOX)
    assert np.abs(small.astype(float) - np.asarray(shrunk)).mean() < 3
    Image.fromarray(whole).save(tmp_path / "p.png")
    assert np.array_equal(read_image(tmp_path / "p.png", at_least=at_least), whole)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_nonsense_orientation_is_upright(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(noise()).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), noise())
    assert inspect_image(tmp_path / "a.png").orientation == 1


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_does_not_cost_the_picture(tmp_path):
    Image.fromarray(noise()).save(tmp_path / "a.png", exif=b"Exif\0\0II*\0\xff\xff\xff\x7fjunk")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), noise())


# --- colour profiles -------------------------------------------------------------------------

# By hand: a linear 128/255 = 0.50196 is 1.055 · 0.50196^(1/2.4) - 0.055 = 0.7367 in sRGB,
# 0.7367 · 255 = 187.9; a linear 10/255 is 0.2189, 55.8 of 255.
LINEAR_TO_SRGB = {0: 0, 10: 56, 128: 188, 255: 255}


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "webp"])
def test_colour_profile_is_converted_to_srgb(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {}
    for linear, srgb in LINEAR_TO_SRGB.items():
        image = Image.new("RGB", (16, 16), (linear,) * 3)
        image.save(path, icc_profile=linear_profile(b"RGB "), **options)
        np.testing.assert_allclose(read_image(path)[8, 8].astype(int), [srgb] * 3, atol=1)
    assert inspect_image(path).has_profile


def test_profiles_of_grey_transparent_palette_and_deep_pictures(tmp_path):
    grey, colour = linear_profile(b"GRAY"), linear_profile(b"RGB ")
    Image.new("L", (4, 4), 128).save(tmp_path / "l.png", icc_profile=grey)
    Image.new("LA", (4, 4), (128, 255)).save(tmp_path / "la.png", icc_profile=grey)
    Image.new("L", (4, 4), 128).save(tmp_path / "l.jpg", icc_profile=colour)
    Image.new("RGBA", (4, 4), (128, 128, 128, 255)).save(tmp_path / "a.png", icc_profile=colour)
    palette = Image.new("P", (4, 4))
    palette.putpalette([128, 128, 128])
    palette.save(tmp_path / "p.png", icc_profile=colour)
    deep = np.full((4, 4), 0x8000, np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png", icc_profile=grey)
    floats = np.full((4, 4, 3), 128 / 255)
    tifffile.imwrite(tmp_path / "f.tif", floats, photometric="rgb", iccprofile=colour)
    for path in sorted(tmp_path.iterdir()):
        np.testing.assert_allclose(
            read_image(path)[2, 2].astype(int), 188, atol=1, err_msg=path.name
        )


def test_transparency_is_laid_on_white_after_the_profile(tmp_path):
    image = Image.new("RGBA", (4, 4), (128, 128, 128, 0))
    image.save(tmp_path / "a.png", icc_profile=linear_profile(b"RGB "))
    assert (read_image(tmp_path / "a.png") == 255).all()


def test_srgb_profile_changes_nothing(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(noise()).save(tmp_path / "a.png", icc_profile=profile)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), noise())


@pytest.mark.parametrize(
    "profile", [b"junk", linear_profile(b"RGB ")[:200], linear_profile(b"GRAY")]
)
def test_damaged_or_unfitting_profile_is_ignored(tmp_path, profile):
    Image.fromarray(noise()).save(tmp_path / "a.png", icc_profile=profile)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), noise())


def test_rgb_profile_in_a_cmyk_picture_is_ignored(tmp_path):
    cmyk = Image.fromarray(np.array([[(0, 255, 255, 0)]], np.uint8), "CMYK")
    cmyk.save(tmp_path / "a.tif", icc_profile=linear_profile(b"RGB "))
    assert read_image(tmp_path / "a.tif").tolist() == [[list(RED)]]


# --- broken files ----------------------------------------------------------------------------


def test_missing_empty_folder_text_and_heic(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("This is not a picture at all.\n" * 40)
    (tmp_path / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(300))
    expected = {
        "gone.jpg": ("missing", "does not exist"),
        "empty.jpg": ("empty", "is empty"),
        "text.jpg": ("unreadable", "not a picture"),
        "phone.heic": ("unreadable", "convert HEIC to JPEG"),
        "": ("unreadable", "is a folder"),
    }
    for name, (kind, words) in expected.items():
        with pytest.raises(ImageError) as caught:
            read_image(tmp_path / name)
        assert caught.value.kind == kind
        assert words in str(caught.value)
        assert str(tmp_path / name) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.97])
@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        ("jpg", {}),
        ("jpg", {"progressive": True}),
        ("png", {}),
        ("tif", {}),
        ("gif", {}),
        ("bmp", {}),
        ("ppm", {}),
        ("jp2", {}),
    ],
)
def test_truncated(tmp_path, share, suffix, options):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(noise(90, 120)).save(path, **options)
    whole = path.read_bytes()
    read_image(path)
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ImageError, match="truncated") as caught:
        read_image(path)
    assert caught.value.kind == "truncated"


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.97])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data", "ignore:Truncated File Read")
@pytest.mark.parametrize("options", [{"suffix": "webp"}, {"suffix": "avif"}, {"suffix": "tif"}])
def test_truncated_formats_that_say_so_in_other_words(tmp_path, share, options):
    path = tmp_path / f"a.{options['suffix']}"
    compression = {"compression": "tiff_lzw"} if options["suffix"] == "tif" else {}
    Image.fromarray(noise(90, 120)).save(path, **compression)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ImageError):
        read_image(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("planes", [False, True])
def test_truncated_tiff_that_pillow_does_not_read(tmp_path, share, planes):
    values = noise(40, 50).astype(np.uint16) * 257
    if planes:
        values = values.transpose(2, 0, 1).copy()
        tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", planarconfig="separate")
    else:
        tifffile.imwrite(tmp_path / "a.tif", values / 65535, photometric="rgb")
    whole = (tmp_path / "a.tif").read_bytes()
    read_image(tmp_path / "a.tif")
    (tmp_path / "a.tif").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ImageError, match="truncated"):
        read_image(tmp_path / "a.tif")


def test_gigantic_is_refused_before_decoding(tmp_path):
    # The header claims 20,000 x 20,000 pixels; the file has 70 bytes.
    (tmp_path / "a.png").write_bytes(png_bytes(np.zeros((1, 1)), 0, 8, size=(20_000, 20_000)))
    with pytest.raises(ImageError, match="179 million pixels") as caught:
        read_image(tmp_path / "a.png")
    assert caught.value.kind == "gigantic"


def test_the_limit_is_pillows_so_that_no_global_setting_is_touched():
    assert Image.MAX_IMAGE_PIXELS is not None
    assert MAX_PIXELS == 2 * Image.MAX_IMAGE_PIXELS


def test_limit_holds_where_another_library_lifted_pillows(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    (tmp_path / "a.png").write_bytes(png_bytes(np.zeros((1, 1)), 0, 8, size=(20_000, 20_000)))
    with pytest.raises(ImageError, match="million pixels"):
        read_image(tmp_path / "a.png")


def _samples() -> list[bytes]:
    image, samples = Image.fromarray(noise(12, 17)), []
    for format_, options in [
        ("PNG", {}),
        ("JPEG", {}),
        ("GIF", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_deflate"}),
        ("WEBP", {}),
        ("BMP", {}),
    ]:
        buffer = io.BytesIO()
        exif = {"exif": b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"}
        image.save(buffer, format_, **options, **(exif if format_ in ("PNG", "JPEG") else {}))
        samples.append(buffer.getvalue())
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, noise(12, 17) / 255, photometric="rgb")
    return [*samples, buffer.getvalue()]


SAMPLES = _samples()


@settings(max_examples=250, deadline=None)
@given(
    sample=st.sampled_from(SAMPLES),
    changes=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=6),
    keep=st.floats(0, 1),
)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
def test_damaged_bytes_give_a_picture_or_an_image_error(tmp_path_factory, sample, changes, keep):
    data = bytearray(sample)
    for place, value in changes:
        data[place % len(data)] = value
    path = tmp_path_factory.getbasetemp() / "damaged.bin"
    path.write_bytes(data if keep > 0.5 else data[: int(2 * keep * len(data))])
    try:
        pixels = read_image(path)
    except ImageError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
    else:
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 3
        assert pixels.shape[2] == 3


def test_image_error_survives_the_way_back_from_another_process():
    error = pickle.loads(pickle.dumps(ImageError("a.jpg is cut short", "truncated")))
    assert (str(error), error.kind) == ("a.jpg is cut short", "truncated")
    assert isinstance(error, UserError)


def test_files_are_closed_again(tmp_path):
    Image.fromarray(noise()).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:200])
    tifffile.imwrite(tmp_path / "c.tif", noise() / 255.0, photometric="rgb")
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("open files can be counted on Linux only")
    before = len(list(folder.iterdir()))
    for _ in range(20):
        read_image(tmp_path / "a.png")
        read_image(tmp_path / "c.tif")
        with pytest.raises(ImageError):
            read_image(tmp_path / "b.png")
    assert len(list(folder.iterdir())) <= before


# --- what users hand over --------------------------------------------------------------------


def test_to_array_takes_paths_images_and_arrays(tmp_path):
    array = noise()
    Image.fromarray(array).save(tmp_path / "a.png")
    for image in (tmp_path / "a.png", str(tmp_path / "a.png"), Image.fromarray(array), array):
        result = to_array(image)
        np.testing.assert_array_equal(result, array)
        assert result is not array
        assert result.flags.writeable
        assert result.flags.c_contiguous
    with Image.open(tmp_path / "a.png") as opened:
        np.testing.assert_array_equal(to_array(opened), array)
    np.testing.assert_array_equal(to_array(array[:, ::-1]), array[:, ::-1])


def test_to_array_takes_grey_and_alpha():
    assert to_array(np.array([[7]], np.uint8)).tolist() == [[[7, 7, 7]]]
    assert to_array(np.array([[[9, 9, 9, 0]]], np.uint8)).tolist() == [[[255, 255, 255]]]


def test_to_array_turns_a_pillow_image_upright_and_leaves_it_alone(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise(5, 8)).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as opened:
        np.testing.assert_array_equal(to_array(opened), UPRIGHT[6](noise(5, 8)))
        assert opened.size == (8, 5)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((4, 4, 3)), "type float64: give uint8"),
        (np.zeros((4, 4, 3), np.uint16), "type uint16: give uint8"),
        (np.zeros((4, 4), bool), "type bool: give uint8"),
        (np.zeros((3, 4, 4, 3), np.uint8), r"shape \[3, 4, 4, 3\]"),
        (np.zeros((3, 40, 40), np.uint8), r"shape \[3, 40, 40\]"),
        (np.zeros((0, 4, 3), np.uint8), r"shape \[0, 4, 3\]"),
        ([[1, 2]], "from a list"),
        (None, "from a NoneType"),
    ],
)
def test_to_array_refuses_the_rest_in_one_line(image, words):
    with pytest.raises(UserError, match=words):
        to_array(image)


# --- masks -----------------------------------------------------------------------------------


def test_mask_is_foreground_from_128(tmp_path):
    Image.fromarray(np.array([[0, 127, 128, 255]], np.uint8)).save(tmp_path / "m.png")
    mask = read_mask(tmp_path / "m.png", size=(1, 4))
    assert mask.dtype == bool
    assert mask.tolist() == [[False, False, True, True]]


def test_masks_of_other_modes(tmp_path):
    bright = np.array([[False, True]])
    grey = bright.astype(np.uint8) * 255
    Image.fromarray(grey).convert("1").save(tmp_path / "bit.png")
    (tmp_path / "deep.png").write_bytes(png_bytes(np.array([[0x7FFF, 0x8000]]), 0, 16))
    Image.fromarray(np.array([[(0, 0, 0), BLUE]], np.uint8)).save(tmp_path / "colour.png")
    palette = Image.new("P", (2, 1))
    palette.putpalette([0, 0, 0, 128, 0, 0])  # class 1 of the PASCAL VOC colours
    palette.putdata([0, 1])
    palette.save(tmp_path / "palette.png")
    cut_out = np.array([[(255, 255, 255, 0), (255, 255, 255, 255)]], np.uint8)
    Image.fromarray(cut_out).save(tmp_path / "alpha.png")
    Image.fromarray(np.repeat(np.repeat(grey, 8, 0), 8, 1)).save(tmp_path / "big.jpg")
    for path in sorted(tmp_path.glob("*.png")):
        np.testing.assert_array_equal(read_mask(path), bright, err_msg=path.name)
    assert read_mask(tmp_path / "big.jpg")[4].tolist() == [False] * 8 + [True] * 8


def test_colour_profile_of_a_mask_is_ignored(tmp_path):
    # A linear 100 would be 168 in sRGB.
    image = Image.new("L", (4, 4), 100)
    image.save(tmp_path / "m.png", icc_profile=linear_profile(b"GRAY"))
    assert not read_mask(tmp_path / "m.png").any()


def test_mask_is_turned_like_a_photograph(tmp_path):
    stored = np.array([[0, 0, 255], [0, 0, 0]], np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(stored).save(tmp_path / "m.png", exif=exif)
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png", (3, 2)), stored[::-1].T > 0)


def test_mask_of_another_size_is_refused(tmp_path):
    Image.fromarray(np.zeros((2, 3), np.uint8)).save(tmp_path / "m.png")
    with pytest.raises(UserError, match=r"m\.png has 3 x 2 pixels, its photograph 9 x 8: .*size"):
        read_mask(tmp_path / "m.png", size=(8, 9))
    with pytest.raises(UserError, match="upright photograph"):
        read_mask(tmp_path / "m.png", size=(3, 2))


def test_broken_mask_names_its_file(tmp_path):
    (tmp_path / "m.png").touch()
    with pytest.raises(ImageError, match=r"m\.png is empty"):
        read_mask(tmp_path / "m.png")


def test_facts(tmp_path):
    Image.fromarray(np.full((5, 7, 3), 9, np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(np.full((5, 7, 3), 9, np.uint8)).save(tmp_path / "b.bmp")
    Image.fromarray(np.full((7, 5, 3), 9, np.uint8)).save(tmp_path / "c.png")
    facts = inspect_image(tmp_path / "a.png")
    assert (facts.format, facts.mode, facts.width, facts.height) == ("PNG", "RGB", 7, 5)
    assert (facts.bits, facts.frames, facts.orientation) == (8, 1, 1)
    assert (facts.has_alpha, facts.has_profile) == (False, False)
    assert (facts.darkest, facts.brightest) == (9, 9)
    # The same picture in another format, and the same bytes in another shape.
    assert facts.digest == inspect_image(tmp_path / "b.bmp").digest
    assert facts.digest != inspect_image(tmp_path / "c.png").digest


def test_shape_of_a_turned_photograph(tmp_path):
    image, exif = Image.new("RGB", (30, 20)), Image.Exif()
    image.save(tmp_path / "plain.jpg")
    exif[274] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    assert upright_shape(tmp_path / "plain.jpg") == (20, 30)
    assert upright_shape(tmp_path / "turned.jpg") == (30, 20)
