"""The measuring of the study ``faithfulness``: photographs, maps, changed pictures, rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intr_discover.data.images import to_array
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.method import Method
from intr_discover.figures.overlay import resize_photograph
from intr_discover.figures.side_by_side import Row
from intr_discover.model.intr import INTR
from intr_discover.studies.budget import stratified_sample
from intr_discover.studies.faithfulness_design import Design
from intr_discover.studies.judge import INTR_ITSELF, Judge, load_run
from intr_discover.studies.looking import Regions
from intr_discover.studies.map_regions import OnRegion, score_regions, tolerance_of
from intr_discover.studies.perturbation import (
    WHOLE,
    Ranking,
    State,
    area_under,
    changed_shares,
    curve_of,
    patch_grid,
    pictures_of,
    rank_patches,
    rank_pixels,
    score_pictures,
)
from intr_discover.studies.saliency_methods import ALL_METHODS, Markers, require_finite
from intr_discover.studies.studied import labels_answered
from intr_discover.studies.study import StudyInputs

_EXHIBITS = 8
_KEPT_SIDE = 480  # pixels; what a figure can show of a small panel

Curves = dict[tuple[str, str], list[NDArray[np.float64]]]


@dataclass
class Subject:
    """One photograph that is measured.

    Attributes
    ----------
    image, path, label, asked
        Its name in the table, its file, its true class, and the judge's answer, whose probability
        is followed and whose maps are made.
    """

    image: str
    path: Path
    label: str
    asked: str
    rankings: dict[str, Ranking] = field(default_factory=dict)
    regions: dict[str, OnRegion] = field(default_factory=dict)
    flat: dict[str, bool] = field(default_factory=dict)
    scores: dict[State, float] = field(default_factory=dict)
    causal_is_mean: bool = False
    region_share: float = math.nan


def choose_markers(inputs: StudyInputs, chosen: Design) -> Markers:
    """Load the models that make maps and the one that judges them, each once."""
    own = inputs.explainer if inputs.method is None else inputs.method.explainer
    device, precision = (inputs.device, "fp32") if own is None else (own.device, own.precision)
    loaded = {
        run: load_run(option, run, device, precision)
        for option, run in (("judge", chosen.judge), ("plain", chosen.plain))
        if run is not None and run != INTR_ITSELF
    }
    plain = None if chosen.plain is None else loaded[chosen.plain]
    if plain is not None and isinstance(plain.model, INTR):
        raise UserError(
            f"--plain {chosen.plain}: this run is no plain classifier; name one trained with "
            "--model plain, or use it as --judge"
        )
    judging = loaded.get(chosen.judge, own)
    assert judging is not None, "needs() has refused a method without a judge"
    return Markers(inputs.studied, Judge(judging, str(chosen.judge)), plain)


def choose_subjects(
    inputs: StudyInputs, chosen: Design, markers: Markers
) -> tuple[list[Subject], int]:
    """Return the photographs to measure, and how many were classified to find them."""
    candidates = inputs.sample(chosen.looked_at)
    images = candidates.table["image"].tolist()
    studied = inputs.studied
    answers = labels_answered(studied, candidates, inputs.batch_size)
    judged = answers
    own = studied.explainer if isinstance(studied, Method) else studied
    if markers.judge.explainer is not own:
        judged = labels_answered(markers.judge.explainer, candidates, inputs.batch_size)
    labels = candidates.table["label"].tolist()
    known = set(studied.classes)
    kept = [
        place
        for place, (label, answer, verdict) in enumerate(zip(labels, answers, judged, strict=True))
        if (answer == label == verdict if chosen.images == "both_right" else verdict in known)
    ]
    if not kept:
        wish = (
            "that the model and the judge both name rightly; take all with --images all"
            if chosen.images == "both_right"
            else "whose answer by the judge is a class of the model"
        )
        raise UserError(
            f"{inputs.specimens.source}: among {len(images)} photographs there is none {wish}"
        )
    drawn = stratified_sample([labels[row] for row in kept], chosen.photographs, inputs.seed)
    return [
        Subject(images[row], candidates.paths[row], labels[row], judged[row])
        for row in (kept[place] for place in drawn)
    ], len(images)


@dataclass
class Measured:
    """What came out: rows of the table, curves by method, photographs to show, kind of region."""

    rows: list[dict[str, Any]]
    curves: Curves
    exhibits: list[Row]
    region: str | None


def measure(
    inputs: StudyInputs, chosen: Design, markers: Markers, subjects: list[Subject]
) -> Measured:
    """Make the maps, the changed pictures and their scores, one stream for all photographs."""
    labels = [subject.label for subject in subjects]
    with_rise = set(stratified_sample(labels, chosen.with_rise, inputs.seed).tolist())
    shown = _exhibited(labels, with_rise, None if inputs.full else _EXHIBITS)
    region = _KnownRegions(inputs.specimens)
    measured = Measured([], {}, [], region.kind)

    def pictures() -> Iterator[tuple[tuple[int, State], NDArray[np.float32]]]:
        for number, subject in enumerate(subjects):
            methods = [*chosen.methods, *(["rise"] if number in with_rise else [])]
            photograph = to_array(subject.path)
            maps = _prepare(inputs, chosen, markers, subject, photograph, methods, number, region)
            if number in shown:
                measured.exhibits.append(_row(subject, photograph, maps))
            picture = markers.judge.picture(photograph)
            for state, pixels in pictures_of(
                picture, subject.rankings, chosen.steps, chosen.curves
            ):
                yield (number, state), pixels

    done = 0
    for (number, state), row in score_pictures(
        pictures(), markers.judge.probabilities, inputs.batch_size
    ):
        while done < number:  # all pictures of the photographs before have come back
            _finish(subjects[done], chosen, measured)
            done += 1
            if inputs.progress is not None:
                inputs.progress(done, len(subjects))
        subject = subjects[number]
        score = float(row[markers.judge.explainer.classes.index(subject.asked)])
        if not math.isfinite(score):
            method = ALL_METHODS.get(state[0], "no method yet")
            raise UserError(
                f"{subject.image}: the judge's probability is no number (NaN) for a picture "
                f"changed in the order of '{method}'; the judge's weights are damaged"
            )
        subject.scores[state] = score
    _finish(subjects[done], chosen, measured)
    if inputs.progress is not None:
        inputs.progress(len(subjects), len(subjects))
    return measured


def _prepare(
    inputs: StudyInputs,
    chosen: Design,
    markers: Markers,
    subject: Subject,
    photograph: NDArray[np.uint8],
    methods: list[str],
    number: int,
    region: _KnownRegions,
) -> dict[str, NDArray[np.float32]]:
    """Make the maps of a photograph, their orders, and their scores on the known region."""
    marked = markers.mark(
        photograph,
        subject.asked,
        methods,
        rise_settings=chosen.rise,
        seed=(inputs.seed, number),
        batch_size=inputs.batch_size,
    )
    require_finite(marked.maps, subject.image)
    subject.causal_is_mean = marked.causal_is_mean
    subject.flat = {name: bool(np.ptp(each) == 0) for name, each in marked.maps.items()}
    by_pixel = {
        name: rank_pixels(each, (inputs.seed, number, place))
        for place, (name, each) in enumerate(marked.maps.items())
    }
    subject.rankings = by_pixel
    if chosen.unit == "patches":
        shape = next(iter(marked.maps.values())).shape
        patches = patch_grid((shape[0], shape[1]), marked.cell)
        subject.rankings = {
            name: rank_patches(each, patches, (inputs.seed, number, place))
            for place, (name, each) in enumerate(marked.maps.items())
        }
    original = (photograph.shape[0], photograph.shape[1])
    mask = region.mask(subject.image, subject.label, original)
    if mask is not None and mask.any():
        height, width = next(iter(marked.maps.values())).shape
        cell = max(marked.cell[0] * original[0] / height, marked.cell[1] * original[1] / width)
        peaks = {name: ranking.peak() for name, ranking in by_pixel.items()}
        subject.regions = score_regions(marked.maps, peaks, mask, tolerance_of(original, cell))
        subject.region_share = float(mask.mean())
    return marked.maps


def _finish(subject: Subject, chosen: Design, measured: Measured) -> None:
    """Turn the scores of a photograph into rows and curves, and let go of its orders."""
    grid = np.linspace(0, 1, chosen.steps + 1)
    for method, ranking in subject.rankings.items():
        areas = dict.fromkeys(("insertion", "deletion", "lerf"), math.nan)
        for curve in chosen.curves:
            ordered = ranking.reversed() if curve == "lerf" else ranking
            shares = changed_shares(ordered, chosen.steps)
            scores = curve_of(subject.scores, method, curve, len(shares))
            areas[curve] = area_under(scores, shares)
            # Pictures of fewer units than steps have a coarser curve.
            measured.curves.setdefault((method, curve), []).append(np.interp(grid, shares, scores))
        on_region = subject.regions.get(method)
        measured.rows.append(
            {
                "image": subject.image,
                "label": subject.label,
                "asked": subject.asked,
                "probability": subject.scores[WHOLE],
                "method": method,
                **areas,
                "srg": areas["lerf"] - areas["deletion"],
                "pointing": math.nan if on_region is None else float(on_region.pointing),
                "energy": math.nan if on_region is None else on_region.energy,
                "lift": math.nan if on_region is None else on_region.lift,
                "region_share": subject.region_share,
                "flat": subject.flat[method],
                "causal_is_mean": subject.causal_is_mean,
            }
        )
    subject.rankings, subject.scores = {}, {}


class _KnownRegions:
    """What maps should lie on: the attributes that separate look-alikes, else the specimen."""

    def __init__(self, specimens: Specimens) -> None:
        diagnostics: dict[str, set[str]] = {}
        pairs = specimens.pairs
        if pairs is not None and "diagnostic" in pairs and specimens.attributes is not None:
            for a, b, name in zip(
                pairs["label_a"], pairs["label_b"], pairs["diagnostic"], strict=True
            ):
                if isinstance(name, str):
                    diagnostics.setdefault(a, set()).add(name)
                    diagnostics.setdefault(b, set()).add(name)
        self._regions = Regions(specimens, diagnostics)
        self.kind: str | None = None
        if any(label in diagnostics for label in specimens.classes):
            self.kind = "attribute"
        elif any(path is not None for path in specimens.mask_paths):
            self.kind = "specimen"

    def mask(self, image: str, label: str, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
        """Return the region of a photograph, ``[H, W]``; None where it is not known."""
        if self.kind == "specimen":
            return self._regions.specimen(image, shape)
        wanted = self._regions.diagnostics.get(label, set())
        found = [
            mask for name, mask in self._regions.attributes(image, shape).items() if name in wanted
        ]
        return np.any(found, axis=0) if found else None


def _exhibited(labels: list[str], with_rise: set[int], most: int | None) -> set[int]:
    """Return which photographs are shown: one a class, those with a RISE map first."""
    order = sorted(range(len(labels)), key=lambda place: (place not in with_rise, place))
    of_label: dict[str, int] = {}
    for place in order:
        of_label.setdefault(labels[place], place)
    chosen = sorted(of_label.values(), key=lambda place: (place not in with_rise, place))
    return set(chosen[:most])


def _row(
    subject: Subject, photograph: NDArray[np.uint8], maps: dict[str, NDArray[np.float32]]
) -> Row:
    """Keep of a photograph what a figure can show."""
    shrink = min(1.0, _KEPT_SIDE / max(photograph.shape[:2]))
    small = resize_photograph(
        photograph, *(max(1, round(side * shrink)) for side in photograph.shape[:2])
    )
    wrong = "" if subject.asked == subject.label else f", taken for {subject.asked}"
    return Row(f"{subject.label}{wrong}", small, maps)
