"""What the study ``mimicry`` found, in sentences for a biologist."""

from __future__ import annotations

from typing import Any

import pandas as pd

from intr_discover.studies.pair_table import ON_REGION
from intr_discover.studies.result import StudyResult
from intr_discover.studies.wording import interval, percent

_FRAMES = {
    "landmarks": "landmarks",
    "specimen": "the specimens' boxes",
    "photograph": "the whole photographs, for there are neither landmarks nor masks",
}


def findings(result: StudyResult) -> list[str]:
    """Say how often look-alikes are confused, and where the model looks differently at them."""
    summary, table = result.summary, result.table
    said = [_confusion(summary)]
    said += _context(summary)
    said += _difference(summary)
    said += _on_regions(summary)
    said += _strongest(table)
    said += _ranking(summary, result.tables["matrix"])
    return said


def _confusion(summary: dict[str, Any]) -> str:
    n = summary["n_pair_photographs"]
    known = "known" if summary["n_known_pairs"] else "most confusable"
    pairs = "1 pair" if summary["n_pairs"] == 1 else f"{summary['n_pairs']} pairs"
    return (
        f"{percent(summary['taken_for_mate_all'])} of {n} photographs of {pairs} of {known} "
        f"look-alikes ({_sure(summary, 'taken_for_mate_all')}) are taken for their look-alike; "
        f"when only the two may be answered, {percent(summary['taken_for_mate_zero'])} "
        f"({_sure(summary, 'taken_for_mate_zero')})."
    )


def _context(summary: dict[str, Any]) -> list[str]:
    if summary["context_shift_zero"] is None:
        return []
    if summary["decoder_layers"] == 1:
        return [
            "This model has one decoder layer, in which class queries exchange nothing yet: asked "
            "about the two alone it looks where it looks anyway "
            f"({summary['n_pair_photographs']} photographs)."
        ]
    words = (
        f"When only the two compete, {percent(summary['context_shift_zero'])} of a head's "
        f"attention moves to another place (mean of {summary['n_pair_photographs']} photographs"
    )
    if summary["context_shift_zero_low"] is not None:
        words += f", {_sure(summary, 'context_shift_zero')}"
    return [f"{words})."]


def _difference(summary: dict[str, Any]) -> list[str]:
    tested, pairs = summary["n_testable_pairs"], summary["n_pairs"]
    if not tested:
        return [
            f"Whether the mean maps of look-alikes differ cannot be tested: none of {pairs} pairs "
            "has enough photographs (4 of each are the least)."
        ]
    said = (
        f"In {percent(summary['pairs_that_differ'])} of {tested} pairs "
        f"({_sure(summary, 'pairs_that_differ')}) the model looks at different places in the two "
        f"species, more than shuffled labels would give (frame: {_FRAMES[summary['frame']]})."
    )
    if tested < pairs:
        said += f" {pairs - tested} of {pairs} pairs have too few photographs for the test."
    return [said]


def _on_regions(summary: dict[str, Any]) -> list[str]:
    if not summary["n_region_pairs"]:
        return []
    pairs = summary["n_region_pairs"]
    if summary["region_precision"] is None:
        return [f"No cell differs significantly in the {pairs} pairs whose attribute is known."]
    words = (
        f"Of the cells that differ, {percent(summary['region_precision'])} lie on the attribute "
        f"that is known to separate the pair, or next to it (median of "
        f"{summary['n_region_precision']} pairs that have any"
    )
    if summary["region_precision_low"] is not None:
        words += f", {_sure(summary, 'region_precision')}"
    words += (
        f"); of all cells {percent(summary['region_chance'])} do. "
        f"{summary['region_pairs_precise']} of {pairs} pairs reach {ON_REGION:.0%}".replace(
            f"{ON_REGION:.0%}", f"{100 * ON_REGION:.0f} %"
        )
        + f"; {percent(summary['region_recall'])} of an attribute's cells are found (median)."
    )
    return [words]


def _strongest(table: pd.DataFrame) -> list[str]:
    """Name the pair that differs most, and where."""
    differing = table[table["difference_cells"].fillna(0) > 0]
    if differing.empty:
        return []
    sizes = differing["peak_difference"].abs()
    row = differing.iloc[int(sizes.to_numpy().argmax())]
    more, less = ("label_a", "label_b") if row["peak_difference"] > 0 else ("label_b", "label_a")
    where = f", near the landmark {row['peak_near']}" if isinstance(row["peak_near"], str) else ""
    return [
        f"The largest difference is that of {row['label_a']} and {row['label_b']}{where}: the "
        f"query of {row[more]} looks there, that of {row[less]} less, by "
        f"{abs(row['peak_difference']):.0f} times even attention "
        f"(p = {row['difference_p']:.2g}, {row['n_maps_a']} and {row['n_maps_b']} photographs)."
    ]


def _ranking(summary: dict[str, Any], matrix: pd.DataFrame) -> list[str]:
    if summary["true_pairs_ranked_first"] is not None:
        ways = [("By margin", "true_pairs_ranked_first_margin"),
                ("by how alike the decoder answers them", "true_pairs_ranked_first_features"),
                ]  # fmt: skip
        if summary["views_a_class"]:
            ways.insert(0, ("With half of each photograph hidden", "true_pairs_ranked_first"))
            ways[1] = ("by margin of whole photographs", ways[1][1])
        shares = [f"{way}, {percent(summary[key])} ({_sure(summary, key)})" for way, key in ways]
        return [
            f"{shares[0]} of {summary['n_known_pairs']} known pairs rank before all other pairs "
            f"of classes; {'; '.join(shares[1:])} ({summary['n_all_pairs']} pairs)."
        ]
    first = matrix.iloc[0]
    how = f"mean margin {first['confusability']:.1f} logits"
    if summary["views_a_class"]:
        how = (
            f"with half of the photograph hidden, {percent(first['hidden_confusability'])} of the "
            f"probability goes to the other one; {how}"
        )
    return [
        f"Of {summary['n_all_pairs']} pairs of classes {first['label_a']} and {first['label_b']} "
        f"come nearest to being mistaken ({how}; "
        f"{first['n_a']} and {first['n_b']} photographs)."
    ]


def _sure(summary: dict[str, Any], key: str) -> str:
    return interval(summary[f"{key}_low"], summary[f"{key}_high"])
