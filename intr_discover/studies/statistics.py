"""Intervals, tests and effect sizes that the studies share. Arrays in, numbers out.

The resampling unit is always one row of what is given, an image as a rule: several photographs of
one specimen make intervals too narrow and p-values too small.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 1999
"""Bootstrap samples, sign flips and permutations where nothing else is said."""

# Random numbers held at once.
_BATCH_NUMBERS = 2_000_000

# Sums of the same numbers in another order may differ in the last digits.
_ROUNDING = 1e-9

Interval = tuple[float, float]


def wilson(successes: int, trials: int) -> Interval:
    """Return the 95 % Wilson interval of a share, ``(low, high)``; NaN without trials."""
    if trials == 0:
        return float("nan"), float("nan")
    from statsmodels.stats.proportion import proportion_confint  # takes long to import

    low, high = proportion_confint(successes, trials, alpha=0.05, method="wilson")
    # At 0 and at 1 the exact bound is the share itself; rounding may pass it by 1e-17.
    return min(float(low), successes / trials), max(float(high), successes / trials)


def bootstrap_interval(
    values: ArrayLike,
    seed: int | np.random.Generator,
    *,
    statistic: Callable[..., Any] = np.mean,
    n_resamples: int = RESAMPLES,
) -> Interval:
    """Return the 95 % percentile bootstrap interval of a statistic, ``(low, high)``.

    Parameters
    ----------
    values
        ``[n]``; missing ones (NaN) are left out.
    seed
        Of the resampling, or the generator to draw from.
    statistic
        Takes an array and ``axis``.
    n_resamples
        How many samples are drawn with replacement.

    Returns
    -------
    tuple
        NaN where fewer than two values are there: one image says nothing about others.
    """
    known = _known(values)
    if len(known) < 2:
        return float("nan"), float("nan")
    found = scipy.stats.bootstrap(
        (known,),
        statistic,
        n_resamples=n_resamples,
        batch=max(1, _BATCH_NUMBERS // len(known)),
        confidence_level=0.95,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def permutation_p(observed: float, drawn: ArrayLike) -> float:
    """Return the one-sided p of a number against what chance gave: large numbers are rare.

    Parameters
    ----------
    observed
        The number found.
    drawn
        ``[n]``: the same number under random relabelling; n ≥ 1.

    Returns
    -------
    float
        ``(1 + how many are at least as large) / (1 + n)`` (Phipson and Smyth 2010): never 0. NaN
        where the number found is missing.
    """
    drawn = np.asarray(drawn, dtype=np.float64)
    assert drawn.size, "a permutation test needs permutations"
    if np.isnan(observed):
        return float("nan")
    return float((1 + (drawn >= observed - _ROUNDING).sum()) / (1 + drawn.size))


def sign_flip_p(
    differences: ArrayLike, seed: int | np.random.Generator, n_flips: int = RESAMPLES
) -> float:
    """Return the two-sided p-value of a mean of 0, by flipping the signs of rows.

    Parameters
    ----------
    differences
        ``[n]``: one paired difference a row; missing ones (NaN) are left out.
    seed
        Of the flips, or the generator to draw from.
    n_flips
        How many random flips. Where all ``2^n`` flips are no more than that, every one is taken
        and the p-value is exact.

    Returns
    -------
    float
        In (0, 1]; 1 where no difference is other than 0.
    """
    values = np.asarray(differences, dtype=np.float64)
    moved = values[(values != 0) & ~np.isnan(values)]
    if len(moved) == 0:
        return 1.0
    observed = abs(moved.sum()) - _ROUNDING
    if 2 ** min(len(moved), 63) <= n_flips:
        numbers = np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved))
        sums = np.abs((1 - 2 * (numbers & 1)) @ moved)
        return float((sums >= observed).mean())
    generator = np.random.default_rng(seed)
    as_large, done = 0, 0
    while done < n_flips:
        batch = min(n_flips - done, max(1, _BATCH_NUMBERS // len(moved)))
        signs = generator.choice((-1.0, 1.0), size=(batch, len(moved)))
        as_large += int((np.abs(signs @ moved) >= observed).sum())
        done += batch
    return (1 + as_large) / (1 + n_flips)


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return q-values: p-values adjusted for the number of tests (Benjamini and Hochberg 1995).

    Parameters
    ----------
    p_values
        ``[n]``; a missing one (NaN) is no test and stays missing.
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    q_values = np.full(p_values.shape, np.nan)
    tested = ~np.isnan(p_values)
    if tested.any():
        from statsmodels.stats.multitest import multipletests  # takes long to import

        q_values[tested] = multipletests(p_values[tested], method="fdr_bh")[1]
    return q_values


def auroc(positive: ArrayLike, negative: ArrayLike) -> float:
    """Return how often a positive has the larger score than a negative; ties count half.

    Parameters
    ----------
    positive, negative
        Scores of the two groups; missing ones (NaN) are left out.

    Returns
    -------
    float
        In [0, 1], 0.5 without a difference; NaN where a group is empty. It is the Mann–Whitney U
        over the number of pairs.
    """
    positive, negative = _known(positive), _known(negative)
    if not len(positive) or not len(negative):
        return float("nan")
    ranks = scipy.stats.rankdata(np.concatenate([positive, negative]))[: len(positive)]
    above = ranks.sum() - len(positive) * (len(positive) + 1) / 2
    return float(above / (len(positive) * len(negative)))


def cliffs_delta(first: ArrayLike, second: ArrayLike) -> float:
    """Return the effect size ``2 · AUROC − 1`` of two groups, in [-1, 1] (Cliff 1993)."""
    return 2 * auroc(first, second) - 1


def standardised_mean(differences: ArrayLike) -> float:
    """Return the mean of paired differences in units of their standard deviation (Cohen's d_z).

    NaN for fewer than two differences, and where all of them are equal.
    """
    values = _known(differences)
    if len(values) < 2 or np.ptp(values) == 0:
        return float("nan")
    return float(values.mean() / values.std(ddof=1))


def _known(values: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(values, dtype=np.float64)
    return values[~np.isnan(values)]
