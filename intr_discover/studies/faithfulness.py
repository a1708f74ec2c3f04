"""The study ``faithfulness``: whether maps mark what the model's answer rests on."""

from __future__ import annotations

from functools import partial

import pandas as pd

from intr_discover.data.images import to_array
from intr_discover.figures.faithfulness import curves_figure, randomisation_figure, scores_figure
from intr_discover.figures.side_by_side import Row, rows_on_a_page, side_by_side_figure
from intr_discover.model.intr import INTR
from intr_discover.studies.budget import StudyPlan
from intr_discover.studies.faithfulness_design import PHOTOGRAPHS, WITH_RISE, Design, design
from intr_discover.studies.faithfulness_measure import (
    Subject,
    choose_markers,
    choose_subjects,
    measure,
)
from intr_discover.studies.faithfulness_tables import (
    curves_table,
    differences_table,
    methods_table,
    randomisation_table,
    summarise,
)
from intr_discover.studies.faithfulness_words import findings
from intr_discover.studies.judge import INTR_ITSELF
from intr_discover.studies.perturbation import STEPS
from intr_discover.studies.randomisation import randomise_cascade
from intr_discover.studies.result import StudyResult
from intr_discover.studies.saliency_methods import ALL_METHODS
from intr_discover.studies.study import KeyNumber, Option, Study, StudyInputs


def needs(inputs: StudyInputs) -> str | None:
    """Say that there must be maps to judge, and a second class to answer."""
    method = inputs.method
    if method is None and not isinstance(inputs.explainer.model, INTR):
        return (
            "a plain classifier has no class queries, so there are no maps of INTR to judge; for "
            "another way to explain it, name it with --method"
        )
    if len(inputs.studied.classes) < 2:
        return "the model knows a single class, so its probability is 1 whatever it is shown"
    if method is not None and method.explainer is None and inputs.options["judge"] == INTR_ITSELF:
        return (
            f"{method.name} cannot judge its own maps, for its model is none of this package: name "
            "a run with --judge, such as the plain classifier that was trained beside it"
        )
    return None


def plan(inputs: StudyInputs) -> StudyPlan:
    """Return how many photographs are measured, and the passes of all their changed pictures."""
    return design(inputs)[1]


def run(inputs: StudyInputs) -> StudyResult:
    """Change photographs in the order of every method's map, and follow the judge's probability.

    Returns
    -------
    StudyResult
        ``table``: one row for each photograph and method: ``image``, ``label``, ``asked`` (the
        judge's answer, whose probability is followed), ``probability`` (before any change),
        ``method``, ``insertion``, ``deletion``, ``lerf`` (areas under the curves, in [0, 1]),
        ``srg`` (``lerf − deletion``), ``pointing``, ``energy``, ``lift`` (missing without a known
        region), ``region_share``, ``flat`` (whether the map was flat), ``causal_is_mean``.
        ``tables``: ``methods``, ``differences``, ``curves``, ``randomisation`` and
        ``randomisation_images``. ``summary``: see ``faithfulness_tables.summarise``.

    Raises
    ------
    UserError
        If there is no such judge, no photograph that both models name rightly, or a map or an
        answer is no number.
    """
    chosen_design, _ = design(inputs)
    markers = choose_markers(inputs, chosen_design)
    subjects, looked_at = choose_subjects(inputs, chosen_design, markers)
    measured = measure(inputs, chosen_design, markers, subjects)
    cascade = pd.DataFrame(columns=["step", "layer", "method", "correlation"])
    if inputs.method is None:
        cascade = _forget(inputs, subjects[: chosen_design.randomised])
    rows = pd.DataFrame(measured.rows)
    methods = methods_table(rows, inputs.seed)
    by_step = randomisation_table(cascade, inputs.seed)
    about = {
        "judge": chosen_design.judge,
        "n": len(subjects),
        "n_looked_at": looked_at,
        "images": chosen_design.images,
        "steps": chosen_design.steps,
        "unit": chosen_design.unit,
        "region": measured.region,
        "rise_masks": chosen_design.rise.masks,
        "n_causal_is_mean": int(rows.drop_duplicates("image")["causal_is_mean"].sum()),
    }
    if inputs.method is not None:
        about["method"] = inputs.method.name
    result = StudyResult(
        name="faithfulness",
        table=rows,
        summary=summarise(methods, by_step, about),
        provenance=inputs.provenance(
            inputs.specimens,
            judge_fingerprint=markers.judge.explainer.fingerprint,
            plain_fingerprint=None if markers.plain is None else markers.plain.fingerprint,
            **chosen_design.record(),
        ),
        tables={
            "methods": methods,
            "differences": differences_table(rows, inputs.seed),
            "curves": curves_table(measured.curves, inputs.seed),
        },
    )
    if len(cascade):
        result.tables |= {"randomisation": by_step, "randomisation_images": cascade}
    _add_figures(result, measured.exhibits, chosen_design, inputs.full)
    return result


def _forget(inputs: StudyInputs, subjects: list[Subject]) -> pd.DataFrame:
    """Check the maps of a few photographs against those of a model that has forgotten."""
    pictures = [
        (subject.image, inputs.explainer.preprocessing(to_array(subject.path)), subject.asked)
        for subject in subjects
    ]
    return randomise_cascade(inputs.explainer, pictures, inputs.seed)


def _add_figures(result: StudyResult, exhibits: list[Row], chosen: Design, full: bool) -> None:
    curves, methods = result.tables["curves"], result.tables["methods"]
    judge = "the model itself" if chosen.judge == INTR_ITSELF else result.summary["judge"]
    about = (
        f"Judge: {judge}; {result.summary['n']} photographs; {chosen.steps} steps; ranked: "
        f"{chosen.unit}."
    )
    result.drawings["curves"] = partial(curves_figure, curves, ALL_METHODS)
    result.captions["curves"] = (
        "How probable the judge finds its answer while a photograph is revealed, or removed, in "
        f"the order of a map (mean over photographs, 95 % bands round full lines). {about} RISE: "
        f"{chosen.rise.masks} masks."
    )
    result.drawings["scores"] = partial(scores_figure, methods)
    result.captions["scores"] = (
        "The same as areas under the curves, with 95 % intervals, and how well maps meet the "
        f"known region. {about} Whether two methods differ is in the table of differences, which "
        "pairs them photograph by photograph."
    )
    columns = len({name for row in exhibits for name in row.maps})
    size = rows_on_a_page(exhibits, columns)
    # Those with a RISE map first; a single page unless everything is wanted.
    exhibits = sorted(exhibits, key=lambda row: "rise" not in row.maps)
    exhibits = exhibits if full else exhibits[:size]
    for number, first in enumerate(range(0, len(exhibits), size), 1):
        name = "side_by_side" if number == 1 else f"side_by_side_{number:02d}"
        page = exhibits[first : first + size]
        result.drawings[name] = partial(side_by_side_figure, page, ALL_METHODS)
        result.captions[name] = (
            "One photograph of a class, and every method's map of the class that the judge "
            "answered. Each map is scaled to its own maximum, for maps of different methods have "
            "no common unit. RISE is there for the photographs it was done for."
        )
    if "randomisation" not in result.tables:
        return
    result.drawings["randomisation"] = partial(
        randomisation_figure, result.tables["randomisation"], ALL_METHODS
    )
    result.captions["randomisation"] = (
        "How much of a map is left when the model forgets what it learned, layer by layer from the "
        "answer down to the picture: rank correlation with the trained model's map, mean of "
        f"{result.summary['n_randomised']} photographs with 95 % interval. A map that stays as it "
        "was would show the picture, not the model."
    )


STUDY = Study(
    name="faithfulness",
    title="Do the maps show what the model uses?",
    order=40,
    weight=2.0,
    needs=needs,
    plan=plan,
    run=run,
    findings=findings,
    reading=(
        "A map claims that some places matter most. Here the claim is tested: the photograph is "
        "revealed in the order of the map (insertion: the sooner the answer is back the better, 1 "
        "is best) and removed in that order (deletion: the sooner it is gone the better, 0 is "
        "best). Compare every method with the random map. Who judges matters: a model judges its "
        "own maps more kindly than another model does."
    ),
    key_numbers=(
        KeyNumber("insertion_intr_mean", "insertion, INTR's mean map", form="number"),
        KeyNumber("deletion_intr_mean", "deletion, INTR's mean map", form="number"),
        KeyNumber(
            "insertion_gradcam_intr", "insertion, Grad-CAM of INTR", "number", "n_gradcam_intr"
        ),
        KeyNumber(
            "deletion_gradcam_intr", "deletion, Grad-CAM of INTR", "number", "n_gradcam_intr"
        ),
        KeyNumber("insertion_rise", "insertion, RISE", "number", "n_rise"),
        KeyNumber("deletion_rise", "deletion, RISE", "number", "n_rise"),
        KeyNumber("insertion_random", "insertion, random map", "number", "n_random"),
        KeyNumber("deletion_random", "deletion, random map", "number", "n_random"),
        KeyNumber(
            "pointing_intr_mean", "peak of INTR's mean map on the known region",
            n="n_region_intr_mean",
        ),
    ),
    options=(
        Option("judge", "Whose probability is followed: intr (the model itself), or a run.",
               str, INTR_ITSELF),
        Option("plain", "Run of a plain classifier, for Grad-CAM; default: a plain judge."),
        Option("images", "both_right: those that model and judge name rightly; or all.",
               str, "both_right"),
        Option("unit", "What is ranked: pixels, or patches (the cells of INTR).", str, "pixels"),
        Option("steps", "Steps of a curve.", int, STEPS),
        Option("photographs", "Most photographs; --full takes all.", int, PHOTOGRAPHS),
        Option("rise_photographs", "Most of them with RISE; --full takes all.", int, WITH_RISE),
        Option("rise_masks", "Masks of RISE; 500 is a preview.", int, 500),
        Option("rise_cells", "A mask of RISE has so many cells each way.", int, 8),
        Option("rise_share", "Share of cells that a mask of RISE leaves visible.", float, 0.5),
    ),
    any_method=True,
)  # fmt: skip
