"""How well a trait, drawn on one specimen of a species, comes to lie on the others.

On freshly drawn rings, where every attribute's place is known: the diagnostic attribute of the
first specimen of each species is placed on the others, by landmarks and by masks alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.common import RESULTS, machine
from intr_discover import Specimens
from intr_discover.data.images import read_mask
from intr_discover.data.rings import write_collection
from intr_discover.files import write_json
from intr_discover.provenance import versions
from intr_discover.studies.statistics import bootstrap_interval
from intr_discover.studies.trait_placing import place, read_template

WAYS = ("landmarks", "mask", "guessed mask")


def main() -> None:
    """Draw, place, measure, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--per-class", type=int, default=15)
    parser.add_argument("--seed", type=int, default=63000, help="of the specimens")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "rings"
        write_collection(drawn, options.per_class, seed=options.seed, split="test")
        table = measure(Specimens.read(drawn))
    record = {
        "command": " ".join(["python", "-m", "benchmarks.traits", *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "ways": {way: summary(table[table["way"] == way], options.seed) for way in WAYS},
    }
    options.out.mkdir(parents=True, exist_ok=True)
    write_json(options.out / "traits.json", record)
    for way, numbers in record["ways"].items():
        print(way, numbers)


def measure(specimens: Specimens) -> pd.DataFrame:
    """Return one row for each way and specimen: distance of the middles, and overlap."""
    rows = []
    for way in WAYS:
        known = specimens.with_table(
            specimens.table.drop(columns="mask") if way == "guessed mask" else specimens.table
        )
        if way != "landmarks":
            known.keypoints = None
        for label in known.classes:
            rows += [
                {"way": way, **row} for row in _of_species(known.select(labels=[label]), label)
            ]
    return pd.DataFrame(rows)


def _of_species(specimens: Specimens, label: str) -> list[dict[str, Any]]:
    assert specimens.pairs is not None and specimens.attributes is not None
    own = specimens.pairs[["label_a", "label_b"]].eq(label).any(axis=1)
    name = specimens.pairs.loc[own, "diagnostic"].iloc[0]
    of = specimens.attributes[specimens.attributes["attribute"] == name]
    masks = {
        image: specimens.root / mask for image, mask in zip(of["image"], of["mask"], strict=True)
    }
    first = specimens.table["image"].iloc[0]
    placed = place(specimens, read_template(specimens, first, masks[first]))
    return [_compared(each, read_mask(masks[each.image])) for each in placed if each.image != first]


def _compared(placed: Any, true: np.ndarray) -> dict[str, Any]:
    if placed.mask is None:
        return {"placed": False, "distance": np.nan, "overlap": np.nan}
    apart = [np.array(np.nonzero(mask)).mean(axis=1) for mask in (placed.mask, true)]
    return {
        "placed": True,
        "distance": float(np.linalg.norm(apart[0] - apart[1]) / min(true.shape)),
        "overlap": float((placed.mask & true).sum() / (placed.mask | true).sum()),
    }


def summary(table: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Return means with 95 % intervals and n; distances as shares of the photograph's side."""
    found = table[table["placed"]]
    numbers: dict[str, Any] = {"n": len(table), "n_placed": len(found)}
    for column in ("distance", "overlap"):
        values = found[column].to_numpy()
        low, high = bootstrap_interval(values, seed)
        numbers |= {column: float(values.mean()), f"{column}_low": low, f"{column}_high": high}
    return numbers


if __name__ == "__main__":
    main()
