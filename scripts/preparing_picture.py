"""Draw docs/pictures/preparing.jpg: a drawer of drawn butterflies, and what is made of it.

python scripts/preparing_picture.py [OUT.jpg]
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
from intr_discover.preparation.colour_correction import from_linear, to_linear
from intr_discover.preparation.drawn_card import with_card
from intr_discover.preparation.one_photograph import prepare_photograph
from intr_discover.preparation.steps import Steps

OUT = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "preparing.jpg"
SEED, SIZE = 5, 200
PLACES = ((20, 20), (240, 30), (130, 230))  # left and top of each butterfly
LAMP = (1.0, 0.76, 0.5)  # share of red, green and blue light that is left
NOISE = 2.0
DOTS_PER_INCH = 160
JPEG_QUALITY = 88  # as of rings.jpg


def drawer() -> np.ndarray:
    """Return three specimens and a colour card on pale ground, by the light of a lamp."""
    picture = np.full((480, 820, 3), (206, 204, 198), np.uint8)
    for number, (left, top) in enumerate(PLACES):
        drawn = rings.render(rings.draw_specimen(SEED, 2 * number, size=SIZE))
        place = picture[top : top + SIZE, left : left + SIZE]
        place[drawn.mask > 0] = drawn.photograph[drawn.mask > 0]
    picture = with_card(picture, (620, 300), 300, 96)
    lit = from_linear(to_linear(picture.astype(np.float64)) * np.array(LAMP))
    lit += np.random.default_rng(SEED).normal(0, NOISE, lit.shape)
    return lit.round().clip(0, 255).astype(np.uint8)


def main() -> None:
    """Write the picture."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    photograph = drawer()
    right = prepare_photograph(photograph, None, Steps(colour_card=True)).pieces[0].pixels
    steps = Steps(colour_card=True, foreground=True, apart=True, background="grey")
    pieces = prepare_photograph(photograph, None, steps).pieces
    assert [piece.letter for piece in pieces] == ["a", "b", "c"]
    figure = contact_sheet(
        [[photograph, right, *(piece.pixels for piece in pieces)]],
        column_labels=("the photograph", "--colour-card", *(
            f"--apart --background grey: {piece.letter}" for piece in pieces
        )),
    )  # fmt: skip
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH)
    with replacing(out) as temporary:
        Image.open(buffer).convert("RGB").save(temporary, quality=JPEG_QUALITY, subsampling=0)
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
