"""Which photographs there were, of what, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from intr_discover.data.defects import SEVERITIES
from intr_discover.data.specimens import Specimens
from intr_discover.errors import shorten
from intr_discover.report.data_check import Checked
from intr_discover.report.gathered import Results, table_of

_SHOWN_AT_ONCE = 24
"""Species up to which the table of their photographs is open from the start."""

_MEANINGS = {
    "error": "cannot be used",
    "warning": "makes results less true, or a study stumble",
    "note": "what was done to the pixels",
}


@dataclass(frozen=True)
class DefectRow:
    """One kind of defect.

    Attributes
    ----------
    defect, severity, meaning
        What it is, how grave, and what that means.
    count
        In how many photographs; 0 where it belongs to a label or to all.
    where
        Examples, or what it says of the collection.
    """

    defect: str
    severity: str
    meaning: str
    count: int
    where: str


@dataclass(frozen=True)
class DataOnPage:
    """The section on the photographs.

    Attributes
    ----------
    facts
        (what, in words).
    columns, counts
        The table of photographs: names of the splits, and for each species its numbers.
    judged
        For each species, how many of them the model was asked about.
    open
        Whether the table is shown at once.
    checked
        How many were opened to look for defects, in a sentence.
    defects
        What was found, the gravest first.
    """

    facts: list[tuple[str, str]]
    columns: list[str]
    counts: list[tuple[str, list[int]]]
    open: bool
    checked: str
    defects: list[DefectRow]


def data_on_page(
    collection: Specimens, judged: Specimens, results: Results, checked: Checked | None
) -> DataOnPage:
    """Describe the photographs.

    Parameters
    ----------
    collection
        All there are.
    judged
        Those that the model was asked about.
    results
        Of the studies: ``doubtful_labels`` knows which labels are in doubt.
    checked
        What a look at every photograph found; None where nobody looked.
    """
    table = photograph_table(collection, judged)
    columns = [str(name) for name in table.columns if name != "label"]
    rows = [
        (str(row["label"]), [int(row[name]) for name in columns])
        for row in table.to_dict("records")
    ]
    return DataOnPage(
        facts=[*_facts(collection, judged), *_doubted(results)],
        columns=columns,
        counts=rows,
        open=len(rows) <= _SHOWN_AT_ONCE,
        checked=_looked_for(checked),
        defects=[] if checked is None else defect_rows(checked.defects),
    )


def photograph_table(collection: Specimens, judged: Specimens) -> pd.DataFrame:
    """Return how many photographs there are of each species.

    Returns
    -------
    DataFrame
        ``label``; a column for each split, or ``photographs`` where there are no splits;
        ``specimens``, where the table has a ``specimen_id``; and ``in this report``, those that the
        model was asked about.
    """
    summary = collection.summary()
    wide = summary.pivot(index="label", columns="split", values="images")
    wide = wide[collection.splits or ["all"]].rename(columns={"all": "photographs"})
    wide.columns.name = None
    if "specimen_id" in collection.table:
        ids = collection.table["specimen_id"].fillna(collection.table["image"])
        wide["specimens"] = ids.groupby(collection.table["label"]).nunique()
    asked = judged.table["label"].value_counts()
    wide["in this report"] = asked.reindex(wide.index).fillna(0).astype(int)
    return wide.reset_index()


def defect_rows(defects: pd.DataFrame) -> list[DefectRow]:
    """Return one row a kind of defect, the gravest first, the most frequent before others.

    Parameters
    ----------
    defects
        ``image``, ``defect``, ``severity`` and ``detail``, as ``find_defects`` returns them.
    """
    rows = []
    for (severity, defect), group in defects.groupby(["severity", "defect"], sort=False):
        images = [image for image in group["image"] if image]
        where = shorten(images, 3) if images else shorten(list(group["detail"]), 3)
        if len(images) == 1:
            where = f"{images[0]}: {group['detail'].iloc[0]}"
        meaning = _MEANINGS[str(severity)]
        rows.append(DefectRow(str(defect), str(severity), meaning, len(images), where))
    return sorted(rows, key=lambda row: (SEVERITIES.index(row.severity), -row.count))


def _facts(collection: Specimens, judged: Specimens) -> list[tuple[str, str]]:
    n = len(collection)
    counts = collection.table["label"].value_counts()
    each = f"{counts.min()} to {counts.max()} of each, half of them {counts.median():g} or more"
    if counts.min() == counts.max():
        each = f"{counts.min()} of each"
    said = [("Photographs", f"{n} of {len(counts)} species: {each}")]
    splits = collection.table["split"].value_counts() if collection.splits else None
    if splits is None:
        said.append(("Splits", "none in the table"))
    else:
        said.append(("Splits", ", ".join(f"{name} {splits[name]}" for name in collection.splits)))
    if len(judged) < n:
        said.append(
            ("In this report", f"{len(judged)} photographs of {len(judged.classes)} species")
        )
    return [*said, *_companions(collection)]


def _companions(collection: Specimens) -> list[tuple[str, str]]:
    """Say what is known of the photographs beside their labels, and what is not."""
    n, table = len(collection), collection.table
    masks = sum(path is not None for path in collection.mask_paths)
    specimens = "not named (specimen_id): several photographs of one animal count as several"
    if "specimen_id" in table:
        specimens = f"{table['specimen_id'].nunique()} named (specimen_id)"
        unnamed = int(table["specimen_id"].isna().sum())
        specimens += f", {unnamed} photographs without" if unnamed else ""
    attributes, points, pairs = collection.attributes, collection.keypoints, collection.pairs
    return [
        ("Specimens", specimens),
        ("Masks of specimens", f"{masks} of {n} photographs" if masks else "none"),
        ("Masks of attributes", _named(attributes, "attribute", "attribute")),
        ("Landmarks", _named(points, "keypoint", "named point")),
        ("Look-alikes", "none named" if pairs is None else f"{_counted(len(pairs), 'pair')} named"),
    ]


def _named(table: pd.DataFrame | None, column: str, what: str) -> str:
    if table is None or table.empty:
        return "none"
    kinds, photographs = table[column].nunique(), table["image"].nunique()
    return f"{_counted(kinds, what)} in {_counted(photographs, 'photograph')}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _doubted(results: Results) -> list[tuple[str, str]]:
    classes = table_of(results, "doubtful_labels", "classes")
    if classes.empty:
        return []
    doubted, n = int(classes["doubted"].sum()), int(classes["n"].sum())
    return [("Labels in doubt", f"{doubted} of {n} looked at")]


def _looked_for(checked: Checked | None) -> str:
    if checked is None:
        return "Nobody looked for broken photographs, duplicates or odd masks."
    looked = f"All {checked.n} photographs were opened, with their masks"
    if checked.n < checked.of:
        looked = (
            f"{checked.n} of {checked.of} photographs were opened, with their masks (--full opens "
            "all; a duplicate is found where both are opened)"
        )
    if checked.defects.empty:
        return f"{looked}: no broken file, no duplicate, no odd mask."
    return f"{looked}. What was found:"
