"""A sanity check: a map that shows what a model learned must change when that is forgotten.

After Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018: the model's weights are drawn
anew, layer by layer from the answer down to the picture, and the map of the same class is compared
with what it was.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.stats import spearmanr
from torch import Tensor, nn

from intr_discover.explain.explainer import Explainer
from intr_discover.explain.posthoc.gradcam import gradcam
from intr_discover.model.intr import INTR

CHECKED = ("intr_mean", "gradcam_intr")

Layer = tuple[str, list[nn.Module]]
"""A name for people, and the modules that are forgotten together."""


def layers_top_down(model: INTR) -> list[Layer]:
    """Return the layers of INTR from the answer down to the picture.

    The decoder with class queries and presence vector, the encoder where there is one, the
    projection, and the parts of the backbone as timm names them.
    """
    layers: list[Layer] = [("decoder", [model.presence, model.class_queries, model.decoder])]
    if len(model.encoder):
        layers.append(("encoder", [model.encoder]))
    layers.append(("projection", [model.projection]))
    parts = [
        (name.replace("_", " "), [part])
        for name, part in model.backbone.network.named_children()
        if any(True for _ in part.parameters())
    ]
    return layers + parts[::-1]


def forget(modules: Sequence[nn.Module], generator: torch.Generator) -> None:
    """Draw the weights of modules anew, in place.

    Each tensor's numbers come from a normal distribution with the mean and spread of those they
    replace, so that signals keep their size and only what was learned goes. Tensors of equal
    numbers stay as they are.
    """
    with torch.no_grad():
        for module in modules:
            for parameter in module.parameters():
                noise = torch.randn(parameter.shape, generator=generator)
                spread = parameter.std(correction=0)
                parameter.copy_(parameter.mean() + spread * noise.to(parameter.device))


def rank_correlation(first: ArrayLike, second: ArrayLike) -> float:
    """Return Spearman's rank correlation of two maps' cells; NaN where one of them is flat."""
    first, second = np.ravel(first), np.ravel(second)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(spearmanr(first, second).statistic)


def randomise_cascade(
    explainer: Explainer, pictures: Sequence[tuple[str, Tensor, str]], seed: int
) -> pd.DataFrame:
    """Forget the layers one after the other, and compare each map with the untouched one.

    Parameters
    ----------
    explainer
        INTR. It is copied, not changed.
    pictures
        Image name, normalised picture ``[3, h, w]``, and the class whose map is asked for.
    seed
        Of the new weights.

    Returns
    -------
    DataFrame
        One row for each step, image and map: ``step`` (from 1), ``layer`` (forgotten in this step,
        together with all before it), ``image``, ``label``, ``method`` (of ``CHECKED``), and
        ``correlation`` (Spearman over cells, in [-1, 1]; NaN where a map is flat or broken).
    """
    model = explainer.model
    assert isinstance(model, INTR), "a plain classifier has no maps of its own"
    asked = [
        (image, picture[None].to(explainer.device), label, explainer.classes.index(label))
        for image, picture, label in pictures
    ]
    before = [_maps(model, picture, number) for _, picture, _, number in asked]
    blank = copy.deepcopy(model).eval()
    generator = torch.Generator().manual_seed(seed)
    rows: list[dict[str, Any]] = []
    for step, (name, modules) in enumerate(layers_top_down(blank), 1):
        forget(modules, generator)
        for (image, picture, label, number), original in zip(asked, before, strict=True):
            after = _maps(blank, picture, number)
            rows += [
                {
                    "step": step,
                    "layer": name,
                    "image": image,
                    "label": label,
                    "method": method,
                    "correlation": rank_correlation(original[method], after[method]),
                }
                for method in CHECKED
            ]
    return pd.DataFrame(rows)


def _maps(model: INTR, picture: Tensor, class_id: int) -> dict[str, NDArray[np.float32]]:
    """Return the checked maps of one class on the model's own cells."""
    with torch.inference_mode():
        output = model(picture, attend=torch.tensor([[class_id]], device=picture.device))
    mean = output.attention[0, 0].mean(dim=0).float().cpu().numpy()
    return {"intr_mean": mean, "gradcam_intr": gradcam(model, picture, [class_id]).maps[0]}
