"""What a preparation did, in a few lines."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from intr_discover.preparation.places import PROBLEMS
from intr_discover.preparation.steps import Steps


def lines_of(
    table: pd.DataFrame, problems: pd.DataFrame, photographs: int, steps: Steps, out: Path
) -> list[str]:
    """Return the lines: pictures, guessed masks, specimens cut apart, colours, problems.

    Parameters
    ----------
    table
        The new table.
    problems
        Photographs that are not in it, and why.
    photographs
        How many there were.
    steps
        What was asked for.
    out
        The folder, for the places to look at.
    """
    source = _newest(table, "photograph")
    lines = [f"{len(table)} pictures of {source.nunique()} of {photographs} photographs"]
    if "mask_source" in table:
        guessed = int((_newest(table, "mask_source") == "guessed").sum())
        if guessed:
            lines.append(f"{guessed} masks are guessed: look at them before you rely on one")
    if steps.apart:
        counts = source.value_counts()
        several = int((counts > 1).sum())
        touching = int(_newest(table, "remark").notna().sum())
        lines.append(
            f"{several} photographs show several specimens: {int(counts[counts > 1].sum())} "
            "pictures cut from them"
            + (f"; {touching} pictures may show two that touch (column remark)" * bool(touching))
        )
    if steps.colour_card:
        lines.append(_colour_line(table))
    if len(problems):
        lines.append(f"{len(problems)} photographs left out, with the reasons: {out / PROBLEMS}")
    return lines


def _colour_line(table: pd.DataFrame) -> str:
    """Return how many photographs were corrected and by how much; one row a photograph."""
    outcome = _newest(table, "colour_card")
    first = ~_newest(table, "photograph").duplicated()
    counts = outcome[first].value_counts()
    corrected = first & (outcome == "corrected")
    line = f"colour card: {int(counts.get('corrected', 0))} photographs corrected"
    if corrected.any():
        before, after, left_out = (
            _newest(table, f"delta_e_{name}")[corrected].astype(float).mean()
            for name in ("before", "after", "left_out")
        )
        line += (
            f" (mean CIEDE2000 of the patches {before:.1f} before, {after:.1f} after, "
            f"{left_out:.1f} for patches left out of the fit)"
        )
    others = [f"{number} {name}" for name, number in counts.items() if name != "corrected"]
    return line + "".join(f"; {each}: unchanged" for each in others)


def _newest(table: pd.DataFrame, name: str) -> pd.Series:
    """Return the column that this preparation wrote: the one with the highest number."""
    number = 2
    while f"{name}_{number}" in table:
        name_, number = f"{name}_{number}", number + 1
        if f"{name}_{number}" not in table:
            return table[name_]
    return table[name]
