"""RISE and deletion beside the code of RISE's authors, grad-cam and Quantus, on one classifier.

github.com/eclique/RISE (MIT), from a checkout that is never changed. It moves everything to a GPU;
on a machine without one, ``Tensor.cuda`` is the identity while it runs. Its deletion knows pictures
of 224 pixels only, so that is their size here.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.speed_official import code_of
from benchmarks.speed_works import Case, enliven, explainer_of, pixels_of
from intr_discover.errors import UserError
from intr_discover.explain.posthoc.rise import RiseSettings, random_masks, rise
from intr_discover.model.plain import PlainClassifier, PlainConfig
from intr_discover.studies.judge import Judge
from intr_discover.studies.perturbation import (
    STEPS,
    curve_of,
    pictures_of,
    rank_pixels,
    score_pictures,
)

SIDE = 224
AT_ONCE = 32

Floats = NDArray[np.float32]
Curve = NDArray[np.float64]


class Question:
    """One picture and one classifier, ours and as a plain module that gives probabilities.

    Parameters
    ----------
    backbone
        A timm name of a classifier; its weights are decided by a seed.
    settings
        Of RISE.
    """

    def __init__(self, backbone: str, settings: RiseSettings) -> None:
        torch.manual_seed(0)
        model = PlainClassifier(PlainConfig(1000, backbone=backbone)).eval()
        enliven(model)
        self.settings = settings
        self.plain = _Probabilities(model)
        self.pixels = pixels_of(Case(SIDE, SIDE, 1))
        self.picture: Floats = self.pixels[0].numpy()
        self.judges = {
            precision: Judge(explainer_of(model, precision), precision)
            for precision in ("fp32", "bf16")
        }
        with torch.inference_mode():
            self.class_id = int(self.plain(self.pixels)[0].argmax())

    def map(self, precision: str) -> Curve:
        """Return our RISE map ``[224, 224]``, masks made within."""
        judge = self.judges[precision]

        def score(pictures: Floats) -> Curve:
            return judge.probabilities(pictures)[:, self.class_id]

        return rise(self.picture, score, self.settings, 0, AT_ONCE)

    def deletion(self, saliency: Curve, precision: str) -> Curve:
        """Return our deletion curve, from the whole picture to nothing in ``STEPS`` steps."""
        judge = self.judges[precision]
        pictures = pictures_of(
            self.picture, {"map": rank_pixels(saliency, 0)}, STEPS, ("deletion",)
        )
        scores = {
            state: float(row[self.class_id])
            for state, row in score_pictures(pictures, judge.probabilities, AT_ONCE)
        }
        return curve_of(scores, "map", "deletion", STEPS + 1)


class _Probabilities(nn.Module):
    """A classifier of ours as other programs want it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        return torch.softmax(self.model(images).logits, dim=-1)


class Authors:
    """A checkout of the authors' code, with a picture to explain.

    Parameters
    ----------
    path
        Its folder.
    question
        Picture and classifier.

    Raises
    ------
    UserError
        If the folder holds no such code.
    """

    def __init__(self, path: str | Path, question: Question) -> None:
        if not (Path(path) / "explanations.py").is_file():
            raise UserError(
                f"--rise {path}: there is no explanations.py in it; "
                "give a checkout of github.com/eclique/RISE"
            )
        with code_of(Path(path), ("explanations", "evaluation", "utils")) as modules:
            explanations, evaluation = modules("explanations"), modules("evaluation")
        self.question = question
        self.explainer = explanations.RISE(question.plain, (SIDE, SIDE))
        self.metric = evaluation.CausalMetric(
            question.plain, "del", SIDE * SIDE // STEPS, torch.zeros_like
        )

    def make_masks(self) -> None:
        """Draw the masks and keep them in a file, as theirs does."""
        settings = self.question.settings
        with tempfile.TemporaryDirectory() as folder, as_published():
            self.explainer.generate_masks(
                settings.masks, settings.cells, settings.share, f"{folder}/masks.npy"
            )

    def take_our_masks(self) -> None:
        """Take the masks that ``Question.map`` draws, so that the two maps must be equal."""
        settings = self.question.settings
        masks = np.stack(list(random_masks((SIDE, SIDE), settings, 0)))
        self.explainer.masks = torch.from_numpy(masks[:, None])
        self.explainer.N, self.explainer.p1 = settings.masks, settings.share

    def map(self) -> Curve:
        """Return their map of the class, masks made beforehand."""
        with as_published():
            found = self.explainer(self.question.pixels)
        return np.asarray(found[self.question.class_id], dtype=np.float64)

    def deletion(self, saliency: Curve) -> Curve:
        """Return their curve."""
        with as_published():
            found = self.metric.single_run(self.question.pixels, saliency)
        return np.asarray(found, dtype=np.float64)


@contextlib.contextmanager
def as_published() -> Iterator[None]:
    """Run the authors' code as it is: silent, without gradients, on the processor if need be."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        if not torch.cuda.is_available():
            stack.enter_context(mock.patch.object(Tensor, "cuda", lambda tensor: tensor))
        yield


def gradcam_deletion(question: Question, saliency: Curve) -> Curve:
    """Return the curve by the package grad-cam, which scores one step at a time.

    The pixels above a percentile are left out; percentiles lie between two pixels, so that a step
    may differ from ours by one pixel.
    """
    from pytorch_grad_cam.metrics.perturbation_confidence import (
        PerturbationConfidenceMetric,
        RemoveMostRelevantFirst,
    )

    def nothing(picture: Tensor, kept: Tensor) -> Tensor:
        return picture * kept

    def of_class(probabilities: Tensor) -> Tensor:
        return probabilities[question.class_id]

    scores = []
    with torch.no_grad():
        scores.append(float(of_class(question.plain(question.pixels)[0])))
        for step in range(1, STEPS + 1):
            removal = RemoveMostRelevantFirst(100 * (1 - step / STEPS), nothing)
            found = PerturbationConfidenceMetric(removal)(
                question.pixels, saliency[None], [of_class], question.plain, return_diff=False
            )
            scores.append(float(found[0]))
    return np.array(scores)


def quantus_deletion(question: Question, saliency: Curve) -> Curve:
    """Return the curve by Quantus (``PixelFlipping``); without the whole picture's score."""
    import quantus

    metric = quantus.PixelFlipping(
        features_in_step=SIDE * SIDE // STEPS, perturb_baseline=0.0, abs=False, normalise=False,
        disable_warnings=True,
    )  # fmt: skip
    found: Any = metric(
        model=question.plain, x_batch=question.pixels.numpy(),
        y_batch=np.array([question.class_id]), a_batch=saliency[None, None].astype(np.float32),
        device="cpu", softmax=False,
    )  # fmt: skip
    return np.asarray(found[0], dtype=np.float64)


def other_programs() -> dict[str, Callable[[Question, Curve], Curve]]:
    """Return those that are installed."""
    programs: dict[str, Callable[[Question, Curve], Curve]] = {"grad-cam": gradcam_deletion}
    if importlib.util.find_spec("quantus"):
        programs["Quantus"] = quantus_deletion
    return programs
