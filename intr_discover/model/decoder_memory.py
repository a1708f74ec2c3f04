"""What one pass of the decoder leaves for the next question about the same image.

A knocked-out head changes nothing before its layer, a question about another class changes nothing
at all, and what the cells offer as keys and values is the same for every context.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from torch import Tensor

MOST_BYTES = 2**28
"""Passes are remembered up to this size in all: those of ten thousand classes just so."""


@dataclass
class Step:
    """One decoder layer of a pass without knock-outs.

    Attributes
    ----------
    states
        ``[1 or B, Q, D]``: after the queries have seen each other.
    query
        ``[B, R, Q, d]``: the projected queries of the cross-attention.
    found
        ``[B, R, Q, d]``: what each head found.
    """

    states: Tensor
    query: Tensor
    found: Tensor


@dataclass
class Trace:
    """A pass without knock-outs: its layers, and its normalised output ``[B, Q, D]``."""

    steps: list[Step] = field(default_factory=list)
    output: Tensor | None = None


@dataclass
class DecoderMemory:
    """Belongs to one encoded batch and to the weights that encoded it.

    Attributes
    ----------
    cells
        By layer: keys and values ``[B, R, N, d]`` of the cells.
    traces
        By context: the pass without knock-outs.
    """

    cells: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)
    traces: dict[Hashable, Trace] = field(default_factory=dict)

    def trace(self, context: Hashable, size: int) -> Trace | None:
        """Return the trace of a context, an empty one at first; None where there is no more room.

        Parameters
        ----------
        context
            What decides the queries.
        size
            Bytes of the whole trace.
        """
        if context not in self.traces:
            if self.bytes + size > MOST_BYTES:
                return None
            self.traces[context] = Trace()
        return self.traces[context]

    @property
    def bytes(self) -> int:
        """Return how much memory all of it takes."""
        tensors = [each for pair in self.cells.values() for each in pair]
        for trace in self.traces.values():
            tensors += [t for step in trace.steps for t in (step.states, step.query, step.found)]
            tensors += [] if trace.output is None else [trace.output]
        return sum(each.numel() * each.element_size() for each in tensors)
