"""What all studies say of two look-alikes, gathered from their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from intr_discover.report.gathered import NOTHING, Results, Row, fold_words, rows_where, table_of
from intr_discover.report.numbers import NumberRow, is_missing, number_row
from intr_discover.report.page_figures import FigureOnPage, Pair

_TABLES = (("mimicry", None), ("explanations", "pairs"), ("measurements", "pairs"))


@dataclass(frozen=True)
class PairPage:
    """Two look-alikes on the page.

    Attributes
    ----------
    id
        For links.
    first, second
        The species.
    diagnostic
        The attribute known to separate them; empty where none is.
    brief
        What stands beside the names while the sheet is closed.
    species
        (name, id of its page) of both, where they have one.
    numbers
        Of all studies.
    figures
        Their own.
    """

    id: str
    first: str
    second: str
    diagnostic: str
    brief: str
    species: list[tuple[str, str]]
    numbers: list[NumberRow]
    figures: list[FigureOnPage]


def pairs_of(
    named: pd.DataFrame | None, classes: Sequence[str], results: Results
) -> dict[Pair, str]:
    """Return the look-alikes that have a sheet, with its id for links.

    Parameters
    ----------
    named
        The collection's own ``pairs.csv``; those whose classes both have photographs count.
    classes
        The species with photographs.
    results
        Studies may have looked at further pairs: the most confusable where none are known.
    """
    there = set(classes)
    found: dict[frozenset[str], Pair] = {}
    tables = [NOTHING if named is None else named]
    tables += [table_of(results, study, name) for study, name in _TABLES]
    for table in tables:
        if table.empty:
            continue
        for a, b in zip(table["label_a"], table["label_b"], strict=True):
            if a != b and {a, b} <= there:
                found.setdefault(frozenset((a, b)), (a, b))
    return {pair: f"pair-{number}" for number, pair in enumerate(found.values(), 1)}


def pair_pages(
    pairs: Mapping[Pair, str],
    named: pd.DataFrame | None,
    results: Results,
    figures: Sequence[FigureOnPage],
    species: Mapping[str, str],
) -> list[PairPage]:
    """Return a sheet for each pair.

    Parameters
    ----------
    pairs
        See ``pairs_of``.
    named
        The collection's own ``pairs.csv``.
    results
        Any study may be absent.
    figures
        Of the page; those about a pair alone go with it.
    species
        Ids of the species pages, by name.
    """
    pages = []
    for pair, id in pairs.items():
        numbers = [
            *_confused(pair, results),
            *_maps(pair, results),
            *_pointing(pair, results),
            *_exchanged(pair, results),
            *_measured(pair, results),
        ]
        diagnostic = _diagnostic(pair, named, results)
        pages.append(
            PairPage(
                id,
                *pair,
                diagnostic,
                f"differ in {diagnostic}" if diagnostic else "",
                [(name, species[name]) for name in pair if name in species],
                numbers,
                [figure for figure in figures if figure.about == pair],
            )
        )
    return pages


def _rows(table: pd.DataFrame, pair: Pair) -> list[Row]:
    """Return the rows of a pair, whichever comes first."""
    a, b = pair
    return [*rows_where(table, label_a=a, label_b=b), *rows_where(table, label_a=b, label_b=a)]


def _diagnostic(pair: Pair, named: pd.DataFrame | None, results: Results) -> str:
    tables = [NOTHING if named is None else named, table_of(results, "mimicry")]
    for table in tables:
        for row in _rows(table, pair):
            if isinstance(row.get("diagnostic"), str):
                return str(row["diagnostic"])
    return ""


def _confused(pair: Pair, results: Results) -> list[NumberRow]:
    """Return how often one is taken for the other."""
    rows = []
    for row in _rows(table_of(results, "mimicry"), pair):
        for side, own, other in (("a", "label_a", "label_b"), ("b", "label_b", "label_a")):
            for key, words in (("all", ""), ("zero", ", only the two asked")):
                name = f"taken_{side}_{key}"
                rows.append(
                    number_row(
                        f"{fold_words(row)}{row[own]} taken for {row[other]}{words}",
                        row[name],
                        row[f"{name}_low"],
                        row[f"{name}_high"],
                        row[f"n_{side}"],
                    )
                )
    return rows


def _maps(pair: Pair, results: Results) -> list[NumberRow]:
    """Return where the mean maps differ."""
    rows = []
    for row in _rows(table_of(results, "mimicry"), pair):
        n = row["n_maps_a"] + row["n_maps_b"]
        fold = fold_words(row)
        if is_missing(row["difference_p"]):
            words = f"{fold}cells of the mean maps that differ (too few photographs to test)"
            rows.append(number_row(words, None, n=n))
            continue
        near = row.get("peak_near")
        words = f"{fold}cells of the mean maps that differ (p = {row['difference_p']:.2g}"
        words += f", most near {near})" if isinstance(near, str) else ")"
        rows.append(number_row(words, int(row["difference_cells"]), n=n, form="number"))
        if not is_missing(row["precision"]):
            chance = number_row("", row["region_chance"]).value
            words = f"{fold}of them on the known attribute (of all cells {chance})"
            rows.append(number_row(words, row["precision"], n=n))
    return rows


def _pointing(pair: Pair, results: Results) -> list[NumberRow]:
    rows = []
    for row in _rows(table_of(results, "explanations", "pairs"), pair):
        if row["n_diagnostic"]:
            chance = number_row("", row["chance_top_heads"]).value
            words = f"a strong head points at the known attribute (random points: {chance})"
            rows.append(
                number_row(words, row["share"], row["low"], row["high"], row["n_diagnostic"])
            )
    return rows


def _exchanged(pair: Pair, results: Results) -> list[NumberRow]:
    rows = []
    table = table_of(results, "transplants")
    for own, mate in (pair, pair[::-1]):
        for row in rows_where(table, label=own, mate=mate):
            control = number_row("", row["control_flip"]).value
            words = f"{own} taken for {mate} with its {row['region']} (controls change: {control})"
            rows.append(
                number_row(words, row["to_mate"], row["to_mate_low"], row["to_mate_high"], row["n"])
            )
    return rows


def _measured(pair: Pair, results: Results) -> list[NumberRow]:
    tested = [
        row
        for row in _rows(table_of(results, "measurements", "pairs"), pair)
        if not is_missing(row["q"])
    ]
    if not tested:
        return []
    clear = sum(row["q"] < 0.05 for row in tested)
    n = max(row["n_a"] + row["n_b"] for row in tested)
    words = f"measures of attended regions that differ (q < 0.05, of {len(tested)} compared)"
    return [number_row(words, clear, n=n, form="number")]
