"""The page of a report: what the outcomes of the studies look like to a reader."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from intr_discover.files import write_text, write_with
from intr_discover.report.baseline import baseline_rows
from intr_discover.report.cautions import cautions
from intr_discover.report.data_section import data_on_page, photograph_table
from intr_discover.report.facts import Facts, head_of, title_of
from intr_discover.report.how_made import file_groups, methods_of, paragraphs_of
from intr_discover.report.outcome import Outcome
from intr_discover.report.page_figures import FigureOnPage, figures_of
from intr_discover.report.pair_pages import pair_pages, pairs_of
from intr_discover.report.pictures import MOST_CHARACTERS, inline_pictures
from intr_discover.report.sections import section_of, unbroken
from intr_discover.report.species_pages import species_pages, species_table
from intr_discover.report.trust import tally, trust_rows

PHOTOGRAPHS, DEFECTS, SPECIES = "photographs.csv", "defects.csv", "species.csv"
"""Tables of the page itself, beside it."""

_OPEN_FROM_THE_START = 3
"""Up to so many species, or pairs, are not folded away."""


def write_page(path: Path, outcomes: Sequence[Outcome], facts: Facts) -> list[Path]:
    """Write the page and the tables that were gathered for it, each whole or not at all.

    Parameters
    ----------
    path
        The page; the files of the outcomes lie in folders beside it.
    outcomes
        What became of each study, in the order of the page.
    facts
        What the page is about.

    Returns
    -------
    list of Path
        The files written, the page last: where it stands, everything that it links to is there.
    """
    folder = path.parent
    content = _gather(outcomes, facts, folder)
    tables = {PHOTOGRAPHS: photograph_table(facts.everything, facts.specimens)}
    if facts.checked is not None:
        tables[DEFECTS] = facts.checked.defects
    tables[SPECIES] = species_table(content["species"])
    written = [_write_table(table, folder / name) for name, table in tables.items()]
    page = render(content, files=file_groups(outcomes, written, folder))
    write_text(path, page)
    return [*written, path]


def render(content: dict[str, Any], **more: Any) -> str:
    """Return the page as HTML that needs nothing but itself."""
    loader = jinja2.PackageLoader("intr_discover", "report")
    environment = jinja2.Environment(
        loader=loader,
        # Class names and paths come from files: everything is escaped.
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = unbroken
    style, script = (loader.get_source(environment, name)[0] for name in ("page.css", "page.js"))
    # This script may run, and no other: one that came in with a name would not. A browser takes
    # the sum of what it has read, with the line ends of Unix.
    script = script.replace("\r\n", "\n")
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return environment.get_template("page.html").render(
        **content, **more, style=style, script=script, script_hash=f"sha256-{allowed}"
    )


def _gather(outcomes: Sequence[Outcome], facts: Facts, folder: Path) -> dict[str, Any]:
    """Return what the template shows."""
    specimens, classes = facts.specimens, facts.specimens.classes
    done = [outcome for outcome in outcomes if outcome.result is not None]
    results = {each.study.name: each.result for each in done if each.result is not None}
    pairs = pairs_of(specimens.pairs, classes, results)
    figures = {each.study.name: figures_of(each, folder, classes, list(pairs)) for each in done}
    everything = [figure for of_study in figures.values() for figure in of_study]
    species = species_pages(classes, results, everything, pairs)
    sheets = pair_pages(
        pairs, specimens.pairs, results, everything, {page.name: page.id for page in species}
    )
    pictures = inline_pictures([figure.path for figure in _in_order(everything)])
    sections = [
        section_of(
            each,
            figures[each.study.name],
            baseline_rows(results) if each.study.name == "evaluate" else [],
            folder,
            facts.folds,
        )
        for each in done
    ]
    trust = trust_rows(outcomes)
    return {
        "title": title_of(classes),
        "facts": head_of(facts),
        "sections": sections,
        "trust": trust,
        "checks": tally(trust),
        "cautions": cautions(
            specimens, facts.split, outcomes, None if facts.folds is None else len(facts.folds)
        ),
        "data": data_on_page(facts.everything, specimens, results, facts.checked),
        "species": species,
        "pairs": sheets,
        "pictures": pictures,
        "beside": len({figure.path for figure in everything}) - len(pictures),
        "most_megabytes": MOST_CHARACTERS // 1_000_000,
        "open_species": len(species) <= _OPEN_FROM_THE_START,
        "open_pairs": len(sheets) <= _OPEN_FROM_THE_START,
        "left_out": [
            (each.study.title, each.study.name, each.reason)
            for each in outcomes
            if each.result is None
        ],
        "methods": methods_of(facts),
        "paragraphs": paragraphs_of(outcomes, facts),
    }


def _in_order(figures: Sequence[FigureOnPage]) -> list[FigureOnPage]:
    """Return the figures of all species first, then one of each pair and species, then the rest."""
    first: set[tuple[str, ...]] = set()
    ranked = []
    for place, figure in enumerate(figures):
        rank = 0 if not figure.about else 2 if figure.about in first else 1
        first.add(figure.about)
        ranked.append((rank, place, figure))
    return [figure for _, _, figure in sorted(ranked, key=lambda entry: entry[:2])]


def _write_table(table: pd.DataFrame, path: Path) -> Path:
    write_with(path, lambda file: table.to_csv(file, index=False, lineterminator="\n"))
    return path
