"""Part of the speed benchmark: whether bf16 answers as fp32 does, by trained models.

For each image both precisions name a class, and both make the maps of the class that fp32 names.
The correlation is Pearson's over the cells of a head's map, its mean over heads that of an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.speed_official import correlations
from benchmarks.speed_options import Options
from intr_discover import Specimens, load
from intr_discover.data import rings
from intr_discover.data.loading import ImageSource
from intr_discover.studies.statistics import wilson

IMAGES = 500


def agreement_part(options: Options) -> dict[str, Any]:
    """Compare the precisions on 500 images: the Leeds test photographs where given, and rings."""
    found: dict[str, Any] = {"sets": {}}
    leeds: list[Path] = []
    if options.leeds_run and options.leeds_data:
        specimens = Specimens.read(options.leeds_data)
        chosen = specimens.table["split"] == "test"
        leeds = specimens.with_table(specimens.table[chosen]).paths[: 6 if options.quick else None]
    count = 12 if options.quick else IMAGES - len(leeds)
    drawn = [
        rings.render(rings.draw_specimen(seed=7, index=index)).photograph for index in range(count)
    ]
    rows = {"rings": compare("demo", drawn)}
    if leeds:
        rows["Leeds butterflies"] = compare(str(options.leeds_run), leeds)
    rows["together"] = {
        name: np.concatenate([row[name] for row in rows.values()])
        for name in ("same", "mean", "least")
    }
    for name, row in rows.items():
        low, high = wilson(int(row["same"].sum()), len(row["same"]))
        found["sets"][name] = {
            "n": len(row["same"]),
            "same_top1": {"value": float(row["same"].mean()), "low": low, "high": high},
            "correlation_median": float(np.median(row["mean"])),
            "correlation_mean": float(row["mean"].mean()),
            "correlation_1_percent": float(np.quantile(row["mean"], 0.01)),
            "correlation_least": float(row["mean"].min()),
            "correlation_of_a_head_least": float(row["least"].min()),
        }
    return found


def compare(run: str, images: Sequence[ImageSource]) -> dict[str, np.ndarray]:
    """Return for each image whether the answers are the same, and how its maps correlate."""
    exact, rounded = (load(run, device="cpu", precision=name) for name in ("fp32", "bf16"))
    same, mean, least = [], [], []
    for image in images:
        one = exact.explain(image)
        other = rounded.explain(image, [one.predicted])
        pair = [torch.from_numpy(explanation.maps) for explanation in (one, other)]
        correlation = correlations(*pair)
        same.append(one.predicted == other.predicted)
        mean.append(float(correlation.mean()))
        least.append(float(correlation.min()))
    return {"same": np.array(same), "mean": np.array(mean), "least": np.array(least)}
