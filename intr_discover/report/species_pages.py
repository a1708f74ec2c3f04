"""What all studies say of one species, gathered from their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from intr_discover.report.gathered import Results, Row, rows_where, table_of
from intr_discover.report.head_verdicts import verdict
from intr_discover.report.numbers import is_missing
from intr_discover.report.page_figures import FigureOnPage, Pair
from intr_discover.report.species_edits import EditRow, edits_of
from intr_discover.report.species_facts import Fact, facts_of
from intr_discover.report.species_heads import (
    HeadRow,
    counts_of,
    head_row,
    heads_in_order,
    heads_to_show,
)
from intr_discover.studies.head_card import called


@dataclass(frozen=True)
class SpeciesPage:
    """One species on the page.

    Attributes
    ----------
    id, name
        For links, and what it is called.
    brief
        What stands beside the name while the page is closed.
    facts
        (what, sentence).
    mates
        (name of a look-alike, id of the pair's sheet).
    heads, heads_left_out, heads_n
        Its heads, the first most important; how many more there are; on how many photographs.
    edits
        What changes of its photographs did.
    figures
        Its own.
    missing
        What is not known, in half a line; empty where all is.
    record
        Its row of ``species.csv``.
    """

    id: str
    name: str
    brief: str
    facts: list[Fact]
    mates: list[tuple[str, str]]
    heads: list[HeadRow]
    heads_left_out: int
    heads_n: str
    edits: list[EditRow]
    figures: list[FigureOnPage]
    missing: str
    record: Mapping[str, Any] = field(default_factory=dict)


def species_pages(
    classes: Sequence[str],
    results: Results,
    figures: Sequence[FigureOnPage],
    pairs: Mapping[Pair, str],
) -> list[SpeciesPage]:
    """Return a page for each species, in the order given.

    Parameters
    ----------
    classes
        The species with photographs.
    results
        Of the studies that were done; any of them may be absent.
    figures
        Of the page; those about a species alone go with it.
    pairs
        The look-alikes with the ids of their sheets.
    """
    return [
        _page(number, label, results, figures, pairs) for number, label in enumerate(classes, 1)
    ]


def species_table(pages: Sequence[SpeciesPage]) -> pd.DataFrame:
    """Return the numbers of the species pages, one row a species."""
    return pd.DataFrame([page.record for page in pages])


def _page(
    number: int,
    label: str,
    results: Results,
    figures: Sequence[FigureOnPage],
    pairs: Mapping[Pair, str],
) -> SpeciesPage:
    own = [figure for figure in figures if figure.about == (label,)]
    mates = [(b if label == a else a, sheet) for (a, b), sheet in pairs.items() if label in (a, b)]
    card = heads_in_order(results, label)
    shown = heads_to_show(card)
    edits = edits_of(label, results)
    accuracy = next(iter(rows_where(table_of(results, "evaluate", "per_class"), label=label)), {})
    worth = [called(row) for row in card if verdict(row).worth_a_name]
    perhaps = [called(row) for row in card if verdict(row).worth_a_name is None]
    named = [called(row) for row in card if isinstance(row.get("name"), str)]
    record = {
        "label": label,
        **{name: accuracy.get(name) for name in ("n", "correct", "top1", "low", "high")},
        "mistaken_for": accuracy.get("mistaken_for"),
        "heads_scored": sum(not is_missing(row.get("consistency")) for row in card),
        "heads_worth_a_name": "; ".join(worth),
        "heads_perhaps_worth_a_name": "; ".join(perhaps),
        "heads_named_by_people": "; ".join(named),
        "look_alikes": "; ".join(mate for mate, _ in mates),
    }
    return SpeciesPage(
        id=f"species-{number}",
        name=label,
        brief=_brief(accuracy, card, len(worth), len(perhaps), mates),
        facts=facts_of(label, accuracy, results),
        mates=mates,
        heads=[head_row(row) for row in shown],
        heads_left_out=len(card) - len(shown),
        heads_n=counts_of(card),
        edits=edits,
        figures=own,
        missing=_missing(results, card, edits, own),
        record=record,
    )


def _brief(
    accuracy: Row,
    card: Sequence[Row],
    worth: int,
    perhaps: int,
    mates: Sequence[tuple[str, str]],
) -> str:
    """Return in a few words what the page says."""
    said = []
    if accuracy.get("n"):
        said.append(f"{accuracy['correct']} of {accuracy['n']} recognised")
    if worth:
        said.append(f"{_heads(worth)} worth a name")
    elif card:
        said.append(f"{_heads(perhaps)} perhaps worth a name" if perhaps else "no head to name")
    if mates:
        said.append(f"like {mates[0][0]}" + (f" and {len(mates) - 1} more" * (len(mates) > 1)))
    return " · ".join(said)


def _heads(count: int) -> str:
    return "1 head" if count == 1 else f"{count} heads"


def _missing(
    results: Results,
    card: Sequence[Row],
    edits: Sequence[EditRow],
    figures: Sequence[FigureOnPage],
) -> str:
    """Return what is not known of a species, and why."""
    said = []
    if "evaluate" not in results:
        said.append("accuracy (not asked)")
    if not card:
        said.append(f"heads ({_why(results, 'heads')})")
    elif not any(figure.study == "heads" for figure in figures):
        said.append("head atlas (not drawn; --full draws all)")
    if not edits:
        said.append(f"edits ({_why(results, 'manipulation', 'transplants')})")
    return f"Not here: {', '.join(said)}." if said else ""


def _why(results: Results, *studies: str) -> str:
    if any(study in results for study in studies):
        return "not among the photographs looked at"
    return "not asked"
