"""What a study asks: a model of this package, or another method with units of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.method import Method

Studied = Explainer | Method

Picture = NDArray[np.uint8]


def answers_to(studied: Studied, pictures: Iterable[Picture], batch_size: int) -> list[int]:
    """Return the class ids that are answered to pictures of one size.

    Parameters
    ----------
    studied
        Whom to ask.
    pictures
        uint8 RGB ``[H, W, 3]`` each; no more than a batch of them is held.
    batch_size
        Most that are asked about at once.

    Raises
    ------
    UserError
        If the logits are no numbers.
    """
    answers: list[int] = []
    for logits in _logits(studied, pictures, batch_size):
        require_numbers(logits, name_of(studied))
        answers += logits.argmax(axis=-1).tolist()
    return answers


def _logits(
    studied: Studied, pictures: Iterable[Picture], batch_size: int
) -> Iterator[NDArray[np.float32]]:
    """Yield logits ``[B, C]`` of pictures of one size."""
    if isinstance(studied, Method):
        for batch in batched(pictures, batch_size):
            yield studied.logits(batch, batch_size=batch_size)
        return
    for inputs in batches(studied, pictures, batch_size):
        with torch.inference_mode():
            found = studied.model(inputs).logits
        yield found.float().cpu().numpy()


def labels_answered(studied: Studied, specimens: Specimens, batch_size: int) -> list[str]:
    """Return the class that is named for each photograph.

    Raises
    ------
    UserError
        If an answer is no number; the photograph is named.
    """
    logits = studied.logits(specimens.paths, batch_size=batch_size)
    broken = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if len(broken):
        raise UserError(
            f"{specimens.table['image'].iloc[broken[0]]}: the answer of {name_of(studied)} is no "
            "number (NaN); its weights are damaged or its training diverged"
        )
    return [studied.classes[place] for place in logits.argmax(axis=1)]


def name_of(studied: Studied) -> str:
    """Return what messages call it: a method by its name, a model by where it came from."""
    return studied.name if isinstance(studied, Method) else studied.source


def require_numbers(logits: ArrayLike, name: str) -> None:
    """Refuse logits that are no numbers.

    Raises
    ------
    UserError
        Naming the model.
    """
    if not np.isfinite(logits).all():
        raise UserError(
            f"the logits of {name or 'the model'} are no numbers (NaN); its training has gone wrong"
        )


def batched(pictures: Iterable[Picture], batch_size: int) -> Iterator[list[Picture]]:
    """Yield pictures in lists of ``batch_size``; the last may be shorter."""
    waiting = iter(pictures)
    while batch := list(islice(waiting, batch_size)):
        yield batch


def batches(
    explainer: Explainer, pictures: Iterable[Picture], batch_size: int
) -> Iterator[torch.Tensor]:
    """Yield ``[B, 3, h, w]`` of pictures that all have one size, in their order."""
    for batch in batched(pictures, batch_size):
        read = torch.stack([explainer.preprocessing(picture) for picture in batch])
        # Channels last: a third quicker on a processor, and the same numbers.
        yield read.contiguous(memory_format=torch.channels_last)
