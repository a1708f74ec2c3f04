"""Figures of the study ``replicates``: how far trainings agree, and what their maps look like."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from intr_discover.data.images import read_image
from intr_discover.data.specimens import Specimens
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.maps import place_on_photograph
from intr_discover.figures.panels import drawing_grid
from intr_discover.figures.replicates import MOST_SPECIES, replicates_figure
from intr_discover.figures.strips import Panel, Strip, strips_figure
from intr_discover.model.intr import INTR
from intr_discover.studies.looking import reduced
from intr_discover.studies.replicate_views import View
from intr_discover.studies.result import StudyResult


def add_figures(
    result: StudyResult,
    chosen: Specimens,
    explainers: Sequence[Explainer],
    views: Sequence[View],
) -> None:
    """Add how far the trainings agree, and three photographs with the map of each training."""
    trainings, classes = len(views), result.tables["classes"]
    result.drawings["agreement"] = partial(
        replicates_figure, classes, result.tables["edits"], trainings
    )
    more = (
        f" The {MOST_SPECIES} of {len(classes)} species that agree least."
        if len(classes) > MOST_SPECIES
        else ""
    )
    result.captions["agreement"] = (
        f"Do {trainings} trainings find the same? Left: correlation of their mean maps in the "
        "photographs of each species, with 95 % intervals and number of photographs; the grey "
        "tick is the correlation with maps of other photographs of the species. Filled: they "
        f"agree.{more} Right: share of the photographs that all name rightly in which an edit "
        "changes the answers of all trainings, of some, or of none."
    )
    shown = _examples(result.table)
    if shown:
        strips = [_strip(result.table, row, words, chosen, explainers, views)
                  for words, row in shown.items()]  # fmt: skip
        uniform = float(views[0].heads.uniform[next(iter(shown.values()))])
        legend = (
            "Mean of all heads, query of the true class, one map a training. White line: half of "
            "the map's own maximum; dot: its peak."
        )
        result.drawings["examples"] = partial(strips_figure, strips, uniform=uniform, legend=legend)
        result.captions["examples"] = (
            "The photographs on whose maps the trainings agree most, as usual (the median), and "
            "least. r: mean correlation of the maps."
        )


def _examples(table: pd.DataFrame) -> dict[str, int]:
    """Return the rows with the best, the median and the worst correlation, by what they show."""
    order = table["map_correlation"].dropna().sort_values(kind="stable").index.tolist()
    if not order:
        return {}
    wanted = {"agree most": order[-1], "as usual": order[len(order) // 2], "agree least": order[0]}
    rows: dict[str, int] = {}
    for words, row in wanted.items():
        if row not in rows.values():
            rows[words] = int(row)
    return rows


def _strip(
    table: pd.DataFrame,
    row: int,
    words: str,
    chosen: Specimens,
    explainers: Sequence[Explainer],
    views: Sequence[View],
) -> Strip:
    photograph = read_image(chosen.paths[row])
    height, width = photograph.shape[:2]
    small = reduced(photograph)
    panels = [Panel(small, Path(table["image"][row]).name)]
    for number, (explainer, each) in enumerate(zip(explainers, views, strict=True), 1):
        assert isinstance(explainer.model, INTR)
        # Weights of coarser cells are larger: brought to the cells of the first training.
        finer = float(views[0].heads.uniform[row] / each.heads.uniform[row])
        cells = each.mean_maps[row] * np.float32(finer)
        size = int(each.resized[row, 0]), int(each.resized[row, 1])
        grid = drawing_grid(*small.shape[:2])
        x, y = each.mean_peaks[row]
        panels.append(
            Panel(
                small,
                f"training {number}: {each.answers[row]}",
                place_on_photograph(cells, explainer.model.stride, size, grid),
                float(cells.max()),
                [((x + 0.5) / width, (y + 0.5) / height)],
            )
        )
    correlation = table["map_correlation"][row]
    return Strip(f"{words}: {table['label'][row]} (r = {correlation:.2f})", panels)
