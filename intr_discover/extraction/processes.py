"""The processes that share an extraction, started by ``accelerate launch`` or ``torchrun``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list

from intr_discover.errors import UserError
from intr_discover.explain.explainer import choose_device

Made = TypeVar("Made")

# Shards are dealt out beforehand and processes meet only at the end. A fast one then waits for a
# slow one, which the usual ten minutes would take for a failure.
_LONGEST_WAIT = timedelta(days=14)


class ToldByMainError(UserError):
    """What stopped the main process, in the others: it is said once, by the main one."""


@dataclass(frozen=True)
class Processes:
    """One process among those that work together.

    Attributes
    ----------
    index, count
        Which one this is, from 0, and how many there are.
    device
        Where this process runs its model.
    """

    index: int = 0
    count: int = 1
    device: str = "auto"

    @property
    def is_main(self) -> bool:
        """Return whether this process plans the work and speaks for all."""
        return self.index == 0

    def from_main(self, make: Callable[[], Made]) -> Made:
        """Let the main process make something, and return it in every process.

        Raises
        ------
        UserError, OSError
            In the main process, what it raised; in the others a ``ToldByMainError``.
        """
        outcome: list[Made | Exception | None] = [None]
        if self.is_main:
            try:
                outcome[0] = make()
            except (UserError, OSError) as error:
                outcome[0] = error
        if self.count > 1:
            broadcast_object_list(outcome)
        if isinstance(outcome[0], Exception):
            raise outcome[0] if self.is_main else ToldByMainError(str(outcome[0]))
        return outcome[0]  # type: ignore[return-value]

    def main_first(self, make: Callable[[], Made]) -> Made:
        """Let every process make something of its own, the main one first.

        A mistake that all of them would meet is then said once, by the process that speaks.
        """
        made: list[Made] = []
        self.from_main(lambda: made.append(make()))
        return made[0] if self.is_main else make()

    def wait(self) -> None:
        """Return when all processes have come here.

        Raises
        ------
        UserError
            If another one died on the way.
        """
        if self.count > 1:
            try:
                PartialState().wait_for_everyone()
            except RuntimeError as error:  # the connection to the other was closed
                raise UserError(
                    "another process stopped before its work was done; the same command goes on"
                ) from error


@contextmanager
def joined(device: str = "auto") -> Iterator[Processes]:
    """Join the processes that were started together; alone where this one was not launched so.

    Parameters
    ----------
    device
        ``auto``, or a torch device; with several processes each takes an accelerator of its own.

    Raises
    ------
    UserError
        If the device does not exist.
    """
    # Without cpu=True, processes on a machine without accelerators would each do all the work.
    cpu = device == "cpu" or not torch.accelerator.is_available()
    state = PartialState(cpu=cpu, timeout=_LONGEST_WAIT)
    if state.num_processes == 1:
        PartialState._reset_state()  # another command of this process may want another device
        yield Processes(device=str(choose_device(device)))
        return
    chosen = "cpu" if cpu else str(state.device)
    yield Processes(state.process_index, state.num_processes, chosen)
    # After a failure the launcher ends the others; to say goodbye to them could wait for ever.
    state.destroy_process_group()
