"""What makes a report less sure than it looks, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from intr_discover.data.specimens import Specimens
from intr_discover.errors import shorten
from intr_discover.report.outcome import Outcome

FEW_IMAGES = 5
"""Below this many photographs a class, its numbers say little."""


def cautions(
    specimens: Specimens, split: str, outcomes: Sequence[Outcome], folds: int | None = None
) -> list[str]:
    """Return the warnings of the page; empty when there is nothing to warn of.

    Parameters
    ----------
    specimens
        The photographs of the split.
    split
        Which split they are.
    outcomes
        What became of each study.
    folds
        How many models judged the photographs, each those that it had not seen; None for one model.
    """
    said = []
    if folds is not None:
        said.append(
            f"{folds} models stand behind this page, each trained without the photographs that it "
            "judges. They learned alike, not the same: head 3 of one is not head 3 of another. "
            "Where a figure shows heads or maps it is that of one fold."
        )
    elif split == "all" and specimens.splits:
        said.append(
            "All splits were taken together, so photographs that the model was trained on count "
            "too. The accuracy is no evidence: it also shows what the model remembers."
        )
    elif split == "all":
        said.append(
            "The collection has no test split. If the model was trained on these photographs, the "
            "accuracy says how well it remembers, not how well it recognises."
        )
    elif split != "test":
        said.append(
            f"These are the photographs of split {split}, not of a test: the model has seen them, "
            "or was chosen by them."
        )
    counts = specimens.table["label"].value_counts(sort=False)
    if folds is not None:
        said += _small_shares(counts, folds)
    few = [
        f"{label} ({counts[label]})" for label in specimens.classes if counts[label] < FEW_IMAGES
    ]
    if few:
        said.append(
            f"{_classes(len(few))} fewer than {FEW_IMAGES} photographs here: {shorten(few)}. One "
            "photograph more or less may change what is said of them."
        )
    sampled = [
        f"{outcome.study.name} ({outcome.plan.images} of {outcome.plan.of})"
        for outcome in outcomes
        if outcome.result is not None and outcome.plan is not None and outcome.plan.sampled
    ]
    if sampled:
        said.append(
            f"To save time, these studies took a sample of the photographs: {', '.join(sampled)}. "
            "The option --full takes all."
        )
    return said


def _small_shares(counts: pd.Series, folds: int) -> list[str]:
    """Warn of classes of which a fold holds out too few for what is asked within a fold."""
    small = int((counts < FEW_IMAGES * folds).sum())
    if not small:
        return []
    most = int(counts.min()) // FEW_IMAGES
    advice = f" {most} folds would leave them enough." if 2 <= most < folds else ""
    return [
        f"With {folds} folds {_classes(small)} fewer than {FEW_IMAGES} photographs in a fold. What "
        f"is asked within a fold (does a head look for one thing?) has no score for them.{advice}"
    ]


def _classes(count: int) -> str:
    return "1 class has" if count == 1 else f"{count} classes have"
