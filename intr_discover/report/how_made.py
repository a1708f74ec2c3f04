"""Where the numbers of a page come from: the record of each study, of the page, and all files."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intr_discover.provenance import versions
from intr_discover.report.facts import Facts
from intr_discover.report.methods_paragraph import methods_paragraph
from intr_discover.report.outcome import Outcome
from intr_discover.report.page_figures import relative_links
from intr_discover.studies.result import StudyResult

_VERSIONS_SHOWN = ("intr_discover", "python", "torch", "timm", "numpy", "platform")


@dataclass(frozen=True)
class FileGroup:
    """Tables and records that belong together.

    Attributes
    ----------
    name
        Of the study, or what the files are about.
    files
        (words, relative path).
    """

    name: str
    files: list[tuple[str, str]]


def record_of(provenance: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return where a study's numbers come from: (name, value), without what is unknown."""
    settings = dict(provenance.get("settings") or {})
    options = settings.pop("options", None) or {}
    settings.pop("model_fingerprints", None)  # they stand at the end of the page
    rows = [
        ("seed", provenance.get("seed")),
        ("model fingerprint", provenance.get("model_fingerprint")),
        ("data fingerprint", provenance.get("data_fingerprint")),
        *settings.items(),
        *options.items(),
    ]
    return [(str(name), str(value)) for name, value in rows if value is not None]


def tables_of(outcome: Outcome, folder: Path) -> list[tuple[str, str]]:
    """Return the tables and records of a study: (words, relative path)."""
    links = relative_links(outcome.files, folder)
    return [(name, links[name]) for name in links if name.endswith((".csv", ".json"))]


def file_groups(
    outcomes: Sequence[Outcome], gathered: Sequence[Path], folder: Path
) -> list[FileGroup]:
    """Return every table of the report, with its number of rows where it is known.

    Parameters
    ----------
    outcomes
        Of the studies.
    gathered
        Tables that the page itself was gathered into.
    folder
        Of the page.
    """
    groups = [FileGroup("the report", list(relative_links(gathered, folder).items()))]
    for outcome in outcomes:
        if outcome.result is None:
            continue
        rows = _rows(outcome.result)
        files = [
            (f"{name} ({rows[name]} {'row' if rows[name] == 1 else 'rows'})", target)
            if name in rows
            else (name, target)
            for name, target in tables_of(outcome, folder)
        ]
        groups.append(FileGroup(outcome.study.name, files))
    return groups


def paragraphs_of(outcomes: Sequence[Outcome], facts: Facts) -> list[str]:
    """Return what was done, for a paper; nothing where each fold has a model of its own."""
    if facts.folds is not None:
        return []
    results = [outcome.result for outcome in outcomes if outcome.result is not None]
    return methods_paragraph(facts.explainer, facts.data_name, results).split("\n\n")


def methods_of(facts: Facts) -> list[tuple[str, str]]:
    """Return how the report was made: (name, value)."""
    known = versions()
    command = "called from Python" if facts.command is None else shlex.join(facts.command)
    used = ", ".join(f"{name} {known[name]}" for name in _VERSIONS_SHOWN if known[name])
    limit = "about three minutes for all studies" + (", in each fold" if facts.folds else "")
    models = [
        ("Model", facts.explainer.source or facts.model_name),
        ("Model fingerprint (SHA-256)", facts.explainer.fingerprint),
    ]
    if facts.folds is not None:
        models = [
            (f"Model of fold {fold} (SHA-256)", fingerprint)
            for fold, fingerprint in facts.folds.items()
        ]
    return [
        ("Command", command),
        ("Seed", str(facts.seed)),
        ("Limit of time", "none (--full)" if facts.full else limit),
        *models,
        ("Photographs", str(facts.specimens.source)),
        ("Versions", used),
    ]


def _rows(result: StudyResult) -> dict[str, int]:
    """Return the number of rows of each table, by the name of its file."""
    return {
        f"{result.name}.csv": len(result.table),
        **{f"{result.name}_{name}.csv": len(table) for name, table in result.tables.items()},
    }
