"""One small model trained on mimicry rings, and what it shows on specimens that it never saw.

Every training leaves a run folder and, beside it, a record of what was measured. What has a record
is neither trained nor measured again, so that a benchmark of many trainings can be interrupted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intr_discover import Specimens, load
from intr_discover.data import rings
from intr_discover.data.images import read_mask
from intr_discover.data.rings.specimen import USUAL_HARDNESS
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.files import write_json
from intr_discover.model.intr import INTR
from intr_discover.studies.consistency import distinctness, mean_cosines, unit_descriptors
from intr_discover.studies.head_descriptors import HeadViews, Wishes, class_pairs, view_heads
from intr_discover.studies.looking import TOP_HEADS
from intr_discover.studies.pointing import chance, hits, tolerance_for
from intr_discover.studies.result import plain
from intr_discover.training.config import TrainingConfig, build_config
from intr_discover.training.loop import train
from intr_discover.training.run_folder import RunFolder

TEST_SEED = 50_000
"""Of the specimens that are measured; no training uses it."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Drawn:
    """How many specimens of which rings are drawn.

    Attributes
    ----------
    ring_count
        Mimicry rings, two species each.
    train_per_class, test_per_class
        Specimens of each species; validation is cut from the first.
    size
        Pixels of each side.
    hard
        How much pose, light, wear and pattern vary, 0 to 1.
    seed
        Of the training specimens, other than ``TEST_SEED``.
    """

    ring_count: int = 4
    train_per_class: int = 80
    test_per_class: int = 30
    size: int = 96
    hard: float = USUAL_HARDNESS
    seed: int = 1


def draw(drawn: Drawn, folder: Path) -> tuple[Specimens, Specimens]:
    """Return the specimens for training and for measuring; drawn once, below ``folder``.

    Raises
    ------
    UserError
        If other specimens lie there already.
    """
    if drawn.seed == TEST_SEED:
        raise UserError(f"seed {TEST_SEED} is that of the specimens that are measured: use another")
    parts = []
    for name, per_class, seed in (
        ("train", drawn.train_per_class, drawn.seed),
        ("test", drawn.test_per_class, TEST_SEED),
    ):
        place = folder / name
        if not place.exists():
            rings.write_collection(
                place, per_class, size=drawn.size, seed=seed, ring_count=drawn.ring_count,
                hard=drawn.hard, split=name,
            )  # fmt: skip
        settings = json.loads((place / "rings.json").read_text(encoding="utf-8"))
        wanted = {"generator": rings.GENERATOR_VERSION, "per_class": per_class, "seed": seed,
                  "size": drawn.size, "ring_count": drawn.ring_count, "hard": drawn.hard,
                  "shortcut": "none"}  # fmt: skip
        if settings != wanted:
            raise UserError(f"{place} was drawn with other settings: remove it, or name another")
        parts.append(Specimens.read(place / "specimens.csv"))
    return parts[0], parts[1]


def record_of(
    name: str,
    settings: Mapping[str, Any],
    seed: int,
    training: Specimens,
    test: Specimens,
    folder: Path,
    say: Say = print,
) -> dict[str, Any]:
    """Return the record of one setting and seed; train and measure where there is none.

    Parameters
    ----------
    name
        Of the setting; files are called by it.
    settings
        Changes of the preset ``small``.
    seed
        Of the training.
    training, test
        Specimens; validation is cut from the first.
    folder
        Where the record and the run lie.
    say
        Called with one line at a time.

    Returns
    -------
    dict
        What was trained, and what ``measure`` returned.

    Raises
    ------
    UserError
        If the record or the run there is of other settings or specimens.
    """
    config = build_config("small", {**settings, "seed": seed})
    path, run = record_path(folder, name, seed), run_path(folder, name, seed)
    asked = {
        "setting": name,
        "seed": seed,
        "settings": {"preset": "small", **settings},
        "specimens": {"train": training.fingerprint(), "test": test.fingerprint()},
    }
    if path.exists():
        stored = json.loads(path.read_text(encoding="utf-8"))
        if any(stored.get(key) != value for key, value in asked.items()):
            raise UserError(
                f"{path} is of other settings or specimens: remove it, or name another folder"
            )
        return dict(stored)
    seconds = _train(training, config, run, say)
    explainer = load(run, device="cpu")
    stored = RunFolder(run).config or {}
    record = {
        **asked,
        "parameters": sum(p.numel() for p in explainer.model.parameters()),
        "fingerprint": explainer.fingerprint,
        "seconds": seconds,
        "best_epoch": stored["best_epoch"],
        "counts": {key: stored["data"][key] for key in ("train", "validation")},
        **measure(explainer, test),
    }
    write_json(path, plain(record))
    say(f"{name}, seed {seed}: top-1 {np.mean(record['by_specimen']['right']):.1%}, {seconds} s")
    return dict(json.loads(path.read_text(encoding="utf-8")))


def run_path(folder: Path, name: str, seed: int) -> Path:
    """Return the run folder of a setting and seed."""
    return folder / f"{name.replace(' ', '_')}_seed_{seed}"


def record_path(folder: Path, name: str, seed: int) -> Path:
    """Return the record of a setting and seed."""
    return folder / f"{run_path(folder, name, seed).name}.json"


def _train(training: Specimens, config: TrainingConfig, run: Path, say: Say) -> float | None:
    """Train, or go on with a training; return its seconds, None where they are not known."""
    began, begun_before = time.monotonic(), run.exists()
    train(training, config, run, resume=True, device="cpu", say=say)
    return None if begun_before else round(time.monotonic() - began, 1)


def measure(explainer: Explainer, test: Specimens) -> dict[str, Any]:
    """Return what a model and its heads do on specimens, the query of the true class asking.

    Parameters
    ----------
    explainer
        With an INTR that knows the species.
    test
        A collection of mimicry rings.

    Returns
    -------
    dict
        ``by_specimen``: ``image``, ``label``, ``right``, ``hit`` (one of the three heads of the
        largest map maxima peaks on the diagnostic attribute), ``hit_chance``, ``effective_area``
        (mean over heads), ``head_similarity``, and ``class_distinctiveness`` (last decoder layer,
        mean over heads and pairs of classes).
        ``by_class``: ``label``, ``consistency``, ``distinctness`` (means over heads), ``n``.
    """
    model = explainer.model
    assert isinstance(model, INTR)
    class_ids = test.label_ids(explainer.classes)
    views = view_heads(
        explainer,
        test.paths,
        class_ids,
        Wishes(
            layers=frozenset(range(len(test))),
            pairs=class_pairs(len(explainer.classes), len(explainer.classes) ** 2, 0),
        ),
    )
    hit, of_chance = hit_by_top_heads(views, test)
    return {
        "by_specimen": {
            "image": test.table["image"].tolist(),
            "label": test.table["label"].tolist(),
            "right": (views.predicted == class_ids).tolist(),
            "hit": hit.tolist(),
            "hit_chance": of_chance.tolist(),
            "effective_area": views.areas.mean(axis=1).tolist(),
            "head_similarity": views.similarity.tolist(),
            "class_distinctiveness": views.layer_differences[:, -1].mean(axis=-1).tolist(),
        },
        "by_class": of_classes(views.descriptors, test),
    }


def hit_by_top_heads(
    views: HeadViews, test: Specimens
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return whether a top head peaks on the diagnostic attribute ``[n]``, and its chance ``[n]``.

    Where the attribute is absent, its place counts. Chance: that many peaks evenly at random on the
    specimen, independently of each other.
    """
    assert test.attributes is not None and test.pairs is not None
    diagnostic = {
        label: str(row.diagnostic)
        for row in test.pairs.itertuples()
        for label in (row.label_a, row.label_b)
    }
    table = test.attributes
    places = dict(zip(zip(table["image"], table["attribute"], strict=True), table["mask"],
                      strict=True))  # fmt: skip
    strongest = np.argsort(-views.map_maxima, axis=1, kind="stable")[:, :TOP_HEADS]
    hit, of_chance = [], []
    rows = zip(test.table["image"], test.table["label"], test.mask_paths, strict=True)
    for number, (image, label, outline) in enumerate(rows):
        shape = int(views.shapes[number, 0]), int(views.shapes[number, 1])
        assert outline is not None
        attribute = read_mask(test.root / places[image, diagnostic[label]], shape)
        tolerance = tolerance_for(shape, float(views.cells[number, 0]))
        peaks = views.points[number, strongest[number]]
        hit.append(bool(hits(peaks, attribute, tolerance).any()))
        once = chance(attribute, read_mask(outline, shape), tolerance)
        of_chance.append(1 - (1 - once) ** len(peaks))
    return np.array(hit), np.array(of_chance)


def of_classes(descriptors: NDArray[np.floating], test: Specimens) -> dict[str, list[Any]]:
    """Return consistency and distinctness of each class, means over its heads.

    Every specimen counts, rightly named or not, so that all models are compared on the same ones.
    """
    labels = test.table["label"].to_numpy()
    found: dict[str, list[Any]] = {"label": [], "consistency": [], "distinctness": [], "n": []}
    for label in test.classes:
        units = unit_descriptors(descriptors[labels == label])
        same_head, by_chance = mean_cosines(units)
        found["label"].append(label)
        found["consistency"].append(float(same_head.mean()) - by_chance)
        found["distinctness"].append(float(distinctness(units).mean()))
        found["n"].append(len(units))
    return found
