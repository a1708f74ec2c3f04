"""Columns of the table of ``replicates``: what several trainings have in common, by photograph."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intr_discover.data.images import read_image
from intr_discover.data.specimens import Specimens
from intr_discover.explain.explainer import Explainer
from intr_discover.studies.edit_tasks import ABSENT
from intr_discover.studies.looking import Regions
from intr_discover.studies.pairs import diagnostics_of, known_pairs
from intr_discover.studies.part_hits import BESIDE, hit_parts
from intr_discover.studies.pointing import tolerance_for
from intr_discover.studies.replicate_edits import EDITS, changed_answers
from intr_discover.studies.replicate_maps import Alike, near_each_other, share_a_part
from intr_discover.studies.replicate_views import View, peaks_as_heads
from intr_discover.studies.study import StudyInputs


def add_maps(table: pd.DataFrame, alike: Sequence[Alike]) -> None:
    """Add how alike the maps are, as means over the pairs of trainings."""
    table["map_correlation"] = _mean([each.mean_map for each in alike])
    table["map_correlation_chance"] = _mean([each.mean_map_chance for each in alike])
    table["head_correlation"] = _mean([each.heads for each in alike])
    table["head_correlation_chance"] = _mean([each.heads_chance for each in alike])


def add_places(
    table: pd.DataFrame,
    views: Sequence[View],
    pairs: Sequence[tuple[int, int]],
    labels: Sequence[str],
) -> None:
    """Add whether the peaks of the mean maps lie at one place."""
    cells = np.max([each.heads.cells.max(axis=1) for each in views], axis=0)
    shapes = views[0].heads.shapes
    tolerances = np.array(
        [
            tolerance_for((int(shape[0]), int(shape[1])), float(cell))
            for shape, cell in zip(shapes, cells, strict=True)
        ]
    )
    found = [
        near_each_other(views[a].mean_peaks, views[b].mean_peaks, shapes, tolerances, labels)
        for a, b in pairs
    ]
    table["same_place"] = _mean([near for near, _ in found])
    table["same_place_chance"] = _mean([chance for _, chance in found])


def add_parts(table: pd.DataFrame, chosen: Specimens, views: Sequence[View], seed: int) -> None:
    """Add on which parts the peaks lie, and whether they share one; NaN where none is known."""
    parts = hit_parts(chosen, peaks_as_heads(views), seed=seed)
    names = ("same_part", "all_same_part", "same_part_chance")
    if parts is None:
        table[list(names)] = np.nan
        return
    # Two peaks beside the specimen need not be near each other.
    real = [place for place, name in enumerate(parts.named) if name != BESIDE]
    shared = share_a_part(
        parts.hit[..., real], parts.named_visible[:, real], parts.random[..., real]
    )
    for name, values in zip(names, shared, strict=True):
        table[name] = values
    named = np.array(parts.named, dtype=object)
    for training in range(len(views)):
        table[f"part_{training + 1}"] = ["; ".join(named[row]) for row in parts.hit[:, training]]


def add_edits(
    table: pd.DataFrame,
    inputs: StudyInputs,
    chosen: Specimens,
    explainers: Sequence[Explainer],
    views: Sequence[View],
    progress: Callable[[int, int], None],
) -> None:
    """Add which trainings change their answers when a region is erased; NaN where it was not."""
    regions = Regions(_bearing(chosen), diagnostics_of(known_pairs(inputs)))
    columns = {
        f"flip_{name}_{number}": np.full(len(chosen), np.nan)
        for name in EDITS
        for number in range(1, len(views) + 1)
    }
    for row, (image, path, label) in enumerate(
        zip(chosen.table["image"], chosen.paths, chosen.table["label"], strict=True)
    ):
        photograph = read_image(path)
        shape = photograph.shape[0], photograph.shape[1]
        changed = changed_answers(
            explainers,
            views,
            row,
            image,
            photograph,
            regions.specimen(image, shape),
            _separating(regions, image, label, shape),
            inputs.seed,
        )
        for name, flags in changed.items():
            for number, flag in enumerate(flags, 1):
                columns[f"flip_{name}_{number}"][row] = float(flag)
        progress(row + 1, len(chosen))
    for name, values in columns.items():
        table[name] = values


def _bearing(specimens: Specimens) -> Specimens:
    """Return the photographs without the places where an attribute is known to be absent."""
    table = specimens.attributes
    if table is None or "state" not in table:
        return specimens
    return Specimens(
        specimens.table,
        specimens.root,
        specimens.source,
        attributes=table[table["state"] != ABSENT],
        keypoints=specimens.keypoints,
        pairs=specimens.pairs,
    )


def _separating(
    regions: Regions, image: str, label: str, shape: tuple[int, int]
) -> NDArray[np.bool_] | None:
    """Return where the attributes are that separate a class from its look-alikes."""
    wanted = regions.diagnostics.get(label, set())
    masks = [mask for name, mask in regions.attributes(image, shape).items() if name in wanted]
    return np.any(masks, axis=0) if masks else None


def _mean(values: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the mean over pairs of trainings of what is known."""
    return pd.DataFrame(list(values)).mean(axis=0, skipna=True).to_numpy()
