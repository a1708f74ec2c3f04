"""The study ``replicates``: whether other trainings find the same."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intr_discover.data.images import read_image
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer, load
from intr_discover.explain.maps import place_on_photograph
from intr_discover.figures.panels import drawing_grid
from intr_discover.figures.replicates import MOST_SPECIES, replicates_figure
from intr_discover.figures.strips import Panel, Strip, strips_figure
from intr_discover.model.checkpoint import read_config
from intr_discover.model.intr import INTR
from intr_discover.studies.budget import StudyPlan, images_that_fit
from intr_discover.studies.looking import Regions, reduced
from intr_discover.studies.pairs import diagnostics_of, known_pairs
from intr_discover.studies.part_hits import BESIDE, hit_parts
from intr_discover.studies.pointing import tolerance_for
from intr_discover.studies.replicate_edits import EDITS, PASSES, changed_answers
from intr_discover.studies.replicate_maps import (
    Alike,
    compare_maps,
    near_each_other,
    share_a_part,
)
from intr_discover.studies.replicate_tables import (
    class_table,
    edit_table,
    matching_table,
    pair_table,
    summarise,
)
from intr_discover.studies.replicate_views import View, common_grid, peaks_as_heads, view
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
    _add_maps(table, alike)
    _add_places(table, views, pairs, labels)
    _add_parts(table, chosen, views, inputs.seed)
    for number, each in enumerate(views, 1):
        table[f"answer_{number}"] = each.answers
    _add_edits(table, inputs, chosen, explainers, views, progress)
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
    _add_figures(result, chosen, explainers, views)
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
        other = load(name, device=str(inputs.explainer.device))
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


def _add_maps(table: pd.DataFrame, alike: Sequence[Alike]) -> None:
    table["map_correlation"] = _mean([each.mean_map for each in alike])
    table["map_correlation_chance"] = _mean([each.mean_map_chance for each in alike])
    table["head_correlation"] = _mean([each.heads for each in alike])
    table["head_correlation_chance"] = _mean([each.heads_chance for each in alike])


def _add_places(
    table: pd.DataFrame,
    views: Sequence[View],
    pairs: Sequence[tuple[int, int]],
    labels: Sequence[str],
) -> None:
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


def _add_parts(table: pd.DataFrame, chosen: Specimens, views: Sequence[View], seed: int) -> None:
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


def _add_edits(
    table: pd.DataFrame,
    inputs: StudyInputs,
    chosen: Specimens,
    explainers: Sequence[Explainer],
    views: Sequence[View],
    progress: _Steps,
) -> None:
    diagnostics = diagnostics_of(known_pairs(inputs))
    regions = Regions(chosen, diagnostics)
    columns = {
        f"flip_{name}_{number}": np.full(len(chosen), np.nan)
        for name in EDITS
        for number in range(1, len(views) + 1)
    }
    say = progress.part()
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
        say(row + 1, len(chosen))
    for name, values in columns.items():
        table[name] = values


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


def _add_figures(
    result: StudyResult,
    chosen: Specimens,
    explainers: Sequence[Explainer],
    views: Sequence[View],
) -> None:
    trainings, classes = len(views), result.tables["classes"]
    result.drawings["agreement"] = partial(
        replicates_figure, classes, result.tables["edits"], trainings
    )
    more = (
        f" The {MOST_SPECIES} of {len(classes)} species that agree least."
        if len(classes) > MOST_SPECIES
        else ""
    )
    result.captions["agreement"] = (
        f"Do {trainings} trainings find the same? Left: correlation of their mean maps in the "
        "photographs of each species, with 95 % intervals and number of photographs; the grey "
        "tick is the correlation with maps of other photographs of the species. Filled: they "
        f"agree.{more} Right: share of the photographs that all name rightly in which an edit "
        "changes the answers of all trainings, of some, or of none."
    )
    shown = _examples(result.table)
    if shown:
        strips = [_strip(result.table, row, words, chosen, explainers, views)
                  for words, row in shown.items()]  # fmt: skip
        uniform = float(views[0].heads.uniform[next(iter(shown.values()))])
        legend = (
            "Mean of all heads, query of the true class, one map a training. White line: half of "
            "the map's own maximum; dot: its peak."
        )
        result.drawings["examples"] = partial(strips_figure, strips, uniform=uniform, legend=legend)
        result.captions["examples"] = (
            "The photographs on whose maps the trainings agree most, as usual (the median), and "
            "least. r: mean correlation of the maps."
        )


def _examples(table: pd.DataFrame) -> dict[str, int]:
    """Return the rows with the best, the median and the worst correlation, by what they show."""
    order = table["map_correlation"].dropna().sort_values(kind="stable").index.tolist()
    if not order:
        return {}
    wanted = {"agree most": order[-1], "as usual": order[len(order) // 2], "agree least": order[0]}
    rows: dict[str, int] = {}
    for words, row in wanted.items():
        if row not in rows.values():
            rows[words] = int(row)
    return rows


def _strip(
    table: pd.DataFrame,
    row: int,
    words: str,
    chosen: Specimens,
    explainers: Sequence[Explainer],
    views: Sequence[View],
) -> Strip:
    photograph = read_image(chosen.paths[row])
    height, width = photograph.shape[:2]
    small = reduced(photograph)
    panels = [Panel(small, Path(table["image"][row]).name)]
    for number, (explainer, each) in enumerate(zip(explainers, views, strict=True), 1):
        assert isinstance(explainer.model, INTR)
        # Weights of coarser cells are larger: brought to the cells of the first training.
        finer = float(views[0].heads.uniform[row] / each.heads.uniform[row])
        cells = each.mean_maps[row] * np.float32(finer)
        size = int(each.resized[row, 0]), int(each.resized[row, 1])
        grid = drawing_grid(*small.shape[:2])
        x, y = each.mean_peaks[row]
        panels.append(
            Panel(
                small,
                f"training {number}: {each.answers[row]}",
                place_on_photograph(cells, explainer.model.stride, size, grid),
                float(cells.max()),
                [((x + 0.5) / width, (y + 0.5) / height)],
            )
        )
    correlation = table["map_correlation"][row]
    return Strip(f"{words}: {table['label'][row]} (r = {correlation:.2f})", panels)


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
