"""A model asked about photographs whose background was replaced, and where it looks beside them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from intr_discover.data.foreground import automatic_foreground
from intr_discover.data.images import read_image, read_mask
from intr_discover.data.loading import evaluation_batches
from intr_discover.data.specimens import Specimens
from intr_discover.edits.background import (
    grey_background,
    replace_background,
    shuffled_background,
    specimen_removed,
)
from intr_discover.edits.checks import Mask
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.model.intr import INTR

CONDITIONS = {
    "grey": "plain grey background",
    "shuffled": "own background, shuffled",
    "same": "background of another specimen of its class",
    "other": "background of another class",
    "removed": "specimen taken away",
}
"""What is done to a photograph; ``same`` is the control of ``other``."""

FEATHER = 1.0  # pixels, so that the cut itself is no edge
_BLOCKS = 16  # on the shorter side, of a shuffled background
_CACHE_BYTES = 400_000_000

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Scene:
    """A photograph at the size at which the model reads it.

    Attributes
    ----------
    photograph
        uint8 RGB ``[h, w, 3]``.
    mask
        ``bool [h, w]``; None where the specimen could not be found, or fills everything.
    mask_source
        ``"table"``, ``"automatic"`` or ``"none"``.
    original_shape
        (height, width) of the file.
    """

    photograph: Pixels
    mask: Mask | None
    mask_source: str
    original_shape: tuple[int, int]


class Scenes:
    """Reads photographs with their masks, and makes new backgrounds for them.

    Parameters
    ----------
    specimens
        The whole collection, so that donors do not depend on which photographs are asked about.
        Those without a mask get an automatic one.
    explainer
        The model, whose size is taken; None for photographs of at most 320 pixels.
    seed
        Of donors and shuffles. What a photograph meets depends on nothing else but its name and
        the collection.
    mates
        For a label its look-alikes, whose backgrounds are put behind it; labels without get any
        other class's.
    """

    def __init__(
        self,
        specimens: Specimens,
        explainer: Explainer | None,
        seed: int,
        mates: Mapping[str, Sequence[str]],
    ) -> None:
        self.images = specimens.table["image"].tolist()
        self.labels = specimens.table["label"].tolist()
        self.individuals = individuals(specimens)
        self._paths, self._masks = specimens.paths, specimens.mask_paths
        self._explainer, self._seed, self._mates = explainer, seed, mates
        self._scenes: dict[int, Scene] = {}
        self._backgrounds: dict[int, Pixels | None] = {}
        self._bytes = 0

    def scene(self, place: int) -> Scene:
        """Return the photograph of a row; kept in memory while there is room.

        Raises
        ------
        UserError
            If the photograph or its mask cannot be read, or the two differ in size.
        """
        if place not in self._scenes:
            scene = self._read(place)
            if self._bytes > _CACHE_BYTES:
                return scene
            self._scenes[place] = scene
            self._bytes += 2 * scene.photograph.nbytes
        return self._scenes[place]

    def background(self, place: int) -> Pixels | None:
        """Return the photograph of a row without its specimen; None where no mask is known."""
        if place in self._backgrounds:
            return self._backgrounds[place]
        scene = self.scene(place)
        found = None if scene.mask is None else specimen_removed(scene.photograph, scene.mask)
        if place in self._scenes:
            self._backgrounds[place] = found
        return found

    def edited(self, place: int) -> tuple[dict[str, Pixels], dict[str, int]]:
        """Return the photograph under each of ``CONDITIONS`` that is possible, and the donors.

        Without a mask nothing is possible; ``other`` needs a second class, ``same`` a second
        specimen of the class.
        """
        scene, removed = self.scene(place), self.background(place)
        if scene.mask is None or removed is None:
            return {}, {}
        photograph, mask = scene.photograph, scene.mask
        generator = np.random.default_rng([self._seed, zlib.crc32(self.images[place].encode()), 3])
        block = max(1, round(min(mask.shape) / _BLOCKS))
        made = {
            "grey": grey_background(photograph, mask, feather=FEATHER),
            "shuffled": shuffled_background(
                photograph, mask, generator, block=block, feather=FEATHER
            ),
            "removed": removed,
        }
        donors = {}
        for condition, candidates in self._donors(place).items():
            for donor in generator.permutation(candidates).tolist():
                behind = self.background(donor)
                if behind is not None:
                    made[condition] = replace_background(photograph, mask, behind, feather=FEATHER)
                    donors[condition] = donor
                    break
        return made, donors

    def _donors(self, place: int) -> dict[str, list[int]]:
        """Return whose backgrounds may be put behind a specimen."""
        label, individual = self.labels[place], self.individuals[place]
        mates = set(self._mates.get(label, ())) & set(self.labels)
        others = [
            row
            for row, name in enumerate(self.labels)
            if (name in mates if mates else name != label)
        ]
        same = [
            row
            for row, name in enumerate(self.labels)
            if name == label and self.individuals[row] != individual
        ]
        return {"other": others, "same": same}

    def _read(self, place: int) -> Scene:
        photograph = read_image(self._paths[place])
        height, width = photograph.shape[:2]
        path = self._masks[place]
        mask: Mask | None
        if path is None:
            mask, source = automatic_foreground(photograph), "automatic"
        else:
            mask, source = read_mask(path, (height, width)), "table"
        size = self._size(height, width)
        resized = _resized(photograph, size)
        if mask is not None:
            mask = _resized(255 * mask.astype(np.uint8), size) >= 128
            mask = mask if mask.any() and not mask.all() else None
        return Scene(resized, mask, source if mask is not None else "none", (height, width))

    def _size(self, height: int, width: int) -> tuple[int, int]:
        if self._explainer is not None:
            return self._explainer.preprocessing.resized_shape(height, width)
        shrink = min(1.0, 320 / max(height, width))
        return max(1, round(height * shrink)), max(1, round(width * shrink))


def individuals(specimens: Specimens) -> list[str]:
    """Return which individual each photograph shows; without a ``specimen_id`` its own."""
    table = specimens.table
    if "specimen_id" not in table:
        return [f"image {image}" for image in table["image"]]
    return [
        f"specimen {name}" if isinstance(name, str) else f"image {image}"
        for name, image in zip(table["specimen_id"], table["image"], strict=True)
    ]


def background_share(mask: Mask, grid: tuple[int, int], stride: int) -> NDArray[np.float64]:
    """Return which share of each cell is background, ``[h, w]`` in [0, 1].

    Parameters
    ----------
    mask
        ``bool [H, W]``: the specimen, at the size at which the model reads.
    grid
        (rows, columns) of cells.
    stride
        Pixels of a cell. Of cells that reach over the edge only the part inside counts; one that
        lies wholly outside is background.
    """
    off = np.ones(grid)
    for row in range(grid[0]):
        band = mask[row * stride : (row + 1) * stride]
        for column in range(grid[1]):
            cell = band[:, column * stride : (column + 1) * stride]
            if cell.size:
                off[row, column] = 1 - cell.mean()
    return off


def ask(
    explainer: Explainer,
    scenes: Scenes,
    places: Sequence[int],
    label_ids: NDArray[np.int64],
    batch_size: int,
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (row, what the model says of the photograph and of its edited versions).

    Parameters
    ----------
    explainer
        The model; a plain classifier has no maps.
    scenes
        The photographs.
    places
        The rows to ask about.
    label_ids
        ``[n]``: class ids of the labels of all rows.
    batch_size
        Most pictures that go through the model at once.

    Yields
    ------
    tuple
        The row's place, and ``predicted`` (class id), ``lead`` (logit of the true class minus the
        largest other), ``even`` (share of background cells), ``off`` (attention mass on the
        background of each head ``[R]``, query of the true class), ``off_predicted`` (the same,
        query of the answer), and for each condition ``answers``, ``leads`` and ``donors``. None or
        missing where there is no mask, or no map.

    Raises
    ------
    UserError
        If a photograph or mask cannot be used, or the logits are no numbers.
    """
    for first in range(0, len(places), batch_size):
        part = list(places[first : first + batch_size])
        made = [scenes.edited(place) for place in part]
        own, looking = _look(explainer, scenes, part, label_ids[part], batch_size)
        edits = [
            (row, name, picture) for row, (of_row, _) in enumerate(made)
            for name, picture in of_row.items()
        ]  # fmt: skip
        answers = explainer.logits([picture for *_, picture in edits], batch_size=batch_size)
        for row, place in enumerate(part):
            label = int(label_ids[place])
            _check(own[row], scenes.images[place])
            said: dict[str, Any] = {
                "predicted": int(own[row].argmax()),
                "lead": lead(own[row], label),
                "answers": {},
                "leads": {},
                "donors": made[row][1],
                **looking[row],
            }
            for (number, name, _), logits in zip(edits, answers, strict=True):
                if number == row:
                    said["answers"][name] = int(logits.argmax())
                    said["leads"][name] = lead(logits, label)
            yield place, said


def lead(logits: NDArray[np.float32], label: int) -> float:
    """Return the logit of a class minus the largest other; NaN where there is no other."""
    others = np.delete(logits, label)
    return float(logits[label] - others.max()) if others.size else float("nan")


def _look(
    explainer: Explainer,
    scenes: Scenes,
    places: Sequence[int],
    label_ids: NDArray[np.int64],
    batch_size: int,
) -> tuple[NDArray[np.float32], list[dict[str, Any]]]:
    """Return logits ``[n, C]`` of the unchanged photographs, and the attention beside specimens."""
    model = explainer.model
    pictures: list[Any] = [scenes.scene(place).photograph for place in places]
    looking: list[dict[str, Any]] = [{} for _ in pictures]
    if not isinstance(model, INTR):
        return explainer.logits(pictures, batch_size=batch_size), looking
    logits = np.zeros((len(pictures), len(explainer.classes)), dtype=np.float32)
    for positions, batch in evaluation_batches(pictures, explainer.preprocessing, batch_size):
        with torch.inference_mode():
            encoded = model.encode(batch)
            found = model.decode(encoded).logits
            wanted = torch.stack(
                [torch.from_numpy(label_ids[positions]).to(found.device), found.argmax(-1)], dim=1
            )
            maps = model.decode(encoded, attend=wanted).attention
        assert maps is not None
        logits[positions] = found.float().cpu().numpy()
        for row, own in zip(positions, maps.cpu().numpy().astype(np.float64), strict=True):
            mask = scenes.scene(places[row]).mask
            if mask is not None:
                off = background_share(mask, encoded.grid, model.stride)
                mass = (own * off).sum(axis=(-2, -1))  # [2, R]
                looking[row] = {
                    "even": float(off.mean()),
                    "off": mass[0],
                    "off_predicted": float(mass[1].mean()),
                }
    return logits, looking


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Resize as the model's preprocessing does, so that it need not do it again."""
    if pixels.shape[:2] == size:
        return pixels
    resized = Image.fromarray(pixels).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.array(resized)


def _check(logits: NDArray[np.float32], image: str) -> None:
    if np.isnan(logits).any():
        raise UserError(
            f"the model's logits for {image} are no numbers (NaN); its training has gone wrong"
        )
