"""How well a trait, drawn on one specimen of a species, comes to lie on the others.

On freshly drawn rings, where every attribute's place is known: the diagnostic attribute of the
first specimen of each species is placed on the others, by landmarks and by masks alone. Of the
species that bear an attribute which their look-alikes lack, it is then erased where it was placed,
and where it really is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.common import RESULTS, machine
from intr_discover import Explainer, Specimens, load
from intr_discover.data.images import read_image, read_mask
from intr_discover.data.rings import write_collection
from intr_discover.edits.operation import Edit
from intr_discover.files import write_json
from intr_discover.provenance import versions
from intr_discover.studies.edit_regions import controls_beside, widened
from intr_discover.studies.statistics import bootstrap_interval, wilson
from intr_discover.studies.trait_placing import Placed, place, read_template

WAYS = ("landmarks", "mask", "guessed mask")
WIDER = (0, 2, 4)
"""Pixels, of 160, by which what was drawn is widened before it is placed and erased."""

Mask = NDArray[np.bool_]
Pixels = NDArray[np.uint8]


def main() -> None:
    """Draw, place, erase, measure, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--per-class", type=int, default=15)
    parser.add_argument("--erased", type=int, default=70, help="specimens a class that are edited")
    parser.add_argument("--run", default="demo", help="a run folder, or demo, that is asked")
    parser.add_argument("--seed", type=int, default=63000, help="of the specimens")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args()
    explainer = load(options.run, device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        specimens = drawn(Path(folder) / "placed", options.per_class, options.seed)
        table = measure(specimens)
        specimens = drawn(Path(folder) / "erased", options.erased, options.seed + 1)
        answers = erase(explainer, specimens, options.seed)
    record: dict[str, Any] = {
        "command": " ".join(["python", "-m", "benchmarks.traits", *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "model": {"run": options.run, "fingerprint": explainer.fingerprint},
        "ways": {way: summary(table[table["way"] == way], options.seed) for way in WAYS},
        "landmark_error": agreement(table[table["way"] == "landmarks"]),
        "erased": {
            f"{way}, {wider} wider": flips(group)
            for (way, wider), group in answers.groupby(["way", "wider"], sort=False)
        },
    }
    options.out.mkdir(parents=True, exist_ok=True)
    write_json(options.out / "traits.json", record)
    for part in ("ways", "erased"):
        for way, numbers in record[part].items():
            print(way, numbers)
    print("landmark_error", record["landmark_error"])


def drawn(folder: Path, per_class: int, seed: int) -> Specimens:
    """Draw fresh specimens of all rings."""
    write_collection(folder, per_class, seed=seed, split="test")
    return Specimens.read(folder)


def measure(specimens: Specimens) -> pd.DataFrame:
    """Return one row for each way and specimen: distance of the middles, and overlap."""
    rows = []
    for label in specimens.classes:
        masks = _true_masks(specimens, label)
        for way in WAYS:
            for each in _placed(specimens, label, way, masks):
                rows.append({"way": way, **_compared(each, read_mask(masks[each.image]))})
    return pd.DataFrame(rows)


def erase(explainer: Explainer, specimens: Specimens, seed: int) -> pd.DataFrame:
    """Erase attributes where they are, and where each way of placing puts them.

    Returns
    -------
    DataFrame
        One row for each way (``true`` among them), widening and specimen that the model names
        rightly: ``flipped`` and ``to_mate``; ``true``, whether the true mask of the same widening
        flips it; ``control``, the flip by one region of the same shape elsewhere, missing where
        none fits.
    """
    rows: list[dict[str, Any]] = []
    files = dict(zip(specimens.table["image"], specimens.mask_paths, strict=True))
    for label, mate in bearers(specimens):
        masks = _true_masks(specimens, label)
        at = {
            (way, wider): [each.mask for each in _placed(specimens, label, way, masks, wider)]
            for way in WAYS
            for wider in WIDER
        }
        of_label = specimens.table.loc[specimens.table["label"] == label, "image"]
        for number, image in enumerate(of_label.iloc[1:]):
            true = read_mask(masks[image])
            regions: dict[tuple[str, int], Mask | None]
            regions = {("true", wider): widened(true, wider) for wider in WIDER}
            regions |= {key: each[number] for key, each in at.items()}
            outline = files[image]
            assert outline is not None, image
            photograph = read_image(specimens.root / image)
            before, found = _answers(explainer, photograph, regions, read_mask(outline), seed)
            if before != label:
                continue
            for (way, wider), (answer, control) in found.items():
                rows.append(
                    {
                        "way": way,
                        "wider": wider,
                        "flipped": answer != label,
                        "to_mate": answer == mate,
                        "true": found["true", wider][0] != label,
                        "control": None if control is None else control != label,
                    }
                )
    return pd.DataFrame(rows)


def bearers(specimens: Specimens) -> Iterator[tuple[str, str]]:
    """Yield the species that bear what their look-alikes lack, with these."""
    assert specimens.pairs is not None and specimens.attributes is not None
    labels = dict(zip(specimens.table["image"], specimens.table["label"], strict=True))
    of = specimens.attributes["image"].map(labels)
    for a, b, name in specimens.pairs[["label_a", "label_b", "diagnostic"]].itertuples(index=False):
        known = specimens.attributes[specimens.attributes["attribute"] == name]
        states = {label: set(known.loc[of == label, "state"]) for label in (a, b)}
        for label, mate in ((a, b), (b, a)):
            if states[label] == {"present"} and states[mate] == {"absent"}:
                yield label, mate


def _answers(
    explainer: Explainer,
    photograph: Pixels,
    regions: Mapping[tuple[str, int], Mask | None],
    specimen: Mask,
    seed: int,
) -> tuple[str, dict[tuple[str, int], tuple[str, str | None]]]:
    """Return the answer before, and that after each region and one control of it is erased."""
    edit, asked = Edit("erase"), [photograph]
    places: dict[tuple[str, int], list[int]] = {}
    whole = np.any([mask for mask in regions.values() if mask is not None], axis=0)
    for key, mask in regions.items():
        places[key] = []
        if mask is None:
            continue
        generator = np.random.default_rng(seed)
        beside = controls_beside(mask, specimen, whole, feather=0, count=1, generator=generator)
        for region in (mask, *beside):
            places[key].append(len(asked))
            asked.append(edit.apply(photograph, region))
    said = [explainer.classes[each] for each in explainer.logits(asked).argmax(axis=1)]
    # A region that could not be placed changes nothing.
    return said[0], {
        key: (said[at[0]] if at else said[0], said[at[1]] if len(at) > 1 else None)
        for key, at in places.items()
    }


def _placed(
    specimens: Specimens, label: str, way: str, masks: dict[str, Path], wider: int = 0
) -> Iterator[Placed]:
    """Yield the others of a species with what was drawn on the first."""
    known = specimens.with_table(
        specimens.table.drop(columns="mask") if way == "guessed mask" else specimens.table
    )
    if way != "landmarks":
        known.keypoints = None
    known = known.select(labels=[label])
    first = known.table["image"].iloc[0]
    template = read_template(known, first, masks[first], wider=wider)
    yield from (each for each in place(known, template) if each.image != first)


def _true_masks(specimens: Specimens, label: str) -> dict[str, Path]:
    """Return the masks of a species' diagnostic attribute, by photograph."""
    assert specimens.pairs is not None and specimens.attributes is not None
    own = specimens.pairs[["label_a", "label_b"]].eq(label).any(axis=1)
    name = specimens.pairs.loc[own, "diagnostic"].iloc[0]
    of = specimens.attributes[specimens.attributes["attribute"] == name]
    return {
        image: specimens.root / mask for image, mask in zip(of["image"], of["mask"], strict=True)
    }


def _compared(placed: Placed, true: Mask) -> dict[str, Any]:
    known = {"landmark_error": placed.landmark_error}
    if placed.mask is None:
        return {"placed": False, "distance": np.nan, "overlap": np.nan, **known}
    apart = [np.array(np.nonzero(mask)).mean(axis=1) for mask in (placed.mask, true)]
    return {
        "placed": True,
        "distance": float(np.linalg.norm(apart[0] - apart[1]) / min(true.shape)),
        "overlap": float((placed.mask & true).sum() / (placed.mask | true).sum()),
        **known,
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


def agreement(table: pd.DataFrame) -> dict[str, Any]:
    """Return whether a large error of the landmarks goes with a trait that lies far off."""
    known = table.dropna(subset=["landmark_error", "distance"])
    return {
        "n": len(known),
        "median": float(known["landmark_error"].median()),
        "rank_correlation_with_distance": float(
            known["landmark_error"].corr(known["distance"], method="spearman")
        ),
    }


def flips(table: pd.DataFrame) -> dict[str, Any]:
    """Return how many answers change, with 95 % intervals."""
    numbers: dict[str, Any] = {}
    of_true = table[table["true"].astype(bool)]
    for name, flags in (
        ("flip_rate", table["flipped"]),
        ("to_mate_rate", table["to_mate"]),
        ("of_those_the_true_mask_flips", of_true["flipped"]),
        ("control_flip_rate", table["control"].dropna()),
    ):
        hits, n = int(flags.sum()), len(flags)
        low, high = wilson(hits, n)
        numbers[name] = {"value": hits / n if n else None, "low": low, "high": high, "n": n}
    return numbers


if __name__ == "__main__":
    main()
