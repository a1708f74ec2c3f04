"""The figures of look-alikes: what is shown of each pair, and the pages that show it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from intr_discover.data.images import read_image
from intr_discover.data.specimens import Specimens
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.maps import Explanation
from intr_discover.figures.head_names import NO_NAMES, HeadNames, head_title
from intr_discover.figures.pair_sheet import Difference, PairSheet, pair_sheet_figure
from intr_discover.figures.strips import Panel, Strip, strips_figure
from intr_discover.model.intr import INTR
from intr_discover.studies.common_frame import Frame
from intr_discover.studies.framing import Framing
from intr_discover.studies.looking import Mask, Regions, reduced
from intr_discover.studies.pair_contexts import PairAnswers
from intr_discover.studies.pair_maps import PairMaps
from intr_discover.studies.pairs import Pair
from intr_discover.studies.population_maps import CellTest

HEADS = 4
EXEMPLARS = 3
_PICTURE_SAMPLES = 12  # pixels along a cell of the frame


@dataclass(frozen=True)
class Shown:
    """What is drawn of one pair.

    Attributes
    ----------
    pair
        The look-alikes.
    answers, is_first, maps
        What they answer, and where their maps differ.
    row
        Their row of the table.
    """

    pair: Pair
    answers: PairAnswers
    is_first: NDArray[np.bool_]
    maps: PairMaps
    row: Mapping[str, Any]


class Exhibits:
    """Draws pairs; photographs are opened, and explained again, only when they are drawn.

    Parameters
    ----------
    explainer
        The model.
    specimens
        The photographs, in the order of the answers.
    framing
        The common frame.
    names
        What people call the heads.
    """

    def __init__(
        self,
        explainer: Explainer,
        specimens: Specimens,
        framing: Framing,
        names: HeadNames = NO_NAMES,
    ) -> None:
        self._explainer = explainer
        self._specimens = specimens
        self._framing = framing
        self._names = names
        self._regions = Regions(specimens, {})
        assert isinstance(explainer.model, INTR), type(explainer.model)
        self._layers = explainer.model.config.decoder_layers

    def queries(self, shown: Shown) -> Figure:
        """Draw one photograph of each look-alike, asked among all classes and among the two."""
        names = shown.pair[:2]
        strips, uniform = [], 1.0
        for place, label in enumerate(names):
            row = self._typical(shown, place)
            if row is None:
                continue
            path = self._specimens.paths[row]
            encoded = self._explainer.encode(path)
            asked = [
                (self._explainer.explain(encoded, [label]), "asked among all classes"),
                (
                    self._explainer.explain(encoded, [label], context=names),
                    f"asked only: {names[0]} or {names[1]}?",
                ),
            ]
            heads = asked[0][0].ranked_heads(label)[:HEADS]
            outline = self._outline(row, shown.pair[2])
            for explanation, words in asked:
                uniform = 1 / explanation.maps[0, 0].size
                answer = f"{explanation.predicted}, p = {explanation.probability:.2f}"
                strips.append(
                    Strip(
                        f"{label}, {words} (answer: {answer})",
                        _panels(explanation, label, heads, outline, self._names),
                    )
                )
        exemplars = [
            self._exemplar(int(row), label, shown.pair[2])
            for place, label in enumerate(names)
            for row in shown.answers.rows[shown.is_first == (place == 0)][:EXEMPLARS]
        ]
        strips.append(Strip("Specimens of both", exemplars))
        outlined = f" Blue line: {shown.pair[2]}, or its place." if shown.pair[2] else ""
        legend = (
            "Heads of the query of the photograph's own class, in the order of their map maximum "
            "among all classes; the same heads below, when the other query vectors are zero. "
            f"White line: half of the map's own maximum.{outlined}"
        )
        if self._layers == 1:
            legend += " With a single decoder layer queries exchange nothing: both rows are alike."
        return strips_figure(strips, uniform=uniform, legend=legend)

    def sheet(self, shown: Shown) -> Figure:
        """Draw the page of numbers and mean maps."""
        a, b, diagnostic = shown.pair
        maps, frame = shown.maps, self._framing.frame
        differences = [
            Difference(
                "difference: map of 1 − map of 2", *_cells(maps.difference, frame),
            )
        ]  # fmt: skip
        for label, mate, test in zip((a, b), (b, a), maps.excess, strict=True):
            title = f"photographs of {label}: own query − {mate}'s"
            differences.append(Difference(title, *_cells(test, frame)))
        margins = tuple(
            shown.answers.margins[chosen] for chosen in (shown.is_first, ~shown.is_first)
        )
        region = None if maps.region is None else on_grid(maps.region, frame, False)
        known = f" Blue: where {diagnostic} lies on average." if maps.region is not None else ""
        legend = (
            "Top: mean maps of all heads, each class's query on its own photographs, in a common "
            f"frame on {frame.words} ({int(frame.inside.sum())} cells); 1 is the weight that a "
            "place would get if the model looked everywhere alike. Red: the first more, or the own "
            "query more. Black outline: significant over the whole map (p ≤ 0.05, "
            f"largest-statistic test).{known} Vertical bars: means."
        )
        return pair_sheet_figure(
            PairSheet(
                (a, b),
                (self._picture(shown, 0), self._picture(shown, 1)),
                (on_grid(maps.means[0], frame), on_grid(maps.means[1], frame)),
                (f"mean map (n = {maps.counts[0]})", f"mean map (n = {maps.counts[1]})"),
                differences,
                region,
                (margins[0], margins[1]),
                _numbers(shown.row),
                legend,
            )
        )

    def _typical(self, shown: Shown, place: int, placed: bool = False) -> int | None:
        """Return the photograph of a look-alike whose margin is the median; None without any."""
        chosen = np.flatnonzero(shown.is_first == (place == 0))
        if placed:
            chosen = np.array(
                [each for each in chosen if self._framing.has(int(shown.answers.rows[each]))],
                dtype=np.int64,
            )
        if not len(chosen):
            return None
        order = np.argsort(shown.answers.margins[chosen, 0], kind="stable")
        return int(shown.answers.rows[chosen[order[len(order) // 2]]])

    def _picture(self, shown: Shown, place: int) -> NDArray[np.uint8] | None:
        row = self._typical(shown, place, placed=True)
        if row is None:
            return None
        return self._framing.picture(row, read_image(self._specimens.paths[row]), _PICTURE_SAMPLES)

    def _exemplar(self, row: int, label: str, diagnostic: str | None) -> Panel:
        photograph = reduced(read_image(self._specimens.paths[row]))
        return Panel(photograph, label, outline=self._outline(row, diagnostic))

    def _outline(self, row: int, diagnostic: str | None) -> Mask | None:
        if diagnostic is None:
            return None
        image = self._specimens.table["image"].iloc[row]
        return self._regions.attributes(image, self._framing.shapes[row]).get(diagnostic)


def on_grid(cells: NDArray[Any], frame: Frame, outside: Any = np.nan) -> NDArray[Any]:
    """Return values ``[F]`` of the frame's cells on its grid ``[rows, columns]``."""
    grid = np.full(frame.shape, outside, dtype=np.asarray(cells).dtype)
    grid[frame.inside] = cells
    return grid


def figures_of_pairs(
    exhibits: Exhibits, shown: Sequence[Shown], queries: int
) -> dict[str, Callable[[], Figure]]:
    """Return what draws each figure, by name: a page of each pair, and the heads of the first.

    Parameters
    ----------
    exhibits
        Draws them.
    shown
        The pairs.
    queries
        Of how many pairs the heads are drawn.
    """
    digits = max(2, len(str(len(shown))))
    drawings: dict[str, Callable[[], Figure]] = {}
    for number, each in enumerate(shown, 1):
        name = f"pair_{number:0{digits}d}"
        drawings[f"{name}_sheet"] = partial(exhibits.sheet, each)
        if number <= queries:
            drawings[f"{name}_queries"] = partial(exhibits.queries, each)
    return drawings


def captions_of_pairs(shown: Sequence[Shown]) -> dict[str, str]:
    """Return the caption of each figure of ``figures_of_pairs``."""
    digits = max(2, len(str(len(shown))))
    captions = {}
    for number, each in enumerate(shown, 1):
        a, b, diagnostic = each.pair
        name = f"pair_{number:0{digits}d}"
        known = f" The blue line is where {diagnostic} lies." if diagnostic else ""
        captions[f"{name}_sheet"] = (
            f"{a} and {b}: mean maps of both in a common frame, and where they differ. A black "
            f"outline marks cells whose difference chance does not explain.{known}"
        )
        captions[f"{name}_queries"] = (
            f"{a} and {b}: the strongest heads when all classes compete, and when only these two "
            f"do.{known} The photograph shown is the one of median margin."
        )
    return captions


def _panels(
    explanation: Explanation,
    label: str,
    heads: Sequence[int],
    outline: Mask | None,
    names: HeadNames,
) -> list[Panel]:
    explanation = replace(explanation, photograph=reduced(explanation.photograph))
    photograph = explanation.photograph
    panels = [Panel(photograph, "photograph", outline=outline)]
    number = explanation.classes.index(label)
    for head in heads:
        largest = float(explanation.map_maxima[number, head])
        title = head_title(names, label, head, largest)
        panels.append(Panel(photograph, title, explanation.heatmap(label, head), largest))
    largest = float(explanation.maps[number].mean(axis=0).max())
    panels.append(Panel(photograph, "mean of all heads", explanation.heatmap(label), largest))
    return panels


def _cells(test: CellTest, frame: Frame) -> tuple[NDArray[Any], NDArray[Any], str]:
    note = "" if test.testable else "too few photographs for a test"
    return on_grid(test.difference, frame), on_grid(test.significant, frame, False), note


def _numbers(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return words and numbers for the page."""

    def percent(key: str) -> str:
        value = row[key]
        if value is None or math.isnan(value):
            return "–"
        return f"{100 * value:.0f} % ({100 * row[f'{key}_low']:.0f}–{100 * row[f'{key}_high']:.0f})"

    def number(value: Any, form: str = ".2f") -> str:
        missing = value is None or (isinstance(value, float) and math.isnan(value))
        return "–" if missing else format(value, form)

    lines = [("photographs of 1 and 2", f"{row['n_a']}, {row['n_b']}")]
    for queries, words in (("all", "all queries"), ("zero", "two, others zero"),
                           ("subset", "two, others dropped")):  # fmt: skip
        lines.append((f"1 taken for 2: {words}", percent(f"taken_a_{queries}")))
        lines.append((f"2 taken for 1: {words}", percent(f"taken_b_{queries}")))
    lines += [
        ("attention moved, others zero", number(row["context_shift_zero"])),
        ("cells that differ", number(row["difference_cells"], "d")),
        ("p of the difference map", number(row["difference_p"], ".2g")),
    ]
    if row["region_cells"]:
        lines += [
            ("of them on the known attribute", number(row["precision"], ".0%").replace("%", " %")),
            ("the same by chance", number(row["region_chance"], ".0%").replace("%", " %")),
        ]
    return lines
