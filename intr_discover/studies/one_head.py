"""One head of one class, out of the result of the study ``heads``: its row, its photographs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from intr_discover.errors import UserError
from intr_discover.figures.head_names import HeadNames
from intr_discover.studies.head_card import with_names
from intr_discover.studies.result import StudyResult


def named_card(result: StudyResult, names: HeadNames) -> pd.DataFrame:
    """Return the head report card with today's names, whatever heads were called when it was made.

    Parameters
    ----------
    result
        Of the study ``heads``.
    names
        What people agree on; without any there is a column ``name`` all the same, empty.
    """
    return with_names(result.table.drop(columns="name", errors="ignore"), names)


def row_of_head(card: pd.DataFrame, label: str, head: int) -> Mapping[Any, Any]:
    """Return the row of a head.

    Raises
    ------
    UserError
        If the card has no such class or head.
    """
    rows = card[(card["label"] == label) & (card["head"] == head)]
    if rows.empty:
        raise UserError(f"the report card has no head {head} of '{label}'")
    row: Mapping[Any, Any] = rows.iloc[0].to_dict()
    return row


def strongest_photographs(
    result: StudyResult, label: str, head: int, most: int | None = None
) -> pd.DataFrame:
    """Return the photographs of a class that count, those first in which a head is strongest.

    Parameters
    ----------
    result
        Of the study ``heads``.
    label, head
        Which head.
    most
        How many photographs; None for all.

    Returns
    -------
    DataFrame
        Rows of the table ``peaks``: ``image``, ``x`` and ``y`` (pixels of the photograph),
        ``map_maximum``, …; of equal maxima the earlier photograph comes first. Empty where no
        photograph of the class counts.
    """
    photographs, peaks = result.tables["photographs"], result.tables["peaks"]
    counted = set(photographs.loc[photographs["counted"], "image"])
    chosen = (peaks["label"] == label) & (peaks["head"] == head) & peaks["image"].isin(counted)
    ordered = peaks[chosen].sort_values("map_maximum", ascending=False, kind="stable")
    return ordered if most is None else ordered.head(most)
