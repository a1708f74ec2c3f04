"""What all sessions share: one model, one collection, and what was already computed from them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy
from numpy.typing import NDArray

from apps.photographs import Photograph
from apps.results import Results
from apps.sessions import Session, Sessions
from intr_discover.annotations import Database, open_database, usual_file
from intr_discover.data.images import read_image, upright_shape
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import EncodedImage, Explainer
from intr_discover.figures.head_names import NO_NAMES, HeadNames
from intr_discover.figures.screen import photograph_picture
from intr_discover.model.intr import INTR

ALL = "all"
RIGHT, WRONG = "right", "wrong"
THUMBNAIL = 200
"""Pixels of the longer side."""

_MOST_BYTES = 600_000_000  # of encoded photographs that are kept
_MOST_THUMBNAILS = 600
_BATCH = 16


@dataclass(frozen=True)
class Answer:
    """What the model says of a photograph of the collection.

    Attributes
    ----------
    label
        The class that it names.
    probability
        Of that class, in [0, 1].
    """

    label: str
    probability: float


class Service:
    """The model and the photographs behind the app.

    All events that ask the model run one after the other (see ``MODEL`` in ``shell``); nothing here
    is guarded against two at a time, but for the caches.

    Parameters
    ----------
    explainer
        The one model.
    specimens
        The collection; its labels are shown, and compared with the model's answers.
    folder
        For temporary files.
    run, data
        What the user called the model and the photographs, for the record.
    read_only
        Whether nothing on the server may be changed: for a page shown to strangers.
    database
        Address of the database of annotations; None for the usual file.
    local
        Whether only people at this machine can reach the page: they may name files on its disk.
    """

    def __init__(
        self,
        explainer: Explainer,
        specimens: Specimens,
        folder: Path,
        *,
        run: str = "demo",
        data: str = "demo",
        read_only: bool = False,
        database: str | None = None,
        local: bool = False,
    ) -> None:
        self.explainer = explainer
        self.specimens = specimens
        self.folder = folder
        self.run = run
        self.data = data
        self.read_only = read_only
        self.database = database
        self.local = local
        self.sessions = Sessions(folder / "sessions")
        self.results = Results(explainer, specimens, run, data)
        self._annotations: Database | None = None
        self._labels = [str(label) for label in specimens.table["label"]]
        self._names = specimens.names
        self._paths = specimens.paths
        self._masks = specimens.mask_paths
        self._answers: dict[int, Answer] = {}
        self._encoded: OrderedDict[Path, EncodedImage] = OrderedDict()
        self._thumbnails: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def has_maps(self) -> bool:
        """Return whether the model can say where it looks."""
        return isinstance(self.explainer.model, INTR)

    @property
    def layers(self) -> int:
        """Return how many decoder layers the model has; 0 for one without maps."""
        model = self.explainer.model
        return model.config.decoder_layers if isinstance(model, INTR) else 0

    @property
    def labels(self) -> list[str]:
        """Return the species of the collection, sorted."""
        return self.specimens.classes

    @property
    def annotations(self) -> Database:
        """Return the database of what people say; opened when it is first needed.

        Raises
        ------
        UserError
            If it cannot be opened; with ``read_only`` also if there is none.
        """
        with self._lock:
            if self._annotations is None:
                self._annotations = open_database(
                    self.database or usual_file(), read_only=self.read_only
                )
            return self._annotations

    @property
    def has_annotations(self) -> bool:
        """Return whether there is a database; its file is absent at first."""
        if self.database is not None and "://" in self.database:
            return True
        return Path(self.database or usual_file()).exists()

    def names(self) -> HeadNames:
        """Return what people agreed to call the heads; none where there is no database yet."""
        if self.read_only and not self.has_annotations:
            return NO_NAMES
        return self.annotations.names.agreed(self.explainer.fingerprint)

    def photograph(self, row: int) -> Photograph:
        """Return a photograph of the collection.

        Raises
        ------
        UserError
            If there is no such row, or its file cannot be read.
        """
        if row not in range(len(self._paths)):
            raise UserError("there is no such photograph in the collection")
        path = self._paths[row]
        return Photograph(
            self._names[row], path, upright_shape(path), row, self._labels[row], self._masks[row]
        )

    def name(self, row: int) -> str:
        """Return what a photograph of the collection is called."""
        return self._names[row]

    def label(self, row: int) -> str:
        """Return the species of a photograph of the collection."""
        return self._labels[row]

    def rows(
        self,
        label: str = ALL,
        split: str = ALL,
        answer: str = ALL,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[int]:
        """Return the rows of the collection that pass the filters.

        Parameters
        ----------
        label, split
            A species and a split, or ``all``.
        answer
            ``right`` or ``wrong`` by the model's answer, or ``all``.
        progress
            Called with (photographs classified, photographs in all).
        """
        found = [row for row, known in enumerate(self._labels) if label in (ALL, known)]
        if split != ALL and "split" in self.specimens.table:
            splits = self.specimens.table["split"].tolist()
            found = [row for row in found if splits[row] == split]
        if answer == ALL:
            return found
        answers = self.answers(found, progress)
        right = [row for row in found if answers[row].label == self._labels[row]]
        return right if answer == RIGHT else sorted(set(found) - set(right))

    def answers(
        self, rows: Sequence[int], progress: Callable[[int, int], None] | None = None
    ) -> dict[int, Answer]:
        """Return the model's answers for rows of the collection; each is asked for once."""
        missing = [row for row in rows if row not in self._answers]
        for start in range(0, len(missing), _BATCH):
            batch = missing[start : start + _BATCH]
            logits = self.explainer.logits([self._paths[row] for row in batch], batch_size=_BATCH)
            for row, chances in zip(batch, scipy.special.softmax(logits, axis=1), strict=True):
                best = int(chances.argmax())
                self._answers[row] = Answer(self.explainer.classes[best], float(chances[best]))
            if progress is not None:
                progress(start + len(batch), len(missing))
        return {row: self._answers[row] for row in rows}

    def thumbnail(self, row: int) -> NDArray[np.uint8]:
        """Return a small picture of a photograph of the collection."""
        with self._lock:
            if row in self._thumbnails:
                self._thumbnails.move_to_end(row)
                return self._thumbnails[row]
        small = photograph_picture(read_image(self._paths[row]), THUMBNAIL)
        with self._lock:
            self._thumbnails[row] = small
            while len(self._thumbnails) > _MOST_THUMBNAILS:
                self._thumbnails.popitem(last=False)
        return small

    def pixels(self, photograph: Photograph) -> NDArray[np.uint8]:
        """Return a photograph as the model is given it, uint8 ``[H, W, 3]``."""
        return self.encode(photograph).photograph if self.has_maps else read_image(photograph.path)

    def encode(self, photograph: Photograph) -> EncodedImage:
        """Run a photograph through backbone and encoder; what was asked lately is kept."""
        with self._lock:
            if photograph.path in self._encoded:
                self._encoded.move_to_end(photograph.path)
                return self._encoded[photograph.path]
        encoded = self.explainer.encode(photograph.path)
        with self._lock:
            self._encoded[photograph.path] = encoded
            while len(self._encoded) > 1 and sum(map(_bytes, self._encoded.values())) > _MOST_BYTES:
                self._encoded.popitem(last=False)
        return encoded

    def forget(self, session: Session) -> None:
        """Drop what is kept of a session's own photographs."""
        with self._lock:
            for path in [path for path in self._encoded if session.folder in path.parents]:
                del self._encoded[path]

    def without_paths(self, message: str) -> str:
        """Return a message without folders of this machine."""
        database = Path(self.database) if self.database is not None else usual_file()
        for folder in (self.folder, self.specimens.root, database.parent):
            message = message.replace(f"{folder}/", "")
        return message


def _bytes(encoded: EncodedImage) -> int:
    cells = encoded.encoded.cells
    memory = encoded.encoded.memory
    answered = 0 if memory is None else memory.bytes
    return int(encoded.photograph.nbytes + cells.numel() * cells.element_size() + answered)
