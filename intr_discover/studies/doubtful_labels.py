"""The study ``doubtful_labels``: which specimens may be mislabelled, hybrids, or badly shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.studies.budget import StudyPlan, images_that_fit
from intr_discover.studies.doubtful_sheet import add_figures, records
from intr_discover.studies.label_doubts import BETWEEN, MISLABELLED, class_thresholds, find_doubts
from intr_discover.studies.pooling import FOLD, join_tables
from intr_discover.studies.result import StudyResult
from intr_discover.studies.statistics import wilson
from intr_discover.studies.study import KeyNumber, Option, Study, StudyInputs
from intr_discover.studies.wording import interval, percent

COLUMNS = (
    "rank", "image", "label", "kind", "looks_like", "probability_of_label",
    "probability_of_other", "margin", "predicted",
)  # fmt: skip
"""Of the main table; with known specimens their columns follow."""

_OF = "probability of "
_DRAWING_SECONDS = 1.5
_NAMED = 3


def needs(inputs: StudyInputs) -> str | None:
    """Say that a model believes the labels it was trained with, right or wrong."""
    if len(inputs.explainer.classes) < 2:
        return "the model knows a single class, so no label can be another"
    if inputs.split == "test" or inputs.options["unseen"]:
        return None
    return (
        "labels can only be doubted by a model that was not trained on them: give a collection "
        "with a test split, let every photograph be judged out of fold (intr-discover discover "
        "DATA --folds 5), or say with the study's option --unseen that none of these was used"
    )


def plan(inputs: StudyInputs) -> StudyPlan:
    """Return how many photographs are classified in the time there is."""
    available = len(inputs.specimens)
    images = images_that_fit(
        available,
        inputs.seconds,
        inputs.speed,
        extra_seconds=_DRAWING_SECONDS,
        fewest=1,  # what the other studies need is not taken from them
    )
    return StudyPlan(images, available, images, images, _DRAWING_SECONDS)


def run(inputs: StudyInputs) -> StudyResult:
    """Classify the photographs and compare their labels with the probabilities.

    Returns
    -------
    StudyResult
        ``table``: the doubtful photographs, the most doubtful first, ``COLUMNS`` (``margin`` as in
        ``label_doubts.Doubts``); with a ``specimen_id`` also ``specimen_photographs`` and
        ``specimen_doubted``, how many there are of the specimen and how many are doubted.
        ``tables``: ``all``, the same for every photograph; ``probabilities``, one column a
        class; ``classes``, with ``threshold``, ``n`` and ``doubted``. ``summary``: ``n``,
        ``n_mislabelled`` and ``n_between`` with their shares of n and Wilson intervals, ``top1``,
        ``n_named_otherwise`` (wrong answers that are neither).

    Raises
    ------
    UserError
        If a photograph cannot be read, or the model answers with NaN.
    """
    chosen = inputs.sample(plan(inputs).images)
    logits = inputs.explainer.logits(
        chosen.paths, batch_size=inputs.batch_size, progress=inputs.progress
    )
    broken = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if len(broken):
        raise UserError(
            f"{chosen.table['image'].iloc[broken[0]]}: the model answers with values that are no "
            "numbers (NaN or infinite); its weights are damaged or its training diverged"
        )
    return _result(
        inputs,
        chosen,
        inputs.explainer.classes,
        scipy.special.softmax(logits.astype(np.float64), axis=1),
    )


def pool(results: Mapping[int, StudyResult], inputs: StudyInputs) -> StudyResult:
    """Doubt all labels together: thresholds are those of the whole collection."""
    joined = join_tables(results).tables["probabilities"]
    columns = [name for name in joined.columns if name.startswith(_OF)]
    rows = pd.Series(range(len(inputs.specimens)), index=inputs.specimens.table["image"])
    chosen = inputs.specimens.with_table(inputs.specimens.table.iloc[rows[joined["image"]]])
    classes = [name.removeprefix(_OF) for name in columns]
    values = joined[columns].to_numpy(dtype=np.float64)
    return _result(inputs, chosen, classes, values, joined[FOLD].tolist())


def _result(
    inputs: StudyInputs,
    chosen: Specimens,
    classes: Sequence[str],
    probabilities: NDArray[np.float64],
    folds: Sequence[int] | None = None,
) -> StudyResult:
    labels = chosen.label_ids(classes)
    doubts = find_doubts(probabilities, labels)
    names = np.array(classes, dtype=object)
    predicted = probabilities.argmax(axis=1)
    everything = pd.DataFrame(
        {
            "image": chosen.table["image"],
            "label": names[labels],
            "kind": doubts.kind,
            "looks_like": names[doubts.other],
            "probability_of_label": doubts.own_probability,
            "probability_of_other": doubts.other_probability,
            "margin": doubts.margin,
            "predicted": names[predicted],
        }
    )
    if folds is not None:
        everything[FOLD] = list(folds)
    if "specimen_id" in chosen.table:
        ids = chosen.table["specimen_id"]
        everything["specimen_id"] = ids
        own = ids.fillna(chosen.table["image"])  # a photograph without one is its own specimen
        everything["specimen_photographs"] = own.groupby(own).transform("size")
        doubted = pd.Series(doubts.kind).notna()
        everything["specimen_doubted"] = doubted.groupby(own).transform("sum")
    order = np.lexsort((everything["image"], everything["margin"]))
    ranked = everything.iloc[order].reset_index(drop=True)
    ranked.insert(0, "rank", np.arange(1, len(ranked) + 1))
    table = ranked[ranked["kind"].notna()].reset_index(drop=True)
    result = StudyResult(
        name="doubtful_labels",
        table=table,
        summary=_summary(everything),
        provenance=inputs.provenance(chosen),
        tables={
            "all": ranked,
            "classes": _classes(classes, probabilities, labels, doubts.kind),
            "probabilities": pd.DataFrame(
                {"image": chosen.table["image"], "label": names[labels]}
                | {f"{_OF}{name}": probabilities[:, c] for c, name in enumerate(classes)}
            ),
        },
    )
    add_figures(result, chosen, inputs.full)
    return result


def _summary(everything: pd.DataFrame) -> dict[str, Any]:
    n = len(everything)
    wrong = everything["label"] != everything["predicted"]
    summary: dict[str, Any] = {
        "n": n,
        "top1": 1 - wrong.mean(),
        "n_named_otherwise": int((wrong & everything["kind"].isna()).sum()),
    }
    for name, kind in (("mislabelled", MISLABELLED), ("between", BETWEEN)):
        count = int((everything["kind"] == kind).sum())
        low, high = wilson(count, n)
        summary |= {
            f"n_{name}": count,
            f"{name}_share": count / n,
            f"{name}_share_low": low,
            f"{name}_share_high": high,
        }
    return summary


def _classes(
    classes: Sequence[str],
    probabilities: NDArray[np.float64],
    labels: NDArray[np.int64],
    kind: NDArray[np.object_],
) -> pd.DataFrame:
    """Return one row a class: its threshold, its photographs, and how many are doubted."""
    doubted = np.array([each is not None for each in kind])
    return pd.DataFrame(
        {
            "label": list(classes),
            "n": np.bincount(labels, minlength=len(classes)),
            "threshold": class_thresholds(probabilities, labels),
            "doubted": np.bincount(labels[doubted], minlength=len(classes)),
        }
    )


def findings(result: StudyResult) -> list[str]:
    """Say how many labels are doubted, of what kind, which first, and how far to trust it."""
    summary = result.summary
    n, wrong, between = summary["n"], summary["n_mislabelled"], summary["n_between"]
    if not wrong and not between:
        return [
            f"None of the {n} labels is doubted: no photograph looks to the model throughout like "
            "another class than its own, and none lies between two."
        ]
    said = []
    if wrong:
        sure = interval(summary["mislabelled_share_low"], summary["mislabelled_share_high"])
        said.append(
            f"{_photographs(wrong)} of {n} ({percent(summary['mislabelled_share'])}, {sure}) "
            f"{'looks' if wrong == 1 else 'look'} throughout like another class than the label "
            f"says: mislabelled? {_examples(result.table, MISLABELLED)}"
        )
    if between:
        sure = interval(summary["between_share_low"], summary["between_share_high"])
        said.append(
            f"{_photographs(between)} of {n} ({percent(summary['between_share'])}, {sure}) "
            f"{'lies' if between == 1 else 'lie'} between two classes: a hybrid, or a poor "
            f"photograph? {_examples(result.table, BETWEEN)}"
        )
    if summary["n_named_otherwise"]:
        others = summary["n_named_otherwise"]
        said.append(
            f"{_photographs(others)} more {'is' if others == 1 else 'are'} named otherwise than "
            "labelled, but less surely; doubtful_labels_all.csv ranks all photographs."
        )
    said.append(
        f"A doubt is no verdict: the model itself is wrong in {percent(1 - summary['top1'])} of "
        "these photographs, and look-alikes are what it mixes up first. Look at the specimen and "
        "its label before you change anything."
    )
    return said


def _examples(table: pd.DataFrame, kind: str) -> str:
    """Name the first few of a kind."""
    some = records(table[table["kind"] == kind].head(_NAMED))
    named = "; ".join(
        f"{row['image']} (label {row['label']}, {percent(row['probability_of_label'])}; "
        f"{row['looks_like']} {percent(row['probability_of_other'])})"
        for row in some
    )
    more = int((table["kind"] == kind).sum()) - len(some)
    return f"{named}{f'; and {more} more' if more else ''}."


def _photographs(count: int) -> str:
    return "1 photograph" if count == 1 else f"{count} photographs"


STUDY = Study(
    name="doubtful_labels",
    title="Which labels are doubtful?",
    order=70,
    weight=0.5,
    needs=needs,
    plan=plan,
    run=run,
    findings=findings,
    reading=(
        "A model that has never seen a photograph says what it looks like, and that is compared "
        "with its label. Two kinds of doubt: it looks throughout like another species (a wrong "
        "label, perhaps), or two species share the probability (a hybrid, a worn specimen, a poor "
        "photograph). How sure is sure enough is measured for every class by itself. The list says "
        "where to look first; it decides nothing. A label that is wrong in the same way in many "
        "photographs is learned, and not doubted."
    ),
    key_numbers=(
        KeyNumber("mislabelled_share", "photographs that look like another class"),
        KeyNumber("between_share", "photographs between two classes"),
        KeyNumber("top1", "photographs whose label is the model's first answer"),
    ),
    options=(
        Option(
            "unseen", "The model was trained on none of the photographs, whatever split they are.",
            bool, False,
        ),
    ),
    from_extraction=True,
    pool=pool,
)  # fmt: skip
