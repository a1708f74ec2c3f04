"""The study ``heads``: whether a head finds the same attribute in every specimen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.method import Units
from intr_discover.figures.head_names import HeadNames
from intr_discover.model.intr import INTR
from intr_discover.studies.budget import (
    FEWEST_IMAGES,
    StudyPlan,
    images_that_fit,
    stratified_sample,
)
from intr_discover.studies.consistency import FEWEST
from intr_discover.studies.head_card import head_card, with_names
from intr_discover.studies.head_descriptors import HeadViews, Wishes, class_pairs, view_heads
from intr_discover.studies.head_exhibits import (
    Look,
    Strongest,
    add_figures,
    classes_to_show,
    drawing_seconds,
    picture_of,
)
from intr_discover.studies.head_findings import findings
from intr_discover.studies.head_sampling import choose
from intr_discover.studies.head_summary import layer_table, part_table, summarise
from intr_discover.studies.judge import load_run
from intr_discover.studies.part_hits import Parts, hit_parts
from intr_discover.studies.result import StudyResult
from intr_discover.studies.right_wrong import agreement_with_class, compare
from intr_discover.studies.studied import Picture
from intr_discover.studies.study import KeyNumber, Option, Study, StudyInputs
from intr_discover.studies.unit_views import view_units

MOST_LAYER_IMAGES = 24
MOST_CLASS_PAIRS = 120

_QUERIES = 2  # of a photograph: its own class, and the answer where that is another

# Of the time for the model: for looking at many photographs, and for comparing layers. The rest is
# for switching heads off and for noise.
_FIRST_SHARE, _LAYER_SHARE = 0.55, 0.1
_SECONDS_A_CLASS = 0.08  # permutations and bootstraps
_MOST_PER_HEAD = 6


@dataclass(frozen=True)
class _Sample:
    """Places among all photographs, and places among those of what takes longer."""

    images: NDArray[np.int64]
    importance: frozenset[int]
    noise: frozenset[int]
    layers: frozenset[int]


@dataclass(frozen=True)
class _Seen:
    """What was looked at, what came out, and what is to be recorded of how."""

    photographs: Specimens
    views: HeadViews
    strongest: Strongest
    names: HeadNames
    record: dict[str, Any]


def needs(inputs: StudyInputs) -> str | None:
    """Say that a plain classifier has no heads to ask, and a single map no units."""
    method = inputs.method
    if method is not None:
        if method.one_map:
            return f"{method.name} has a single map: there are no units to compare with each other"
        if method.explainer is None and inputs.options["judge"] is None:
            return (
                f"what a unit of {method.name} sees is described by another model: name a run with "
                "--judge, such as the plain classifier that was trained beside it"
            )
        return None
    if isinstance(inputs.explainer.model, INTR):
        return None
    return (
        "a plain classifier has no class queries and no attention heads; for another way to "
        "explain it, name it with --method"
    )


def plan(inputs: StudyInputs) -> StudyPlan:
    """Return how many photographs are looked at, and the passes of the model.

    Raises
    ------
    UserError
        If an option has a value that it cannot have.
    """
    _check_options(inputs)
    if inputs.method is not None:  # how it explains itself is its own affair
        return StudyPlan(len(inputs.specimens), len(inputs.specimens), 0, 0)
    sample, extra = _sample(inputs)
    config = _model(inputs).config
    n, again, switched = len(sample.images), len(sample.noise), len(sample.importance)
    decodes = _QUERIES * n
    decodes += again + switched * (config.heads + 1) + len(sample.layers) * config.decoder_layers
    return StudyPlan(n, len(inputs.specimens), n + again, decodes, extra)


def run(inputs: StudyInputs) -> StudyResult:
    """Look at the photographs with the query of their own class, and describe every head.

    Returns
    -------
    StudyResult
        ``table``: the head report card, one row for each class and head, see ``head_card``.
        ``tables``: ``photographs`` (one row each), ``peaks`` (one for each photograph and head),
        ``layers`` (how far the maps of class queries differ), ``right_wrong``, and where parts are
        known ``parts`` (in how many classes a head looks at a part). ``summary``: see
        ``summarise``.

    Raises
    ------
    UserError
        If an option has a value that it cannot have, a photograph or mask cannot be read or does
        not fit, or the model answers with NaN.
    """
    _check_options(inputs)
    looking = _look_at_heads if inputs.method is None else _look_at_units
    seen = looking(inputs)
    chosen, views, strongest = seen.photographs, seen.views, seen.strongest
    classes = inputs.studied.classes
    class_ids = chosen.label_ids(classes)
    only_right = inputs.options["images"] == "right"
    parts = hit_parts(chosen, views, radius=inputs.options["keypoint_radius"], seed=inputs.seed)
    right = views.predicted == class_ids
    counted = right if only_right else np.ones(len(right), dtype=bool)
    labels = chosen.table["label"].to_numpy()
    rows = [np.flatnonzero((labels == label) & counted) for label in chosen.classes]
    card = head_card(chosen.classes, rows, views, parts, inputs.seed)
    if seen.names:
        card = with_names(card, seen.names)
    photographs = _photographs(chosen, views, classes, right, counted)
    told = compare(photographs, inputs.seed)
    result = StudyResult(
        name="heads",
        table=card,
        summary={
            **summarise(card, photographs, views.layer_differences, told, inputs.seed),
            "n_classes_available": len(inputs.specimens.classes),
        },
        provenance=inputs.provenance(chosen, **seen.record),
        tables={
            "photographs": photographs,
            "peaks": _peaks(chosen, views, parts),
            "right_wrong": pd.DataFrame([told]),
        },
    )
    if inputs.method is None:
        result.tables["layers"] = layer_table(views.layer_differences, inputs.seed)
        if parts is not None:  # a unit of one number is another thing for another class
            result.tables["parts"] = part_table(card)
    else:
        result.summary["method"] = inputs.method.name
    add_figures(result, strongest, views)
    return result


def _look_at_heads(inputs: StudyInputs) -> _Seen:
    """Look with the query of each photograph's own class."""
    explainer = inputs.explainer
    sample, _ = _sample(inputs)
    chosen = inputs.specimens.with_table(inputs.specimens.table.iloc[sample.images])
    strongest, stride = _strongest(inputs, chosen), _model(inputs).stride
    pairs = class_pairs(len(explainer.classes), MOST_CLASS_PAIRS, inputs.seed)

    def keep(row: int, right: bool, maps: NDArray[np.float32], image: Tensor) -> None:
        picture = partial(picture_of, image, explainer.preprocessing)
        read = (int(image.shape[1]), int(image.shape[2]))
        strongest.offer(row, right, Look(maps, maps.max(axis=(1, 2)), picture, stride, read))

    views = view_heads(
        explainer,
        chosen.paths,
        chosen.label_ids(explainer.classes),
        Wishes(
            sample.importance,
            sample.noise,
            sample.layers if len(pairs) else frozenset(),
            pairs,
            inputs.seed,
        ),
        batch_size=inputs.batch_size,
        keep=keep,
        progress=inputs.progress,
    )
    record = {
        "images_with_importance": len(sample.importance),
        "images_with_noise": len(sample.noise),
        "images_of_layers": len(sample.layers),
        "class_pairs": len(pairs),
    }
    return _Seen(chosen, views, strongest, inputs.names, record)


def _look_at_units(inputs: StudyInputs) -> _Seen:
    """Look with another method's units of each photograph's own class."""
    method, chosen, run = inputs.method, inputs.specimens, inputs.options["judge"]
    assert method is not None
    judge = method.explainer if run is None else load_run("judge", run, inputs.device)
    assert judge is not None, "needs() has refused a method without a judge"
    strongest = _strongest(inputs, chosen)

    def keep(row: int, right: bool, units: Units, photograph: Picture) -> None:
        look = Look(
            units.shares(), units.strengths, lambda: photograph, units.stride, units.resized_shape
        )
        strongest.offer(row, right, look)

    views, names = view_units(
        method,
        judge,
        chosen.paths,
        chosen.label_ids(method.classes),
        batch_size=inputs.batch_size,
        keep=keep,
        progress=inputs.progress,
    )
    return _Seen(chosen, views, strongest, names, {"judge_fingerprint": judge.fingerprint})


def _strongest(inputs: StudyInputs, chosen: Specimens) -> Strongest:
    return Strongest(
        chosen,
        classes_to_show(chosen, inputs.full),
        inputs.options["per_head"],
        inputs.options["images"] == "right",
    )


def _sample(inputs: StudyInputs) -> tuple[_Sample, float]:
    """Return which photographs are looked at, and the seconds that drawing and sums take."""
    labels = inputs.specimens.table["label"].tolist()
    config, speed = _model(inputs).config, inputs.speed
    known = inputs.specimens.keypoints is not None or inputs.specimens.attributes is not None
    extra = drawing_seconds(inputs.specimens, inputs.full) + len(set(labels)) * _SECONDS_A_CLASS
    model = None if inputs.seconds is None else max(0.0, inputs.seconds - extra)

    def fit(count: int, seconds: float | None, encodes: float, decodes: float, fewest: int) -> int:
        return images_that_fit(
            count, seconds, speed, encodes=encodes, decodes=decodes, fewest=fewest
        )

    first = None if model is None else _FIRST_SHARE * model
    images = choose(labels, fit(len(labels), first, 1, _QUERIES, FEWEST_IMAGES), inputs.seed)
    n, layers = len(images), config.decoder_layers
    chosen = [labels[row] for row in images]
    share = None if model is None else _LAYER_SHARE * model
    compared = fit(min(n, MOST_LAYER_IMAGES), share, 0, layers, 0)
    left = None
    if model is not None and speed is not None:
        left = model - n * (speed.encode + _QUERIES * speed.decode)
        left -= compared * layers * speed.decode
    closely = fit(n, left, float(known), config.heads + 1.0 + known, 0)
    several = config.num_classes > 1

    def drawn(count: int, wanted: bool) -> frozenset[int]:
        rows = stratified_sample(chosen, count, inputs.seed).tolist()
        return frozenset(rows if wanted else ())

    # Importance is a mean, for which a few photographs of each class will do; stability needs
    # enough of a class to be a share at all.
    enough = known and closely >= min(FEWEST, n)
    noise = frozenset(choose(chosen, closely, inputs.seed).tolist() if enough else ())
    return _Sample(images, drawn(closely, several), noise, drawn(compared, several)), extra


def _model(inputs: StudyInputs) -> INTR:
    model = inputs.explainer.model
    assert isinstance(model, INTR), type(model)
    return model


def _check_options(inputs: StudyInputs) -> None:
    options = inputs.options
    if options["judge"] is not None and inputs.method is None:
        raise UserError("--judge sees for the units of another method: name that with --method")
    if options["images"] not in ("right", "all"):
        raise UserError(f"--images {options['images']} is unknown: use right or all")
    if not 0 <= options["keypoint_radius"] <= 0.5:
        raise UserError(
            f"--keypoint-radius {options['keypoint_radius']:g} must lie between 0 and 0.5: it is a "
            "share of the photograph's short side"
        )
    if not 1 <= options["per_head"] <= _MOST_PER_HEAD:
        raise UserError(f"--per-head {options['per_head']} must be 1 to {_MOST_PER_HEAD}")


def _photographs(
    chosen: Specimens,
    views: HeadViews,
    classes: Sequence[str],
    right: NDArray[np.bool_],
    counted: NDArray[np.bool_],
) -> pd.DataFrame:
    """Return one row a photograph; area and agreement are those of the class answered."""
    return pd.DataFrame(
        {
            "image": chosen.table["image"],
            "label": chosen.table["label"],
            "predicted": [classes[answer] for answer in views.predicted],
            "right": right,
            "counted": counted,
            "head_similarity": views.similarity,
            "effective_area": np.nanmean(views.answered_areas, axis=1),
            "agreement": agreement_with_class(
                views.answered_descriptors, views.predicted, right, views.answered_counts
            ),
        }
    )


def _peaks(chosen: Specimens, views: HeadViews, parts: Parts | None) -> pd.DataFrame:
    """Return one row for each photograph and head: where the peak lies, and on what."""
    n, heads = views.map_maxima.shape
    table = pd.DataFrame(
        {
            "image": np.repeat(chosen.table["image"].to_numpy(), heads),
            "label": np.repeat(chosen.table["label"].to_numpy(), heads),
            "head": np.tile(np.arange(heads), n),
            "x": views.points[..., 0].reshape(-1),
            "y": views.points[..., 1].reshape(-1),
            "map_maximum": views.map_maxima.reshape(-1),
            "peak": views.peaks.reshape(-1),
            "effective_area": views.areas.reshape(-1),
            "importance": views.importance.reshape(-1),
        }
    )
    if parts is not None:
        names = np.array(parts.named, dtype=object)
        flat = parts.hit.reshape(n * heads, -1)
        table["parts"] = ["; ".join(names[row]) for row in flat]
    return table[table["map_maximum"].notna()].reset_index(drop=True)


STUDY = Study(
    name="heads",
    title="Does a head look for one thing?",
    order=30,
    weight=2.0,
    needs=needs,
    plan=plan,
    run=run,
    findings=findings,
    reading=(
        "A consistent head picks up the same in different photographs of a class; a distinct one "
        "picks up something that no other head does; an important one changes the decision when it "
        "is switched off. Give a name to a head that is all three and has a place. A head that "
        "looks almost everywhere alike can be consistent too: it sees the colour of the whole "
        "specimen, and its peak means little. Compare every share with its chance."
    ),
    key_numbers=(
        KeyNumber("consistent_head_share", "heads that are consistent", n="n_heads"),
        KeyNumber("mean_consistency", "mean consistency of heads", "number", "n_heads"),
        KeyNumber("mean_distinctness", "mean distinctness of heads", "number", "n_heads"),
        KeyNumber("concentrated_head_share", "heads that have a place", n="n_heads"),
        KeyNumber("important_head_share", "heads that matter", n="n_importance_heads"),
        KeyNumber(
            "class_distinctiveness", "difference between the maps of two classes", "number",
            "n_layers_images",
        ),
        KeyNumber("head_similarity", "correlation of the maps of two heads", "number", "n"),
        KeyNumber("same_part_share", "photographs in which a consistent head hits its usual part",
                  n="n_same_part_heads"),
        KeyNumber("same_part_share_concentrated", "the same, heads that have a place",
                  n="n_same_part_heads_concentrated"),
        KeyNumber("same_part_chance_point", "the same for random points on the specimen", n=None),
        KeyNumber("part_consistency", "part-consistent heads (Huang et al. 2023)",
                  n="n_part_heads"),
        KeyNumber("stability", "stability of parts under noise", n="n_stability_heads"),
        KeyNumber("purity", "purity (Nauta et al. 2023)", "number", "n_purity_heads"),
        KeyNumber("auroc_agreement", "right photographs told from wrong ones by agreement",
                  "number", "n_wrong"),
        KeyNumber("auroc_concentration", "right photographs told from wrong ones by concentration",
                  "number", "n_wrong"),
    ),
    options=(
        Option("images", "Photographs that count: right (correctly named) or all.", str, "right"),
        Option("per_head", "Photographs of each head in the atlas.", int, 4),
        Option(
            "keypoint_radius",
            "Radius of a keypoint, as a share of the photograph's short side.",
            float,
            0.0,
        ),
        Option("judge", "With --method: the run that sees for its units; default its own model."),
    ),
    any_method=True,
)  # fmt: skip
