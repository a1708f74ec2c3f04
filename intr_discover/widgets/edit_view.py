"""What happens when a region is changed? Before and after, and the verdict beside its controls."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import ClassVar

import ipywidgets
import numpy as np
import scipy
from ipywidgets import Layout
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from intr_discover.data.images import read_image
from intr_discover.edits.operation import Edit
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.figures.contact_sheet import contact_sheet
from intr_discover.figures.screen import outlined, photograph_picture
from intr_discover.files import write_with
from intr_discover.studies.effect import CONTROLS
from intr_discover.studies.one_edit import (
    EditedPhotograph,
    describe,
    edit_photograph,
    exceeded_controls,
)
from intr_discover.studies.wording import percent
from intr_discover.widgets.mask_editor import MaskEditor
from intr_discover.widgets.panel import Panel
from intr_discover.widgets.pictures import paragraphs, png, probability_table

WAYS: dict[str, tuple[str, str]] = {
    "erase, filled in from around": ("erase", "telea"),
    "erase, colours of the surroundings": ("erase", "surround"),
    "erase, one colour": ("erase", "colour"),
    "blur": ("blur", "gaussian"),
    "recolour": ("recolour", "colour"),
    "turn the hue": ("recolour", "hue"),
}
"""What can be done, and the operation and fill behind it."""

_SIDE = 420  # pixels
_IN_PRINT = 700
_WORDS = {"description_width": "110px"}
_LONG = Layout(width="420px")


class EditView(Panel):
    """Change a region of one photograph, and ask the model again.

    Parameters
    ----------
    explainer
        The model.
    image
        The file of the photograph.
    mask
        ``[H, W]``: the region; or a :class:`MaskEditor`, whose region is followed.
    specimen
        File of the specimen's mask, on which control regions lie; guessed if left out.

    Attributes
    ----------
    value
        The edited photograph, uint8 ``[H, W, 3]``.
    way, colour, degrees, feather
        What is done.
    wipe
        0 to 1: how much of the picture, from the left, is shown as it was before.
    done
        What :meth:`ask_controls` found; None before, and after another change.

    Raises
    ------
    UserError
        If the photograph cannot be read, the mask does not fit, or the model knows one class only.
    """

    purpose: ClassVar[str] = "Edit view"

    def __init__(
        self,
        explainer: Explainer,
        image: str | os.PathLike[str],
        mask: NDArray[np.bool_] | MaskEditor,
        *,
        specimen: str | os.PathLike[str] | None = None,
    ) -> None:
        if len(explainer.classes) < 2:
            raise UserError("the model knows a single class, so its answer cannot change")
        self.explainer, self.image = explainer, Path(image)
        self.specimen = None if specimen is None else Path(specimen)
        self.photograph: NDArray[np.uint8] = read_image(self.image)
        drawn = mask.value if isinstance(mask, MaskEditor) else np.asarray(mask)
        self.mask: NDArray[np.bool_] = _fitting(drawn, self.photograph)
        self.done: EditedPhotograph | None = None
        self._before = explainer.logits([self.photograph])[0]
        self._after = self._before
        self.way = ipywidgets.Dropdown(
            options=list(WAYS), description="do what", style=_WORDS, layout=_LONG
        )
        self.colour = ipywidgets.ColorPicker(
            value="#2b6fd6", description="colour", style=_WORDS, layout=_LONG
        )
        self.degrees = ipywidgets.IntSlider(
            value=120, min=-180, max=180, step=5, description="hue by", style=_WORDS, layout=_LONG,
            continuous_update=False,
        )  # fmt: skip
        self.feather = ipywidgets.FloatSlider(
            value=2.0, min=0.0, max=10.0, step=0.5, description="soft edge", style=_WORDS,
            layout=_LONG, continuous_update=False,
        )  # fmt: skip
        self.wipe = ipywidgets.FloatSlider(
            value=0.5, min=0.0, max=1.0, step=0.02, description="before | after", style=_WORDS,
            layout=_LONG, readout=False,
        )  # fmt: skip
        self.controls = ipywidgets.Button(
            description="Is that more than chance? Ask the controls",
            button_style="primary", layout=Layout(width="420px"),
        )  # fmt: skip
        self._picture_widget = ipywidgets.Image(format="png", layout=Layout(margin="0"))
        self._said = ipywidgets.HTML()
        self._verdict = ipywidgets.HTML(layout=Layout(max_width="860px"))
        super().__init__([
            ipywidgets.HBox([
                ipywidgets.VBox([self._picture_widget, self.wipe]),
                ipywidgets.VBox([self.way, self.colour, self.degrees, self.feather, self._said,
                                 self.controls]),
            ], layout=Layout(flex_flow="row wrap")),
            self._verdict,
        ])  # fmt: skip
        for control in (self.way, self.colour, self.degrees, self.feather):
            control.observe(lambda _: self.attempt(self._edit), "value")
        self.wipe.observe(lambda _: self._wipe(), "value")
        self.controls.on_click(lambda _: self.attempt(self._ask_controls))
        if isinstance(mask, MaskEditor):
            mask.observe(lambda change: self.attempt(lambda: self._follow(change.new)), "value")
        self._edit()

    @property
    def edit(self) -> Edit:
        """Return the edit that the controls stand for."""
        operation, fill = WAYS[self.way.value]
        own = {"colour": {"colour": self.colour.value}, "hue": {"degrees": self.degrees.value}}
        return Edit(operation, fill, feather=self.feather.value, **own.get(fill, {}))

    def ask_controls(self) -> list[str]:
        """Do the same in control regions, by a second fill and in steps; return the verdict.

        Raises
        ------
        UserError
            If the region is empty, or the model's answers are no numbers.
        """
        self._ask_controls()
        self._draw_again()
        return self.sentences

    @property
    def sentences(self) -> list[str]:
        """Return the verdict, sentence by sentence; nothing before the controls were asked."""
        if self.done is None:
            return []
        larger, controls = exceeded_controls(self.done.effect)
        said = list(describe(self.done))
        if controls:
            said.insert(
                1, f"The change is larger than in {larger} of {controls} regions of this shape "
                f"{self.done.controls_lie}."
            )  # fmt: skip
        return said

    def figure(self) -> Figure:
        """Draw before and after; with heads, controls and dose once the controls were asked."""
        if self.done is not None:
            return self.done.result.drawings["sheet"]()
        before, after = self._probabilities()
        first, second = int(before.argmax()), int(after.argmax())
        classes = self.explainer.classes
        pictures = [
            outlined(photograph_picture(self.photograph, _IN_PRINT), self.mask),
            photograph_picture(self.value, _IN_PRINT),
            None,
        ]
        return contact_sheet(
            [pictures],
            column_labels=[
                f"before: {classes[first]} ({percent(float(before[first]))})",
                f"{self.edit.name}: {classes[second]} ({percent(float(after[second]))})",
                "",
            ],
        )

    def save(self, folder: str | os.PathLike[str], controls: int = CONTROLS) -> list[Path]:
        """Write mask, edited photograph, sheet, table and provenance, as ``intr-discover edit``.

        Raises
        ------
        UserError
            As :meth:`ask_controls`, or if the folder cannot be written to.
        """
        folder = Path(folder)
        if folder.exists() and not folder.is_dir():
            raise UserError(f"{folder} is a file, not a folder; name another place")
        _fitting(self.mask, self.photograph, empty=False)
        mask = folder / "mask.png"
        _write_mask(self.mask, mask)
        return [mask, *self._with_controls(mask, controls).save(folder)]

    def _follow(self, mask: NDArray[np.bool_]) -> None:
        self.mask = _fitting(mask, self.photograph)
        self._edit()

    def _edit(self) -> None:
        edited = self.edit.apply(self.photograph, self.mask)
        self._after = self.explainer.logits([edited])[0]
        if not np.isfinite([self._before, self._after]).all():
            raise UserError(
                f"the logits of {self.explainer.source or 'the model'} are no numbers (NaN); its "
                "training has gone wrong"
            )
        self.done = None
        self._verdict.value = ""
        self.colour.disabled = WAYS[self.way.value][1] != "colour"
        self.degrees.disabled = WAYS[self.way.value][1] != "hue"
        self.value = edited
        self._say()
        self._wipe()

    def _say(self) -> None:
        before, after = self._probabilities()
        classes = self.explainer.classes
        first, second = classes[int(before.argmax())], classes[int(after.argmax())]
        if not self.mask.any():
            said = "No region is drawn yet: nothing is changed."
        elif first == second:
            said = f"The answer stays {first}."
        else:
            said = f"{first} becomes {second}."
        self._said.value = paragraphs([said]) + probability_table(
            classes,
            [("before", before.tolist()), ("after", after.tolist())],
            [first, second],
        )

    def _wipe(self) -> None:
        before = photograph_picture(self.photograph, _SIDE)
        picture = photograph_picture(self.value, _SIDE)
        edge = round(self.wipe.value * picture.shape[1])
        picture = picture.copy()
        picture[:, :edge] = before[:, :edge]
        if 0 < edge < picture.shape[1]:
            picture[:, edge - 1 : edge + 1] = 255
        self._picture_widget.value = png(picture)

    def _ask_controls(self) -> None:
        _fitting(self.mask, self.photograph, empty=False)
        self._verdict.value = paragraphs(["Asking the controls …"])
        with tempfile.TemporaryDirectory() as folder:
            mask = Path(folder) / "mask.png"
            _write_mask(self.mask, mask)
            try:
                self.done = self._with_controls(mask, CONTROLS)
            finally:
                self._verdict.value = ""
        self._verdict.value = paragraphs(self.sentences)

    def _with_controls(self, mask: Path, controls: int) -> EditedPhotograph:
        return edit_photograph(
            self.explainer, self.image, mask, self.edit, specimen_path=self.specimen,
            controls=controls,
        )  # fmt: skip

    def _probabilities(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        before, after = scipy.special.softmax(
            np.stack([self._before, self._after]).astype(np.float64), axis=1
        )
        return before, after


def _fitting(
    mask: NDArray[np.generic], photograph: NDArray[np.uint8], *, empty: bool = True
) -> NDArray[np.bool_]:
    """Return a region of the photograph's size.

    Raises
    ------
    UserError
        If it has another size, or is empty and must not be.
    """
    if mask.shape != photograph.shape[:2]:
        sizes = [" × ".join(map(str, reversed(shape))) for shape in
                 (mask.shape, photograph.shape[:2])]  # fmt: skip
        raise UserError(
            f"the mask has {sizes[0]} pixels, its photograph {sizes[1]}: make it the same size"
        )
    region: NDArray[np.bool_] = np.asarray(mask).astype(bool)
    if not empty and not region.any():
        raise UserError("no region is drawn yet: mark what is to be changed first")
    return region


def _write_mask(mask: NDArray[np.bool_], path: Path) -> None:
    pixels = mask.astype(np.uint8) * 255
    write_with(path, lambda file: Image.fromarray(pixels).save(file, format="PNG"))
