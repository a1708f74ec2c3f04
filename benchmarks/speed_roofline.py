"""The least time that arithmetic alone takes: counted operations over the measured peak.

One multiplication with its addition counts as two operations (FLOP). Convolutions, matrix products
and attention are counted, as ``torch.utils.flop_counter`` does; what is left out (norms, softmax,
activations) is bound by memory, not by arithmetic. Williams, Waterman and Patterson, "Roofline: an
insightful visual performance model for multicore architectures", CACM 2009.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.speed_clock import summary

SIDES = (1024, 2048, 4096)
"""Sides of the square matrices that are tried for the peak."""


def count_flops(work: Callable[[], object]) -> int:
    """Run a work once and return its floating-point operations."""
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


class Gemm:
    """A product of two square matrices; its rate is the peak of a machine.

    Parameters
    ----------
    side
        Rows and columns.
    dtype, device
        Of the matrices.

    Attributes
    ----------
    flops : int
        Operations of one product, 2 side³.
    """

    def __init__(self, side: int, dtype: torch.dtype = torch.float32, device: str = "cpu") -> None:
        generator = torch.Generator().manual_seed(0)
        self.left, self.right = (
            torch.randn(side, side, generator=generator).to(device, dtype) for _ in range(2)
        )
        self.device = device
        self.flops = 2 * side**3

    def __call__(self) -> torch.Tensor:
        """Multiply, and wait for it."""
        with torch.inference_mode():
            product = self.left @ self.right
        if self.device != "cpu":
            torch.cuda.synchronize()
        return product


def fastest_gemm(
    dtype: torch.dtype = torch.float32,
    device: str = "cpu",
    tries: int = 5,
    sides: Sequence[int] = SIDES,
) -> tuple[Gemm, float]:
    """Return the product with the largest rate, and that rate in FLOP a second (best of tries)."""
    found: list[tuple[float, Gemm]] = []
    for side in sides:
        gemm = Gemm(side, dtype, device)
        gemm()
        rates = []
        for _ in range(tries):
            began = time.perf_counter()
            gemm()
            rates.append(gemm.flops / (time.perf_counter() - began))
        found.append((max(rates), gemm))
    rate, gemm = max(found, key=lambda pair: pair[0])
    return gemm, rate


def roofline(
    flops: int, seconds: Sequence[float], gemm: Gemm, gemm_seconds: Sequence[float]
) -> dict[str, Any]:
    """Return the roofline time of a work, and how many times as long it took.

    Parameters
    ----------
    flops
        Of the work.
    seconds, gemm_seconds
        That work and matrix product took, round by round: each round has a peak of its own, so
        that a machine that is slower for a while does not count against the work.
    gemm
        The matrix product.
    """
    peaks = [gemm.flops / took for took in gemm_seconds]
    over = [took * peak / flops for took, peak in zip(seconds, peaks, strict=True)]
    middle = float(np.median(peaks))
    return {
        "gigaflop": flops / 1e9,
        "peak_gigaflop_a_second": middle / 1e9,
        "roofline_seconds": flops / middle,
        "over_roofline": summary(over),
        "share_of_peak": float(np.median([1 / value for value in over])),
    }
