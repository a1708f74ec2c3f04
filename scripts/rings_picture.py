"""Draw docs/pictures/rings.jpg: the eight mimicry rings, mates side by side.

python scripts/rings_picture.py [OUT.jpg]
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from intr_discover.data import rings
from intr_discover.figures.contact_sheet import contact_sheet
from intr_discover.files import replacing

OUT = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "rings.jpg"
SEED, SIZE = 2, 160
DOTS_PER_INCH = 160
# The noise of photographs makes a PNG five times as large; one with a palette spends its colours on
# the backdrops, and the two hues of a small patch become one.
JPEG_QUALITY = 88

CLASSES = 2 * len(rings.RINGS)
COLUMNS = (
    "vera",
    "similis",
    "vera",
    "similis",
    "the same specimen, mate's attribute",
    "site of the attribute",
)


def draw_row(number: int) -> list[np.ndarray]:
    """Return two specimens of each species, then the last one swapped, and its attribute."""
    specimens = [
        rings.draw_specimen(SEED, individual * CLASSES + 2 * number + which, size=SIZE)
        for individual in (0, 1)
        for which in (0, 1)
    ]
    diagnostic = rings.RINGS[number].diagnostic
    drawn = [rings.render(specimen) for specimen in specimens]
    swapped = rings.render(specimens[-1], swap=diagnostic)
    return [*(picture.photograph for picture in drawn), swapped.photograph,
            drawn[-1].mask // 4 + drawn[-1].attributes[diagnostic] // 4 * 3]  # fmt: skip


def describe(ring: rings.Ring) -> str:
    """Return the ring's name and what its two species differ in."""
    states = " | ".join(ring.states)
    return f"{ring.name}\n{ring.diagnostic.replace('_', ' ')} ({ring.difference})\n{states}"


def main() -> None:
    """Write the picture."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    figure = contact_sheet(
        [draw_row(number) for number in range(len(rings.RINGS))],
        row_labels=[describe(ring) for ring in rings.RINGS],
        column_labels=COLUMNS,
    )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH)
    with replacing(out) as temporary:
        Image.open(buffer).convert("RGB").save(temporary, quality=JPEG_QUALITY, subsampling=0)
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
