"""The study ``explanations``: where the heads look in the photographs that show it best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from intr_discover.data.specimens import Specimens
from intr_discover.figures.head_names import HeadNames
from intr_discover.model.intr import INTR
from intr_discover.studies.budget import StudyPlan, images_that_fit
from intr_discover.studies.exhibits import (
    Best,
    gallery_pages,
    kinds_of_mistake,
    mistake_pages,
    pair_sheet,
)
from intr_discover.studies.looking import TOP_HEADS, Regions, look
from intr_discover.studies.pairs import Pair, diagnostics_of, known_pairs
from intr_discover.studies.pooling import join_tables, provenance_of
from intr_discover.studies.result import StudyResult
from intr_discover.studies.statistics import wilson
from intr_discover.studies.study import KeyNumber, Option, Study, StudyInputs
from intr_discover.studies.wording import interval, percent

MOST_CLASSES = 24
MOST_PAIRS = 8
MOST_MISTAKES = 12
_SECONDS_A_FIGURE = 2.5


def needs(inputs: StudyInputs) -> str | None:
    """Say that a plain classifier has no heads to ask."""
    if isinstance(inputs.explainer.model, INTR):
        return None
    return "a plain classifier has no class queries, so there are no maps to show"


def plan(inputs: StudyInputs) -> StudyPlan:
    """Return how many photographs are looked at, and the time that drawing takes."""
    available, classes = len(inputs.specimens), len(inputs.specimens.classes)
    pairs = len(known_pairs(inputs))
    if not inputs.full:
        classes, pairs = min(MOST_CLASSES, classes), min(MOST_PAIRS, pairs)
    figures = math.ceil(classes / 16) + pairs + 1
    drawing = figures * _SECONDS_A_FIGURE
    images = images_that_fit(
        available, inputs.seconds, inputs.speed, decodes=2, extra_seconds=drawing
    )
    # Each photograph is asked about its own class, and the wrongly named about the answer too.
    return StudyPlan(images, available, images, 2 * images, drawing)


def run(inputs: StudyInputs) -> StudyResult:
    """Look at the photographs one by one and keep those that show most.

    Returns
    -------
    StudyResult
        ``table``: one row for each photograph, class query and head: ``image``, ``label``,
        ``predicted``, ``probability`` (of the predicted class), ``query`` (the class whose map it
        is: the true one, and the predicted one where that differs), ``head`` (from 0), ``rank``
        (1 is the strongest by map maximum), ``map_maximum``, ``peak`` (largest un-normalised
        score), ``x``, ``y`` (centre of the largest cell in pixels of the original photograph), and
        with known attributes ``attributes``, those hit there. ``tables``: ``photographs``, one row
        a photograph, and with known pairs ``pairs``. ``summary``: see ``summarise``.
    """
    chosen = inputs.sample(plan(inputs).images)
    pairs = known_pairs(inputs)
    regions = Regions(chosen, diagnostics_of(pairs))
    rows: list[dict[str, Any]] = []
    photographs: list[dict[str, Any]] = []
    attributes: list[dict[str, Any]] = []
    best = Best(inputs.options["per_class"])
    uniform = 1.0
    for number, (image, path, label) in enumerate(
        zip(chosen.table["image"], chosen.paths, chosen.table["label"], strict=True)
    ):
        seen = look(inputs.explainer, path, image, label, regions)
        rows += seen.rows
        photographs.append(seen.row)
        attributes += seen.attributes
        best.offer(seen)
        uniform = seen.uniform
        if inputs.progress is not None:
            inputs.progress(number + 1, len(chosen))
    table, by_photograph = pd.DataFrame(rows), pd.DataFrame(photographs)
    result = StudyResult(
        name="explanations",
        table=table,
        summary=summarise(by_photograph),
        provenance=inputs.provenance(
            chosen,
            top_heads=TOP_HEADS,
        ),
        tables={"photographs": by_photograph},
    )
    if pairs:
        result.tables["pairs"] = summarise_pairs(by_photograph, pd.DataFrame(attributes), pairs)
    _add_figures(result, best, pairs, chosen, uniform, inputs.full, inputs.names)
    return result


def pool(results: Mapping[int, StudyResult], inputs: StudyInputs) -> StudyResult:
    """Work the numbers out from the photographs of all folds; figures remain those of the folds."""
    joined = join_tables(results)
    photographs = joined.tables["photographs"]
    tables = {"photographs": photographs}
    if "pairs" in joined.tables:
        tables["pairs"] = _add_up_pairs(joined.tables["pairs"])
    return StudyResult(
        "explanations",
        joined.table,
        summarise(photographs),
        provenance_of(results, inputs),
        tables,
    )


def _add_up_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return one row a pair of look-alikes from those of several folds."""
    rows = []
    for (a, b), group in pairs.groupby(["label_a", "label_b"], sort=False):
        hits, known = int(group["hits"].sum()), int(group["n_diagnostic"].sum())
        low, high = wilson(hits, known)
        by_chance = (group["chance_top_heads"] * group["n_diagnostic"]).sum()
        rows.append(
            {
                "label_a": a,
                "label_b": b,
                "diagnostic": group["diagnostic"].iloc[0],
                "n": int(group["n"].sum()),
                "taken_for_mate": int(group["taken_for_mate"].sum()),
                "n_diagnostic": known,
                "hits": hits,
                "share": hits / known if known else math.nan,
                "low": low,
                "high": high,
                "chance_top_heads": by_chance / known if known else math.nan,
            }
        )
    return pd.DataFrame(rows)


def summarise(photographs: pd.DataFrame) -> dict[str, Any]:
    """Return the numbers of the study from its table of photographs.

    Returns
    -------
    dict
        ``n``; ``top1``; ``strongest_weight`` (median of the strongest head's map maximum) and
        ``times_uniform`` (the same in units of even attention); ``n_mistakes``;
        ``on_specimen`` with ``n_with_mask`` and ``specimen_share`` (its chance);
        ``diagnostic_hit`` with its Wilson interval and ``n_diagnostic``, and ``chance_one_point``,
        ``chance_top_heads``. What needs a mask or an attribute is None where there is none.
    """
    masked = photographs[photographs["on_specimen"].notna()]
    known = photographs[photographs["diagnostic_hit"].notna()]
    on_specimen = int(masked["on_specimen"].sum())
    hit = int(known["diagnostic_hit"].sum())
    on_low, on_high = wilson(on_specimen, len(masked))
    low, high = wilson(hit, len(known))
    return {
        "n": len(photographs),
        "top1": photographs["correct"].mean(),
        "n_mistakes": int((~photographs["correct"]).sum()),
        "strongest_weight": photographs["strongest_weight"].median(),
        "times_uniform": (photographs["strongest_weight"] / photographs["uniform"]).median(),
        "on_specimen": on_specimen / len(masked) if len(masked) else None,
        "on_specimen_low": on_low,
        "on_specimen_high": on_high,
        "specimen_share": masked["specimen_share"].mean(),
        "n_with_mask": len(masked),
        "diagnostic_hit": hit / len(known) if len(known) else None,
        "diagnostic_hit_low": low,
        "diagnostic_hit_high": high,
        "chance_one_point": known["chance_one_point"].mean(),
        "chance_top_heads": known["chance_top_heads"].mean(),
        "n_diagnostic": len(known),
    }


def summarise_pairs(
    photographs: pd.DataFrame, attributes: pd.DataFrame, pairs: Sequence[Pair]
) -> pd.DataFrame:
    """Return one row a pair of look-alikes.

    Parameters
    ----------
    photographs
        ``label``, ``predicted``.
    attributes
        One row for each photograph and separating attribute: ``label``, ``attribute``, ``hit``,
        ``chance_top_heads``; may be empty.
    pairs
        The look-alikes.

    Returns
    -------
    DataFrame
        ``label_a``, ``label_b``, ``diagnostic``, ``n`` (photographs of both), ``taken_for_mate``,
        and over the ``n_diagnostic`` photographs in which the attribute is known: ``hits``,
        ``share``, its 95 % interval ``low``, ``high``, and ``chance_top_heads``.
    """
    rows = []
    for a, b, diagnostic in pairs:
        both = photographs[photographs["label"].isin([a, b])]
        known = attributes
        if len(attributes):
            of_pair = attributes["label"].isin([a, b]) & (attributes["attribute"] == diagnostic)
            known = attributes[of_pair]
        hit = int(known["hit"].sum()) if len(known) else 0
        low, high = wilson(hit, len(known))
        mate = both["label"].map({a: b, b: a})
        rows.append(
            {
                "label_a": a,
                "label_b": b,
                "diagnostic": diagnostic,
                "n": len(both),
                "taken_for_mate": int((both["predicted"] == mate).sum()),
                "n_diagnostic": len(known),
                "hits": hit,
                "share": hit / len(known) if len(known) else math.nan,
                "low": low,
                "high": high,
                "chance_top_heads": known["chance_top_heads"].mean() if len(known) else math.nan,
            }
        )
    return pd.DataFrame(rows)


def findings(result: StudyResult) -> list[str]:
    """Say what the heads look at, how sure that is, and where to look."""
    summary = result.summary
    said = []
    if summary["diagnostic_hit"] is not None:
        sure = interval(summary["diagnostic_hit_low"], summary["diagnostic_hit_high"])
        words = (
            f"In {percent(summary['diagnostic_hit'])} of {summary['n_diagnostic']} photographs "
            f"({sure}) one of the {TOP_HEADS} strongest heads points at the attribute that is "
            "known to separate the look-alikes"
        )
        if summary["chance_top_heads"] is not None:
            random = percent(summary["chance_top_heads"])
            words += f"; as many random points on the specimen would hit it in {random}"
        said.append(f"{words}.")
        said += _weakest_pair(result.tables.get("pairs"))
    if summary["on_specimen"] is not None:
        sure = interval(summary["on_specimen_low"], summary["on_specimen_high"])
        said.append(
            f"The strongest head points at the specimen in {percent(summary['on_specimen'])} of "
            f"{summary['n_with_mask']} photographs ({sure}); a random point of the picture would "
            f"in {percent(summary['specimen_share'])}."
        )
    said.append(
        f"The strongest head of a photograph puts {percent(summary['strongest_weight'])} of its "
        f"attention into one cell (median of {summary['n']}), {summary['times_uniform']:.0f} times "
        "what it would if it looked everywhere alike."
    )
    sheets = sum(name.startswith("pair_") for name in result.drawings)
    if sheets:
        pages = "1 pair" if sheets == 1 else f"{sheets} pairs"
        said.append(f"Where to look: the sheets of {pages} of look-alikes below.")
    elif "mistakes" in result.drawings:
        said.append("Where to look: the mistakes below, each with both classes' maps.")
    return said


def _weakest_pair(pairs: pd.DataFrame | None) -> list[str]:
    """Name the pair whose attribute is missed most often, if any is missed."""
    if pairs is None:
        return []
    missed = pairs[pairs["hits"] < pairs["n_diagnostic"]]
    if missed.empty:
        return []
    worst = missed.sort_values("share", kind="stable").iloc[0]
    return [
        f"It is missed most often in {worst['label_a']} and {worst['label_b']} "
        f"({worst['diagnostic']}): hit in {worst['hits']} of {worst['n_diagnostic']} photographs."
    ]


def _add_figures(
    result: StudyResult,
    best: Best,
    pairs: Sequence[Pair],
    specimens: Specimens,
    uniform: float,
    full: bool,
    names: HeadNames,
) -> None:
    """Add the drawings and their captions: pairs first, then the gallery, then the mistakes."""
    regions = Regions(specimens, {})
    for number, (a, b, diagnostic) in enumerate(pairs if full else pairs[:MOST_PAIRS], 1):
        sheet = best.of_label(a), best.of_label(b)
        name = f"pair_{number:02d}"
        result.drawings[name] = partial(pair_sheet, sheet, diagnostic, regions, uniform, names)
        differ = f" They differ in {diagnostic} (outlined)." if diagnostic else ""
        result.captions[name] = (
            f"{a} and {b}.{differ} Each photograph with the {TOP_HEADS} strongest heads of its "
            "own class's query and the mean of all heads; the dot is the head's peak."
        )
    classes = _classes_to_show(specimens.classes, pairs, best, None if full else MOST_CLASSES)
    for number, draw in enumerate(gallery_pages(best, classes, uniform), 1):
        name = f"gallery_{number:02d}"
        result.drawings[name] = draw
        result.captions[name] = (
            "The photographs of each class that the model is surest of and right about, with the "
            f"mean map of all heads. Marks are the peaks of the {TOP_HEADS} strongest heads."
        )
    mistakes = kinds_of_mistake(result.tables["photographs"])
    shown = mistakes if full else mistakes[:MOST_MISTAKES]
    for number, draw in enumerate(mistake_pages(best, shown, uniform), 1):
        name = "mistakes" if number == 1 else f"mistakes_{number:02d}"
        result.drawings[name] = draw
        result.captions[name] = (
            f"Mistakes, one photograph of each kind ({len(shown)} of {len(mistakes)} kinds, the "
            "most frequent first; in brackets how many). Left the photograph, then the mean map of "
            "the class that was answered, then that of the true class."
        )


def _classes_to_show(
    classes: Sequence[str], pairs: Sequence[Pair], best: Best, most: int | None
) -> list[str]:
    """Return classes for the gallery: those of pairs first, then the others by name."""
    there = [label for label in classes if best.right(label)]
    paired = [label for a, b, _ in pairs for label in (a, b)]
    ordered = [label for label in dict.fromkeys([*paired, *there]) if label in set(there)]
    return ordered[:most]


STUDY = Study(
    name="explanations",
    title="Where does it look, and does it look at what separates them?",
    order=20,
    weight=3.0,
    needs=needs,
    plan=plan,
    run=run,
    findings=findings,
    reading=(
        "Colour shows where a head looked when it searched for a class: the brighter, the more of "
        "its attention. All panels of a figure share one scale, so they can be compared. Compare "
        "one head over several specimens before you give it a name; a single photograph proves "
        "nothing. Heads that sit on the background, a ruler or a label are a warning about the "
        "photographs."
    ),
    key_numbers=(
        KeyNumber(
            "diagnostic_hit",
            "photographs in which a top head peaks on the separating attribute",
            n="n_diagnostic",
        ),
        KeyNumber("chance_top_heads", "the same for random points on the specimen", n=None),
        KeyNumber(
            "on_specimen",
            "photographs in which the strongest head peaks on the specimen",
            n="n_with_mask",
        ),
        KeyNumber("specimen_share", "the same for a random point of the picture", n=None),
        KeyNumber("strongest_weight", "largest weight of the strongest head (median)"),
        KeyNumber("times_uniform", "the same in units of even attention", form="number"),
    ),
    options=(
        Option("per_class", "Photographs of each class to show.", int, 2),
        Option("pairs", "Table of look-alikes: label_a, label_b, and if known diagnostic."),
    ),
    pool=pool,
)
