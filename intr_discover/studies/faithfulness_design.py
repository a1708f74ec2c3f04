"""How much the study ``faithfulness`` does: its choices, and what fits into the time there is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from intr_discover.errors import UserError
from intr_discover.explain.posthoc.rise import RiseSettings
from intr_discover.model.intr import INTR
from intr_discover.studies.budget import Speed, StudyPlan
from intr_discover.studies.judge import INTR_ITSELF, is_plain
from intr_discover.studies.perturbation import CURVES, passes
from intr_discover.studies.randomisation import layers_top_down
from intr_discover.studies.saliency_methods import CONTRASTS, METHODS, OF_PLAIN, OF_UNITS
from intr_discover.studies.study import StudyInputs

UNITS = ("pixels", "patches")
IMAGES = ("both_right", "all")

PHOTOGRAPHS = 50
WITH_RISE = 20
_RANDOMISED = 4

# What a report that has little time does with.
_PREVIEW_STEPS = 10
_PREVIEW_CURVES = ("insertion", "deletion")
_PREVIEW_MASKS = 250
_FEWEST, _FEWEST_WITH_RISE, _MOST_WITH_RISE = 6, 2, 4

# What of the time for one photograph alone is left where it is one of a full batch, as measured:
# reading it falls away, and most of what a single question takes is the handling of it. What falls
# away is never more than some hundredths of a second.
_ENCODE_LEFT, _DECODE_LEFT, _HANDLING = 0.85, 0.1, 0.06

_SECONDS_OF_FIGURES = 9.0


@dataclass(frozen=True)
class Design:
    """What is done with how many photographs.

    Attributes
    ----------
    photographs
        How many are measured, at most.
    looked_at
        How many are classified to find them.
    with_rise
        How many of them have a RISE map.
    randomised
        On how many the model's layers are forgotten.
    steps, curves, methods, unit
        What is measured of each; ``methods`` without RISE.
    images
        ``"both_right"`` or ``"all"``.
    judge, plain
        As the options name them.
    rise
        How RISE is done.
    preview
        Whether it is the short form of a report.
    """

    photographs: int
    looked_at: int
    with_rise: int
    randomised: int
    steps: int
    curves: tuple[str, ...]
    methods: tuple[str, ...]
    unit: str
    images: str
    judge: str
    plain: str | None
    rise: RiseSettings
    preview: bool = False

    def record(self) -> dict[str, Any]:
        """Return the settings for the provenance, as far as the options do not say them."""
        return {
            "photographs_wanted": self.photographs,
            "steps": self.steps,
            "curves": list(self.curves),
            "methods": list(self.methods),
            "unit": self.unit,
            "judge": self.judge,
            "plain": self.plain,
            "rise": self.rise.as_dict(),
            "rise_model": "the judge",
            "rise_photographs_wanted": self.with_rise,
            "preview": self.preview,
        }


@dataclass(frozen=True)
class BatchedPlan(StudyPlan):
    """A plan whose passes go through the model in full batches, which makes each cheaper."""

    def seconds(self, speed: Speed) -> float:
        """Return how long it will take."""
        encode = max(_ENCODE_LEFT * speed.encode, speed.encode - _HANDLING)
        decode = max(_DECODE_LEFT * speed.decode, speed.decode - _HANDLING)
        return super().seconds(Speed(encode, decode))


def design(inputs: StudyInputs) -> tuple[Design, StudyPlan]:
    """Choose what to do, and say what it costs.

    Without a limit, or where the whole fits into it, everything is done on ``photographs`` of
    them. Otherwise the short form: fewer steps and methods, and as many photographs as fit.

    Raises
    ------
    UserError
        If an option has a value that it cannot have, or the time is too short for two photographs.
    """
    whole = _whole(inputs)
    plan = price(inputs, whole)
    if inputs.seconds is None or inputs.speed is None or inputs.full:
        return whole, plan
    if plan.seconds(inputs.speed) <= inputs.seconds:
        return whole, plan
    short = _short(inputs, whole, inputs.seconds, inputs.speed)
    return short, price(inputs, short)


def price(inputs: StudyInputs, chosen: Design) -> StudyPlan:
    """Return the passes that a design takes, counted as they are done."""
    encodes, decodes = _one_photograph(inputs, chosen)
    rise = chosen.rise.masks + len(chosen.curves) * (chosen.steps - 1)
    if inputs.method is not None:  # how it explains itself is its own affair
        judged = chosen.looked_at + chosen.photographs * encodes + chosen.with_rise * rise
        return BatchedPlan(chosen.photographs, len(inputs.specimens), judged, 0)
    layers = len(layers_top_down(_model(inputs))) + 1
    models = 1 if chosen.judge == INTR_ITSELF else 2
    looking, forgetting = models * chosen.looked_at, 2 * layers * chosen.randomised
    judge_decodes = 0 if is_plain(chosen.judge) else 1
    return BatchedPlan(
        images=chosen.photographs,
        of=len(inputs.specimens),
        encodes=looking + chosen.photographs * encodes + chosen.with_rise * rise + forgetting,
        decodes=chosen.looked_at * (1 + judge_decodes * (models - 1))
        + chosen.photographs * decodes
        + chosen.with_rise * rise * judge_decodes
        + forgetting,
        extra_seconds=_SECONDS_OF_FIGURES,
    )


def _one_photograph(inputs: StudyInputs, chosen: Design) -> tuple[int, int]:
    """Return the passes of one photograph through encoder and decoder, without RISE."""
    pictures = passes(chosen.steps, len(chosen.methods), len(chosen.curves))
    of_intr = sum(method.endswith("cam_intr") for method in chosen.methods)
    of_plain = sum(method in OF_PLAIN for method in chosen.methods)
    if inputs.method is not None:
        return pictures + of_plain, 0
    # INTR's own maps: its maps once, and the margin with all heads and without each.
    own = 1 + 1 + _model(inputs).config.heads
    judged = 0 if is_plain(chosen.judge) else pictures
    return pictures + 1 + of_intr + of_plain, judged + own + of_intr


def _whole(inputs: StudyInputs) -> Design:
    options, available = inputs.options, len(inputs.specimens)
    for name, allowed in (("unit", UNITS), ("images", IMAGES)):
        if options[name] not in allowed:
            raise UserError(
                f"--{name} {options[name]}: there is no such choice; use {' or '.join(allowed)}"
            )
    for name, least in (("steps", 2), ("photographs", 1), ("rise_photographs", 0)):
        if options[name] < least:
            raise UserError(
                f"--{name.replace('_', '-')} {options[name]}: it must be at least {least}"
            )
    plain = options["plain"]
    if plain is None and is_plain(options["judge"]):
        plain = options["judge"]
    methods = tuple(
        method
        for method in _comparable(inputs)
        if method != "rise" and (method not in OF_PLAIN or plain is not None)
    )
    photographs = available if inputs.full else min(available, options["photographs"])
    with_rise = photographs if inputs.full else min(photographs, options["rise_photographs"])
    return Design(
        photographs=photographs,
        looked_at=_looked_at(options["images"], photographs, available),
        with_rise=with_rise,
        randomised=min(photographs, _RANDOMISED),
        steps=options["steps"],
        curves=CURVES,
        methods=methods,
        unit=options["unit"],
        images=options["images"],
        judge=options["judge"],
        plain=plain,
        rise=RiseSettings(options["rise_masks"], options["rise_cells"], options["rise_share"]),
    )


def _comparable(inputs: StudyInputs) -> list[str]:
    """Return the methods that can be compared: all, or without those of an INTR that is not it."""
    if inputs.method is None:
        return list(METHODS)
    own = ["units_mean"] if inputs.method.one_map else list(OF_UNITS)
    return [*own, *OF_PLAIN, "rise", "random"]


def _looked_at(images: str, photographs: int, available: int) -> int:
    """Return how many photographs are classified: twice as many where only right ones are kept."""
    return min(available, 2 * photographs) if images == "both_right" else photographs


def _short(inputs: StudyInputs, whole: Design, seconds: float, speed: Speed) -> Design:
    """Return the largest short form that fits: a few photographs first, then RISE, then more."""
    short = replace(
        whole,
        steps=min(whole.steps, _PREVIEW_STEPS),
        curves=_PREVIEW_CURVES,
        methods=tuple(method for method in whole.methods if method not in CONTRASTS),
        rise=replace(whole.rise, masks=min(whole.rise.masks, _PREVIEW_MASKS)),
        preview=True,
    )
    available = whole.photographs

    def sized(photographs: int, with_rise: int) -> Design:
        return replace(
            short,
            photographs=photographs,
            looked_at=_looked_at(short.images, photographs, len(inputs.specimens)),
            with_rise=min(with_rise, photographs, whole.with_rise),
            randomised=min(photographs, _RANDOMISED),
        )

    def fits(chosen: Design) -> bool:
        return price(inputs, chosen).seconds(speed) <= seconds

    few = min(available, _FEWEST)
    photographs = next((n for n in range(few, 0, -1) if fits(sized(n, 0))), 0)
    if photographs < min(available, 2):
        # One photograph would say nothing of others, and take longer than there is.
        raise UserError(
            f"a photograph takes {_one_photograph(inputs, short)[0]} passes of the model, too many "
            "for the time of a report here; ask for it with intr-discover study faithfulness"
        )
    with_rise = next(
        (n for n in range(_MOST_WITH_RISE, _FEWEST_WITH_RISE - 1, -1) if fits(sized(few, n))), 0
    )
    if photographs < few:
        with_rise = 0
    # The cost grows evenly with the number of photographs, so the last that fits can be halved in.
    low, high = photographs, available
    while low < high:
        middle = math.ceil((low + high) / 2)
        low, high = (middle, high) if fits(sized(middle, with_rise)) else (low, middle - 1)
    return sized(low, with_rise)


def _model(inputs: StudyInputs) -> INTR:
    model = inputs.explainer.model
    assert isinstance(model, INTR), "the study's needs() has refused a plain classifier"
    return model
