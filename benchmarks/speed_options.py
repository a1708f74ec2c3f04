"""What the command of the speed benchmark is told, in the form that its parts read."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.speed_roofline import SIDES, Gemm, fastest_gemm

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """Settings of a run.

    Attributes
    ----------
    official, rise
        Checkouts of the official INTR code and of the RISE authors' code, or None.
    leeds_run, leeds_data
        A run trained on the Leeds butterflies and its specimens, or None.
    quick
        Tiny sizes and few repeats, to see that everything runs; its numbers mean nothing.
    repeats
        Timed rounds of each part.
    memory
        Also measure memory, each work in a process of its own.
    say
        Is told what is being done.
    """

    official: str | None = None
    rise: str | None = None
    leeds_run: Path | None = None
    leeds_data: Path | None = None
    quick: bool = False
    repeats: int = 7
    memory: bool = True
    say: Say = print

    def gemm(self, precision: str, device: str = "cpu") -> Gemm:
        """Return the matrix product whose rate is the machine's peak in a precision."""
        return _gemm(precision, device, SIDES[:1] if self.quick else SIDES)


@functools.cache
def _gemm(precision: str, device: str, sides: tuple[int, ...]) -> Gemm:
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    return fastest_gemm(dtype, device, sides=sides)[0]
