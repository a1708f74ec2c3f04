"""Out-of-fold answers of two classifiers as a table of look-alikes, and as numbers overall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from intr_discover.studies.class_distances import mean_margins
from intr_discover.studies.common_frame import Frame
from intr_discover.studies.evaluation import paired_difference
from intr_discover.studies.pair_contexts import PairAnswers
from intr_discover.studies.pair_maps import compare_maps
from intr_discover.studies.pair_table import pair_row, share
from intr_discover.studies.pairs import Pair
from intr_discover.studies.population_maps import LEVEL, PERMUTATIONS
from intr_discover.studies.statistics import benjamini_hochberg

MODELS = ("intr", "regression")

# What is taken over from the rows of the study "mimicry": counts, confusion, margins, maps.
_FROM_STUDY = [
    "label_a",
    "label_b",
    "n_a",
    "n_b",
    *(
        f"taken_{side}_{queries}{end}"
        for queries in ("all", "subset", "zero")
        for side in "ab"
        for end in ("", "_low", "_high")
    ),
    "confusability",
    "confusability_low",
    "confusability_high",
]


@dataclass
class OutOfFold:
    """What every picture is answered by the model of the fold that holds it out.

    Attributes
    ----------
    classes
        The C class names, in the order of the logits.
    class_ids
        ``[n]``: true classes.
    fold
        ``[n]``: which fold holds the picture out, from 0.
    logits
        For each of ``MODELS``: ``[n, C]``.
    more_logits
        Of the logistic regression that also saw the validation pictures.
    pairs
        The look-alikes.
    answers
        Of INTR to the pictures of each pair.
    frame
        The common frame of the maps.
    """

    classes: list[str]
    class_ids: NDArray[np.int64]
    fold: NDArray[np.int64]
    logits: dict[str, NDArray[np.float64]]
    more_logits: NDArray[np.float64]
    pairs: list[Pair]
    answers: list[PairAnswers]
    frame: Frame


def pair_ids(found: OutOfFold, number: int) -> tuple[int, int]:
    """Return the class ids of a pair."""
    first, second, _ = found.pairs[number]
    return found.classes.index(first), found.classes.index(second)


def pairwise_right(found: OutOfFold, model: str, number: int) -> NDArray[np.bool_]:
    """Return, for each picture of a pair, whether its own class beats the look-alike.

    The answers are those among all classes; only these two are compared. A tie is wrong.
    """
    rows = found.answers[number].rows
    logits = found.logits[model][rows]
    each = np.arange(len(rows))
    return np.asarray(
        logits[each, found.class_ids[rows]] > logits[each, _mates(found, number)], dtype=np.bool_
    )


def pair_table(found: OutOfFold, seed: int) -> pd.DataFrame:
    """Return one row a pair of look-alikes, in the order of the pairs.

    Parameters
    ----------
    found
        The answers.
    seed
        Of bootstraps and permutations.

    Returns
    -------
    DataFrame
        - ``label_a``, ``label_b``, ``n_a``, ``n_b``, ``n``.
        - ``taken_a_all``: share of the pictures of a that INTR answers as b among all classes;
          ``…_subset``, ``…_zero``: where only the two are asked for; each with its Wilson
          interval. ``regression_taken_a``: of the logistic regression, among all.
        - ``confusability``: mean of the two classes' mean logit of the look-alike minus that of
          the true class; above 0, INTR prefers the look-alike; bootstrap interval. ``rank`` among
          all pairs of classes (1: the most confusable), ``regression_rank`` likewise.
        - ``intr_pairwise``, ``regression_pairwise``: see ``pairwise_right``; Wilson intervals.
        - ``difference``: INTR's minus the regression's, with its bootstrap interval over
          pictures, ``difference_p`` (McNemar, exact) and ``difference_q`` (adjusted for the number
          of pairs).
        - ``significant_cells``: cells in which the maps of the two races differ (permutations, the
          largest difference of the whole map), None where there are too few pictures; ``cells``;
          ``map_p``, ``map_q``.
    """
    ranks = {model: confusability_ranks(found, model) for model in MODELS}
    rows = []
    for number, (pair, answers) in enumerate(zip(found.pairs, found.answers, strict=True)):
        first, second = pair_ids(found, number)
        is_first = found.class_ids[answers.rows] == first
        maps = compare_maps(answers.maps, is_first, None, seed + number, permutations=PERMUTATIONS)
        studied = pair_row(pair, answers, is_first, maps, found.frame, seed)
        row: dict[str, Any] = {name: studied[name] for name in _FROM_STUDY}
        row["n"] = len(answers.rows)
        predicted = found.logits["regression"][answers.rows].argmax(axis=1)
        for side, chosen, mate in (("a", is_first, second), ("b", ~is_first, first)):
            row |= share(f"regression_taken_{side}", predicted[chosen] == mate)
        row |= {
            "rank": ranks["intr"][first, second],
            "regression_rank": ranks["regression"][first, second],
        }
        right = {model: pairwise_right(found, model, number) for model in MODELS}
        for model in MODELS:
            row |= share(f"{model}_pairwise", right[model])
        compared = paired_difference(right["intr"], right["regression"], seed)
        row |= {
            "difference": compared["difference"],
            "difference_low": compared["low"],
            "difference_high": compared["high"],
            "difference_p": compared["p"],
            "significant_cells": studied["difference_cells"],
            "cells": int(found.frame.inside.sum()),
            "map_p": studied["difference_p"],
        }
        rows.append(row)
    table = pd.DataFrame(rows)
    for name in ("difference", "map"):
        table[f"{name}_q"] = benjamini_hochberg(table[f"{name}_p"])
    return table


def confusability_ranks(found: OutOfFold, model: str) -> NDArray[np.int64]:
    """Return ``[C, C]``: the place of every pair of classes by mean margin; 1 is the largest.

    Equal ones share the worst rank.
    """
    count = len(found.classes)
    margins = mean_margins(found.logits[model], found.class_ids, range(count))
    above = np.triu_indices(count, k=1)
    ranks = np.zeros((count, count), dtype=np.int64)
    ranks[above] = rankdata(-(margins + margins.T)[above], method="max")
    return np.asarray(ranks + ranks.T)


def summarise(found: OutOfFold, table: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Return the numbers over all pictures: top-1, pairwise, and how the two models compare."""
    n, known = len(found.class_ids), len(found.pairs)
    right = {model: found.logits[model].argmax(axis=1) == found.class_ids for model in MODELS}
    pairwise = {
        model: np.concatenate([pairwise_right(found, model, k) for k in range(known)])
        for model in MODELS
    }
    # Each picture belongs to one pair where every race has one co-mimic.
    rows = np.concatenate([answers.rows for answers in found.answers])
    summary: dict[str, Any] = {"n": n, "n_classes": len(found.classes), "n_pairs": known}
    summary["chance"] = 1 / len(found.classes)
    for model in MODELS:
        summary |= share(f"{model}_top1", right[model])
        summary |= share(f"{model}_pairwise", pairwise[model])
        per_fold = [right[model][found.fold == fold].mean() for fold in np.unique(found.fold)]
        summary[f"{model}_top1_by_fold"] = [float(value) for value in per_fold]
    more = found.more_logits.argmax(axis=1) == found.class_ids
    summary |= share("regression_with_validation_top1", more)
    summary["n_pairwise"] = len(rows)
    for index, queries in ((1, "zero"), (2, "subset")):
        answered = np.concatenate([~answers.taken[:, index] for answers in found.answers])
        summary |= share(f"intr_pairwise_{queries}", answered)
    for name, correct in (("top1", right), ("pairwise", pairwise)):
        compared = paired_difference(correct["intr"], correct["regression"], seed)
        summary[f"{name}_difference"] = dict(compared)
    mates = np.concatenate([_mates(found, number) for number in range(known)])
    # All labels of one column of the pairs are races of one species.
    first_species = np.isin(found.classes, [first for first, _, _ in found.pairs])
    for model in MODELS:
        wrong = ~right[model][rows]
        answer = found.logits[model][rows].argmax(axis=1)
        own = first_species[answer] == first_species[found.class_ids[rows]]
        summary[f"{model}_wrong"] = int(wrong.sum())
        summary |= share(f"{model}_wrong_is_mate", (answer == mates)[wrong])
        summary |= share(f"{model}_wrong_in_species", own[wrong])
    listed = [pair_ids(found, number) for number in range(known)]
    above = np.triu_indices(len(found.classes), k=1)
    is_known = np.array([(a, b) in listed or (b, a) in listed for a, b in zip(*above, strict=True)])
    for model in MODELS:
        ranks = confusability_ranks(found, model)[above]
        before = ranks[is_known] < ranks[~is_known].min(initial=len(ranks) + 1)
        summary |= share(f"{model}_pairs_ranked_first", before)
        summary[f"{model}_median_rank"] = float(np.median(ranks[is_known]))
    summary["n_all_pairs"] = len(is_known)
    tested = table["significant_cells"].dropna()
    summary |= {"pairs_that_differ": int((tested > 0).sum()), "n_tested_pairs": len(tested)}
    summary["pairs_that_differ_adjusted"] = int((table["map_q"] <= LEVEL).sum())
    return summary


def _mates(found: OutOfFold, number: int) -> NDArray[np.int64]:
    """Return the class id of the look-alike of each picture of a pair."""
    first, second = pair_ids(found, number)
    return np.where(found.class_ids[found.answers[number].rows] == first, second, first)
