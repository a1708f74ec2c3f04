"""Parts of the speed benchmark: explaining one image, many images, many classes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from benchmarks.speed_measure import add_memory, build, compared, measure
from benchmarks.speed_official import differences
from benchmarks.speed_options import Options
from benchmarks.speed_profile import profiled
from benchmarks.speed_roofline import count_flops
from benchmarks.speed_works import OFFICIAL, OURS, OURS_BF16, Case, plainly

CLASSES = (200, 1000, 2000, 5000, 10_000)
TINY = Case(96, 128, 5, layers=1, channels=32, backbone="resnet18")


def explain_part(options: Options) -> dict[str, Any]:
    """Explain one image of 800 × 1066 pixels with 200 classes."""
    case = replace(TINY if options.quick else Case(800, 1066, 200), official=options.official)
    return _explained(case, options, max(options.repeats, 11), profiles=True)


def batch_part(options: Options) -> dict[str, Any]:
    """Explain eight images at once."""
    case = replace(TINY if options.quick else Case(480, 640, 200), batch=8)
    return _explained(replace(case, official=options.official), options, options.repeats)


def classes_part(options: Options) -> dict[str, Any]:
    """Explain one image with 200 to 10,000 classes."""
    numbers = (5, 10, 20) if options.quick else CLASSES
    base = TINY if options.quick else Case(480, 640, 200)
    rows = []
    for number in numbers:
        options.say(f"  {number} classes")
        case = replace(base, classes=number, official=options.official)
        rows.append(_explained(case, options, options.repeats, profiles=number == numbers[-1]))
    return {"rows": rows}


def _explained(
    case: Case, options: Options, repeats: int, profiles: bool = False
) -> dict[str, Any]:
    works = build("explain", case, compared(options))
    found = measure(works, case, count_flops(plainly(case)), options, repeats)
    answers: dict[str, Any] = {who: work() for who, work in works.items()}
    found["agreement"] = {
        f"{who} and {other}": differences(answers[who], answers[other])
        for who, other in ((OURS, OFFICIAL), (OURS_BF16, OURS))
        if other in answers
    }
    if profiles:
        found["profiles"] = {who: profiled(work) for who, work in works.items()}
    del works, answers
    add_memory(found, "explain", case, options)
    return found
