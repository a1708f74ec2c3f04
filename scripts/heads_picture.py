"""Draw the pictures of docs/heads.md: the atlas and the report card of the demo's heads.

Run ``python scripts/heads_picture.py [FOLDER]`` from the root of the repository; it takes less
than a minute.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from intr_discover import Specimens, load
from intr_discover.files import replacing
from intr_discover.studies.heads import STUDY
from intr_discover.studies.study import StudyInputs

OUT = Path(__file__).resolve().parents[1] / "docs" / "pictures"
DOTS_PER_INCH = 170
# The photographs' noise makes a PNG several times as large; drawn matrices stay sharp in one.
JPEG_QUALITY = 86
CLASS = "Ember similis"


def pixels(figure: Figure) -> Image.Image:
    """Return a figure as a picture for the screen."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH)
    return Image.open(buffer).convert("RGB")


def main() -> None:
    """Write both pictures."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    inputs = StudyInputs(load("demo"), Specimens.read("demo"), "test")
    result = STUDY.run(STUDY.inputs(inputs))
    atlas = next(name for name, words in result.captions.items() if f"of {CLASS}:" in words)
    pictures = {
        "head_atlas.jpg": (atlas, {"format": "JPEG", "quality": JPEG_QUALITY}),
        "head_card.png": ("matrix", {"format": "PNG", "optimize": True}),
    }
    for name, (figure, settings) in pictures.items():
        with replacing(out / name) as temporary:
            pixels(result.drawings[figure]()).save(temporary, **settings)
        print(f"wrote {out / name}")


if __name__ == "__main__":
    main()
