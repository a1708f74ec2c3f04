"""Sine position embedding of padded batches (Carion et al., DETR, ECCV 2020)."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def sine_position(
    padding: Tensor | None,
    shape: tuple[int, int, int],
    channels: int,
    device: torch.device,
    temperature: float = 10000.0,
) -> Tensor:
    """Return a position embedding that counts real cells only, normalised to 2π.

    Parameters
    ----------
    padding
        ``[B, h, w]`` bool, True on padded cells, or None where there is none.
    shape
        ``(B, h, w)``.
    channels
        Channels of the embedding, divisible by 4: one half for rows, one for columns, each half
        sines and cosines in turn.
    device
        Where the embedding is made.
    temperature
        Longest wavelength over 2π.

    Returns
    -------
    Tensor
        ``[B, h * w, channels]`` float32.
    """
    real = torch.ones(shape, device=device) if padding is None else (~padding).float()
    rows = real.cumsum(1)
    columns = real.cumsum(2)
    tiny = 1e-6
    rows = rows / (rows[:, -1:, :] + tiny) * (2 * math.pi)
    columns = columns / (columns[:, :, -1:] + tiny) * (2 * math.pi)

    half = channels // 2
    exponent = 2 * (torch.arange(half, device=device) // 2) / half
    wavelength = temperature**exponent
    return torch.cat([_waves(rows, wavelength), _waves(columns, wavelength)], dim=-1).flatten(1, 2)


def _waves(position: Tensor, wavelength: Tensor) -> Tensor:
    phase = position[..., None] / wavelength
    return torch.stack([phase[..., 0::2].sin(), phase[..., 1::2].cos()], dim=-1).flatten(-2)
