"""The page of INTR against INTR-FC: its numbers as tables that people read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.ablation_page import (
    MEASURES,
    READING,
    by_training,
    difference_cell,
    few_trainings,
    number,
    value_cell,
)
from benchmarks.common import p_value

_SHOWN = (
    "right", "hit", "distinctness", "consistency", "head_similarity", "class_distinctiveness",
    "effective_area",
)  # fmt: skip

_WORDS = {"head_similarity": "likeness of heads (lower: more distinct)"}


def as_markdown(record: Mapping[str, Any]) -> str:
    """Return the page."""
    intr, other = record["kinds"]
    drawn, counts = record["drawn"], record["counts"]
    lines = [
        "# INTR against INTR-FC",
        "",
        f"Command: `{record['command']}`. Machine: {record['machine']['processor']}, "
        f"{record['machine']['threads']} thread. The paper's Figure 7 in numbers: the same "
        f"backbone, specimens, epochs and seeds ({', '.join(map(str, record['seeds']))}); INTR is "
        f"the baseline of the [ablation](ablation.md). {2 * drawn['ring_count']} species, "
        f"{counts['train']} specimens to train, n = {intr['right']['n']} fresh ones to measure "
        f"(seed {record['test_seed']}). INTR has {intr['parameters']:,} parameters, INTR-FC "
        f"{other['parameters']:,}.",
        "",
        *few_trainings(record["kinds"]),
        "| | n | INTR | INTR-FC | INTR-FC − INTR |",
        "|---|---|---|---|---|",
    ]
    for measure in _SHOWN:
        found = {**other["differences"][measure], "q": None}
        n = f"{found['n']} {'classes' if found['n'] < intr['right']['n'] else 'specimens'}"
        words = _WORDS.get(measure, MEASURES[measure][0])
        lines.append(
            f"| {words} | {n} | {value_cell(intr[measure], measure)} | "
            f"{value_cell(other[measure], measure)} | {difference_cell(found, measure)}, "
            f"{p_value(found['p'])} |"
        )
    chances = " | ".join(number(row["chance"], "hit") for row in (intr, other))
    lines.append(f"| chance of a hit | | {chances} | |")
    lines += [
        "",
        "Each training, in the order of its seeds:",
        "",
        *by_training(record["kinds"], _SHOWN),
        "",
        READING,
        "",
        "## Attention and saliency (equation 11)",
        "",
        "Spearman's correlation of the attention `α_n` and the saliency `s_n` over the cells of a "
        "photograph, mean of all heads, last decoder layer "
        "([methods](../../docs/methods.md#attention-taken-apart-equations-9-and-11)): the query of "
        "the class that is answered, and the mean of the other queries. INTR-FC: each class with "
        "its own saliency. Intervals by a bootstrap over photographs, p by sign flips.",
        "",
        "| model | n | class answered | others | difference | each training |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in record["alignment"].items():
        cells = [value_cell(found[part], "consistency") for part in ("correlation", "others")]
        difference = difference_cell(found["difference"], "consistency")
        single = " · ".join(number(v, "consistency") for v in found["difference"]["by_seed"])
        lines.append(
            f"| {name} | {found['difference']['n']} | {' | '.join(cells)} | {difference}, "
            f"{p_value(found['p'])} | {single} |"
        )
    return "\n".join([*lines, ""])
