"""Part of the speed benchmark: training and explaining on an NVIDIA GPU, fp32 and bf16.

The official code has ResNets only, and no mixed precision; its bf16 is autocast around it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from benchmarks.speed_inference import TINY
from benchmarks.speed_measure import build, measure
from benchmarks.speed_options import Options
from benchmarks.speed_profile import profiled
from benchmarks.speed_roofline import count_flops
from benchmarks.speed_works import (
    OFFICIAL,
    OFFICIAL_BF16,
    OURS,
    OURS_BF16,
    Case,
    plainly,
    train,
)

CASES = (
    Case(480, 640, 200, batch=16, device="cuda"),
    Case(518, 518, 200, batch=16, device="cuda", backbone="vit_base_patch14_dinov2"),
)


def gpu_part(options: Options) -> dict[str, Any]:
    """Explain and train with ResNet-50 and with ViT-B of DINOv2."""
    if not torch.cuda.is_available():
        return {"skipped": "torch finds no NVIDIA GPU on this machine"}
    cases: tuple[Case, ...] = CASES
    if options.quick:
        cases = (replace(TINY, device="cuda", batch=2),)
    return {
        "card": torch.cuda.get_device_name(),
        "float32_products": torch.get_float32_matmul_precision(),
        "rows": [row for case in cases for row in on_card(case, options)],
    }


def on_card(case: Case, options: Options) -> list[dict[str, Any]]:
    """Measure both kinds of work of one case; the device may be a processor, for a test."""
    whose = [OURS, OURS_BF16]
    if options.official and case.backbone.startswith("resnet"):
        whose += [OFFICIAL, OFFICIAL_BF16]
        case = replace(case, official=options.official)
    rows = []
    for kind in ("explain", "train"):
        options.say(f"  {kind}, {case.backbone}")
        work = plainly(case) if kind == "explain" else train(case, OURS, dropout=0.0)
        flops = count_flops(work)
        del work
        found: dict[str, Any] = {"kind": kind, "memory": {}}
        for who in whose:  # one at a time, so that only its own weights are on the card
            if case.device == "cuda":
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
                build(kind, case, [who])[who]()
                found["memory"][who] = torch.cuda.max_memory_allocated() / 1e6
        works = build(kind, case, whose)
        found |= measure(works, case, flops, options)
        found["profiles"] = {who: profiled(work, case.device) for who, work in works.items()}
        del works
        rows.append(found)
    return rows
