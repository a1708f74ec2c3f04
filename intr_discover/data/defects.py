"""What is wrong with a collection: one pass over every file, all defects in one table."""

from __future__ import annotations

import os
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pandas as pd
from PIL import Image

from intr_discover.data.images import ImageError, ImageFacts, inspect_image, read_mask
from intr_discover.data.specimens import Specimens
from intr_discover.data.threads import map_in_threads
from intr_discover.errors import UserError, shorten

#: From the gravest to the lightest.
SEVERITIES = ("error", "warning", "note")

LARGE_PIXELS = 50_000_000
TINY_SIDE = 32
DARK_VALUE = 64
FEW_TRAINING_IMAGES = 5

_COLUMNS = ["image", "defect", "severity", "detail"]

# The defect for each kind of ImageError.
_FAULTS = {
    "missing": "missing file",
    "empty": "zero bytes",
    "truncated": "truncated",
    "gigantic": "gigantic",
    "unreadable": "unreadable",
}
_GREY_MODES = ("1", "L", "LA", "I", "F")


@dataclass(frozen=True)
class _Defect:
    image: str
    defect: str
    severity: str
    detail: str


@dataclass(frozen=True)
class _Row:
    """What is checked together: a photograph with its masks and keypoints."""

    image: str
    path: str
    masks: tuple[tuple[str, str], ...]  # (what it is, path)
    keypoints: tuple[tuple[str, float, float], ...]  # (name, x, y)


def find_defects(
    specimens: Specimens,
    progress: Callable[[int, int], None] | None = None,
    workers: int | None = None,
) -> pd.DataFrame:
    """Open every photograph and mask once and list all that is wrong or worth knowing.

    Parameters
    ----------
    specimens
        The collection; read it with ``allow_missing=True`` to have missing files listed here.
    progress
        Called with (photographs done, photographs in all).
    workers
        Threads that decode; by default one a processor, at most 8.

    Returns
    -------
    pandas.DataFrame
        ``image, defect, severity, detail``, the gravest first; ``image`` is empty where a defect
        belongs to a label or the whole collection.

    Notes
    -----
    Severities: an *error* is a photograph that cannot be used and stops training (missing file,
    zero bytes, truncated, unreadable, gigantic); a *warning* is something that makes results less
    true or that a study will stumble over; a *note* says what was done to the pixels.

    Two photographs are duplicates if they decode to the same pixels, whatever their names, formats
    and metadata. A duplicate across splits makes the test figures better than they are. It is a
    warning nevertheless: training works, and which copy must go is for the owner to decide.

    Masks never stop training, since training does not read them.
    """
    rows = _rows(specimens)
    with warnings.catch_warnings():
        # What Pillow murmurs on large files and odd metadata is said by the report itself.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
        checked = map_in_threads(_check_row, rows, workers=workers, progress=progress)
    found = [defect for _, defects in checked for defect in defects]
    facts = {
        row.image: facts for row, (facts, _) in zip(rows, checked, strict=True) if facts is not None
    }
    found += _duplicates(specimens, facts)
    found += _labels(specimens)
    found += _companions(specimens)
    if specimens.ignored:
        detail = f"{len(specimens.ignored)} files are no photographs: {shorten(specimens.ignored)}"
        found.append(_Defect("", "ignored files", "note", detail))
    table = pd.DataFrame([vars(defect) for defect in found], columns=_COLUMNS, dtype="str")
    order = table["severity"].map(SEVERITIES.index)
    return (
        table.assign(order=order)
        .sort_values(["order", "defect", "image"], kind="stable", ignore_index=True)
        .drop(columns="order")
    )


def broken_images(defects: pd.DataFrame) -> list[str]:
    """Return the images that cannot be used, each once, sorted."""
    return sorted(set(defects.loc[defects["severity"] == "error", "image"]) - {""})


def describe(specimens: Specimens, defects: pd.DataFrame) -> str:
    """Return what a collection holds and what is wrong with it, in a few lines of text."""
    counts = specimens.table["label"].value_counts()
    lines = [
        f"{specimens.source}",
        f"  {_count(len(specimens), 'image')} of {_count(len(counts), 'label')}",
    ]
    if len(counts) > 1:
        fewest, most = counts.index[-1], counts.index[0]
        lines[-1] += f", {counts[fewest]} ({fewest}) to {counts[most]} ({most}) a label"
    if specimens.splits:
        sizes = specimens.table["split"].value_counts()
        lines.append("  splits: " + ", ".join(f"{name} {sizes[name]}" for name in specimens.splits))
    extras = {
        "masks": sum(path is not None for path in specimens.mask_paths),
        "attribute masks": _length(specimens.attributes),
        "keypoints": _length(specimens.keypoints),
        "pairs": _length(specimens.pairs),
    }
    if any(extras.values()):
        lines.append("  " + ", ".join(f"{n} {what}" for what, n in extras.items() if n))
    titles = {
        "error": "errors (training stops, or leaves these out with --skip-broken)",
        "warning": "warnings",
        "note": "notes",
    }
    for severity in SEVERITIES:
        these = defects[defects["severity"] == severity]
        if these.empty:
            continue
        lines.append(titles[severity])
        for defect, group in these.groupby("defect", sort=False):
            images = [image for image in group["image"] if image]
            if len(group) == 1:
                where = f"{images[0]}: " if images else ""
                lines.append(f"  {defect}: {where}{group['detail'].iloc[0]}")
            elif images:
                lines.append(f"  {defect}: {len(images)} images ({shorten(images, 3)})")
            else:
                lines.append(f"  {defect}: {shorten(list(group['detail']), 3)}")
    if defects.empty:
        lines.append("no defects")
    return "\n".join(lines)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _length(table: pd.DataFrame | None) -> int:
    return 0 if table is None else len(table)


def _rows(specimens: Specimens) -> list[_Row]:
    masks: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for image, mask in zip(specimens.table["image"], specimens.mask_paths, strict=True):
        if mask is not None:
            masks[image].append(("mask", os.fspath(mask)))
    if specimens.attributes is not None:
        columns = specimens.attributes[["image", "attribute", "mask"]]
        for image, attribute, mask in columns.itertuples(index=False):
            masks[image].append((f"mask of '{attribute}'", os.fspath(specimens.root / mask)))
    keypoints: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
    if specimens.keypoints is not None:
        columns = specimens.keypoints[["image", "keypoint", "x", "y"]].dropna()
        for image, name, x, y in columns.itertuples(index=False):
            keypoints[image].append((name, x, y))
    return [
        _Row(image, os.fspath(path), tuple(masks[image]), tuple(keypoints[image]))
        for image, path in zip(specimens.table["image"], specimens.paths, strict=True)
    ]


def _check_row(row: _Row) -> tuple[ImageFacts | None, list[_Defect]]:
    try:
        facts = inspect_image(row.path)
    except ImageError as error:
        return None, [_Defect(row.image, _FAULTS[error.kind], "error", _reason(error, row.path))]
    found = [_Defect(row.image, *finding) for finding in _findings(facts)]
    size = (facts.height, facts.width)
    for what, path in row.masks:
        found += [_Defect(row.image, *finding) for finding in _mask_findings(what, path, size)]
    outside = [
        name
        for name, x, y in row.keypoints
        if not (0 <= x <= facts.width and 0 <= y <= facts.height)
    ]
    if outside:
        detail = f"{shorten(outside)} outside the {facts.width} x {facts.height} pixels"
        found.append(_Defect(row.image, "keypoint outside the picture", "warning", detail))
    return facts, found


def _findings(facts: ImageFacts) -> Iterator[tuple[str, str, str]]:
    """Yield (defect, severity, detail) for a photograph that could be decoded."""
    pixels = f"{facts.width} x {facts.height} pixels"
    if facts.width * facts.height > LARGE_PIXELS:
        yield "very large", "warning", f"{pixels}: every reading is slow, make it smaller"
    if min(facts.width, facts.height) < TINY_SIDE:
        yield "tiny", "warning", f"{pixels}: too few to show an attribute"
    if facts.frames > 1:
        yield "animated", "warning", f"{facts.frames} frames or pages: the first is used"
    if facts.darkest == facts.brightest:
        yield "blank", "warning", f"every pixel has the value {facts.darkest}"
    elif facts.brightest < DARK_VALUE:
        cause = ": camera data of 12 bits in a 16-bit file? Stretch them" if facts.bits > 8 else ""
        yield "nearly black", "warning", f"brightest value {facts.brightest} of 255{cause}"
    if facts.mode == "CMYK":
        how = (
            "by its colour profile" if facts.has_profile else "without a profile, colours may shift"
        )
        yield "CMYK", "note", f"converted to RGB {how}"
    if facts.bits > 8:
        yield f"{facts.bits} bit", "note", f"{facts.bits} bits a channel reduced to 8"
    if facts.has_alpha:
        yield "alpha", "note", "transparent parts are laid on white"
    if facts.orientation != 1:
        yield "EXIF-rotated", "note", f"turned upright (orientation {facts.orientation})"
    if facts.mode in _GREY_MODES or facts.mode.startswith("I;16"):
        yield "grey", "note", "no colours"


def _mask_findings(what: str, path: str, size: tuple[int, int]) -> Iterator[tuple[str, str, str]]:
    try:
        mask = read_mask(path, size)
    except ImageError as error:
        defect = "mask missing" if error.kind == "missing" else "mask unreadable"
        yield defect, "warning", f"{what}: {error}"
        return
    except UserError as error:
        yield "mask of another size", "warning", f"{what}: {error}"
        return
    if not mask.any():
        yield "mask empty", "warning", f"{what}: no pixel of 128 or more (write 0 and 255): {path}"
    elif mask.all():
        yield "mask full", "warning", f"{what}: no background: {path}"


def _reason(error: ImageError, path: str) -> str:
    """Return an error without the path, which the table has in a column of its own."""
    return str(error).removeprefix(path).strip()


def _duplicates(specimens: Specimens, facts: dict[str, ImageFacts]) -> Iterator[_Defect]:
    table = specimens.table
    splits = table["split"] if "split" in table else pd.Series([""] * len(table))
    same: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for image, label, split in zip(table["image"], table["label"], splits, strict=True):
        if image in facts:
            same[facts[image].digest].append((image, label, split))
    for copies in same.values():
        if len(copies) == 1:
            continue
        across = len({split for _, _, split in copies}) > 1
        relabelled = len({label for _, label, _ in copies}) > 1
        for image, _, _ in copies:
            others = [copy for copy in copies if copy[0] != image]
            if across:
                named = shorten([f"{other} ({split})" for other, _, split in others])
                detail = f"same picture as {named}: keep one, else test figures are too good"
                yield _Defect(image, "duplicate across splits", "warning", detail)
            if relabelled:
                named = shorten([f"{other} ({label})" for other, label, _ in others])
                detail = f"same picture as {named}: one label is wrong"
                yield _Defect(image, "duplicate with another label", "warning", detail)
            if not across and not relabelled:
                detail = f"same picture as {shorten([other for other, _, _ in others])}"
                yield _Defect(image, "duplicate", "note", detail)


def _labels(specimens: Specimens) -> Iterator[_Defect]:
    counts = specimens.table["label"].value_counts()
    training = specimens.table
    if specimens.splits:
        training = training[training["split"] == "train"]
    in_training = training["label"].value_counts()
    for label in specimens.classes:
        number = int(in_training.get(label, 0))
        if counts[label] == 1:
            detail = f"{label} has one image: it cannot be learnt and tested"
            yield _Defect("", "label with one image", "warning", detail)
        elif number < FEW_TRAINING_IMAGES and not training.empty:
            detail = f"{label} has {number}"
            yield _Defect(
                "", f"fewer than {FEW_TRAINING_IMAGES} training images", "warning", detail
            )
    spellings: dict[str, list[str]] = defaultdict(list)
    for label in specimens.classes:
        spellings["".join(c for c in label.casefold() if c.isalnum())].append(label)
    for names in spellings.values():
        if len(names) > 1:
            detail = f"{' and '.join(names)}: the same species?"
            yield _Defect("", "labels spelt alike", "warning", detail)


def _companions(specimens: Specimens) -> Iterator[_Defect]:
    """Yield what attributes.csv, keypoints.csv and pairs.csv name that the table lacks."""
    images, classes = set(specimens.table["image"]), set(specimens.classes)
    named: dict[str, Iterable[str]] = {}
    if specimens.attributes is not None:
        named["attributes.csv"] = set(specimens.attributes["image"]) - images
    if specimens.keypoints is not None:
        named["keypoints.csv"] = set(specimens.keypoints["image"]) - images
    if specimens.pairs is not None:
        named["pairs.csv"] = {
            *specimens.pairs["label_a"],
            *specimens.pairs["label_b"],
        } - classes
    for file, unknown in named.items():
        if unknown:
            what = "labels" if file == "pairs.csv" else "images"
            detail = f"{file} names {what} that the table lacks: {shorten(sorted(unknown))}"
            yield _Defect("", f"unknown {what}", "warning", detail)
