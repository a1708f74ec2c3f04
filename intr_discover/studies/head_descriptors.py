"""What every head did in every photograph: from photographs to arrays, through the model once.

Maps are large, so none is kept but those that a caller keeps for a figure. What remains of a
photograph are R descriptors, R peaks and a few numbers a head.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from intr_discover.data.images import upright_shape
from intr_discover.data.loading import evaluation_batches
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.importance import head_importance
from intr_discover.model.intr import INTR, Encoded
from intr_discover.studies.consistency import effective_area, head_similarity, map_differences
from intr_discover.studies.finite import require_finite_answers
from intr_discover.studies.pointing import peak_positions

NOISE, MOST_NOISE = 0.2, 0.25
"""Standard deviation of the noise for stability and its bounds, in normalised units (Huang et al.,
ICCV 2023)."""


Kept = Callable[[int, bool, NDArray[np.float32], Tensor], None]
"""Called with (row, right, maps ``[R, h, w]`` of the true class, image ``[3, H, W]``)."""


@dataclass(frozen=True)
class Wishes:
    """What is measured of which photographs beside the descriptors; places among them.

    Attributes
    ----------
    importance
        Photographs whose heads are switched off one by one.
    noise
        Photographs that are looked at again under noise.
    layers
        Photographs in which the maps of different class queries are compared, layer by layer.
    pairs
        ``[P, 2]`` class ids: which queries are compared there.
    seed
        Of the noise.
    """

    importance: frozenset[int] = frozenset()
    noise: frozenset[int] = frozenset()
    layers: frozenset[int] = frozenset()
    pairs: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), dtype=np.int64))
    seed: int = 0


@dataclass
class HeadViews:
    """What each head of the true class's query did in n photographs, last decoder layer.

    Attributes
    ----------
    predicted
        ``[n]``: class ids that the model answered.
    descriptors
        ``[n, R, D]`` float32: ``Σ α_n x_n`` over the encoder's cells.
    peaks, map_maxima, areas
        ``[n, R]``: largest score before the softmax, largest weight, effective area.
    points
        ``[n, R, 2]``: centre of the largest cell (x, y) in pixels of the original photograph.
    noisy_points
        ``[n, R, 2]``: the same under noise; NaN where that was not asked for.
    importance
        ``[n, R]``: in logits; NaN where that was not asked for.
    similarity
        ``[n]``: mean correlation between the maps of different heads.
    answered_descriptors, answered_areas, answered_maxima
        As above, for the query of the class that was answered.
    layer_differences
        ``[m, M, R]``: total variation distance between the maps of class queries, for each of the
        m photographs asked for, by decoder layer and head.
    shapes
        ``[n, 2]``: (height, width) of the original photographs.
    cells
        ``[n, 2]``: height and width of a cell in original pixels.
    uniform
        ``[n]``: 1/N.
    """

    predicted: NDArray[np.int64]
    descriptors: NDArray[np.float32]
    peaks: NDArray[np.float64]
    map_maxima: NDArray[np.float64]
    areas: NDArray[np.float64]
    points: NDArray[np.float64]
    noisy_points: NDArray[np.float64]
    importance: NDArray[np.float64]
    similarity: NDArray[np.float64]
    answered_descriptors: NDArray[np.float32]
    answered_areas: NDArray[np.float64]
    answered_maxima: NDArray[np.float64]
    layer_differences: NDArray[np.float64]
    shapes: NDArray[np.int64]
    cells: NDArray[np.float64]
    uniform: NDArray[np.float64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """``[n]``: how many of the R the class has; fewer where other classes have more units."""
        return np.asarray(np.isfinite(self.map_maxima).sum(axis=1), dtype=np.int64)

    @property
    def answered_counts(self) -> NDArray[np.int64]:
        """``[n]``: the same of the class that was answered."""
        return np.asarray(np.isfinite(self.answered_maxima).sum(axis=1), dtype=np.int64)


def view_heads(
    explainer: Explainer,
    paths: Sequence[Path],
    class_ids: NDArray[np.int64],
    wishes: Wishes,
    *,
    batch_size: int = 32,
    keep: Kept | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> HeadViews:
    """Look at photographs with the query of their own class.

    Parameters
    ----------
    explainer
        With an INTR.
    paths
        The photographs, n of them.
    class_ids
        ``[n]``: their true classes.
    wishes
        What else is measured.
    batch_size
        Most photographs that go through the model at once; no number depends on it.
    keep
        Is shown the maps of each photograph; they are not kept otherwise.
    progress
        Called with (photographs done, photographs in all).

    Raises
    ------
    UserError
        If a photograph cannot be read, or the model's logits or maps are no numbers.
    """
    model = explainer.model
    assert isinstance(model, INTR), type(model)
    config = model.config
    views = empty_views(
        len(paths), config.heads, config.width,
        compared=len(wishes.layers), layers=config.decoder_layers,
    )  # fmt: skip
    layer_rows = {row: place for place, row in enumerate(sorted(wishes.layers))}
    # Photographs of one class side by side: a head is switched off for a whole batch at once.
    order = np.argsort(class_ids, kind="stable")
    ordered = [paths[row] for row in order]
    done = 0
    with torch.inference_mode():
        for places, batch in evaluation_batches(ordered, explainer.preprocessing, batch_size):
            rows = order[places]
            batch = batch.to(explainer.device)
            encoded = model.encode(batch)
            maps, right = _look(views, model, encoded, rows, class_ids, paths)
            _place(views, rows, paths, maps, model.stride, batch.shape[-2:])
            _matter(views, model, encoded, rows, class_ids, wishes)
            _disturb(views, model, batch, rows, class_ids, paths, wishes)
            for place, row in enumerate(rows):
                if row in layer_rows:
                    differences = _compare(model, _only(encoded, [place]), wishes.pairs)
                    views.layer_differences[layer_rows[row]] = differences
                if keep is not None:
                    keep(int(row), bool(right[place]), maps[place], batch[place].cpu())
            done += len(rows)
            if progress is not None:
                progress(done, len(paths))
    return views


def class_pairs(classes: int, most: int, seed: int) -> NDArray[np.int64]:
    """Return pairs of class ids ``[P, 2]``: all of them, or ``most`` drawn by the seed."""
    first, second = np.triu_indices(classes, k=1)
    pairs = np.stack([first, second], axis=1).astype(np.int64)
    if len(pairs) <= most:
        return pairs
    chosen = np.random.default_rng(seed).choice(len(pairs), most, replace=False)
    return pairs[np.sort(chosen)]


def noise_like(shape: Sequence[int], name: str, seed: int) -> NDArray[np.float32]:
    """Return noise for one photograph: normal, clipped; decided by its name and the seed alone."""
    generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
    drawn = generator.standard_normal(tuple(shape), dtype=np.float32) * np.float32(NOISE)
    return np.clip(drawn, -MOST_NOISE, MOST_NOISE)


def empty_views(n: int, heads: int, width: int, *, compared: int = 0, layers: int = 1) -> HeadViews:
    """Return views in which everything is missing, to be filled in.

    Parameters
    ----------
    n
        Photographs.
    heads, width
        R, and the numbers of a descriptor.
    compared, layers
        Photographs in which layers are compared, and how many layers.
    """

    def numbers(*shape: int) -> NDArray[np.float64]:
        return np.full(shape, np.nan)

    return HeadViews(
        predicted=np.zeros(n, dtype=np.int64),
        descriptors=np.zeros((n, heads, width), dtype=np.float32),
        peaks=numbers(n, heads),
        map_maxima=numbers(n, heads),
        areas=numbers(n, heads),
        points=numbers(n, heads, 2),
        noisy_points=numbers(n, heads, 2),
        importance=numbers(n, heads),
        similarity=numbers(n),
        answered_descriptors=np.zeros((n, heads, width), dtype=np.float32),
        answered_areas=numbers(n, heads),
        answered_maxima=numbers(n, heads),
        layer_differences=numbers(compared, layers, heads),
        shapes=np.zeros((n, 2), dtype=np.int64),
        cells=numbers(n, 2),
        uniform=numbers(n),
    )


def _look(
    views: HeadViews,
    model: INTR,
    encoded: Encoded,
    rows: NDArray[np.int64],
    class_ids: NDArray[np.int64],
    paths: Sequence[Path],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Fill in what the heads see; return maps ``[B, R, h, w]`` and who is right."""
    own = class_ids[rows]
    output = model.decode(encoded, attend=torch.from_numpy(own)[:, None])
    assert output.attention is not None and output.peaks is not None
    require_finite_answers([output.logits, output.attention], rows, paths)
    maps, descriptors = _read(output.attention, encoded)
    views.predicted[rows] = output.logits.argmax(dim=-1).cpu().numpy()
    views.descriptors[rows] = descriptors
    views.peaks[rows] = output.peaks[:, 0].float().cpu().numpy()
    flat = maps.reshape(*maps.shape[:2], -1)
    views.map_maxima[rows] = flat.max(axis=-1)
    views.areas[rows] = effective_area(flat)
    views.similarity[rows] = [head_similarity(each) for each in flat]
    views.answered_descriptors[rows] = descriptors
    views.answered_areas[rows] = views.areas[rows]
    views.answered_maxima[rows] = views.map_maxima[rows]
    right = views.predicted[rows] == own
    wrong = np.flatnonzero(~right)
    if len(wrong):
        some = _only(encoded, wrong.tolist())
        answers = torch.from_numpy(views.predicted[rows[wrong]])
        attention = model.decode(some, attend=answers[:, None]).attention
        assert attention is not None
        answered, found = _read(attention, some)
        flat = answered.reshape(*answered.shape[:2], -1)
        views.answered_descriptors[rows[wrong]] = found
        views.answered_areas[rows[wrong]] = effective_area(flat)
        views.answered_maxima[rows[wrong]] = flat.max(axis=-1)
    return maps, right


def _read(attention: Tensor, encoded: Encoded) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return maps ``[B, R, h, w]`` of the one query asked for, and descriptors ``[B, R, D]``."""
    maps = attention[:, 0].float()
    descriptors = maps.flatten(2) @ encoded.cells.float()
    return maps.cpu().numpy(), descriptors.cpu().numpy()


def _place(
    views: HeadViews,
    rows: NDArray[np.int64],
    paths: Sequence[Path],
    maps: NDArray[np.float32],
    stride: int,
    resized: Sequence[int],
) -> None:
    """Fill in where the peaks lie on the original photographs."""
    for place, row in enumerate(rows):
        shape = upright_shape(paths[row])
        views.shapes[row] = shape
        views.cells[row] = stride * shape[0] / resized[0], stride * shape[1] / resized[1]
        views.uniform[row] = 1 / maps[place, 0].size
        size = int(resized[0]), int(resized[1])
        views.points[row] = peak_positions(maps[place], stride, size, shape)


def _matter(
    views: HeadViews,
    model: INTR,
    encoded: Encoded,
    rows: NDArray[np.int64],
    class_ids: NDArray[np.int64],
    wishes: Wishes,
) -> None:
    """Fill in the importance of heads; a model of one class has no margin."""
    wanted = [place for place, row in enumerate(rows) if row in wishes.importance]
    if wanted and model.config.num_classes > 1:
        ids = torch.from_numpy(class_ids[rows[wanted]]).to(encoded.cells.device)
        found = head_importance(model, _only(encoded, wanted), ids)
        views.importance[rows[wanted]] = found.float().cpu().numpy()


def _disturb(
    views: HeadViews,
    model: INTR,
    batch: Tensor,
    rows: NDArray[np.int64],
    class_ids: NDArray[np.int64],
    paths: Sequence[Path],
    wishes: Wishes,
) -> None:
    """Fill in where the peaks lie when the photographs are noisy."""
    wanted = [place for place, row in enumerate(rows) if row in wishes.noise]
    if not wanted:
        return
    noise = np.stack(
        [noise_like(batch.shape[1:], paths[rows[place]].name, wishes.seed) for place in wanted]
    )
    noisy = batch[wanted] + torch.from_numpy(noise).to(batch)
    own = torch.from_numpy(class_ids[rows[wanted]])
    attention = model.decode(model.encode(noisy), attend=own[:, None]).attention
    assert attention is not None
    size = int(batch.shape[-2]), int(batch.shape[-1])
    for row, maps in zip(rows[wanted], attention[:, 0].float().cpu().numpy(), strict=True):
        height, width = views.shapes[row]
        views.noisy_points[row] = peak_positions(maps, model.stride, size, (height, width))


def _compare(model: INTR, encoded: Encoded, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return ``[M, R]``: how far the maps of class queries differ in each decoder layer."""
    queries, places = np.unique(pairs, return_inverse=True)
    found = []
    for layer in range(model.config.decoder_layers):
        attention = model.decode(encoded, attend=torch.from_numpy(queries), layer=layer).attention
        assert attention is not None
        maps = attention[0].flatten(2).float().cpu().numpy()
        found.append(map_differences(maps, places.reshape(pairs.shape)))
    return np.stack(found)


def _only(encoded: Encoded, places: Sequence[int]) -> Encoded:
    assert encoded.padding is None, "photographs of one size need no padding"
    return Encoded(encoded.cells[list(places)], encoded.grid, None)
