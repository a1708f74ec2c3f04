"""How well a cue tells the labels: nearest neighbours, leave-one-out, balanced, by permutation.

One predictor for every cue: the √n nearest other specimens vote (for categories, all others of the
same one), and each class's votes count relative to its number of specimens that could vote. Under
a permutation of the labels the neighbours stay the same, so that thousands cost little.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from intr_discover.studies.cues import Cue
from intr_discover.studies.statistics import benjamini_hochberg, permutation_p, wilson

PERMUTATIONS = 1999
LEVEL = 0.01
"""q-values and p-values up to this make a warning about the data."""

FEWEST_SPECIMENS = 3
"""Classes of fewer specimens are left out: nothing can be learned of them from the others."""

_LEAST_GAIN = 0.05  # of what lies between chance and 1; less is sure but slight
_LEAST_BINARY = 0.6  # balanced accuracy of one class against the rest, or of a pair; chance 0.5
_BATCH_VOTES = 2_000_000
_ABOVE = np.float32(1 + 1e-5)  # shares nearer to each other are equal

Float = NDArray[np.float64]


@dataclass(frozen=True)
class CueReport:
    """What the cues tell of the labels.

    Attributes
    ----------
    cues
        One row a cue, the best first, then ``joint`` rows (all of a kind together): ``cue``,
        ``kind``, ``n``, ``classes``, ``balanced_accuracy``, ``low``, ``high``, ``chance``, ``p``,
        ``q`` (Benjamini–Hochberg over cues), ``p_best`` (against the best cue of each
        permutation; missing in joint rows).
    classes
        One row a class: ``label``, ``n``, ``cue`` (the best one), ``told_from_rest`` (balanced
        accuracy of the class against all others, chance 0.5), ``p`` (against the best cue of each
        permutation), ``q`` (over classes).
    pairs
        The same for each pair of look-alikes: ``label_a``, ``label_b``, ``n``, ``cue``,
        ``told_apart``, ``p``, ``q`` (over pairs).
    n
        Photographs that took part.
    untested
        Labels with too few specimens.
    """

    cues: pd.DataFrame
    classes: pd.DataFrame
    pairs: pd.DataFrame
    n: int
    untested: list[str]

    @property
    def flagged_classes(self) -> pd.DataFrame:
        """Return the classes that a cue surely tells from all others."""
        rows = self.classes
        return rows[(rows["q"] <= LEVEL) & (rows["told_from_rest"] >= _LEAST_BINARY)]

    @property
    def flagged_pairs(self) -> pd.DataFrame:
        """Return the pairs that a cue surely tells apart."""
        return self.pairs[(self.pairs["q"] <= LEVEL) & (self.pairs["told_apart"] >= _LEAST_BINARY)]

    @property
    def best(self) -> dict[str, Any] | None:
        """Return the best single cue; None without any."""
        single = self.cues[self.cues["kind"] != "joint"]
        if single.empty:
            return None
        return {str(name): value for name, value in single.iloc[0].items()}

    @property
    def best_is_sure(self) -> bool:
        """Return whether the best single cue surely tells the labels better than chance."""
        if self.best is None:
            return False
        gain = (self.best["balanced_accuracy"] - self.best["chance"]) / (1 - self.best["chance"])
        return bool(self.best["p_best"] <= LEVEL and gain >= _LEAST_GAIN)

    @property
    def flagged(self) -> bool:
        """Return whether labels can be told without looking at the specimen."""
        return self.best_is_sure or len(self.flagged_classes) > 0 or len(self.flagged_pairs) > 0


def report_on_cues(
    cues: Sequence[Cue],
    labels: Sequence[str],
    specimens: Sequence[str],
    seed: int,
    *,
    pairs: Sequence[tuple[str, str]] = (),
    permutations: int = PERMUTATIONS,
) -> CueReport:
    """Return how well each cue tells the labels.

    Parameters
    ----------
    cues
        Over the n photographs.
    labels, specimens
        ``[n]``: the label of each photograph, and which individual it shows. Photographs of one
        specimen never vote for each other, and keep one label together under a permutation.
    seed
        Of the permutations, which are the same for all cues.
    pairs
        Look-alikes.
    permutations
        How many.
    """
    all_labels = np.asarray(labels, dtype=object)
    individuals = pd.factorize(np.asarray(specimens, dtype=object))[0]
    counts = pd.Series(individuals).groupby(all_labels).nunique()
    tested = [label for label in sorted(counts.index) if counts[label] >= FEWEST_SPECIMENS]
    untested = [label for label in sorted(counts.index) if label not in set(tested)]
    rows = np.flatnonzero(np.isin(all_labels, tested))
    kept = [Cue(cue.name, cue.kind, cue.values[rows], cue.categories) for cue in cues]
    kept = [cue for cue in kept if len(rows) and not cue.constant]
    codes = np.searchsorted(tested, all_labels[rows].astype(str)) if len(rows) else rows
    if len(tested) < 2 or not kept:
        return CueReport(*_empty_tables(), len(rows), untested)
    task = _Task(codes, individuals[rows], len(tested))
    draws = _permuted_labels(task, seed, permutations)
    single = [_score(task, neighbours(cue, task.individuals), draws) for cue in kept]
    joint = _joint(kept)
    together = [_score(task, _voters(distances, task.individuals), draws) for _, distances in joint]
    table = _cue_table(task, kept, single, [name for name, _ in joint], together)
    by_class = _class_table(kept, single, tested, task)
    by_pair = _pair_table(kept, codes, individuals[rows], tested, pairs, seed, permutations)
    return CueReport(table, by_class, by_pair, len(rows), untested)


@dataclass(frozen=True)
class _Task:
    """Who is to be told from whom: class codes and individuals ``[n]``, number of classes."""

    codes: NDArray[np.int64]
    individuals: NDArray[np.int64]
    classes: int


@dataclass(frozen=True)
class _Scores:
    """Accuracy of one cue, the first under the true labels, the rest under permuted ones.

    ``whole`` ``[1 + P]``; ``against_rest`` ``[1 + P, C]``.
    """

    whole: Float
    against_rest: Float


def neighbours(cue: Cue, individuals: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return who votes for whom, ``[n, n]``: row i names the voters for photograph i.

    Parameters
    ----------
    cue
        Categories: all others of the same one, and everybody where there is none. Numbers: the √n
        nearest others; of equal distances all.
    individuals
        ``[n]``: photographs of one individual never vote for each other.
    """
    values = cue.values
    if not cue.categories:
        return _voters(scipy.spatial.distance.cdist(values, values), individuals)
    others = individuals[:, None] != individuals
    same = (values == values[:, 0]) & others
    return np.where(same.any(axis=1, keepdims=True), same, others)


def _voters(distances: Float, individuals: NDArray[np.int64]) -> NDArray[np.bool_]:
    others = individuals[:, None] != individuals
    count = len(distances)
    wanted = max(1, round(math.sqrt(count)))
    far = np.where(others, distances, np.inf)
    limit = np.partition(far, min(wanted, count) - 1, axis=1)[:, min(wanted, count) - 1]
    # Equal distances may differ in the last digits.
    return others & (far <= limit[:, None] * (1 + 1e-9))


def _permuted_labels(task: _Task, seed: int, permutations: int) -> NDArray[np.int64]:
    """Return ``[1 + P, n]``: the labels, then as many permutations of the individuals' labels."""
    generator = np.random.default_rng([seed, 11])
    _, first, place = np.unique(task.individuals, return_index=True, return_inverse=True)
    own = task.codes[first]
    if not (own[place] == task.codes).all():  # one individual under two labels
        own, place = task.codes, np.arange(len(task.codes))
    drawn = generator.permuted(np.tile(own, (permutations, 1)), axis=1)
    return np.concatenate([task.codes[None], drawn[:, place]])


def _score(task: _Task, voters: NDArray[np.bool_], draws: NDArray[np.int64]) -> _Scores:
    """Let the neighbours vote under every labelling."""
    count, classes = len(task.codes), task.classes
    votes_by = voters.astype(np.float32)
    size = max(1, _BATCH_VOTES // (count * classes))
    whole, against_rest = [], []
    for first in range(0, len(draws), size):
        labels = draws[first : first + size]  # [P, n]
        number = len(labels)
        place = np.arange(number)[:, None] * classes + labels
        totals = np.bincount(place.ravel(), minlength=number * classes).reshape(number, classes)
        own = np.zeros((count, number * classes), dtype=np.float32)
        own[np.arange(count)[:, None], place.T] = 1
        votes = (votes_by @ own).reshape(count, number, classes)
        share = votes / totals.astype(np.float32)
        rest = (votes.sum(axis=-1, keepdims=True) - votes) / (count - totals).astype(np.float32)
        yes = (share > rest * _ABOVE) + (share >= rest / _ABOVE).astype(np.float32)  # 2, 1 or 0
        winners = share >= share.max(axis=-1, keepdims=True) / _ABOVE
        label = labels.T[..., None]
        right = np.take_along_axis(winners, label, -1)[..., 0] / winners.sum(axis=-1)
        weight = np.take_along_axis(1 / totals, labels, -1) / classes  # [P, n]
        whole.append(np.round((right.T * weight).sum(axis=1), 12))  # never above 1
        of_own = np.take_along_axis(yes, label, -1)[..., 0].T / 2
        hits = np.bincount(place.ravel(), weights=of_own.ravel(), minlength=number * classes)
        hits = hits.reshape(number, classes)
        false = yes.sum(axis=0) / 2 - hits
        against_rest.append((hits / totals + 1 - false / (count - totals)) / 2)
    return _Scores(np.concatenate(whole), np.round(np.concatenate(against_rest), 12))


def _joint(cues: Sequence[Cue]) -> list[tuple[str, Float]]:
    """Return distances by all cues of a kind together, each cue with the same weight."""
    found = []
    for kind, name in (("picture", "all beside the specimen"), ("metadata", "all metadata")):
        of_kind = [cue for cue in cues if cue.kind == kind]
        if len(of_kind) < 2:
            continue
        squares = []
        for cue in of_kind:
            differ = (
                (cue.values != cue.values[:, 0]).astype(np.float64)
                if cue.categories
                else scipy.spatial.distance.cdist(cue.values, cue.values, "sqeuclidean")
            )
            squares.append(differ / differ.mean())
        found.append((name, np.sqrt(np.sum(squares, axis=0))))
    return found


def _cue_table(
    task: _Task,
    cues: Sequence[Cue],
    single: Sequence[_Scores],
    joint_names: Sequence[str],
    joint: Sequence[_Scores],
) -> pd.DataFrame:
    best = np.max([scores.whole for scores in single], axis=0)
    individuals = [
        len(np.unique(task.individuals[task.codes == code])) for code in range(task.classes)
    ]
    # As many specimens as a balanced collection would need to be as sure.
    effective = task.classes**2 / np.sum(1 / np.array(individuals))
    rows = []
    named = [(cue.name, cue.kind) for cue in cues] + [(name, "joint") for name in joint_names]
    for (name, kind), scores in zip(named, [*single, *joint], strict=True):
        found = float(scores.whole[0])
        low, high = wilson(round(found * effective), round(effective))
        p_best = permutation_p(found, best[1:]) if kind != "joint" else math.nan
        rows.append(
            {
                "cue": name,
                "kind": kind,
                "n": len(task.codes),
                "classes": task.classes,
                "balanced_accuracy": found,
                "low": min(low, found),
                "high": max(high, found),
                "chance": float(scores.whole[1:].mean()),
                "p": permutation_p(found, scores.whole[1:]),
                "p_best": p_best,
            }
        )
    table = pd.DataFrame(rows)
    table.insert(list(table).index("p") + 1, "q", benjamini_hochberg(table["p"]))
    order = np.lexsort((-table["balanced_accuracy"], table["kind"] == "joint"))
    return table.iloc[order].reset_index(drop=True)


def _class_table(
    cues: Sequence[Cue], single: Sequence[_Scores], names: Sequence[str], task: _Task
) -> pd.DataFrame:
    scores = np.stack([each.against_rest for each in single])  # [cues, 1 + P, C]
    best = scores.max(axis=0)
    chosen = scores[:, 0].argmax(axis=0)
    table = pd.DataFrame(
        {
            "label": list(names),
            "n": np.bincount(task.codes, minlength=len(names)),
            "cue": [cues[number].name for number in chosen],
            "told_from_rest": best[0],
            "p": [permutation_p(best[0, c], best[1:, c]) for c in range(len(names))],
        }
    )
    return table.assign(q=benjamini_hochberg(table["p"]))


def _pair_table(
    cues: Sequence[Cue],
    codes: NDArray[np.int64],
    individuals: NDArray[np.int64],
    names: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    seed: int,
    permutations: int,
) -> pd.DataFrame:
    rows = []
    for a, b in pairs:
        if a not in names or b not in names:
            continue
        wanted = [names.index(a), names.index(b)]
        places = np.flatnonzero(np.isin(codes, wanted))
        own = pd.factorize(individuals[places])[0].astype(np.int64)
        task = _Task((codes[places] == wanted[1]).astype(np.int64), own, 2)
        draws = _permuted_labels(task, seed, permutations)
        scores = []
        for cue in cues:
            of_pair = Cue(cue.name, cue.kind, cue.values[places], cue.categories)
            scores.append(_score(task, neighbours(of_pair, own), draws).whole)
        best = np.max(scores, axis=0)
        rows.append(
            {
                "label_a": a,
                "label_b": b,
                "n": len(places),
                "cue": cues[int(np.argmax([each[0] for each in scores]))].name,
                "told_apart": float(best[0]),
                "p": permutation_p(best[0], best[1:]),
            }
        )
    if not rows:
        return _empty_tables()[2]
    table = pd.DataFrame(rows)
    return table.assign(q=benjamini_hochberg(table["p"]))


def _empty_tables() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    cues = ["cue", "kind", "n", "classes", "balanced_accuracy", "low", "high", "chance", "p", "q",
            "p_best"]  # fmt: skip
    classes = ["label", "n", "cue", "told_from_rest", "p", "q"]
    pairs = ["label_a", "label_b", "n", "cue", "told_apart", "p", "q"]
    return pd.DataFrame(columns=cues), pd.DataFrame(columns=classes), pd.DataFrame(columns=pairs)
