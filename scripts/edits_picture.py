"""Draw docs/pictures/edits.jpg: every edit on one drawn butterfly.

python scripts/edits_picture.py [OUT.jpg]
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from intr_discover.data import rings
from intr_discover.edits.operation import Edit
from intr_discover.edits.symmetry import axis_from_mask, mirrored_mask
from intr_discover.figures import style
from intr_discover.files import replacing

OUT = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "edits.jpg"
SEED, SIZE = 2, 640
# Shares of the picture: both forewings, so that the untouched patch is there to compare.
SHOWN = (slice(0.24, 0.58), slice(0.2, 0.8))
RING, OF_THE_MATE = "sulfurea", 1
COLOUR = "#2b6fd6"
FEATHER = 4.0
DOTS_PER_INCH = 220
JPEG_QUALITY = 88  # as of rings.jpg
COLUMNS, GAP, HEADING = 6, 1.5, 3.2  # mm

Pixels = np.ndarray


def left_part(mask: Pixels) -> Pixels:
    """Return the part of a mask that lies in the left half of the picture."""
    return (mask > 0) & (np.arange(mask.shape[1]) < mask.shape[1] / 2)


def strokes(mask: Pixels) -> Pixels:
    """Return a layer with a few brush strokes across a mask."""
    layer = np.zeros((*mask.shape, 4), np.uint8)
    rows, columns = np.nonzero(mask)
    for number, share in enumerate((0.1, 0.5, 0.9)):
        row = int(np.quantile(rows, share))
        ends = [(int(columns.min()) - 4, row + 5), (int(columns.max()) + 4, row - 5)]
        colour = ((0, 158, 115, 255), (230, 159, 0, 255), (204, 121, 167, 255))[number]
        cv2.line(layer, *ends, colour, 7, cv2.LINE_AA)
    return layer


def outlined(photograph: Pixels, mask: Pixels) -> Pixels:
    """Return a photograph with a white line round a mask."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(photograph.copy(), outlines, -1, (255, 255, 255), 2, cv2.LINE_AA)


def panels() -> list[tuple[str, Pixels]]:
    """Return the titles and pictures of the sheet."""
    number = 2 * next(n for n, ring in enumerate(rings.RINGS) if ring.name == RING)
    attribute = rings.RINGS[number // 2].diagnostic
    classes = 2 * len(rings.RINGS)
    own = rings.render(rings.draw_specimen(SEED, number, size=SIZE))
    mate = rings.render(rings.draw_specimen(SEED, number + OF_THE_MATE + classes, size=SIZE))
    photograph, mask = own.photograph, left_part(own.attributes[attribute])
    donor = {"donor": mate.photograph, "donor_mask": left_part(mate.attributes[attribute])}
    axis = axis_from_mask(own.mask)
    blue = Edit("recolour", colour=COLOUR, feather=FEATHER)
    recoloured = blue.apply(photograph, mask)

    def edited(operation: str, fill: str | None = None, **parameters: object) -> Edit:
        return Edit(operation, fill, feather=FEATHER, **parameters)  # type: ignore[arg-type]

    def erased(fill: str, **parameters: object) -> tuple[str, Pixels]:
        return f"erase: {fill}", edited("erase", fill, **parameters).apply(photograph, mask)

    half = Edit("recolour", colour=COLOUR, feather=FEATHER, strength=0.5)
    other_wing = mirrored_mask(mask, axis)
    return [
        ("photograph, mask", outlined(photograph, mask)),
        ("donor, donor mask", outlined(mate.photograph, donor["donor_mask"])),
        erased("telea"),
        erased("navier-stokes"),
        erased("biharmonic"),
        erased("blur"),
        erased("surround"),
        erased("background"),
        erased("colour", colour="#000000"),
        ("recolour: colour", recoloured),
        ("the same, strength 0.5", half.apply(photograph, mask)),
        ("recolour: keep lightness",
         edited("recolour", colour=COLOUR, lightness="keep").apply(photograph, mask)),
        ("recolour: hue by 120°",
         edited("recolour", "hue", degrees=120).apply(photograph, mask)),
        ("recolour: donor", edited("recolour", "donor").apply(photograph, mask, **donor)),
        ("transplant: plain", edited("transplant").apply(photograph, mask, **donor)),
        ("transplant: seamless",
         edited("transplant", "seamless").apply(photograph, mask, **donor)),
        ("mirror: to the other wing", edited("mirror").apply(recoloured, other_wing, axis=axis)),
        ("paint", Edit("paint").apply(photograph, None, layer=strokes(mask))),
    ]  # fmt: skip


def main() -> None:
    """Write the picture."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    shown = panels()
    rows = -(-len(shown) // COLUMNS)
    width = (style.DOUBLE_COLUMN_MM - (COLUMNS + 1) * GAP) / COLUMNS
    box = tuple(slice(int(SIZE * part.start), int(SIZE * part.stop)) for part in SHOWN)
    tall = width * (box[0].stop - box[0].start) / (box[1].stop - box[1].start)
    height = rows * (tall + HEADING + GAP) + GAP
    with style.journal_style():
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, height)
        for place, (title, picture) in enumerate(shown):
            row, column = divmod(place, COLUMNS)
            left = GAP + column * (width + GAP)
            top = GAP + row * (tall + HEADING + GAP)
            style.add_text(figure, left, top + HEADING - 0.9, title, fontsize=style.SMALL_PT)
            axes = style.add_axes(figure, left, top + HEADING, width, tall)
            axes.imshow(picture[box])
            axes.set_axis_off()
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH)
    with replacing(out) as temporary:
        Image.open(buffer).convert("RGB").save(temporary, quality=JPEG_QUALITY, subsampling=0)
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
