"""All steps on one photograph: a pure function of its pixels and its mask."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from intr_discover.edits.background import replace_background
from intr_discover.errors import UserError
from intr_discover.preparation.apart import letters, may_touch, nearest_part, separate
from intr_discover.preparation.boxes import Box, mask_box, whole, widen
from intr_discover.preparation.colour_card import ColourCard, find_card
from intr_discover.preparation.colour_correction import (
    FEWEST_PATCHES,
    REFERENCE,
    colour_difference,
    correct,
    corrected_colours,
    fit_correction,
    left_out_difference,
    usable,
)
from intr_discover.preparation.foregrounds import guessed_foreground
from intr_discover.preparation.steps import Steps

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

TOUCHING = "may be two specimens that touch: not cut"


@dataclass(frozen=True)
class Piece:
    """A new picture of one specimen.

    Attributes
    ----------
    pixels
        ``uint8 [h, w, 3]``.
    mask
        ``bool [h, w]``; None where there is none and no step needed one.
    window
        The part of the photograph that it shows. A point ``(x, y)`` of the photograph lies at
        ``(x - window[0], y - window[1])``.
    letter
        a, b, … where the photograph shows several specimens, else empty.
    remark
        What a person should look at, else empty.
    """

    pixels: Pixels
    mask: Mask | None
    window: Box
    letter: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Colours:
    """What became of the colours of one photograph.

    Attributes
    ----------
    outcome
        ``"corrected"``, ``"no card"``, ``"card overexposed"`` or ``"no better"``; the photograph
        is changed by the first alone.
    patches
        How many patches the correction rests on.
    before, after, left_out
        Mean CIEDE2000 of those patches from their published colours: as photographed, as
        corrected, and each corrected by the others alone. None without a correction.
    """

    outcome: str
    patches: int = 0
    before: float | None = None
    after: float | None = None
    left_out: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one photograph.

    Attributes
    ----------
    pieces
        The new pictures, one or more.
    whose
        ``int [H, W]``: for each pixel of the photograph the place of its piece; None for one.
    guessed
        Whether the mask was guessed.
    changed
        Whether any pixel differs from the photograph, or any is cut away.
    colours
        None where no card was looked for.
    """

    pieces: list[Piece]
    whose: NDArray[np.intp] | None = field(default=None)
    guessed: bool = False
    changed: bool = True
    colours: Colours | None = None


def prepare_photograph(photograph: Pixels, mask: Mask | None, steps: Steps) -> Outcome:
    """Do all steps to one photograph.

    Parameters
    ----------
    photograph
        ``uint8 [H, W, 3]``, sRGB; it is not changed.
    mask
        ``bool [H, W]``: the specimens, as the table has it; None without one.
    steps
        What to do.

    Raises
    ------
    UserError
        A mask is needed and there is none, it is empty, or none can be guessed.
    """
    colours, card = None, None
    pixels = photograph
    if steps.colour_card:
        card = find_card(photograph)
        pixels, colours = corrected(photograph, card)
    guessed = mask is None and steps.foreground
    if guessed:
        mask = guessed_foreground(pixels, card)
    if steps.needs_mask and mask is None:
        raise UserError("it has no mask in the table: add --foreground to guess one")
    if steps.needs_mask and mask is not None and not mask.any():
        raise UserError("its mask is black: there is no specimen to keep")
    parts = [mask]
    if steps.apart and mask is not None:
        parts = [*separate(mask, steps.least_share)]
    named = letters(len(parts)) if len(parts) > 1 else [""]
    pieces = []
    for letter, part in zip(named, parts, strict=True):
        others = [other for other in parts if other is not part and other is not None]
        pieces.append(_piece(pixels, part, others, letter, steps))
    return Outcome(
        pieces,
        nearest_part([p for p in parts if p is not None]) if len(parts) > 1 else None,
        guessed,
        changed=steps.needs_mask or (colours is not None and colours.outcome == "corrected"),
        colours=colours,
    )


def corrected(photograph: Pixels, card: ColourCard | None) -> tuple[Pixels, Colours]:
    """Return a photograph in the colours that its card asks for, and how near they come.

    Nothing is changed without a card, where too few patches lie within the camera's range, or
    where patches that took no part in the fit would come out no better than they are.
    """
    if card is None:
        return photograph, Colours("no card")
    kept = usable(card.patches)
    patches, reference = card.patches[kept], REFERENCE[kept]
    if len(patches) < FEWEST_PATCHES:
        return photograph, Colours("card overexposed", len(patches))
    matrix = fit_correction(patches, reference)
    before, after, left_out = (
        float(each.mean())
        for each in (
            colour_difference(patches, reference),
            colour_difference(corrected_colours(patches, matrix), reference),
            left_out_difference(patches, reference),
        )
    )
    better = left_out < before
    colours = Colours("corrected" if better else "no better", len(patches), before, after, left_out)
    return (correct(photograph, matrix) if better else photograph), colours


def _piece(
    pixels: Pixels, mask: Mask | None, others: list[Mask], letter: str, steps: Steps
) -> Piece:
    window = whole(pixels.shape)
    if mask is None:
        return Piece(pixels, None, window)
    if steps.crop or steps.apart:
        height, width = mask.shape
        window = widen(mask_box(mask), steps.margin, width, height)
    x0, y0, x1, y1 = window
    cut, cut_mask = pixels[y0:y1, x0:x1], mask[y0:y1, x0:x1]
    strangers = np.zeros_like(cut_mask)
    for other in others:
        strangers |= other[y0:y1, x0:x1]
    colour = steps.background_colour
    if colour is not None:
        cut = replace_background(cut, cut_mask, np.full_like(cut, colour))
    elif strangers.any():
        cut = _without(cut, cut_mask, strangers)
    remark = TOUCHING if steps.apart and may_touch(mask, others) else ""
    return Piece(cut, cut_mask, window, letter, remark)


def _without(pixels: Pixels, mask: Mask, strangers: Mask) -> Pixels:
    """Paint over what other specimens reach into a picture, in the ground's median colour."""
    reach = 2 * max(1, round(0.01 * max(mask.shape))) + 1  # their blurred edges go with them
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    away = (cv2.dilate(strangers.astype(np.uint8), kernel) > 0) & ~mask
    ground = ~away & ~mask
    colour = np.median(pixels[ground], axis=0) if ground.any() else np.full(3, 128.0)
    return np.where(away[..., None], np.round(colour), pixels).astype(np.uint8)
