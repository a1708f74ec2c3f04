"""What an edit of one photograph does to the answer, beside what the same edit does elsewhere.

The effect is the drop of the lead of the class that was answered before the edit. It is never
given alone: the same operation is applied to control regions, and by a second fill.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy
import torch
from numpy.typing import ArrayLike, NDArray

from intr_discover.edits.operation import Edit
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.importance import margin
from intr_discover.explain.method import Method
from intr_discover.model.intr import INTR, Encoded
from intr_discover.studies.map_regions import cover
from intr_discover.studies.statistics import permutation_p
from intr_discover.studies.studied import (
    Picture,
    Studied,
    batched,
    batches,
    require_numbers,
)

CONTROLS = 20
"""Control regions of an edit: with all of them below it, p = 1/21."""

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the dose–response."""

LEVEL = 0.05
"""A p-value up to this one counts as more than chance."""

Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Trial:
    """An edit of one photograph and the control regions beside it.

    Attributes
    ----------
    photograph
        uint8 RGB ``[H, W, 3]``.
    mask
        ``[H, W]``: the region, not empty.
    edit
        What is done to it.
    controls
        Regions of its shape and area elsewhere.
    wanted
        How many controls were asked for; where there are fewer, there is no p.
    pictures
        What the edit takes beside photograph and mask: a donor and its mask, say.
    """

    photograph: Picture
    mask: Mask
    edit: Edit
    controls: Sequence[Mask] = ()
    wanted: int = CONTROLS
    pictures: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, edit: Edit, region: Mask) -> Picture:
        """Return the photograph edited in a region."""
        # A second fill may do without what the first one takes.
        taken = {name: value for name, value in self.pictures.items() if name in edit.takes}
        return edit.apply(self.photograph, region, **taken)


@dataclass(frozen=True)
class Outcome:
    """What one fill did in the region and in the controls.

    Attributes
    ----------
    edit
        The operation.
    logits
        ``[C]`` of the edited photograph.
    control_logits
        ``[k, C]`` of the photograph edited in each control region.
    """

    edit: Edit
    logits: Numbers
    control_logits: Numbers


@dataclass(frozen=True)
class MapsBeside:
    """Maps of the class that was answered before an edit, before and after it.

    Attributes
    ----------
    maps
        ``[2, U, h, w]``, each summing to 1: of heads, or of another method's units.
    ranked
        Heads or units from the strongest before the edit to the weakest.
    covered
        ``[h, w]``: which share of each cell the region covers.
    stride, resized_shape
        Pixels of the resized photograph in a cell; (height, width) at which it is read.
    names
        What the units of another method are called; empty for heads.
    """

    maps: NDArray[np.float32]
    ranked: Sequence[int]
    covered: Numbers
    stride: int
    resized_shape: tuple[int, int]
    names: Sequence[str] = ()


@dataclass(frozen=True)
class Effect:
    """What an edit did.

    Attributes
    ----------
    classes
        Names of the C classes.
    before
        ``[C]``: logits of the photograph as it was.
    outcomes
        Of the edit itself, and of a second fill where its operation has one.
    doses
        ``[5, C]``: logits at the strengths ``STRENGTHS``.
    wanted
        How many controls were asked for.
    beside
        The maps of the answered class before and after; None for a plain classifier.
    """

    classes: Sequence[str]
    before: Numbers
    outcomes: tuple[Outcome, ...]
    doses: Numbers
    wanted: int
    beside: MapsBeside | None = None

    @property
    def answer(self) -> int:
        """The class answered before the edit, c."""
        return int(self.before.argmax())

    @property
    def after(self) -> int:
        """The class answered after it."""
        return int(self.outcomes[0].logits.argmax())

    @property
    def flipped(self) -> bool:
        """Whether the answer changed."""
        return self.after != self.answer

    @property
    def probabilities(self) -> Numbers:
        """``[2, C]``: before and after the edit, in [0, 1]."""
        return np.asarray(
            scipy.special.softmax(np.stack([self.before, self.outcomes[0].logits]), axis=1)
        )

    @property
    def lead(self) -> float:
        """The margin of c before the edit, in logits; at least 0."""
        return float(lead_of(self.before, self.answer))

    def drop(self, fill: int = 0) -> float:
        """Return the effect: the margin of c before minus after, in logits."""
        return self.lead - float(lead_of(self.outcomes[fill].logits, self.answer))

    def control_drops(self, fill: int = 0) -> Numbers:
        """Return ``[k]``: the effects in the control regions."""
        return self.lead - lead_of(self.outcomes[fill].control_logits, self.answer)

    def control_flips(self, fill: int = 0) -> Mask:
        """Return ``[k]``: whether the answer changed with a control."""
        return np.asarray(self.outcomes[fill].control_logits.argmax(axis=-1) != self.answer)

    def p(self, fill: int = 0) -> float:
        """Return the empirical p of the effect; NaN where fewer controls fit than were wanted."""
        controls = self.control_drops(fill)
        if not len(controls) or len(controls) < self.wanted:
            return math.nan
        return permutation_p(self.drop(fill), controls)

    @property
    def dose_drops(self) -> Numbers:
        """``[5]``: the effect at each strength."""
        return self.lead - lead_of(self.doses, self.answer)

    @property
    def confirmed(self) -> bool | None:
        """Whether it may be called an effect: both fills lower the lead, more than their controls.

        None where that cannot be said: there is no second fill, or the controls are too few for a
        p of ``LEVEL``.
        """
        ps = [self.p(fill) for fill in range(len(self.outcomes))]
        if len(ps) < 2 or any(math.isnan(p) for p in ps) or 1 / (1 + self.wanted) > LEVEL:
            return None
        return all(p <= LEVEL and self.drop(fill) > 0 for fill, p in enumerate(ps))

    @property
    def maps(self) -> NDArray[np.float32] | None:
        """``[2, U, h, w]``: see ``MapsBeside``; None without maps."""
        return None if self.beside is None else self.beside.maps

    @property
    def map_change(self) -> Numbers | None:
        """``[U]``: total variation distance of each head's map before and after, in [0, 1]."""
        if self.beside is None:
            return None
        before, after = self.beside.maps.astype(np.float64)
        return np.asarray(np.abs(before - after).sum(axis=(1, 2)) / 2)

    @property
    def mass_inside(self) -> Numbers | None:
        """``[2, U]``: share of each head's map inside the region, before and after."""
        if self.beside is None:
            return None
        return (self.beside.maps.astype(np.float64) * self.beside.covered).sum(axis=(2, 3))


def lead_of(logits: ArrayLike, class_id: int) -> Numbers:
    """Return the margin ``logit_c − max_{c'≠c} logit_{c'}`` of logits ``[..., C]``, C ≥ 2."""
    table = torch.from_numpy(np.atleast_2d(np.asarray(logits, dtype=np.float64)))
    found = margin(table, torch.full((len(table),), class_id, dtype=torch.int64)).numpy()
    return np.asarray(found if np.ndim(logits) > 1 else found[0], dtype=np.float64)


def second_fill(edit: Edit) -> Edit | None:
    """Return the same edit by another fill, which must agree; None where there is none.

    *Erase* has ``surround`` beside ``telea``, and ``telea`` beside all others. *Recolour* with a
    colour keeps the lightness where it matched it, and the other way round. *Transplant* takes the
    other seam.
    """
    if edit.operation == "erase":
        other = "surround" if edit.fill == "telea" else "telea"
        return Edit("erase", other, feather=edit.feather, strength=edit.strength)
    if edit.operation == "recolour" and edit.fill == "colour":
        return replace(edit, lightness="match" if edit.lightness == "keep" else "keep")
    if edit.operation == "transplant":
        return replace(edit, fill="seamless" if edit.fill == "plain" else "plain")
    return None


def measure_effect(studied: Studied, trial: Trial, batch_size: int = 32) -> Effect:
    """Ask a model, or another method, about a photograph and everything that is done to it.

    All pictures of a photograph have one size and go through the model in batches; each is made
    when its batch is due, so that no more than a batch is held.

    Raises
    ------
    UserError
        If the edit does not fit its pictures, or the model's logits are no numbers.
    """
    fills = [trial.edit, second_fill(trial.edit)]
    edits = [edit for edit in fills if edit is not None]
    partial_doses = [replace(trial.edit, strength=trial.edit.strength * dose)
                     for dose in STRENGTHS[1:-1]]  # fmt: skip
    pictures = _pictures(trial, edits, partial_doses)
    beside: MapsBeside | None
    if isinstance(studied, Method):
        logits, beside = _ask_method(studied, trial, pictures, batch_size)
    else:
        logits, beside = _ask(studied, trial, pictures, batch_size)
    after_doses = 2 + len(partial_doses)
    doses = np.stack([logits[0], *logits[2:after_doses], logits[1]])
    each = len(trial.controls)
    outcomes = [Outcome(edits[0], logits[1], logits[after_doses : after_doses + each])]
    first = after_doses + each
    for edit in edits[1:]:
        outcomes.append(Outcome(edit, logits[first], logits[first + 1 : first + 1 + each]))
    return Effect(studied.classes, logits[0], tuple(outcomes), doses, trial.wanted, beside)


def passes(controls: int, edit: Edit) -> int:
    """Return how many pictures of one photograph go through the model."""
    fills = 1 if second_fill(edit) is None else 2
    return 1 + fills * (1 + controls) + len(STRENGTHS) - 2


def cells_covered(
    mask: Mask, resized_shape: tuple[int, int], stride: int, grid: tuple[int, int]
) -> Numbers:
    """Return which share of each cell a mask covers, ``[h, w]`` in [0, 1].

    Parameters
    ----------
    mask
        ``[H, W]`` on the original photograph.
    resized_shape, stride
        The picture as the model reads it, and pixels of it in a cell.
    grid
        (h, w); the last cells may reach over the edge, where only their real pixels count.
    """
    sides = [(0, cells * stride - side) for cells, side in zip(grid, resized_shape, strict=True)]
    inside = np.pad(cover(mask, resized_shape), sides)
    real = np.pad(np.ones(resized_shape), sides)
    blocks = (grid[0], stride, grid[1], stride)
    counted = real.reshape(blocks).sum(axis=(1, 3))
    return np.asarray(inside.reshape(blocks).sum(axis=(1, 3)) / np.maximum(counted, 1))


def _pictures(trial: Trial, edits: Sequence[Edit], doses: Sequence[Edit]) -> Iterator[Picture]:
    """Yield the photograph, the edit, its doses and controls, then the second fill and its own."""
    yield trial.photograph
    for number, edit in enumerate(edits):
        yield trial.apply(edit, trial.mask)
        if number == 0:
            for dose in doses:
                yield trial.apply(dose, trial.mask)
        for control in trial.controls:
            yield trial.apply(edit, control)


def _ask_method(
    method: Method, trial: Trial, pictures: Iterable[Picture], batch_size: int
) -> tuple[Numbers, MapsBeside]:
    """Do the same as ``_ask`` with another method: its units are those of the first answer."""
    logits: list[NDArray[np.float32]] = []
    first: list[Picture] = []
    for batch in batched(pictures, batch_size):
        first += batch[: 2 - len(first)]
        logits.append(method.logits(batch, batch_size=batch_size))
    found = np.concatenate(logits).astype(np.float64)
    require_numbers(found, method.name)
    label = method.classes[int(found[0].argmax())]
    before, after = (method.checked_units(picture, label) for picture in first)
    maps = np.stack([before.shares(), after.shares()])
    return found, _beside(trial, maps, before.ranked(), before.stride, before.resized_shape,
                          before.names)  # fmt: skip


def _ask(
    explainer: Explainer, trial: Trial, pictures: Iterable[Picture], batch_size: int
) -> tuple[Numbers, MapsBeside | None]:
    """Return logits ``[n, C]``, and the maps of the first answer's class in the first two."""
    model = explainer.model
    logits: list[NDArray[np.float32]] = []
    kept: list[torch.Tensor] = []
    grid = (0, 0)
    with torch.inference_mode():
        for batch in batches(explainer, pictures, batch_size):
            if isinstance(model, INTR):
                encoded = model.encode(batch)
                output = model.decode(encoded)
                if sum(map(len, kept)) < 2:
                    kept.append(encoded.cells[:2])
                    grid = encoded.grid
            else:
                output = model(batch)
            logits.append(output.logits.float().cpu().numpy())
        found = np.concatenate(logits).astype(np.float64)
        require_numbers(found, explainer.source)
        if not isinstance(model, INTR):
            return found, None
        state = Encoded(torch.cat(kept)[:2], grid, None)
        asked = torch.tensor([int(found[0].argmax())], device=explainer.device)
        attention = model.decode(state, attend=asked).attention
    assert attention is not None
    maps = attention[:, 0].float().cpu().numpy()
    strongest_first = np.argsort(-maps[0].max(axis=(1, 2)), kind="stable").tolist()
    read = explainer.preprocessing.resized_shape(*trial.photograph.shape[:2])
    return found, _beside(trial, maps, strongest_first, model.stride, read)


def _beside(
    trial: Trial,
    maps: NDArray[np.float32],
    ranked: Sequence[int],
    stride: int,
    resized_shape: tuple[int, int],
    names: Sequence[str] = (),
) -> MapsBeside:
    grid = (maps.shape[2], maps.shape[3])
    covered = cells_covered(trial.mask, resized_shape, stride, grid)
    return MapsBeside(maps, ranked, covered, stride, resized_shape, names)
