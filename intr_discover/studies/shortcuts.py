"""The study ``shortcuts``: whether the specimen is recognised, or something beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.figures.shortcuts import (
    Example,
    class_figure,
    conditions_figure,
    cues_figure,
    examples_figure,
    heads_figure,
)
from intr_discover.model.intr import INTR
from intr_discover.studies.backgrounds import CONDITIONS, Scenes, ask, individuals
from intr_discover.studies.budget import Speed, StudyPlan, images_that_fit, stratified_sample
from intr_discover.studies.cue_tests import PERMUTATIONS, CueReport, report_on_cues
from intr_discover.studies.cues import (
    PICTURE_CUES,
    groups_of,
    metadata_cues,
    picture_cues,
    picture_features,
)
from intr_discover.studies.groups import accuracy_by_group, spread_of_groups
from intr_discover.studies.pairs import known_pairs
from intr_discover.studies.pooling import join_tables
from intr_discover.studies.result import StudyResult
from intr_discover.studies.shortcut_findings import findings
from intr_discover.studies.shortcut_numbers import (
    class_table,
    condition_table,
    cue_summary,
    head_table,
    model_summary,
    photograph_row,
)
from intr_discover.studies.study import KeyNumber, Option, Study, StudyInputs

MOST_CUE_PHOTOGRAPHS = 1000
"""Cues are tested on no more photographs than this: everybody is compared with everybody."""

MOST_EXAMPLES = 4
_FEWER_PERMUTATIONS = 499
_MOST_VOTES = 20_000_000  # n² · C, above which there are fewer permutations
_SECONDS_A_FIGURE = 0.8
_SECONDS_A_PHOTOGRAPH = 0.03  # reading masks, cutting out, filling in
_SECONDS_OF_TESTS = 1.5
_SHARE_FOR_CUES = 0.2  # of the time, where there is a limit
_ENCODES, _DECODES = 1 + len(CONDITIONS), 2 + len(CONDITIONS)


def plan(inputs: StudyInputs) -> StudyPlan:
    """Return how many photographs are audited; each is encoded once for every background."""
    available, cues = len(inputs.specimens), _cue_photographs(inputs)
    speed = inputs.speed
    reading = max(_SECONDS_A_PHOTOGRAPH, 0.0 if speed is None else speed.encode)
    testing = cues * reading + _SECONDS_OF_TESTS
    if inputs.model is None:
        return StudyPlan(cues, available, 0, 0, testing + 2 * _SECONDS_A_FIGURE)
    if speed is not None:
        speed = replace(speed, encode=speed.encode + _SECONDS_A_PHOTOGRAPH / _ENCODES)
    decodes = _DECODES if isinstance(inputs.explainer.model, INTR) else 0
    extra = testing + 5 * _SECONDS_A_FIGURE
    images = images_that_fit(
        available,
        inputs.seconds,
        speed,
        encodes=_ENCODES,
        decodes=decodes,
        extra_seconds=extra,
        fewest=1,  # one photograph takes as long as six or seven of another study
    )
    extra += images * _SECONDS_A_PHOTOGRAPH
    return StudyPlan(images, available, _ENCODES * images, decodes * images, extra)


def _cue_photographs(inputs: StudyInputs) -> int:
    """Return on how many photographs the cues are tested: no model sees these, so they are many."""
    available = min(len(inputs.specimens), MOST_CUE_PHOTOGRAPHS)
    if inputs.seconds is None or inputs.speed is None:
        return available
    each = max(_SECONDS_A_PHOTOGRAPH, inputs.speed.encode)
    return images_that_fit(
        available, _SHARE_FOR_CUES * inputs.seconds, Speed(each, 0.0), decodes=0.0, fewest=1
    )


def run(inputs: StudyInputs) -> StudyResult:
    """Look for evidence off the specimen: in the photographs, and in the model's answers.

    Returns
    -------
    StudyResult
        ``table``: one row a photograph, see ``photograph_row`` (without a model ``image``,
        ``label``, ``mask_source``). ``tables``: ``cues``, ``cue_classes``, ``cue_pairs`` (see
        ``CueReport``), ``columns`` (columns of the table that are no cue, and why); with a model
        ``conditions``, ``classes``, ``heads``, and with columns that group ``groups`` and
        ``group_columns``. ``summary``: ``n``, ``mask_source`` (``table``, ``automatic`` or
        ``mixed``), what ``cue_summary`` and with a model ``model_summary`` return; all numbers
        about a model are None without one.
    """
    whole = inputs.specimens
    places = stratified_sample(whole.table["label"].tolist(), plan(inputs).images, inputs.seed)
    chosen = whole.with_table(whole.table.iloc[places])
    pairs = [(a, b) for a, b, _ in known_pairs(inputs)]
    scenes = Scenes(whole, inputs.model, inputs.seed, _mates(pairs))
    leave_out = _left_out(inputs)
    tables: dict[str, pd.DataFrame] = {}
    summary: dict[str, Any] = dict.fromkeys(_MODEL_NUMBERS)
    if inputs.model is not None:
        table = _audit(inputs, scenes, places.tolist())
        tables, summary = _of_the_model(table, chosen, leave_out, inputs.seed)
        tables["heads"] = head_table(table, inputs.seed)
    report, reasons, sources = _cues(inputs, pairs, leave_out)
    if inputs.model is None:
        table = chosen.table[["image", "label"]].assign(mask_source=sources)
    tables |= _cue_tables(report, reasons)
    result = _result(
        table, tables, summary, report, inputs.provenance(chosen, cue_photographs=len(sources))
    )
    if inputs.model is not None:
        _add_photographs(result, scenes)
    return result


def pool(results: Mapping[int, StudyResult], inputs: StudyInputs) -> StudyResult:
    """Audit the models of all folds together, and the photographs as one collection.

    Heads and examples remain those of the folds: head 3 of one model is not head 3 of another.
    """
    table = join_tables(results).table
    leave_out = _left_out(inputs)
    rows = pd.Series(range(len(inputs.specimens)), index=inputs.specimens.table["image"])
    chosen = inputs.specimens.with_table(inputs.specimens.table.iloc[rows[table["image"]]])
    tables, summary = _of_the_model(table, chosen, leave_out, inputs.seed)
    pairs = [(a, b) for a, b, _ in known_pairs(inputs)]
    report, reasons, sources = _cues(inputs, pairs, leave_out)
    tables |= _cue_tables(report, reasons)
    record = inputs.provenance(chosen, cue_photographs=len(sources))
    return _result(table, tables, summary, report, record)


def _of_the_model(
    table: pd.DataFrame, chosen: Specimens, leave_out: Sequence[str], seed: int
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Return tables and numbers about what models did with photographs, row by row."""
    tables = {"conditions": condition_table(table, seed), "classes": class_table(table, seed)}
    groups = groups_of(chosen.table, leave_out)
    if groups:
        tables["groups"] = accuracy_by_group(table["correct"], groups)
        tables["group_columns"] = spread_of_groups(table["correct"], groups, seed)
    return tables, model_summary(table, tables["conditions"], tables["classes"], seed)


def _cue_tables(report: CueReport, reasons: Mapping[str, str]) -> dict[str, pd.DataFrame]:
    return {
        "cues": report.cues,
        "cue_classes": report.classes,
        "cue_pairs": report.pairs,
        "columns": pd.DataFrame(list(reasons.items()), columns=["column", "why_no_cue"]),
    }


def _result(
    table: pd.DataFrame,
    tables: dict[str, pd.DataFrame],
    summary: Mapping[str, Any],
    report: CueReport,
    record: dict[str, Any],
) -> StudyResult:
    """Make the numbers, and those figures that show no photograph."""
    result = StudyResult(
        name="shortcuts",
        table=table,
        summary={
            "n": len(table),
            "mask_source": _source(table["mask_source"]),
            "n_without_mask": int((table["mask_source"] == "none").sum()),
            "n_classes": table["label"].nunique(),
            **summary,
            **cue_summary(report),
        },
        provenance=record,
        tables=tables,
    )
    _add_figures(result, report)
    return result


_MODEL_NUMBERS = ("off_specimen_mass", "background_flip_rate", "flagged", "n_flagged_classes")


def _audit(inputs: StudyInputs, scenes: Scenes, places: Sequence[int]) -> pd.DataFrame:
    """Ask the model about photographs and their edited versions; one row each, in order."""
    explainer = inputs.explainer
    rows: list[dict[str, Any]] = []
    ids = inputs.specimens.label_ids(explainer.classes)
    for place, said in ask(explainer, scenes, places, ids, inputs.batch_size):
        rows.append(photograph_row(place, said, scenes, explainer.classes))
        if inputs.progress is not None:
            inputs.progress(len(rows), len(places))
    return pd.DataFrame(rows)


def _cues(
    inputs: StudyInputs, pairs: Sequence[tuple[str, str]], leave_out: Sequence[str]
) -> tuple[CueReport, dict[str, str], list[str]]:
    """Test the cues; return also why columns are none, and where the masks came from."""
    sample = inputs.sample(_cue_photographs(inputs))
    scenes = Scenes(sample, None, inputs.seed, {})
    features, sources = [], []
    for place in range(len(sample)):
        scene = scenes.scene(place)
        unknown = np.ones(scene.photograph.shape[:2], dtype=bool)
        mask = unknown if scene.mask is None else scene.mask
        features.append(picture_features(scene.photograph, mask, scene.original_shape))
        sources.append(scene.mask_source)
        if inputs.progress is not None and inputs.model is None:
            inputs.progress(place + 1, len(sample))
    columns, reasons = metadata_cues(sample.table, leave_out)
    few = len(sample) ** 2 * len(sample.classes) > _MOST_VOTES
    report = report_on_cues(
        [*picture_cues(features), *columns],
        sample.table["label"].tolist(),
        individuals(sample),
        inputs.seed,
        pairs=pairs,
        permutations=_FEWER_PERMUTATIONS if few else PERMUTATIONS,
    )
    return report, reasons, sources


def _mates(pairs: Sequence[tuple[str, str]]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for a, b in pairs:
        found.setdefault(a, []).append(b)
        found.setdefault(b, []).append(a)
    return found


def _left_out(inputs: StudyInputs) -> list[str]:
    """Return the columns that the user does not want as cues."""
    given = inputs.options["leave_out"]
    names = [] if given is None else [name.strip() for name in given.split(",") if name.strip()]
    unknown = [name for name in names if name not in inputs.specimens.table]
    if unknown:
        there = ", ".join(inputs.specimens.table.columns)
        raise UserError(f"--leave-out: the table has no column '{unknown[0]}'; it has {there}")
    return names


def _source(sources: pd.Series) -> str:
    known = sorted(set(sources) - {"none"})
    return known[0] if len(known) == 1 else "mixed" if known else "none"


def _add_figures(result: StudyResult, report: CueReport) -> None:
    """Add the drawings and their captions."""
    if "conditions" in result.tables:
        _add_model_figures(result)
    if report.best is not None:
        result.drawings["cues"] = partial(cues_figure, report.cues, words=PICTURE_CUES)
        result.captions["cues"] = (
            "How well each cue alone tells the labels, without a look at the specimen: balanced "
            "accuracy of the nearest neighbours, each specimen left out in turn, with 95 % "
            f"intervals (n = {report.n} photographs). Grey ticks: the same with permuted labels. "
            "A filled point is better than chance (q ≤ 0.05)."
        )


def _add_photographs(result: StudyResult, scenes: Scenes) -> None:
    """Put examples before the other figures."""
    shown = _examples(result.table, scenes)
    if shown:
        result.drawings = {"examples": partial(examples_figure, shown), **result.drawings}
        result.captions["examples"] = (
            "What was done to the photographs: the specimen's outline, then the backgrounds that "
            "were put behind it, and the picture without it. Below each the model's answer; red "
            "where it differs from its answer to the photograph."
        )


def _add_model_figures(result: StudyResult) -> None:
    tables = result.tables
    if tables["classes"]["off_specimen"].notna().any():
        result.drawings["off_specimen"] = partial(class_figure, tables["classes"])
        result.captions["off_specimen"] = (
            "Left: attention of each class's query that lies off the specimen (mean of all heads, "
            "with 95 % interval); the grey tick is the share of the picture that is no specimen, "
            "where an even map would lie. Right: share of the class's lead that is lost with the "
            "background of another class, beyond what is lost with that of another specimen of "
            "its own class. Red: classes that rest on the background."
        )
    if "heads" in tables and tables["classes"]["off_specimen"].notna().any():
        result.drawings["heads"] = partial(heads_figure, tables["heads"])
        result.captions["heads"] = (
            "Attention of each head off the specimen, query of the true class, with 95 % "
            "intervals; grey line: an even map."
        )
    if (tables["conditions"]["n"] > 0).all():
        result.drawings["backgrounds"] = partial(conditions_figure, tables["conditions"])
        result.captions["backgrounds"] = (
            "Accuracy (left) and changed answers (right) when the background is replaced, with "
            "95 % intervals. The background of another specimen of the same class is the control "
            "of that of another class. With the specimen taken away nothing should be recognised."
        )


def _examples(table: pd.DataFrame, scenes: Scenes) -> list[Example]:
    """Return photographs to show: those whose answer a background changed first, one a class."""
    changed = table[[f"flip_{name}" for name in ("grey", "shuffled", "other")]].sum(axis=1)
    possible = table[table["flip_other"].notna() & table["flip_same"].notna()]
    order = possible.index[np.argsort(-changed[possible.index], kind="stable")]
    chosen: dict[str, int] = {}
    for place in order:
        chosen.setdefault(table["label"][place], int(place))
    return [_example(table, place, scenes) for place in list(chosen.values())[:MOST_EXAMPLES]]


def _example(table: pd.DataFrame, place: int, scenes: Scenes) -> Example:
    row = table.iloc[place]
    there = scenes.images.index(row["image"])
    scene, (made, _) = scenes.scene(there), scenes.edited(there)
    assert scene.mask is not None
    pictures: list[tuple[str, NDArray[np.uint8], str]] = [
        (CONDITIONS[name], made[name], row[f"answer_{name}"])
        for name in ("grey", "shuffled", "same", "other", "removed")
    ]
    return Example(row["label"], scene.photograph, scene.mask, row["predicted"], pictures)


STUDY = Study(
    name="shortcuts",
    title="Does it look at the specimen, or at something else?",
    order=60,
    weight=1.5,
    plan=plan,
    run=run,
    findings=findings,
    without_model=True,
    reading=(
        "Two questions. Could the labels be told without looking at the specimen, by the ground, "
        "the ruler, the camera? That concerns the photographs, whatever the model. And does this "
        "model use it? Only a change of the background can tell: attention off the specimen is a "
        "hint, not a proof. A cue in the photographs that the model does not use today may be "
        "used by the next one trained on them."
    ),
    key_numbers=(
        KeyNumber(
            "no_specimen_accuracy",
            "labels told by the best single cue beside the specimen (balanced accuracy)",
            n="n_cue_photographs",
        ),
        KeyNumber("no_specimen_chance", "the same with permuted labels", n=None),
        KeyNumber("off_specimen_mass", "attention off the specimen", n="n_masked"),
        KeyNumber("even_share", "the same of an even map", n=None),
        KeyNumber(
            "background_flip_rate",
            "answers changed by the background of another class",
            n="n_background",
        ),
        KeyNumber(
            "flip_rate_same",
            "control: by that of another specimen of its class",
            n="n_background",
        ),
        KeyNumber(
            "background_only_accuracy", "recognised with the specimen taken away", n="n_masked"
        ),
    ),
    options=(
        Option("pairs", "Table of look-alikes: label_a, label_b."),
        Option("leave_out", "Columns of the table that are no cue: NAME,NAME,..."),
    ),
    pool=pool,
)
