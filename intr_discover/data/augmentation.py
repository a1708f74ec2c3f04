"""Random changes of training images: light ones for small sets, DETR's for the paper's recipe."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torchvision.transforms import v2

Augmentation = Literal["none", "light", "detr"]


def build_augmentation(
    kind: Augmentation, size: int, longest: int | None, smallest_crop: float = 0.35
) -> nn.Module | None:
    """Return a transform of uint8 images ``[3, H, W]``, or None for no augmentation.

    Parameters
    ----------
    kind
        ``"light"``: random resized crop to ``size`` × ``size``, horizontal flip, mild changes of
        light and contrast (no hue: colour is an attribute). ``"detr"``: DETR's multi-scale resize
        and crop (Carion et al. 2020): shorter side from 0.6 to 1 times ``size``, flip.
    size, longest
        Pixels; see ``Preprocessing``.
    smallest_crop
        ``"light"``: smallest share of the photograph's area that a crop shows, in (0, 1].
    """
    if kind == "none":
        return None
    if kind == "light":
        return v2.Compose(
            [
                v2.RandomResizedCrop(size, scale=(smallest_crop, 1.0), antialias=True),
                v2.RandomHorizontalFlip(),
                v2.ColorJitter(brightness=0.2, contrast=0.2),
            ]
        )
    # DETR's numbers for a test size of 800, scaled to ours.
    scale = size / 800
    sides = [round(side * scale) for side in range(480, 801, 32)]
    whole = v2.RandomShortestSize(sides, max_size=longest, antialias=True)
    cropped = v2.Compose(
        [
            v2.RandomShortestSize([round(side * scale) for side in (400, 500, 600)]),
            RandomSizeCrop(round(384 * scale), round(600 * scale)),
            v2.RandomShortestSize(sides, max_size=longest, antialias=True),
        ]
    )
    return v2.Compose([v2.RandomHorizontalFlip(), v2.RandomChoice([whole, cropped])])


class RandomSizeCrop(nn.Module):
    """Crop a window whose height and width are drawn separately (DETR).

    Parameters
    ----------
    smallest, largest
        Range of both sides in pixels; a side never exceeds the image's.
    """

    def __init__(self, smallest: int, largest: int) -> None:
        super().__init__()
        self.smallest = smallest
        self.largest = largest

    def forward(self, image: Tensor) -> Tensor:
        """Crop ``[3, H, W]``."""
        height, width = (self._draw(side) for side in image.shape[-2:])
        top = int(torch.randint(image.shape[-2] - height + 1, ()))
        left = int(torch.randint(image.shape[-1] - width + 1, ()))
        return image[..., top : top + height, left : left + width]

    def _draw(self, side: int) -> int:
        smallest, largest = min(self.smallest, side), min(self.largest, side)
        return int(torch.randint(smallest, largest + 1, ()))
