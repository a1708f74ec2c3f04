"""Figures 5 and 11 of the paper: one photograph edited, and what becomes of the answer."""

from __future__ import annotations

import math
import zlib
from pathlib import Path

import numpy as np

from intr_discover.data.images import read_image
from intr_discover.edits.operation import Edit
from intr_discover.errors import UserError, shorten
from intr_discover.exhibits.asking import one_class
from intr_discover.exhibits.paper_figure import Drawn, FigureInputs, PaperFigure
from intr_discover.exhibits.photographs import Photograph
from intr_discover.exhibits.words import model_words, photographs_words
from intr_discover.figures import style
from intr_discover.figures.edit_sheet import edit_sheet_figure
from intr_discover.figures.panels import short_number
from intr_discover.studies.edit_regions import Mask, controls_beside, with_other_wing
from intr_discover.studies.edit_sheets import sheet_of
from intr_discover.studies.effect import CONTROLS, Effect, Trial, measure_effect
from intr_discover.studies.looking import Regions
from intr_discover.studies.one_edit import make_edit, read_trial
from intr_discover.studies.study import Option
from intr_discover.studies.wording import percent


def draw(inputs: FigureInputs) -> Drawn:
    """Draw the sheet of one edit: pictures, answers, heads, controls, and dose and response.

    The region is a mask that is given, or an attribute that the collection knows.

    Raises
    ------
    UserError
        If there is no region, or the edit lacks something.
    """
    if len(inputs.explainer.classes) < 2:
        raise UserError("the model knows a single class, so its answer cannot change")
    options = inputs.options
    if options["controls"] < 0:
        raise UserError(f"--controls counts regions: 0 or more, not {options['controls']}")
    edit = make_edit(
        options["op"],
        options["fill"],
        donor=options["donor"] is not None,
        **{
            name: options[name]
            for name in ("colour", "degrees", "feather")
            if options[name] is not None
        },
    )
    photograph = _photograph(inputs)
    if options["mask"] is not None:
        trial, what = _with_mask(inputs, photograph, edit), f"the region {options['mask']}"
    else:
        trial, what = _with_attribute(inputs, photograph, edit)
    effect = measure_effect(inputs.explainer, trial)
    title = f"{photograph.name}: {edit.name}"
    figure = edit_sheet_figure(sheet_of(trial, effect, title, inputs.names))
    caption = " ".join(
        [
            f"{edit.name} of {what} (outlined), {float(trial.mask.mean()):.1%} of the pixels.",
            photographs_words(inputs, [photograph]),
            _effect_words(effect),
            "Top: the photograph and its edits, and the most probable classes before (grey) and "
            "after (red). Middle: the heads of the query of the class answered before, numbered "
            "from 0, with the largest map maxima; one colour scale (square root) for all maps."
            if effect.maps is not None
            else "The model has no heads to show.",
            "Bottom: the drop of the lead beside that of control regions of the same shape, and "
            "at five strengths of the edit.",
            model_words(inputs),
        ]
    )
    return Drawn(figure, caption)


def _photograph(inputs: FigureInputs) -> Photograph:
    """Return the one photograph: a named one, or one of the class, drawn by the seed."""
    if inputs.shown.named:
        if len(inputs.shown.listed) > 1:
            raise UserError("this figure shows one photograph: name one")
        return inputs.shown.listed[0]
    return inputs.shown.of_class(one_class(inputs), 1, inputs.seed)[0]


def _with_mask(inputs: FigureInputs, photograph: Photograph, edit: Edit) -> Trial:
    options = inputs.options
    path = Path(options["mask"])
    specimen = _specimen_path(inputs, photograph)
    trial, _ = read_trial(
        photograph.path,
        path,
        edit,
        specimen_path=specimen,
        donor_path=None if options["donor"] is None else Path(options["donor"]),
        donor_mask_path=None if options["donor_mask"] is None else Path(options["donor_mask"]),
        controls=options["controls"],
        seed=inputs.seed,
    )
    return trial


def _with_attribute(inputs: FigureInputs, photograph: Photograph, edit: Edit) -> tuple[Trial, str]:
    """Return the trial of an attribute that the collection knows, and what it is called."""
    specimens = inputs.shown.specimens
    if specimens is None or specimens.attributes is None:
        raise UserError("where is it to be edited? Give --mask FILE, or a collection with "
                        "attributes.csv")  # fmt: skip
    if "donor" in edit.takes:
        raise UserError(f"{edit.name} needs --mask, --donor and --donor-mask")
    pixels = read_image(photograph.path)
    shape = (pixels.shape[0], pixels.shape[1])
    regions = Regions(specimens, {})
    there = {
        name: mask
        for name, mask in regions.attributes(photograph.image, shape).items()
        if mask.any()
    }
    name = inputs.options["attribute"] or _separating(inputs, photograph)
    if name is None and len(there) == 1:
        name = next(iter(there))
    if name is None or name not in there:
        found = shorten(sorted(there)) if there else "none"
        what = f"has no attribute '{name}'" if name else "may be edited in several places"
        raise UserError(
            f"{photograph.image} {what}; it has: {found}. Choose one with --attribute, or give "
            "--mask"
        )
    mask, specimen = there[name], regions.specimen(photograph.image, shape)
    wanted = inputs.options["controls"]
    beside: list[Mask] = controls_beside(
        mask,
        specimen,
        with_other_wing(mask, specimen),
        feather=edit.feather,
        count=wanted,
        generator=np.random.default_rng([inputs.seed, zlib.crc32(photograph.name.encode())]),
    )
    return Trial(pixels, mask, edit, beside, wanted), name + _state(inputs, photograph, name)


def _state(inputs: FigureInputs, photograph: Photograph, name: str) -> str:
    """Return what the collection says of an attribute in a photograph: absent, say."""
    specimens = inputs.shown.specimens
    if specimens is None or specimens.attributes is None or "state" not in specimens.attributes:
        return ""
    table = specimens.attributes
    own = table[(table["image"] == photograph.image) & (table["attribute"] == name)]["state"]
    return f" ({own.iloc[0]} in this photograph)" if own.notna().any() else ""


def _separating(inputs: FigureInputs, photograph: Photograph) -> str | None:
    """Return the attribute known to separate a photograph's class from a look-alike."""
    specimens = inputs.shown.specimens
    if specimens is None or specimens.pairs is None or "diagnostic" not in specimens.pairs:
        return None
    pairs = specimens.pairs
    own = pairs[(pairs["label_a"] == photograph.label) | (pairs["label_b"] == photograph.label)]
    named = own["diagnostic"].dropna()
    return str(named.iloc[0]) if len(named) else None


def _specimen_path(inputs: FigureInputs, photograph: Photograph) -> Path | None:
    specimens = inputs.shown.specimens
    if specimens is None:
        return None
    return dict(zip(specimens.table["image"], specimens.mask_paths, strict=True))[photograph.image]


def _effect_words(effect: Effect) -> str:
    """Say what became of the answer, beside the controls."""
    before, after = (effect.classes[c] for c in (effect.answer, effect.after))
    chances = effect.probabilities[:, effect.answer]
    changed = f"{before} becomes {after}" if effect.flipped else f"The answer stays {before}"
    drops = effect.control_drops()
    said = (
        f"{changed}: probability of {before} {percent(chances[0])} before, {percent(chances[1])} "
        f"after; its lead of {short_number(effect.lead)} logits drops by "
        f"{short_number(effect.drop())}."
    )
    if not len(drops):
        return f"{said} No control region."
    p = effect.p()
    sure = f"p = {p:.3f}" if not math.isnan(p) else f"fewer than {effect.wanted} fit: no p"
    return (
        f"{said} The same in n = {len(drops)} control regions: {short_number(drops.min())} to "
        f"{short_number(drops.max())} ({sure})."
    )


FIGURE = PaperFigure(
    name="manipulation",
    title="One photograph edited, beside control regions (like Figures 5 and 11)",
    order=40,
    draw=draw,
    fixed_width=style.DOUBLE_COLUMN_MM,
    options=(
        Option("mask", "Picture of the photograph's size, bright where it is edited."),
        Option("attribute", "An attribute that the collection knows, in the place of a mask."),
        Option("op", "erase, recolour, transplant, blur or mirror.", str, "erase"),
        Option("fill", "How; the operation's usual way if left out."),
        Option("colour", "Of recolour: '#d62728'."),
        Option("degrees", "Of recolour with hue: how far it is turned.", float),
        Option("feather", "Width of the soft edge in pixels.", float),
        Option("donor", "Photograph to transplant from, or to take colours from."),
        Option("donor_mask", "Its region."),
        Option("controls", "Control regions: the same done elsewhere.", int, CONTROLS),
    ),
)
