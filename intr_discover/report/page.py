"""The page of a report: what the outcomes of the studies look like to a reader."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2

from intr_discover.data.specimens import Specimens
from intr_discover.explain.explainer import Explainer
from intr_discover.files import write_text
from intr_discover.model.intr import INTR
from intr_discover.provenance import versions
from intr_discover.report.cautions import cautions
from intr_discover.report.methods_paragraph import methods_paragraph
from intr_discover.report.numbers import INTERVAL, RANGE, NumberRow, number_rows
from intr_discover.report.outcome import FoldPart, Outcome
from intr_discover.report.pictures import InlinePicture, inline_picture

_VERSIONS_SHOWN = ("intr_discover", "python", "torch", "timm", "numpy", "platform")


@dataclass(frozen=True)
class Facts:
    """What a report is about.

    Attributes
    ----------
    model_name, data_name
        What people call model and photographs.
    explainer
        The model.
    specimens
        The photographs of the split.
    split
        Which split they are.
    seed, full, command
        How the report was made.
    folds
        Where there is a model for each fold of the collection, their fingerprints by the number of
        the fold; ``explainer`` is the first then.
    made
        When.
    """

    model_name: str
    data_name: str
    explainer: Explainer
    specimens: Specimens
    split: str
    seed: int
    full: bool
    command: list[str] | None = None
    folds: Mapping[int, str] | None = None
    made: datetime = field(default_factory=lambda: datetime.now().astimezone())


@dataclass(frozen=True)
class FigureOnPage:
    """A figure of a section.

    Attributes
    ----------
    id
        For links.
    picture
        What is seen.
    alt
        What is read out.
    caption
        What stands below it.
    downloads
        (words, relative path) of the files.
    """

    id: str
    picture: InlinePicture
    alt: str
    caption: str
    downloads: list[tuple[str, str]]


@dataclass(frozen=True)
class FoldOnPage:
    """What one fold found, folded away.

    Attributes
    ----------
    fold
        Its number.
    findings
        Its sentences.
    figures
        (words, relative path) of its figures.
    """

    fold: int
    findings: list[str]
    figures: list[tuple[str, str]]


@dataclass(frozen=True)
class Section:
    """One study on the page.

    Attributes
    ----------
    id, title, reading, findings
        Of the study.
    scope
        On how many photographs it rests.
    figures, numbers
        What it shows.
    spread
        What stands beside each number.
    folds
        What the folds found; empty where there is one model.
    downloads
        (words, relative path) of its tables and records.
    record
        (name, value) of where its numbers come from.
    """

    id: str
    title: str
    reading: str
    findings: list[str]
    scope: str
    figures: list[FigureOnPage]
    numbers: list[NumberRow]
    spread: str
    folds: list[FoldOnPage]
    downloads: list[tuple[str, str]]
    record: list[tuple[str, str]]


def write_page(path: Path, outcomes: Sequence[Outcome], facts: Facts) -> None:
    """Write the page, whole or not at all.

    Parameters
    ----------
    path
        The page; the files of the outcomes lie in folders beside it.
    outcomes
        What became of each study, in the order of the page.
    facts
        What the page is about.
    """
    write_text(path, render_page(outcomes, facts, path.parent))


def render_page(outcomes: Sequence[Outcome], facts: Facts, folder: Path) -> str:
    """Return the page as HTML that needs nothing but itself; see ``write_page``."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("intr_discover", "report"),
        # Class names and paths come from files: everything is escaped.
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = jinja2.PackageLoader("intr_discover", "report").get_source(environment, "page.css")[0]
    specimens, classes = facts.specimens, facts.specimens.classes
    return environment.get_template("page.html").render(
        style=style,
        facts=_facts(facts),
        title=_title(classes),
        classes=classes,
        cautions=cautions(
            specimens,
            facts.split,
            outcomes,
            None if facts.folds is None else len(facts.folds),
        ),
        sections=[
            _section(outcome, folder, facts.folds)
            for outcome in outcomes
            if outcome.result is not None
        ],
        left_out=[
            (outcome.study.title, outcome.study.name, outcome.reason)
            for outcome in outcomes
            if outcome.result is None
        ],
        methods=_methods(facts),
        paragraphs=_paragraphs(outcomes, facts),
    )


def _title(classes: Sequence[str]) -> str:
    if len(classes) == 2:
        return f"What separates {classes[0]} and {classes[1]}?"
    return f"What separates these {len(classes)} classes?" if len(classes) > 2 else "Discovery"


def _facts(facts: Facts) -> list[tuple[str, str]]:
    """Return what stands at the head of the page: (name, value)."""
    specimens = facts.specimens
    split = "all splits" if facts.split == "all" else f"split {facts.split}"
    if facts.folds is not None:
        split = f"each judged by the one of {len(facts.folds)} models that has not seen it"
    return [
        ("Model", f"{facts.model_name}: {_describe(facts.explainer)}"),
        ("Photographs", f"{len(specimens)} from {facts.data_name}, {split}"),
        ("Classes", f"{len(specimens.classes)} with photographs, {_known(facts.explainer)}"),
        ("Made", f"{facts.made:%d %B %Y, %H:%M}, intr-discover {versions()['intr_discover']}"),
    ]


def _known(explainer: Explainer) -> str:
    return f"{len(explainer.classes)} known to the model"


def _describe(explainer: Explainer) -> str:
    if not isinstance(explainer.model, INTR):
        return f"plain classifier, {explainer.model.config.backbone}"
    config = explainer.model.config
    layers = f"{config.decoder_layers} decoder layer" + ("s" if config.decoder_layers > 1 else "")
    return f"INTR on {config.backbone}, {config.heads} heads, {layers}"


def _section(outcome: Outcome, folder: Path, folds: Mapping[int, str] | None) -> Section:
    assert outcome.result is not None and outcome.plan is not None
    study, result, plan = outcome.study, outcome.result, outcome.plan
    links = {file.name: file.relative_to(folder).as_posix() for file in outcome.files}
    tables = [(name, links[name]) for name in links if name.endswith((".csv", ".json"))]
    scope = (
        f"A sample of {plan.images} of {plan.of} photographs, each class with its share "
        "(--full takes all)."
        if plan.sampled
        else f"All {plan.of} photographs."
    )
    if folds is not None:
        scope += " Out of fold." if outcome.parts else f" Held out in fold {min(folds)}."
    ranged = bool(outcome.parts) and not outcome.is_pooled
    return Section(
        id=f"study-{study.name}",
        title=study.title,
        reading=study.reading,
        findings=[unbroken(sentence) for sentence in outcome.findings],
        scope=scope,
        figures=[
            *(
                _figure(f"{study.name}-{name}", name, result.captions.get(name, ""), links, folder)
                for name in result.drawings
            ),
            *(_figures_of_a_fold(outcome, folder) if outcome.parts else ()),
        ],
        numbers=number_rows(study.key_numbers, result.summary, RANGE if ranged else INTERVAL),
        spread="lowest to highest fold" if ranged else "95\N{NO-BREAK SPACE}% interval",
        folds=[_fold(part, folder) for part in outcome.parts],
        downloads=tables,
        record=_record(result.provenance),
    )


def unbroken(sentence: str) -> str:
    """Return a sentence whose per cent signs stay on the line of their numbers."""
    return re.sub(r"(?<=\d) (?=%)", "\N{NO-BREAK SPACE}", sentence)


def _figure(
    id: str, name: str, caption: str, links: Mapping[str, str], folder: Path
) -> FigureOnPage:
    words = name.replace("_", " ")
    return FigureOnPage(
        id=f"figure-{id}",
        picture=inline_picture(folder / links[f"{name}.png"]),
        alt=f"Figure {words}. {caption}".strip(),
        caption=caption,
        downloads=[("PDF", links[f"{name}.pdf"]), ("PNG, 300 dpi", links[f"{name}.png"])],
    )


def _figures_of_a_fold(outcome: Outcome, folder: Path) -> list[FigureOnPage]:
    """Return those figures of the first fold that the whole collection has none of."""
    assert outcome.result is not None
    part = outcome.parts[0]
    links = {file.name: file.relative_to(folder).as_posix() for file in part.files}
    return [
        _figure(
            f"{outcome.study.name}-fold-{part.fold}-{name}",
            name,
            f"Fold {part.fold} of {len(outcome.parts)}. {caption}".strip(),
            links,
            folder,
        )
        for name, caption in part.captions.items()
        if name not in outcome.result.drawings
    ]


def _fold(part: FoldPart, folder: Path) -> FoldOnPage:
    links = {file.name: file.relative_to(folder).as_posix() for file in part.files}
    return FoldOnPage(
        part.fold,
        [unbroken(sentence) for sentence in part.findings],
        [(name.replace("_", " "), links[f"{name}.pdf"]) for name in part.captions],
    )


def _record(provenance: dict[str, Any]) -> list[tuple[str, str]]:
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


def _paragraphs(outcomes: Sequence[Outcome], facts: Facts) -> list[str]:
    """Return what was done, for a paper; nothing where each fold has a model of its own."""
    if facts.folds is not None:
        return []
    results = [outcome.result for outcome in outcomes if outcome.result is not None]
    return methods_paragraph(facts.explainer, facts.data_name, results).split("\n\n")


def _methods(facts: Facts) -> list[tuple[str, str]]:
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
