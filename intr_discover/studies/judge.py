"""The judge: the model whose probability says whether a map marked what matters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy
import torch
from numpy.typing import NDArray

from intr_discover.data.demo import DEMO
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer, load
from intr_discover.model.checkpoint import read_config

INTR_ITSELF = "intr"


@dataclass(frozen=True)
class Judge:
    """A model that classifies pictures which were made from photographs.

    Attributes
    ----------
    explainer
        The model.
    name
        ``"intr"`` where it is the model that is studied, else its run.
    """

    explainer: Explainer
    name: str

    def picture(self, photograph: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return a photograph as the judge reads it: ``[3, h, w]``, normalised."""
        return self.explainer.preprocessing(photograph).numpy()

    def probabilities(self, pictures: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probabilities ``[B, C]`` of normalised pictures ``[B, 3, h, w]``."""
        with torch.inference_mode():
            # Channels last: a third quicker on a processor, and the same numbers.
            batch = torch.from_numpy(pictures).to(memory_format=torch.channels_last)
            logits = self.explainer.model(batch).logits
        return np.asarray(scipy.special.softmax(logits.double().cpu().numpy(), axis=1))


def is_plain(run: str | Path) -> bool:
    """Return whether a run is a plain classifier, from its configuration alone.

    Raises
    ------
    UserError
        If a folder holds no run.
    """
    if run == DEMO or not Path(run).is_dir():
        return False
    return bool(read_config(run)["model"].get("kind") == "plain")


def load_run(
    option: str, run: str, device: torch.device | str, precision: str = "fp32"
) -> Explainer:
    """Load the run that an option names.

    Raises
    ------
    UserError
        If there is none; the option is named.
    """
    if run != DEMO and not Path(run).exists():
        raise UserError(f"--{option} {run}: there is no such run; name a run folder")
    return load(run, device=str(device), precision=precision)
