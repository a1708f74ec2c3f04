"""The named endpoints ``explain`` and ``edit``, for ``gradio_client`` and scripts.

They keep nothing: a photograph comes in, an answer goes out. docs/app.md has an example.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from apps import editing
from apps.photographs import take_upload
from apps.tabs.tab import MODEL, Shell
from intr_discover.errors import UserError
from intr_discover.model.intr import ContextMode
from intr_discover.studies.effect import CONTROLS
from intr_discover.studies.one_edit import describe, edit_photograph, exceeded_controls, make_edit
from intr_discover.studies.result import plain

MOST_CONTROLS = 100


def add_endpoints(shell: Shell) -> None:
    """Attach both endpoints to hidden components, which give them their types."""
    service = shell.service

    @shell.spoken
    def explain(
        photograph: str | None,
        classes: list[str] | None,
        context: list[str] | None,
        context_mode: str,
        layer: float,
    ) -> tuple[dict[str, Any], str]:
        """Say which class a photograph is given, and where each head looks.

        ``classes``: whose maps are wanted, [] for the predicted class. ``context``: only these
        compete, [] for all. ``context_mode``: zero or subset. ``layer``: decoder layer, -1 the
        last. Returns the answer as JSON and the raw maps as a file for ``numpy.load``.
        """
        if photograph is None:
            raise UserError("explain needs a photograph")
        mode = _context_mode(context_mode)
        with tempfile.TemporaryDirectory(dir=service.folder) as name:
            chosen = take_upload(photograph, Path(name))
            found = service.explainer.explain(
                chosen.path, _names(classes), context=_names(context),
                context_mode=mode, layer=int(layer),
            )  # fmt: skip
        found.image = chosen.name
        answer = {
            "image": chosen.name,
            "predicted": found.predicted,
            "probability": found.probability,
            "probabilities": dict(zip(found.competing, found.probabilities.tolist(), strict=True)),
            "classes": found.classes,
            "ranked_heads": [found.ranked_heads(label) for label in found.classes],
            "map_maxima": found.map_maxima,
            "layer": found.layer,
            "model_fingerprint": service.explainer.fingerprint,
        }
        return plain(answer), str(found.save(_answer_folder(shell) / "maps.npz"))

    @shell.spoken
    def edit(
        photograph: str | None,
        mask: str | None,
        operation: str,
        fill: str | None,
        colour: str | None,
        feather: float,
        strength: float,
        controls: float,
    ) -> tuple[dict[str, Any], str]:
        """Change one region of a photograph, ask again, and make the same change elsewhere.

        ``mask``: a picture of the photograph's size, bright where it is changed. ``operation``:
        erase, recolour, blur or mirror; ``fill`` and ``colour`` as of ``intr-discover edit``, ""
        for the usual ones. ``controls``: control regions, 0 to 100. Returns the answer as JSON and
        the edited photograph as PNG.
        """
        if photograph is None or mask is None:
            raise UserError("edit needs a photograph and a mask")
        if not 0 <= controls <= MOST_CONTROLS:
            raise UserError(f"there can be 0 to {MOST_CONTROLS} controls, not {controls:g}")
        given: dict[str, Any] = {"feather": feather, "strength": strength}
        if colour:
            given["colour"] = colour
        made = make_edit(operation, fill or None, donor=False, **given)
        with tempfile.TemporaryDirectory(dir=service.folder) as name:
            chosen = take_upload(photograph, Path(name) / "photograph")
            region = take_upload(mask, Path(name) / "mask")
            done = edit_photograph(
                service.explainer, chosen.path, region.path, made, controls=int(controls),
            )  # fmt: skip
        larger, number = exceeded_controls(done.effect)
        answer = {
            **done.result.summary,
            "image": chosen.name,
            "edit": made.as_dict(),
            "larger_than_controls": larger,
            "controls": number,
            "sentences": describe(done),
            "probabilities_before": dict(
                zip(done.effect.classes, done.effect.probabilities[0].tolist(), strict=True)
            ),
            "probabilities_after": dict(
                zip(done.effect.classes, done.effect.probabilities[1].tolist(), strict=True)
            ),
        }
        place = _answer_folder(shell) / "edited.png"
        editing.write_picture(place, np.asarray(done.edited))
        return plain(answer), str(place)

    hidden: dict[str, Any] = {"visible": False}
    picture = gr.File(label="photograph", type="filepath", **hidden)
    region = gr.File(label="mask", type="filepath", **hidden)
    answer, file = gr.JSON(label="answer", **hidden), gr.File(label="file", **hidden)
    classes = gr.JSON(label="classes", value=[], **hidden)
    context = gr.JSON(label="context", value=[], **hidden)
    mode = gr.Textbox(label="context_mode", value="zero", **hidden)
    layer = gr.Number(label="layer", value=-1, precision=0, **hidden)
    gr.Button(visible=False).click(
        explain, [picture, classes, context, mode, layer], [answer, file],
        api_name="explain", api_description=explain.__doc__, **MODEL,
    )  # fmt: skip
    operation = gr.Textbox(label="operation", value="erase", **hidden)
    fill = gr.Textbox(label="fill", value="", **hidden)
    colour = gr.Textbox(label="colour", value="", **hidden)
    feather = gr.Number(label="feather", value=0.0, **hidden)
    strength = gr.Number(label="strength", value=1.0, **hidden)
    controls = gr.Number(label="controls", value=CONTROLS, precision=0, **hidden)
    gr.Button(visible=False).click(
        edit, [picture, region, operation, fill, colour, feather, strength, controls],
        [answer, file], api_name="edit", api_description=edit.__doc__, **MODEL,
    )  # fmt: skip


def _names(names: Any) -> list[str] | None:
    """Return a list of class names; None for an empty one.

    Raises
    ------
    UserError
        If it is no list of texts.
    """
    if not names:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError('names of classes come as a list of texts, like ["a", "b"]')
    return names


def _context_mode(word: str) -> ContextMode:
    """Return how other classes are left out.

    Raises
    ------
    UserError
        If there is no such mode.
    """
    modes: dict[str, ContextMode] = {"zero": "zero", "subset": "subset"}
    if word in modes:
        return modes[word]
    raise UserError(f"the context mode is '{word}'; use zero or subset")


def _answer_folder(shell: Shell) -> Path:
    """Return a new folder for what is sent back; it goes when the app's files are cleaned."""
    place = shell.service.folder / "answers"
    place.mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(dir=place))
