"""Grad-CAM on INTR and on plain classifiers, by the package grad-cam (J. Gildenblat, MIT licence).

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017: channels of a feature map are weighted by the mean gradient of the class's
logit, added up, and what is below 0 is cut off.

Which feature map: of INTR the projected one (the output of the 1 × 1 projection, before any encoder
layer), so that its grid is that of the attention maps; of a plain classifier the last one before
the pooling, or the input of a vision transformer's last block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from intr_discover.errors import UserError
from intr_discover.model.intr import INTR
from intr_discover.model.plain import PlainClassifier


@dataclass(frozen=True)
class CellMaps:
    """Maps on a coarse grid.

    Attributes
    ----------
    maps
        ``[B, h, w]`` float32.
    stride
        Pixels of the picture in a cell; the last cells may reach over its edge.
    """

    maps: NDArray[np.float32]
    stride: int


def gradcam(
    model: INTR | PlainClassifier, images: Tensor, class_ids: list[int], *, contrast: bool = False
) -> CellMaps:
    """Return the Grad-CAM map of one class for each picture.

    Parameters
    ----------
    model
        INTR, or a plain classifier with a feature map or patch tokens.
    images
        ``[B, 3, H, W]``, normalised.
    class_ids
        The class c of each picture.
    contrast
        Ask what speaks for c *and against its closest rival*: the gradient of
        ``logit_c − max_{c'≠c} logit_{c'}`` instead of that of ``logit_c``. The idea of Finer-CAM
        (Zhang et al., CVPR 2025) with one rival, the most probable other class.

    Returns
    -------
    CellMaps
        In [0, 1], scaled by the package so that each map's smallest value is 0 and its largest 1;
        a map without any positive value is 0 everywhere.

    Raises
    ------
    UserError
        If a plain classifier has neither a feature map nor patch tokens, or a contrast is asked of
        a model of one class.
    """
    # Takes seconds to import, and only those who ask for it shall wait.
    from pytorch_grad_cam import GradCAM

    if contrast and model.config.num_classes < 2:
        raise UserError("a contrast needs at least two classes; this model has one")
    whole, layer, to_map, stride = _seam(model, (images.shape[-2], images.shape[-1]))

    class CellGradCAM(GradCAM):
        """Leaves the map on its own grid; cells are brought to pixels in one way everywhere."""

        def get_target_width_height(self, input_tensor: Tensor) -> tuple[int, int]:
            rows, columns = self.activations_and_grads.activations[0].shape[-2:]
            return int(columns), int(rows)

    wanted = [_Target(class_id, contrast) for class_id in class_ids]
    cam = CellGradCAM(whole, [layer], reshape_transform=to_map)
    # Not by a with-block, for that of the package prints some exceptions and swallows them.
    try:
        with torch.enable_grad():
            maps = cam(input_tensor=images, targets=wanted)
    finally:
        cam.activations_and_grads.release()
        model.zero_grad(set_to_none=True)  # the weights' own gradients are of no interest
    return CellMaps(np.asarray(maps, dtype=np.float32), stride)


class _Target:
    """What is differentiated: the logit of a class, or its lead over the closest rival."""

    def __init__(self, class_id: int, contrast: bool) -> None:
        self.class_id, self.contrast = class_id, contrast

    def __call__(self, logits: Tensor) -> Tensor:
        own = logits[self.class_id]
        if not self.contrast:
            return own
        rivals = logits.detach().clone()
        rivals[self.class_id] = -torch.inf
        return own - logits[int(rivals.argmax())]


class _Logits(nn.Module):
    """A model of ours as grad-cam wants it: a tensor of logits comes out."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        return self.model(images).logits


class _Parted(nn.Module):
    """A timm model with a seam between its features and its head, where the features are seen."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        self.seam = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        return self.network.forward_head(self.seam(self.network.forward_features(images)))


ToMap = Callable[[Tensor], Tensor] | None


def _seam(
    model: INTR | PlainClassifier, shape: tuple[int, int]
) -> tuple[nn.Module, nn.Module, ToMap, int]:
    """Return what gives logits, the layer whose output is seen, its way to a map, and its stride.

    Parameters
    ----------
    model
        INTR or a plain classifier.
    shape
        (H, W) of the pictures.
    """
    if isinstance(model, INTR):
        return _Logits(model), model.projection, None, model.stride
    network: Any = model.network
    stride = int(network.feature_info[-1]["reduction"])
    if hasattr(network, "num_prefix_tokens") and hasattr(network, "blocks"):
        # After the last block only the class token counts, so the block's input is looked at.
        prefix, rows = int(network.num_prefix_tokens), -(-shape[0] // stride)

        def tokens_to_map(tokens: Tensor) -> Tensor:
            return tokens[:, prefix:].transpose(1, 2).unflatten(2, (rows, -1))

        return _Logits(model), network.blocks[-1].norm1, tokens_to_map, stride
    parted = _Parted(network)
    with torch.inference_mode():
        weight = next(network.parameters())
        features = network.forward_features(weight.new_zeros(1, 3, *shape))
    if features.ndim != 4:
        raise UserError(
            f"Grad-CAM needs a feature map or patch tokens; {model.config.backbone} has neither"
        )
    if str(getattr(network, "output_fmt", "NCHW")).endswith("NHWC"):
        return parted, parted.seam, lambda features: features.permute(0, 3, 1, 2), stride
    return parted, parted.seam, None, stride
