"""One method asked about photographs: its answers, its units, and what erasing does to it."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intr_discover.data.images import to_array
from intr_discover.data.specimens import Specimens
from intr_discover.explain.method import Method, Progress, Units
from intr_discover.neighbours.judging import areas
from intr_discover.neighbours.wishes import TOP_UNITS, Wishes
from intr_discover.studies.budget import stratified_sample
from intr_discover.studies.guided_erasure import erased, top_of
from intr_discover.studies.judge import Judge
from intr_discover.studies.looking import Regions, reduced
from intr_discover.studies.map_regions import cover, energy_inside
from intr_discover.studies.pairs import diagnostics_of, known_pairs
from intr_discover.studies.pointing import chance, hits, peaks_of, tolerance_for
from intr_discover.studies.studied import labels_answered
from intr_discover.studies.study import StudyInputs
from intr_discover.studies.unit_descriptors import describe, see

Picture = NDArray[np.uint8]
Numbers = NDArray[np.float64]


@dataclass
class UnitsOfLabel:
    """What the units of one class did in its photographs, one entry a photograph.

    Attributes
    ----------
    rows
        Their places among the photographs that were looked at.
    points
        ``[U, 2]`` each: x and y of the peak in pixels of the original.
    strengths
        ``[U]`` each.
    descriptors
        ``[U, D]`` each: what the judge sees there.
    shapes, cells
        (height, width) of the photograph, and of a cell in its pixels.
    """

    rows: list[int] = field(default_factory=list)
    points: list[Numbers] = field(default_factory=list)
    strengths: list[Numbers] = field(default_factory=list)
    descriptors: list[Numbers] = field(default_factory=list)
    shapes: list[tuple[int, int]] = field(default_factory=list)
    cells: list[tuple[float, float]] = field(default_factory=list)


@dataclass
class Shown:
    """One photograph for the figures.

    Attributes
    ----------
    image, label
        Its name and true class.
    photograph
        uint8 RGB, reduced.
    overall
        ``[h, w]`` over the whole photograph.
    units
        ``[k, h, w]``: the strongest ones.
    names
        Of these.
    """

    image: str
    label: str
    photograph: Picture
    overall: NDArray[np.float32]
    units: NDArray[np.float32]
    names: list[str]


@dataclass
class Examined:
    """What came out for one method.

    Attributes
    ----------
    answers
        One row for each photograph of the split: ``image``, ``label``, ``answer``, ``right``.
    photographs
        One row for each photograph whose units were looked at; see ``examine``.
    looked_at
        These photographs.
    units
        By class.
    shown
        For the figures.
    """

    answers: pd.DataFrame
    photographs: pd.DataFrame
    looked_at: Specimens
    units: dict[str, UnitsOfLabel]
    shown: list[Shown]


def examine(
    method: Method,
    judge: Judge,
    specimens: Specimens,
    wishes: Wishes,
    *,
    slow: bool = False,
    progress: Progress | None = None,
) -> Examined:
    """Ask a method about the photographs of a split.

    Parameters
    ----------
    method
        Which is measured.
    judge
        Whose probability judges its maps.
    specimens
        The photographs; their labels are known to method and judge.
    wishes
        What is measured on how many. The photographs of two methods are the same; those of a slow
        method are among those of the others.
    slow
        Whether the method is asked for fewer explanations.
    progress
        Called with (photographs done, photographs in all).

    Returns
    -------
    Examined
        ``photographs`` has the columns ``image``, ``label``, ``answer``, ``seconds`` (one
        explanation), ``attribute_hit``, ``attribute_chance`` (as many random points on the
        specimen), ``off_specimen`` (share of the overall map), ``insertion``, ``deletion``,
        ``flip_<percent>`` (whether erasing the top of the map of the method's own answer changes
        that answer); NaN where it is not known or not measured.

    Raises
    ------
    UserError
        If a label is unknown, or a map is no number.
    """
    specimens.label_ids(method.classes)
    answers = _answers(method, specimens, wishes)
    rows, changed, shown = chosen_rows(specimens.table["label"].tolist(), wishes, slow)
    looked_at = specimens.with_table(specimens.table.iloc[rows])
    regions = _regions(specimens)
    found: list[dict[str, Any]] = []
    units: dict[str, UnitsOfLabel] = {}
    pictures: list[Shown] = []
    for place, row in enumerate(rows):
        image, label = answers["image"][row], answers["label"][row]
        photograph = to_array(specimens.paths[row])
        began = time.perf_counter()
        seen = method.checked_units(photograph, label, image)
        seconds = time.perf_counter() - began
        about = {"image": image, "label": label, "answer": answers["answer"][row]}
        entry = {**about, "seconds": seconds, **_on_regions(seen, image, label, regions)}
        _keep(units.setdefault(label, UnitsOfLabel()), place, seen,
              describe(seen, see(judge.explainer, photograph)))  # fmt: skip
        if row in changed:
            entry |= _judged(method, judge, photograph, image, wishes)
            entry |= _erased(method, photograph, image, about["answer"], wishes)
        if row in shown:
            pictures.append(_shown(seen, photograph, image, label))
        found.append(entry)
        if progress is not None:
            progress(place + 1, len(rows))
    return Examined(answers, pd.DataFrame(found), looked_at, units, pictures)


def chosen_rows(
    labels: Sequence[str], wishes: Wishes, slow: bool
) -> tuple[list[int], set[int], set[int]]:
    """Return which photographs are looked at, which of them are changed, and which are shown.

    Fewer are a part of more: what a slow method is asked, the others are asked too.
    """

    def drawn(rows: list[int], count: int) -> list[int]:
        kept = stratified_sample([labels[row] for row in rows], count, wishes.seed)
        return [rows[place] for place in kept]

    looked_at = drawn(list(range(len(labels))), wishes.photographs)
    changed = drawn(looked_at, wishes.changed)
    few = drawn(changed, wishes.slow)
    shown = set(drawn(few, wishes.shown))
    return (few, set(few), shown) if slow else (looked_at, set(changed), shown)


def _answers(method: Method, specimens: Specimens, wishes: Wishes) -> pd.DataFrame:
    labels = specimens.table["label"].tolist()
    answers = labels_answered(method, specimens, wishes.batch_size)
    return pd.DataFrame(
        {
            "image": specimens.table["image"].tolist(),
            "label": labels,
            "answer": answers,
            "right": [said == label for said, label in zip(answers, labels, strict=True)],
        }
    )


def _regions(specimens: Specimens) -> Regions:
    pairs = known_pairs(StudyInputs(None, specimens, "all"))
    return Regions(specimens, diagnostics_of(pairs))


def _on_regions(units: Units, image: str, label: str, regions: Regions) -> dict[str, float]:
    """Return whether a strong unit hits what separates the class, and what lies off the animal."""
    shape = units.photograph_shape
    wanted = regions.diagnostics.get(label, set())
    masks = [
        mask
        for name, mask in regions.attributes(image, shape).items()
        if name in wanted and mask.any()
    ]
    specimen = regions.specimen(image, shape)
    found = dict.fromkeys(("attribute_hit", "attribute_chance", "off_specimen"), float("nan"))
    if masks:
        mask = np.any(masks, axis=0)
        # One tolerance for all methods: a coarse grid must not make hitting easier.
        tolerance = tolerance_for(shape, 0.0)
        points = peaks_of(units)[units.ranked()[:TOP_UNITS]]
        found["attribute_hit"] = float(hits(points, mask, tolerance).any())
        if specimen is not None:
            one = chance(mask, specimen, tolerance)
            found["attribute_chance"] = 1 - (1 - one) ** len(points)
    if specimen is not None and specimen.any():
        height, width = shape
        shrink = min(1.0, 320 / max(shape))
        grid = (max(1, round(height * shrink)), max(1, round(width * shrink)))
        overall = units.placed(units.overall(), grid)
        found["off_specimen"] = 1 - energy_inside(overall, cover(specimen, grid))
    return found


def _keep(kept: UnitsOfLabel, row: int, units: Units, descriptors: Numbers) -> None:
    if kept.points and len(kept.points[0]) != len(units):
        raise AssertionError("the units of one class must be the same on every photograph")
    kept.rows.append(row)
    kept.points.append(peaks_of(units))
    kept.strengths.append(units.strengths)
    kept.descriptors.append(descriptors)
    kept.shapes.append(units.photograph_shape)
    kept.cells.append(units.cell)


def _judged(
    method: Method, judge: Judge, photograph: Picture, image: str, wishes: Wishes
) -> dict[str, float]:
    """Return insertion and deletion of the map of the class that the judge names."""
    picture = judge.picture(photograph)
    verdict = int(judge.probabilities(picture[None])[0].argmax())
    label = judge.explainer.classes[verdict]
    if label not in method.classes:
        return {}
    units = method.checked_units(photograph, label, image)
    saliency = units.placed(units.overall(), (picture.shape[1], picture.shape[2]))
    return areas(
        judge, photograph, saliency, verdict, seed=(wishes.seed, zlib.crc32(image.encode())),
        steps=wishes.steps, batch_size=wishes.batch_size,
    )  # fmt: skip


def _erased(
    method: Method, photograph: Picture, image: str, answer: str, wishes: Wishes
) -> dict[str, float]:
    """Return whether erasing the top of the map of the method's answer changes that answer."""
    units = method.checked_units(photograph, answer, image)
    saliency = units.placed(units.overall())
    entropy = (wishes.seed, zlib.crc32(image.encode()), 1)
    pictures = [erased(photograph, top_of(saliency, share, entropy)) for share in wishes.shares]
    after = method.logits(pictures, batch_size=wishes.batch_size).argmax(axis=1)
    return {
        flip_column(share): float(method.classes[said] != answer)
        for share, said in zip(wishes.shares, after, strict=True)
    }


def flip_column(share: float) -> str:
    """Return the name of the column for a share of the pixels."""
    return f"flip_{round(100 * share)}"


def _shown(units: Units, photograph: Picture, image: str, label: str) -> Shown:
    small = reduced(photograph)
    shape = (small.shape[0], small.shape[1])
    strongest = units.ranked()[:TOP_UNITS]
    return Shown(
        image,
        label,
        small,
        units.placed(units.overall(), shape),
        np.stack([units.placed(units.maps[unit], shape) for unit in strongest]),
        [units.names[unit] for unit in strongest],
    )
