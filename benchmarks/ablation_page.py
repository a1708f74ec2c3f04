"""The page of the ablation: its numbers as tables that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.common import p_value

SURE = 0.05
"""Below this q a difference is printed in bold."""

#: Heading of each measure, and whether it is printed in percent.
MEASURES = {
    "right": ("top-1", True),
    "hit": ("attribute hit", True),
    "consistency": ("consistency", False),
    "distinctness": ("distinctness", False),
    "head_similarity": ("likeness of heads", False),
    "class_distinctiveness": ("class distinctiveness", False),
    "effective_area": ("effective area", True),
}

READING = """\
*Attribute hit*: the peak of one of the three heads with the largest map maxima lies on the
attribute that tells the two mates apart, within 8/160 of the photograph's side and at least half a
cell; the query of the true class asks, last decoder layer; where the attribute is absent, its place
counts. *Chance*: three peaks evenly at random on the specimen; it grows with the size of a cell.
*Consistency*, *distinctness*, *effective area* and *class distinctiveness* are those of the study
`heads` ([methods](../../docs/methods.md#heads-across-photographs-the-study-heads)), means over all
heads, of all specimens of a class whether rightly named or not. *Likeness of heads*: mean
correlation of the maps of two heads on one photograph. Consistency and distinctness are measured
between the heads of one model: with another number of heads their scale is another one too.

Each value is the mean over the trainings. Intervals are of 95 %: Wilson's of shares, for the number
of specimens; a bootstrap over specimens, or over classes for consistency and distinctness, for the
rest. Differences are paired over the same specimens (or classes) and seeds, with p by sign flips.
Intervals and p do not hold what another training seed would change: the trainings stand one by one
above, and a difference that is no larger than that between two seeds means little."""

_READING_Q = """\
*q* is p adjusted for the number of settings compared (Benjamini and Hochberg); below 0.05 the
difference is in bold."""


def as_markdown(record: Mapping[str, Any]) -> str:
    """Return the page."""
    rows, drawn = record["settings"], record["drawn"]
    first = rows[0]
    lines = [
        "# Ablation: heads, decoder layers, position of the keys, encoder",
        "",
        f"Command: `{record['command']}`. Machine: {record['machine']['processor']}, "
        f"{record['machine']['threads']} thread. Mimicry rings: {2 * drawn['ring_count']} species "
        f"in {drawn['ring_count']} rings, {drawn['size']} pixels, hardness {drawn['hard']}; "
        f"{record['counts']['train']} specimens to train (seed {drawn['seed']}) and "
        f"{record['counts']['validation']} to validate, n = {first['right']['n']} fresh ones to "
        f"measure (seed {record['test_seed']}). Random weights, {record['base']['epochs']} epochs, "
        f"training seeds {_listed(record['seeds'])}. Each setting changes one thing of the "
        f"baseline: {record['baseline_words']}.",
        "",
        *few_trainings(rows),
        *overview(rows, ("right", "hit", "consistency", "distinctness", "effective_area",
                         "class_distinctiveness")),
        "",
        "Differences from the baseline, in points where the value is in percent:",
        "",
        *differences(rows, ("right", "hit", "consistency", "distinctness", "effective_area")),
        "",
        "Each training, in the order of its seeds:",
        "",
        *by_training(rows, ("right", "hit", "consistency", "distinctness", "effective_area")),
        "",
        READING,
        "",
        _READING_Q,
    ]  # fmt: skip
    return "\n".join([*lines, ""])


def few_trainings(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a warning where settings were trained once, so that a seed may be all there is."""
    once = [row["setting"] for row in rows if len(row["seeds"]) == 1]
    if not once:
        return []
    which = "every setting" if len(once) == len(rows) else _listed(once)
    return [
        f"**Trained only once: {which}.** Their differences are those of two trained models; "
        "whether the setting or the seed made them cannot be told.",
        "",
    ]


def overview(rows: Sequence[Mapping[str, Any]], measures: Sequence[str]) -> list[str]:
    """Return the table of values with intervals."""
    headings = []
    for measure in measures:
        headings += [MEASURES[measure][0]] + (["chance"] if measure == "hit" else [])
    lines = [
        f"| setting | parameters | trainings | {' | '.join(headings)} |",
        "|---" * (len(headings) + 3) + "|",
    ]
    for row in rows:
        cells = []
        for measure in measures:
            cells.append(value_cell(row[measure], measure))
            if measure == "hit":
                cells.append(number(row["chance"], measure))
        lines.append(
            f"| {row['setting']} | {row['parameters']:,} | {len(row['seeds'])} | "
            f"{' | '.join(cells)} |"
        )
    return lines


def differences(rows: Sequence[Mapping[str, Any]], measures: Sequence[str]) -> list[str]:
    """Return the table of differences from the baseline."""
    headings = [MEASURES[measure][0] for measure in measures]
    lines = [f"| setting | {' | '.join(headings)} |", "|---" * (len(headings) + 1) + "|"]
    for row in rows:
        if "differences" in row:
            cells = [difference_cell(row["differences"][m], m) for m in measures]
            lines.append(f"| {row['setting']} | {' | '.join(cells)} |")
    return lines


def by_training(rows: Sequence[Mapping[str, Any]], measures: Sequence[str]) -> list[str]:
    """Return the table of the trainings one by one."""
    headings = [MEASURES[measure][0] for measure in measures]
    lines = [
        f"| setting | seeds | {' | '.join(headings)} | seconds |",
        "|---" * (len(headings) + 3) + "|",
    ]
    for row in rows:
        cells = [" · ".join(number(v, m) for v in row[m]["by_seed"]) for m in measures]
        seconds = " · ".join("–" if s is None else f"{s:.0f}" for s in row["seconds"])
        seeds = " · ".join(map(str, row["seeds"]))
        lines.append(f"| {row['setting']} | {seeds} | {' | '.join(cells)} | {seconds} |")
    return lines


def value_cell(estimate: Mapping[str, Any], measure: str) -> str:
    """Return a value with its interval."""
    low, high = (number(estimate[end], measure, unit=False) for end in ("low", "high"))
    return f"{number(estimate['value'], measure)} ({low} to {high})"


def difference_cell(found: Mapping[str, Any], measure: str) -> str:
    """Return a difference with its interval and q, in bold where it is sure."""
    if found["value"] is None:
        return "–"
    low, high = (signed(found[end], measure) for end in ("low", "high"))
    value = signed(found["value"], measure)
    q = found.get("q")
    if q is None:
        return f"{value} ({low} to {high})"
    bold = "**" if q < SURE else ""
    return f"{bold}{value}{bold} ({low} to {high}), {p_value(q).replace('p', 'q', 1)}"


def number(value: float | None, measure: str, unit: bool = True) -> str:
    """Return a value as it is printed; an en dash where it is not known."""
    if value is None or value != value:
        return "–"
    if MEASURES[measure][1]:
        return f"{100 * value:.1f}{' %' if unit else ''}"
    return _minus(f"{value:.2f}")


def signed(value: float | None, measure: str) -> str:
    """Return a difference with its sign, in points where the measure is in percent."""
    if value is None or value != value:
        return "–"
    return _minus(f"{100 * value:+.1f}" if MEASURES[measure][1] else f"{value:+.2f}")


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(map(str, values))
