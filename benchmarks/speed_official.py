"""The official INTR code beside ours: read from a checkout, never changed, never copied.

github.com/Imageomics/INTR (Apache-2.0). Its packages are called ``models`` and ``util``; they are
imported from the checkout and taken out of Python's list of modules again, so that they are in
nobody's way. Two things are put in its place at run time: no weights are fetched from the network
(it does so even to evaluate), and the arguments of its command line are given as an object.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import warnings
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from intr_discover.errors import UserError
from intr_discover.model import INTR
from intr_discover.model.layouts import export_official

#: The defaults of the official ``main.py`` that decide the model and its training.
ARGUMENTS = {
    "lr": 5e-5, "lr_backbone": 1e-5, "weight_decay": 1e-6,
    "backbone": "resnet50", "dilation": False, "position_embedding": "sine", "enc_layers": 6,
    "dec_layers": 6, "dim_feedforward": 2048, "hidden_dim": 256, "dropout": 0.1, "nheads": 8,
    "pre_norm": False, "dataset_name": "any", "device": "cpu",
}  # fmt: skip

CLIPPED_NORM = 0.1
"""Largest norm of the gradient in the official training, its ``--clip_max_norm``."""


class Official:
    """A checkout of the official code.

    Parameters
    ----------
    path
        Its folder.

    Raises
    ------
    UserError
        If the folder holds no such code.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not (self.path / "models" / "intr.py").is_file():
            raise UserError(
                f"--official {path}: there is no models/intr.py in it; "
                "give a checkout of github.com/Imageomics/INTR"
            )
        with code_of(self.path, ("models", "util")) as modules:
            self._intr, backbone = modules("models.intr"), modules("models.backbone")
            self._misc = modules("util.misc")
        backbone.is_main_process = lambda: False  # only then it asks for no pretrained weights

    def model(self, ours: INTR) -> nn.Module:
        """Return their model with our weights, in evaluation mode."""
        shape = ours.config
        arguments = Namespace(**{
            **ARGUMENTS, "num_queries": shape.num_classes, "backbone": shape.backbone,
            "enc_layers": shape.encoder_layers, "dec_layers": shape.decoder_layers,
            "dim_feedforward": shape.feed_forward, "hidden_dim": shape.width,
            "nheads": shape.heads, "dropout": shape.dropout,
        })  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torchvision, about the word `pretrained`
            model, _ = self._intr.build(arguments)
        model.load_state_dict(export_official(ours))
        module: nn.Module = model.to(next(ours.parameters()).device)
        return module.eval()

    def batch(self, pixels: Tensor) -> Any:
        """Return images ``[B, 3, H, W]`` as its data loader hands them over, with their mask."""
        nested = self._misc.nested_tensor_from_tensor_list(list(pixels.cpu()))
        return nested.to(pixels.device)


def explained(output: Sequence[Any], grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return logits ``[B, C]`` and the predicted class's maps ``[B, R, h, w]`` of their output."""
    logits, attention = output[0]["query_logits"], output[3]
    chosen = logits.argmax(-1)
    # [layer, image, head, class, cell]
    maps = attention[-1][torch.arange(len(chosen)), :, chosen]
    return logits, maps.unflatten(-1, grid)


def optimizer_of(model: nn.Module) -> torch.optim.Optimizer:
    """Return the optimiser of the official ``main.py``."""
    named = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for name, weight in named if "backbone" not in name]},
        {
            "params": [weight for name, weight in named if "backbone" in name],
            "lr": ARGUMENTS["lr_backbone"],
        },
    ]
    return torch.optim.AdamW(groups, lr=ARGUMENTS["lr"], weight_decay=ARGUMENTS["weight_decay"])  # type: ignore[arg-type]


@contextmanager
def code_of(folder: Path, names: Sequence[str]) -> Iterator[Any]:
    """Yield ``import_module`` for code in a folder, whose names are forgotten afterwards.

    Parameters
    ----------
    folder
        Where the code lies.
    names
        Its top-level modules and packages.
    """

    def mine(module: str) -> bool:
        return module.partition(".")[0] in names

    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if mine(name)}
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if mine(name)]:
            del sys.modules[name]
        sys.modules.update(hidden)


def revision(folder: str | Path) -> str | None:
    """Return the commit of a checkout, or None where git does not say."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def differences(ours: tuple[Tensor, Tensor], theirs: tuple[Tensor, Tensor]) -> dict[str, Any]:
    """Return how far two explanations ``(logits [B, C], maps [B, R, h, w])`` are apart.

    Returns
    -------
    dict
        ``logits`` and ``maps``: the largest absolute difference; ``same_top1``: the share of
        X
    """
    (our_logits, our_maps), (their_logits, their_maps) = (
        tuple(part.detach().float().cpu() for part in pair) for pair in (ours, theirs)
    )
    same = our_logits.argmax(-1) == their_logits.argmax(-1)
    correlation = correlations(our_maps[same], their_maps[same])
    return {
        "logits": float((our_logits - their_logits).abs().max()),
        "largest_logit": float(their_logits.abs().max()),
        "maps": float((our_maps - their_maps)[same].abs().max()) if same.any() else None,
        "same_top1": float(same.float().mean()),
        "map_correlation": float(correlation.min()) if correlation.numel() else None,
    }


def correlations(one: Tensor, other: Tensor) -> Tensor:
    """Return Pearson's correlation ``[B, R]`` over the cells of maps ``[B, R, h, w]``."""
    centred = [maps.double().flatten(2) for maps in (one, other)]
    centred = [maps - maps.mean(-1, keepdim=True) for maps in centred]
    return functional.cosine_similarity(centred[0], centred[1], dim=-1)
