"""The study ``measurements``: colour, size and place of what each head attends to."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.figures.measurements import Dots, measurements_figure
from intr_discover.model.intr import INTR
from intr_discover.studies.alignment import Alignment
from intr_discover.studies.budget import StudyPlan, images_that_fit
from intr_discover.studies.finite import require_finite_answers
from intr_discover.studies.framing import Framing
from intr_discover.studies.looking import Regions
from intr_discover.studies.measured_regions import measure
from intr_discover.studies.measurement_tables import MEASURES, between, by_head
from intr_discover.studies.pairs import known_pairs
from intr_discover.studies.parts import region_names
from intr_discover.studies.result import StudyResult
from intr_discover.studies.study import KeyNumber, Option, Study, StudyInputs

MOST_FIGURES = 8
_SECONDS_A_FIGURE = 0.4
_SECONDS_A_MEAN = 0.0008
_SECONDS_A_COMPARISON = 0.001
_SECONDS_A_SPECIMEN = 0.00004  # of a comparison, which shuffles its specimens 1,999 times
_CLEAR = 0.05  # q below which a difference is called one

_WORDS = {
    "lightness": "lightness (L*)",
    "a": "green–red (a*)",
    "b": "blue–yellow (b*)",
    "chroma": "chroma (C*)",
    "area": "area",
    "frame_x": "place across",
    "frame_y": "place along",
}


def needs(inputs: StudyInputs) -> str | None:
    """Say that there must be maps."""
    if not isinstance(inputs.explainer.model, INTR):
        return "a plain classifier has no class queries, so no head attends to anything"
    return None


def plan(inputs: StudyInputs) -> StudyPlan:
    """Return how many photographs are measured.

    Raises
    ------
    UserError
        If the share is not above 0 and at most 1, or the heads are neither ``all`` nor ``top3``
        or the like.
    """
    _most_heads(inputs)  # a slip is said before anything is done
    if not 0 < inputs.options["share"] <= 1:
        raise UserError(f"--share {inputs.options['share']} must be above 0 and at most 1")
    available = len(inputs.specimens)
    pairs = len(known_pairs(inputs))
    figures = pairs if inputs.full else min(MOST_FIGURES, pairs)
    extra = _seconds_of_tables(inputs, pairs) + figures * _SECONDS_A_FIGURE
    images = images_that_fit(
        available, inputs.seconds, inputs.speed, encodes=1.3, extra_seconds=extra
    )
    return StudyPlan(images, available, images, images, extra)


def run(inputs: StudyInputs) -> StudyResult:
    """Measure what each head attends to, in every photograph, for its own class and look-alikes.

    Returns
    -------
    StudyResult
        ``table``: one row for each photograph and head, see ``measure``. ``tables``: ``heads``,
        see ``by_head``; ``pairs``, see ``between``.

    Raises
    ------
    UserError
        If a photograph or mask cannot be read or does not fit, a keypoint lies off its photograph,
        a label is unknown to the model, or the model answers with NaN.
    """
    explainer = inputs.explainer
    chosen = inputs.sample(plan(inputs).images)
    chosen.label_ids(explainer.classes)
    model = explainer.model
    assert isinstance(model, INTR), type(model)
    framing = Framing(chosen, explainer.preprocessing, model.stride)
    regions, alignment = Regions(chosen, {}), Alignment(chosen)
    part_of = _parts(inputs.specimens)
    most = _most_heads(inputs)
    there = set(chosen.classes)
    pairs = [(a, b) for a, b, _ in known_pairs(inputs) if {a, b} <= there]
    mates: dict[str, list[str]] = {}
    for a, b in pairs:
        mates.setdefault(a, []).append(b)
        mates.setdefault(b, []).append(a)
    rows: list[dict[str, Any]] = []
    for row, path in enumerate(chosen.paths):
        about = chosen.table.iloc[row]
        label = about["label"]
        queries = [label, *(mate for mate in mates.get(label, []))]
        explanation = explainer.explain(path, queries)
        answers = [torch.from_numpy(each)[None] for each in (explanation.logits, explanation.maps)]
        require_finite_answers(answers, np.array([row]), chosen.paths)
        marks = [(part_of[name], place) for name, place in alignment.landmarks(row).items()]
        rows += measure(explanation, row, about, framing, regions, marks, inputs.options["share"])
        if inputs.progress is not None:
            inputs.progress(row + 1, len(chosen))
    table = _ranked(pd.DataFrame(rows))
    compared = between(table, pairs, most, inputs.seed)
    result = StudyResult(
        name="measurements",
        table=table,
        summary=_summary(table, compared, framing, most),
        provenance=inputs.provenance(chosen, frame=framing.frame.words),
        tables={"heads": by_head(table, inputs.seed), "pairs": compared},
    )
    _add_figures(result, framing, inputs.full)
    return result


def findings(result: StudyResult) -> list[str]:
    """Say what was measured, and which look-alikes differ in what."""
    numbers = result.summary
    sentences = [
        f"{numbers['n']} photographs were measured: colour, size and place of the region that each "
        f"head attends to; places in a frame of {result.provenance['settings']['frame']}."
    ]
    pairs = result.tables["pairs"]
    clear = pairs[pairs["q"] < _CLEAR]
    if len(pairs) and clear.empty:
        sentences.append(
            "No measure of any head differs between look-alikes by more than chance would give "
            f"({numbers['n_pairs']} pairs, q ≥ {_CLEAR})."
        )
    strongest = clear.reindex(clear["standardised"].abs().sort_values(ascending=False).index)
    for _, group in list(strongest.groupby(["label_a", "label_b"], sort=False))[:MOST_FIGURES]:
        row = group.iloc[0]
        sentences.append(
            f"{row['label_a']} and {row['label_b']} differ most in the {_WORDS[row['measure']]} of "
            f"what head {row['head']} of the query {row['query']} attends to: "
            f"{row['mean_a']:.3g} against {row['mean_b']:.3g} "
            f"(difference {row['difference']:.2g}, 95 % interval {row['low']:.2g} to "
            f"{row['high']:.2g}; n = {row['n_a']} and {row['n_b']}, q = {row['q']:.2g})."
        )
    sentences.append(
        "Colours are those of the photographs. Unless they were taken with a colour card under one "
        "light, a difference may be one of the camera."
    )
    return sentences


def _ranked(table: pd.DataFrame) -> pd.DataFrame:
    """Add each head's rank within its query, by its mean map maximum on the query's own species."""
    own = table[table["label"] == table["query"]]
    means = own.groupby(["query", "head"])["map_maximum"].mean()
    ranks = means.groupby("query").rank(ascending=False, method="first").astype(int)
    table.insert(
        list(table.columns).index("head") + 1,
        "rank",
        [ranks[key] for key in zip(table["query"], table["head"], strict=True)],
    )
    return table


def _parts(specimens: Specimens) -> dict[str, str]:
    """Return the part in which each landmark of the collection stands, by its name."""
    if specimens.keypoints is None:
        return {}
    names = sorted(set(specimens.keypoints["keypoint"]))
    return dict(zip(names, region_names(names), strict=True))


def _most_heads(inputs: StudyInputs) -> int:
    """Return how many heads of each query are compared."""
    heads = inputs.options["heads"]
    number = heads.removeprefix("top")
    if heads.startswith("top") and number.isdecimal() and int(number) > 0:
        return int(number)
    if heads != "all":
        raise UserError(f"--heads must be all, or top and a number such as top3, not '{heads}'")
    return sys.maxsize


def _seconds_of_tables(inputs: StudyInputs, pairs: int) -> float:
    """Return about how long means and comparisons take; it hardly depends on the sample."""
    model = inputs.explainer.model
    assert isinstance(model, INTR), type(model)
    heads, labels = model.config.heads, len(inputs.specimens.classes)
    means = labels * heads * len(MEASURES)
    compared = pairs * 2 * min(heads, _most_heads(inputs)) * len(MEASURES)
    in_a_pair = 2 * len(inputs.specimens) / max(1, labels)
    each = _SECONDS_A_COMPARISON + in_a_pair * _SECONDS_A_SPECIMEN
    return means * _SECONDS_A_MEAN + compared * each


def _summary(
    table: pd.DataFrame, compared: pd.DataFrame, framing: Framing, most: int
) -> dict[str, Any]:
    top = table[(table["rank"] <= most) & (table["query"] == table["label"])]
    tested = compared.dropna(subset=["q"])
    names = ["label_a", "label_b"]
    n_pairs = len(tested.drop_duplicates(names))
    clear = len(tested[tested["q"] < _CLEAR].drop_duplicates(names))
    return {
        "n": int(table["image"].nunique()),
        "mean_area": float(top["area"].mean()),
        "on_specimen": None
        if top["on_specimen"].isna().all()
        else float(top["on_specimen"].mean()),
        "n_pairs": n_pairs,
        "pairs_that_differ": clear / n_pairs if n_pairs else None,
        "frame": framing.frame.kind,
    }


def _add_figures(result: StudyResult, framing: Framing, full: bool) -> None:
    """Add a figure a pair: the head in which it differs most."""
    pairs = result.tables["pairs"]
    groups = list(pairs.groupby(["label_a", "label_b"], sort=False))
    crosses = "; crosses" if framing.frame.landmarks else ""
    for number, (_, group) in enumerate(groups if full else groups[:MOST_FIGURES], 1):
        sizes = group["standardised"].abs()
        best = group.iloc[int(np.nan_to_num(sizes.to_numpy(np.float64)).argmax())]
        a, b, query, head = best["label_a"], best["label_b"], best["query"], int(best["head"])
        dots = [_dots(result.table, label, query, head) for label in (a, b)]
        name = f"pair_{number:02d}"
        result.drawings[name] = partial(
            measurements_figure,
            dots,
            f"head {head} of the query {query}",
            framing.frame.inside,
            list(framing.frame.landmarks.values()),
            _said(best),
        )
        result.captions[name] = (
            f"What head {head} of the query {query} attends to in {a} and in {b}: left the mean "
            "colour of the region (each mark has that colour), right its middle in the "
            f"common frame ({framing.frame.words}{crosses}). The head is one in which the two "
            f"differ most; marks are {len(dots[0].a)} and {len(dots[1].a)} photographs."
        )


def _said(best: pd.Series) -> str:
    words = _WORDS[best["measure"]]
    if np.isnan(best["q"]) or np.isnan(best["standardised"]):
        return f"{words}: too few photographs for a test"
    size = f"{best['standardised']:.2g}".replace("-", "\N{MINUS SIGN}")
    return f"{words}: d = {size}, q = {best['q']:.2g}"


def _dots(table: pd.DataFrame, label: str, query: str, head: int) -> Dots:
    wanted = (table["label"] == label) & (table["query"] == query) & (table["head"] == head)
    rows = table[wanted]
    columns = ("lightness", "a", "b", "frame_x", "frame_y")
    return Dots(label, *(rows[name].to_numpy(np.float64) for name in columns))


STUDY = Study(
    name="measurements",
    title="What are colour, size and place of what a head sees?",
    order=65,
    weight=0.5,
    needs=needs,
    plan=plan,
    run=run,
    findings=findings,
    reading=(
        "The region that a head attends to is measured as one would measure a wing patch. One and "
        "the same query and head search both look-alikes, so that what differs is the specimens. A "
        "difference says what the model can use, not that it does: test it by an edit. The tables "
        "are tidy, one row for each photograph, query and head, ready for R."
    ),
    key_numbers=(
        KeyNumber("mean_area", "mean area of an attended region, of the photograph"),
        KeyNumber("on_specimen", "of it on the specimen"),
        KeyNumber(
            "pairs_that_differ", "look-alikes that differ in some measure (q < 0.05)", n="n_pairs"
        ),
    ),
    options=(
        Option("share", "Of a head's attention that its region holds.", float, 0.5),
        Option("heads", "Compare the strongest of each query, such as top3, or all.", str, "top3"),
        Option("pairs", "Table of look-alikes: label_a, label_b."),
    ),
    from_extraction=True,
)
