"""Birds-525 (525 species, 89,885 photographs of 224 × 224 pixels) as a specimen table.

Run ``python -m data_prep.birds525 SOURCE OUT --help``. SOURCE holds the zip from Kaggle or what is
in it: the folders ``train``, ``valid`` and ``test`` with one folder a species, and ``birds.csv``.

Source of the data: G. Piosenka, "BIRDS 525 SPECIES- IMAGE CLASSIFICATION", Kaggle, 2023.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from data_prep import command
from data_prep.common import Report
from data_prep.published import DataSet, Tables, prepare
from data_prep.published_files import Archive, Progress, Published
from intr_discover.data.folders import IMAGE_SUFFIXES
from intr_discover.data.tables import read_table, require_columns
from intr_discover.errors import shorten

BIRDS = DataSet(
    title="Birds-525",
    module="data_prep.birds525",
    paper={"train": 84635, "test": 2625, "classes": 525},
    archives=(Archive(("archive.zip", "*bird*.zip"), "train"),),
    columns="""\
- `specimens.csv`: image, label (the folder's name, its spaces put in order), split (as published;
  "valid" is val), scientific_name (where birds.csv has it).""",
    source="""\
Gerald Piosenka, "BIRDS 525 SPECIES- IMAGE CLASSIFICATION", Kaggle, 2023
(gpiosenka/100-bird-species; later copies carry other names).

Licence: Kaggle's page said CC0 (public domain); the photographs were collected from the web, and
who took them is not recorded.""",
    warnings=(
        "validation and test were picked by the author of the data as the best photographs of each "
        "species, and about four of five birds are males (published description): accuracy on "
        "other photographs will be lower",
    ),
)

SPLITS = {"train": "train", "valid": "val", "test": "test"}


def prepare_birds(
    source: Path,
    out: Path,
    *,
    copy: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Write ``specimens.csv``; parameters and what is raised as ``published.prepare``."""
    return prepare(BIRDS, source, out, _read, copy=copy, overwrite=overwrite, progress=progress)


def _read(published: Published, report: Report) -> Tables:
    rows = []
    renamed = set()
    for name, split in SPLITS.items():
        for folder in sorted(published.need(name).iterdir()):
            if not folder.is_dir() or folder.name.startswith("."):
                continue
            # "PARAKETT  AUKLET" in train and test is "PARAKETT AUKLET" in valid: one species.
            label = " ".join(folder.name.split())
            if label != folder.name:
                renamed.add(f"'{folder.name}'")
            rows += [
                (path, label, split)
                for path in sorted(folder.iterdir())
                if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
            ]
    if renamed:
        named = shorten(sorted(renamed), 20)
        report.warnings.append(f"spaces put in order in the names of the folders {named}")
    table = pd.DataFrame(rows, columns=["path", "label", "split"])
    names = _scientific_names(published, report)
    if names:
        table["scientific_name"] = [names.get(_key(label), "") for label in table["label"]]
    return Tables(table)


def _scientific_names(published: Published, report: Report) -> dict[str, str]:
    """Return the scientific name of each label that birds.csv knows."""
    path = published.find("birds.csv")
    if path is None:
        report.warnings.append("no scientific names: birds.csv is not in SOURCE")
        return {}
    table = require_columns(read_table(path), ["filepaths", "labels", "scientific name"], path)
    absent = sum(not (path.parent / place).is_file() for place in table["filepaths"].dropna())
    if absent:
        report.warnings.append(
            f"birds.csv names {absent} files that are not there (folders spelt otherwise); the "
            "folders are what counts here"
        )
    known = table.dropna(subset=["labels", "scientific name"])
    return {
        _key(label): name
        for label, name in zip(known["labels"], known["scientific name"], strict=True)
    }


def _key(label: str) -> str:
    """Return what a label is found by, however birds.csv spells it."""
    return " ".join(label.upper().split()).replace("AKULET", "AUKLET")


def main(arguments: Sequence[str]) -> Report:
    """Parse the command line and prepare the table."""
    parser = command.published_parser(BIRDS.module, "Birds-525 as a specimen table.")
    parsed = parser.parse_args(arguments)
    with command.progress_steps() as progress:
        return prepare_birds(**vars(parsed), progress=progress)


if __name__ == "__main__":
    sys.exit(command.run(main))
