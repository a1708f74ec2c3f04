"""The page of the discovery benchmark: its numbers as tables that people read."""

from __future__ import annotations

from typing import Any

from benchmarks import discovery_measures as measures
from intr_discover.studies.wording import of_units

THUMBNAIL = 40
"""Pixels of the side on which the nearest neighbour compares."""

NAMES = {
    "top1": "top-1",
    "hit_top3": "diagnostic attribute hit by a peak of the three top heads",
    "hit_top3_of_answer": "the same, maps of the predicted class",
    "same_head": "the same head hits (best head of a class, mean over classes)",
    "swap_to_mate": "re-drawn with the mate's attribute: taken for the mate",
    "erase_to_mate": "attribute erased by inpainting: taken for the mate (presence)",
    "control_changed": "same shape erased elsewhere: answer changed",
    "spearman": "rank correlation of a head's importance and its attribute's effect",
}

BASELINES = {
    "plain": "plain ResNet-18, top-1",
    "nearest_neighbour": f"1-nearest-neighbour on {THUMBNAIL} × {THUMBNAIL} pixels, top-1",
}

# The figures of the tables by group, and the short names of their columns.
_COLUMNS = {
    "top1": "top-1",
    "hit_top3": "hit",
    "same_head": "same head",
    "swap_to_mate": "mate's attribute",
    "erase_to_mate": "erased",
    "control_changed": "control",
    "spearman": "rank correlation",
}

_READING = f"""\
Chance: peaks that lie evenly at random on the specimen, independently of each other. A hit: some
pixel of the attribute lies within 8/160 of the photograph's side (at least half a cell) of the
peak of a head, with the map of the true class's query in the last layer; where the attribute is
absent, its place counts. The three top heads are those of the largest map maxima. The best head of
a class is chosen on the specimens on which it is measured, and chance is given the same choice.
Erasing is OpenCV's inpainting (Telea, radius 3) of the attribute's mask widened by
{measures.FRINGE} pixel for the camera's blur. The control erases a region of the same shape and
area elsewhere on the specimen, at least {measures.CLEARANCE} pixels from the attribute of both
wings; specimens on which none fits are left out. Importance is the drop of the margin between the
class and the best other one when the head's map becomes uniform; effect is the drop when the
specimen is drawn with the attribute that the head's peak hits in its other state (the diagnostic
one) or without it (one that varies freely; the nearest of several), 0 where it hits none. Parts of
the pattern that mates share do not count: taken away, they move both mates' logits. A class in
which all effects are equal has no rank correlation and is left out. Intervals are of 95 %:
Wilson's for shares, a bootstrap over specimens within classes for the rest."""


def as_markdown(record: dict[str, Any]) -> str:
    """Return the page."""
    n = record["table"]["top1"]["n"]
    lines = [
        "# Discovery: does the model find the known attributes?",
        "",
        f"Command: `{record['command']}`. Machine: {record['machine']['processor']}, "
        f"{record['machine']['threads']} threads, {record['seconds']:.0f} s. {n} fresh specimens "
        f"of {len(record['by_class'])} species, seeds {', '.join(map(str, record['seeds']))}, "
        f"hardness {record['hard']}. Model `{record['model']['run']}`, "
        f"{record['model']['parameters']:,} parameters, fingerprint "
        f"`{record['model']['fingerprint'][:12]}`.",
        *_about(record.get("method")),
        "",
        "| figure | value | 95 % interval | n | chance | target | |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, words in NAMES.items():
        if name in record["table"]:
            lines.append(_line_with_target(name, record["table"][name], record["chance"].get(name)))
        else:
            lines.append(_line(words, record["also"][name], record["chance"]["hit_top3"]))
    classes = record["table"]["spearman"]["classes"]
    if classes < len(record["by_class"]):
        lines.append(f"| species that have a rank correlation | {classes} | | | | | |")
    for name, entry in record["baselines"].items():
        lines.append(_line(BASELINES[name], entry, 1 / len(record["by_class"])))
    lines += ["", _READING, ""]
    lines += [
        "Values by group, with (95 % interval), and n where it is another than the row's.",
        "",
    ]
    heading = " | ".join(_COLUMNS.values())
    rule = "---|" * (len(_COLUMNS) + 1)
    lines += [
        f"| ring | diagnostic attribute | differs in | share of image | n | {heading} "
        "| chance of a hit |",
        f"|---|---|---|---|---|{rule}",
    ]
    for ring, entry in record["by_ring"].items():
        lines.append(
            f"| {ring} | {entry['diagnostic']} | {entry['difference']} | "
            f"{entry['share_of_image']:.2%} | {_cells(entry)} |"
        )
    groups = (("by_difference", "differs in"), ("by_state", "state, where it is presence"))
    for group, title in groups:
        lines += ["", f"| {title} | n | {heading} | chance of a hit |", f"|---|---|{rule}"]
        lines += [f"| {name} | {_cells(entry)} |" for name, entry in record[group].items()]
    lines += ["", f"| species | state | n | {heading} | chance of a hit |", f"|---|---|---|{rule}"]
    for label, entry in record["by_class"].items():
        lines.append(f"| {label} | {entry['state']} | {_cells(entry)} |")
    page = "\n".join([*lines, ""])
    return page if record.get("method") is None else of_units(page)


def _about(method: str | None) -> list[str]:
    """Return what is to be said of another method than INTR's heads."""
    if method is None:
        return []
    return [
        "",
        f"Explained by {method}: its units of a class stand where an INTR has that class's query, "
        "its strengths where that has map maxima. What cannot be switched off has no importance, "
        "and so no rank correlation.",
    ]


def _line_with_target(name: str, entry: dict[str, Any], chance: float | None) -> str:
    sign = "≥" if measures.TARGETS[name][1] == "at least" else "≤"
    form = _form(name)
    verdict = {True: "met", False: "**missed**", None: "no case"}[entry["met"]]
    return (
        f"| {NAMES[name]} | {form(entry['value'])} | {form(entry['low'])} to "
        f"{form(entry['high'])} | {entry['n']} | {form(chance)} | {sign} "
        f"{form(entry['target'])} | {verdict} |"
    )


def _line(words: str, entry: dict[str, Any], chance: float) -> str:
    """Return a line of the first table for a figure without a target."""
    return (
        f"| {words} | {_percent(entry['value'])} | {_percent(entry['low'])} to "
        f"{_percent(entry['high'])} | {entry['n']} | {_percent(chance)} | | |"
    )


def _cells(entry: dict[str, Any]) -> str:
    """Return n, the figures of a group, and the chance of a hit, as cells of a table."""
    n = entry["top1"]["n"]
    cells = [_cell(name, entry[name], n) for name in _COLUMNS]
    return " | ".join([str(n), *cells, _percent(entry["chance"]["hit_top3"])])


def _cell(name: str, figure: dict[str, Any], n: int) -> str:
    if figure["value"] is None:
        return "–"
    form = _form(name)
    interval = f"{form(figure['low'])} to {form(figure['high'])}"
    of = "" if figure["n"] == n else f", n = {figure['n']}"
    return f"{form(figure['value'])} ({interval}{of})"


def _form(name: str) -> Any:
    return _two_digits if name == "spearman" else _percent


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _two_digits(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
