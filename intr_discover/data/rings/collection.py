"""A whole collection of drawn specimens on disk, and back from disk to individuals."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intr_discover.data.rings.render import Rendering, render
from intr_discover.data.rings.species import RINGS
from intr_discover.data.rings.specimen import (
    GENERATOR_VERSION,
    USUAL_HARDNESS,
    USUAL_SIZE,
    RingSpecimen,
    Shortcut,
    check_settings,
    draw_specimen,
)
from intr_discover.data.threads import map_in_threads
from intr_discover.errors import UserError, shorten
from intr_discover.files import temporary_folder, write_json

SETTINGS = "rings.json"
"""Says how a collection was drawn; its presence tells a folder of ours from other folders."""

LARGEST_PER_CLASS = 100_000  # some days of drawing; more is a slip of the keyboard

_TABLES = ("specimens.csv", "attributes.csv", "keypoints.csv", "pairs.csv", "rings.csv")
_FOLDERS = ("images", "masks")
_CONTENT = {SETTINGS, *_TABLES, *_FOLDERS}
# What _stem and the masks' names give, in this version of the generator and in others.
_PICTURE = re.compile(r"[a-z]+-[a-z]+-\d+-\d+(-[a-z_]+)?\.png")

_TRAIN_SHARE, _TEST_FROM = 0.7, 0.8  # of each class: the rest between the two is for validation


def write_collection(
    out: Path,
    per_class: int,
    *,
    size: int = USUAL_SIZE,
    seed: int = 0,
    ring_count: int = len(RINGS),
    hard: float = USUAL_HARDNESS,
    shortcut: Shortcut = "none",
    split: str | None = None,
    overwrite: bool = False,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Draw a collection of mimicry rings as a specimen table with everything beside it.

    Parameters
    ----------
    out
        The folder to make. It appears whole, or not at all.
    per_class
        Specimens of each species: 70 % for training, 10 % for validation, 20 % for the test.
    size, seed, ring_count, hard, shortcut
        See ``RingSpecimen``.
    split
        Put all specimens into this split.
    overwrite
        Replace an earlier collection of this kind; a folder that holds anything else is never
        touched.
    workers
        Threads that draw. What is drawn does not depend on them.
    progress
        Called with (specimens drawn, specimens in all).

    Returns
    -------
    Path
        ``out``, with ``specimens.csv`` (image, label, split, specimen_id, mask),
        ``attributes.csv`` (image, attribute, mask, state), ``keypoints.csv`` (image, keypoint,
        x, y), ``pairs.csv`` (label_a, label_b, diagnostic), ``rings.csv`` (what mates differ in)
        and ``rings.json`` (the settings).

    Raises
    ------
    UserError
        If a number is out of range, or the folder cannot be written.
    """
    _check_per_class(per_class)
    check_settings(seed, size, ring_count, hard, shortcut)
    try:
        place = out.resolve()  # a link stays a link
        _check_free(out, overwrite)
    except OSError as error:
        raise UserError(f"cannot write the collection to {out}: {error.strerror}") from error
    classes = 2 * ring_count
    specimens = [
        draw_specimen(seed, index, size=size, ring_count=ring_count, hard=hard, shortcut=shortcut)
        for index in range(per_class * classes)
    ]
    try:
        with temporary_folder(place) as unfinished:
            (unfinished / "images").mkdir()
            (unfinished / "masks").mkdir()

            def draw(specimen: RingSpecimen) -> list[Rows]:
                return _write_specimen(unfinished, specimen)

            rows = map_in_threads(draw, specimens, workers=workers, progress=progress)
            splits = [split or _split_of(s.index // classes, per_class) for s in specimens]
            _write_tables(unfinished, specimens, splits, rows, ring_count)
            write_json(unfinished / SETTINGS, {
                "generator": GENERATOR_VERSION, "per_class": per_class, "size": size, "seed": seed,
                "ring_count": ring_count, "hard": hard, "shortcut": shortcut,
            })  # fmt: skip
            unfinished.chmod(0o755)
            _put_in_place(unfinished, place)
    except OSError as error:
        raise UserError(f"cannot write the collection to {out}: {error.strerror}") from error
    return out


def read_specimens(folder: Path) -> dict[str, RingSpecimen]:
    """Return the individuals of a collection by image, as ``specimens.csv`` names it.

    Raises
    ------
    UserError
        If the folder is no collection of mimicry rings, or of another version of the generator.
    """
    path = folder / SETTINGS
    if not path.is_file():
        raise UserError(f"{folder} is no collection of mimicry rings: it has no {SETTINGS}")
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        version = settings.pop("generator")
        specimens = _individuals(settings) if version == GENERATOR_VERSION else []
    except (UserError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} does not say how the collection was drawn: {error}") from error
    if version != GENERATOR_VERSION:
        raise UserError(
            f"{folder} was drawn by version {version} of the generator, this is version "
            f"{GENERATOR_VERSION}; draw it again with intr-discover rings"
        )
    return {_image_name(specimen): specimen for specimen in specimens}


Rows = dict[str, object]


def _individuals(settings: dict[str, Any]) -> list[RingSpecimen]:
    """Return the specimens that the settings of a collection stand for."""
    settings = dict(settings)
    per_class = settings.pop("per_class")
    for number in (per_class, settings["size"], settings["seed"], settings["ring_count"]):
        if not isinstance(number, int):
            raise TypeError(f"{number!r} is no whole number")
    _check_per_class(per_class)
    count = per_class * 2 * settings["ring_count"]
    return [draw_specimen(index=index, **settings) for index in range(count)]


def _check_per_class(per_class: int) -> None:
    if not 1 <= per_class <= LARGEST_PER_CLASS:
        raise UserError(f"--per-class must be from 1 to {LARGEST_PER_CLASS}, not {per_class}")


def _image_name(specimen: RingSpecimen) -> str:
    return f"images/{_stem(specimen)}.png"


def _stem(specimen: RingSpecimen) -> str:
    return f"{specimen.label.lower().replace(' ', '-')}-{specimen.seed}-{specimen.index:06d}"


def _write_specimen(folder: Path, specimen: RingSpecimen) -> list[Rows]:
    """Draw one specimen; return its rows of the attribute table, then of the keypoint table."""
    picture = render(specimen)
    image, stem = _image_name(specimen), _stem(specimen)
    _save(picture.photograph[..., ::-1], folder / image)
    _save(picture.mask, folder / "masks" / f"{stem}.png")
    rows: list[Rows] = []
    for attribute, mask in picture.attributes.items():
        name = f"masks/{stem}-{attribute}.png"
        _save(mask, folder / name)
        state = _state(picture, attribute)
        rows.append({"image": image, "attribute": attribute, "mask": name, "state": state})
    for keypoint, (x, y) in picture.keypoints.items():
        rows.append({"image": image, "keypoint": keypoint, "x": round(x, 2), "y": round(y, 2)})
    return rows


def _state(picture: Rendering, attribute: str) -> str:
    return picture.states.get(attribute, "present")  # parts of the pattern are always there


def _save(pixels: NDArray[np.uint8], path: Path) -> None:
    """Write a PNG. Nothing is flushed here: the collection is put in place as a whole."""
    written, data = cv2.imencode(".png", pixels)
    assert written
    path.write_bytes(data.tobytes())


def _split_of(number: int, per_class: int) -> str:
    """Return the split of a class's specimen ``number``; the first is always for training."""
    share = number / per_class
    return "train" if share < _TRAIN_SHARE else "val" if share < _TEST_FROM else "test"


def _write_tables(
    folder: Path,
    specimens: list[RingSpecimen],
    splits: list[str],
    rows: list[list[Rows]],
    ring_count: int,
) -> None:
    table = pd.DataFrame(
        {
            "image": [_image_name(specimen) for specimen in specimens],
            "label": [specimen.label for specimen in specimens],
            "split": splits,
            "specimen_id": [f"{specimen.seed}-{specimen.index:06d}" for specimen in specimens],
            "mask": [f"masks/{_stem(specimen)}.png" for specimen in specimens],
        }
    )
    flat = [row for of_one in rows for row in of_one]
    rings = RINGS[:ring_count]
    _write_csv(table, folder / "specimens.csv")
    _write_csv(pd.DataFrame([r for r in flat if "attribute" in r]), folder / "attributes.csv")
    _write_csv(pd.DataFrame([r for r in flat if "keypoint" in r]), folder / "keypoints.csv")
    pairs = [(*ring.labels, ring.diagnostic) for ring in rings]
    columns = ["label_a", "label_b", "diagnostic"]
    _write_csv(pd.DataFrame(pairs, columns=columns), folder / "pairs.csv")
    described = [
        (ring.name, *ring.labels, ring.diagnostic, ring.difference, *ring.states,
         " ".join(ring.varying))
        for ring in rings
    ]  # fmt: skip
    columns = ["ring", "label_a", "label_b", "diagnostic", "difference", "state_a", "state_b",
               "varying"]  # fmt: skip
    _write_csv(pd.DataFrame(described, columns=columns), folder / "rings.csv")


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, lineterminator="\n")


def _check_free(out: Path, overwrite: bool) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise UserError(f"{out} is a file; name a folder for the collection")
    if out.resolve() in (Path.cwd(), *Path.cwd().parents):
        raise UserError(f"{out} is a folder that you work in; name a new folder")
    content = {path.name for path in out.iterdir()}
    if not content:
        return
    if not overwrite:
        raise UserError(f"{out} exists and is not empty; name another folder, or add --overwrite")
    if SETTINGS not in content:
        raise UserError(
            f"{out} holds something else than a collection of mimicry rings and is left as it is; "
            "name another folder"
        )
    foreign = sorted(content - _CONTENT) + [
        f"{folder}/{path.name}"
        for folder in _FOLDERS if folder in content
        for path in sorted((out / folder).iterdir())
        if not _PICTURE.fullmatch(path.name)
    ]  # fmt: skip
    if foreign:
        raise UserError(
            f"{out} holds more than a collection of mimicry rings ({shorten(foreign)}) and is left "
            "as it is; move that away, or name another folder"
        )


def _put_in_place(finished: Path, place: Path) -> None:
    """Let the finished folder take its place; what was there goes only after that."""
    if not place.exists():
        finished.replace(place)
        return
    earlier = finished.with_name(f"{finished.name}.earlier")
    place.replace(earlier)
    try:
        finished.replace(place)
    except BaseException:
        earlier.replace(place)
        raise
    shutil.rmtree(earlier, ignore_errors=True)
