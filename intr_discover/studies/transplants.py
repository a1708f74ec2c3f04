"""The study ``transplants``: whether a specimen passes for the look-alike whose mark it got."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import scipy
import torch

from intr_discover.data.images import read_image
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.figures.transplants import Given, Shown, forest_figure, transplant_figure
from intr_discover.model.intr import INTR
from intr_discover.studies.budget import StudyPlan, images_that_fit
from intr_discover.studies.finite import require_finite_answers
from intr_discover.studies.looking import reduced
from intr_discover.studies.pairs import Pair, choose_photographs, known_pairs
from intr_discover.studies.pooling import join_tables, provenance_of
from intr_discover.studies.result import StudyResult
from intr_discover.studies.study import KeyNumber, Option, Study, StudyInputs
from intr_discover.studies.transplant_tables import by_direction, kinds_of_difference, summarise
from intr_discover.studies.transplant_trials import Exchange, Trial
from intr_discover.studies.transplant_words import findings

REGIONS = ("auto", "attribute", "attention")
MOST_FIGURES = 8
_SECONDS_A_FIGURE = 0.5


def needs(inputs: StudyInputs) -> str | None:
    """Say that look-alikes must be named, and that heads must look where nothing is known."""
    if not known_pairs(inputs):
        return "no look-alikes are named (pairs.csv beside the photographs, or --pairs)"
    if not isinstance(inputs.explainer.model, INTR) and not _all_known(inputs):
        return "a plain classifier has no heads that could find a region; name attributes"
    return None


def plan(inputs: StudyInputs) -> StudyPlan:
    """Return how many photographs receive a transplant, and the passes of the model.

    Raises
    ------
    UserError
        If an option has a value that it cannot have.
    """
    options = inputs.options
    if options["region"] not in REGIONS:
        raise UserError(f"--region {options['region']} is unknown: use {', '.join(REGIONS)}")
    if options["controls"] < 1:
        raise UserError(f"--controls {options['controls']} must be at least 1")
    if not 0 < options["share"] < 1:
        raise UserError(f"--share {options['share']} must be above 0 and below 1")
    chosen = _chosen(inputs)
    encodes, decodes = _passes(inputs, chosen)
    return StudyPlan(len(chosen), len(inputs.specimens), encodes, decodes, _drawing(inputs))


def _chosen(inputs: StudyInputs) -> Specimens:
    """Return as many photographs of the pairs as there is time for."""
    pairs = known_pairs(inputs)
    named = {label for pair in pairs for label in pair[:2]}
    table = inputs.specimens.table
    there = inputs.specimens.with_table(table[table["label"].isin(named)])
    encodes, decodes = _passes(inputs, there)
    count = images_that_fit(
        len(there),
        inputs.seconds,
        inputs.speed,
        encodes=encodes / max(1, len(there)),
        decodes=decodes / max(1, len(there)),
        extra_seconds=_drawing(inputs),
    )
    rows = choose_photographs(there.table["label"].tolist(), count, pairs, inputs.seed)
    return there.with_table(there.table.iloc[np.sort(rows)])


def _passes(inputs: StudyInputs, chosen: Specimens) -> tuple[int, int]:
    """Return passes through encoder and decoder: a photograph may have several look-alikes."""
    labels, model = chosen.table["label"].to_numpy(), inputs.explainer.model
    encodes = decodes = 0
    for pair in known_pairs(inputs):
        count = int(np.isin(labels, pair[:2]).sum())
        # The photograph, changed, and its controls.
        asked = count * (2 + inputs.options["controls"])
        encodes, decodes = encodes + asked, decodes + asked
        if _attribute(inputs, pair) is None and isinstance(model, INTR):
            # A map, and what each head contributes to it.
            encodes, decodes = encodes + count, decodes + count * (2 + model.config.heads)
    return encodes, decodes


def _drawing(inputs: StudyInputs) -> float:
    pairs = len(known_pairs(inputs))
    return (1 + (pairs if inputs.full else min(MOST_FIGURES, pairs))) * _SECONDS_A_FIGURE


def run(inputs: StudyInputs) -> StudyResult:
    """Give specimens the attribute of their look-alike, and of others of their own kind.

    Returns
    -------
    StudyResult
        ``table``: one row for each pair and direction, see ``by_direction``. ``tables``:
        ``images``, one row for each photograph that received a transplant. ``summary``: see
        ``summarise``.

    Raises
    ------
    UserError
        If an option cannot be, a photograph or mask cannot be read or does not fit, no specimen
        can be laid over another, or the model answers with NaN.
    """
    pairs = known_pairs(inputs)
    chosen = _chosen(inputs)
    exchange = Exchange(inputs.explainer, chosen, inputs.options["share"], inputs.seed)
    labels = chosen.table["label"].to_numpy()
    kinds = kinds_of_difference(inputs.specimens.root)
    total = sum(int(np.isin(labels, pair[:2]).sum()) for pair in pairs)
    rows: list[dict[str, Any]] = []
    shown: list[Shown] = []
    done = 0
    for pair in pairs:
        exchange.forget()
        examples: dict[str, tuple[float, Given]] = {}
        for label, mate in (pair[:2], pair[1::-1]):
            for row in np.flatnonzero(labels == label):
                attribute = _attribute(inputs, pair)
                trial = exchange.trial(int(row), mate, attribute, inputs.options["controls"])
                done += 1
                if inputs.progress is not None:
                    inputs.progress(done, total)
                if trial is None:
                    continue
                found = _ask(inputs.explainer, chosen, trial, label, mate)
                kind = kinds.get(frozenset((label, mate)))
                rows.append({**found, "region": attribute or "attention", "kind": kind})
                _keep(examples, inputs.explainer, chosen, trial, found)
        if examples and (inputs.full or len(shown) < MOST_FIGURES):
            shown.append(Shown(pair[0], pair[1], [given for _, given in examples.values()]))
    if not rows:
        raise UserError(
            f"{inputs.specimens.source}: no specimen can be laid over another: give landmarks in "
            "keypoints.csv or masks of the specimens, and masks of the attribute in attributes.csv "
            "(or use --region attention)"
        )
    result = _result(pd.DataFrame(rows), inputs.seed, inputs.provenance(chosen))
    for number, each in enumerate(shown, 1):
        name = f"pair_{number:02d}"
        result.drawings[name] = partial(transplant_figure, each)
        result.captions[name] = (
            f"{each.first} and {each.second}: the donor, a specimen before, with the donor's "
            "region in place of its own, and with that of another specimen of its own species; "
            "the region is outlined. Under each what the model calls it, beside them how probable "
            "the two species are. Shown are those that moved most."
        )
    return result


def pool(results: Mapping[int, StudyResult], inputs: StudyInputs) -> StudyResult:
    """Work the numbers out from the photographs of all folds; their pictures remain theirs."""
    images = join_tables(results).tables["images"]
    return _result(images, inputs.seed, provenance_of(results, inputs))


def _result(images: pd.DataFrame, seed: int, record: dict[str, Any]) -> StudyResult:
    """Make the numbers and the figure of the directions from a row for each photograph."""
    table = by_direction(images, seed)
    result = StudyResult(
        name="transplants",
        table=table,
        summary=summarise(images, seed) | {"n_pairs": int(table["pair"].nunique())},
        provenance=record,
        tables={"images": images},
    )
    result.drawings["directions"] = partial(forest_figure, table)
    result.captions["directions"] = (
        "How far the look-alike's attribute moves the answer towards the look-alike, beyond what "
        "the same place of other specimens of the own species does: mean change of the margin "
        "(logits) with its 95 % interval. In brackets how many specimens then pass for the "
        "look-alike."
    )
    return result


def _all_known(inputs: StudyInputs) -> bool:
    return all(_attribute(inputs, pair) is not None for pair in known_pairs(inputs))


def _attribute(inputs: StudyInputs, pair: Pair) -> str | None:
    """Return the attribute that is exchanged; None where the heads say what is."""
    wanted = inputs.options["region"]
    if wanted == "attention":
        return None
    known, table = inputs.specimens.attributes, inputs.specimens.table
    if pair[2] is not None and known is not None:
        # One of the two is enough: the mask of a mark that only one has is laid over the other.
        of_pair = table.loc[table["label"].isin(pair[:2]), "image"]
        if (known["image"].isin(of_pair) & (known["attribute"] == pair[2])).any():
            return pair[2]
    if wanted == "attribute":
        raise UserError(
            f"no attribute is known that separates {pair[0]} from {pair[1]}: name it in the column "
            "'diagnostic' of pairs.csv and give masks in attributes.csv, or use --region attention"
        )
    return None


def _ask(
    explainer: Explainer, chosen: Specimens, trial: Trial, label: str, mate: str
) -> dict[str, Any]:
    """Return what the model answers before, with the transplant, and with the controls."""
    pictures = [trial.photograph, trial.changed, *trial.control_pictures]
    logits = np.asarray(explainer.logits(pictures), dtype=np.float64)
    require_finite_answers(
        [torch.from_numpy(logits)], np.full(len(logits), trial.row), chosen.paths
    )
    own, other = explainer.classes.index(label), explainer.classes.index(mate)
    margins = logits[:, other] - logits[:, own]
    answers = logits.argmax(axis=1)
    beside = answers[2:] != answers[0]
    chances = scipy.special.softmax(logits, axis=1)
    images = chosen.table["image"]
    return {
        "pair": " / ".join(sorted((label, mate))),
        "label": label,
        "mate": mate,
        "image": images.iloc[trial.row],
        "donor": images.iloc[trial.donor],
        "aligned_by": trial.by,
        "area": float(trial.region.mean()),
        "before": explainer.classes[answers[0]],
        "after": explainer.classes[answers[1]],
        "right_before": bool(answers[0] == own),
        "to_mate": bool(answers[1] == other),
        "flip": bool(answers[1] != answers[0]),
        "controls": len(beside),
        "control_flips": int(beside.sum()),
        "shift": float(margins[1] - margins[0]),
        "control_shift": float((margins[2:] - margins[0]).mean()) if len(beside) else np.nan,
        "control_after": explainer.classes[answers[2]] if len(beside) else None,
        **{
            f"p_{whose}_{when}": float(chances[place, column]) if place < len(chances) else np.nan
            for whose, column in (("own", own), ("mate", other))
            for place, when in enumerate(("before", "after", "control"))
        },
    }


def _keep(
    examples: dict[str, tuple[float, Given]],
    explainer: Explainer,
    chosen: Specimens,
    trial: Trial,
    found: dict[str, Any],
) -> None:
    """Keep the photograph of each direction that moved most, for the figure."""
    label = found["label"]
    if not found["right_before"] or not trial.control_pictures:
        return
    if label in examples and examples[label][0] >= found["shift"]:
        return
    pictures = [read_image(chosen.paths[trial.donor]), trial.photograph, trial.changed,
                trial.control_pictures[0]]  # fmt: skip
    answers = [found["mate"], found["before"], found["after"], found["control_after"]]
    given = Given(
        label,
        found["mate"],
        [reduced(each) for each in pictures],
        answers,
        trial.region,
        trial.donor_region,
        [(found[f"p_own_{when}"], found[f"p_mate_{when}"])
         for when in ("before", "after", "control")],
    )  # fmt: skip
    examples[label] = (found["shift"], given)


STUDY = Study(
    name="transplants",
    title="Does a specimen with the look-alike's attribute pass for it?",
    order=47,
    weight=0.75,
    needs=needs,
    plan=plan,
    run=run,
    findings=findings,
    reading=(
        "An attribute that separates two look-alikes should carry the answer with it when it is "
        "moved from one to the other. The control is the same place of another specimen of the own "
        "species: it has the same seams and another light, and should change nothing. Where it "
        "works one way only, one of the two is known by what it lacks."
    ),
    key_numbers=(
        KeyNumber("to_mate_rate", "taken for the look-alike with its region"),
        KeyNumber("control_flip_rate", "answers that controls change"),
        KeyNumber("shift_beyond_controls", "change of the margin beyond controls", "number"),
    ),
    options=(
        Option("region", "auto, attribute or attention.", str, "auto"),
        Option("share", "Of the pixels, for --region attention.", float, 0.04),
        Option("controls", "Donors of the own species, each photograph.", int, 2),
        Option("pair", 'One pair: "CLASS A,CLASS B".'),
        Option("pairs", "Table of look-alikes: label_a, label_b, and if known diagnostic."),
    ),
    pool=pool,
)
