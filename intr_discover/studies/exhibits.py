"""Which photographs are shown, and the pages that show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from intr_discover.figures import style
from intr_discover.figures.head_names import NO_NAMES, HeadNames, head_title
from intr_discover.figures.strips import Panel, Strip, strips_figure, strips_on_a_page
from intr_discover.studies.looking import TOP_HEADS, Mask, Regions, Seen, peaks_as_shares

_BLOCKS = 2

Mistake = tuple[str, str, int]
"""True class, answer, and how often."""


class Best:
    """Keeps the photographs the model is surest of, a few of each true class and answer.

    Parameters
    ----------
    most
        How many of each.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[tuple[str, str], list[Seen]] = {}

    def offer(self, seen: Seen) -> None:
        """Keep a photograph if it is among the surest of its kind; earlier ones win ties."""
        kept = self._kept.setdefault((seen.label, seen.explanation.predicted), [])
        kept.append(seen)
        kept.sort(key=lambda each: -each.explanation.probability)
        del kept[self._most :]

    def right(self, label: str) -> list[Seen]:
        """Return the surest right ones of a class."""
        return self._kept.get((label, label), [])

    def wrong(self, label: str, answer: str) -> Seen:
        """Return the surest mistake of a kind."""
        return self._kept[label, answer][0]

    def of_label(self, label: str) -> Seen | None:
        """Return the surest right one of a class, or else its surest mistake; None without any."""
        if self.right(label):
            return self.right(label)[0]
        wrong = [seen for (true, _), kept in self._kept.items() if true == label for seen in kept]
        return max(wrong, key=lambda seen: seen.explanation.probability, default=None)


def kinds_of_mistake(photographs: pd.DataFrame) -> list[Mistake]:
    """Return the kinds of wrong answers, the most frequent first, then by name.

    Parameters
    ----------
    photographs
        ``label``, ``predicted``, ``correct``.
    """
    wrong = photographs[~photographs["correct"].astype(bool)]
    counts = Counter(zip(wrong["label"], wrong["predicted"], strict=True))
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return [(true, answer, count) for (true, answer), count in ordered]


def gallery_pages(best: Best, classes: Sequence[str], uniform: float) -> list[Callable[[], Figure]]:
    """Return what draws each page of the gallery: a strip a class, photographs and mean maps."""
    strips = [
        Strip(
            label,
            [panel for seen in best.right(label) for panel in _photograph_and_mean(seen, label)],
        )
        for label in classes
    ]
    legend = (
        f"Mean of all heads, query of the true class. Marks: peaks of the {TOP_HEADS} strongest "
        "heads by map maximum (dot: first, small ring: second, large ring: third). "
        "p: probability of the answer. White line: half of the map's own maximum."
    )
    return _pages(strips, uniform, legend)


def mistake_pages(
    best: Best, mistakes: Sequence[Mistake], uniform: float
) -> list[Callable[[], Figure]]:
    """Return what draws each page of mistakes: the photograph, the answer's map, the truth's."""
    strips = []
    for label, answer, count in mistakes:
        seen = best.wrong(label, answer)
        explanation = seen.explanation
        panels = [Panel(explanation.photograph, f"p = {explanation.probability:.2f}")]
        for role, query in (("answer", answer), ("truth", label)):
            panels.append(_mean_panel(seen, query, f"{role}: {query}"))
        strips.append(Strip(f"{label} taken for {answer} ({count})", panels, style.VERMILLION))
    legend = (
        "Mean of all heads, for the query of the class that was answered and of the true one. "
        f"Marks: peaks of the {TOP_HEADS} strongest heads of that query (dot: first, small ring: "
        "second, large ring: third). p: probability of the answer."
    )
    return _pages(strips, uniform, legend)


def pair_sheet(
    sheet: Sequence[Seen | None],
    diagnostic: str | None,
    regions: Regions,
    uniform: float,
    names: HeadNames = NO_NAMES,
) -> Figure:
    """Draw two look-alikes, each with the strongest heads of its own class's query.

    Parameters
    ----------
    sheet
        A photograph of each; None where there is none.
    diagnostic
        The attribute known to separate them, or None.
    regions
        Where it is.
    uniform
        1/N, the weight of even attention.
    names
        What people call the heads.
    """
    strips = []
    for seen in sheet:
        if seen is None:
            continue
        explanation, label = seen.explanation, seen.label
        outline = _attribute_mask(regions, seen, diagnostic)
        panels = [Panel(explanation.photograph, "photograph", outline=outline)]
        points = peaks_as_shares(explanation, label)
        strongest = explanation.ranked_heads(label)[:TOP_HEADS]
        for head, point in zip(strongest, points, strict=True):
            weight = float(explanation.map_maxima[explanation.classes.index(label), head])
            panels.append(
                Panel(
                    explanation.photograph,
                    head_title(names, label, head, weight),
                    explanation.heatmap(label, head),
                    weight,
                    [point],
                )
            )
        panels.append(_mean_panel(seen, label, "mean of all heads", marked=False))
        answer = "" if seen.right else f", but taken for {explanation.predicted}"
        strips.append(Strip(f"{label}{answer} (p = {explanation.probability:.2f})", panels))
    outlined = f" Blue line: {diagnostic}, or where its mate has it." if diagnostic else ""
    legend = (
        "Heads of the query of the photograph's own class, the strongest by map maximum first. "
        f"Dot: the head's peak. White line: half of the map's own maximum.{outlined}"
    )
    if not strips:  # both classes have no photograph in the sample
        strips = [Strip("No photograph of these two classes was looked at", [_blank()])]
    return strips_figure(strips, uniform=uniform, legend=legend)


def _photograph_and_mean(seen: Seen, label: str) -> list[Panel]:
    explanation = seen.explanation
    words = f"p = {explanation.probability:.2f}"
    return [Panel(explanation.photograph, words), _mean_panel(seen, label, "mean of heads")]


def _mean_panel(seen: Seen, query: str, title: str, marked: bool = True) -> Panel:
    explanation = seen.explanation
    points = peaks_as_shares(explanation, query) if marked else ()
    largest = float(explanation.maps[explanation.classes.index(query)].mean(axis=0).max())
    return Panel(explanation.photograph, title, explanation.heatmap(query), largest, points)


def _attribute_mask(regions: Regions, seen: Seen, name: str | None) -> Mask | None:
    if name is None:
        return None
    shape = seen.original_shape
    return regions.attributes(seen.image, shape).get(name)


def _blank() -> Panel:
    return Panel(np.full((40, 60, 3), 255, dtype=np.uint8))


def _pages(strips: Sequence[Strip], uniform: float, legend: str) -> list[Callable[[], Figure]]:
    """Share strips out over pages in two blocks, about as many on each."""
    if not strips:
        return []
    shown = [panel.photograph.shape for strip in strips for panel in strip.panels]
    aspect = float(np.median([shape[1] / shape[0] for shape in shown]))
    blocks = min(_BLOCKS, len(strips))
    most = strips_on_a_page(aspect, max(len(strip.panels) for strip in strips), blocks, True)
    pages = -(-len(strips) // most)
    size = -(-len(strips) // pages)
    return [
        partial(
            strips_figure,
            strips[first : first + size],
            uniform=uniform,
            blocks=blocks,
            legend=legend,
        )
        for first in range(0, len(strips), size)
    ]
