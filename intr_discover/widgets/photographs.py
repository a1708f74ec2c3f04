"""Choosing one photograph of several: a list, and two buttons to go on and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
from ipywidgets import Layout
from PIL import Image

from intr_discover.data.loading import ImageSource
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError


class Chooser:
    """One photograph of several.

    Parameters
    ----------
    photographs
        A collection, or paths, PIL images or uint8 arrays.
    start
        The place of the first one, or its name in the collection.
    description
        Words beside the list.

    Attributes
    ----------
    control
        The list; its value is the place of the photograph.
    buttons
        Back and on, at both ends round.

    Raises
    ------
    UserError
        If there is no photograph, or none of that name or place.
    """

    def __init__(
        self,
        photographs: Specimens | Sequence[ImageSource] | ImageSource,
        start: int | str = 0,
        description: str = "photograph",
    ) -> None:
        self._sources, self._names, self._labels = _listed(photographs)
        if not self._sources:
            raise UserError("there is no photograph to look at")
        if isinstance(start, str):
            if start not in self._names:
                raise UserError(f"there is no photograph '{start}' among these {len(self._names)}")
            start = self._names.index(start)
        if start not in range(len(self._sources)):
            raise UserError(
                f"there is no photograph {start}: they are numbered 0 to {len(self._sources) - 1}"
            )
        self.control = ipywidgets.Dropdown(
            options=[(name, place) for place, name in enumerate(self._names)], value=start,
            description=description, style={"description_width": "110px"},
            layout=Layout(width="420px"),
        )  # fmt: skip
        self.back = ipywidgets.Button(description="◀ previous", layout=Layout(width="110px"))
        self.on = ipywidgets.Button(description="next ▶", layout=Layout(width="110px"))
        self.back.on_click(lambda _: self._turn(-1))
        self.on.on_click(lambda _: self._turn(1))
        self.buttons = ipywidgets.HBox([self.back, self.on])

    @property
    def source(self) -> ImageSource:
        """Return the photograph that is chosen."""
        return self._sources[self.control.value]

    @property
    def name(self) -> str:
        """Return what it is called."""
        return self._names[self.control.value]

    @property
    def label(self) -> str | None:
        """Return its species, where known."""
        return self._labels[self.control.value]

    def _turn(self, step: int) -> None:
        self.control.value = (self.control.value + step) % len(self._sources)


def _listed(
    photographs: Specimens | Sequence[ImageSource] | ImageSource,
) -> tuple[list[ImageSource], list[str], list[str | None]]:
    """Return photographs, their names and their labels."""
    if isinstance(photographs, Specimens):
        labels: list[Any] = photographs.table["label"].tolist()
        return list(photographs.paths), list(photographs.names), labels
    one = isinstance(photographs, str | Path | Image.Image | np.ndarray)
    sources: list[Any] = [photographs] if one else list(photographs)  # type: ignore[arg-type]
    names = [Path(source).name if isinstance(source, str | Path) else f"image {place}"
             for place, source in enumerate(sources)]  # fmt: skip
    return sources, names, [None] * len(sources)
