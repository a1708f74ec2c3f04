"""One trait of one photograph, taken away: the edits, their controls, where the heads looked."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from intr_discover import Explainer
from intr_discover.edits.colours import colour_as_text, to_lab
from intr_discover.edits.masks import mask_of_polygon
from intr_discover.edits.operation import Edit
from intr_discover.edits.regions import control_regions
from intr_discover.studies.edit_regions import controls_beside, fringed, widened
from intr_discover.studies.effect import (
    Effect,
    Mask,
    Trial,
    cells_covered,
    lead_of,
    measure_effect,
)
from intr_discover.studies.studied import Picture

FEATHER = 2.0
"""Width of the edits' soft edge, in pixels."""

RING = 6
"""Pixels beyond an edit in which the colour of the wing around it is read."""

PIECES = (1, 2, 3, 4, 6, 8, 12, 16)
"""Into how many pieces each part of a trait is cut, one after the other, until its controls fit."""

Polygons = Sequence[Sequence[Sequence[float]]]


def trait_mask(polygons: Polygons, shape: tuple[int, int]) -> Mask:
    """Return the pixels ``[H, W]`` in any of the polygons, corners as fractions of the sides."""
    mask = np.zeros(shape, dtype=bool)
    for corners in polygons:
        mask |= mask_of_polygon(np.asarray(corners) * (shape[1], shape[0]) - 0.5, shape)
    return mask


def measure_photograph(
    explainer: Explainer,
    image: str,
    photograph: Picture,
    trait: Mask,
    specimen: Mask,
    *,
    controls: int,
    seed: int,
    batch_size: int,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return a row for each operation, and a row for each operation, fill and control."""
    trait = trait & widened(specimen, 2)  # an outline may run a little over the wing's edge
    mask = fringed(trait)
    generator = np.random.default_rng([seed, zlib.crc32(image.encode())])
    places, pieces = control_places(mask, specimen, controls, generator)
    around = specimen & ~widened(mask, FEATHER) & widened(mask, FEATHER + RING)
    wing = median_colour(photograph, around if around.any() else ~mask)
    own = median_colour(photograph, trait)
    rows, beside = [], []
    for edit in (
        Edit("erase", feather=FEATHER),
        Edit("recolour", colour=wing, lightness="match", feather=FEATHER),
    ):
        trial = Trial(photograph, mask, edit, places, controls)
        effect = measure_effect(explainer, trial, batch_size)
        row = {"image": image, **answers(effect), "pieces": pieces}
        row |= {"area": float(mask.mean()), "area_of_specimen": float(trait.sum() / specimen.sum())}
        row |= changes_of_colour(trial)
        if edit.operation == "recolour":
            painted = Edit("recolour", colour=own, feather=FEATHER)
            row |= painted_elsewhere(explainer, trial, painted, effect)
        else:
            row |= looked_at(explainer, trial, effect)
        rows.append(row)
        for fill, outcome in enumerate(effect.outcomes):
            name = outcome.edit.lightness or outcome.edit.fill
            beside += [
                {"image": image, "operation": edit.operation,
                 "fill": name, "control": number, "drop": float(drop), "flip": bool(flip)}
                for number, (drop, flip) in enumerate(
                    zip(effect.control_drops(fill), effect.control_flips(fill), strict=True), 1
                )
            ]  # fmt: skip
    return rows, beside


def control_places(
    mask: Mask, specimen: Mask, count: int, generator: np.random.Generator
) -> tuple[list[Mask], int]:
    """Return control regions, and into how many pieces each part of the trait was cut for them.

    A long margin fits nowhere else on a wing as a whole. Then its parts are cut into ever more
    pieces, which are placed one by one, each turned and mirrored at random, none on another: the
    controls keep the area of the trait and the width of its strokes. Where that fails too, there
    are fewer.
    """
    whole = controls_beside(mask, specimen, mask, feather=FEATHER, count=count, generator=generator)
    if len(whole) == count:
        return whole, 1
    rows, columns = np.flatnonzero(specimen.any(axis=1)), np.flatnonzero(specimen.any(axis=0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    # Soft edges of the edit and of the control, and a pixel between them.
    free = (specimen & ~widened(mask, 2 * FEATHER + 1))[box]
    most, used = whole, 1
    for cut in PIECES:
        pieces = cut_up(mask, cut)
        found: list[Mask] = []
        for attempt in range(2 * count):
            small = _place_pieces(pieces, free, generator)
            if small is not None:
                control = np.zeros(mask.shape, dtype=bool)
                control[box] = small
                found.append(control)
                if len(found) == count:
                    return found, cut
            elif attempt >= 3 and not found:
                break  # no room: smaller pieces
        if len(found) > len(most):
            most, used = found, cut
    return most, used


def cut_up(mask: Mask, pieces: int) -> list[Mask]:
    """Return the connected parts of a region, each cut into compact pieces, the largest first."""
    number, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    found = []
    for part in range(1, number):
        places = np.argwhere(labels == part)
        if pieces == 1 or len(places) < 4 * pieces:
            groups = np.zeros(len(places), dtype=int)
        else:
            cv2.setRNGSeed(0)
            criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 30, 0.1)
            _, nearest, _ = cv2.kmeans(
                places.astype(np.float32), pieces, None, criteria, 3, cv2.KMEANS_PP_CENTERS
            )
            groups = nearest[:, 0]
        for group in np.unique(groups):
            piece = np.zeros(mask.shape, dtype=bool)
            piece[tuple(places[groups == group].T)] = True
            found.append(piece)
    return sorted(found, key=lambda piece: -int(piece.sum()))


def _place_pieces(pieces: list[Mask], free: Mask, generator: np.random.Generator) -> Mask | None:
    """Place pieces at random, none touching another; None where one finds no room."""
    taken = np.zeros(free.shape, dtype=bool)
    for piece in pieces:
        room = free & ~widened(taken, 1)
        placed = control_regions(_framed(piece, free.shape), room, 1, generator)
        if not placed:
            return None
        taken |= placed[0]
    return taken


def _framed(piece: Mask, shape: tuple[int, ...]) -> Mask:
    """Return a piece in the upper left corner of a frame; empty where it is larger than that."""
    rows, columns = np.flatnonzero(piece.any(axis=1)), np.flatnonzero(piece.any(axis=0))
    cut = piece[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    frame = np.zeros(shape, dtype=bool)
    if cut.shape[0] <= shape[0] and cut.shape[1] <= shape[1]:
        frame[: cut.shape[0], : cut.shape[1]] = cut
    return frame


def median_colour(photograph: Picture, region: Mask) -> str:
    """Return the median colour of a region as ``#rrggbb``."""
    red, green, blue = (int(value) for value in np.rint(np.median(photograph[region], axis=0)))
    return colour_as_text((red, green, blue))


def answers(effect: Effect) -> dict[str, Any]:
    """Return what an edit, its second fill and the controls of the first did to the answer."""
    edit, second = effect.outcomes
    drops = effect.control_drops()
    there = len(drops) > 0
    return {
        "operation": edit.edit.operation,
        "answer_before": effect.classes[effect.answer],
        "answer_after": effect.classes[effect.after],
        "flip": effect.flipped,
        "lead_before": effect.lead,
        "drop": effect.drop(),
        "p": effect.p(),
        "controls": len(drops),
        "control_drop": float(drops.mean()) if there else np.nan,
        "control_flip": float(effect.control_flips().mean()) if there else np.nan,
        "second_fill": second.edit.lightness or second.edit.fill,
        "second_flip": int(second.logits.argmax()) != effect.answer,
        "second_drop": effect.drop(1),
        "second_p": effect.p(1),
        "confirmed": effect.confirmed,
    }


def changes_of_colour(trial: Trial) -> dict[str, Any]:
    """Return how far the edit changes the colours of the trait, and of its controls.

    Mean distance in CIELAB over the region's pixels: an edit that changes little in a control can
    do little there.
    """
    before = to_lab(trial.photograph)

    def change(region: Mask) -> float:
        after = to_lab(trial.apply(trial.edit, region))
        return float(np.linalg.norm(after[region] - before[region], axis=-1).mean())

    beside = [change(region) for region in trial.controls]
    return {
        "colour_change": change(trial.mask),
        "control_colour_change": float(np.mean(beside)) if beside else np.nan,
    }


def painted_elsewhere(
    explainer: Explainer, trial: Trial, edit: Edit, effect: Effect
) -> dict[str, Any]:
    """Return what the trait's own colour does in the controls, while the trait stays.

    These change the photograph about as much as the edit does. ``painted_drop`` and
    ``painted_flip``: means over the controls.
    """
    if not trial.controls:
        return {"painted_drop": np.nan, "painted_flip": np.nan}
    logits = explainer.logits([trial.apply(edit, region) for region in trial.controls])
    drops = effect.lead - lead_of(logits, effect.answer)
    return {
        "painted_drop": float(drops.mean()),
        "painted_flip": float((logits.argmax(axis=1) != effect.answer).mean()),
    }


def looked_at(explainer: Explainer, trial: Trial, effect: Effect) -> dict[str, Any]:
    """Return each head's attention in the trait, and in its controls, over the region's area.

    ``head_0`` …: share of the map of the answered class before the edit, divided by the region's
    share of the photograph (1 as chance would have it); ``beside_0`` …: the same, mean of controls.
    """
    mass, maps = effect.mass_inside, effect.maps
    assert mass is not None and maps is not None
    read = explainer.preprocessing(trial.photograph)
    grid = (maps.shape[2], maps.shape[3])
    resized = (read.shape[1], read.shape[2])
    beside = [
        (maps[0] * cells_covered(region, resized, explainer.model.stride, grid)).sum(axis=(1, 2))
        for region in trial.controls
    ]
    area = trial.mask.mean()
    chance = np.mean(beside, axis=0) if beside else np.full(len(maps[0]), np.nan)
    return {
        **{f"head_{head}": float(value / area) for head, value in enumerate(mass[0])},
        **{f"beside_{head}": float(value / area) for head, value in enumerate(chance)},
    }
