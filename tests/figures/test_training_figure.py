"""Learning curves, from one epoch to many, with and without validation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from intr_discover.figures import style
from intr_discover.figures.training import training_curves


def metrics(epochs, val_top1=None):
    epoch = np.arange(1, epochs + 1)
    shape = np.exp(-epoch / 10)
    return pd.DataFrame(
        {
            "epoch": epoch,
            "learning_rate": 1e-4,
            "train_loss": 2 * shape,
            "train_top1": 1 - 0.9 * shape,
            "val_loss": 2.2 * shape,
            "val_top1": 1 - 0.95 * shape if val_top1 is None else val_top1,
            "seconds": 16.0,
        }
    )


def texts(figure):
    with style.journal_style():
        figure.draw_without_rendering()
        # Matplotlib keeps labels of ticks beyond the limits, and does not draw them.
        beyond = {
            tick.label1
            for axes in figure.axes
            for axis in (axes.xaxis, axes.yaxis)
            for tick in axis.get_major_ticks()
            if not axis.get_view_interval()[0] <= tick.get_loc() <= axis.get_view_interval()[1]
        }
        return [
            (text.get_text(), text.get_window_extent())
            for text in figure.findobj(Text)
            if text.get_text().strip() and text.get_visible() and text not in beyond
        ]


def points(line):
    return list(zip(line.get_xdata(), line.get_ydata(), strict=True))


def test_both_panels_show_the_numbers_of_the_table():
    table = metrics(3, val_top1=[0.5, 0.75, 0.7])
    loss, accuracy = training_curves(table).axes
    assert loss.get_ylabel() == "loss (cross-entropy)"
    assert accuracy.get_ylabel() == "top-1 accuracy (%)"
    assert [line.get_label() for line in loss.lines[:2]] == ["training", "validation"]
    assert loss.lines[0].get_ydata() == pytest.approx(table["train_loss"])
    assert loss.lines[1].get_ydata() == pytest.approx(table["val_loss"])
    assert points(accuracy.lines[1]) == [(1, 50), (2, 75), (3, 70)]


def test_the_best_epoch_is_marked():
    figure = training_curves(metrics(4, val_top1=[0.5, 0.962, 0.962, 0.9]), best_epoch=3)
    accuracy = figure.axes[1]
    assert accuracy.get_title(loc="left") == "best: epoch 3, 96.2 %"
    assert points(accuracy.lines[-1]) == [(3, pytest.approx(96.2))]
    for axes in figure.axes:
        (mark,) = [line for line in axes.lines if line.get_gid() == "best"]
        assert list(mark.get_xdata()) == [3, 3]


def test_the_index_of_the_table_does_not_matter():
    table = metrics(4, val_top1=[0.5, 0.9, 0.6, 0.4])
    table.index = [7, 7, 7, 7]
    figure = training_curves(table, best_epoch=2)
    assert figure.axes[1].get_title(loc="left") == "best: epoch 2, 90.0 %"


def test_without_validation_nothing_is_called_best():
    table = metrics(3)
    table[["val_loss", "val_top1"]] = np.nan
    figure = training_curves(table)
    assert figure.axes[1].get_title(loc="left") == "no validation"
    assert [len(axes.lines) for axes in figure.axes] == [1, 1]


def test_epochs_without_validation_leave_no_hole():
    table = metrics(4, val_top1=[np.nan, 0.5, np.nan, 0.6])
    table["val_loss"] = [np.nan, 1.0, np.nan, 0.9]
    loss, accuracy = training_curves(table, best_epoch=4).axes
    assert points(loss.lines[1]) == [(2, 1.0), (4, 0.9)]
    assert accuracy.get_title(loc="left") == "best: epoch 4, 60.0 %"


def test_one_epoch_is_a_visible_point_at_a_whole_number():
    loss, accuracy = training_curves(metrics(1)).axes
    for axes in (loss, accuracy):
        assert axes.lines[0].get_marker() == "o"
        low, high = axes.get_xlim()
        assert low < 1 < high
        assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1]


@pytest.mark.parametrize("epochs", [1, 12, 200])
def test_size_and_no_text_on_another(epochs):
    figure = training_curves(metrics(epochs))
    assert style.size_mm(figure) == pytest.approx((120, 58))
    boxes = texts(figure)
    assert len(boxes) > 8
    for place, (words, box) in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0, words
        assert box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, words
        for other, other_box in boxes[:place]:
            across = min(box.x1, other_box.x1) - max(box.x0, other_box.x0)
            upright = min(box.y1, other_box.y1) - max(box.y0, other_box.y0)
            assert across <= 1 or upright <= 1, f"{words!r} on {other!r}"


def test_many_epochs_are_lines_and_few_have_points():
    assert training_curves(metrics(12)).axes[0].lines[0].get_marker() == "o"
    assert training_curves(metrics(13)).axes[0].lines[0].get_marker() in ("", "None")


def test_a_loss_that_is_not_finite_does_not_hide_the_rest():
    table = metrics(3)
    table.loc[2, "train_loss"] = np.inf
    loss = training_curves(table).axes[0]
    assert np.isfinite(loss.get_ylim()).all()
    assert len(loss.lines[0].get_xdata()) == 2
