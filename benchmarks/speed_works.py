"""What is timed: one work, ours or the official code's, on the same weights and images.

A work is built by its kind, by whose code it is, and by a case; clock and memory measure the same
ones, memory in a process of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.speed_official import CLIPPED_NORM, Official, explained, optimizer_of
from intr_discover.data.preprocessing import Preprocessing
from intr_discover.explain.explainer import Explainer
from intr_discover.model import INTR, INTRConfig
from intr_discover.model.plain import PlainClassifier
from intr_discover.training.build import build_model, build_optimizer
from intr_discover.training.config import PRESETS, TrainingConfig, change

OURS, OURS_BF16, OFFICIAL = "ours, fp32", "ours, bf16", "official, fp32"
OFFICIAL_BF16 = "official, bf16"


@dataclass(frozen=True)
class Case:
    """One size of the problem.

    Attributes
    ----------
    height, width
        Of the images, in pixels.
    classes
        C.
    batch
        Images at once.
    backbone
        A timm name; the official code has ResNets only.
    layers
        Of encoder (of which a vision transformer has none here) and decoder.
    channels
        D, the width of the transformer.
    device
        ``cpu`` or ``cuda``.
    official
        A checkout of the official code, or None.
    """

    height: int
    width: int
    classes: int
    batch: int = 1
    backbone: str = "resnet50"
    layers: int = 6
    channels: int = 256
    device: str = "cpu"
    official: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return what is measured, for the record: no path."""
        return {name: value for name, value in asdict(self).items() if name != "official"}


def fresh_model(case: Case) -> INTR:
    """Return an INTR of the paper's shape with weights that a seed decides, in evaluation mode."""
    torch.manual_seed(0)
    model = INTR(
        INTRConfig(
            case.classes, backbone=case.backbone, width=case.channels,
            encoder_layers=encoder_layers(case),
            decoder_layers=case.layers, feed_forward=8 * case.channels,
        )
    )  # fmt: skip
    enliven(model.backbone)
    return model.to(case.device).eval()


def enliven(network: nn.Module) -> None:
    """Give batch norm statistics and scales that a seed decides.

    In a new network the last one of each block is 0, and half of the network says nothing.
    """
    generator = torch.Generator().manual_seed(1)
    for name, weight in network.state_dict().items():
        # Of batch norm: bn1, bn2, bn3 and that beside a block (downsample.1).
        if weight.ndim == 1 and ("bn" in name or "downsample.1" in name):
            drawn = torch.rand(weight.shape, generator=generator)
            if name.endswith(("weight", "running_var")):
                weight.copy_(0.5 + 0.5 * drawn)
            else:
                weight.copy_(0.1 * (drawn - 0.5))


def pixels_of(case: Case) -> Tensor:
    """Return images ``[B, 3, H, W]`` that a seed decides, smooth as photographs are."""
    generator = torch.Generator().manual_seed(2)
    coarse = torch.randn(case.batch, 3, 12, 16, generator=generator)
    smooth = functional.interpolate(coarse, (case.height, case.width), mode="bicubic")
    fine = torch.randn(smooth.shape, generator=generator)
    return (smooth + 0.2 * fine).to(case.device)


def explainer_of(model: INTR | PlainClassifier, precision: str = "fp32") -> Explainer:
    """Return a copy of the model as ``load`` hands it to a user."""
    names = [f"class {number}" for number in range(model.config.num_classes)]
    device = str(next(model.parameters()).device)
    return Explainer(
        copy.deepcopy(model), names, Preprocessing(), device=device, precision=precision
    )


def explain(case: Case, who: str) -> Callable[[], tuple[Tensor, Tensor]]:
    """Explain a batch: logits ``[B, C]`` and the predicted classes' maps ``[B, R, h, w]``."""
    model, pixels = fresh_model(case), pixels_of(case)
    if who in (OFFICIAL, OFFICIAL_BF16):
        code = Official(case.official or "")
        theirs, batch = code.model(model), code.batch(pixels)
        grid = (-(-case.height // 32), -(-case.width // 32))
        half = who == OFFICIAL_BF16

        def their_work() -> tuple[Tensor, Tensor]:
            with torch.inference_mode(), torch.autocast(case.device, torch.bfloat16, enabled=half):
                found = explained(theirs(batch), grid)
            _wait(case)
            return found

        return their_work
    prepared: Any = explainer_of(model, "bf16" if who == OURS_BF16 else "fp32").model

    def our_work() -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            output = prepared(pixels, attend="predicted")
        assert output.attention is not None
        _wait(case)
        return output.logits, output.attention[:, 0]

    return our_work


def plainly(case: Case) -> Callable[[], object]:
    """Explain with the model as it is defined, nothing prepared: that is what is counted."""
    # Weights that want a gradient would be in the counter's way.
    model, pixels = fresh_model(case).requires_grad_(False), pixels_of(case)

    def work() -> object:
        return model(pixels, attend="predicted")

    return work


def train(case: Case, who: str, dropout: float | None = None) -> Callable[[], float]:
    """Take one step: forward, loss, backward, clipping, optimiser; return the loss.

    Parameters
    ----------
    case, who
        What and whose.
    dropout
        Another one than the preset's, in both codes; 0 makes their losses comparable.
    """
    model, pixels = fresh_model(case), pixels_of(case)
    labels = (torch.arange(case.batch) * 7 % case.classes).to(case.device)
    if who in (OFFICIAL, OFFICIAL_BF16):
        code = Official(case.official or "")
        theirs, batch = code.model(model).train(), code.batch(pixels)
        if dropout is not None:
            _set_dropout(theirs, dropout)
        optimizer = optimizer_of(theirs)
        half = who == OFFICIAL_BF16

        def their_step() -> float:
            with torch.autocast(case.device, torch.bfloat16, enabled=half):
                logits = theirs(batch)[0]["query_logits"]
            loss = functional.cross_entropy(logits.float(), labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(theirs.parameters(), CLIPPED_NORM)
            optimizer.step()
            return loss.item()

        return their_step
    precision = "bf16" if who == OURS_BF16 else "fp32"
    config = training_config(case, precision, dropout)
    ours: Any = build_model(config, case.classes).to(case.device)
    ours.load_state_dict(model.state_dict())
    ours.train()
    our_optimizer = build_optimizer(config, ours)

    def our_step() -> float:
        # As the training loop does through Accelerate, which allows one precision a process.
        our_optimizer.zero_grad()
        with torch.autocast(case.device, torch.bfloat16, enabled=precision == "bf16"):
            logits = ours(pixels).logits
            our_loss = functional.cross_entropy(logits.float(), labels)
        our_loss.backward()
        nn.utils.clip_grad_norm_(ours.parameters(), config.gradient_clip)
        our_optimizer.step()
        return our_loss.item()

    return our_step


def training_config(case: Case, precision: str, dropout: float | None = None) -> TrainingConfig:
    """Return the preset ``paper`` for a case, without weights from the network."""
    changes: dict[str, Any] = {
        "backbone": case.backbone, "pretrained": False, "precision": precision,
        "batch_size": case.batch, "encoder_layers": encoder_layers(case),
        "decoder_layers": case.layers, "width": case.channels, "feed_forward": 8 * case.channels,
    }  # fmt: skip
    if dropout is not None:
        changes |= {"dropout": dropout, "attention_dropout": dropout}
    return change(PRESETS["paper"], changes)


def encoder_layers(case: Case) -> int:
    """Return how many encoder layers stand on a backbone: none on a vision transformer."""
    return 0 if case.backbone.startswith("vit") else case.layers


def _set_dropout(model: nn.Module, share: float) -> None:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = share
        elif isinstance(module, nn.MultiheadAttention):
            module.dropout = share


def _wait(case: Case) -> None:
    if case.device != "cpu":
        torch.cuda.synchronize()


KINDS: dict[str, Callable[[Case, str], Callable[[], object]]] = {"explain": explain, "train": train}
