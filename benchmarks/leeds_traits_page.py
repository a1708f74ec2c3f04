"""The page of the trait benchmark: its numbers as tables that people read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.common import p_value

_READING = """\
Drops are those of the lead of the species answered before the edit, in logits; brackets are 95 %
intervals: Wilson's for shares, a bootstrap over photographs for means. *Of controls*: the share of
control regions that change the answer. *Both fills agree*: both lower the lead, each by more than
all of its controls (20: p = 0.048). *p* is of the mean of edit − controls, by sign flips; *median
p* that of a photograph beside its own controls. *Becomes*: answers after the first fill, counted.

Second fills: a ring's median colour (`surround`) after inpainting (`telea`); the region's own
lightness (`keep`) after that of the wing (`match`). ΔE: mean distance in CIELAB between a pixel of
the region before and after. *Painted*: the trait stays, and its median colour is given to the
control regions. Attention: share of the map of the answered species inside the region, over the
region's share of the photograph (1: no more than its area); the head is chosen for each photograph
on the others of its species."""


def as_markdown(record: Mapping[str, Any]) -> str:
    """Return the page."""
    lines = [
        "# Leeds butterflies: known traits taken away",
        "",
        f"Command: `{record['command']}` ({record['seconds']:.0f} s). "
        f"Machine: {record['machine']['processor']}, {record['machine']['threads']} thread(s). "
        f"Model: {record['model']['run']}, preset `small`. "
        f"{record['controls']} controls a photograph. What was asked, and what it shows: "
        "[docs/leeds-traits.md](../../docs/leeds-traits.md).",
        "",
        "| species and trait | operation | n | answers changed | second fill | of controls "
        "| edit − controls | p | both fills agree | median p | becomes |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in record["results"]:
        becomes = ", ".join(f"{latin(name)} {count}" for name, count in row["becomes"].items())
        lines.append(
            f"| {latin(row['label'])}: {row['trait']} | {row['operation']} | {row['n']} "
            f"| {share(row, 'flip')} | {share(row, 'second_flip')} | {share(row, 'control_flip')} "
            f"| {mean(row, 'excess')} | {p_value(row['excess_p'])} | {share(row, 'confirmed')} "
            f"| {row['median_p']:.3f} | {becomes or '–'} |"
        )
    lines += [
        "",
        "| species | trait's share of the specimen | n with all controls, of them in pieces "
        "| ΔE of erasing, of its controls | drop by the trait's colour painted on controls "
        "| recolour − painted | p | best head: attention over area | of controls | mean of heads |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    by = {(row["label"], row["operation"]): row for row in record["results"]}
    for label in dict.fromkeys(row["label"] for row in record["results"]):
        erased, recoloured = by[label, "erase"], by[label, "recolour"]
        lines.append(
            f"| {latin(label)} | {erased['area_of_specimen']:.1%} "
            f"| {erased['n_p']}, {erased['cut']} "
            f"| {erased['colour_change']:.0f}, {erased['control_colour_change']:.0f} "
            f"| {mean(recoloured, 'painted_drop')} | {mean(recoloured, 'beyond_painted')} "
            f"| {p_value(recoloured['beyond_painted_p'])} "
            f"| {mean(erased, 'attention')} | {mean(erased, 'attention_beside')} "
            f"| {erased['attention_of_mean_map']:.2f} |"
        )
    return "\n".join([*lines, "", *_READING.splitlines(), ""])


def latin(label: str) -> str:
    """Return a species as a text writes it, in italics."""
    return f"*{label.replace('_', ' ').capitalize()}*"


def share(row: Mapping[str, Any], name: str) -> str:
    """Return a share with its interval; a dash where it is not known."""
    if row.get(name) is None:
        return "–"
    return f"{row[name]:.0%} ({row[f'{name}_low']:.0%} to {row[f'{name}_high']:.0%})"


def mean(row: Mapping[str, Any], name: str) -> str:
    """Return a mean with its interval, minus signs as in print."""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return f"{row[name]:.2f} ({low:.2f} to {high:.2f})".replace("-", "−")
