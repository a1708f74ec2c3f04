"""What a study asks: a model of this package, or another method with units of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.method import Method, Units, checked

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
    if isinstance(studied, Method):
        answers: list[int] = []
        for batch in batched(pictures, batch_size):
            logits = studied.logits(batch, batch_size=batch_size)
            require_numbers(logits, studied.name)
            answers += logits.argmax(axis=-1).tolist()
        return answers
    answers = []
    with torch.inference_mode():
        for inputs in batches(studied, pictures, batch_size):
            found = studied.model(inputs).logits.float().cpu().numpy()
            require_numbers(found, studied.source)
            answers += found.argmax(axis=-1).tolist()
    return answers


def units_of(method: Method, picture: Picture, class_id: int, image: str = "") -> Units:
    """Return the units of one class on a picture.

    Parameters
    ----------
    method
        Whom to ask.
    picture
        uint8 RGB ``[H, W, 3]``.
    class_id
        Of the class.
    image
        The photograph's name, for the message.

    Raises
    ------
    UserError
        If a map is no number.
    """
    units = method.units(picture, method.classes[class_id])
    return checked(units, method, image or "a picture")


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
