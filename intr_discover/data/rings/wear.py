"""Age and accidents: nicks in the margin, tears, rubbed scales."""

from __future__ import annotations

import cv2
import numpy as np

from intr_discover.data.rings.anatomy import WingShape
from intr_discover.data.rings.canvas import Canvas
from intr_discover.data.rings.look import Look
from intr_discover.data.rings.raster import Picture, smooth_noise


def wear_wing(
    canvas: Canvas, shape: WingShape, look: Look, side: str, wing: str
) -> tuple[Picture, Picture]:
    """Return colour ``[h, w, 3]`` and coverage ``[h, w]`` of one worn wing.

    Nothing that tells the species is worn away: nicks and rubbed places keep off the diagnostic
    attribute's site, in both species alike.
    """
    specimen = look.specimen
    random = specimen.random(f"wear {wing} {side}")
    site = canvas.layers.get(specimen.ring.diagnostic)
    reach = max(1, round(0.035 * canvas.resolution))
    protected = np.zeros(canvas.shape, np.float32)
    if site is not None:
        kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
        protected = cv2.dilate((site > 0.05).astype(np.uint8), kernel).astype(np.float32)

    coverage = canvas.coverage.copy()
    outline = shape.outline
    away = np.linalg.norm(outline - shape.base, axis=1) > 0.3
    margin = np.flatnonzero(away)
    for _ in range(random.poisson(2.2 * specimen.hard)):
        place = outline[margin[random.integers(len(margin))]]
        inward = shape.base - place
        inward /= np.linalg.norm(inward)
        across = np.array([-inward[1], inward[0]])
        depth = random.uniform(0.015, 0.05)
        width = random.uniform(0.012, 0.04)
        if random.random() < 0.2:  # a tear: long and narrow
            depth, width = random.uniform(0.07, 0.14), random.uniform(0.006, 0.012)
        corners = [place - 0.03 * inward - width * across, place - 0.03 * inward + width * across]
        corners.append(place + depth * inward + random.normal(0, 0.4) * width * across)
        nick = canvas.polygon(np.array(corners))
        if (nick * protected).max() < 0.01:
            coverage *= 1 - nick
    colour = canvas.colour.copy()
    rubbed = np.clip(smooth_noise(random, canvas.shape, 9) - 1.9 + 0.7 * specimen.hard, 0, 1)
    rubbed *= (1 - protected) * min(1.0, 1.6 * specimen.hard)
    bare = colour.mean(axis=2, keepdims=True) * 0.75 + 46
    colour += (0.5 * rubbed)[..., None] * (bare - colour)
    return colour, coverage
