"""A small collection of drawn butterflies, for ``make demo`` and for tests; no photograph needed.

    python -m intr_discover.data.shapes OUT --per-class 40 --size 96 --seed 0

``intr_discover.data.butterfly`` draws them and says which species there are.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from PIL import Image

from intr_discover.data.butterfly import PAIRS, SPECIES, Picture, draw
from intr_discover.errors import UserError
from intr_discover.files import write_with

TEST_PER_CLASS = 10
SMALLEST_SIZE = 32


def write_shapes(out: Path, per_class: int = 40, size: int = 96, seed: int = 0) -> pd.DataFrame:
    """Draw a collection: ``specimens.csv``, ``attributes.csv``, ``pairs.csv`` and the pictures.

    Parameters
    ----------
    out
        A new or empty folder. Photographs go to ``<split>/<label>``, masks to ``masks``.
    per_class
        Training photographs of each species; ``TEST_PER_CLASS`` test photographs come on top.
    size
        Pixels of each side, at least ``SMALLEST_SIZE``.
    seed
        From 0 up. No individual is drawn twice, as its own mate neither.

    Returns
    -------
    pandas.DataFrame
        The specimen table.

    Raises
    ------
    UserError
        A number is out of range, or the folder holds files.
    """
    least = {"per-class": (per_class, 1), "size": (size, SMALLEST_SIZE), "seed": (seed, 0)}
    for name, (value, smallest) in least.items():
        if value < smallest:
            raise UserError(f"--{name} must be at least {smallest}, not {value}")
    if out.exists() and not (out.is_dir() and next(out.iterdir(), None) is None):
        raise UserError(f"{out} exists already and is no empty folder: remove it or name another")
    specimens: list[tuple[str, ...]] = []
    attributes: list[tuple[str, ...]] = []
    for split, number in (("train", per_class), ("test", TEST_PER_CLASS)):
        for species in SPECIES:
            for count in range(1, number + 1):
                drawing = draw(species, size, seed, index=len(specimens))
                name = f"{species.label.replace(' ', '-')}-{split}-{count:02d}"
                image = f"{split}/{species.label}/{name}.png"
                mask, region = f"masks/{name}.png", f"masks/{name}-diagnostic.png"
                _save(drawing.photograph, out / image)
                _save(drawing.specimen, out / mask)
                _save(drawing.diagnostic, out / region)
                specimens.append((image, species.label, split, mask))
                attributes.append((image, species.diagnostic, region))
    pairs = [(a.label, b.label, a.diagnostic) for a, b in PAIRS]
    _save_table(attributes, ["image", "attribute", "mask"], out / "attributes.csv")
    _save_table(pairs, ["label_a", "label_b", "diagnostic"], out / "pairs.csv")
    return _save_table(specimens, ["image", "label", "split", "mask"], out / "specimens.csv")


def _save(picture: Picture, path: Path) -> None:
    write_with(path, Image.fromarray(picture).save)


def _save_table(rows: Sequence[tuple[str, ...]], columns: list[str], path: Path) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=columns)
    write_with(path, lambda file: table.to_csv(file, index=False))
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and draw; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m intr_discover.data.shapes",
        description="Draw butterflies of four invented species in two mimetic pairs.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="a new or empty folder")
    parser.add_argument("--per-class", type=int, default=40, help="training pictures of a species")
    parser.add_argument("--size", type=int, default=96, help="pixels of each side")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other specimens")
    options = parser.parse_args(arguments)
    try:
        table = write_shapes(options.out, options.per_class, options.size, options.seed)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"drew {len(table)} specimens of {len(SPECIES)} species into {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
