"""Draw the picture of docs/manipulation.md: one attribute erased, on a sheet of its own.

Run ``python scripts/manipulation_picture.py [FOLDER]`` from the root of the repository.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

from intr_discover import load
from intr_discover.data import rings
from intr_discover.edits.operation import Edit
from intr_discover.figures.style import journal_style
from intr_discover.files import replacing
from intr_discover.studies.one_edit import edit_photograph

OUT = Path(__file__).resolve().parents[1] / "docs" / "pictures"
DOTS_PER_INCH = 170
JPEG_QUALITY = 86


def main() -> None:
    """Write the picture."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    drawn = rings.render(rings.draw_specimen(seed=7, index=1))
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("ember.png", "mask.png", "specimen.png")]
        for path, pixels in zip(
            paths, (drawn.photograph, drawn.attributes["basal_spots"], drawn.mask), strict=True
        ):
            Image.fromarray(pixels).save(path)
        image, mask, specimen = paths
        edit = Edit("erase", feather=2)
        done = edit_photograph(load("demo"), image, mask, edit, specimen_path=specimen)
    buffer = io.BytesIO()
    with journal_style():
        done.result.figures()["sheet"].savefig(buffer, format="png", dpi=DOTS_PER_INCH)
    picture = Image.open(buffer).convert("RGB")
    with replacing(out / "manipulation.jpg") as temporary:
        picture.save(temporary, quality=JPEG_QUALITY, optimize=True)


if __name__ == "__main__":
    main()
