"""The figure that ``explain`` writes: where each head looks on one photograph, and how strongly.

Drawing only: arrays and names come in, a matplotlib figure goes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from intr_discover.errors import shorten
from intr_discover.figures import style
from intr_discover.figures.attention_layout import HEADING_HEIGHT, MARGIN, WIDTH, Box, lay_out
from intr_discover.figures.head_names import NO_NAMES, HeadNames, head_label
from intr_discover.figures.panels import Panels, draw_colour_bar, short_number
from intr_discover.figures.text import TextRuler, one_line

Ranking = Literal["maximum", "peak"]

_LETTER_WIDTH = 3.6  # a panel letter and the space after it, in mm
_BARS_SHOWN = 5
_SHORTEST_SCALE = 14.0  # of the bars, in mm: names take no more than the rest
_NAMES_IN_CAPTION = 12


def attention_figure(
    photograph: npt.NDArray[np.uint8],
    heatmaps: npt.NDArray[np.float32],
    *,
    labels: Sequence[str],
    ranked_heads: Sequence[Sequence[int]],
    scores: npt.NDArray[np.floating[Any]],
    ranking: Ranking,
    layer: int,
    layers: int,
    uniform: float,
    predicted: str,
    probability: float,
    true_label: str | None = None,
    class_probabilities: Sequence[tuple[str, float]] | None = None,
    context: Sequence[str] | None = None,
    context_mode: str | None = None,
    max_heads: int | None = None,
    title: str | None = None,
    names: HeadNames = NO_NAMES,
) -> Figure:
    """Draw where the heads look for one or several class queries, on one shared colour scale.

    Parameters
    ----------
    photograph
        ``[H, W, 3]`` uint8, the original.
    heatmaps
        ``[K, R, h, w]`` float32: attention weight per cell for K classes and R heads, in the order
        of ``labels`` and of the model's heads. Raw weights, not rescaled. The grid covers the whole
        photograph: its own pixels or any coarser grid (see :func:`drawing_grid`).
    labels
        The K classes whose queries the maps belong to.
    ranked_heads
        For each class its head numbers (from 0), the best first.
    scores
        ``[K, R]``: what ranked them, for each class and head in the model's order.
    ranking
        ``"maximum"`` (largest attention weight) or ``"peak"`` (largest un-normalised score).
    layer, layers
        The decoder layer of the maps, counted from 1, and how many the model has.
    uniform
        1/N: the weight of each of the N cells if a head looked everywhere alike.
    predicted, probability
        The predicted class and its probability in [0, 1].
    true_label
        The true class, where known.
    class_probabilities
        (name, probability) of some or all classes, in any order. The five most probable are
        drawn, and after them the true class and ``labels`` if they are not among those.
    context, context_mode
        The classes that the prediction was restricted to, and how; None for all classes.
    max_heads
        Draw only so many heads for each class. The mean is always over all R.
    title
        Name of the photograph, written above it.
    names
        What people call the heads.

    Returns
    -------
    Figure
        183 mm wide. Heads stand in ranked order. The line in a panel is half of that map's own
        maximum; it is left out where that is not above ``uniform`` (the head looks nowhere
        special).

    Notes
    -----
    The colours run from 0 to the largest weight among all drawn heads, so panels can be compared.
    Photograph and maps are resampled to what the panel shows at 300 dpi: a photograph of
    24 megapixels does not make a larger file than one of 1. Map maximum and peak: METHODS,
    section 2; Paul et al. (ICLR 2024) rank heads by the un-normalised peak.
    """
    photograph, heatmaps, scores = map(np.asarray, (photograph, heatmaps, scores))
    assert photograph.ndim == 3 and photograph.shape[2] == 3, photograph.shape
    assert photograph.dtype == np.uint8, photograph.dtype
    assert heatmaps.ndim == 4 and heatmaps.shape[0] == len(labels) > 0, heatmaps.shape
    assert scores.shape == heatmaps.shape[:2], (scores.shape, heatmaps.shape)
    assert len(ranked_heads) == len(labels), "one ranking for each class"
    assert ranking in ("maximum", "peak"), ranking
    assert 1 <= layer <= layers, "decoder layers are counted from 1"
    assert np.isfinite(heatmaps).all() and heatmaps.min() >= 0, "weights are finite and from 0 up"
    assert max_heads is None or max_heads >= 1, max_heads

    shown = [list(heads)[:max_heads] for heads in ranked_heads]
    scale = _shared_scale(heatmaps, scores, shown, ranking)
    bars = _bars(class_probabilities, predicted, true_label, labels)
    heads, most_shown = heatmaps.shape[1], max(map(len, shown))
    with style.journal_style():
        caption = _caption(
            labels, ranking, layer, layers, uniform, scale, context, context_mode, heads, most_shown
        )
        layout = lay_out(
            aspect=photograph.shape[1] / photograph.shape[0],
            heads=most_shown,
            classes=len(labels),
            bars=len(bars),
            caption_lines=caption.count("\n") + 1,
            named=any(
                (label, head) in names
                for label, chosen in zip(labels, shown, strict=True)
                for head in chosen
            ),
        )
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, layout.height)
        _write_header(figure, predicted, probability, true_label, context, title)
        panels = Panels(figure, photograph, scale, uniform)
        letters = iter(ascii_lowercase)

        room = layout.headings_room
        _write_heading(figure, layout.photograph, room, next(letters), "Photograph")
        panels.draw_photograph(layout.photograph)
        if layout.mean is not None:
            mean = heatmaps[0].mean(axis=0)
            words = f"Mean of {_heads(heads)} · max {short_number(mean.max())}"
            _write_heading(figure, layout.mean, room, next(letters), words, f"Mean of {heads}")
            panels.draw_map(mean, layout.mean, is_mean=True)
        if layout.bars is not None:
            _write_heading(
                figure, layout.bars, layout.bars.width, next(letters), "Class probability"
            )
            _draw_bars(figure, layout.bars, bars)
        draw_colour_bar(figure, layout.colour_bar, scale, uniform)

        probabilities = dict(class_probabilities or [])
        ruler = TextRuler(style.SMALL_PT)
        grid, joint = layout.grid, " · " if layout.grid.title_lines == 1 else "\n"
        for k, label in enumerate(labels):
            top = layout.class_tops[k] + HEADING_HEIGHT
            words = _class_heading(label, predicted, probabilities.get(label), ranking)
            _write_heading(figure, Box(MARGIN, top, WIDTH, 0.0), WIDTH, next(letters, ""), words)
            first_column = 0
            if layout.mean is None:
                mean, first_column = heatmaps[k].mean(axis=0), 1
                axes = panels.draw_map(mean, grid.panel(0, 0, top), is_mean=True)
                _write_title(
                    axes, joint.join(["mean", f"max {short_number(mean.max())}"]), bold=True
                )
            for place, head in enumerate(shown[k]):
                row, column = divmod(place, grid.columns - first_column)
                axes = panels.draw_map(
                    heatmaps[k, head], grid.panel(row, column + first_column, top), is_mean=False
                )
                called = ruler.shorten(head_label(names, label, head), grid.title_room)
                _write_title(axes, joint.join([called, _score(ranking, scores[k, head])]))
        style.add_text(
            figure,
            MARGIN,
            layout.caption_top,
            caption,
            va="top",
            fontsize=style.SMALL_PT,
            color=style.DARK_GREY,
            gid="caption",
        )
    return figure


def _shared_scale(
    heatmaps: npt.NDArray[np.float32],
    scores: npt.NDArray[np.floating[Any]],
    shown: Sequence[Sequence[int]],
    ranking: Ranking,
) -> float:
    """Return the weight that is drawn in the last colour: the largest of all drawn heads."""
    scale = max(float(heatmaps[k, heads].max()) for k, heads in enumerate(shown))
    if ranking == "maximum":
        # Interpolation may miss the very top of a cell; titles and colour bar must not disagree.
        scale = max(scale, *(float(scores[k, heads].max()) for k, heads in enumerate(shown)))
    return scale


def _heads(count: int) -> str:
    return "1 head" if count == 1 else f"{count} heads"


def _score(ranking: Ranking, value: float) -> str:
    return f"max {short_number(value)}" if ranking == "maximum" else f"peak {value:.3g}"


def _probability(value: float) -> str:
    """Return a probability with two decimals, without rounding it to 0 or 1."""
    if 0.0 < value < 0.005:
        return "< 0.01"
    if 0.995 <= value < 1.0:
        return "> 0.99"
    return f"{value:.2f}"


def _p_equals(value: float) -> str:
    text = _probability(value)
    return f"p {text}" if text[0] in "<>" else f"p = {text}"


def _write_header(
    figure: Figure,
    predicted: str,
    probability: float,
    true_label: str | None,
    context: Sequence[str] | None,
    title: str | None,
) -> None:
    """Write prediction and truth on the first two lines, the photograph's name at their right."""
    name = TextRuler(style.SMALL_PT).shorten(title or "", 0.3 * WIDTH)
    among = f" among {len(context)} classes" if context is not None else ""
    ending = f"  ({_p_equals(probability)}{among})"
    bold = TextRuler(style.LARGE_PT, "bold")
    room = (0.68 if title else 1.0) * WIDTH - bold.width("Predicted: " + ending)
    words = "Predicted: " + bold.shorten(predicted, room) + ending
    style.add_text(figure, MARGIN, 4.2, words, fontsize=style.LARGE_PT, fontweight="bold")
    style.add_text(
        figure,
        MARGIN + WIDTH,
        4.2,
        name,
        ha="right",
        fontsize=style.SMALL_PT,
        color=style.GREY,
    )
    if true_label is None:
        words, colour = "True class not given", style.GREY
    elif true_label == predicted:
        words, colour = "✓ Correct: this is the true class", style.GREEN
    else:
        ruler = TextRuler(style.NORMAL_PT)
        words, colour = "✗ Wrong: the true class is ", style.VERMILLION
        words += ruler.shorten(true_label, WIDTH - ruler.width(words))
    style.add_text(figure, MARGIN, 7.8, words, fontsize=style.NORMAL_PT, color=colour)


def _write_heading(figure: Figure, panel: Box, width: float, letter: str, *words: str) -> None:
    """Write a bold panel letter above a panel, and the first of ``words`` that fits beside it."""
    ruler = TextRuler(style.NORMAL_PT)
    room = width - _LETTER_WIDTH
    fitting = [text for text in words if ruler.width(text) <= room]
    text = fitting[0] if fitting else ruler.shorten(words[-1], room)
    baseline = panel.top - HEADING_HEIGHT + 2.4
    style.add_text(figure, panel.left, baseline, letter, fontsize=style.LARGE_PT, fontweight="bold")
    style.add_text(figure, panel.left + _LETTER_WIDTH, baseline, text, fontsize=style.NORMAL_PT)


def _write_title(axes: Axes, text: str, bold: bool = False) -> None:
    """Write the title of a panel of the grid."""
    axes.set_title(
        text,
        loc="left",
        fontsize=style.SMALL_PT,
        fontweight="bold" if bold else "normal",
        linespacing=1.05,
        pad=1.5,
    )


def _class_heading(label: str, predicted: str, probability: float | None, ranking: Ranking) -> str:
    """Return the heading of the heads of one class."""
    role = "predicted class" if label == predicted else "not the predicted class"
    known = f", {_p_equals(probability)}" if probability is not None else ""
    criterion = "map maximum" if ranking == "maximum" else "peak"
    ending = f" ({role}{known}): heads ranked by {criterion}"
    ruler = TextRuler(style.NORMAL_PT)
    room = WIDTH - _LETTER_WIDTH - ruler.width("Query of " + ending) - 1.0
    return "Query of " + ruler.shorten(label, room) + ending


@dataclass(frozen=True)
class _Bar:
    """One class of the bar chart."""

    name: str
    probability: float
    is_predicted: bool
    is_true: bool


def _bars(
    class_probabilities: Sequence[tuple[str, float]] | None,
    predicted: str,
    true_label: str | None,
    labels: Sequence[str],
) -> list[_Bar]:
    """Return the most probable classes, then those the figure is about if they are not there."""
    # Equally probable classes keep the caller's order.
    ordered = sorted(class_probabilities or [], key=lambda pair: -pair[1])
    asked_for = {true_label, *labels}
    kept = ordered[:_BARS_SHOWN]
    kept += [pair for pair in ordered[_BARS_SHOWN:] if pair[0] in asked_for]
    return [_Bar(name, value, name == predicted, name == true_label) for name, value in kept]


def _draw_bars(figure: Figure, box: Box, bars: Sequence[_Bar]) -> None:
    """Draw one bar a class: its name, the bar, the value, and a mark at the true class."""
    ruler = TextRuler(style.SMALL_PT)
    values = [_probability(bar.probability) + ("  ✓ true" if bar.is_true else "") for bar in bars]
    value_width = max(map(ruler.width, values)) + 1.5
    names = [ruler.shorten(bar.name, box.width - value_width - _SHORTEST_SCALE) for bar in bars]
    zero = max(map(ruler.width, names)) + 1.5
    full = box.width - zero - value_width
    axes = style.add_axes(figure, box.left, box.top, box.width, box.height)
    # The axes' units are mm from left to right, so that texts and bars stand side by side.
    axes.set(xlim=(0, box.width), ylim=(len(bars) - 0.5, -0.5), gid="class probabilities")
    axes.set_axis_off()
    for place, (bar, name, value) in enumerate(zip(bars, names, values, strict=True)):
        length = full * bar.probability
        text: dict[str, Any] = {"va": "center_baseline", "fontsize": style.SMALL_PT}
        axes.text(0, place, name, **text)
        colour = style.BLUE if bar.is_predicted else style.GREY
        axes.barh(place, length, left=zero, height=0.55, color=colour)
        colour = style.GREEN if bar.is_true else "black"
        axes.text(zero + length + 1.0, place, value, color=colour, **text)
    axes.plot([zero, zero], [-0.5, len(bars) - 0.5], color="black", linewidth=0.5)


def _caption(
    labels: Sequence[str],
    ranking: Ranking,
    layer: int,
    layers: int,
    uniform: float,
    scale: float,
    context: Sequence[str] | None,
    context_mode: str | None,
    heads: int,
    most_shown: int,
) -> str:
    """Return the legend, wrapped: what was drawn, in which units, and on which scale."""
    noun = "Class query" if len(labels) == 1 else "Class queries"
    drawn = _heads(heads) if most_shown == heads else f"{most_shown} of {_heads(heads)}"
    criterion = (
        "map maximum (largest attention weight)"
        if ranking == "maximum"
        else "peak (largest un-normalised attention score)"
    )
    if context is None:
        others = "All class queries took part."
    else:
        mode = f" (mode {context_mode})" if context_mode else ""
        names = shorten(context, _NAMES_IN_CAPTION)
        others = f"Restricted to {len(context)} class queries{mode}: {names}."
    text = (
        f"{noun}: {shorten(labels, _NAMES_IN_CAPTION)}. "
        f"Cross-attention of decoder layer {layer} of {layers}, "
        f"{drawn} (numbered from 0), ranked by {criterion}; the mean is over all {heads}. "
        f"One colour scale (square root) for all maps, from 0 to {short_number(scale)}; a head "
        f"that looks everywhere alike has {short_number(uniform)} in each of its "
        f"{round(1 / uniform)} cells. "
        "Weights are raw, interpolated bilinearly between cells, over the photograph in grey. "
        f"Line: half of a map's own maximum (none where that is not above uniform). {others}"
    )
    return TextRuler(style.SMALL_PT).fit(one_line(text), WIDTH, lines=20)
