"""The study ``interventions``: whether the answer changes when the attention is put elsewhere."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from intr_discover.data.loading import evaluation_batches
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer, load
from intr_discover.explain.importance import margin
from intr_discover.explain.interventions import KINDS, Kind, override_attention, total_variation
from intr_discover.figures.interventions import interventions_figure
from intr_discover.model.intr import INTR, Encoded
from intr_discover.studies.budget import StudyPlan, images_that_fit
from intr_discover.studies.pooling import join_tables, provenance_of
from intr_discover.studies.result import StudyResult
from intr_discover.studies.statistics import bootstrap_interval, sign_flip_p, wilson
from intr_discover.studies.study import KeyNumber, Option, Study, StudyInputs
from intr_discover.studies.wording import interval, percent

DRAWS = 3
"""Draws of the interventions that have chance in them, for each photograph."""

_SECONDS_A_FIGURE = 1.0
_MOST_WEIGHTS = 2**24  # attention weights held at once
_MEASURES = ("tv", "flip", "margin_drop")
HERE, BESIDE = "model", "beside"

_WORDS: dict[str, str] = {
    "uniform": "look everywhere alike",
    "permuted": "look at cells drawn at random",
    "swapped": "look where another class looks",
}


class Condition(NamedTuple):
    """One way to put the attention elsewhere.

    Attributes
    ----------
    kind
        See ``override_attention``.
    scope
        ``"class"``: the map of the class that was answered; ``"all"``: those of all classes.
    layers
        ``"last"`` or ``"all"`` decoder layers.
    """

    kind: Kind
    scope: str
    layers: str

    @property
    def key(self) -> str:
        """Return the beginning of its names in the summary."""
        return f"{self.kind}_{self.scope}_{self.layers}"


def conditions(decoder_layers: int) -> list[Condition]:
    """Return what is tried; a model of one layer has no other than the last."""
    layers = ("last", "all") if decoder_layers > 1 else ("last",)
    return [
        Condition(kind, scope, where)
        for scope, where, kind in product(("class", "all"), layers, KINDS)
    ]


def needs(inputs: StudyInputs) -> str | None:
    """Say that there must be maps to change, and a second class to answer."""
    model = inputs.explainer.model
    if not isinstance(model, INTR):
        return "a plain classifier has no class queries, so there is no attention to change"
    if model.config.num_classes < 2:
        return "the model knows a single class, so its answer cannot change"
    return None


def plan(inputs: StudyInputs) -> StudyPlan:
    """Return how many photographs are asked; all but the first question run the decoder alone."""
    available = len(inputs.specimens)
    models = 1 if inputs.options["beside"] is None else 2
    decodes = models * _decodes(inputs.explainer)
    images = images_that_fit(
        available,
        inputs.seconds,
        inputs.speed,
        encodes=models,
        decodes=decodes,
        extra_seconds=_SECONDS_A_FIGURE,
        fewest=1,  # one photograph may take as long as eight of another study
    )
    return StudyPlan(images, available, models * images, decodes * images, _SECONDS_A_FIGURE)


def run(inputs: StudyInputs) -> StudyResult:
    """Put the attention elsewhere in every way, and compare the answers with the model's own.

    Returns
    -------
    StudyResult
        ``table``: one row for each model, photograph and condition: ``model`` (``model``, or
        ``beside``), ``image``, ``label``, ``predicted`` (with its own attention), ``kind``,
        ``scope``, ``layers``, ``draws``, and as means over the draws ``tv`` (total variation
        distance of the probabilities), ``flip`` (share of draws with another answer),
        ``margin_before``, ``margin_after``, ``margin_drop`` (of the class that was answered, in
        logits). ``tables``: ``conditions``, their means with intervals. ``summary``: see
        ``summarise``.
    """
    chosen = inputs.sample(plan(inputs).images)
    explainers = {HERE: inputs.explainer}
    if inputs.options["beside"] is not None:
        explainers[BESIDE] = _beside(inputs)
    total, done = len(chosen) * len(explainers), 0
    rows: list[dict[str, Any]] = []
    for name, explainer in explainers.items():
        for of_image in _ask(explainer, chosen, inputs.seed, inputs.batch_size):
            rows += [{"model": name, **row} for row in of_image]
            done += 1
            if inputs.progress is not None:
                inputs.progress(done, total)
    table = _in_order(pd.DataFrame(rows), chosen)
    record = inputs.provenance(
        chosen,
        draws=DRAWS,
        beside_fingerprint=explainers[BESIDE].fingerprint if BESIDE in explainers else None,
    )
    return _result(table, inputs.seed, record, _names(explainers))


def pool(results: Mapping[int, StudyResult], inputs: StudyInputs) -> StudyResult:
    """Take the means over the photographs of all folds."""
    table = join_tables(results).table
    names = {HERE: "INTR", BESIDE: "INTR beside"}
    return _result(table, inputs.seed, provenance_of(results, inputs), names)


def _result(
    table: pd.DataFrame, seed: int, record: dict[str, Any], names: Mapping[str, str]
) -> StudyResult:
    """Make the means, the numbers and the figure."""
    means = average(table, seed)
    result = StudyResult(
        name="interventions",
        table=table,
        summary=summarise(table, means, seed),
        provenance=record,
        tables={"conditions": means},
    )
    there = {name: words for name, words in names.items() if (means["model"] == name).any()}
    result.drawings["interventions"] = partial(interventions_figure, means, names=there)
    result.captions["interventions"] = (
        "What becomes of the answer when the attention is put elsewhere: means over "
        f"{result.summary['n']} photographs with their 95 % intervals. Even: equal weight "
        "everywhere. "
        "Permuted: the same weights at random places. Swapped: the maps of another class. Left "
        "the probability that moves to other classes, in the middle the share of answers that "
        "change, right by how much the lead of the answered class drops; at the grey line its "
        "mean lead is used up."
    )
    return result


def average(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return one row for each model and condition.

    Parameters
    ----------
    table
        As ``run`` makes it.
    seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        ``model``, ``kind``, ``scope``, ``layers``, ``n``, ``margin_before``, and each of ``tv``,
        ``flip`` and ``margin_drop`` with its 95 % interval ``_low``, ``_high``: Wilson's for
        ``flip``, the draws of one photograph counting as one; a bootstrap over photographs for
        the others.
    """
    rows = []
    for keys, group in table.groupby(["model", "scope", "layers", "kind"], sort=False):
        row = dict(zip(("model", "scope", "layers", "kind"), keys, strict=True))
        row |= {"n": len(group), "margin_before": group["margin_before"].mean()}
        for measure in _MEASURES:
            low, high = (
                wilson(round(group["flip"].sum()), len(group))
                if measure == "flip"
                else bootstrap_interval(group[measure], seed)
            )
            row |= {measure: group[measure].mean(), f"{measure}_low": low, f"{measure}_high": high}
        rows.append(row)
    return pd.DataFrame(rows)


def summarise(table: pd.DataFrame, means: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Return the numbers of the study.

    Parameters
    ----------
    table, means
        As ``run`` and ``average`` make them.
    seed
        Of the bootstrap.

    Returns
    -------
    dict
        ``n``, ``draws``, ``mean_margin``; for each condition ``<kind>_<scope>_<layers>_tv``,
        ``…_flip_rate`` and ``…_margin_drop`` with intervals, and the same for the model beside
        with ``beside_`` in front. With one: ``tv_difference`` (this model minus the one beside,
        the mean over all conditions, paired by photograph) with its interval and
        ``tv_difference_p`` by sign flips.
    """
    here = table[table["model"] == HERE]
    summary: dict[str, Any] = {
        "n": here["image"].nunique(),
        "draws": DRAWS,
        "mean_margin": here.groupby("image")["margin_before"].first().mean(),
    }
    for row in means.to_dict("records"):
        front = "" if row["model"] == HERE else "beside_"
        key = front + Condition(row["kind"], row["scope"], row["layers"]).key
        for measure, name in zip(_MEASURES, ("tv", "flip_rate", "margin_drop"), strict=True):
            for end in ("", "_low", "_high"):
                summary[f"{key}_{name}{end}"] = row[f"{measure}{end}"]
    if (table["model"] == BESIDE).any():
        wide = table.pivot_table("tv", "image", "model")
        differences = wide[HERE] - wide[BESIDE]
        low, high = bootstrap_interval(differences, seed)
        summary |= {
            "tv_difference": differences.mean(),
            "tv_difference_low": low,
            "tv_difference_high": high,
            "tv_difference_p": sign_flip_p(differences, seed),
        }
    return summary


def findings(result: StudyResult) -> list[str]:
    """Say whether the attention matters, in what sense, and beside which other model."""
    summary, n = result.summary, result.summary["n"]
    said = []
    for kind, words in _WORDS.items():
        key = f"{kind}_all_last"
        sure = interval(summary[f"{key}_flip_rate_low"], summary[f"{key}_flip_rate_high"])
        drawn = "" if kind == "uniform" else f", mean of {DRAWS} draws"
        said.append(
            f"Made to {words}, all classes in the last layer, the model changes its answer in "
            f"{percent(summary[f'{key}_flip_rate'])} of {n} photographs ({sure}{drawn}); "
            f"{percent(summary[f'{key}_tv'])} of the probability moves to other classes."
        )
    said.append(_one_class(summary))
    said.append(_verdict(summary))
    if "tv_difference" in summary:
        said.append(_beside_in_words(summary))
    return said


def _one_class(summary: dict[str, Any]) -> str:
    key = "uniform_class_last"
    after = summary["mean_margin"] - summary[f"{key}_margin_drop"]
    sure = interval(summary[f"{key}_flip_rate_low"], summary[f"{key}_flip_rate_high"])
    return (
        "If only the class that it answered must look everywhere alike, that class loses the "
        f"answer in {percent(summary[f'{key}_flip_rate'])} ({sure}); its mean lead goes from "
        f"{summary['mean_margin']:.2g} to {after:.2g} logits."
    )


def _verdict(summary: dict[str, Any]) -> str:
    """Say what all kinds together say of the claim that the attention alters the answer."""
    low = min(summary[f"{kind}_all_last_flip_rate_low"] for kind in KINDS)
    high = max(summary[f"{kind}_all_last_flip_rate_high"] for kind in KINDS)
    if low > 0.5:
        return (
            "So where the classes look decides the answer: every such change alters most answers."
        )
    if high < 0.1:
        return (
            "So the answer hardly depends on where the classes look; read the maps with great "
            "reserve."
        )
    return (
        "So the answer depends on where the classes look in part of the photographs, or on some "
        "changes and not on others; a map alone does not say which."
    )


def _beside_in_words(summary: dict[str, Any]) -> str:
    more = "more" if summary["tv_difference"] > 0 else "less"
    low, high = summary["tv_difference_low"], summary["tv_difference_high"]
    sure = "" if low is None else f"; difference, 95 % interval {low:.2f} to {high:.2f}"
    return (
        f"Compared with the model beside it, {abs(summary['tv_difference']):.2f} {more} of the "
        f"probability moves, on average over all changes (n = {summary['n']}{sure}, "
        f"p = {summary['tv_difference_p']:.2g})."
    )


def _decodes(explainer: Explainer) -> int:
    """Return the decoder passes of one photograph: its own answer, then every condition."""
    layers = explainer.model.config.decoder_layers if isinstance(explainer.model, INTR) else 1
    return 1 + sum(_draws(each.kind) for each in conditions(layers))


def _draws(kind: Kind) -> int:
    return 1 if kind == "uniform" else DRAWS


def _ask(
    explainer: Explainer, specimens: Specimens, seed: int, batch_size: int
) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of one photograph after the other, in no particular order."""
    model = explainer.model
    assert isinstance(model, INTR)
    images, labels = specimens.table["image"].tolist(), specimens.table["label"].tolist()
    tried = conditions(model.config.decoder_layers)
    for positions, batch in evaluation_batches(
        specimens.paths, explainer.preprocessing, batch_size
    ):
        with torch.inference_mode():
            encoded = model.encode(batch)
            for part in _parts(model, encoded):
                places = positions[part]
                state = Encoded(encoded.cells[part], encoded.grid, None)
                entropy = [[seed, zlib.crc32(images[place].encode())] for place in places]
                answers = _answers(model, state, tried, entropy)
                for row, place in enumerate(places):
                    about = {"image": images[place], "label": labels[place]}
                    yield [
                        {**about, **answer, "predicted": explainer.classes[answer["predicted"]]}
                        for answer in answers(row)
                    ]


def _parts(model: INTR, encoded: Encoded) -> list[slice]:
    """Cut a batch so that the maps of all its queries fit into memory."""
    weights = model.config.num_classes * model.config.heads * encoded.cells.shape[1]
    size = max(1, _MOST_WEIGHTS // weights)
    return [slice(first, first + size) for first in range(0, len(encoded), size)]


def _answers(
    model: INTR, encoded: Encoded, tried: Sequence[Condition], entropy: list[list[int]]
) -> Callable[[int], list[dict[str, Any]]]:
    """Decode under every condition; return what gives the rows of one image of the batch."""
    own = model.decode(encoded).logits.float()
    predicted = own.argmax(-1)
    before = margin(own, predicted)
    measured: list[dict[str, torch.Tensor]] = []
    last = model.config.decoder_layers - 1
    for condition in tried:
        sums = {name: torch.zeros(len(encoded)) for name in ("tv", "flip", "margin_after")}
        for draw in range(_draws(condition.kind)):
            override = override_attention(
                condition.kind,
                range(last + 1) if condition.layers == "all" else [last],
                entropy=[[*numbers, draw] for numbers in entropy],
                class_ids=predicted if condition.scope == "class" else None,
            )
            logits = model.decode(encoded, override=override).logits.float()
            sums["tv"] += total_variation(own, logits).cpu()
            sums["flip"] += (logits.argmax(-1) != predicted).float().cpu()
            sums["margin_after"] += margin(logits, predicted).cpu()
        measured.append({name: value / _draws(condition.kind) for name, value in sums.items()})

    def rows(row: int) -> list[dict[str, Any]]:
        found = []
        for condition, values in zip(tried, measured, strict=True):
            after = float(values["margin_after"][row])
            found.append(
                {
                    "predicted": int(predicted[row]),
                    **condition._asdict(),
                    "draws": _draws(condition.kind),
                    "tv": float(values["tv"][row]),
                    "flip": float(values["flip"][row]),
                    "margin_before": float(before[row]),
                    "margin_after": after,
                    "margin_drop": float(before[row]) - after,
                }
            )
        return found

    return rows


def _in_order(table: pd.DataFrame, specimens: Specimens) -> pd.DataFrame:
    """Put the rows into the order of the specimens, and refuse logits that are no numbers."""
    if table["margin_before"].map(math.isnan).any():
        image = table["image"][table["margin_before"].map(math.isnan)].iloc[0]
        raise UserError(
            f"the model's logits for {image} are no numbers (NaN); its training has gone wrong"
        )
    place = {image: number for number, image in enumerate(specimens.table["image"])}
    order = np.lexsort((table["image"].map(place), table["model"] != HERE))
    return table.iloc[order].reset_index(drop=True)


def _beside(inputs: StudyInputs) -> Explainer:
    """Load the model beside, which must have queries and know the labels."""
    name = inputs.options["beside"]
    explainer = load(
        name, device=str(inputs.explainer.device), precision=inputs.explainer.precision
    )
    reason = needs(StudyInputs(explainer, inputs.specimens, inputs.split))
    if reason is not None:
        raise UserError(f"--beside {name}: {reason}")
    inputs.specimens.label_ids(explainer.classes)
    return explainer


def _names(explainers: dict[str, Explainer]) -> dict[str, str]:
    """Return what the figure calls the models."""
    kinds = {}
    for name, explainer in explainers.items():
        assert isinstance(explainer.model, INTR)
        kinds[name] = "INTR-FC" if explainer.model.config.kind == "intr-fc" else "INTR"
    if len(kinds) == 2 and kinds[HERE] == kinds[BESIDE]:
        kinds[BESIDE] = f"{kinds[BESIDE]} beside"
    return kinds


STUDY = Study(
    name="interventions",
    title="Does the attention matter?",
    order=50,
    weight=0.75,
    needs=needs,
    plan=plan,
    run=run,
    findings=findings,
    reading=(
        "The classes are made to look elsewhere, and the model answers again from the same "
        "photograph. If the answer stays, the map did not matter. If it changes, the place "
        "mattered for the model; that says nothing yet about what is there, nor whether the map "
        "is the only one that gives this answer. Compare the three changes: an even map takes the "
        "place away, a permuted one keeps the weights and loses the place, a swapped one shows "
        "whether the classes look at different things at all."
    ),
    key_numbers=(
        KeyNumber("uniform_all_last_flip_rate", "answers that change: all classes look evenly"),
        KeyNumber("permuted_all_last_flip_rate", "the same, maps permuted over the cells"),
        KeyNumber("swapped_all_last_flip_rate", "the same, maps swapped with another class's"),
        KeyNumber("uniform_class_last_flip_rate", "the same, only the answered class looks evenly"),
        KeyNumber("uniform_all_last_tv", "probability that moves: all classes look evenly"),
        KeyNumber(
            "uniform_class_last_margin_drop",
            "drop of the lead in logits, only the answered class looks evenly",
            form="number",
        ),
    ),
    options=(Option("beside", "Another run to compare with, an INTR-FC as in the paper, say."),),
    pool=pool,
)
