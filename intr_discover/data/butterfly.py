"""Drawing one butterfly of an invented species.

Four species in two mimetic pairs. The species of a pair share wing shape, pattern and all
variation; one mark tells them apart, and which pixels that mark takes is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

Numbers = NDArray[np.float64]
Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]  # RGB, 0 to 255

# Outlines of the right half: x away from the body, y down, half a wing span is 1.
FOREWING = [(0.05, -0.20), (0.30, -0.47), (0.62, -0.66), (0.90, -0.73), (0.98, -0.62)]
FOREWING += [(0.88, -0.36), (0.74, -0.08), (0.42, 0.02), (0.05, 0.00)]
HINDWING = [(0.05, -0.06), (0.42, -0.06), (0.70, 0.04), (0.78, 0.24), (0.68, 0.46)]
HINDWING += [(0.46, 0.64), (0.26, 0.62), (0.10, 0.38), (0.04, 0.12)]
BAND = [(0.40, -0.60), (0.56, -0.66), (0.68, -0.30), (0.66, 0.02), (0.50, -0.12)]
TIP = [(0.60, -0.85), (0.64, -0.55), (0.80, -0.30), (1.10, -0.25), (1.10, -0.90)]
BODY = [(0.0, -0.31), (0.045, -0.24), (0.05, -0.05), (0.035, 0.2), (0.0, 0.4)]
BODY += [(-x, y) for x, y in BODY[-2:0:-1]]
ANTENNA = [(0.015, -0.29), (0.09, -0.45), (0.20, -0.60), (0.208, -0.592), (0.10, -0.445)]
# Centre, half axes, and angle in radians of the ellipses that make up a diagnostic mark.
MARKS = {
    "hindwing base": [
        (0.20, 0.10, 0.080, 0.065, 0.0),
        (0.39, 0.16, 0.075, 0.060, 0.3),
        (0.22, 0.29, 0.075, 0.060, -0.3),
    ],
    "wing tip": [(0.81, -0.55, 0.150, 0.070, 1.0)],
}


@dataclass(frozen=True)
class Species:
    """The colours of a species.

    Attributes
    ----------
    label
        Its name.
    ground, dark, band
        Of the wings, of their margins, tips and body, and of the band across the forewing.
    diagnostic
        Where it differs from its mate: a key of ``MARKS``.
    mark
        The colour there; None where the species has no mark.
    """

    label: str
    ground: Colour
    dark: Colour
    band: Colour
    diagnostic: str
    mark: Colour | None


_DUSK = ((44, 52, 92), (24, 24, 40), (236, 226, 176), "hindwing base")
_EMBER = ((222, 122, 40), (44, 30, 26), (70, 44, 32), "wing tip")
PAIRS = (
    (Species("dusk plain", *_DUSK, None), Species("dusk red-spotted", *_DUSK, (206, 40, 44))),
    (
        Species("ember white-tipped", *_EMBER, (240, 240, 236)),
        Species("ember yellow-tipped", *_EMBER, (246, 196, 36)),
    ),
)
SPECIES = tuple(species for pair in PAIRS for species in pair)


@dataclass(frozen=True)
class Drawing:
    """One drawn specimen.

    Attributes
    ----------
    photograph
        RGB ``[size, size, 3]``.
    specimen
        Mask of the butterfly ``[size, size]``, 0 or 255.
    diagnostic
        Mask of the pixels in which its mate, drawn as the same individual, would differ.
    """

    photograph: Picture
    specimen: Picture
    diagnostic: Picture


def draw(species: Species, size: int, seed: int, index: int) -> Drawing:
    """Draw individual number ``index`` as a member of a species.

    Parameters
    ----------
    species
        One of ``SPECIES``.
    size
        Pixels of each side.
    seed, index
        They alone decide pose, wing shape, hue, background, light and noise: two species drawn
        with the same numbers differ in their colours only.
    """
    (mate,) = (other for pair in PAIRS if species in pair for other in pair if other != species)
    photograph, coverage = _photograph(species, size, np.random.default_rng([seed, index]))
    counterpart, _ = _photograph(mate, size, np.random.default_rng([seed, index]))
    differs = (photograph != counterpart).any(axis=2)
    return Drawing(photograph, _mask(coverage > 0.5), _mask(differs))


class _Canvas:
    """Fills outlines, given in half wing spans, on a picture of float RGB."""

    def __init__(self, background: Numbers, pose: Numbers) -> None:
        self.pixels = background
        self.coverage = np.zeros(background.shape[:2])  # share of each pixel that is butterfly
        self.pose = pose  # [2, 3]: half wing spans to pixels

    def fill(self, outline: Numbers, colour: ArrayLike, within: Numbers | None = None) -> None:
        """Fill ``outline [points, 2]``, or its part ``within`` another, antialiased."""
        layer = self._layer(outline)
        if within is not None:
            layer = np.minimum(layer, self._layer(within))
        x, y, width, height = cv2.boundingRect(layer)  # the rest of the picture stays as it is
        box = np.s_[y : y + height, x : x + width]
        share = layer[box] / 255
        self.pixels[box] += share[..., None] * (np.asarray(colour) - self.pixels[box])
        self.coverage[box] = np.maximum(self.coverage[box], share)

    def _layer(self, outline: Numbers) -> Picture:
        layer = np.zeros(self.coverage.shape, np.uint8)
        points = 16 * (outline @ self.pose[:, :2].T + self.pose[:, 2])  # in sixteenths of a pixel
        cv2.fillPoly(layer, [np.rint(points).astype(np.int32)], (255,), cv2.LINE_AA, shift=4)
        return layer


def _photograph(
    species: Species, size: int, random: np.random.Generator
) -> tuple[Picture, Numbers]:
    """Return RGB ``[size, size, 3]`` and the butterfly's share of each pixel ``[size, size]``."""
    angle = np.deg2rad(random.uniform(-15, 15))
    scale = size * random.uniform(0.35, 0.41)
    centre = size * (0.5 + random.uniform(-0.02, 0.02, 2))
    turn = scale * np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    backdrop = random.uniform(170, 225) + random.normal(0, 7, 3)
    canvas = _Canvas(np.tile(backdrop, (size, size, 1)), np.column_stack([turn, centre]))
    _butterfly(canvas, species, random)

    # A soft shadow on the backdrop, light that falls off to one side, and the camera's noise.
    blurred = cv2.GaussianBlur(canvas.coverage, (0, 0), size / 40)
    shadow = np.roll(blurred, size // 40, axis=(0, 1)) * (1 - canvas.coverage)
    down, right = random.uniform(-0.1, 0.1, 2)
    ramp = np.linspace(-1, 1, size)
    shade = (1 - 0.35 * shadow) * (1 + down * ramp[:, None] + right * ramp)
    light = random.uniform(0.88, 1.06) * (1 + random.normal(0, 0.02, 3))
    noise = random.normal(0, 2.5, (size, size, 3))
    pixels = canvas.pixels * shade[..., None] * light + noise
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8), canvas.coverage


def _butterfly(canvas: _Canvas, species: Species, random: np.random.Generator) -> None:
    hue = random.normal(0, 7, 3)
    ground, dark, band = (np.add(c, hue) for c in (species.ground, species.dark, species.band))
    hindwing, forewing, stripe, tip = (
        _smooth(np.add(outline, random.normal(0, 0.012, (len(outline), 2))))
        for outline in (HINDWING, FOREWING, BAND, TIP)
    )
    marks = [
        _ellipse(x, y, a * factor, b * factor, angle)
        for (x, y, a, b, angle), factor in zip(
            MARKS[species.diagnostic], random.uniform(0.88, 1.12, 3), strict=False
        )
    ]
    for side in ((1, 1), (-1, 1)):
        hind, fore = hindwing * side, forewing * side
        canvas.fill(hind, dark)
        canvas.fill(_shrunk(hind, 0.86), ground)
        for x, y in _shrunk(hind, 0.93)[32:72:6]:
            canvas.fill(_ellipse(x, y, 0.02, 0.02), (232, 226, 214), within=hind)
        canvas.fill(fore, dark)
        canvas.fill(_shrunk(fore, 0.9), ground)
        canvas.fill(stripe * side, band, within=fore)
        if species.diagnostic == "wing tip":
            canvas.fill(tip * side, dark, within=fore)
        if species.mark is not None:
            for mark in marks:
                canvas.fill(mark * side, species.mark)
        canvas.fill(_smooth(ANTENNA) * side, dark)
    canvas.fill(_smooth(BODY), np.add(dark, 16))


def _smooth(corners: ArrayLike, points: int = 100) -> Numbers:
    """Return a closed smooth curve ``[points, 2]`` through the corners."""
    closed = np.vstack([corners, np.asarray(corners)[:1]])
    along = np.append(0, np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1)))
    curve = CubicSpline(along, closed, bc_type="periodic")
    return np.asarray(curve(np.linspace(0, along[-1], points, endpoint=False)))


def _shrunk(outline: Numbers, factor: float) -> Numbers:
    centre = outline.mean(axis=0)
    return centre + factor * (outline - centre)


def _ellipse(x: float, y: float, a: float, b: float, angle: float = 0.0) -> Numbers:
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    across, along = a * np.cos(t), b * np.sin(t)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.column_stack([x + across * cos - along * sin, y + across * sin + along * cos])


def _mask(inside: NDArray[np.bool_]) -> Picture:
    return np.where(inside, 255, 0).astype(np.uint8)
