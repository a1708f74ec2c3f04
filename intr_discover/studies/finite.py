"""What a model answers must be numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from intr_discover.errors import UserError


def require_finite_answers(
    answers: Sequence[Tensor | None], rows: NDArray[np.int64], paths: Sequence[Path]
) -> None:
    """Refuse what a model answers about a batch when it is no number.

    Parameters
    ----------
    answers
        Each ``[B, ...]``, logits or maps; None is left out.
    rows
        ``[B]``: which of ``paths`` the photographs are.
    paths
        Photographs.

    Raises
    ------
    UserError
        Naming the first photograph with a value that is NaN or infinite.
    """
    given = [answer for answer in answers if answer is not None]
    finite = torch.stack([answer.isfinite().flatten(1).all(dim=1) for answer in given]).all(dim=0)
    if not bool(finite.all()):
        first = paths[rows[int(finite.logical_not().nonzero()[0])]]
        raise UserError(
            f"{first}: the model answers with values that are no numbers (NaN or infinite); "
            "its training failed or its weights are damaged: train it anew"
        )
