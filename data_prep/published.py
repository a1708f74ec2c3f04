"""What the scripts of the paper's data sets share: finding the files, writing the tables.

A script says what its archives are (``DataSet``) and turns the published lists into ``Tables``;
everything else is done here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from data_prep import common, pictures
from data_prep.common import Report
from data_prep.published_files import Archive, Progress, Published, locate
from intr_discover.data.specimens import SPLITS, Specimens
from intr_discover.errors import UserError, shorten
from intr_discover.files import write_text

README = """# {title} as a specimen table

{summary}

## Read before training
{warnings}

## Files
{columns}

## Source and licence
{source}
"""


@dataclass(frozen=True)
class DataSet:
    """What is known of a published data set.

    Attributes
    ----------
    title, columns, source
        For the README beside the table: name; what the files and columns are; citation and licence.
    module
        The script, as in ``data_prep.cub``.
    paper
        Images in ``train`` and ``test``, and ``classes``, in the paper's Table 3.
    archives
        What it is published in.
    warnings
        What a user has to know whatever the options are.
    """

    title: str
    module: str
    paper: Mapping[str, int]
    archives: tuple[Archive, ...]
    columns: str
    source: str
    warnings: tuple[str, ...] = ()


@dataclass
class Tables:
    """What a script has read.

    Attributes
    ----------
    specimens
        One row a photograph: ``path`` (a ``Path``), ``label``, ``split``; optional
        ``specimen_id``, ``mask`` (a ``Path`` or None), and anything else.
    keypoints
        ``path, keypoint, x, y``, or None.
    more
        Other tables by file name; a column ``path`` becomes ``image``.
    compare
        Whether the counts should be the paper's: false under options that change them.
    picture
        Makes new pixels of a photograph (``uint8 [H, W, 3]``), or None: the published file is used.
    mask
        Makes a new mask (``bool [H, W]``) of a published one, or None: that is used.
    """

    specimens: pd.DataFrame
    keypoints: pd.DataFrame | None = None
    more: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    compare: bool = True
    picture: Callable[[Path], Any] | None = None
    mask: Callable[[Path], Any] | None = None


def prepare(
    dataset: DataSet,
    source: Path,
    out: Path,
    read: Callable[[Published, Report], Tables],
    *,
    copy: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Unpack, read, check and write: ``out/specimens.csv`` and what stands beside it.

    Parameters
    ----------
    dataset
        What is known of it.
    source
        The folder of the archives, or of what was unpacked; or the archive itself.
    out
        The folder to write.
    read
        Turns the published files into ``Tables``; may add warnings to the report.
    copy
        Copy the pictures; otherwise the table points to the published files.
    overwrite
        Write into a folder that holds files.
    progress
        ``progress("photographs")`` gives the callback ``(done, total)`` of that step.

    Raises
    ------
    UserError
        Something is wrong with the places, the archives, the lists or a picture.
    """
    steps = progress or (lambda _: None)
    if not source.exists():
        raise UserError(f"there is no folder or archive {source}")
    common.check_out(source, out, overwrite)
    published = locate(dataset.archives, source, out / "published", steps)
    report = Report()
    tables = read(published, report)
    if tables.specimens.empty:
        raise UserError(f"{source} has no photographs that can be used")
    _check_paths(tables.specimens, published)
    if tables.compare:
        report.warnings += compare_with_paper(tables.specimens, dataset.paper)
    specimens = common.leave_out_untrainable(tables.specimens, report)
    report.warnings += dataset.warnings
    written = ["specimens.csv", "keypoints.csv", "README.md", *tables.more]
    common.remove_tables(out, written)
    images = _place(specimens, out, tables, copy, steps("photographs"))
    if tables.keypoints is not None:
        common.write_table(out / "keypoints.csv", _with_images(tables.keypoints, images))
    for name, table in tables.more.items():
        common.write_table(out / name, _with_images(table, images))
    report.lines += _split_lines(specimens)
    write_text(out / "README.md", _readme(dataset, specimens, report))
    specimens = _with_images(specimens, images)
    first = [
        name for name in ("image", "label", "split", "specimen_id", "mask") if name in specimens
    ]
    rest = [name for name in specimens.columns if name not in first]
    common.write_table(out / "specimens.csv", specimens[[*first, *rest]])
    Specimens.read(out)
    report.lines.append(f"wrote {out / 'specimens.csv'}: {len(specimens)} images")
    return report


def compare_with_paper(specimens: pd.DataFrame, paper: Mapping[str, int]) -> list[str]:
    """Return one line for each count that is not the paper's, none if all agree."""
    splits = common.counts(specimens["split"])
    found = {**splits, "classes": specimens["label"].nunique()}
    return [
        f"{name}: found {found.get(name, 0)}, the paper has {number} (its Table 3)"
        for name, number in paper.items()
        if found.get(name, 0) != number
    ]


def _check_paths(specimens: pd.DataFrame, published: Published) -> None:
    """Make sure that what the lists name is there, once, and within the published files."""
    paths = list(specimens["path"])
    masks = list(specimens["mask"]) if "mask" in specimens else []
    for path in (path for path in [*paths, *masks] if isinstance(path, Path)):
        if not published.holds(path):
            raise UserError(f"the lists in {published.source} name {path}, which lies elsewhere")
    twice = specimens.loc[specimens["path"].duplicated(), "path"]
    if len(twice):
        raise UserError(f"the lists in {published.source} name {shorten(list(twice), 3)} twice")
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise UserError(f"{len(missing)} photographs are not there: {shorten(missing, 3)}")


def _place(
    specimens: pd.DataFrame,
    out: Path,
    tables: Tables,
    copy: bool,
    progress: Callable[[int, int], None] | None,
) -> dict[Path, tuple[str, str | None]]:
    """Put photographs and masks in place; return what the table calls each."""
    out.mkdir(parents=True, exist_ok=True)
    masks = list(specimens["mask"]) if "mask" in specimens else [None] * len(specimens)
    images_below, masks_below = _common(specimens["path"]), _common(masks)
    placed = {}
    for done, (path, mask) in enumerate(zip(specimens["path"], masks, strict=True)):
        image = _put(path, images_below, out / "images", out, copy, tables.picture)
        shape = None
        if isinstance(mask, Path):
            shape = _put(mask, masks_below, out / "masks", out, copy, tables.mask)
        placed[path] = (image, shape)
        if progress is not None:
            progress(done + 1, len(specimens))
    return placed


def _common(paths: Iterable[Path | None]) -> Path:
    """Return the deepest folder that holds all of the files."""
    folders = {path.parent for path in paths if isinstance(path, Path)}
    return Path(os.path.commonpath(folders)) if folders else Path()


def _put(
    path: Path,
    below: Path,
    folder: Path,
    out: Path,
    copy: bool,
    change: Callable[[Path], Any] | None,
) -> str:
    target = folder / path.relative_to(below)
    if change is not None:
        target = target.with_suffix(".png")
        pictures.save_png(target, change(path))
    elif copy and not path.is_relative_to(out):  # what was unpacked lies in OUT already
        pictures.copy_file(path, target)
    else:
        return common.relative_path(path, out)
    return target.relative_to(out).as_posix()


def _with_images(
    table: pd.DataFrame, images: Mapping[Path, tuple[str, str | None]]
) -> pd.DataFrame:
    """Turn the column ``path`` into ``image`` (and ``mask``), without rows that are left out."""
    if "path" not in table:
        return table
    table = table[table["path"].isin(list(images))]
    names = [images[path] for path in table["path"]]
    new = table.drop(columns="path")
    new.insert(0, "image", [image for image, _ in names])
    if "mask" in new:
        new["mask"] = [mask for _, mask in names]
    return new


def _split_lines(specimens: pd.DataFrame) -> list[str]:
    """Return images and labels of each split: a table by label would have hundreds of lines."""
    labels = {split: specimens.loc[specimens["split"] == split, "label"] for split in SPLITS}
    return [
        f"{split}: {len(own)} images, {own.nunique()} labels"
        for split, own in labels.items()
        if len(own)
    ]


def _readme(dataset: DataSet, specimens: pd.DataFrame, report: Report) -> str:
    return README.format(
        title=dataset.title,
        summary=f"{len(specimens)} photographs, {specimens['label'].nunique()} labels. "
        f"Made by `python -m {dataset.module}`.",
        warnings="\n".join(f"- {line}" for line in report.warnings) or "Nothing.",
        columns=dataset.columns,
        source=dataset.source,
    )
