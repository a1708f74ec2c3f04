"""What is said of two look-alikes, in plain sentences with their numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from intr_discover.studies.pair_on_photograph import AskedTwice
from intr_discover.studies.pairs import LEAST
from intr_discover.studies.wording import interval, percent

ONE_LAYER = (
    "This model has one decoder layer, in which class queries exchange nothing yet: asked about "
    "the two alone it looks where it looks anyway, and both maps of a head are alike."
)
_LOGITS = "a logit is the model's score of a class; one more makes it 2.7 times as likely"


def ranking_sentences(row: Mapping[Any, Any], pairs: int) -> list[str]:
    """Say how near two species come to being mistaken, both ways.

    Parameters
    ----------
    row
        Of the table ``matrix``, see ``row_of_pair``.
    pairs
        How many pairs were ranked.
    """
    a, b = row["label_a"], row["label_b"]
    return [
        f"Of {row['n_a']} photographs of {a}, {_counted(row['taken_a'], row['n_a'])} named {b}; of "
        f"{row['n_b']} of {b}, {_counted(row['taken_b'], row['n_b'])} named {a}.",
        f"{_ahead(-float(row['confusability']))} ({_LOGITS}). {_half_hidden(row)} they are number "
        f"{row['rank']} of {pairs} pairs; number 1 comes nearest to being mistaken.",
    ]


def _half_hidden(row: Mapping[Any, Any]) -> str:
    share = float(row["hidden_confusability"])
    if math.isnan(share):
        return "By that"
    return (
        f"With half of the photograph hidden, {percent(share)} of the probability goes to the "
        "other species; by that"
    )


def photograph_sentences(asked: AskedTwice) -> list[str]:
    """Say what the model answers among all classes and among the two."""
    whole, two = asked.among_all, asked.among_two
    said = [
        f"Among all {len(whole.competing)} classes the model says {whole.predicted}, with "
        f"probability {percent(whole.probability)}; between the two alone {two.predicted}, with "
        f"{percent(two.probability)}."
    ]
    if whole.layers > 1:
        said.append(
            f"When only the two compete, {percent(float(asked.moved.mean()))} of a head's "
            f"attention moves to another place (mean of {len(asked.moved)} heads)."
        )
    return said


def pair_sentences(row: Mapping[Any, Any], layers: int, photographs: Sequence[int]) -> list[str]:
    """Say what the study found of one pair.

    Parameters
    ----------
    row
        Of the study's table.
    layers
        Of the decoder.
    photographs
        How many there are of the two.
    """
    a, b = row["label_a"], row["label_b"]
    said = [_taken(row, "a", a, b), _taken(row, "b", b, a), _margin(row)]
    if layers > 1:
        said.append(_moved(row))
    return [*said, *_difference(row, photographs), *_on_attribute(row)]


def _counted(share: float, n: int) -> str:
    """Return the beginning of "3 (30.0 %) are": a count that the study kept as a share."""
    count = round(float(share) * int(n))
    if not count:
        return "none is"
    return f"{count} ({percent(float(share))}) {'is' if count == 1 else 'are'}"


def _ahead(logits: float) -> str:
    size = f"{abs(logits):.1f} logits"
    if size.startswith("0.0 "):
        return f"On average neither the true species nor the other lies ahead ({size})"
    if logits < 0:
        return f"On average the other species lies {size} ahead of the true one"
    return f"On average the true species lies {size} ahead of the other"


def _taken(row: Mapping[Any, Any], side: str, own: str, mate: str) -> str:
    whole, two = f"taken_{side}_all", f"taken_{side}_zero"
    return (
        f"Of {row[f'n_{side}']} photographs of {own}, {percent(row[whole])} are taken for {mate} "
        f"({interval(row[f'{whole}_low'], row[f'{whole}_high'])}); when only the two may be "
        f"answered, {percent(row[two])} ({interval(row[f'{two}_low'], row[f'{two}_high'])})."
    )


def _margin(row: Mapping[Any, Any]) -> str:
    said = _ahead(-float(row["confusability"]))
    low, high = row["confusability_low"], row["confusability_high"]
    if _known(low) and _known(high):
        # Without the sign of a 0 that was a little below it.
        lowest, highest = sorted(round(-float(each), 1) + 0.0 for each in (low, high))
        said += f", 95 % interval {lowest:.1f} to {highest:.1f}".replace("-", "−")
    return f"{said} ({_LOGITS})."


def _moved(row: Mapping[Any, Any]) -> str:
    said = (
        f"When only the two compete, {percent(row['context_shift_zero'])} of a head's attention "
        f"moves to another place (mean of {row['n_a'] + row['n_b']} photographs"
    )
    low, high = row["context_shift_zero_low"], row["context_shift_zero_high"]
    if _known(low) and _known(high):
        said += f", {interval(low, high)}"
    return f"{said})."


def _difference(row: Mapping[Any, Any], photographs: Sequence[int]) -> list[str]:
    counted = (row["n_maps_a"], row["n_maps_b"])
    if not _known(row["difference_cells"]):
        said = (
            f"Whether the mean maps differ cannot be tested: there are {counted[0]} and "
            f"{counted[1]} photographs; {LEAST} of each are the least, 10 and more are better."
        )
        if tuple(photographs) != counted:
            said += " A photograph counts only where its landmarks or mask give it a place."
        return [said]
    n = f"{counted[0]} and {counted[1]} photographs"
    cells = int(row["difference_cells"])
    if not cells:
        return [
            f"No place of the mean maps differs by more than chance explains ({n}, smallest "
            f"p = {row['difference_p']:.2g}). With few photographs only large differences show."
        ]
    more, less = ("label_a", "label_b") if row["peak_difference"] > 0 else ("label_b", "label_a")
    near = f", near the landmark {row['peak_near']}" if isinstance(row["peak_near"], str) else ""
    differing = f"{cells} cell" if cells == 1 else f"{cells} cells"
    return [
        f"The mean maps differ in {differing} by more than chance explains (black line; "
        f"p = {row['difference_p']:.2g}, {n}). The difference is largest in row "
        f"{int(row['peak_row']) + 1}, column {int(row['peak_column']) + 1} of the frame{near}: the "
        f"query of {row[more]} looks there, that of {row[less]} less, by "
        f"{abs(row['peak_difference']):.0f} times even attention."
    ]


def _on_attribute(row: Mapping[Any, Any]) -> list[str]:
    if not row["region_cells"] or not _known(row["precision"]):
        return []
    return [
        f"Of the cells that differ, {percent(row['precision'])} lie on {row['diagnostic']}, which "
        f"is known to separate the two, or next to it; of all cells {percent(row['region_chance'])}"
        f" do. {percent(row['recall'])} of the attribute's cells are found."
    ]


def _known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))
