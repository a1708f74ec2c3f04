"""What raters of a blind study saw: attributes identified, and how far the raters agree.

Counts in, numbers out; what an interval resamples is the image with everything that was shown of
it, as everywhere in this project.

Sources: Paul et al. (ICLR 2024), appendix G, for "identified by more than half"; Fleiss (1971) for
kappa, Fleiss, Levin and Paik (2003, section 18.3) for items with different numbers of raters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intr_discover.annotations.study_design import Answer, HumanStudy, latest_answers
from intr_discover.errors import UserError
from intr_discover.studies.statistics import RESAMPLES, Interval, wilson

ALL = "all"

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Agreement:
    """One row of the result: a method, or all of them, and an attribute, or all of them.

    Attributes
    ----------
    method, attribute
        Their names; ``"all"`` for all together.
    images, items, raters
        How many images and items of the method have an answer that could hold the attribute, and
        from how many raters.
    fewest_raters
        The fewest raters that one of these items has.
    pairs, identified
        Pairs of an image and an attribute that could be ticked for it, and how many of them were
        identified in at least one unit of the method.
    rate, rate_low, rate_high
        ``identified / pairs`` with its 95 % interval: what the paper calls identification accuracy.
    named_items
        Items in which an attribute (this one, or any) was identified.
    named_share, named_share_low, named_share_high
        ``named_items / items`` with its 95 % interval.
    kappa, kappa_low, kappa_high
        Fleiss' kappa of "ticked" and "not ticked" with its 95 % interval; NaN where nobody could
        have disagreed.
    kappa_items
        Items with at least two raters, on which it rests.
    """

    method: str
    attribute: str
    images: int
    items: int
    raters: int
    fewest_raters: int
    pairs: int
    identified: int
    rate: float
    rate_low: float
    rate_high: float
    named_items: int
    named_share: float
    named_share_low: float
    named_share_high: float
    kappa: float
    kappa_low: float
    kappa_high: float
    kappa_items: int


@dataclass(frozen=True)
class Ticks:
    """Decisions about one attribute of one item each, row by row.

    Attributes
    ----------
    image, item, attribute, method
        ``[n]``: which image and item, by number; names of attribute and method.
    ticked, raters
        ``[n]``: how many raters ticked it, of how many that answered the item.
    who
        ``[n]``: names of these raters.
    """

    image: Counts
    item: Counts
    attribute: NDArray[np.str_]
    method: NDArray[np.str_]
    ticked: Counts
    raters: Counts
    who: Sequence[frozenset[str]]


def agreement(study: HumanStudy, answers: Iterable[Answer], *, seed: int = 0) -> list[Agreement]:
    """Return what was identified and how far raters agree, by method and attribute.

    Parameters
    ----------
    study
        The study.
    answers
        Its answers; of each rater and item the latest counts.
    seed
        Of the bootstraps.

    Returns
    -------
    list of Agreement
        For each method, and where there are several for all of them: first all attributes
        together, then each by itself. Items that nobody answered are left out.

    Raises
    ------
    UserError
        If there are no answers.
    """
    ticks = count_ticks(study, answers)
    if not len(ticks.item):
        raise UserError(f"study '{study.name}' has no answers yet")
    methods = sorted(set(ticks.method.tolist()))
    attributes = list(dict.fromkeys(ticks.attribute.tolist()))
    rows = []
    for method in ([ALL] if len(methods) > 1 else []) + methods:
        of_method = np.ones(len(ticks.item), bool) if method == ALL else ticks.method == method
        rows.append(_row(method, ALL, ticks, of_method, seed))
        for attribute in attributes:
            chosen = of_method & (ticks.attribute == attribute)
            if chosen.any():
                rows.append(_row(method, attribute, ticks, chosen, seed))
    return rows


def count_ticks(study: HumanStudy, answers: Iterable[Answer]) -> Ticks:
    """Return how many raters ticked each attribute of each answered item."""
    given: dict[int, dict[str, frozenset[str]]] = {}
    for answer in latest_answers(answers):
        given.setdefault(answer.number, {})[answer.rater] = frozenset(answer.ticked)
    images = {name: place for place, name in enumerate(sorted({
        item.image for item in study.items.values()}))}  # fmt: skip
    rows = [
        (images[study.items[number].image], number, attribute, study.items[number].method,
         sum(attribute in ticked for ticked in by.values()), frozenset(by))
        for number, by in sorted(given.items())
        for attribute in study.vocabulary_of(number)
    ]  # fmt: skip

    def column(place: int, kind: type) -> NDArray:
        return np.array([row[place] for row in rows], dtype=kind)

    return Ticks(
        column(0, np.int64),
        column(1, np.int64),
        column(2, np.str_),
        column(3, np.str_),
        column(4, np.int64),
        np.array([len(row[5]) for row in rows], dtype=np.int64),
        [row[5] for row in rows],
    )


def in_words(rows: Sequence[Agreement]) -> list[str]:
    """Return the result as sentences: each method, then the attributes that were identified."""
    said = []
    for row in rows:
        rate = f"{_percent(row.rate)}{_interval(row.rate_low, row.rate_high, _percent)}"
        if row.attribute == ALL:
            kappa = "Fleiss' kappa is undefined: nobody could have disagreed"
            if not math.isnan(row.kappa):
                bounds = _interval(row.kappa_low, row.kappa_high, "{:.2f}".format)
                kappa = f"Fleiss' kappa {row.kappa:.2f}{bounds}, {row.kappa_items} items"
            who = "All methods" if row.method == ALL else row.method
            share = _interval(row.named_share_low, row.named_share_high, _percent)
            said.append(
                f"{who}: {row.identified} of {row.pairs} attributes of "
                f"{_counted(row.images, 'image')} "
                f"identified by more than half of the raters, {rate}; at least one in "
                f"{row.named_items} of {row.items} items, {_percent(row.named_share)}{share}. "
                f"{kappa}; {_counted(row.raters, 'rater')}, at least {row.fewest_raters} an item."
            )
        elif row.identified and row.method != ALL:
            said.append(
                f"  {row.attribute}: identified in {row.identified} of {row.pairs} images, {rate}."
            )
    return said


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _interval(low: float, high: float, form: Callable[[float], str]) -> str:
    if math.isnan(low):
        return " (no interval: too few images)"
    return f" (95 % interval {form(low)} to {form(high)})"


def is_identified(ticked: Counts, raters: Counts) -> NDArray[np.bool_]:
    """Return whether more than half of the raters ticked: exactly half are not enough.

    Parameters
    ----------
    ticked, raters
        ``[n]``.
    """
    return 2 * ticked > raters


def fleiss_kappa(counts: Counts) -> float:
    """Return Fleiss' kappa: agreement beyond chance, 1 for full agreement, 0 for chance.

    Parameters
    ----------
    counts
        ``[n, k]``: how many raters put each of n subjects into each of k categories. The number of
        raters may differ; subjects with fewer than two say nothing and are left out.

    Returns
    -------
    float
        NaN without subjects, and where all raters used one category only: chance agrees fully
        then.

    Notes
    -----
    ``(P − P_e) / (1 − P_e)`` with ``P`` the mean over subjects of the share of agreeing pairs of
    raters, ``P_e = Σ_j p_j²`` and ``p_j`` the share of all ratings in category j. With one number
    of raters it is the kappa of Fleiss (1971) that ``statsmodels`` computes; that function takes
    no other.
    """
    counts = np.asarray(counts, dtype=np.float64)
    counts = counts[counts.sum(axis=1) >= 2]
    if not len(counts):
        return math.nan
    return float(_kappa(_agreeing(counts).mean(), counts.sum(axis=0)))


def _agreeing(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Return the share of pairs of raters that agree, ``[n]``."""
    raters = counts.sum(axis=1)
    return (counts * (counts - 1)).sum(axis=1) / (raters * (raters - 1))


def _kappa(observed: NDArray[np.float64], totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return kappa from the mean agreement ``[...]`` and the ratings by category ``[..., k]``."""
    shares = totals / totals.sum(axis=-1, keepdims=True)
    # Of all ratings in one category nothing but rounding is left, which is no kappa.
    room = 1 - (shares**2).sum(axis=-1)
    room = np.where(room > 1e-12, room, np.nan)
    return (observed - (1 - room)) / room


def _row(
    method: str, attribute: str, ticks: Ticks, chosen: NDArray[np.bool_], seed: int
) -> Agreement:
    image, item = ticks.image[chosen], ticks.item[chosen]
    ticked, raters = ticks.ticked[chosen], ticks.raters[chosen]
    identified = is_identified(ticked, raters)
    # An attribute counts once for an image and a method, in however many units it was seen.
    keys = list(zip(image.tolist(), ticks.method[chosen].tolist(), ticks.attribute[chosen].tolist(),
                    strict=True))  # fmt: skip
    pairs = {key: False for key in keys}
    items = {number: False for number in item.tolist()}
    for key, number, found in zip(keys, item.tolist(), identified.tolist(), strict=True):
        pairs[key] |= found
        items[number] |= found
    image_of = dict(zip(item.tolist(), image.tolist(), strict=True))
    rate = _share(list(pairs.values()), [key[0] for key in pairs], seed)
    named = _share(list(items.values()), [image_of[number] for number in items], seed)
    several = raters >= 2
    counts = np.stack([ticked, raters - ticked], axis=1)[several]
    low, high = _kappa_interval(counts, image[several], seed)
    rows = np.flatnonzero(chosen).tolist()
    return Agreement(
        method=method,
        attribute=attribute,
        images=len(set(image.tolist())),
        items=len(items),
        raters=len(frozenset().union(*(ticks.who[row] for row in rows))),
        fewest_raters=int(raters.min()),
        pairs=len(pairs),
        identified=sum(pairs.values()),
        rate=rate[0],
        rate_low=rate[1],
        rate_high=rate[2],
        named_items=sum(items.values()),
        named_share=named[0],
        named_share_low=named[1],
        named_share_high=named[2],
        kappa=fleiss_kappa(counts),
        kappa_low=low,
        kappa_high=high,
        kappa_items=len(set(item[several].tolist())),
    )


def _share(flags: Sequence[bool], images: Sequence[int], seed: int) -> tuple[float, float, float]:
    """Return a share and its interval: bootstrap over images, Wilson where that has no width.

    Resampling images that are all alike (every share 0, say) would pretend certainty: there the
    interval is Wilson's, with the number of images as n. One image says nothing about others.
    """
    of, found = np.zeros((2, max(images) + 1))
    np.add.at(of, images, 1)
    np.add.at(found, images, flags)
    there = of > 0
    of, found = of[there], found[there]
    share = float(found.sum() / of.sum())
    if len(of) > 1 and np.ptp(found / of) == 0:
        return share, *wilson(round(share * len(of)), len(of))

    def statistic(rows: Counts) -> NDArray[np.float64]:
        return np.asarray(found[rows].sum(axis=1) / of[rows].sum(axis=1))

    return share, *_over_images(len(of), statistic, seed)


def _kappa_interval(counts: Counts, images: Counts, seed: int) -> Interval:
    """Return the 95 % interval of kappa, by a bootstrap over images."""
    names, place = np.unique(images, return_inverse=True)
    agreeing, subjects = np.zeros((2, len(names)))
    totals = np.zeros((len(names), 2))
    np.add.at(agreeing, place, _agreeing(counts))
    np.add.at(subjects, place, 1)
    np.add.at(totals, place, counts)

    def statistic(rows: Counts) -> NDArray[np.float64]:
        observed = agreeing[rows].sum(axis=1) / subjects[rows].sum(axis=1)
        return _kappa(observed, totals[rows].sum(axis=1))

    return _over_images(len(names), statistic, seed)


def _over_images(
    images: int, statistic: Callable[[Counts], NDArray[np.float64]], seed: int
) -> Interval:
    """Return the 95 % percentile interval of a statistic of images drawn with replacement.

    Parameters
    ----------
    images
        How many there are; below two there is no interval.
    statistic
        Takes the images of each sample, ``[samples, images]``; NaN where it is undefined.
    seed
        Of the draws.

    Returns
    -------
    tuple
        Samples where the statistic is undefined are left out; NaN where most of them are.
    """
    if images < 2:
        return math.nan, math.nan
    values = statistic(np.random.default_rng(seed).integers(images, size=(RESAMPLES, images)))
    known = values[np.isfinite(values)]
    if 2 * len(known) < len(values):
        return math.nan, math.nan
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
