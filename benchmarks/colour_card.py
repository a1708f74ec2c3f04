"""How often a ColorChecker is found, and how near its colours come to the published ones.

On cards drawn at every angle, in three sizes, five lights and camera noise, and on photographs of
which it is known whether they show one: eight of the Heliconius photographs do, no Leeds one does.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.common import RESULTS, machine
from intr_discover.data.images import read_image
from intr_discover.data.specimens import Specimens
from intr_discover.files import write_json
from intr_discover.preparation.colour_card import find_card
from intr_discover.preparation.colour_correction import from_linear, to_linear
from intr_discover.preparation.drawn_card import with_card
from intr_discover.preparation.one_photograph import Colours, corrected
from intr_discover.provenance import versions
from intr_discover.studies.statistics import bootstrap_interval, wilson

#: Share of red, green and blue light that is left.
LIGHTS = {
    "neutral": (1.0, 1.0, 1.0),
    "dim": (0.4, 0.4, 0.4),
    "lamp": (1.0, 0.8, 0.55),
    "shade": (0.65, 0.75, 0.95),
    "green": (0.7, 0.9, 0.7),
}
WIDTHS = (140, 250, 440)
ANGLES = range(0, 360, 24)
NOISE = 3.0

Pixels = NDArray[np.uint8]


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    shared = Path("..") / "shared" / "data"
    parser.add_argument("--leeds", type=Path, default=shared / "leeds")
    parser.add_argument("--heliconius", type=Path, default=shared / "heliconius")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS / "colour_card.json")
    options = parser.parse_args()
    record: dict[str, Any] = {
        "command": " ".join(["python", "-m", "benchmarks.colour_card", *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "drawn": drawn(options.seed),
        "photographs": photographs(options.heliconius, options.leeds, options.seed),
    }
    write_json(options.out, record)
    for kind, part in record.items():
        if kind in ("drawn", "photographs"):
            print(kind, part)


def drawn(seed: int) -> dict[str, Any]:
    """Return what is found of drawn cards, here and by OpenCV's own detector."""
    generator = np.random.default_rng(seed)
    found: list[Colours] = []
    count = theirs = 0
    for light in LIGHTS.values():
        for width in WIDTHS:
            for degrees in ANGLES:
                picture = scene(generator, width, degrees, light)
                count += 1
                colours = corrected(picture, find_card(picture))[1]
                if colours.outcome != "no card":
                    found.append(colours)
                theirs += found_by_opencv(picture)
    return {**shares(found, count, seed), "found_by_opencv": theirs}


def scene(
    generator: np.random.Generator, width: int, degrees: float, light: Sequence[float]
) -> Pixels:
    """Return a card and a dark ellipse on pale ground, in a light, with the camera's noise."""
    ground = np.full((900, 1200, 3), (225, 222, 215), np.uint8)
    cv2.ellipse(ground, (300, 500), (180, 120), 20, 0, 360, (120, 70, 30), -1)
    laid = with_card(ground, (800, 420), width, degrees).astype(np.float64)
    seen = from_linear(to_linear(laid) * np.asarray(light))
    noisy = seen + generator.normal(0, NOISE, seen.shape)
    return noisy.round().clip(0, 255).astype(np.uint8)


def found_by_opencv(picture: Pixels) -> bool:
    """Return whether OpenCV's detector (from version 5) finds a card; its colours do not count."""
    if not hasattr(cv2, "mcc"):
        return False
    detector = cv2.mcc.CCheckerDetector_create()
    return bool(detector.process(np.ascontiguousarray(picture[..., ::-1]), 1))


def photographs(heliconius: Path, leeds: Path, seed: int) -> dict[str, Any]:
    """Return what is found of real cards, and where there is none."""
    table = pd.read_csv(heliconius / "specimens.csv")
    shows = table["setup"] == "cut_wings_colorchecker"
    with_one = [colours_of(heliconius / image) for image in table["image"][shows]]
    others = [heliconius / image for image in table["image"][~shows]]
    others += Specimens.read(leeds).paths
    theirs = sum(found_by_opencv(read_image(heliconius / image)) for image in table["image"][shows])
    wrong = sum(find_card(read_image(path)) is not None for path in others)
    found = [colours for colours in with_one if colours.outcome != "no card"]
    low, high = wilson(wrong, len(others))
    return {
        **shares(found, len(with_one), seed),
        "found_by_opencv": theirs,
        "wrongly_found": {"hits": wrong, "n": len(others), "low": low, "high": high},
    }


def colours_of(path: Path) -> Colours:
    """Return what becomes of the colours of a photograph."""
    photograph = read_image(path)
    return corrected(photograph, find_card(photograph))[1]


def shares(found: Sequence[Colours], count: int, seed: int) -> dict[str, Any]:
    """Return how many cards were found, and mean CIEDE2000 of those with 95 % intervals."""
    low, high = wilson(len(found), count)
    numbers: dict[str, Any] = {
        "found": {"hits": len(found), "n": count, "low": low, "high": high},
        "corrected": sum(colours.outcome == "corrected" for colours in found),
    }
    for name in ("before", "after", "left_out"):
        values = np.array([getattr(colours, name) for colours in found], dtype=float)
        low, high = bootstrap_interval(values, seed)
        numbers[name] = {"value": float(np.nanmean(values)), "low": low, "high": high}
    return numbers


if __name__ == "__main__":
    main()
