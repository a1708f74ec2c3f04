"""The figures of a comparison: all measures, methods side by side, the strongest units of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from intr_discover.figures.map_grid import GridRow, Scale, map_grid_figure
from intr_discover.figures.method_measures import Interval, Measure, method_measures_figure
from intr_discover.figures.side_by_side import Row, side_by_side_figure
from intr_discover.figures.strips import Panel
from intr_discover.neighbours.examined import Shown
from intr_discover.studies.result import StudyResult

_WIDTH = 120.0  # mm: a dozen methods in rows fit on a page
_PRESENT = " (present)"  # of a concept; above a map it goes without saying, and has no room
_OURS = ("intr", "intr_fc")
_MEASURES = {
    "accuracy": ("accuracy", "higher"),
    "attribute_hit": ("attribute hit by top 3 units", "higher"),
    "unit_consistency": ("unit consistency", "higher"),
    "part_purity": ("unit purity", "higher"),
    "insertion": ("insertion", "higher"),
    "deletion": ("deletion", "lower"),
    "flip_4": ("changed by erasing 4 %", "higher"),
    "off_specimen": ("map off the specimen", "lower"),
}
_CHANCE = {"attribute_hit": "attribute_chance"}


def add_figures(
    result: StudyResult,
    shown: Mapping[str, Sequence[Shown]],
    titles: Mapping[str, str],
    units: Mapping[str, str],
) -> None:
    """Add the drawings and their captions.

    Parameters
    ----------
    result
        The result of a comparison.
    shown
        By method, its photographs; the same ones in one order.
    titles, units
        What methods and their units are called.
    """
    drawn = {name: titles[name] for name in titles if shown.get(name)}
    if not drawn:
        return
    result.drawings["measures"] = partial(measures_figure, result.table, drawn)
    result.captions["measures"] = (
        "Each method by each measure: dots are means, lines 95 % intervals, a red bar is chance. "
        "NA: the photographs do not tell."
    )
    result.drawings["side_by_side"] = partial(overall_figure, shown, drawn)
    result.captions["side_by_side"] = (
        "Photographs (rows) explained by each method for their true class, all units together "
        "(weighted by strength). After Figures 3 and 9 of the INTR paper."
    )
    images = [each.image for each in next(iter(shown.values()))]
    for number, image in enumerate(images, 1):
        name = f"units_{number:02d}"
        result.drawings[name] = partial(units_figure, shown, drawn, units, image)
        result.captions[name] = (
            f"The strongest units of each method on {image}, for its true class; "
            "every map has its own scale. After Figures 9 and 10 of the INTR paper."
        )


def measures_figure(table: pd.DataFrame, titles: Mapping[str, str]) -> Figure:
    """Draw all methods by the measures that any of them has.

    Parameters
    ----------
    table
        ``method``, ``measure``, ``value``, ``low``, ``high``.
    titles
        What methods are called, in the order of the rows.
    """
    known = table.dropna(subset="value")
    measures = []
    for name, (title, better) in _MEASURES.items():
        found = _by_method(known, name)
        if found:
            chance = {
                method: each.value
                for method, each in _by_method(known, _CHANCE.get(name, "")).items()
            }
            measures.append(Measure(title, better, found, chance))
    return method_measures_figure(measures, titles, _OURS)


def _by_method(known: pd.DataFrame, measure: str) -> dict[str, Interval]:
    rows = known[known["measure"] == measure]
    return {
        str(row["method"]): Interval(row["value"], row["low"], row["high"])
        for row in rows.to_dict("records")
    }


def overall_figure(shown: Mapping[str, Sequence[Shown]], titles: Mapping[str, str]) -> Figure:
    """Draw one row a photograph and one column a method."""
    by_image: dict[str, dict[str, Shown]] = {}
    for method in titles:
        for each in shown[method]:
            by_image.setdefault(each.image, {})[method] = each
    rows = []
    for found in by_image.values():
        first = next(iter(found.values()))
        maps = {method: each.overall for method, each in found.items()}
        rows.append(Row(first.label, first.photograph, maps))
    return side_by_side_figure(rows, titles)


def units_figure(
    shown: Mapping[str, Sequence[Shown]],
    titles: Mapping[str, str],
    units: Mapping[str, str],
    image: str,
) -> Figure:
    """Draw one row a method: the photograph, its strongest units, and all together."""
    rows = []
    most = max(len(each.units) for method in titles for each in shown[method])
    for method, title in titles.items():
        each = next((each for each in shown[method] if each.image == image), None)
        if each is None:
            continue
        single: list[Panel | None] = [
            Panel(each.photograph, name.removesuffix(_PRESENT), heatmap)
            for name, heatmap in zip(each.names, each.units, strict=True)
        ]
        single += [None] * (most - len(single))
        # Of one unit alone, all together is the same map.
        together = Panel(each.photograph, "all together", each.overall)
        last = [together if len(each.units) > 1 else None]
        panels = [Panel(each.photograph, each.label), *single, *last]
        rows.append(GridRow(f"{title} ({units[method]})", panels))
    return map_grid_figure(rows, Scale(own_maximum=True), width=_WIDTH)
