"""The learning curves of a training run."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from intr_discover.figures import style

_COLUMNS = ("epoch", "train_loss", "train_top1", "val_loss", "val_top1")
_HEIGHT_MM = 58.0
_MARKERS_UP_TO = 12  # epochs; more of them would run into each other


def training_curves(metrics: pd.DataFrame, best_epoch: int = 0) -> Figure:
    """Draw loss and accuracy over the epochs, with the best epoch marked.

    Parameters
    ----------
    metrics
        One row an epoch, as in ``metrics.csv``: ``epoch``, ``train_loss``, ``train_top1``,
        ``val_loss``, ``val_top1`` (accuracies in [0, 1]); other columns are ignored. Validation
        values may be missing in some or all rows.
    best_epoch
        The epoch whose weights were kept as the best; 0 where there was no validation.

    Returns
    -------
    Figure
        120 mm wide, accuracies in percent.
    """
    missing = [name for name in _COLUMNS if name not in metrics.columns]
    assert not missing, f"metrics without {missing}"
    assert len(metrics) > 0, "no epoch to draw"
    with style.journal_style():
        figure = style.new_figure(style.ONE_AND_A_HALF_COLUMN_MM, _HEIGHT_MM)
        loss_axes = style.add_axes(figure, 12.0, 7.0, 44.0, 41.0)
        accuracy_axes = style.add_axes(figure, 72.0, 7.0, 44.0, 41.0)
        _draw_curves(loss_axes, metrics, "loss", 1.0)
        _draw_curves(accuracy_axes, metrics, "top1", 100.0)
        loss_axes.set_ylabel("loss (cross-entropy)")
        accuracy_axes.set_ylabel("top-1 accuracy (%)")
        # The legend stands above the panels, where no curve can run under it.
        handles, labels = loss_axes.get_legend_handles_labels()
        loss_axes.legend(
            handles, labels, ncols=2, loc="lower left", bbox_to_anchor=(0.0, 1.0), borderpad=0.0
        )
        if best_epoch:
            (best,) = metrics.loc[metrics["epoch"] == best_epoch, "val_top1"]
            for axes in (loss_axes, accuracy_axes):
                axes.axvline(
                    best_epoch, color=style.LIGHT_GREY, linewidth=0.7, zorder=0, gid="best"
                )
            accuracy_axes.plot(
                [best_epoch], [100 * best], "o", color=style.VERMILLION, markersize=4.5, mfc="none"
            )
            words = f"best: epoch {best_epoch}, {100 * best:.1f} %"
        else:
            words = "no validation"
        accuracy_axes.set_title(words, loc="left", fontsize=style.SMALL_PT, color=style.VERMILLION)
        figure.align_ylabels([loss_axes, accuracy_axes])
    return figure


def _draw_curves(axes: Axes, metrics: pd.DataFrame, quantity: str, factor: float) -> None:
    """Draw training and validation values of one quantity."""
    epochs = metrics["epoch"].to_numpy(dtype=float)
    marker = "o" if len(epochs) <= _MARKERS_UP_TO else ""
    highest = 0.0
    for part, name, colour in (
        ("train", "training", style.BLUE),
        ("val", "validation", style.VERMILLION),
    ):
        values = factor * metrics[f"{part}_{quantity}"].to_numpy(dtype=float)
        if not np.isfinite(values).any():
            continue
        # Epochs without validation leave no hole: the line joins the ones that have it.
        known = np.isfinite(values)
        axes.plot(epochs[known], values[known], color=colour, marker=marker, label=name)
        highest = max(highest, float(values[known].max()))
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    margin = max(0.5, 0.03 * (epochs[-1] - epochs[0]))
    axes.set_xlim(epochs[0] - margin, epochs[-1] + margin)
    top = 104.0 if quantity == "top1" else 1.05 * highest if highest > 0 else 1.0
    axes.set_ylim(0.0, top)
