"""The page of the head columns: their numbers as tables that people read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from benchmarks.leeds_traits_page import latin

_READING = """\
*Peak on the trait*: share of photographs in which the head's largest weight lies on the outlined
trait or within half a cell of it, with Wilson's 95 % interval; *chance*: the share of the specimen
that lies so near. *Attention over area*: share of the map inside the trait over the trait's share
of the photograph (1: no more than its area), mean and bootstrap 95 % interval. All maps are those
of the true species' query. Consistency, distinctness, importance (logits) and effective area: see
[docs/methods.md](../../docs/methods.md); their table, of all heads of all species, is
[leeds_heads.csv](leeds_heads.csv)."""


def as_markdown(record: Mapping[str, Any]) -> str:
    """Return the page."""
    summary = record["summary"]
    lines = [
        "# Leeds butterflies: what the columns of the head figure show",
        "",
        f"Command: `{record['command']}`. Machine: {record['machine']['processor']}, "
        f"{record['machine']['threads']} thread(s). Model: {record['model']['run']} "
        f"({record['model']['fingerprint'][:12]}), preset `small`. What was asked, and what it "
        "shows: [docs/leeds-heads.md](../../docs/leeds-heads.md).",
        "",
        f"Of {summary['heads']} heads ({summary['species']} species, {summary['photographs']} test "
        f"photographs) {summary['consistent']} are consistent, {summary['distinct']} distinct, "
        f"{summary['concentrated']} have a place and {summary['important']} are important. "
        f"Medians: consistency {summary['consistency']:.2f}, "
        f"distinctness {summary['distinctness']:.2f}, "
        f"effective area {summary['effective_area']:.0%}.",
        "",
        "## Columns that a person judged",
        "",
    ]
    if record["named"]:
        lines += [
            "| species | head | judged | called | n | consistency | distinctness | importance "
            "| effective area | peak on the trait |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]
        for row in record["named"]:
            lines.append(
                f"| {latin(row['label'])} | {row['head']} | {row['judged']} "
                f"| {row['name'] or 'no name'} "
                f"| {row['n']} | {interval(row, 'consistency')} | {row['distinctness']:.2f} "
                f"| {interval(row, 'importance')} | {row['effective_area']:.1%} "
                f"| {on_trait(row)} |"
            )
    else:
        lines.append("None: the names that are kept belong to other weights.")
    lines += [
        "",
        "## Every head of the four species whose trait is outlined",
        "",
        "| species and trait | head | n | peak on the trait | chance | peak on the specimen "
        "| attention over area |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in record["traits"]:
        lines.append(
            f"| {latin(row['label'])}: {row['trait']} | {row['head']} | {row['n']} "
            f"| {on_trait(row)} | {row['chance']:.0%} | {row['on_specimen']:.0%} "
            f"| {interval(row, 'attention', digits=1)} |"
        )
    return "\n".join([*lines, "", _READING, ""])


def interval(row: Mapping[str, Any], name: str, digits: int = 2) -> str:
    """Return a mean with its interval, or a dash where it is not known."""
    if row.get(name) is None or math.isnan(row[name]):
        return "–"
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return f"{row[name]:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def on_trait(row: Mapping[str, Any]) -> str:
    """Return how many peaks lie on the trait, with Wilson's interval; a dash without outlines."""
    if "on_trait" not in row:
        return "no outline"
    share = f"{row['on_trait']:.0%} ({row['on_trait_low']:.0%} to {row['on_trait_high']:.0%})"
    return f"{row['count']}: {share}"
