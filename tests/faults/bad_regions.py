"""Masks, polygons, colours and what else an edit takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.faults.bad_images import cut
from tests.faults.world import HEIGHT, WIDTH, kinds, square

Make = Callable[[Path], object]


def mask(values: np.ndarray, mode: str | None = None) -> Make:
    """Return what writes bad.png of these values."""
    return lambda folder: Image.fromarray(values, mode).save(folder / "bad.png")


def polygons(content: object) -> Make:
    """Return what writes bad.json."""
    text = content if isinstance(content, str) else json.dumps(content)
    return lambda folder: (folder / "bad.json").write_text(text)


EDIT = "edit {run} {photo} --out out --device cpu "
ERASE = EDIT + "--op erase --mask "
SOUND = EDIT + "--mask {mask} --op "
TRAIT = "trait {data} --name patch --out out --image images/red_0.png --mask "
CLEAR = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
CLEAR[..., :3] = 255

BAD_REGIONS = kinds(
    "region",
    ("mask empty", ERASE + "bad.png", "bad.png", mask(np.zeros((HEIGHT, WIDTH), np.uint8))),
    ("mask dark grey, nowhere bright", ERASE + "bad.png", "bad.png",
     mask(np.full((HEIGHT, WIDTH), 100, np.uint8))),
    ("mask fully transparent", ERASE + "bad.png", "bad.png", mask(CLEAR)),
    ("mask full", ERASE + "bad.png", ("mask", "whole picture"),
     mask(np.full((HEIGHT, WIDTH), 255, np.uint8))),
    ("mask of another size", ERASE + "bad.png", ("bad.png", "50 x 60", "40 x 32"),
     mask(np.full((60, 50), 255, np.uint8))),
    ("mask lying on its side", ERASE + "bad.png", ("bad.png", "upright"), mask(square().T.copy())),
    ("mask cut short", ERASE + "bad.png", "bad.png", cut("bad.png", "PNG")),
    ("mask that is a text", ERASE + "bad.png", "bad.png",
     lambda folder: (folder / "bad.png").write_text("mask")),
    ("mask that does not exist", ERASE + "bad.png", "bad.png"),
    ("mask that is a folder", ERASE + "bad.png", "bad.png",
     lambda folder: (folder / "bad.png").mkdir()),
    ("specimen mask of another size", SOUND + "erase --specimen bad.png", "bad.png",
     mask(np.full((60, 50), 255, np.uint8))),
    ("colour unknown", SOUND + "recolour --colour sparkling", "sparkling"),
    ("colour of five digits", SOUND + "recolour --colour #12345", "#12345"),
    ("recolour without a colour", SOUND + "recolour", "colour"),
    ("fill unknown", SOUND + "erase --fill magic", "magic"),
    ("operation unknown", SOUND + "vanish", ("--op", "vanish")),
    ("strength 2", SOUND + "erase --strength 2", "strength"),
    ("strength NaN", SOUND + "erase --strength nan", "strength"),
    ("feather negative", SOUND + "erase --feather -3", "feather"),
    ("feather infinite", SOUND + "erase --feather inf", "feather"),
    ("radius negative", SOUND + "blur --radius -3", "radius"),
    ("radius NaN", SOUND + "blur --radius nan", "radius"),
    ("degrees infinite", SOUND + "recolour --fill hue --degrees inf", "degrees"),
    ("donor that does not exist", SOUND + "transplant --donor gone.png --donor-mask {mask}",
     "gone.png"),
    ("transplant without a donor", SOUND + "transplant", "donor"),
    ("controls below zero", SOUND + "erase --controls -1", "--controls"),
    ("trait: image unknown", TRAIT.replace("red_0", "red_99") + "{mask}", "red_99"),
    ("trait: mask of another size", TRAIT + "bad.png", "bad.png",
     mask(np.full((60, 50), 255, np.uint8))),
    ("trait: name with a slash", TRAIT.replace("patch", "a/b") + "{mask}", "a/b"),
    ("trait: label unknown", TRAIT + "{mask} --label pink", "pink"),
    ("trait: widened by NaN", TRAIT + "{mask} --wider nan", "wider"),
    ("polygons: no JSON", TRAIT + "bad.json", "bad.json", polygons("[[1,")),
    ("polygons: empty", TRAIT + "bad.json", "bad.json", polygons([])),
    ("polygons: words", TRAIT + "bad.json", "bad.json", polygons([["a", "b"], ["c", "d"]])),
    ("polygons: two corners", TRAIT + "bad.json", "bad.json", polygons([[1, 1], [2, 2]])),
    ("polygons: NaN", TRAIT + "bad.json", "bad.json", polygons("[[1,1],[NaN,2],[3,3]]")),
    ("polygons: outside the picture", TRAIT + "bad.json", "bad.json",
     polygons([[900, 900], [950, 900], [950, 950]])),
    ("polygons: nested too deep", TRAIT + "bad.json", "bad.json", polygons("[" * 100_000)),
)  # fmt: skip
