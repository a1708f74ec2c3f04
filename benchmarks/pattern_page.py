"""The page of the pattern benchmark: its numbers as tables that people read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.common import p_value
from benchmarks.pattern_figure import pair_name

_READING = """\
Right of the two: the picture's own race has a larger logit than its co-mimic, among the answers to
all classes; a tie is wrong. Taken for the other: how many pictures of a race INTR answers as the
co-mimic, a → b and b → a; *all*: among all classes; *pair only*: where the decoder is given these
two queries alone (*subset*). Margin: mean logit of the co-mimic minus that of the true race, the
mean of both races; above 0, INTR prefers the co-mimic. Rank: by that margin among all pairs of
classes; 1 is the most confusable. Cells: where the mean maps of the two races differ (permutations,
the largest difference of the whole map, 5 %), of those of the map; the maps of a race come from all
folds' models. Intervals are of 95 %: Wilson's for shares, a bootstrap over pictures for margins and
differences. They say what other specimens would do to these trainings, not what other trainings
would do. With some 20 pictures a pair an interval of a share is 30 points wide or more, and one of
no width means that all pictures agree, not that it is certain. The p of a pair is not adjusted for
the number of pairs; the q in the CSV is."""


_ONE_LAYER = (
    " With one decoder layer the queries exchange nothing, so asking for two only is the same as "
    "comparing these two among all."
)


def as_markdown(record: Mapping[str, Any]) -> str:
    """Return the page."""
    data, summary, folds = record["data"], record["summary"], record["folds"]
    lines = [
        "# Real co-mimics: forewing patterns of *Heliconius*",
        "",
        f"Command: `{record['command']}`. Machine: {record['machine']['processor']}, "
        f"{record['machine']['threads']} thread(s). {data['n']} patterns of {data['groups']} "
        f"specimens, {data['classes']} races, {data['pairs']} pairs; {len(folds)} folds by "
        f"race and specimen, seed {record['settings']['seed']}. In each fold, "
        f"{_range([row['train'] for row in folds])} patterns to train on, "
        f"{_range([row['validation'] for row in folds])} to validate, "
        f"{_range([row['held_out'] for row in folds])} held out; everything below is of held-out "
        "patterns.",
        "",
        "| | INTR | logistic regression on pixels | INTR − regression |",
        "|---|---|---|---|",
        _compared(
            f"top-1 among {data['classes']} races (chance {summary['chance']:.1%})", summary, "top1"
        ),
        _compared("right of the two co-mimics (chance 50 %)", summary, "pairwise"),
        f"| wrong answers that are the co-mimic | {_share(summary, 'intr_wrong_is_mate')}, "
        f"n = {summary['intr_wrong']} | {_share(summary, 'regression_wrong_is_mate')}, "
        f"n = {summary['regression_wrong']} | |",
        f"| wrong answers of the own species | {_share(summary, 'intr_wrong_in_species')} "
        f"| {_share(summary, 'regression_wrong_in_species')} | |",
        f"| median rank of a pair of {summary['n_all_pairs']} | {summary['intr_median_rank']:g} "
        f"| {summary['regression_median_rank']:g} | |",
        f"| pairs that rank before every other of {summary['n_all_pairs']} "
        f"| {_share(summary, 'intr_pairs_ranked_first')} "
        f"| {_share(summary, 'regression_pairs_ranked_first')} | |",
        f"| top-1 by fold | {_by_fold(summary, 'intr')} | {_by_fold(summary, 'regression')} | |",
        "",
        f"n = {summary['n']} patterns; {summary['n_pairwise']} in the row of pairs. INTR asked for "
        f"the two races only: {_share(summary, 'intr_pairwise_subset')} right (*subset*), "
        f"{_share(summary, 'intr_pairwise_zero')} (*zero*)."
        + (_ONE_LAYER if record["settings"].get("decoder_layers") == 1 else "")
        + f" The regression fitted to the validation patterns too: top-1 "
        f"{_share(summary, 'regression_with_validation_top1')}. The maps of the two races differ "
        f"in {summary['pairs_that_differ']} of {summary['n_tested_pairs']} pairs "
        f"({summary['pairs_that_differ_adjusted']} after adjusting for the number of pairs).",
        "",
        "Settings: preset `small` with "
        + ", ".join(
            f"`{name}: {value}`"
            for name, value in record["settings"].items()
            if name not in ("preset", "seed")
        )
        + ".",
        "",
        "| pair (a / b) | n | right of the two: INTR | regression | INTR − regression "
        "| taken for the other, all (a → b, b → a) | pair only | margin | rank | cells |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    ordered = sorted(record["pairs"], key=lambda row: -row["confusability"])
    lines += [_pair(row) for row in ordered]
    lines += [
        "",
        *_READING.splitlines(),
        "",
        "| fold | training, s | best epoch | INTR, validation | regression, validation | its C |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['fold']} | {row['training_seconds']:.0f} | {row['best_epoch']} "
        f"| {row['validation_top1']:.1%} | {row['regression_validation_top1']:.1%} "
        f"| {row['regression_penalty']:g} |"
        for row in folds
    ]
    return "\n".join([*lines, ""])


def _compared(words: str, summary: Mapping[str, Any], name: str) -> str:
    found = summary[f"{name}_difference"]
    return (
        f"| {words} | {_share(summary, f'intr_{name}')} | {_share(summary, f'regression_{name}')} "
        f"| {100 * found['difference']:+.1f} points ({100 * found['low']:+.1f} to "
        f"{100 * found['high']:+.1f}; {p_value(found['p'])}, {found['test']}) |"
    )


def _pair(row: Mapping[str, Any]) -> str:
    cells = "too few" if row["significant_cells"] is None else row["significant_cells"]
    taken = {
        queries: " · ".join(_counted(row, side, f"taken_{side}_{queries}") for side in "ab")
        for queries in ("all", "subset")
    }
    return (
        f"| {pair_name(row['label_a'], row['label_b'])} | {row['n_a']} + {row['n_b']} "
        f"| {_share(row, 'intr_pairwise')} | {_share(row, 'regression_pairwise')} "
        f"| {100 * row['difference']:+.0f} ({100 * row['difference_low']:+.0f} to "
        f"{100 * row['difference_high']:+.0f}; p {row['difference_p']:.2f}) "
        f"| {taken['all']} | {taken['subset']} "
        f"| {row['confusability']:+.2f} ({row['confusability_low']:+.2f} to "
        f"{row['confusability_high']:+.2f}) | {row['rank']} | {cells} of {row['cells']} |"
    )


def _counted(row: Mapping[str, Any], side: str, name: str) -> str:
    """Return a share of so few as a count: 3/10."""
    n = row[f"n_{side}"]
    return f"{round(row[name] * n)}/{n}"


def _share(values: Mapping[str, Any], name: str) -> str:
    """Return a share with its interval in per cent."""
    if values[name] is None:
        return "none"
    low, high = values[f"{name}_low"], values[f"{name}_high"]
    return f"{values[name]:.1%} ({100 * low:.1f} to {100 * high:.1f})"


def _by_fold(summary: Mapping[str, Any], model: str) -> str:
    return ", ".join(f"{100 * value:.0f} %" for value in summary[f"{model}_top1_by_fold"])


def _range(numbers: list[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"
