"""Maps of other methods of the same photograph and class: Grad-CAM and RISE."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from intr_discover.errors import UserError
from intr_discover.exhibits.paper_figure import FigureInputs
from intr_discover.exhibits.photographs import Photograph
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.posthoc.rise import RiseSettings
from intr_discover.model.intr import INTR
from intr_discover.studies.judge import INTR_ITSELF, Judge, load_run
from intr_discover.studies.saliency_methods import METHODS, Markers, require_finite
from intr_discover.studies.study import Option

Map = NDArray[np.float32]

PLAIN = Option("plain", "A plain run: Grad-CAM and RISE explain it, as in the paper.")
MASKS = Option("masks", "Random masks of RISE: 500 is a preview, the authors used 4000.", int, 500)


class Beside:
    """Asks Grad-CAM and RISE about the model itself, or about a plain classifier.

    Parameters
    ----------
    inputs
        With the options ``plain`` and ``masks``.

    Raises
    ------
    UserError
        If the run is none, or no plain classifier; or the model itself has no maps.
    """

    def __init__(self, inputs: FigureInputs) -> None:
        if not isinstance(inputs.explainer.model, INTR):
            raise UserError(
                f"{inputs.explainer.source or 'this model'} is a plain classifier without class "
                "queries: it has no heads to show. Use a run trained with --model intr"
            )
        self._seed = inputs.seed
        self._settings = RiseSettings(masks=inputs.options["masks"])
        self._plain: Explainer | None = None
        if inputs.options["plain"] is not None:
            asked = inputs.explainer
            run = inputs.options["plain"]
            self._plain = load_run("plain", run, asked.device, asked.precision)
            if isinstance(self._plain.model, INTR):
                raise UserError(
                    f"--plain {inputs.options['plain']} is an INTR: name a run trained with "
                    "--model plain"
                )
        judged = Judge(self._plain or inputs.explainer, "plain" if self._plain else INTR_ITSELF)
        self._markers = Markers(inputs.explainer, judged, self._plain)

    @property
    def names(self) -> dict[str, str]:
        """Return the two methods and what they are called in headings."""
        of = "plain model" if self._plain else "INTR"
        gradcam = "gradcam_plain" if self._plain else "gradcam_intr"
        return {gradcam: METHODS[gradcam], "rise": f"RISE of {of}"}

    @property
    def methods_words(self) -> str:
        """Return what the methods explain, for the caption."""
        what = "the plain classifier" if self._plain else "INTR itself"
        return (
            f"Grad-CAM and RISE ({self._settings.masks} masks of {self._settings.cells} × "
            f"{self._settings.cells} cells, {self._settings.share:.0%} visible) explain {what}; "
            "a Grad-CAM without a positive value is empty."
        )

    def maps(self, pixels: NDArray[np.uint8], photograph: Photograph, label: str) -> dict[str, Map]:
        """Return the maps of both methods for one class.

        Parameters
        ----------
        pixels
            The photograph, uint8 ``[H, W, 3]``.
        photograph
            Where it is from.
        label
            The class.

        Returns
        -------
        dict
            By method, ``[h, w]`` at least 0, over the whole photograph.

        Raises
        ------
        UserError
            If the plain classifier does not know the class, or a map holds NaN.
        """
        if self._plain is not None:
            self._plain.class_ids([label])
        # By the photograph's name, so that its masks do not depend on what else is shown.
        seed = (self._seed, zlib.crc32(photograph.name.encode()))
        marked = self._markers.mark(
            pixels, label, list(self.names), rise_settings=self._settings, seed=seed
        )
        require_finite(marked.maps, photograph.name)
        return marked.maps
