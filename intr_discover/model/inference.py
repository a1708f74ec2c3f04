"""The model as it runs when nobody trains it: folded, laid out for speed, in fewer bits if allowed.

A model has one set of weights, and everything that reads or changes them goes on as before:
training, saving, the fingerprint, Grad-CAM. Beside it, a network that convolves may have a copy
that gives the same answers sooner. The copy is made when the first picture comes, again whenever a
weight has changed, and it is used only in evaluation mode and without gradients. It costs the
memory of the backbone's weights once more (94 MB for a ResNet-50).
"""

from __future__ import annotations

import itertools
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, TypeVar, get_args

import torch
from torch import Tensor, nn

from intr_discover.errors import UserError
from intr_discover.model.folding import Pairs, conv_norm_pairs, fold
from intr_discover.model.fusing import fuse

Precision = Literal["fp32", "bf16"]
PrecisionChoice = Literal["auto", "fp32", "bf16"]

_SIDE = 64
"""Pixels of the picture on which a folded network is tried."""

Model = TypeVar("Model", bound=nn.Module)


def choose_precision(name: str, device: torch.device) -> Precision:
    """Return the arithmetic of the matrix products.

    Parameters
    ----------
    name
        ``fp32``; ``bf16``: 16 bits with the range of 32 and three digits; ``auto``: bf16 where the
        device has circuits for it (a GPU from NVIDIA's Ampere on, a processor with AMX), else fp32.
    device
        Where the model runs.

    Raises
    ------
    UserError
        For another name.
    """
    if name not in get_args(PrecisionChoice):
        known = ", ".join(get_args(PrecisionChoice))
        raise UserError(f"precision '{name}' is unknown: use one of {known}")
    if name == "auto":
        return "bf16" if _has_bf16(device) else "fp32"
    return "bf16" if name == "bf16" else "fp32"


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    # PyTorch has no public word for AMX. A processor without it takes as long for bf16 as for fp32.
    has_tiles = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool(has_tiles is not None and has_tiles())


class FastNetwork:
    """The copy of a timm network that answers sooner, kept in step with its weights.

    Parameters
    ----------
    precision
        Of its convolutions and linear layers. What is normalised or added stays float32.
    convolves
        Whether it works on feature maps: then batch norm is folded in, additions and ReLU are part
        of the convolutions where they can be, and channels lie last in memory. Otherwise nothing
        but the precision changes.
    multiple
        Its pictures have sides that are multiples of this.
    """

    def __init__(self, precision: Precision, *, convolves: bool, multiple: int = 1) -> None:
        self.precision = precision
        self.convolves = convolves
        self.multiple = multiple
        self._pairs: Pairs | None = None
        self._state: tuple[tuple[int, int], ...] = ()
        self._made: nn.Module | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> FastNetwork:
        """Return one for a copy of the network, which makes its own when it is asked."""
        return FastNetwork(self.precision, convolves=self.convolves, multiple=self.multiple)

    def of(self, network: nn.Module) -> nn.Module:
        """Return what gives the answers of ``network``, made anew if its weights have changed."""
        if not self.convolves and self.precision == "fp32":
            return network
        state = _state_of(network)
        if self._made is None or state != self._state:
            self._made, self._state = self._make(network), state
        return self._made

    def laid_out(self, images: Tensor) -> Tensor:
        """Return images ``[B, 3, H, W]`` in the order in memory that the copy likes best."""
        if not self.convolves:
            return images
        return images.contiguous(memory_format=torch.channels_last)

    def _make(self, network: nn.Module) -> nn.Module:
        kind = next(network.parameters()).device.type
        with torch.autocast(kind, enabled=False):
            return self._made_of(network)

    def _made_of(self, network: nn.Module) -> nn.Module:
        if self._pairs is None:
            self._pairs = conv_norm_pairs(network, self._trial(network)) if self.convolves else []
        made = fold(network, self._pairs).eval().requires_grad_(False)
        if self.convolves:
            made = made.to(memory_format=torch.channels_last)
            fuse(made, self._trial(network))
        return _rounded(made) if self.precision == "bf16" else made

    def _trial(self, network: nn.Module) -> Tensor:
        weight = next(network.parameters())
        side = -(-_SIDE // self.multiple) * self.multiple
        generator = torch.Generator().manual_seed(0)
        image = torch.randn(1, 3, side, side, generator=generator)
        return image.to(weight.device, weight.dtype)


class HasNetwork(nn.Module):
    """A part of a model around a timm network, which may have a copy for inference.

    Attributes
    ----------
    network : Module
        The timm network with the weights.
    convolves : bool
        Whether it works on feature maps whose channels come first.
    size_multiple : int
        Its pictures have sides that are multiples of this.
    fast : FastNetwork or None
        See ``for_inference``.
    """

    network: Any  # timm has no types
    convolves: bool = False
    size_multiple: int = 1
    fast: FastNetwork | None = None

    @property
    def precision(self) -> Precision:
        """Return in what products are computed in the next pass."""
        if self.fast is None or self.training or torch.is_grad_enabled():
            return "fp32"
        return self.fast.precision

    def ready(self, images: Tensor) -> tuple[Any, Tensor]:
        """Return the network for the next pass, and the images in the order that it likes."""
        if self.fast is None or self.training or torch.is_grad_enabled():
            return self.network, images
        return self.fast.of(self.network), self.fast.laid_out(images)


def products_in(precision: Precision, device: torch.device) -> AbstractContextManager[Any]:
    """Return a context in which matrix products and convolutions run in this precision."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


class InFull(nn.Module):
    """A layer that runs in float32 whatever the rest does: logits are compared digit by digit."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, states: Tensor) -> Tensor:
        """Apply the layer."""
        with torch.autocast(states.device.type, enabled=False):
            return self.layer(states.float())


def _rounded(network: nn.Module) -> nn.Module:
    """Store the weights of convolutions and linear layers in 16 bits; those of logits stay."""
    spared: set[nn.Module] = set()
    classifier = getattr(network, "get_classifier", lambda: None)()
    if isinstance(classifier, nn.Linear):
        name = next(name for name, module in network.named_modules() if module is classifier)
        network.set_submodule(name, InFull(classifier))
        spared.add(classifier)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear) and module not in spared:
            module.to(torch.bfloat16)
    return network


def _state_of(network: nn.Module) -> tuple[tuple[int, int], ...]:
    """Return what changes when a weight does: where it lies, and how often it was written to."""
    tensors = itertools.chain(network.parameters(), network.buffers())
    return tuple((each.data_ptr(), 0 if each.is_inference() else each._version) for each in tensors)


def for_inference(model: Model, precision: Precision = "fp32") -> Model:
    """Let a model run as fast as it can whenever it is in evaluation mode and without gradients.

    Parameters
    ----------
    model
        INTR or a plain classifier. Its weights, and what it does in training, stay as they are.
    precision
        ``"bf16"`` rounds matrix products to 16 bits. Logits, maps, peaks and what is added up stay
        float32.

    Returns
    -------
    Module
        The same model.

    Notes
    -----
    In fp32 the answers are the same but for rounding (about 1e-6 of a logit).
    """
    for module in model.modules():
        # Whoever shares a model shares its copy, too.
        if isinstance(module, HasNetwork) and (
            module.fast is None or module.fast.precision != precision
        ):
            module.fast = FastNetwork(
                precision, convolves=module.convolves, multiple=module.size_multiple
            )
    return model
