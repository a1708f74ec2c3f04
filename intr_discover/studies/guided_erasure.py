"""Erase what a map marks, and see whether the answer changes.

Maps of the class that was answered are made by several methods, and the top of each is erased in
the colour of its surroundings. The more pixels it takes to change the answer, the worse the map.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from intr_discover.edits.erase import erase
from intr_discover.edits.masks import mask_of_map
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.importance import head_importance
from intr_discover.explain.maps import place_on_photograph
from intr_discover.explain.method import Method, Units
from intr_discover.explain.posthoc.rise import RiseSettings
from intr_discover.model.intr import INTR
from intr_discover.studies.effect import Mask
from intr_discover.studies.judge import INTR_ITSELF, Judge
from intr_discover.studies.saliency_methods import (
    Markers,
    causal_map,
    maps_of_units,
    require_finite,
)
from intr_discover.studies.studied import Picture, Studied, answers_to

SHARES = (0.01, 0.02, 0.04, 0.08, 0.16)
"""Of the photograph's pixels, erased."""

SHARES_IN_HASTE = (0.02, 0.04, 0.08)
"""Those that are tried where time is short."""

METHODS = ("intr_causal", "intr_best", "intr_mean", "gradcam_intr", "rise", "random")
"""Whose maps guide, of ``saliency_methods.METHODS``."""

UNIT_METHODS = ("units_mean", "units_best", "random")
"""The same where another method than INTR is studied."""

FLIP_METHODS = ("intr_causal", "intr_mean")
"""Whose cells are erased one after the other for the minimal flip."""

UNIT_FLIP_METHODS = ("units_mean",)
"""The same where another method is studied."""

_LARGEST_PREFIX = 0.5  # of all cells: what is left must still be there to fill from
_TRIES = 5  # prefixes that are tried at once between two

Map = NDArray[np.float32]
Ask = Callable[[Iterable[Picture]], list[int]]
"""Pictures in, the class ids that are answered to them out."""


@dataclass(frozen=True)
class Cells:
    """A map on the cells of the model that made it.

    Attributes
    ----------
    map
        ``[h, w]``.
    stride, resized_shape
        Pixels of the resized photograph in a cell; (height, width) at which it is read.
    """

    map: Map
    stride: int
    resized_shape: tuple[int, int]


@dataclass(frozen=True)
class Guided:
    """What became of one photograph.

    Attributes
    ----------
    flips
        By method and share, whether the answer changed.
    after
        By method and share, the class id that was answered then.
    minimal
        By method of ``FLIP_METHODS`` (``UNIT_FLIP_METHODS``), the share of cells whose erasure
        changes the answer; NaN where half of them do not.
    passes
        Pictures that went through the model for it, those of RISE left out.
    """

    flips: dict[tuple[str, float], bool]
    after: dict[tuple[str, float], int]
    minimal: dict[str, float]
    passes: int


def guide(
    studied: Studied,
    photograph: Picture,
    image: str,
    methods: Sequence[str],
    *,
    seed: int,
    rise_settings: RiseSettings | None = None,
    batch_size: int = 32,
    shares: Sequence[float] = SHARES,
    minimal: bool = True,
) -> Guided:
    """Erase the top of every map of the answered class.

    Parameters
    ----------
    studied
        An INTR, or another method.
    photograph
        uint8 RGB ``[H, W, 3]``.
    image
        Its name: with ``seed`` it decides ties, the random map and RISE's masks.
    methods
        Some of ``METHODS``, of another method some of ``UNIT_METHODS``.
    seed, rise_settings, batch_size
        As their names say.
    shares
        Of the pixels, to erase.
    minimal
        Whether the minimal flips are sought too.

    Raises
    ------
    UserError
        If a map or the logits are no numbers.
    """
    entropy = (seed, zlib.crc32(image.encode()))
    answer = answers_to(studied, [photograph], 1)[0]
    maps: dict[str, Map]
    flip_methods: tuple[str, ...]
    cells_of: Callable[[str], Cells]
    if isinstance(studied, Method):
        units = studied.checked_units(photograph, studied.classes[answer], image)
        maps = maps_of_units(units, methods, units.photograph_shape, entropy)
        flip_methods, cells_of = UNIT_FLIP_METHODS, {"units_mean": _overall(units)}.__getitem__
    else:
        marked = Markers(studied, Judge(studied, INTR_ITSELF)).mark(
            photograph,
            studied.classes[answer],
            methods,
            rise_settings=rise_settings,
            seed=entropy,
            batch_size=batch_size,
        )
        require_finite(marked.maps, image)
        maps = {name: on_original(each, photograph.shape[:2]) for name, each in marked.maps.items()}
        flip_methods, cells_of = FLIP_METHODS, partial(_cells, studied, photograph, answer)
    keys = [(name, share) for name in maps for share in shares]

    def pictures() -> Iterator[Picture]:
        for name, share in keys:
            yield erased(photograph, top_of(maps[name], share, (*entropy, 1)))

    after = dict(zip(keys, answers_to(studied, pictures(), batch_size), strict=True))
    shortest: dict[str, float] = {}
    tried = 0
    for name in flip_methods if minimal else ():
        if name not in maps:
            continue
        cells = cells_of(name)
        found, count = minimal_flip(
            partial(answers_to, studied, batch_size=batch_size),
            photograph,
            cells.map,
            answer,
            cells.stride,
            cells.resized_shape,
            (*entropy, 2),
        )
        shortest[name] = found / cells.map.size if found is not None else math.nan
        tried += count
    flips = {key: other != answer for key, other in after.items()}
    return Guided(flips, after, shortest, 1 + len(keys) + tried)


def top_of(saliency: Map, share: float, entropy: tuple[int, ...]) -> Mask:
    """Return the top of a map, exactly that share of the pixels, ties drawn by the seed."""
    return mask_of_map(saliency, share, np.random.default_rng(entropy))


def erased(photograph: Picture, mask: Mask) -> Picture:
    """Return the photograph with a region in the colours that surround its parts."""
    return erase(photograph, mask, method="surround")


def on_original(saliency: Map, shape: tuple[int, ...]) -> Map:
    """Bring a map from the pixels that the model reads to those of the photograph."""
    resized = (saliency.shape[0], saliency.shape[1])
    return place_on_photograph(saliency, 1, resized, (shape[0], shape[1]))


def attention_map(
    studied: Studied, photograph: Picture, class_id: int | None = None
) -> tuple[Map, int]:
    """Return the heads' maps weighted by what each contributes, on the photograph's pixels.

    Parameters
    ----------
    studied
        An INTR, or another method: its units, weighted by their strengths.
    photograph
        uint8 RGB ``[H, W, 3]``.
    class_id
        Whose map; None for the answered class.

    Returns
    -------
    tuple
        The map ``[H, W]`` and the class id.
    """
    if class_id is None:
        class_id = answers_to(studied, [photograph], 1)[0]
    if isinstance(studied, Method):
        cells = _overall(studied.checked_units(photograph, studied.classes[class_id]))
    else:
        cells = _cells(studied, photograph, class_id, "intr_causal")
    shape = (photograph.shape[0], photograph.shape[1])
    return place_on_photograph(cells.map, cells.stride, cells.resized_shape, shape), class_id


def minimal_flip(
    ask: Ask,
    photograph: Picture,
    cells: Map,
    answer: int,
    stride: int,
    resized_shape: tuple[int, int],
    entropy: tuple[int, ...],
) -> tuple[int | None, int]:
    """Return how many of the strongest cells must be erased to change the answer.

    Parameters
    ----------
    ask
        The model: pictures in, class ids out.
    photograph
        uint8 RGB ``[H, W, 3]``.
    cells
        ``[h, w]``: the map on the model's own cells.
    answer
        Class id before anything is erased.
    stride, resized_shape
        Where the cells lie, see :func:`pixels_of_cells`.
    entropy
        Of the order of equal cells.

    Returns
    -------
    tuple
        The number of cells, None where half of all do not change it; and how many pictures were
        tried. Prefixes of 1, 2, 4, … cells are tried, then those between the first that changes
        the answer and the one before. It is the shortest prefix of all unless a shorter one
        changes the answer and a longer one of those tried takes that back.
    """
    order = np.lexsort((np.random.default_rng(entropy).permutation(cells.size), -cells.ravel()))
    shape = (photograph.shape[0], photograph.shape[1])
    owner = pixels_of_cells((cells.shape[0], cells.shape[1]), stride, resized_shape, shape)
    rank = np.empty(cells.size, dtype=np.int64)
    rank[order] = np.arange(cells.size)
    place = rank[owner]
    most = int(_LARGEST_PREFIX * cells.size)
    tried = 0

    def first_that_flips(lengths: Sequence[int]) -> int | None:
        nonlocal tried
        tried += len(lengths)
        pictures = (erased(photograph, place < length) for length in lengths)
        answers = ask(pictures)
        return next((n for n, other in zip(lengths, answers, strict=True) if other != answer), None)

    ladder = [2**power for power in range(max(1, most).bit_length()) if 2**power <= most]
    high = first_that_flips(sorted({*ladder, most} - {0}))
    if high is None:
        return None, tried
    low = max([0, *(step for step in ladder if step < high)])
    while high - low > 1:
        steps = range(1, _TRIES + 1)
        between = sorted({low + (high - low) * step // (_TRIES + 1) for step in steps} - {low})
        found = first_that_flips(between)
        if found is None:
            low = between[-1]
        else:
            low = max([low, *(length for length in between if length < found)])
            high = found
    return high, tried


def pixels_of_cells(
    grid: tuple[int, int], stride: int, resized_shape: tuple[int, int], shape: tuple[int, int]
) -> NDArray[np.int64]:
    """Return the number of the cell in which each pixel of the photograph lies, ``[H, W]``.

    Parameters
    ----------
    grid
        (h, w) of the cells, numbered in reading order.
    stride
        Pixels of the resized photograph in a cell.
    resized_shape, shape
        (height, width) as the model reads the photograph, and of the photograph.
    """
    rows, columns = (
        np.minimum(((np.arange(pixels) + 0.5) * resized / pixels / stride).astype(int), cells - 1)
        for pixels, resized, cells in zip(shape, resized_shape, grid, strict=True)
    )
    return rows[:, None] * grid[1] + columns[None]


def _overall(units: Units) -> Cells:
    """Return the map of all units of another method together."""
    return Cells(units.overall(), units.stride, units.resized_shape)


def _cells(explainer: Explainer, photograph: Picture, class_id: int, method: str) -> Cells:
    """Return a map on the model's own cells: the mean of heads, or weighted by importance."""
    model = explainer.model
    assert isinstance(model, INTR)
    asked = torch.tensor([class_id], device=explainer.device)
    read = explainer.preprocessing(photograph)
    with torch.inference_mode():
        encoded = model.encode(read[None])
        output = model.decode(encoded, attend=asked)
        assert output.attention is not None
        heads = output.attention[0, 0].float().cpu().numpy()
        if method == "intr_mean":
            found = np.asarray(heads.mean(axis=0))
        else:
            importance = head_importance(model, encoded, asked)[0].float().cpu().numpy()
            found = causal_map(heads, importance)[0]
    return Cells(found, model.stride, (read.shape[1], read.shape[2]))
