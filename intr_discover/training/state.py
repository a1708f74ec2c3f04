"""The state to resume from: one file, whole or absent, that continues exactly."""

from __future__ import annotations

import pickle
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from intr_discover.errors import UserError
from intr_discover.files import remove_leftovers, replacing

STATE_FILE = Path("resume") / "state.pt"


@dataclass
class Totals:
    """Sums over the training images of an epoch so far.

    Attributes
    ----------
    loss
        Sum of losses.
    correct, seen
        Numbers of images.
    seconds
        Time spent.
    """

    loss: float = 0.0
    correct: int = 0
    seen: int = 0
    seconds: float = 0.0


@dataclass
class TrainingState:
    """Where a training stands, besides weights, optimiser and random generators.

    Attributes
    ----------
    epoch, step
        The next epoch and, within it, the next batch; from 0.
    totals
        Of the epoch under way.
    history
        One row an epoch: what ``metrics.csv`` holds.
    best_top1, best_loss, best_epoch
        Validation values of the best weights so far, None before; epoch from 1, 0 for none.
    data_fingerprint
        Of the training and validation images.
    """

    epoch: int = 0
    step: int = 0
    totals: Totals = field(default_factory=Totals)
    history: list[dict[str, float | None]] = field(default_factory=list)
    best_top1: float | None = None
    best_loss: float | None = None
    best_epoch: int = 0
    data_fingerprint: str = ""

    def is_best(self, top1: float | None, loss: float | None) -> bool:
        """Return whether these validation values beat all before; None where none were taken."""
        if top1 is None or loss is None:
            return False
        # Equal top-1 is common with few validation images: the lower loss decides.
        if self.best_top1 is None or self.best_loss is None:
            return True
        return (top1, -loss) > (self.best_top1, -self.best_loss)

    def forget_best(self) -> None:
        """Begin to look for the best weights anew."""
        self.best_top1, self.best_loss, self.best_epoch = None, None, 0


def save_state(
    run: Path, state: TrainingState, parts: dict[str, Any], generators: list[dict[str, Any]]
) -> None:
    """Write the state with the state dictionaries of ``parts`` and each process's generators."""
    content = {"state": asdict(state), "parts": parts, "generators": generators}
    with replacing(run / STATE_FILE) as temporary:
        torch.save(content, temporary)


def load_state(run: Path) -> tuple[TrainingState, dict[str, Any], list[dict[str, Any]]] | None:
    """Read what ``save_state`` wrote, or None where there is nothing to resume from.

    Raises
    ------
    UserError
        If the file is not a state.
    """
    path = run / STATE_FILE
    if not path.exists():
        return None
    try:
        # weights_only: nothing in the file is executed.
        content = torch.load(path, map_location="cpu", weights_only=True)
        values = dict(content["state"])
        values["totals"] = Totals(**values["totals"])
        return TrainingState(**values), content["parts"], content["generators"]
    except (OSError, RuntimeError, pickle.UnpicklingError, KeyError, TypeError, EOFError) as error:
        raise UserError(
            f"{path} is not a state that training can resume from; "
            f"delete the folder {run} and train again"
        ) from error


def remove_state(run: Path) -> None:
    """Delete the state of a finished training."""
    path = run / STATE_FILE
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        remove_leftovers(path.parent)
        if not any(path.parent.iterdir()):
            path.parent.rmdir()


def generator_states() -> dict[str, Any]:
    """Return the states of this process's random generators."""
    states: dict[str, Any] = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def restore_generators(states: dict[str, Any]) -> None:
    """Put back what ``generator_states`` returned."""
    torch.set_rng_state(states["cpu"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])
