"""How many photographs a study may take, so that all studies together keep to a time.

Numbers in, numbers out: nothing here looks at a photograph or at the clock.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TOTAL_SECONDS = 150.0
"""For all studies of a report; the rest of three minutes is for loading and for the page."""

FEWEST_IMAGES = 8
"""A study takes no fewer photographs than this, as long as there are so many."""


@dataclass(frozen=True)
class Speed:
    """How fast a model is on this machine.

    Attributes
    ----------
    encode
        Seconds for one photograph: reading, resizing, backbone and encoder.
    decode
        Seconds for one question about it: a pass of the decoder.
    """

    encode: float
    decode: float


@dataclass(frozen=True)
class StudyPlan:
    """What a study is going to do.

    Attributes
    ----------
    images, of
        Photographs it will use, and how many there are.
    encodes, decodes
        Passes through backbone and encoder, and through the decoder; at most.
    extra_seconds
        Everything else, mostly drawing.
    """

    images: int
    of: int
    encodes: int
    decodes: int
    extra_seconds: float = 0.0

    @property
    def sampled(self) -> bool:
        """Return whether some photographs are left out."""
        return self.images < self.of

    def seconds(self, speed: Speed) -> float:
        """Return how long it will take."""
        model = self.encodes * speed.encode + self.decodes * speed.decode
        return model + self.extra_seconds


def images_that_fit(
    available: int,
    seconds: float | None,
    speed: Speed | None,
    *,
    encodes: float = 1.0,
    decodes: float = 1.0,
    extra_seconds: float = 0.0,
    fewest: int = FEWEST_IMAGES,
) -> int:
    """Return how many photographs a study can take.

    Parameters
    ----------
    available
        How many there are.
    seconds, speed
        The time it has, and how fast the model is; None for no limit.
    encodes, decodes
        Passes that one photograph needs.
    extra_seconds
        What is spent whatever the number of photographs.
    fewest
        Take as many even when they do not fit.
    """
    if seconds is None or speed is None:
        return available
    one = encodes * speed.encode + decodes * speed.decode
    if one <= 0:
        return available
    fitting = math.floor(max(0.0, seconds - extra_seconds) / one)
    return min(available, max(fewest, fitting))


def share_out(
    total: float, weights: Mapping[str, float], wishes: Mapping[str, float]
) -> dict[str, float]:
    """Share seconds among studies by weight; what one does not need goes to the others.

    Parameters
    ----------
    total
        Seconds to share out.
    weights
        Of each study, above 0.
    wishes
        Seconds that each study would take if it had no limit.

    Returns
    -------
    dict
        Seconds of each study: never more than it wishes, together never more than ``total``.
    """
    assert weights.keys() == wishes.keys(), (set(weights), set(wishes))
    assert all(weight > 0 for weight in weights.values()), dict(weights)
    shares: dict[str, float] = {}
    # Whoever needs the least for its weight is served first, and leaves the rest to the others.
    waiting = sorted(weights, key=lambda name: wishes[name] / weights[name])
    left, weight_left = total, float(sum(weights.values()))
    for name in waiting:
        fair = max(0.0, left) * weights[name] / weight_left if weight_left > 0 else 0.0
        shares[name] = min(wishes[name], fair)
        left -= shares[name]
        weight_left -= weights[name]
    return {name: shares[name] for name in weights}


def stratified_sample(labels: Sequence[str], count: int, seed: int) -> NDArray[np.int64]:
    """Draw rows so that every label keeps its share.

    Parameters
    ----------
    labels
        ``[n]``, the label of each row.
    count
        How many rows; all when there are no more.
    seed
        Of the draw.

    Returns
    -------
    ndarray
        Places of the drawn rows, ascending. Each label gets its share of ``count`` rounded down
        or up; which labels are rounded up is drawn where their remainders are equal.
    """
    total = len(labels)
    if count >= total:
        return np.arange(total)
    generator = np.random.default_rng(seed)
    names, group = np.unique(np.asarray(labels, dtype=object), return_inverse=True)
    sizes = np.bincount(group, minlength=len(names))
    quotas = sizes * (count / total)
    taken = np.floor(quotas + 1e-9).astype(np.int64)
    remainders = np.round(quotas - taken, 9)
    # lexsort: the last key decides first.
    order = np.lexsort((generator.permutation(len(names)), -remainders))
    taken[order[: count - int(taken.sum())]] += 1
    chosen = [
        generator.permutation(np.flatnonzero(group == number))[:size]
        for number, size in enumerate(taken)
    ]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def plan_table(plans: Mapping[str, StudyPlan], speed: Speed) -> list[str]:
    """Return the plan as lines for the terminal: study, photographs, passes, expected time."""
    head = ("study", "photographs", "encoder", "decoder", "expected")
    rows = [
        (
            name,
            f"{plan.images} of {plan.of}",
            str(plan.encodes),
            str(plan.decodes),
            duration(plan.seconds(speed)),
        )
        for name, plan in plans.items()
    ]
    whole = sum(plan.seconds(speed) for plan in plans.values())
    rows.append(("together", "", "", "", duration(whole)))
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        ).rstrip()
        for row in (head, *rows)
    ]


def duration(seconds: float) -> str:
    """Return a time for people: ``"8 s"``, ``"2 min 5 s"`` or ``"1 h 10 min"``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"
