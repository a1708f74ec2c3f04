"""Body and antennae, drawn straight into the photograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from intr_discover.data.rings import raster
from intr_discover.data.rings.anatomy import Numbers, smooth
from intr_discover.data.rings.look import Look
from intr_discover.data.rings.raster import Picture

_BODY = [(0.0, -0.275), (0.030, -0.262), (0.038, -0.235), (0.030, -0.205), (0.052, -0.16)]
_BODY += [(0.056, -0.08), (0.040, -0.01), (0.036, 0.08), (0.036, 0.20), (0.024, 0.33)]
_BODY += [(0.0, 0.385)]
_EYE = (0.027, -0.250, 0.0135)
_CLUB_FROM = 0.80  # share of the antenna's length


@dataclass(frozen=True)
class Body:
    """Coverage of the parts, in photograph pixels.

    Attributes
    ----------
    body, antennae, clubs
        ``[h, w]`` float32, 0 to 1.
    """

    body: Picture
    antennae: Picture
    clubs: Picture


def antenna_curves(look: Look) -> list[Numbers]:
    """Return the left and right antenna ``[60, 2]`` in half wing spans."""
    random = look.specimen.random("antennae")
    curves = []
    for side in (-1, 1):
        tip = np.array([0.265, -0.735]) + random.normal(0, 0.03 + 0.03 * look.specimen.hard, 2)
        middle = np.array([0.075, -0.50]) + random.normal(0, 0.015, 2)
        t = np.linspace(0, 1, 60)[:, None]
        base = np.array([0.016, -0.268])
        curve = (1 - t) ** 2 * base + 2 * t * (1 - t) * middle + t**2 * tip
        curves.append(curve * (side, 1))
    # An old specimen may have lost the end of one antenna, unless that end tells the species.
    if look.specimen.ring.diagnostic != "antenna_tips" and random.random() < 0.25 * (
        look.specimen.hard
    ):
        curves[random.integers(2)] = curves[random.integers(2)][:0]
    return [curve for curve in curves if len(curve)]


def draw_body(picture: Picture, look: Look, pose: NDArray[np.float64]) -> Body:
    """Draw antennae and body over the wings.

    Parameters
    ----------
    picture
        float32 RGB ``[h, w, 3]``, changed in place.
    look
        The individual.
    pose
        ``[2, 3]``: half wing spans to pixels.
    """
    scale = float(np.sqrt(abs(np.linalg.det(pose[:, :2]))))
    shape = (picture.shape[0], picture.shape[1])

    def place(points: Numbers) -> Numbers:
        return points @ pose[:, :2].T + pose[:, 2]

    random = look.specimen.random("body")
    dark = look.vary((34, 28, 26), "body")
    antennae = np.zeros(shape, np.float32)
    clubs = np.zeros(shape, np.float32)
    for curve in antenna_curves(look):
        antennae = np.maximum(antennae, raster.lines(shape, [place(curve)], 0.011 * scale))
        club = curve[round(_CLUB_FROM * len(curve)) :]
        clubs = np.maximum(clubs, raster.polygon(shape, place(_swollen(club))))
    raster.lay_over(picture, antennae, dark)
    colour = look.colour("antenna_tips") if look.shows("antenna_tips") else dark
    raster.lay_over(picture, clubs, colour)

    outline = smooth([*_BODY, *[(-x, y) for x, y in _BODY[-2:0:-1]]], 120)
    outline += random.normal(0, 0.0015, outline.shape)
    body = raster.polygon(shape, place(outline))
    box = raster.bounding_box(body)
    fur = _fur(look, box, pose, scale, random)
    raster.lay_over(picture[box], body[box], fur)
    for side in (-1, 1):
        eye = place(np.array(_EYE[:2]) * (side, 1))
        spot = raster.disc(shape, eye, _EYE[2] * scale)
        raster.lay_over(picture, spot, (22, 18, 20))
    # The pin: a bright head on the thorax.
    pin = place(np.array([0.0, -0.105]))
    raster.lay_over(picture, raster.disc(shape, pin, 0.013 * scale), (206, 206, 208))
    return Body(body, antennae, clubs)


def _fur(
    look: Look,
    box: tuple[slice, slice],
    pose: NDArray[np.float64],
    scale: float,
    random: np.random.Generator,
) -> Picture:
    """Return the hairy, ringed, rounded body's colour in a part of the picture ``[h, w, 3]``."""
    rows, columns = np.mgrid[box].astype(np.float32)
    inverse = np.linalg.inv(pose[:, :2])
    x = inverse[0, 0] * (columns - pose[0, 2]) + inverse[0, 1] * (rows - pose[1, 2])
    y = inverse[1, 0] * (columns - pose[0, 2]) + inverse[1, 1] * (rows - pose[1, 2])
    roundness = np.clip(1.25 - (x / 0.05) ** 2 * 0.75, 0.3, 1.3)
    segments = 1 - 0.16 * (np.sin(y * 95) > 0.55) * (y > 0.03)
    noise = random.standard_normal(rows.shape).astype(np.float32)
    hairs = raster.blur(noise, max(0.6, scale / 200)) * max(1.0, scale / 100)
    fur = np.clip(1 + 0.16 * hairs, 0.5, 1.6)
    tone = look.vary((58, 48, 40), "fur")
    return (tone * (roundness * segments * fur)[..., None]).astype(np.float32)


def _swollen(curve: Numbers) -> Numbers:
    """Return the outline of a club along a curve: thickest beyond its middle, round at the end."""
    along = np.linspace(0, 1, len(curve))
    half = 0.021 * np.sin(np.pi * along**1.4) ** 0.55 + 0.004
    direction = np.gradient(curve, axis=0)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    normal = np.column_stack([-direction[:, 1], direction[:, 0]])
    return np.vstack([curve + half[:, None] * normal, (curve - half[:, None] * normal)[::-1]])
