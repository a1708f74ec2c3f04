"""What makes a report less sure than it looks, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence

from intr_discover.data.specimens import Specimens
from intr_discover.errors import shorten
from intr_discover.report.outcome import Outcome

FEW_IMAGES = 5
"""Below this many photographs a class, its numbers say little."""


def cautions(specimens: Specimens, split: str, outcomes: Sequence[Outcome]) -> list[str]:
    """Return the warnings of the page; empty when there is nothing to warn of.

    Parameters
    ----------
    specimens
        The photographs of the split.
    split
        Which split they are.
    outcomes
        What became of each study.
    """
    said = []
    if split == "all" and specimens.splits:
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


def _classes(count: int) -> str:
    return "1 class has" if count == 1 else f"{count} classes have"
