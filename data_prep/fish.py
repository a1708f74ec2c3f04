"""Fish (the 183 ray-finned fishes of iNaturalist-2021) as a specimen table.

Run ``python -m data_prep.fish SOURCE OUT --help``. SOURCE holds ``train.json.tar.gz``,
``train.tar.gz``, ``val.json.tar.gz`` and ``val.tar.gz``, or what is in them. Of the archives only
the fishes are unpacked. With ``train_mini`` in place of ``train`` there are 50 training photographs
a species: not the paper's data set, but a fifth of the download.

Source of the data: G. Van Horn, E. Cole, S. Beery, K. Wilber, S. Belongie and O. Mac Aodha,
"Benchmarking Representation Learning for Natural World Image Collections", CVPR 2021.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from data_prep import command
from data_prep.common import Report
from data_prep.published import DataSet, Tables, prepare
from data_prep.published_files import Archive, Progress, Published
from intr_discover.errors import UserError

TAXON = {"kingdom": "Animalia", "phylum": "Chordata", "class": "Actinopterygii"}
#: How the folders of these species are named: "02912_Animalia_Chordata_Actinopterygii_…".
FOLDERS = "_Animalia_Chordata_Actinopterygii_"

FISH = DataSet(
    title="Fish (iNaturalist-2021, Actinopterygii)",
    module="data_prep.fish",
    paper={"train": 45162, "test": 1830, "classes": 183},
    archives=(
        Archive(("train.json.tar.gz", "train_mini.json.tar.gz"), "train*.json"),
        Archive(("val.json.tar.gz",), "val.json"),
        Archive(
            ("train.tar.gz", "train_mini.tar.gz"),
            f"train*/*{FOLDERS}*",
            True,
            lambda name: FOLDERS in name,
        ),
        Archive(("val.tar.gz",), f"val/*{FOLDERS}*", True, lambda name: FOLDERS in name),
    ),
    columns="""\
- `specimens.csv`: image, label (the species), split (train is the official training split, test
  the official validation split, whose labels are public), common_name, order, family, genus, date,
  latitude and longitude (empty where the observer hides them), licence (its number in the
  published list) and rights_holder, to be named wherever a photograph is shown.""",
    source="""\
Grant Van Horn, Elijah Cole, Sara Beery, Kimberly Wilber, Serge Belongie and Oisin Mac Aodha,
"Benchmarking Representation Learning for Natural World Image Collections", CVPR 2021.
https://github.com/visipedia/inat_comp/tree/master/2021

Licence: non-commercial research and education; do not distribute the photographs. Each has a
licence of its own.""",
    warnings=(
        "the publishers count 45,166 training photographs of ray-finned fishes, the paper 45,162: "
        "it does not say which four it left out",
    ),
)


def prepare_fish(
    source: Path,
    out: Path,
    *,
    copy: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Write ``specimens.csv``; parameters and what is raised as ``published.prepare``."""
    return prepare(FISH, source, out, _read, copy=copy, overwrite=overwrite, progress=progress)


def _read(published: Published, report: Report) -> Tables:
    train = published.need("train.json", "train_mini.json")
    if train.name != "train.json":
        report.warnings.append("train_mini: 50 training photographs a species, not the paper's")
    parts = [
        _photographs(published, path, split)
        for path, split in ((train, "train"), (published.need("val.json"), "test"))
    ]
    return Tables(pd.concat(parts, ignore_index=True))


def _photographs(published: Published, path: Path, split: str) -> pd.DataFrame:
    """Return the fishes of one list."""
    try:
        with path.open(encoding="utf-8") as file:
            content = json.load(file, object_hook=_without_others)
        species = {entry["id"]: entry for entry in content["categories"] if entry is not None}
        images = {entry["id"]: entry for entry in content["images"] if entry is not None}
        pairs = [pair for pair in content["annotations"] if pair[1] in species]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{path} is not a list of iNaturalist-2021: {error}") from error
    if not pairs:
        raise UserError(f"{path} names no photograph of {'/'.join(TAXON.values())}")
    unknown = [image for image, _ in pairs if image not in images]
    if unknown:
        raise UserError(f"{path}: {len(unknown)} photographs of fishes lie in no folder of fishes")
    # "train/02912_…/….jpg" lies below the archive's folder.
    root = _root(published, images[pairs[0][0]]["file_name"])
    return pd.DataFrame(
        [
            {
                "path": root / PurePosixPath(images[image]["file_name"]),
                "label": species[kind]["name"],
                "split": split,
                **{name: species[kind].get(name) for name in SPECIES_COLUMNS},
                **{name: images[image].get(name) for name in IMAGE_COLUMNS},
            }
            for image, kind in pairs
        ]
    ).rename(columns={"license": "licence"})


SPECIES_COLUMNS = ("common_name", "order", "family", "genus")
IMAGE_COLUMNS = ("date", "latitude", "longitude", "license", "rights_holder")


def _without_others(entry: dict[str, Any]) -> Any:
    """Keep of a list of 2.7 million photographs what is needed, while it is read.

    Whole, it fills more memory than most computers have.
    """
    if "image_dir_name" in entry:
        return entry if all(entry.get(rank) == name for rank, name in TAXON.items()) else None
    if "file_name" in entry:
        return entry if FOLDERS in entry["file_name"] else None
    if "category_id" in entry:
        return entry["image_id"], entry["category_id"]
    return entry


def _root(published: Published, file_name: str) -> Path:
    place = PurePosixPath(file_name)
    return published.need(file_name).parents[len(place.parts) - 1]


def main(arguments: Sequence[str]) -> Report:
    """Parse the command line and prepare the table."""
    parser = command.published_parser(FISH.module, "The fishes of iNaturalist-2021.")
    parsed = parser.parse_args(arguments)
    with command.progress_steps() as progress:
        return prepare_fish(**vars(parsed), progress=progress)


if __name__ == "__main__":
    sys.exit(command.run(main))
