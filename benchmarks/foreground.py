"""How well the specimen is found without a mask: overlap with the masks of the Leeds butterflies.

Photographs of each species are drawn at random; those on plain ground, as in a museum, are measured
apart, all of them. On the Heliconius photographs only the specimen's box is known.
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
from intr_discover.data.foreground import border
from intr_discover.data.images import read_image, read_mask
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.files import write_json
from intr_discover.preparation.boxes import Box, mask_box
from intr_discover.preparation.colour_card import find_card
from intr_discover.preparation.foregrounds import guessed_foreground
from intr_discover.provenance import versions
from intr_discover.studies.statistics import bootstrap_interval, wilson

GOOD = 0.8
"""Overlap from which a mask serves to crop and to lay another background."""

PLAIN = 4.0
"""CIELAB: median distance of the border's pixels from their median colour, on plain ground."""

Mask = NDArray[np.bool_]


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    shared = Path("..") / "shared" / "data"
    parser.add_argument("--leeds", type=Path, default=shared / "leeds")
    parser.add_argument("--heliconius", type=Path, default=shared / "heliconius")
    parser.add_argument("--images", type=int, default=60, help="photographs drawn from Leeds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS / "foreground.json")
    options = parser.parse_args()
    record: dict[str, Any] = {
        "command": " ".join(["python", "-m", "benchmarks.foreground", *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "good": GOOD,
        "leeds": leeds(Specimens.read(options.leeds), options.images, options.seed),
    }
    if options.heliconius.is_dir():
        record["heliconius"] = heliconius(options.heliconius, options.seed)
    write_json(options.out, record)
    show(record)


def leeds(specimens: Specimens, images: int, seed: int) -> dict[str, Any]:
    """Return overlaps of drawn photographs, and of all that have plain ground."""
    generator = np.random.default_rng(seed)
    table = specimens.table
    each = -(-images // len(specimens.classes))
    drawn = [
        place
        for label in specimens.classes
        for place in generator.permutation(np.flatnonzero(table["label"] == label))[:each]
    ]
    plain = [
        place for place, path in enumerate(specimens.paths) if has_plain_ground(read_image(path))
    ]
    rows = {place: overlaps(specimens, place) for place in sorted({*drawn, *plain})}
    return {
        "drawn": summary([rows[place] for place in sorted(drawn)[:images]], seed),
        "plain": summary([rows[place] for place in plain], seed),
    }


def overlaps(specimens: Specimens, place: int) -> dict[str, float | bool]:
    """Return the overlap of the guess with the mask, and that of the whole picture with it."""
    photograph = read_image(specimens.paths[place])
    path = specimens.mask_paths[place]
    assert path is not None, "every Leeds photograph has a mask"
    mask = read_mask(path, photograph.shape[:2])
    guess = guessed(photograph)
    return {
        "found": guess is not None,
        "overlap": 0.0 if guess is None else overlap(guess, mask),
        "whole_picture": float(mask.mean()),
    }


def guessed(photograph: NDArray[np.uint8]) -> Mask | None:
    """Return the guess; None where nothing is found."""
    try:
        return guessed_foreground(photograph, find_card(photograph))
    except UserError:
        return None


def overlap(first: Mask, second: Mask) -> float:
    """Return intersection over union of two masks."""
    return float((first & second).sum() / (first | second).sum())


def box_overlap(first: Box, second: Box) -> float:
    """Return intersection over union of two boxes."""
    wide = min(first[2], second[2]) - max(first[0], second[0])
    high = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(0, wide) * max(0, high)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return shared / (sum(areas) - shared)


def has_plain_ground(photograph: NDArray[np.uint8]) -> bool:
    """Return whether the border of a picture has nearly one colour."""
    small = cv2.resize(photograph, (160, 160), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[border((160, 160))]
    return bool(np.median(np.linalg.norm(lab - np.median(lab, axis=0), axis=1)) < PLAIN)


def heliconius(folder: Path, seed: int) -> dict[str, Any]:
    """Return overlaps of the guess's box with the published one, by how it was photographed."""
    table = pd.read_csv(folder / "specimens.csv")
    found: dict[str, list[dict[str, float | bool]]] = {}
    for row in table.to_dict("records"):
        guess = guessed(read_image(folder / row["image"]))
        box: Box = (row["bbox_x0"], row["bbox_y0"], row["bbox_x1"], row["bbox_y1"])
        value = 0.0 if guess is None else box_overlap(mask_box(guess), box)
        whole = box_overlap((0, 0, row["width"], row["height"]), box)
        found.setdefault(row["setup"], []).append(
            {"found": guess is not None, "overlap": value, "whole_picture": whole}
        )
    return {setup: summary(rows, seed) for setup, rows in sorted(found.items())}


def summary(rows: Sequence[dict[str, float | bool]], seed: int) -> dict[str, Any]:
    """Return mean overlap with its 95 % interval, and how many are good; none found counts 0."""
    values = np.array([row["overlap"] for row in rows])
    low, high = bootstrap_interval(values, seed)
    good = int((values >= GOOD).sum())
    share = wilson(good, len(values))
    return {
        "n": len(values),
        "none_found": int(sum(not row["found"] for row in rows)),
        "overlap": {"value": float(values.mean()), "low": finite(low), "high": finite(high)},
        "median": float(np.median(values)),
        "good": {"value": good / len(values), "low": share[0], "high": share[1], "hits": good},
        "whole_picture": float(np.mean([row["whole_picture"] for row in rows])),
    }


def finite(value: float) -> float | None:
    """Return a number, None where it is unknown."""
    return value if np.isfinite(value) else None


def show(record: dict[str, Any]) -> None:
    """Print the table."""
    rows = {f"Leeds, {name}": part for name, part in record["leeds"].items()}
    rows |= {f"Heliconius box, {name}": part for name, part in record.get("heliconius", {}).items()}
    for name, part in rows.items():
        mean = part["overlap"]
        print(
            f"{name}: overlap {mean['value']:.2f} "
            + (f"({mean['low']:.2f} to {mean['high']:.2f})" if mean["low"] is not None else "")
            + f", median {part['median']:.2f}, {part['good']['hits']} of {part['n']} at least "
            f"{GOOD}; the whole picture {part['whole_picture']:.2f}"
        )


if __name__ == "__main__":
    main()
