"""Invented tables of studies: as many rows as real ones have, and numbers that mean nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from intr_discover.data.specimens import Specimens
from intr_discover.studies.evaluation import evaluate_predictions
from intr_discover.studies.result import StudyResult

PHOTOGRAPHS_EACH = 6
"""Photographs of a species."""

HEADS = 8


def evaluate(
    specimens: Specimens, names: Sequence[str], random: np.random.Generator
) -> StudyResult:
    """Return answers that are right for most photographs."""
    true = np.repeat(np.arange(len(names)), PHOTOGRAPHS_EACH)
    logits = random.normal(size=(len(true), len(names)))
    logits[np.arange(len(true)), true] += 4
    images = specimens.table["image"].tolist()
    result = evaluate_predictions(logits, true, names, images)
    result.drawings.clear()
    return result


def heads(names: Sequence[str], random: np.random.Generator) -> StudyResult:
    """Return a report card of all heads."""
    rows = [
        {
            "label": label, "head": head, "n": PHOTOGRAPHS_EACH, "consistency": 0.8,
            "consistency_low": 0.7, "consistency_high": 0.9, "consistent": True,
            "distinctness": random.normal(0.3, 0.3), "distinct": bool(random.random() < 0.6),
            "concentrated": bool(random.random() < 0.6), "importance": random.exponential(),
            "importance_low": 0.1, "importance_high": 3.0, "important": bool(random.random() < 0.6),
            "part": "spot", "part_share": 0.5, "part_n": PHOTOGRAPHS_EACH, "note": None,
        }
        for label in names
        for head in range(HEADS)
    ]  # fmt: skip
    return StudyResult("heads", pd.DataFrame(rows), {"n": len(names) * PHOTOGRAPHS_EACH})


def explanations(
    specimens: Specimens,
    names: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    random: np.random.Generator,
) -> StudyResult:
    """Return which photographs have a strong head on the attribute."""
    photographs = specimens.table[["image", "label"]].copy()
    photographs["diagnostic_hit"] = random.random(len(photographs)) < 0.8
    photographs["chance_top_heads"] = 0.4
    rows = [
        {"label_a": a, "label_b": b, "diagnostic": "spot", "n_diagnostic": 12, "hits": 9,
         "share": 0.75, "low": 0.46, "high": 0.91, "chance_top_heads": 0.4}
        for a, b in pairs
    ]  # fmt: skip
    summary = {"n": len(photographs), "diagnostic_hit": 0.8, "diagnostic_hit_low": 0.76,
               "diagnostic_hit_high": 0.83, "n_diagnostic": len(photographs),
               "chance_top_heads": 0.4}  # fmt: skip
    tables = {"photographs": photographs, "pairs": pd.DataFrame(rows)}
    return StudyResult("explanations", photographs, summary, tables=tables)


def mimicry(pairs: Sequence[tuple[str, str]], random: np.random.Generator) -> StudyResult:
    """Return how often look-alikes are confused, and where their maps differ."""
    rows = []
    for a, b in pairs:
        row = {"label_a": a, "label_b": b, "diagnostic": "spot", "n_a": 6, "n_b": 6}
        for side in "ab":
            for key in ("all", "zero"):
                name = f"taken_{side}_{key}"
                row |= {name: random.random() / 4, f"{name}_low": 0.0, f"{name}_high": 0.4}
        row |= {"n_maps_a": 6, "n_maps_b": 6, "difference_cells": int(random.integers(9)),
                "difference_p": 0.01, "peak_near": "hindwing", "precision": 0.5,
                "region_chance": 0.1}  # fmt: skip
        rows.append(row)
    return StudyResult("mimicry", pd.DataFrame(rows), {"n": 12 * len(pairs)})


def transplants(pairs: Sequence[tuple[str, str]], random: np.random.Generator) -> StudyResult:
    """Return what an exchanged attribute did."""
    rows = [
        {"pair": f"{a} / {b}", "label": label, "mate": mate, "region": "spot", "n": 6,
         "to_mate": random.random(), "to_mate_low": 0.0, "to_mate_high": 1.0, "control_flip": 0.0,
         "control_flip_low": 0.0, "control_flip_high": 0.39}
        for a, b in pairs
        for label, mate in ((a, b), (b, a))
    ]  # fmt: skip
    summary = {"n": 12 * len(pairs), "to_mate_rate": 0.6, "to_mate_rate_low": 0.5,
               "to_mate_rate_high": 0.7, "control_flip_rate": 0.02, "control_flip_rate_low": 0.01,
               "control_flip_rate_high": 0.04}  # fmt: skip
    return StudyResult("transplants", pd.DataFrame(rows), summary)


def manipulation(names: Sequence[str], random: np.random.Generator) -> StudyResult:
    """Return what an erased attribute did."""
    classes = pd.DataFrame(
        [
            {"label": label, "region": "spot", "n": 6, "flip": random.random(), "flip_low": 0.0,
             "flip_high": 1.0, "control_flip": 0.0, "control_flip_low": 0.0,
             "control_flip_high": 0.39}
            for label in names
        ]
    )  # fmt: skip
    summary = {"n": 6 * len(names), "operation": "erase", "flip_rate": 0.5, "flip_rate_low": 0.46,
               "flip_rate_high": 0.54, "control_flip_rate": 0.02, "control_flip_rate_low": 0.01,
               "control_flip_rate_high": 0.04}  # fmt: skip
    return StudyResult("manipulation", classes, summary, tables={"classes": classes})


def interventions(count: int, random: np.random.Generator) -> StudyResult:
    """Return how many answers change with the attention."""
    summary: dict[str, float | int] = {"n": count}
    for kind in ("uniform", "permuted", "swapped"):
        for end in ("", "_low", "_high"):
            summary[f"{kind}_all_last_flip_rate{end}"] = 0.9
    table = pd.DataFrame({"image": [str(number) for number in range(count)],
                          "tv": random.random(count)})  # fmt: skip
    return StudyResult("interventions", table, summary)


def shortcuts(names: Sequence[str], random: np.random.Generator) -> StudyResult:
    """Return how much of the attention lies beside the specimen."""
    classes = pd.DataFrame(
        [
            {"label": label, "n": 6, "off_specimen": random.random(), "off_specimen_low": 0.0,
             "off_specimen_high": 1.0, "even_share": 0.6, "rests_on_background": number % 20 == 7,
             "background_share": 0.5}
            for number, label in enumerate(names)
        ]
    )  # fmt: skip
    n = 6 * len(names)
    summary = {"n": n, "off_specimen_mass": 0.4, "off_specimen_mass_low": 0.38,
               "off_specimen_mass_high": 0.42, "even_share": 0.6, "n_masked": n,
               "background_flip_rate": 0.1, "background_flip_rate_low": 0.08,
               "background_flip_rate_high": 0.13, "flip_rate_same": 0.09, "n_background": n,
               "flagged": True, "n_flagged_classes": 5, "data_flagged": None,
               "no_specimen_accuracy": None}  # fmt: skip
    return StudyResult("shortcuts", classes, summary, tables={"classes": classes})


def faithfulness() -> StudyResult:
    """Return that the order of the maps is better than that of a random one."""
    differences = pd.DataFrame(
        [
            {"measure": measure, "first": "intr_mean", "second": "random", "n": 40,
             "difference": 0.3 * sign, "low": 0.3 * sign - 0.05, "high": 0.3 * sign + 0.05,
             "p": 0.0005, "q": 0.001, "better": "higher" if sign > 0 else "lower"}
            for measure, sign in (("insertion", 1), ("deletion", -1))
        ]
    )  # fmt: skip
    summary = {"n": 40, "randomised_decoder_intr_mean": 0.1, "n_randomised": 40,
               "randomised_decoder_intr_mean_low": 0.05,
               "randomised_decoder_intr_mean_high": 0.15}  # fmt: skip
    tables = {"differences": differences}
    return StudyResult("faithfulness", differences, summary, tables=tables)
