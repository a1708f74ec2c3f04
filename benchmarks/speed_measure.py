"""One measurement of the speed benchmark: times in turn, roofline, memory, agreement, profile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.speed_clock import Work, alternate, ratio, summary
from benchmarks.speed_memory import memory_apart
from benchmarks.speed_options import Options
from benchmarks.speed_roofline import roofline
from benchmarks.speed_works import KINDS, OFFICIAL, OFFICIAL_BF16, OURS, OURS_BF16, Case

PRECISIONS = {OURS: "fp32", OURS_BF16: "bf16", OFFICIAL: "fp32", OFFICIAL_BF16: "bf16"}
"""By whose work: the precision whose peak is its roofline."""


def compared(options: Options) -> tuple[str, ...]:
    """Return whose works are measured: theirs where there is a checkout."""
    return (OURS, OURS_BF16, OFFICIAL) if options.official else (OURS, OURS_BF16)


def build(kind: str, case: Case, whose: Sequence[str]) -> dict[str, Work]:
    """Return a work of each."""
    return {who: KINDS[kind](case, who) for who in whose}


def measure(
    works: dict[str, Work], case: Case, flops: int, options: Options, repeats: int | None = None
) -> dict[str, Any]:
    """Time works of one kind in turn, with the matrix product of each precision among them.

    Returns
    -------
    dict
        ``case``; ``works``: by whose, ``seconds`` and ``roofline``; ``ratios``: by whose, how many
        times as long the official code took in the same round.
    """
    gemms = {
        precision: options.gemm(precision, case.device)
        for precision in dict.fromkeys(PRECISIONS[who] for who in works)
    }
    products = {f"product {precision}": gemm for precision, gemm in gemms.items()}
    seconds = alternate({**works, **products}, repeats or options.repeats)
    return {
        "case": case.as_dict(),
        "works": {
            who: {
                "seconds": summary(seconds[who]),
                "images_a_second": case.batch / summary(seconds[who])["median"],
                "roofline": roofline(
                    flops, seconds[who], gemms[precision], seconds[f"product {precision}"]
                ),
            }
            for who, precision in PRECISIONS.items()
            if who in works
        },
        "ratios": ratios(seconds),
    }


def ratios(seconds: dict[str, list[float]]) -> dict[str, Any]:
    """Return how many times as long the official code took as each of ours."""
    found = {}
    for who in (OURS, OURS_BF16):
        their = OFFICIAL_BF16 if who == OURS_BF16 and OFFICIAL_BF16 in seconds else OFFICIAL
        if their in seconds and who in seconds:
            found[who] = {"than": their, **ratio(seconds[their], seconds[who])}
    return found


def add_memory(found: dict[str, Any], kind: str, case: Case, options: Options) -> None:
    """Measure the memory of each work and add it."""
    if options.memory:
        for who, work in found["works"].items():
            options.say(f"  memory: {who}")
            work["memory"] = memory_apart(kind, case, who)
