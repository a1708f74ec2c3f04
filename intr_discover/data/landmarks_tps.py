"""Landmarks of tpsDig and its relatives (.tps): the file, and the keypoints it makes.

The format is that of F. J. Rohlf's tps programs: ``LM=n`` and n lines ``x y`` begin a specimen,
``CURVES=`` and ``POINTS=`` add curves, ``IMAGE=``, ``ID=`` and ``SCALE=`` follow. Its y axis starts
at the bottom of the picture, ours at the top.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pandas as pd

from intr_discover.data.images import upright_shape
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError, shorten

Point = tuple[float, float]
MISSING: Point = (math.nan, math.nan)


@dataclass
class TpsSpecimen:
    """One specimen of a file: pixels from the bottom left corner, NaN where a point is missing."""

    line: int
    points: list[Point]
    curves: list[list[Point]] = field(default_factory=list)
    image: str = ""
    id: str = ""


def read_tps(path: str | os.PathLike[str]) -> list[TpsSpecimen]:
    """Read the specimens of a TPS file.

    Negative coordinates and NaN are missing landmarks. Outlines, scales and comments are passed
    over: coordinates are pixels.

    Raises
    ------
    UserError
        No such file, three dimensions, a line that is no point, points too few, or no specimen.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no file of landmarks {path}")
    # latin-1 reads any byte; names are compared, numbers are ASCII in every encoding of Windows.
    content = path.read_bytes()
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        lines = content.decode("latin-1").splitlines()
    specimens: list[TpsSpecimen] = []
    at, outlines = 0, False
    while at < len(lines):
        line, at = lines[at].strip(), at + 1
        if not line:
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        key = key.upper()
        where = f"{path}, line {at}"
        if not equals:
            raise UserError(f"{where}: '{line[:40]}' stands where LM=, IMAGE= or the like belongs")
        if key == "LM3":
            raise UserError(f"{where}: LM3= are landmarks in three dimensions: give a file of LM=")
        if key == "LM":
            points = _points(lines, at, value, path)
            at, outlines = at + len(points), False
            specimens.append(TpsSpecimen(at - len(points), points))
            continue
        if not specimens:
            raise UserError(f"{where}: {key}= stands before the first LM=")
        if key in ("CURVES", "OUTLINES"):
            outlines = key == "OUTLINES"
        elif key == "POINTS":
            points = _points(lines, at, value, path)
            at += len(points)
            if not outlines:
                specimens[-1].curves.append(points)
        elif key == "IMAGE":
            specimens[-1].image = value
        elif key == "ID":
            specimens[-1].id = value
    if not specimens:
        raise UserError(f"{path} holds no specimen: a TPS file begins with LM=")
    return specimens


def tps_keypoints(
    path: str | os.PathLike[str], specimens: Specimens, names: Sequence[str] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Return the landmarks of a TPS file as keypoints of a collection.

    Parameters
    ----------
    path
        The TPS file. Its ``IMAGE=`` (or, without one, its ``ID=``) is looked for among the
        photographs: as a path, then by its name in any folder, then also with any ending.
    specimens
        The collection; of its photographs only the headers are read.
    names
        Names of the landmarks; default ``landmark_1`` and so on. Points of curves are called
        ``curve_1_1``.

    Returns
    -------
    keypoints
        ``image, keypoint, x, y``: pixels from the top left corner of the upright photograph,
        ``y = height − y of the file``; x and y missing where the landmark is.
    remarks
        A line for what found no partner.

    Raises
    ------
    UserError
        As ``read_tps``; another number of names or landmarks, a photograph that is meant twice or
        by two names, a point outside it, or no photograph found.
    """
    found = read_tps(path)
    seen: dict[str, int] = {}
    count = len(found[0].points)
    names = [f"landmark_{k}" for k in range(1, count + 1)] if names is None else list(names)
    if len(set(names)) < len(names):
        raise UserError(f"a name of a landmark is given twice among {shorten(names)}")
    images = list(specimens.table["image"])
    records: list[tuple[str, str, float, float]] = []
    lost: list[str] = []
    for each in found:
        where = f"{path}, line {each.line}"
        if len(each.points) != len(names):
            raise UserError(f"{where}: {len(each.points)} landmarks, but {len(names)} names")
        wanted = each.image or each.id
        if not wanted:
            raise UserError(f"{where}: the specimen has neither IMAGE= nor ID=")
        image = _find(wanted, images, where)
        if image is None:
            lost.append(wanted)
            continue
        if image in seen:
            raise UserError(f"{where}: {image} has landmarks from line {seen[image]} already")
        seen[image] = each.line
        named = list(zip(names, each.points, strict=True))
        for number, curve in enumerate(each.curves, 1):
            named += [(f"curve_{number}_{k}", point) for k, point in enumerate(curve, 1)]
        height, width = upright_shape(specimens.root / image)
        for name, (x, y) in named:
            if x > width or y > height:  # false for NaN
                raise UserError(
                    f"{where}: {name} ({x:g}, {y:g}) lies outside {image} of {width} x {height} "
                    "pixels: give landmarks in pixels, of this very photograph"
                )
            records.append((image, name, x, height - y))
    if not records:
        raise UserError(f"{path} names no photograph of the collection: {shorten(lost)}")
    without = [image for image in images if image not in seen]
    remarks = [f"{len(seen)} of {len(found)} specimens of {path} found their photograph"]
    remarks += [f"{len(lost)} without a photograph: {shorten(lost)}"] if lost else []
    remarks += (
        [f"{len(without)} photographs without landmarks: {shorten(without)}"] if without else []
    )
    return pd.DataFrame(records, columns=["image", "keypoint", "x", "y"]), remarks


def _points(lines: Sequence[str], at: int, count: str, path: Path) -> list[Point]:
    """Return the points of the lines from ``at`` on."""
    if not count.isdecimal():
        raise UserError(f"{path}, line {at}: '{count[:40]}' is no number of points")
    points: list[Point] = []
    for line in range(at, at + int(count)):
        text = lines[line].split() if line < len(lines) else []
        try:
            x, y = (float(number) for number in text)
        except ValueError as error:
            raise UserError(
                f"{path}, line {line + 1}: two numbers x y are needed, point {len(points) + 1} of "
                f"{count}"
            ) from error
        known = math.isfinite(x) and math.isfinite(y) and x >= 0 and y >= 0
        points.append((x, y) if known else MISSING)
    return points


def _find(wanted: str, images: Sequence[str], where: str) -> str | None:
    """Return the photograph that a TPS file means, None where there is none."""
    path = PurePosixPath(wanted.replace("\\", "/").lower())
    for fits in (
        lambda image: image == path,
        lambda image: image.name == path.name,
        lambda image: path.stem in (image.stem, image.name) or image.stem == path.name,
    ):
        those = [image for image in images if fits(PurePosixPath(image.lower()))]
        if len(those) > 1:
            raise UserError(f"{where}: '{wanted}' may be {shorten(those)}: write its folder too")
        if those:
            return those[0]
    return None
