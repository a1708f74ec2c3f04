"""Any timm backbone as one feature map: convolutional networks and vision transformers alike."""

from __future__ import annotations

import difflib
import inspect
from typing import Any

import timm
import torch
from timm.layers import freeze_batch_norm_2d
from torch import Tensor
from torch.nn import functional

from intr_discover.errors import UserError, shorten
from intr_discover.model.backbone_weights import create_network
from intr_discover.model.frozen_blocks import quicken_blocks
from intr_discover.model.inference import HasNetwork


class Backbone(HasNetwork):
    """A timm model cut at one feature level.

    Parameters
    ----------
    name
        A timm model name, for example ``resnet18``, ``resnet50``, ``deit_small_patch16_224``,
        ``vit_huge_patch14_224`` or ``vit_small_patch14_dinov2``.
    stride
        Take the deepest level with this many pixels a cell (8, 16, 32 ...).
    level
        Take this level instead: 0 is the shallowest, -1 the deepest. For a vision transformer
        a level is a block.  With neither ``stride`` nor ``level`` the deepest level is taken.
    freeze_batch_norm
        Turn batch norm into a fixed scale and shift (DETR, Carion et al. 2020).
    pretrained
        Fetch timm's pretrained weights. Training from a file uses the checkpoint instead.
    weights
        A file or folder with such weights; then nothing is fetched.
    in_channels
        Colour channels of the images.

    Attributes
    ----------
    channels : int
        Channels of the feature map.
    stride : int
        Pixels a cell.

    Raises
    ------
    UserError
        If timm does not know the name, or the backbone has no such level or stride.
    """

    def __init__(
        self,
        name: str,
        *,
        stride: int | None = None,
        level: int | None = None,
        freeze_batch_norm: bool = True,
        pretrained: bool = False,
        weights: str | None = None,
        in_channels: int = 3,
    ) -> None:
        super().__init__()
        if stride is not None and level is not None:
            raise UserError("backbone: give a stride or a level, not both")
        probe = probe_timm(name)
        self.makes_tokens = _makes_tokens(probe)
        if self.makes_tokens:
            index = _choose_level(name, _token_strides(probe), stride, level)
            self.network = create_network(
                name, pretrained=pretrained, weights=weights, num_classes=0, in_chans=in_channels,
                dynamic_img_size=True,
            )  # fmt: skip
            info = self.network.feature_info[index]
            self.channels, self.stride = int(info["num_chs"]), int(info["reduction"])
            # Drop the blocks above the level, but keep the final norm for its tokens.
            (self.block,) = self.network.prune_intermediate_layers([index], prune_norm=False)
            self.channels_come_last = False
            self.size_multiple = self.stride
        else:
            index = _choose_level(name, _map_strides(name), stride, level)
            self.network = create_network(
                name, pretrained=pretrained, weights=weights, features_only=True,
                out_indices=(index,), in_chans=in_channels, **_any_size(probe),
            )  # fmt: skip
            self.channels = int(self.network.feature_info.channels()[-1])
            self.stride = int(self.network.feature_info.reduction()[-1])
            order = str(getattr(self.network, "output_fmt", "NCHW"))
            self.channels_come_last = order.endswith("NHWC")
            # Window transformers need whole windows; convolutional networks read any size.
            self.size_multiple = max(_map_strides(name)) if _any_size(probe) else 1
            self.convolves = not self.channels_come_last
        if freeze_batch_norm:
            self.network = freeze_batch_norm_2d(self.network)
            quicken_blocks(self.network)

    def forward(self, images: Tensor, padding: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the feature map and its padding.

        Parameters
        ----------
        images
            ``[B, 3, H, W]``, normalised.
        padding
            ``[B, H, W]`` bool, True on padded pixels, or None where there is none.

        Returns
        -------
        tuple
            Feature map ``[B, channels, h, w]`` and padding ``[B, h, w]`` bool or None.
        """
        height, width = images.shape[-2:]
        images, padding = _pad_to_multiple(images, padding, self.size_multiple)
        network, images = self.ready(images)
        if self.makes_tokens:
            (features,) = network.forward_intermediates(
                images, indices=[self.block], norm=True, intermediates_only=True
            )
        else:
            features = network(images)[-1]
            if self.channels_come_last:
                features = features.permute(0, 3, 1, 2)
        if self.size_multiple > self.stride:
            # Whole windows may reach beyond the image by more than a cell: leave those cells out.
            rows, columns = -(-height // self.stride), -(-width // self.stride)
            features = features[..., :rows, :columns]
            if padding is not None:
                padding = padding[:, : rows * self.stride, : columns * self.stride]
        if padding is not None:
            # Nearest neighbour, as in DETR: a cell is padding where its first pixel is.
            small = functional.interpolate(padding[:, None].float(), size=features.shape[-2:])
            padding = small[:, 0].bool()
        return features, padding


def probe_timm(name: str) -> Any:
    """Build a timm model without memory for its weights, only to ask what it is.

    Raises
    ------
    UserError
        If timm does not know the name.
    """
    known, architecture = timm.list_models(), name.split(".")[0]
    if architecture not in known:
        close = difflib.get_close_matches(architecture, known, n=5)
        hint = f"; did you mean {shorten(close)}?" if close else ""
        raise UserError(f"backbone '{name}' is not a timm model{hint}")
    try:
        with torch.device("meta"):
            return timm.create_model(name)
    except RuntimeError as error:  # an unknown tag after the dot: resnet50.nonsense
        raise UserError(f"backbone '{name}' is not a timm model: {error}") from error


def _makes_tokens(probe: Any) -> bool:
    tokens = hasattr(probe, "forward_intermediates") and hasattr(probe, "num_prefix_tokens")
    if tokens and not takes_argument(probe, "dynamic_img_size"):
        raise UserError(
            f"backbone '{type(probe).__name__}' reads images of one size only; "
            "choose one whose patch grid follows the image, such as deit_small_patch16_224"
        )
    return tokens


def takes_argument(probe: Any, argument: str) -> bool:
    """Tell whether the model's class, or one that it builds on, takes this argument."""
    return any(argument in inspect.signature(kind).parameters for kind in type(probe).__mro__)


def _any_size(probe: Any) -> dict[str, Any]:
    """Let window transformers (Swin) read images of any size, where timm can."""
    return {"strict_img_size": False} if takes_argument(probe, "strict_img_size") else {}


def _token_strides(probe: Any) -> list[int]:
    return [int(info["reduction"]) for info in probe.feature_info]


def _map_strides(name: str) -> list[int]:
    try:
        with torch.device("meta"):
            network: Any = timm.create_model(name, features_only=True)
    except (RuntimeError, AttributeError) as error:
        raise UserError(f"backbone '{name}' yields no feature map in timm: {error}") from error
    return [int(stride) for stride in network.feature_info.reduction()]


def _choose_level(name: str, strides: list[int], stride: int | None, level: int | None) -> int:
    if stride is not None:
        matching = [index for index, value in enumerate(strides) if value == stride]
        if not matching:
            offered = shorten(sorted(set(strides)), most=8)
            raise UserError(f"backbone '{name}' has no stride {stride}; it offers {offered}")
        return matching[-1]
    index = -1 if level is None else level
    if not -len(strides) <= index < len(strides):
        raise UserError(f"backbone '{name}' has levels 0 to {len(strides) - 1}, not {level}")
    return index % len(strides)


def _pad_to_multiple(
    images: Tensor, padding: Tensor | None, multiple: int
) -> tuple[Tensor, Tensor | None]:
    height, width = images.shape[-2:]
    bottom, right = -height % multiple, -width % multiple
    if not (bottom or right):
        return images, padding
    if padding is not None:
        padding = functional.pad(padding, (0, right, 0, bottom), value=True)
    # Cells without any real pixel are left out afterwards, so that no mask is needed for them.
    return functional.pad(images, (0, right, 0, bottom)), padding
