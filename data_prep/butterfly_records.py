"""The records of the Cambridge butterfly collection: read, filtered, named; their files found."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from data_prep.common import Report
from intr_discover.data.folders import IMAGE_SUFFIXES
from intr_discover.data.raw import RAW_SUFFIXES
from intr_discover.data.tables import read_table
from intr_discover.downloads import download
from intr_discover.errors import UserError, shorten

COLUMNS = ["CAMID", "Image_name", "View", "Taxonomic_Name"]

#: So many photographs in a row that cannot be fetched: the network is gone, not a photograph.
MOST_FAILURES = 5

_HYBRID = re.compile(r"\s[x×]\s|×|hybrid", re.IGNORECASE)
_RANKS = ("ssp", "subsp", "var", "f")


def read_records(source: Path, report: Report) -> pd.DataFrame:
    """Read ``img_master.csv``, or every table of records in ``source``; each picture once.

    Raises
    ------
    UserError
        There is no such table.
    """
    master = source / "img_master.csv"
    tables = [
        read_table(path)
        for path in ([master] if master.is_file() else sorted(source.glob("*.csv")))
    ]
    tables = [table for table in tables if set(COLUMNS) <= set(table.columns)]
    if not tables:
        raise UserError(
            f"{source} has no table with the columns {', '.join(COLUMNS)}: put img_master.csv there"
        )
    table = pd.concat(tables, ignore_index=True)
    whole = table[COLUMNS].notna().all(axis="columns")
    table = leave_out(table, ~whole, "records without specimen, file, view or name", report)
    # Each raw record has its JPEG beside it: the same picture, and the one that the paper read.
    read = IMAGE_SUFFIXES - RAW_SUFFIXES
    raw = ~table["Image_name"].map(lambda name: _suffix(name) in read).astype(bool)
    table = leave_out(table, raw, "records of raw camera files", report)
    same = ["CAMID", "Image_name"]
    if "md5" in table and table["md5"].notna().all():
        same = ["md5"]
    return leave_out(
        table, table.duplicated(same), "records of a picture that is there twice", report
    )


def of_view(table: pd.DataFrame, view: str, report: Report) -> pd.DataFrame:
    """Keep the photographs of one view.

    Raises
    ------
    UserError
        There are none.
    """
    views = table["View"].str.lower()
    if not (views == view.lower()).any():
        there = shorten(sorted(set(views)), 12)
        raise UserError(f"no photograph has the view '{view}'; there are {there}")
    return leave_out(table, views != view.lower(), "photographs of other views", report)


def labelled(table: pd.DataFrame, rank: str, report: Report) -> pd.DataFrame:
    """Add ``label``; leave out hybrids, names that do not reach so far, and doubtful specimens."""
    hybrid = table["Taxonomic_Name"].map(lambda name: _HYBRID.search(name) is not None).astype(bool)
    if "hybrid_stat" in table:
        hybrid |= table["hybrid_stat"].str.lower().eq("hybrid")
    table = leave_out(table, hybrid, "photographs of hybrids", report)
    names = table["Taxonomic_Name"].map(lambda name: taxon(name, rank))
    what = f"photographs whose name does not reach the {rank}"
    table = leave_out(table.assign(label=names), names == "", what, report)
    several = table.groupby("CAMID")["label"].transform("nunique") > 1
    return leave_out(table, several, f"photographs of specimens with two {rank} names", report)


def taxon(name: str, rank: str) -> str:
    """Return the species, or species and subspecies, of a published name; "" where it has none.

    Examples
    --------
    >>> taxon("Heliconius erato ssp. demophoon", "species")
    'Heliconius erato'
    >>> taxon("Heliconius erato demophoon", "subspecies")
    'Heliconius erato ssp. demophoon'
    """
    words = [word for word in name.split() if word.lower().rstrip(".") not in _RANKS]
    if len(words) < 2 or words[1].lower().rstrip(".") in ("sp", "spp"):
        return ""
    species = f"{words[0]} {words[1]}"
    if rank == "species":
        return species
    return f"{species} ssp. {' '.join(words[2:])}" if len(words) > 2 else ""


def at_hand(table: pd.DataFrame, source: Path, report: Report) -> pd.DataFrame:
    """Add ``path``; leave out photographs that are not there, or whose file is not certain."""
    table = table.assign(path=pd.Series(_paths(source, table), table.index, dtype=object))
    what = "photographs that are not in SOURCE (--fetch gets them)"
    table = leave_out(table, table["path"].isna(), what, report)
    twice = table.duplicated("path", keep=False)
    return leave_out(table, twice, "photographs of which two records name one file", report)


def fetched(
    table: pd.DataFrame,
    source: Path,
    report: Report,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Add ``path``, downloading what is not there into ``source/images``, checked by its MD5.

    Raises
    ------
    UserError
        The table has no ``file_url`` and ``md5``, or several downloads in a row fail.
    """
    if not {"file_url", "md5"} <= set(table.columns):
        raise UserError(f"the table in {source} has no file_url and md5: take img_master.csv")
    paths = _paths(source, table)
    failed, in_a_row = [], 0
    for done, row in enumerate(table.to_dict("records")):
        if paths[done] is None:
            name = re.sub(r"[^\w.-]+", "_", _names(row)[0]).lstrip(".")
            try:
                paths[done] = download(row["file_url"], source / "images" / name, md5=row["md5"])
                in_a_row = 0
            except UserError as error:
                failed.append(f"{name} ({error})")
                in_a_row += 1
                if in_a_row >= MOST_FAILURES:
                    raise
        if progress is not None:
            progress(done + 1, len(table))
    if failed:
        report.warnings.append(f"left out: {len(failed)} not fetched: {shorten(failed, 3)}")
    table = table.assign(path=pd.Series(paths, table.index, dtype=object))
    return table[table["path"].notna()]


def leave_out(table: pd.DataFrame, rows: pd.Series, what: str, report: Report) -> pd.DataFrame:
    """Drop rows, and say how many of what."""
    if rows.any():
        report.warnings.append(f"left out: {int(rows.sum())} {what}")
    return table[~rows]


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _names(row: Mapping[Any, Any]) -> list[str]:
    """Return what a photograph's file may be called, the surest first."""
    number, name = row.get("X"), row["Image_name"]
    names = [row.get("filename"), f"{number}_{name}" if isinstance(number, str) else None, name]
    return [PurePosixPath(name).name for name in names if isinstance(name, str)]


def _paths(source: Path, table: pd.DataFrame) -> list[Path | None]:
    """Find each photograph below ``source``; None where it is not, or in several places."""
    found: dict[str, list[Path]] = {}
    for path in sorted(source.rglob("*")):
        if path.suffix.lower() in IMAGE_SUFFIXES:
            found.setdefault(path.name.lower(), []).append(path)
    places: list[Path | None] = []
    for row in table.to_dict("records"):
        fitting = next((found[n.lower()] for n in _names(row) if n.lower() in found), [])
        places.append(fitting[0] if len(fitting) == 1 else None)
    return places
