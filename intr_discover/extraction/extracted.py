"""An explainer whose answers were extracted before: the model is not run again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
import scipy
from numpy.typing import NDArray

from intr_discover.data.images import to_array
from intr_discover.data.loading import ImageSource
from intr_discover.data.shards import require_sha256
from intr_discover.data.specimens import Specimens
from intr_discover.data.threads import map_in_threads
from intr_discover.errors import UserError, shorten
from intr_discover.explain.explainer import EncodedImage, Explainer
from intr_discover.explain.maps import Explanation
from intr_discover.extraction.reader import Extraction, Place
from intr_discover.extraction.shards import read_record
from intr_discover.model.inference import Precision
from intr_discover.model.intr import ContextMode
from intr_discover.provenance import versions


class ExtractedExplainer(Explainer):
    """Answers of an extraction in the place of a model, for studies that need no others.

    Parameters
    ----------
    explainer
        The model that was extracted. It is compared and not run.
    extraction
        Its answers.
    specimens
        The photographs that will be asked about.

    Raises
    ------
    UserError
        If the extraction is of another model, or lacks one of the photographs.
    """

    def __init__(self, explainer: Explainer, extraction: Extraction, specimens: Specimens) -> None:
        super().__init__(
            explainer.model,
            explainer.classes,
            explainer.preprocessing,
            source=explainer.source,
            device=str(explainer.device),
            precision=explainer.precision,
        )
        self._fingerprint = explainer.fingerprint
        self._extraction = extraction
        self._folder = extraction.layout.folder
        self._require_model()
        self._names = dict(zip(specimens.paths, specimens.table["image"], strict=True))
        self._places = extraction.places(self._names.values())
        self._require_all()
        self._checked: set[Path] = set()

    @property
    def precision(self) -> Precision:
        """Return in what the products of the extracted answers were computed."""
        stored = self._extraction.description["settings"]
        return "bf16" if stored.get("precision") == "bf16" else "fp32"

    @property
    def device_name(self) -> str:
        """Return where the model ran when the answers were extracted."""
        record = read_record(self._extraction.layout, 0)
        return super().device_name if record is None else str(record["device"])

    def logits(
        self,
        images: Sequence[ImageSource],
        *,
        context: Sequence[str] | None = None,
        context_mode: ContextMode = "zero",
        batch_size: int = 32,
        progress: Callable[[int, int], None] | None = None,
    ) -> NDArray[np.float32]:
        """Return the logits ``[n, C]`` as they were extracted; see ``Explainer.logits``.

        Raises
        ------
        UserError
            If a photograph was changed since, or a context is given.
        """
        if context is not None:
            self._refuse("restricted queries")
        places = self._places_of(images, progress)
        answers = np.zeros((len(places), len(self.classes)), dtype=np.float32)
        # In the order of the files, so that each row group is read once.
        for number in sorted(range(len(places)), key=lambda n: (places[n].file, places[n].group)):
            answers[number] = self._extraction.row(places[number], ["logits"])["logits"]
        return answers

    def encode(self, image: ImageSource) -> EncodedImage:
        """Refuse: an encoded photograph was not extracted."""
        self._refuse("encoded photographs")

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
        """Return where each head looked; see ``Explainer.explain``.

        Raises
        ------
        UserError
            If a photograph was changed since, or maps are wanted that were not extracted.
        """
        if context is not None or knockout or layer not in (-1, self._layers - 1):
            self._refuse("other contexts, layers or knock-outs")
        if self._extraction.description["settings"]["maps"] == "none":
            self._refuse("maps")
        assert isinstance(image, str | Path), "photographs of a collection are files"
        (place,) = self._places_of([image])
        row = self._extraction.row(place, _COLUMNS)
        queries = list(row["queries"])
        names = list(classes) if classes is not None else [row["predicted"]]
        self.class_ids(names)
        absent = [name for name in names if name not in queries]
        if absent:
            self._refuse(f"maps of {shorten(absent)} of {image} (extract with --maps all)")
        kept = [queries.index(name) for name in names]
        about = self._extraction.description["model"]
        of_queries = (len(queries), about["heads"])
        grid = (row["grid_height"], row["grid_width"])
        logits = np.array(row["logits"], dtype=np.float32)
        return Explanation(
            image=str(image),
            photograph=to_array(image),
            classes=names,
            maps=row["maps"].reshape(*of_queries, *grid)[kept].astype(np.float32),
            peaks=row["peaks"].reshape(of_queries)[kept],
            map_maxima=row["map_maxima"].reshape(of_queries)[kept],
            competing=self.classes,
            logits=logits,
            probabilities=scipy.special.softmax(logits),
            layer=about["layers"] - 1,
            layers=about["layers"],
            context_mode=None,
            stride=about["stride"],
            resized_shape=(row["resized_height"], row["resized_width"]),
            provenance={
                "model": self.source,
                "model_fingerprint": self.fingerprint,
                "image_fingerprint": place.sha256,
                "preprocessing": self.preprocessing.as_dict(),
                "knockout": [],
                "precision": self.precision,
                "versions": versions(),
            },
        )

    @property
    def _layers(self) -> int:
        return int(self._extraction.description["model"].get("layers", 0))

    def _places_of(
        self, images: Sequence[ImageSource], progress: Callable[[int, int], None] | None = None
    ) -> list[Place]:
        """Return where the rows of photographs stand, once their bytes are compared."""
        paths = [Path(each) for each in images if isinstance(each, str | Path)]
        assert len(paths) == len(images), "photographs of a collection are files"
        outside = [path for path in paths if path not in self._names]
        if outside:
            self._refuse(f"{shorten(outside)}, which the collection does not name")
        new = [path for path in dict.fromkeys(paths) if path not in self._checked]
        for path, found in zip(
            new, map_in_threads(require_sha256, new, progress=progress), strict=True
        ):
            if found != self._places[self._names[path]].sha256:
                raise UserError(
                    f"{path} was changed since {self._folder} was extracted; extract it again "
                    "into another folder, or leave --extracted out"
                )
            self._checked.add(path)
        return [self._places[self._names[path]] for path in paths]

    def _require_model(self) -> None:
        stored = self._extraction.description
        same = (
            stored["model"]["fingerprint"] == self.fingerprint
            and stored["classes"] == self.classes
            and type(self.preprocessing).from_dict(stored["preprocessing"]) == self.preprocessing
        )
        if not same:
            raise UserError(
                f"{self._folder} was extracted from another model than {self.source} (weights "
                f"{stored['model']['fingerprint'][:12]}…, not {self.fingerprint[:12]}…); extract "
                "this one, or leave --extracted out"
            )

    def _require_all(self) -> None:
        absent = [name for name in self._names.values() if name not in self._places]
        if absent:
            raise UserError(
                f"{self._folder} holds no answers to {shorten(absent)}: photographs that were not "
                f"extracted, or could not be read (see {self._extraction.layout.defects})"
            )

    def _refuse(self, what: str) -> NoReturn:
        raise UserError(f"{self._folder} does not hold {what}; leave --extracted out")


_COLUMNS = (
    "predicted", "logits", "queries", "peaks", "map_maxima", "maps", "grid_height", "grid_width",
    "resized_height", "resized_width",
)  # fmt: skip


def answers_of(folder: str | Path, explainer: Explainer, specimens: Specimens) -> Explainer:
    """Return an explainer that answers from an extraction; see ``ExtractedExplainer``."""
    return ExtractedExplainer(explainer, Extraction.open(folder), specimens)
