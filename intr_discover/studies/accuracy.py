"""The study ``evaluate``: how often the model is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import reduce
from operator import add

from intr_discover.studies.budget import StudyPlan, images_that_fit
from intr_discover.studies.evaluation import evaluate_run, evaluation_of
from intr_discover.studies.pooling import join_tables, provenance_of
from intr_discover.studies.result import StudyResult
from intr_discover.studies.study import KeyNumber, Study, StudyInputs
from intr_discover.studies.wording import interval, percent

_DRAWING_SECONDS = 4.0
_MISTAKES_NAMED = 3
_CAPTIONS = {
    "confusion": (
        "Which class is taken for which. Rows are true classes, columns are answers; the "
        "colour is the share of the row, so a perfect model has a dark diagonal and nothing "
        "else."
    ),
    "per_class_accuracy": (
        "Share of each class's photographs that is recognised, with its 95 % interval and "
        "number of photographs n."
    ),
}


def plan(inputs: StudyInputs) -> StudyPlan:
    """Return how many photographs are classified in the time there is."""
    available = len(inputs.specimens)
    images = images_that_fit(
        available, inputs.seconds, inputs.speed, extra_seconds=_DRAWING_SECONDS
    )
    return StudyPlan(images, available, images, images, _DRAWING_SECONDS)


def run(inputs: StudyInputs) -> StudyResult:
    """Classify the photographs and compare with their labels."""
    result = evaluate_run(
        inputs.explainer,
        inputs.sample(plan(inputs).images),
        split=inputs.split,
        command=inputs.command,
        batch_size=inputs.batch_size,
        progress=inputs.progress,
    )
    result.provenance |= {"seed": inputs.seed, **inputs.limit}  # they decide which photographs
    result.captions = dict(_CAPTIONS)
    return result


def pool(results: Mapping[int, StudyResult], inputs: StudyInputs) -> StudyResult:
    """Count the answers of all folds together, each photograph once."""
    table = join_tables(results).table
    confusion = reduce(add, (result.tables["confusion"] for result in results.values()))
    tied = sum(int(result.summary["n_tied"] or 0) for result in results.values())
    pooled = evaluation_of(table, confusion, tied, provenance_of(results, inputs))
    pooled.captions = dict(_CAPTIONS)
    return pooled


def findings(result: StudyResult) -> list[str]:
    """Say how often it is right, where it is worst, and what it mixes up."""
    summary = result.summary
    said = [
        f"The model names {percent(summary['top1'])} of {summary['n']} photographs rightly "
        f"({interval(summary['top1_low'], summary['top1_high'])}); "
        f"guessing would give {percent(summary['chance'])}."
    ]
    classes = result.tables["per_class"]
    wrong = classes[(classes["n"] > 0) & (classes["correct"] < classes["n"])]
    if wrong.empty:
        said.append("It made no mistake on these photographs.")
        return said
    worst = wrong.sort_values(["top1", "n"], ascending=[True, False], kind="stable").iloc[0]
    said.append(
        f"Hardest is {worst['label']}: {worst['correct']} of {worst['n']} recognised, "
        f"most often taken for {worst['mistaken_for']}."
    )
    said.append(f"Most frequent mistakes: {'; '.join(frequent_mistakes(result))}.")
    return said


def frequent_mistakes(result: StudyResult, most: int = _MISTAKES_NAMED) -> list[str]:
    """Return the most frequent wrong answers in words, with their numbers."""
    table = result.table
    wrong = table[~table["correct"]]
    counts = Counter(zip(wrong["label"], wrong["predicted"], strict=True))
    # Equally frequent ones in alphabetical order, whatever the order of the photographs.
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:most]
    return [f"{true} taken for {answer} ({n})" for (true, answer), n in ordered]


STUDY = Study(
    name="evaluate",
    title="How often is it right?",
    order=10,
    weight=1.0,
    plan=plan,
    run=run,
    findings=findings,
    reading=(
        "Accuracy is the share of photographs whose true class is the model's first answer. The "
        "interval says how far it may move with other photographs of the same kind. Look at the "
        "confusions first: species that the model mixes up are look-alikes to it, and where it "
        "looks in them is the interesting question."
    ),
    key_numbers=(
        KeyNumber("top1", "top-1 accuracy"),
        KeyNumber("top5", "top-5 accuracy"),
        KeyNumber("mean_per_class_top1", "mean accuracy of the classes"),
        KeyNumber("chance", "accuracy of guessing", n=None),
        KeyNumber("n_classes_seen", "classes with photographs", form="number", n=None),
    ),
    from_extraction=True,
    pool=pool,
)
