"""Pages of doubtful photographs, each beside typical ones of the species it may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from intr_discover.data.images import read_image
from intr_discover.data.specimens import Specimens
from intr_discover.figures import style
from intr_discover.figures.contact_sheet import contact_sheet
from intr_discover.studies.label_doubts import MISLABELLED
from intr_discover.studies.looking import reduced
from intr_discover.studies.result import StudyResult
from intr_discover.studies.wording import percent

SHOWN = 6
"""Photographs on a page."""


def add_figures(result: StudyResult, chosen: Specimens, full: bool) -> None:
    """Add pages of the most doubtful photographs beside typical ones of both species."""
    table, everything = result.table, result.tables["all"]
    paths = dict(zip(chosen.table["image"], chosen.paths, strict=True))
    right = everything[everything["label"] == everything["predicted"]]
    right = right[right["kind"].isna()]
    best = right.sort_values("probability_of_label", ascending=False, kind="stable")
    typical = best.groupby("label")["image"].first().to_dict()
    pages = -(-len(table) // SHOWN)
    for page in range(pages if full else min(1, pages)):
        shown = table.iloc[page * SHOWN : (page + 1) * SHOWN]
        rows = [
            (
                _words(row),
                [
                    paths[row["image"]],
                    *(paths.get(typical.get(row[name])) for name in ("label", "looks_like")),
                ],
            )
            for row in records(shown)
        ]
        name = "doubtful" if page == 0 else f"doubtful_{page + 1:02d}"
        result.drawings[name] = partial(_sheet, rows)
        result.captions[name] = (
            f"The most doubtful labels ({len(shown)} of {len(table)}). Left the photograph, then a "
            "typical photograph of the species on its label, and one of the species that it looks "
            "like to a model that was not trained on it. In per cent: what the model gives them."
        )


def _words(row: Mapping[str, Any]) -> str:
    mark = "?" if row["kind"] == MISLABELLED else " or both?"
    return (
        f"{Path(row['image']).name}\n"
        f"label: {row['label']} ({percent(row['probability_of_label'])})\n"
        f"{row['looks_like']}{mark} ({percent(row['probability_of_other'])})"
    )


def _sheet(rows: Sequence[tuple[str, Sequence[Path | None]]]) -> Figure:
    """Draw a page; photographs are opened now, so that none waits in memory."""
    pictures = [[None if p is None else reduced(read_image(p)) for p in paths] for _, paths in rows]
    return contact_sheet(
        pictures,
        row_labels=[words for words, _ in rows],
        column_labels=("photograph", "as labelled", "looks like"),
        width=style.ONE_AND_A_HALF_COLUMN_MM,
    )


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as dictionaries."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
