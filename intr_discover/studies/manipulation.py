"""The study ``manipulation``: what happens when the attribute is removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from intr_discover.edits.operation import Edit
from intr_discover.errors import UserError
from intr_discover.explain.posthoc.rise import RiseSettings
from intr_discover.figures.edit_sheet import EditSheet, edit_sheet_figure
from intr_discover.figures.manipulation import MOST_GROUPS, effects_figure, responses_figure
from intr_discover.model.intr import INTR
from intr_discover.studies.budget import StudyPlan, images_that_fit, stratified_sample
from intr_discover.studies.edit_sheets import sheet_of
from intr_discover.studies.edit_table import table_tasks
from intr_discover.studies.edit_tasks import (
    Task,
    attention_tasks,
    attribute_tasks,
    keypoint_tasks,
    prepare,
)
from intr_discover.studies.effect import CONTROLS, measure_effect, passes
from intr_discover.studies.guided_erasure import (
    FLIP_METHODS,
    METHODS,
    SHARES,
    SHARES_IN_HASTE,
    UNIT_METHODS,
    guide,
)
from intr_discover.studies.manipulation_tables import (
    EDIT_COLUMNS,
    by_dose,
    by_group,
    by_method,
    control_rows,
    dose_rows,
    edit_row,
    guided_rows,
    head_rows,
    summarise,
)
from intr_discover.studies.manipulation_words import DONE, findings, region_words
from intr_discover.studies.pairs import known_pairs
from intr_discover.studies.pooling import join_tables, provenance_of
from intr_discover.studies.result import StudyResult
from intr_discover.studies.saliency_methods import ALL_METHODS
from intr_discover.studies.study import KeyNumber, Option, Study, StudyInputs

REGIONS = ("auto", "attribute", "keypoint", "attention")
OPERATIONS = ("erase", "recolour", "transplant", "blur", "mirror")
MOST_SHEETS, SHEETS_IN_HASTE = 8, 2
RISE_PHOTOGRAPHS = 4
"""On so many photographs RISE is compared too where nothing else is said and time has no limit."""

FEWEST = 4
"""Edits below which a limited time is not worth it; guided erasure gives way to so many."""

_SECONDS_A_FIGURE = 1.2
_GRADCAM = 6  # passes through the encoder that its gradient costs
_MINIMAL_FLIP = 22  # pictures that finding one takes, about


@dataclass(frozen=True)
class _Design:
    """What is done, decided before a photograph is opened."""

    tasks: list[Task]
    region: str
    guided: bool
    hasty: bool
    rise: int


def needs(inputs: StudyInputs) -> str | None:
    """Say that there must be a second class to answer, and a region to edit."""
    if len(inputs.studied.classes) < 2:
        return "the model knows a single class, so its answer cannot change"
    if not _has_maps(inputs) and _region(inputs) == "attention":
        return (
            "a plain classifier has no maps that say where to edit; give masks (attributes.csv, "
            "pairs.csv with a column diagnostic) or a table of edits"
        )
    if inputs.seconds is not None:
        design = _design(inputs)
        if _fitting(inputs, design) < min(FEWEST, len(design.tasks)):
            pictures = passes(inputs.options["controls"], design.tasks[0].edit)
            return (
                f"an edit with its controls takes {pictures} passes of the model, too many for the "
                "time of a report here; ask for it with intr-discover study manipulation"
            )
    return None


def plan(inputs: StudyInputs) -> StudyPlan:
    """Return how many edits fit: each goes with its controls, a second fill and its strengths."""
    design = _design(inputs)
    encodes, decodes = _cost(inputs, design)
    drawing = _drawing(inputs, design)
    count = max(1, _fitting(inputs, design))
    rise = inputs.options["rise_masks"] * min(design.rise, count)
    return StudyPlan(
        count,
        len(design.tasks),
        round(encodes * count) + rise,
        round(decodes * count) + rise,
        drawing,
    )


def run(inputs: StudyInputs) -> StudyResult:
    """Edit one photograph after the other, beside its controls, and compare the answers.

    Returns
    -------
    StudyResult
        ``table``: one row an edit, see ``manipulation_tables.EDIT_COLUMNS``: drops are those of
        the lead of the class answered before, in logits; ``area`` is the region's share of the
        picture; masses are shares of attention inside it, mean of heads. ``tables``: ``classes``
        (means by class and region), ``controls``, ``doses``, ``heads``, and where maps guided the
        erasure ``guided`` and ``methods``. ``summary``: see ``manipulation_tables.summarise``, and
        ``operation``, ``region``, ``n_without_region``.
    """
    design = _design(inputs)
    count = plan(inputs).images
    rows = stratified_sample([task.label for task in design.tasks], count, inputs.seed)
    chosen = [design.tasks[row] for row in rows]
    options = inputs.options
    collected: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("edits", "controls", "doses", "heads", "guided")
    }
    sheets: dict[str, tuple[tuple[bool, float], EditSheet]] = {}
    bearing = {task.image for task in chosen if task.bearer}
    known = {task.image for task in chosen if task.bearer is not None}
    guided: set[str] = set()
    for number, task in enumerate(chosen):
        trial = prepare(inputs.studied, task, options["controls"], inputs.seed)
        if trial is not None:
            effect = measure_effect(inputs.studied, trial, inputs.batch_size)
            collected["edits"].append(edit_row(task, trial, effect))
            collected["controls"] += control_rows(task, effect)
            collected["doses"] += dose_rows(task, effect)
            collected["heads"] += head_rows(task, effect)
            key = task.region if design.region == "attribute" else f"{task.region} {task.label}"
            shows = (effect.flipped, effect.drop())
            if key not in sheets or shows > sheets[key][0]:
                title = f"{task.label}: {task.region}"
                sheet = sheet_of(trial, effect, title, inputs.names)
                sheets[key] = shows, sheet
            if design.guided and task.image not in guided:
                known_methods = METHODS if inputs.method is None else UNIT_METHODS
                methods = [
                    name for name in known_methods if name != "rise" or len(guided) < design.rise
                ]
                found = guide(
                    inputs.studied,
                    trial.photograph,
                    task.image,
                    methods,
                    seed=inputs.seed,
                    rise_settings=RiseSettings(options["rise_masks"]) if design.rise else None,
                    batch_size=inputs.batch_size,
                    shares=SHARES_IN_HASTE if design.hasty else SHARES,
                    minimal=not design.hasty,
                )
                guided.add(task.image)
                bearer = task.image in bearing if task.image in known else None
                collected["guided"] += guided_rows(
                    task.image, task.label, bearer, inputs.studied.classes, found
                )
        if inputs.progress is not None:
            inputs.progress(number + 1, len(chosen))
    if not collected["edits"]:
        raise UserError("no photograph could be edited: the masks of all regions are empty")
    tables = {name: pd.DataFrame(rows) for name, rows in collected.items() if rows}
    edits = pd.DataFrame(collected["edits"], columns=list(EDIT_COLUMNS))
    used = inputs.specimens.with_table(
        inputs.specimens.table[inputs.specimens.table["image"].isin(edits["image"])]
    )
    record = inputs.provenance(used, edits_made=len(edits), edits_available=len(design.tasks))
    result = _result(
        inputs, {**tables, "edits": edits}, design.region, len(chosen) - len(edits), record
    )
    _add_sheets(result, sheets, inputs)
    return result


def pool(results: Mapping[int, StudyResult], inputs: StudyInputs) -> StudyResult:
    """Work the numbers out from the edits of all folds; photographs remain those of the folds."""
    joined = join_tables(results)
    regions = {str(result.summary["region"]) for result in results.values()}
    empty = sum(int(result.summary["n_without_region"] or 0) for result in results.values())
    return _result(
        inputs,
        {**joined.tables, "edits": joined.table},
        regions.pop() if len(regions) == 1 else "several",
        empty,
        provenance_of(results, inputs),
    )


def _result(
    inputs: StudyInputs,
    tables: Mapping[str, pd.DataFrame],
    region: str,
    empty: int,
    record: dict[str, Any],
) -> StudyResult:
    """Make the numbers and the figures from tables of edits, controls, doses and guided erasure."""
    edits, doses = tables["edits"], tables["doses"]
    guided = tables.get("guided", pd.DataFrame())
    methods = by_method(guided)
    groups = by_group(edits, inputs.seed)
    operations = edits["operation"].unique()
    operation = str(operations[0]) if len(operations) == 1 else "several"
    summary = summarise(edits, guided, methods, inputs.seed)
    summary |= {
        "n_without_region": empty,
        "operation": operation,
        "region": region,
    }
    units = inputs.method is not None
    if inputs.method is not None:
        summary["method"] = inputs.method.name
    result = StudyResult(
        name="manipulation",
        table=edits,
        summary=summary,
        provenance=record,
        tables={"classes": groups, "doses": doses},
    )
    for name in ("controls", "heads", "guided"):
        if name in tables:
            result.tables[name] = tables[name]
    if len(methods):
        result.tables["methods"] = methods
    what = f"{region_words(region, units)} {DONE.get(operation, 'edited')}"
    pages = -(-len(groups) // MOST_GROUPS) if inputs.full else 1
    for page in range(pages):
        shown = groups if pages == 1 else groups[page * MOST_GROUPS : (page + 1) * MOST_GROUPS]
        name = "effects" if page == 0 else f"effects_{page + 1:02d}"
        result.drawings[name] = partial(effects_figure, shown)
        left_out = len(shown) > MOST_GROUPS
        result.captions[name] = (
            f"With {what}: by how much the lead of the answer drops (left) and how often the "
            "answer changes (right), beside the same done to control regions. Bars: 95 % intervals."
            + (f" The {MOST_GROUPS} of {len(groups)} that change most." if left_out else "")
        )
    result.drawings["responses"] = partial(
        responses_figure,
        doses,
        by_dose(doses, inputs.seed),
        methods,
        ALL_METHODS | {"rise": "RISE"},  # the judge is the model itself
    )
    result.captions["responses"] = (
        "Dose and response: the drop of the lead when the edit is mixed with the photograph, each "
        "photograph a thin line, their mean with its 95 % interval."
        + (
            " Beside it, how often the answer changes when the top of a map is erased, against "
            "the share of pixels erased; bands are 95 % intervals of the first and the last method."
            if len(methods)
            else ""
        )
    )
    return result


def _add_sheets(
    result: StudyResult,
    sheets: dict[str, tuple[tuple[bool, float], EditSheet]],
    inputs: StudyInputs,
) -> None:
    """Add the photographs that show it best, one for each attribute or class."""
    best = sorted(sheets.values(), key=lambda entry: entry[0], reverse=True)
    most = len(best) if inputs.full else _most_sheets(inputs)
    parts = "heads" if inputs.method is None else "units"
    for number, (_, sheet) in enumerate(best[:most], 1):
        name = f"edit_{number:02d}"
        result.drawings[name] = partial(edit_sheet_figure, sheet)
        result.captions[name] = (
            f"{sheet.title}. Above the photograph with the region outlined, the edits, and the "
            f"probabilities before and after; then the strongest {parts} of the class answered "
            "before, on both; below how far the lead drops, beside the control regions, and at "
            "smaller strengths. The photograph of this kind that changes most."
        )


def _design(inputs: StudyInputs) -> _Design:
    """Return what is to be done.

    Raises
    ------
    UserError
        If an option is none, or nothing is there to edit.
    """
    options = inputs.options
    _check(options)
    region = _region(inputs)
    tasks = _tasks(inputs, region)
    if not tasks:
        raise UserError(_nothing_to_edit(inputs, region))
    guided = bool(options["guided"]) and _has_maps(inputs)
    limited = inputs.seconds is not None
    rise = options["rise_photographs"]
    if inputs.method is not None:  # RISE is a method of its own
        rise = 0
    elif rise is None:
        rise = 0 if limited else RISE_PHOTOGRAPHS
    design = _Design(tasks, region, guided, limited, rise if guided else 0)
    if guided and limited and _fitting(inputs, design) < min(FEWEST, len(tasks)):
        return replace(design, guided=False, rise=0)
    return design


def _has_maps(inputs: StudyInputs) -> bool:
    """Return whether what is studied says where it looks."""
    return inputs.method is not None or isinstance(inputs.explainer.model, INTR)


def _fitting(inputs: StudyInputs, design: _Design) -> int:
    """Return how many edits fit into the time."""
    encodes, decodes = _cost(inputs, design)
    return images_that_fit(
        len(design.tasks),
        inputs.seconds,
        inputs.speed,
        encodes=encodes,
        decodes=decodes,
        extra_seconds=_drawing(inputs, design),
        fewest=0,
    )


def _tasks(inputs: StudyInputs, region: str) -> list[Task]:
    options, specimens = inputs.options, inputs.specimens
    if region == "table":
        return table_tasks(Path(options["edits"]), specimens, inputs.studied.classes)
    edit, pairs = _edit(options), known_pairs(inputs)
    if region == "attribute":
        return attribute_tasks(specimens, pairs, edit, inputs.seed)
    if region == "keypoint":
        return keypoint_tasks(specimens, pairs, edit, options["keypoint"], options["radius"])
    return attention_tasks(specimens, pairs, edit, options["share"], inputs.seed)


def _edit(options: Any) -> Edit:
    """Return the edit that the options describe."""
    operation, fill, colour = options["operation"], options["fill"], options["colour"]
    if operation == "recolour" and fill is None and colour is None:
        fill = "donor"
    return Edit(operation, fill, colour=colour, feather=options["feather"])


def _check(options: Any) -> None:
    for name, known in (("region", REGIONS), ("operation", OPERATIONS)):
        if options[name] not in known:
            raise UserError(f"--{name} is {', '.join(known)}, not '{options[name]}'")
    if options["region"] == "keypoint" and options["keypoint"] is None:
        raise UserError("--region keypoint: name the keypoint with --keypoint")
    if not 0 < options["share"] <= 0.5:
        raise UserError(f"--share lies above 0 and up to 0.5, not {options['share']}")
    if not 0 < options["radius"] <= 0.5:
        raise UserError(f"--radius lies above 0 and up to 0.5, not {options['radius']}")
    if options["controls"] < 0:
        raise UserError(f"--controls is 0 or more, not {options['controls']}")
    if options["rise_photographs"] is not None and options["rise_photographs"] < 0:
        raise UserError(f"--rise-photographs is 0 or more, not {options['rise_photographs']}")
    RiseSettings(options["rise_masks"])


def _region(inputs: StudyInputs) -> str:
    """Return where the regions come from: ``auto`` takes what is known."""
    options, specimens = inputs.options, inputs.specimens
    if options["edits"] is not None:
        return "table"
    if options["region"] != "auto":
        return str(options["region"])
    if options["keypoint"] is not None:
        return "keypoint"
    if specimens.attributes is None:
        return "attention"
    named = {name for *_, name in known_pairs(inputs) if name is not None}
    return "attribute" if named & set(specimens.attributes["attribute"]) else "attention"


def _nothing_to_edit(inputs: StudyInputs, region: str) -> str:
    if region == "attribute":
        return (
            f"{inputs.specimens.source}: no photograph has a mask of an attribute that separates "
            "its class from a look-alike (attributes.csv, and pairs.csv with a column diagnostic); "
            "use --region attention"
        )
    return f"{inputs.specimens.source}: no photograph shows the keypoint"


def _cost(inputs: StudyInputs, design: _Design) -> tuple[float, float]:
    """Return passes through encoder and decoder for one edit, RISE left out."""
    controls = inputs.options["controls"]
    asked = sum(passes(controls, task.edit) for task in design.tasks) / len(design.tasks)
    if inputs.method is not None:  # what it takes to explain itself is its own affair
        guided = len(UNIT_METHODS) * len(SHARES) + _MINIMAL_FLIP if design.guided else 0
        return asked + guided, 0
    encodes, decodes = asked, asked + 1
    heads = inputs.explainer.model.config.heads if isinstance(inputs.explainer.model, INTR) else 0
    if design.region == "attention":
        encodes, decodes = encodes + 2, decodes + 3 + heads
    if design.guided:
        shares = SHARES_IN_HASTE if design.hasty else SHARES
        erased = 1 + (len(METHODS) - 1) * len(shares)
        encodes += erased + 1 + _GRADCAM
        decodes += erased + 3 + heads + _GRADCAM
        if not design.hasty:
            flips = len(FLIP_METHODS) * (_MINIMAL_FLIP + 1)
            encodes, decodes = encodes + flips, decodes + flips + heads + 1
    return encodes, decodes


def _most_sheets(inputs: StudyInputs) -> int:
    return MOST_SHEETS if inputs.seconds is None else SHEETS_IN_HASTE


def _drawing(inputs: StudyInputs, design: _Design) -> float:
    kinds = len({(task.region, task.label) for task in design.tasks})
    sheets = kinds if inputs.full else min(kinds, _most_sheets(inputs))
    return (2 + sheets) * _SECONDS_A_FIGURE


STUDY = Study(
    name="manipulation",
    title="What happens when the attribute is removed?",
    order=45,
    weight=1.5,
    needs=needs,
    plan=plan,
    run=run,
    findings=findings,
    reading=(
        "One region of each photograph is changed, and the model answers again. Any change may "
        "upset a model, so the same is done to regions of the same shape elsewhere on the "
        "specimen: believe an edit only as far as it does more than they. Believe it when two ways "
        "of filling the region agree, and look at the edited photographs: what you can see was "
        "done, the model can see too. An attribute that turns one species into its look-alike "
        "when it goes is what the model goes by; what birds or predators go by it does not say."
    ),
    key_numbers=(
        KeyNumber("flip_rate", "edits that change the answer"),
        KeyNumber("control_flip_rate", "the same, control regions", n="n_with_controls"),
        KeyNumber("to_target_rate", "edits that turn it into the look-alike", n="n_target"),
        KeyNumber("bearer_to_target_rate", "the same, where the look-alike lacks the attribute",
                  n="n_bearers"),
        KeyNumber("excess", "drop of the lead beyond that of the controls (logits)", form="number",
                  n="n_with_controls"),
        KeyNumber("median_p", "median p of a single edit", form="number", n="n_p"),
        KeyNumber("confirmed_rate", "effects on which two fills agree", n="n_confirmed"),
        KeyNumber("guided_intr_causal_4", "answers changed by erasing 4 % of the pixels: heads that"
                  " matter", n="n_guided"),
        KeyNumber("guided_gradcam_intr_4", "the same, Grad-CAM", n="n_guided"),
        KeyNumber("guided_random_4", "the same, random map", n="n_guided"),
    ),
    options=(
        Option("operation", "erase, recolour, transplant, blur or mirror.", str, "erase"),
        Option("fill", "How, see docs/edits.md; the first of the operation if left out."),
        Option("colour", "Of recolour, and of erase with colour: #rrggbb."),
        Option("feather", "Width of the soft edge in pixels.", float, 0.0),
        Option("region", "auto, attribute, keypoint or attention.", str, "auto"),
        Option("keypoint", "Edit a disc round this keypoint, on both sides."),
        Option("radius", "Of that disc, as a share of the shorter side.", float, 0.04),
        Option("share", "Of the pixels, for --region attention.", float, 0.02),
        Option("edits", "Table of edits: image, mask, operation, and what they take."),
        Option("controls", "Control regions of each edit.", int, CONTROLS),
        Option("pairs", "Table of look-alikes: label_a, label_b, and if known diagnostic."),
        Option("guided", "Also erase what maps mark.", bool, True),
        Option("rise_photographs", "So many photographs also with RISE's map; it is slow.", int),
        Option("rise_masks", "Random masks of RISE.", int, 500),
    ),
    any_method=True,
    pool=pool,
)  # fmt: skip
