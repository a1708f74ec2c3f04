"""What a museum photograph shows beside the specimen: card, label, ruler, colour card."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from intr_discover.data.rings.raster import Picture, blur, smooth_noise
from intr_discover.data.rings.specimen import RingSpecimen

# Card, foam and cloth on which specimens are photographed.
_BACKDROPS = (
    (232, 231, 226), (222, 224, 228), (206, 205, 200), (238, 232, 218), (190, 198, 206),
    (214, 220, 210), (170, 172, 172),
)  # fmt: skip
# What `--shortcut background` lays under the second species of every ring.
_TELLTALE_BACKDROP = (150, 190, 226)
_PLAIN_BACKDROP = (226, 222, 208)

_COLOUR_CARD = ((196, 44, 48), (236, 198, 40), (60, 150, 70), (46, 90, 170), (30, 30, 30),
                (128, 128, 128), (240, 240, 240))  # fmt: skip


def draw_scene(specimen: RingSpecimen, pixels: int) -> Picture:
    """Return the backdrop with all that lies on it, float32 RGB ``[pixels, pixels, 3]``."""
    random = specimen.random("backdrop")
    colour = np.array(_BACKDROPS[random.integers(len(_BACKDROPS))], dtype=np.float64)
    colour += random.normal(0, 4 + 14 * specimen.hard) + random.normal(
        0, 1.5 + 3 * specimen.hard, 3
    )
    if specimen.shortcut == "background":
        colour = np.array(_TELLTALE_BACKDROP if specimen.which else _PLAIN_BACKDROP, np.float64)
        colour += random.normal(0, 4, 3)
    shape = (pixels, pixels)
    scene = np.tile(colour.astype(np.float32), (*shape, 1))
    texture = (2.0 + 5.0 * specimen.hard) * smooth_noise(random, shape, 3)
    texture += 1.6 * smooth_noise(random, shape, max(8, pixels // 3))
    scene += texture[..., None]
    things = specimen.random("things")
    ruler = things.random() < 0.35
    if specimen.shortcut == "ruler":
        ruler = specimen.which == 1
    if things.random() < 0.6:
        _label(scene, things)
    if ruler:
        _ruler(scene, specimen.random("ruler"))
    if things.random() < 0.3:
        _colour_card(scene, things)
    return scene


def _box(scene: Picture, left: float, top: float, right: float, bottom: float) -> Picture:
    """Return the part of the scene between shares of its sides, to be changed in place."""
    pixels = scene.shape[0]
    rows = slice(round(top * pixels), round(bottom * pixels))
    return scene[rows, round(left * pixels) : round(right * pixels)]


def _label(scene: Picture, random: np.random.Generator) -> None:
    """Lay a data label with lines of writing into a lower corner."""
    width, height = random.uniform(0.16, 0.22), random.uniform(0.085, 0.12)
    left = 0.03 if random.random() < 0.5 else 0.97 - width
    top = 0.965 - height
    shadow = _box(scene, left + 0.006, top + 0.008, left + width + 0.006, top + height + 0.008)
    shadow *= 0.86
    paper = _box(scene, left, top, left + width, top + height)
    paper[:] = np.array((246, 244, 236)) - random.uniform(0, 10)
    rows, columns = paper.shape[:2]
    for line in range(1, 4):
        y = round(rows * (line / 4 - 0.04))
        x = round(columns * 0.08)
        thick = max(1, rows // 14)
        while x < columns * random.uniform(0.72, 0.92):
            word = round(columns * random.uniform(0.05, 0.16))
            paper[y : y + thick, x : min(x + word, round(columns * 0.94))] *= 0.45
            x += word + max(1, round(columns * 0.035))


def _ruler(scene: Picture, random: np.random.Generator) -> None:
    """Lay a scale bar with ticks along the upper edge."""
    left, length, height = random.uniform(0.05, 0.25), random.uniform(0.45, 0.65), 0.055
    top = random.uniform(0.015, 0.03)
    scale = _box(scene, left, top, left + length, top + height)
    scale[:] = (242, 240, 232)
    rows, columns = scale.shape[:2]
    ticks = 30
    for tick in range(1, ticks):
        x = round(columns * tick / ticks)
        tall = 0.6 if tick % 10 == 0 else 0.45 if tick % 5 == 0 else 0.3
        scale[: round(rows * tall), x : x + max(1, columns // 220)] = (50, 50, 50)


def _colour_card(scene: Picture, random: np.random.Generator) -> None:
    """Lay a strip of reference colours along the lower edge."""
    size = 0.035
    left = random.uniform(0.32, 0.45)
    for number, colour in enumerate(_COLOUR_CARD):
        start = left + number * size
        patch = _box(scene, start, 0.945, start + size, 0.945 + size)
        patch[:] = colour


def cast_shadow(
    scene: Picture, coverage: Picture, offset: NDArray[np.float64], softness: float
) -> None:
    """Darken the backdrop where the specimen keeps the light off.

    Parameters
    ----------
    scene
        Changed in place.
    coverage
        ``[h, w]``: the specimen.
    offset
        (x, y) pixels by which the shadow is moved.
    softness
        Standard deviation of its edge in pixels.
    """
    blurred = blur(coverage, max(0.5, softness))
    move = np.array([[1, 0, offset[0]], [0, 1, offset[1]]], dtype=np.float64)
    moved = cv2.warpAffine(blurred, move, coverage.shape[::-1])
    scene *= (1 - 0.42 * moved)[..., None]
