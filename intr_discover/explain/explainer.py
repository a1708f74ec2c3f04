"""Explainer: a trained model that answers questions about photographs, in names and arrays."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy
import torch
from numpy.typing import NDArray
from PIL import Image

import intr_discover
from intr_discover.data.demo import DEMO
from intr_discover.data.images import to_array
from intr_discover.data.loading import ImageSource, evaluation_batches
from intr_discover.data.preprocessing import Preprocessing
from intr_discover.data.shards import sha256_of
from intr_discover.errors import UserError, shorten
from intr_discover.explain.maps import Explanation
from intr_discover.model.checkpoint import fingerprint, load_checkpoint, read_config
from intr_discover.model.decoder_memory import DecoderMemory
from intr_discover.model.inference import Precision, choose_precision, for_inference
from intr_discover.model.intr import INTR, ContextMode, Encoded
from intr_discover.model.plain import PlainClassifier
from intr_discover.provenance import versions

DEMO_MODEL = Path(intr_discover.__file__).parent / "demo_model"
"""The run folder that comes with the package; ``load("demo")`` reads it."""


@dataclass
class EncodedImage:
    """A photograph that went through backbone and encoder once.

    Attributes
    ----------
    image
        Path or name.
    photograph
        uint8 RGB ``[H, W, 3]``.
    resized_shape
        (height, width) to which the model resized it.
    encoded
        The model's own state, with what earlier questions leave for later ones.
    fingerprint
        SHA-256 of the file, or None for an array.
    """

    image: str
    photograph: NDArray[np.uint8]
    resized_shape: tuple[int, int]
    encoded: Encoded
    fingerprint: str | None


class Explainer:
    """A model with its class names and preprocessing; see ``load``.

    Parameters
    ----------
    model
        An INTR, or a plain classifier, which can predict but not explain.
    classes
        Class names in the order of class ids.
    preprocessing
        How the model wants its photographs.
    source
        Where the weights came from, for messages and provenance.
    device
        ``auto``, ``cpu``, ``cuda`` or another torch device.
    precision
        ``fp32``, ``bf16``, or ``auto``: see ``choose_precision``. Maps and logits are float32 in
        any case.

    Raises
    ------
    UserError
        If the number of names does not fit the model, the device does not exist, or the precision
        is none of these.

    Notes
    -----
    The model is made ready for inference (``for_inference``): its weights, its fingerprint and what
    it does with gradients stay as they are.
    """

    def __init__(
        self,
        model: INTR | PlainClassifier,
        classes: Sequence[str],
        preprocessing: Preprocessing,
        *,
        source: str = "",
        device: str = "auto",
        precision: str = "fp32",
    ) -> None:
        if len(classes) != model.config.num_classes:
            raise UserError(
                f"{source or 'the model'} has {model.config.num_classes} classes, but "
                f"{len(classes)} class names were given"
            )
        self.device = choose_device(device)
        self._precision = choose_precision(precision, self.device)
        self.model = for_inference(model.to(self.device).eval(), self._precision)
        self.classes = list(classes)
        self.preprocessing = preprocessing
        self.source = source
        self._fingerprint: str | None = None

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of the weights."""
        if self._fingerprint is None:
            self._fingerprint = fingerprint(self.model)
        return self._fingerprint

    @property
    def precision(self) -> Precision:
        """Return in what the products of the answers are computed."""
        return self._precision

    @property
    def device_name(self) -> str:
        """Return where the model runs, for the record: ``cpu``, or a GPU with its maker's name."""
        if self.device.type != "cuda":
            return self.device.type
        return f"cuda ({torch.cuda.get_device_name(self.device)})"

    def logits(
        self,
        images: Sequence[ImageSource],
        *,
        context: Sequence[str] | None = None,
        context_mode: ContextMode = "zero",
        batch_size: int = 32,
        progress: Callable[[int, int], None] | None = None,
    ) -> NDArray[np.float32]:
        """Return the logits ``[n, C]``, or ``[n, S]`` in the order of the context.

        Parameters
        ----------
        images
            Paths, PIL images or uint8 arrays.
        context, context_mode
            Only these classes compete; see ``explain``.
        batch_size
            Most images that go through the model at once.
        progress
            Called with (images done, images in all).
        """
        settings: dict[str, Any] = {}
        if context is not None:
            self._require_intr("restrict its queries")
            settings = {"context": self.class_ids(context), "context_mode": context_mode}
        columns = len(self.classes) if context is None else len(context)
        logits = np.zeros((len(images), columns), dtype=np.float32)
        done = 0
        pin = self.device.type == "cuda"
        for positions, batch in evaluation_batches(images, self.preprocessing, batch_size, pin=pin):
            with torch.inference_mode():
                logits[positions] = self.model(batch, **settings).logits.float().cpu().numpy()
            done += len(positions)
            if progress is not None:
                progress(done, len(images))
        return logits

    def predict(
        self,
        images: ImageSource | Sequence[ImageSource],
        *,
        top: int = 5,
        context: Sequence[str] | None = None,
        context_mode: ContextMode = "zero",
        batch_size: int = 32,
        progress: Callable[[int, int], None] | None = None,
    ) -> pd.DataFrame:
        """Return the most probable classes of each photograph.

        Parameters
        ----------
        images
            Paths, PIL images or uint8 arrays; one or several.
        top
            Rows for each photograph.
        context, context_mode, batch_size, progress
            See ``logits``.

        Returns
        -------
        DataFrame
            Columns ``image``, ``rank`` (from 1), ``label``, ``probability`` (softmax over the
            classes that competed, in [0, 1]) and ``logit``; rows in the order of ``images``.
        """
        listed = _as_list(images)
        logits = self.logits(
            listed,
            context=context,
            context_mode=context_mode,
            batch_size=batch_size,
            progress=progress,
        )
        names = list(context) if context is not None else self.classes
        rows = []
        for number, (source, scores) in enumerate(zip(listed, logits, strict=True)):
            probabilities = scipy.special.softmax(scores)
            order = np.argsort(-scores, kind="stable")[:top]
            for rank, position in enumerate(order, 1):
                rows.append(
                    {
                        "image": _name(source, number),
                        "rank": rank,
                        "label": names[position],
                        "probability": float(probabilities[position]),
                        "logit": float(scores[position]),
                    }
                )
        return pd.DataFrame(rows, columns=["image", "rank", "label", "probability", "logit"])

    def encode(self, image: ImageSource) -> EncodedImage:
        """Run backbone and encoder once, for many questions after.

        Raises
        ------
        UserError
            If the photograph cannot be read, or the model is a plain classifier.
        """
        model = self._require_intr("encode for explanations")
        photograph = to_array(image)
        tensor = self.preprocessing(photograph)
        with torch.inference_mode():
            encoded = model.encode(tensor[None])
        encoded.memory = DecoderMemory()
        return EncodedImage(
            _name(image, 0),
            photograph,
            (tensor.shape[1], tensor.shape[2]),
            encoded,
            sha256_of(image) if isinstance(image, str | Path) else None,
        )

    def explain(
        self,
        image: ImageSource | EncodedImage,
        classes: Sequence[str] | None = None,
        *,
        context: Sequence[str] | None = None,
        context_mode: ContextMode = "zero",
        layer: int = -1,
        knockout: Sequence[tuple[int, int]] | None = None,
    ) -> Explanation:
        """Return where each head looks.

        Parameters
        ----------
        image
            A path, PIL image, uint8 array, or what ``encode`` returned.
        classes
            Whose queries' maps to return; default the predicted class.
        context
            Only these classes compete: predictions and probabilities are over them.
        context_mode
            ``"zero"``: the other query vectors are zero (the paper's Figure 6); ``"subset"``: they
            are dropped.
        layer
            Decoder layer, from 0; negative counts from the last.
        knockout
            Pairs (layer, head) whose attention is replaced by the uniform map.

        Raises
        ------
        UserError
            If a class or layer is unknown, or the model is a plain classifier.
        """
        model = self._require_intr("explain")
        layers = model.config.decoder_layers
        if not -layers <= layer < layers:
            raise UserError(f"the decoder has layers 0 to {layers - 1} (or -1), not {layer}")
        ids = None if context is None else self.class_ids(context)
        wanted = None if classes is None else self.class_ids(classes)
        if ids is not None and wanted is not None and not set(wanted) <= set(ids):
            raise UserError(
                f"classes to explain must be in the context: {shorten(list(classes or []))}"
            )
        state = image if isinstance(image, EncodedImage) else self.encode(image)
        with torch.inference_mode():
            output = model.decode(
                state.encoded,
                attend="predicted" if wanted is None else torch.tensor([wanted]),
                context=ids,
                context_mode=context_mode,
                layer=layer,
                knockout=knockout,
            )
        assert output.attended is not None and output.attention is not None
        assert output.peaks is not None and output.map_maxima is not None
        logits = output.logits[0].float().cpu().numpy()
        return Explanation(
            image=state.image,
            photograph=state.photograph,
            classes=[self.classes[c] for c in output.attended[0].tolist()],
            maps=output.attention[0].float().cpu().numpy(),
            peaks=output.peaks[0].float().cpu().numpy(),
            map_maxima=output.map_maxima[0].float().cpu().numpy(),
            competing=list(context) if context is not None else self.classes,
            logits=logits,
            probabilities=scipy.special.softmax(logits),
            layer=layer % layers,
            layers=layers,
            context_mode=context_mode if context is not None else None,
            stride=model.stride,
            resized_shape=state.resized_shape,
            provenance={
                "model": self.source,
                "model_fingerprint": self.fingerprint,
                "image_fingerprint": state.fingerprint,
                "preprocessing": self.preprocessing.as_dict(),
                "knockout": [list(pair) for pair in knockout or ()],
                "precision": self.precision,
                "versions": versions(),
            },
        )

    def class_ids(self, names: Sequence[str]) -> list[int]:
        """Return the class ids of names.

        Raises
        ------
        UserError
            If a name is unknown (with the nearest known one) or given twice.
        """
        unknown = [name for name in names if name not in self.classes]
        if unknown:
            close = difflib.get_close_matches(unknown[0], self.classes, n=1, cutoff=0.4)
            hint = f"did you mean '{close[0]}'?" if close else f"it has {shorten(self.classes)}"
            raise UserError(f"the model has no class '{unknown[0]}'; {hint}")
        if len(set(names)) < len(names):
            raise UserError(f"a class is named twice: {shorten(list(names))}")
        return [self.classes.index(name) for name in names]

    def _require_intr(self, wish: str) -> INTR:
        if not isinstance(self.model, INTR):
            raise UserError(
                f"{self.source or 'this model'} is a plain classifier without class queries; "
                f"it cannot {wish}. Use a run trained with --model intr"
            )
        return self.model


def load(
    path: str | Path,
    classes: Sequence[str] | None = None,
    *,
    device: str = "auto",
    precision: str = "fp32",
) -> Explainer:
    """Load a trained model, ready to predict and explain.

    Parameters
    ----------
    path
        A run folder, an official INTR checkpoint, or a DETR checkpoint (its class queries are not
        trained for any class yet). The word ``"demo"`` (a text, no ``Path``) stands for the model
        that comes with the package.
    classes
        Class names for weights that carry none; a run folder has its own.
    device
        ``auto``, ``cpu``, ``cuda`` or another torch device.
    precision
        ``fp32``; ``bf16``, faster where the machine has circuits for it, with answers of about
        three digits; or ``auto``: bf16 on such a machine alone.

    Raises
    ------
    UserError
        If the path holds no such weights, or the names do not fit.
    """
    source = str(path)
    if isinstance(path, str) and path == DEMO:
        path = DEMO_MODEL
        if not path.is_dir():
            raise UserError(
                "the demo model is not in this installation; make it with make demo-model"
            )
    path = Path(path)
    if path.is_dir():
        config = read_config(path)
        if classes is not None:
            raise UserError(f"{path} holds its own class names; give none")
        if "classes" not in config or "preprocessing" not in config:
            raise UserError(f"{path}/config.json names no classes or preprocessing")
        names = config["classes"]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise UserError(f"{path}/config.json: its class names are no list of texts")
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise UserError(f"{path}/config.json names the class {twice[0]} twice")
        try:
            preprocessing = Preprocessing.from_dict(config["preprocessing"])
        except UserError as error:
            raise UserError(f"{path}/config.json: {error}") from error
        return Explainer(
            load_checkpoint(path),
            names,
            preprocessing,
            source=source,
            device=device,
            precision=precision,
        )
    model = load_checkpoint(path, num_classes=None if classes is None else len(classes))
    names = classes or [f"class {number}" for number in range(model.config.num_classes)]
    return Explainer(
        model, names, Preprocessing(), source=str(path), device=device, precision=precision
    )


def choose_device(name: str) -> torch.device:
    """Return a torch device; ``auto`` takes an accelerator where torch finds one.

    Raises
    ------
    UserError
        If the name is no device, or the device is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"device '{name}' cannot be used: {reason}; try --device cpu") from error
    return device


def _as_list(images: ImageSource | Sequence[ImageSource]) -> list[ImageSource]:
    if isinstance(images, str | Path | Image.Image | np.ndarray):
        return [images]
    return list(images)


def _name(source: ImageSource, number: int) -> str:
    return str(source) if isinstance(source, str | Path) else f"image {number}"
