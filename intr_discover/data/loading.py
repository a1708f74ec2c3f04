"""Photographs to batches: augmented and reproducible for training, grouped by size for evaluation.

Every random draw of an image depends on (seed, epoch, image) alone, so that neither the number of
loading processes nor a restart changes what the model sees.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from intr_discover.data.images import read_image, to_array
from intr_discover.data.preprocessing import Preprocessing
from intr_discover.errors import UserError

ImageSource = str | Path | Image.Image | NDArray[np.uint8]


class TrainingImages(Dataset[tuple[Tensor, int]]):
    """Augmented training images, drawn by (epoch, position).

    Parameters
    ----------
    paths
        Image files.
    labels
        Class ids ``[n]``.
    preprocessing
        Normalisation, and the resize where there is no augmentation.
    augmentation
        See ``build_augmentation``.
    seed
        Seed of the augmentation.
    cache_side
        Reduce photographs to this shorter side in pixels and keep them in memory; None takes them
        as they are and reads the file every time.
    cache_bytes
        Most memory for them; None: no limit. The photographs that find no room are read and reduced
        every time, so that this changes the time that it takes and nothing else.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        labels: NDArray[np.int64],
        preprocessing: Preprocessing,
        augmentation: nn.Module | None,
        seed: int,
        cache_side: int | None = None,
        cache_bytes: int | None = None,
    ) -> None:
        self.paths = list(paths)
        self.labels = labels
        self.preprocessing = preprocessing
        self.augmentation = augmentation
        self.seed = seed
        self.cache_side = cache_side
        self._free = np.inf if cache_bytes is None else cache_bytes
        self._cache: dict[int, NDArray[np.uint8]] = {}

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, drawn: tuple[int, int]) -> tuple[Tensor, int]:
        """Return a normalised image ``[3, h, w]`` and its class id for (epoch, position)."""
        epoch, position = drawn
        pixels = self._read(position)
        label = int(self.labels[position])
        if self.augmentation is None:
            return self.preprocessing(pixels), label
        entropy = np.random.SeedSequence([self.seed, epoch, position])
        with torch.random.fork_rng(devices=[]):
            # Not torch.manual_seed, which would also set the accelerator's generators.
            torch.default_generator.manual_seed(int(entropy.generate_state(1)[0]))
            tensor = self.augmentation(torch.from_numpy(pixels).permute(2, 0, 1).contiguous())
        return self.preprocessing.normalise(tensor.permute(1, 2, 0).numpy()), label

    def _read(self, position: int) -> NDArray[np.uint8]:
        if self.cache_side is None:
            return read_image(self.paths[position])
        if position in self._cache:
            return self._cache[position]
        # Training alone takes the short way: an answer must not depend on who read the photograph.
        pixels = read_image(self.paths[position], at_least=self.cache_side)
        reduced = _reduce(pixels, self.cache_side)
        if reduced.nbytes <= self._free:
            self._free -= reduced.nbytes
            self._cache[position] = reduced
        return reduced


def _reduce(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    if min(height, width) <= side:
        return pixels.copy()
    scale = side / min(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.array(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))


def training_batches(
    images: TrainingImages,
    batches: Sequence[Sequence[int]],
    epoch: int,
    workers: int,
) -> Iterator[tuple[list[Tensor], Tensor]]:
    """Load given batches of positions of one epoch; see ``training_stream``."""
    return training_stream(images, ((epoch, batch) for batch in batches), workers)


def training_stream(
    images: TrainingImages, batches: Iterable[tuple[int, Sequence[int]]], workers: int
) -> Iterator[tuple[list[Tensor], Tensor]]:
    """Load batches of many epochs; yield a list of ``[3, h, w]`` and class ids ``[B]``.

    Parameters
    ----------
    images
        The photographs.
    batches
        Epoch and positions of each batch, in order.
    workers
        Processes that read. They live as long as the stream and read ahead, so that between two
        epochs, while a model is validated, the next batches get ready.

    Raises
    ------
    UserError
        If a photograph cannot be read, or the system ended a process that reads them.
    """
    drawn: Any = ([(epoch, position) for position in batch] for epoch, batch in batches)
    loader: DataLoader[Any] = DataLoader(
        _Told(images),
        batch_sampler=drawn,
        num_workers=workers,
        collate_fn=_collate,
        # The loader draws a seed of its own; without this it would come from the global generator
        # and a resumed training would part from an uninterrupted one.
        generator=torch.Generator().manual_seed(0),
    )
    with lost_readers_told():
        for loaded in loader:
            if isinstance(loaded, UserError):
                raise loaded
            yield loaded


@contextmanager
def lost_readers_told() -> Iterator[None]:
    """Turn what PyTorch raises when a reading process was killed into a UserError.

    It raises at a signal, wherever the program is at that moment: in the middle of a gradient, too.
    """
    try:
        yield
    except RuntimeError as error:
        if not str(error).startswith("DataLoader worker"):
            raise
        raise UserError(
            "the system ended a process that reads photographs, most likely because the memory "
            "was used up: close other programs, or take --set workers=0"
        ) from error


class _Told(Dataset[tuple[Tensor, int] | UserError]):
    """The same images; a fault comes as a value, for a loading process makes a traceback of it."""

    def __init__(self, images: TrainingImages) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, drawn: tuple[int, int]) -> tuple[Tensor, int] | UserError:
        try:
            return self.images[drawn]
        except UserError as error:
            return UserError(str(error))


def _collate(
    items: Sequence[tuple[Tensor, int] | UserError],
) -> tuple[list[Tensor], Tensor] | UserError:
    images: list[Tensor] = []
    labels: list[int] = []
    for item in items:
        if isinstance(item, UserError):
            return item
        images.append(item[0])
        labels.append(item[1])
    return images, torch.tensor(labels)


def evaluation_batches(
    sources: Sequence[ImageSource],
    preprocessing: Preprocessing,
    batch_size: int,
    workers: int = 2,
    pin: bool = False,
) -> Iterator[tuple[list[int], Tensor]]:
    """Yield (positions, images ``[B, 3, h, w]``), where all images of a batch have one size.

    A photograph is never padded, so what the model says of it does not depend on its neighbours
    in the batch. Each photograph is read once; at most ``4 * batch_size`` wait in memory.

    Parameters
    ----------
    sources
        Paths, PIL images or uint8 arrays.
    preprocessing
        The model's own.
    batch_size
        Most images of a batch.
    workers
        Threads that read files.
    pin
        Put batches into memory that a GPU fetches from by itself, while the next one is read.
    """
    waiting: dict[torch.Size, list[tuple[int, Tensor]]] = defaultdict(list)

    def prepare(source: ImageSource) -> Tensor:
        return preprocessing(to_array(source))

    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        for start in range(0, len(sources), batch_size):
            chunk = sources[start : start + batch_size]
            for position, image in enumerate(pool.map(prepare, chunk), start):
                group = waiting[image.shape]
                group.append((position, image))
                if len(group) == batch_size:
                    yield _stack(waiting.pop(image.shape), pin)
            while sum(len(group) for group in waiting.values()) > 3 * batch_size:
                # Collections of many sizes would otherwise fill the memory: the oldest size goes.
                yield _stack(waiting.pop(next(iter(waiting))), pin)
    for group in waiting.values():
        yield _stack(group, pin)


def _stack(group: list[tuple[int, Tensor]], pin: bool) -> tuple[list[int], Tensor]:
    batch = torch.stack([image for _, image in group])
    return [position for position, _ in group], batch.pin_memory() if pin else batch
