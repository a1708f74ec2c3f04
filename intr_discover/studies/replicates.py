"""The study ``replicates``: whether other trainings find the same."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from intr_discover.data.images import read_image
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer, load
from intr_discover.model.checkpoint import read_config
from intr_discover.model.intr import INTR
from intr_discover.studies.budget import StudyPlan, images_that_fit
from intr_discover.studies.replicate_edits import PASSES
from intr_discover.studies.replicate_exhibits import add_figures
from intr_discover.studies.replicate_maps import compare_maps
from intr_discover.studies.replicate_measures import (
    add_edits,
    add_maps,
    add_parts,
    add_places,
)
from intr_discover.studies.replicate_tables import (
    class_table,
    edit_table,
    matching_table,
    pair_table,
    summarise,
)
from intr_discover.studies.replicate_views import common_grid, view
from intr_discover.studies.replicate_words import findings
from intr_discover.studies.result import StudyResult
from intr_discover.studies.study import KeyNumber, Option, Study, StudyInputs

MOST_IMAGES = 500
"""Photographs that are compared at most unless all are wanted: their maps are held in memory."""

_SECONDS_A_FIGURE = 1.5
_SECONDS_AN_EDIT = 0.02  # finding a control, filling


def needs(inputs: StudyInputs) -> str | None:
    """Say that a comparison takes two, and maps."""
    if not isinstance(inputs.explainer.model, INTR):
        return "a plain classifier has no class queries, so there are no maps to compare"
    if len(inputs.explainer.classes) < 2:
        return "the model knows a single class, so its answer cannot change"
    if not inputs.options["others"]:
        return (
            "one training says nothing about others: train more of them with intr-discover "
            "discover DATA --replicates 3, or name those that you have with intr-discover study "
            "replicates RUN DATA --with RUN2 --with RUN3"
        )
    return None


def plan(inputs: StudyInputs) -> StudyPlan:
    """Return how many photographs all trainings are asked about."""
    available = len(inputs.specimens)
    trainings = 1 + len(inputs.options["others"] or ())
    model = inputs.explainer.model
    heads = model.config.heads if isinstance(model, INTR) else 0
    encodes, decodes = trainings * (1 + PASSES), trainings * (2 + heads + 1 + PASSES)
    drawing = 2 * _SECONDS_A_FIGURE
    speed = inputs.speed
    extra = (3 + trainings) * _SECONDS_AN_EDIT
    left = None if inputs.seconds is None else inputs.seconds * _share(encodes, decodes, inputs)
    images = images_that_fit(
        available if inputs.full else min(available, MOST_IMAGES),
        left,
        speed,
        encodes=encodes,
        decodes=decodes,
        extra_seconds=drawing,
    )
    return StudyPlan(
        images, available, encodes * images, decodes * images, drawing + extra * images
    )


def _share(encodes: int, decodes: int, inputs: StudyInputs) -> float:
    """Return which share of the time the models take; the edits themselves take the rest."""
    if inputs.speed is None:
        return 1.0
    asking = encodes * inputs.speed.encode + decodes * inputs.speed.decode
    return asking / (asking + (3 + len(inputs.options["others"] or ())) * _SECONDS_AN_EDIT)


def run(inputs: StudyInputs) -> StudyResult:
    """Ask all trainings about the same photographs, and compare maps, peaks, answers and edits.

    Returns
    -------
    StudyResult
        ``table``: one row a photograph: ``image``, ``label``, ``same_answer``, ``all_right``; as
        means over the pairs of trainings ``map_correlation``, ``head_correlation``,
        ``same_place``, ``same_part``, each with ``…_chance``; ``all_same_part``; for each training
        from 1 ``answer_<k>``, ``part_<k>``, and ``flip_<edit>_<k>`` for the edits of
        ``replicate_edits.EDITS``. ``tables``: ``classes``, ``edits``, ``pairs``, ``heads`` (which
        heads are matched), ``trainings``. ``summary``: see ``replicate_tables.summarise``.

    Raises
    ------
    UserError
        If another training cannot be read, is the same one, has no queries or does not know a
        label; if a photograph, mask or keypoint is at fault, or a model answers with NaN.
    """
    chosen = inputs.sample(plan(inputs).images)
    explainers = _trainings(inputs)
    progress = _Steps(inputs, (len(explainers) + 1) * len(chosen))
    grid = common_grid(explainers, _usual_shape(chosen))
    views = [
        view(
            explainer,
            chosen,
            grid,
            batch_size=inputs.batch_size,
            progress=progress.part(),
        )
        for explainer in explainers
    ]
    labels = chosen.table["label"].tolist()
    pairs = list(combinations(range(len(views)), 2))
    alike = [compare_maps(views[a].maps, views[b].maps, labels) for a, b in pairs]
    table = pd.DataFrame({"image": chosen.table["image"], "label": labels})
    table["same_answer"] = [
        len({each.answers[row] for each in views}) == 1 for row in range(len(chosen))
    ]
    table["all_right"] = np.all([each.right for each in views], axis=0)
    add_maps(table, alike)
    add_places(table, views, pairs, labels)
    add_parts(table, chosen, views, inputs.seed)
    for number, each in enumerate(views, 1):
        table[f"answer_{number}"] = each.answers
    add_edits(table, inputs, chosen, explainers, views, progress.part())
    names = [Path(each.source).name or f"training {n}" for n, each in enumerate(explainers, 1)]
    edits = edit_table(table, len(views))
    classes = class_table(table, inputs.seed)
    result = StudyResult(
        name="replicates",
        table=table,
        summary=summarise(table, classes, edits, len(views), inputs.seed),
        provenance=inputs.provenance(
            chosen,
            grid=list(grid),
            other_fingerprints=[each.fingerprint for each in explainers[1:]],
            other_photographs=_trained_elsewhere(explainers),
        ),
        tables={
            "classes": classes,
            "edits": edits,
            "pairs": pair_table(names, pairs, alike),
            "heads": matching_table(names, pairs, alike),
            "trainings": pd.DataFrame(
                {
                    "training": range(1, len(views) + 1),
                    "run": [each.source for each in explainers],
                    "fingerprint": [each.fingerprint for each in explainers],
                    "right": [float(each.right.mean()) for each in views],
                    "n": len(chosen),
                }
            ),
        },
    )
    add_figures(result, chosen, explainers, views)
    return result


class _Steps:
    """Counts the steps of several loops as one."""

    def __init__(self, inputs: StudyInputs, total: int) -> None:
        self._say, self._total, self._before = inputs.progress, total, 0

    def part(self) -> Any:
        """Return a callback for a loop that begins now."""
        before = self._before

        def say(done: int, total: int) -> None:
            self._before = before + done
            if self._say is not None:
                self._say(self._before, self._total)

        return say


def _trainings(inputs: StudyInputs) -> list[Explainer]:
    """Load the other trainings beside the first."""
    explainers = [inputs.explainer]
    for name in inputs.options["others"]:
        other = load(
            name, device=str(inputs.explainer.device), precision=inputs.explainer.precision
        )
        if not isinstance(other.model, INTR):
            raise UserError(f"--with {name}: a plain classifier has no maps to compare")
        same = [each.source for each in explainers if each.fingerprint == other.fingerprint]
        if same:
            raise UserError(
                f"--with {name}: its weights are those of {same[0]}; name another training"
            )
        inputs.specimens.label_ids(other.classes)
        explainers.append(other)
    return explainers


def _trained_elsewhere(explainers: Sequence[Explainer]) -> list[str]:
    """Return the other trainings that are known to have had other photographs than the first."""

    def photographs(explainer: Explainer) -> str | None:
        folder = Path(explainer.source)
        if not (folder / "config.json").is_file():
            return None
        data = read_config(folder).get("data") or {}
        return str(data["fingerprint"]) if "fingerprint" in data else None

    first = photographs(explainers[0])
    found = {each.source: photographs(each) for each in explainers[1:]}
    return [name for name, other in found.items() if first and other and other != first]


def _usual_shape(chosen: Specimens) -> tuple[int, int]:
    """Return height and width of the first photograph; maps of others are laid on its grid."""
    height, width = read_image(chosen.paths[0]).shape[:2]
    return height, width


STUDY = Study(
    name="replicates",
    title="Do other trainings find the same?",
    order=55,
    weight=1.0,
    needs=needs,
    plan=plan,
    run=run,
    findings=findings,
    reading=(
        "The same photographs were learned again from other random beginnings. What all trainings "
        "look at is in the photographs; what only one looks at may be its own habit. Trainings can "
        "be right for different reasons: where several attributes separate two species, each may "
        "pick another. So believe a region that all of them find, and whose erasure changes all "
        "their answers. Compare every likeness with its chance: all maps of specimens laid out "
        "alike are somewhat alike."
    ),
    key_numbers=(
        KeyNumber("species_agree", "species in which the trainings agree on where to look",
                  n="n_species_known"),
        KeyNumber("map_correlation", "correlation of mean maps of two trainings", "number",
                  "n_map_correlation"),
        KeyNumber("map_correlation_chance", "the same, other photographs of the species", "number",
                  None),
        KeyNumber("head_correlation", "correlation of matched heads", "number",
                  "n_head_correlation"),
        KeyNumber("head_correlation_chance", "the same, other photographs of the species", "number",
                  None),
        KeyNumber("same_place", "peaks of two trainings at one place", n="n_same_place"),
        KeyNumber("same_place_chance", "the same, peaks of other photographs", n=None),
        KeyNumber("same_part", "peaks of two trainings on the same part", n="n_same_part"),
        KeyNumber("same_part_chance", "the same, random points on the specimen", n=None),
        KeyNumber("same_answer", "photographs to which all give the same answer"),
        KeyNumber("own_agreement", "own region erased: all or none change their answer",
                  n="n_own"),
        KeyNumber("first_agreement", "first training's region erased: all or none change theirs",
                  n="n_first"),
        KeyNumber("first_all", "the same: all change theirs", n="n_first"),
        KeyNumber("control_all", "region of that shape elsewhere: all change theirs",
                  n="n_control"),
        KeyNumber("attribute_agreement", "attribute erased: all or none change their answer",
                  n="n_attribute"),
    ),
    options=(
        Option(
            "others", "Another training of the same photographs (can be repeated).", str,
            flag="--with", repeated=True,
        ),
        Option("pairs", "Table of look-alikes: label_a, label_b, and if known diagnostic."),
    ),
)  # fmt: skip
