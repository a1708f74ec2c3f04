"""Part of the speed benchmark: one training step, ours and the official one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from benchmarks.speed_inference import TINY
from benchmarks.speed_measure import add_memory, build, compared, measure
from benchmarks.speed_options import Options
from benchmarks.speed_profile import profiled
from benchmarks.speed_roofline import count_flops
from benchmarks.speed_works import OFFICIAL, OURS, Case, train


def training_part(options: Options) -> dict[str, Any]:
    """Take steps with four images of 480 × 640 pixels and 200 classes."""
    case = replace(TINY if options.quick else Case(480, 640, 200), batch=4)
    case = replace(case, official=options.official)
    # Without dropout, whose random weights are made anew in each code's own way.
    losses = {
        who: [step() for step in [train(case, who, dropout=0.0)] for _ in range(3)]
        for who in compared(options)
    }
    works = build("train", case, compared(options))
    flops = count_flops(train(case, OURS, dropout=0.0))
    found = measure(works, case, flops, options)
    found["losses_without_dropout"] = losses
    if OFFICIAL in losses:
        found["agreement"] = {
            f"{OURS} and {OFFICIAL}": {
                "first_loss": abs(losses[OURS][0] - losses[OFFICIAL][0]),
                "third_loss": abs(losses[OURS][2] - losses[OFFICIAL][2]),
            }
        }
    found["profiles"] = {who: profiled(work) for who, work in works.items()}
    del works
    add_memory(found, "train", case, options)
    return found
