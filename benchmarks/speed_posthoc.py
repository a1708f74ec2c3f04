"""Parts of the speed benchmark: a RISE map, and a deletion curve, beside other programs."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.speed_clock import Work, alternate, ratio, summary
from benchmarks.speed_memory import memory_of
from benchmarks.speed_options import Options
from benchmarks.speed_profile import profiled
from benchmarks.speed_rise import SIDE, Authors, Question, other_programs
from intr_discover.explain.posthoc.rise import RiseSettings
from intr_discover.studies.perturbation import STEPS

BACKBONE = "resnet18"
"""The plain classifier that the studies take as a judge by default."""


def rise_part(options: Options) -> dict[str, Any]:
    """Make a RISE map of 1000 masks; the authors' masks and map are timed apart."""
    question = _question(options)
    works: dict[str, Work] = {
        "ours, fp32": lambda: question.map("fp32"),
        "ours, bf16": lambda: question.map("bf16"),
    }
    found: dict[str, Any] = {"case": _case(question)}
    maps = {precision: question.map(precision) for precision in ("fp32", "bf16")}
    found["agreement"] = {"ours, bf16 and ours, fp32": _apart(maps["bf16"], maps["fp32"])}
    if options.rise:
        authors = Authors(options.rise, question)
        authors.take_our_masks()
        found["agreement"]["ours, fp32 and the authors' code, our masks in both"] = _apart(
            maps["fp32"], authors.map()
        )
        works |= {"authors, the masks": authors.make_masks, "authors, the map": authors.map}
    seconds = alternate(works, options.repeats, warm_up=0 if options.quick else 1)
    if options.rise:
        masks, made = seconds["authors, the masks"], seconds["authors, the map"]
        seconds["authors, masks within"] = [sum(pair) for pair in zip(masks, made, strict=True)]
        found["ratios"] = {
            f"{ours}, {beside}": {"than": f"authors, {beside}", **ratio(theirs, seconds[ours])}
            for ours in ("ours, fp32", "ours, bf16")
            for beside, theirs in (
                ("masks within", seconds["authors, masks within"]),
                ("masks made beforehand", made),
            )
        }
    found["works"] = {name: {"seconds": summary(took)} for name, took in seconds.items()}
    for name, work in works.items():
        found["works"][name]["memory"] = memory_of(work)
    found["profiles"] = {"ours, fp32": profiled(works["ours, fp32"])}
    return found


def deletion_part(options: Options) -> dict[str, Any]:
    """Draw the deletion curve of one map in 28 steps."""
    question = _question(options)
    saliency = question.map("fp32")
    works: dict[str, Any] = {
        "ours, fp32": lambda: question.deletion(saliency, "fp32"),
        "ours, bf16": lambda: question.deletion(saliency, "bf16"),
    }
    if options.rise:
        authors = Authors(options.rise, question)
        works["authors"] = lambda: authors.deletion(saliency)
    for name, program in other_programs().items():
        works[name] = lambda program=program: program(question, saliency)
    curves = {name: work() for name, work in works.items()}
    seconds = alternate(works, options.repeats)
    ours = curves["ours, fp32"]
    return {
        "case": {**_case(question), "steps": STEPS},
        "works": {name: {"seconds": summary(took)} for name, took in seconds.items()},
        "ratios": {
            name: {"than": name, **ratio(took, seconds["ours, fp32"])}
            for name, took in seconds.items()
            if not name.startswith("ours")
        },
        # Quantus leaves out the score of the whole picture.
        "agreement": {
            name: _apart(curve, ours[-len(curve) :])
            for name, curve in curves.items()
            if name != "ours, fp32"
        },
    }


def _question(options: Options) -> Question:
    return Question(BACKBONE, RiseSettings(masks=20 if options.quick else 1000))


def _case(question: Question) -> dict[str, Any]:
    return {
        "height": SIDE, "width": SIDE, "backbone": BACKBONE, "classes": 1000,
        **question.settings.as_dict(),
    }  # fmt: skip


def _apart(one: Any, other: Any) -> dict[str, float]:
    """Return the largest difference, as it is and over the range of the second one."""
    largest = float(np.abs(one - other).max())
    return {"largest_difference": largest, "over_range": largest / float(np.ptp(other))}
