"""The figures of the study ``heads``: what is kept for them, and their words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from intr_discover.data.preprocessing import Preprocessing
from intr_discover.data.specimens import Specimens
from intr_discover.explain.maps import place_on_photograph
from intr_discover.figures.head_atlas import HeadRow, Tile, head_atlas_figure
from intr_discover.figures.head_matrix import Score, head_matrix_figure, part_matrix_figure
from intr_discover.figures.overlay import resize_photograph
from intr_discover.figures.panels import ATTENTION, SHARE, short_number
from intr_discover.studies.head_card import called
from intr_discover.studies.head_descriptors import HeadViews
from intr_discover.studies.parts import WIDE
from intr_discover.studies.result import StudyResult
from intr_discover.studies.wording import of_units

MOST_CLASSES = 4
MOST_HEADS = 16  # of a class in its atlas; a page holds no more
_SECONDS_AN_ATLAS, _SECONDS_A_MATRIX = 2.2, 0.6
_KEPT_SIDE = 480  # pixels; what a small panel, or a crop of it, can show
_Q_LEVELS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))


@dataclass(frozen=True)
class Look:
    """One photograph as all heads of a class saw it.

    Attributes
    ----------
    maps
        ``[R, h, w]``.
    strengths
        ``[R]``: how strong each head is in this photograph.
    picture
        Makes what is shown of the photograph, uint8 RGB; called where it is shown.
    stride, resized_shape
        Pixels of the resized photograph in a cell; (height, width) at which it is read.
    """

    maps: NDArray[np.float32]
    strengths: NDArray[np.floating[Any]]
    picture: Callable[[], NDArray[np.uint8]]
    stride: int
    resized_shape: tuple[int, int]


@dataclass(frozen=True)
class _Kept:
    """A photograph by its row, as one head saw it."""

    row: int
    strength: float
    cells: NDArray[np.float32]


class Strongest:
    """Keeps, for each head of the shown classes, the photographs in which it is strongest.

    Parameters
    ----------
    specimens
        The photographs, row by row.
    classes
        The classes that are shown.
    most
        How many photographs of each head.
    only_right
        Whether wrongly named photographs are left out.
    """

    def __init__(
        self,
        specimens: Specimens,
        classes: Sequence[str],
        most: int,
        only_right: bool,
    ) -> None:
        self._labels = specimens.table["label"].tolist()
        self._most = most
        self._only_right = only_right
        self._kept: dict[str, dict[int, list[_Kept]]] = {label: {} for label in classes}
        self._pictures: dict[str, dict[int, NDArray[np.uint8]]] = {label: {} for label in classes}
        self._grids: dict[int, tuple[int, tuple[int, int]]] = {}

    @property
    def classes(self) -> list[str]:
        """The shown classes that have a photograph."""
        return [label for label, heads in self._kept.items() if heads]

    def offer(self, row: int, right: bool, look: Look) -> None:
        """Keep a photograph for those heads that are stronger in it than in others."""
        label = self._labels[row]
        if label not in self._kept or (self._only_right and not right):
            return
        heads = self._kept[label]
        for head, (cells, strength) in enumerate(zip(look.maps, look.strengths, strict=True)):
            kept = heads.setdefault(head, [])
            kept.append(_Kept(row, float(strength), cells.copy()))
            # Of equal strengths the earlier row, in whatever order they come.
            kept.sort(key=lambda each: (-each.strength, each.row))
            del kept[self._most :]
        used = {each.row for kept in heads.values() for each in kept}
        pictures = self._pictures[label]
        if row in used:
            pictures[row] = _reduced(look.picture())
            self._grids[row] = look.stride, look.resized_shape
        for gone in pictures.keys() - used:
            del pictures[gone]

    def tiles(self, label: str, head: int, views: HeadViews) -> list[Tile]:
        """Return the photographs of one head, the strongest first."""
        tiles = []
        for kept in self._kept[label].get(head, []):
            height, width = (int(side) for side in views.shapes[kept.row])
            shrink = min(1.0, _KEPT_SIDE / max(height, width))
            shape = max(1, round(height * shrink)), max(1, round(width * shrink))
            heatmap = place_on_photograph(kept.cells, *self._grids[kept.row], shape)
            x, y = views.points[kept.row, head]
            tiles.append(
                Tile(
                    # A model may read its photographs squeezed to a square.
                    resize_photograph(self._pictures[label][kept.row], *shape),
                    heatmap,
                    float(kept.cells.max()),
                    (float((x + 0.5) / width), float((y + 0.5) / height)),
                )
            )
        return tiles


def picture_of(image: Tensor, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Return a model's input ``[3, H, W]`` as a picture."""
    mean = torch.tensor(preprocessing.mean)[:, None, None]
    std = torch.tensor(preprocessing.std)[:, None, None]
    values = ((image.float() * std + mean) * 255).round().clamp(0, 255).byte()
    return np.ascontiguousarray(values.permute(1, 2, 0).numpy())


def _reduced(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture no larger than a figure can show."""
    shrink = _KEPT_SIDE / max(picture.shape[:2])
    if shrink >= 1:
        return picture
    height, width = (max(1, round(side * shrink)) for side in picture.shape[:2])
    return resize_photograph(picture, height, width)


def classes_to_show(specimens: Specimens, full: bool) -> list[str]:
    """Return the classes that get an atlas: those of pairs first, then the others by name."""
    there = specimens.classes
    paired: list[str] = []
    if specimens.pairs is not None:
        pairs = zip(specimens.pairs["label_a"], specimens.pairs["label_b"], strict=True)
        paired = [label for pair in pairs if set(pair) <= set(there) for label in pair]
    ordered = list(dict.fromkeys([*paired, *there]))
    return ordered if full else ordered[:MOST_CLASSES]


def drawing_seconds(specimens: Specimens, full: bool) -> float:
    """Return about how long the figures take to draw and to save: one a shown class, and three."""
    return len(classes_to_show(specimens, full)) * _SECONDS_AN_ATLAS + 3 * _SECONDS_A_MATRIX


def add_figures(result: StudyResult, strongest: Strongest, views: HeadViews) -> None:
    """Add the drawings and their captions: all heads first, then the atlas of each class."""
    card = result.table
    result.drawings["matrix"] = partial(_matrix, card)
    known = card["importance"].notna().any() or not _of_units(card)
    importance = (
        " Right: importance (logits lost when the head is switched off), with a dot where its 95 % "
        "interval lies above 0."
    )
    result.captions["matrix"] = (
        "All heads of all classes. Left: consistency, with a dot where it is above 0.2 with "
        f"q < 0.05. {'Middle' if known else 'Right'}: distinctness, with a dot above 0.25."
        f"{importance if known else ''} Hatched: no score."
    )
    parts = result.tables.get("parts")
    if parts is not None and len(parts):
        heads = card["head"].nunique()
        result.drawings["parts"] = partial(_parts, parts, heads)
        result.captions["parts"] = (
            "Does one head look at the same part in several classes? Numbers of classes in which "
            "each consistent head peaks most often on each part; colour: their share of the "
            "classes in which that head is consistent."
        )
    layers = result.tables.get("layers")
    if (
        layers is not None
        and layers["layer"].nunique() > 1
        and layers["class_distinctiveness"].notna().any()
    ):
        result.drawings["layers"] = partial(_layers, layers)
        result.captions["layers"] = (
            "How far the maps of two class queries differ on one photograph (total variation "
            "distance, 0: the same, 1: no cell in common), by decoder layer and head."
        )
    for number, label in enumerate(strongest.classes, 1):
        name = f"atlas_{number:02d}"
        result.drawings[name] = partial(_atlas, card, label, strongest, views)
        result.captions[name] = (
            f"Head atlas of {label}: a row a head, the most important first; photographs in which "
            "it is strongest. Left of each pair what lies round the peak, right the map, with "
            "the place of the crop."
        )
    if _of_units(card):
        result.captions |= {name: of_units(words) for name, words in result.captions.items()}


def _of_units(card: pd.DataFrame) -> bool:
    """Return whether a card is of the units of another method than INTR."""
    return "unit" in card


def _matrix(card: pd.DataFrame) -> Figure:
    def table(column: str) -> NDArray[np.float64]:
        wide = card.pivot(index="label", columns="head", values=column).loc[classes]
        return wide.to_numpy(dtype=np.float64)

    classes = list(dict.fromkeys(card["label"]))
    units = _of_units(card)
    scores = [
        Score(
            table("consistency"), "consistency", "mean cosine − chance",
            marked=table("consistent") == 1,
        ),
        Score(
            table("distinctness"), "distinctness", "mean silhouette", "both signs",
            table("distinct") == 1, 1.0,
        ),
    ]  # fmt: skip
    dots = "consistent (above 0.2, q < 0.05); distinct (above 0.25)"
    if card["importance"].notna().any() or not units:  # what cannot be switched off has none
        important = table("important") == 1
        scores.append(
            Score(table("importance"), "importance", "margin lost (logits)", "both signs, wide",
                  important)
        )  # fmt: skip
        dots += "; important (95 % interval above 0)"
    legend = f"Dots: {dots}. Hatched: no score."
    return head_matrix_figure(classes, scores, legend, "unit" if units else "head")


def _parts(parts: pd.DataFrame, heads: int) -> Figure:
    counts = parts.pivot(index="part", columns="head", values="classes")
    counts = counts.reindex(columns=range(heads)).fillna(0).astype(int)
    totals = [int(parts.loc[parts["head"] == head, "of"].max()) if head in set(parts["head"]) else 0
              for head in range(heads)]  # fmt: skip
    return part_matrix_figure(
        counts,
        totals,
        "In how many classes does each consistent head peak on each part?",
        "share of the classes of a head",
    )


def _layers(layers: pd.DataFrame) -> Figure:
    wide = layers.pivot(index="layer", columns="head", values="class_distinctiveness")
    score = Score(
        wide.to_numpy(dtype=np.float64),
        "class distinctiveness",
        "total variation distance",
        limit=1.0,
    )
    return head_matrix_figure([f"layer {number}" for number in wide.index], [score])


def _atlas(card: pd.DataFrame, label: str, strongest: Strongest, views: HeadViews) -> Figure:
    own = card[card["label"] == label]
    units = _of_units(card)
    order = "importance" if own["importance"].notna().all() else "map_maximum"
    own = own.sort_values(order, ascending=False, kind="stable")
    rows = []
    for row in own.head(MOST_HEADS).to_dict("records"):
        heading, *lines = head_words(row)
        rows.append(HeadRow(heading, lines, strongest.tiles(label, row["head"], views)))
    number = f"n = {own['n'].iloc[0]}"
    if len(own) > len(rows):
        number += f"; {len(rows)} of {len(own)} {'units' if units else 'heads'}"
    whose = "Units of" if units else "Heads of the query of"
    by = "strength" if units else order.replace("_", " ")
    return head_atlas_figure(
        rows,
        title=f"{label} ({number})",
        window=WIDE,
        uniform=float(np.nanmean(views.uniform)),
        legend=(
            f"{whose} {label}, ordered by {by} (mean over n photographs), in the photographs in "
            "which they are strongest. Left what lies round the peak (ring), right the map; blue: "
            "the place of the left picture. Stars: consistent with q < 0.05 (*), 0.01 (**), 0.001 "
            "(***)."
        ),
        what=SHARE if units else ATTENTION,
    )


def head_words(row: Mapping[Any, Any]) -> list[str]:
    """Return what the atlas says of a head: a heading and three lines.

    Parameters
    ----------
    row
        Of the head report card. The name of a head takes the heading; its importance stands below
        then.
    """
    heading = called(row)
    named = heading != called({"head": row["head"]})
    importance = ""
    if not np.isnan(row["importance"]):
        importance = f"importance {_signed(row['importance'])}"
    if importance and not named:
        heading += f" · {importance}"
    if np.isnan(row["consistency"]):
        first = row["note"]
    else:
        stars = next((stars for level, stars in _Q_LEVELS if row["q"] < level), "")
        stars = stars if row["consistent"] else ""
        distinct = _signed(row["distinctness"])
        first = f"consistency {_signed(row['consistency'])}{stars}, distinct {distinct}"
    second = ""
    if not np.isnan(row["map_maximum"]):
        largest, area = short_number(row["map_maximum"]), 100 * row["effective_area"]
        second = f"max {largest}, over {area:.0f} % of cells"
        if "unit" in row:
            second = f"strength {largest}, {area:.0f} % of cells"
        if named and importance:
            second = f"{importance}, over {area:.0f} % of cells"
    part = row.get("part")
    third = ""
    if isinstance(part, str):
        third = f"{part} ({round(row['part_share'] * row['part_n'])} of {row['part_n']})"
    return [heading, first, second, third]


def _signed(value: float) -> str:
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text.replace("-", "−")
