"""How many copies of a photograph are found, and how many pairs are wrongly taken for copies.

On the Leeds butterflies, of which all pairs are known that show the same picture (data_prep), and
on copies that are made here: scaled, saved anew, in other light, mirrored, turned, cropped, framed.
"""

from __future__ import annotations

import argparse
import io
import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.common import RESULTS, machine
from data_prep.leeds_duplicates import SAME_INDIVIDUAL, SAME_PICTURE
from intr_discover.data.images import read_image
from intr_discover.data.specimens import Specimens
from intr_discover.files import write_json
from intr_discover.preparation.duplicates import find_duplicates, hash_collection
from intr_discover.preparation.hashes import hashes_of
from intr_discover.preparation.near_pairs import MOST_DISTANCE, near_pairs
from intr_discover.preparation.same_picture import SAME_PICTURE as SAME_DETAIL
from intr_discover.preparation.same_picture import detail_correlation, small_grey
from intr_discover.provenance import versions
from intr_discover.studies.statistics import wilson

Pixels = NDArray[np.uint8]


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--leeds", type=Path, default=Path("..") / "shared" / "data" / "leeds")
    parser.add_argument("--copied", type=int, default=100, help="photographs that are altered")
    parser.add_argument("--scale", type=int, default=20000, help="photographs of the timed search")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS / "duplicates.json")
    options = parser.parse_args()
    specimens = Specimens.read(options.leeds)
    record: dict[str, Any] = {
        "command": " ".join(["python", "-m", "benchmarks.duplicates", *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "distance": MOST_DISTANCE,
        "detail": SAME_DETAIL,
        "leeds": known_pairs(specimens),
        "rings": alike_but_other(),
        "altered": altered(specimens, options.copied, options.seed),
        "search": timed_search(options.scale, options.seed),
    }
    write_json(options.out, record)
    show(record)


def known_pairs(specimens: Specimens) -> dict[str, Any]:
    """Return recall and precision on the pairs that data_prep lists, confirmed and by hash alone.

    Pairs of the list that show one individual on two photographs are no copies, and not counted.
    """
    pairs = find_duplicates(hash_collection(specimens), unconfirmed=True).pairs
    names = [
        frozenset((Path(a).stem, Path(b).stem))
        for a, b in pairs[["image_a", "image_b"]].itertuples(index=False, name=None)
    ]
    true = {frozenset(p) for group in SAME_PICTURE for p in itertools.combinations(group, 2)}
    other = {frozenset(p) for group in SAME_INDIVIDUAL for p in itertools.combinations(group, 2)}
    result: dict[str, Any] = {"n": len(specimens), "true_pairs": len(true)}
    confirmed = dict(zip(names, pairs["same_picture"], strict=True))
    for kind, found in (
        ("confirmed", {name for name in names if confirmed[name]}),
        ("hash_alone", set(names)),
    ):
        result[kind] = {
            "pairs": len(found),
            "recall": share(len(found & true), len(true)),
            "precision": share(len(found & true), len(found)),
            "same_individual": len(found & other),
        }
    return result


def alike_but_other() -> dict[str, Any]:
    """Return what is found among the demo's specimens: all differ, in one pose, on like ground."""
    specimens = Specimens.read("demo")
    pairs = find_duplicates(hash_collection(specimens), unconfirmed=True).pairs
    return {
        "n": len(specimens),
        "confirmed": int(pairs["same_picture"].sum()),
        "hash_alone": len(pairs),
        "largest_detail": float(pairs["detail"].max()),
    }


def altered(specimens: Specimens, images: int, seed: int) -> dict[str, Any]:
    """Return how many altered copies are found beside their originals, by alteration."""
    places = np.random.default_rng(seed).permutation(len(specimens))[:images]
    photographs = [read_image(specimens.paths[place]) for place in places]
    hashes, smalls = _hashed(photographs)
    found = {}
    for name, alter in ALTERATIONS.items():
        other, other_small = _hashed([alter(photograph) for photograph in photographs])
        hits = 0
        for number in range(len(photographs)):
            pairs = near_pairs(np.stack([hashes[number], other[number]])).pairs
            hits += any(
                detail_correlation(smalls[number], other_small[number], int(way)) >= SAME_DETAIL
                for way in pairs[:, 2]
            )
        found[name] = share(hits, len(photographs))
    return found


def timed_search(count: int, seed: int) -> dict[str, Any]:
    """Return the processor seconds of comparing all pairs, once the photographs are read."""
    hashes = np.random.default_rng(seed).integers(0, 1 << 63, (count, 2, 8), dtype=np.uint64)
    start = time.process_time()
    near_pairs(hashes)
    return {"n": count, "seconds": round(time.process_time() - start, 1)}


def share(hits: int, n: int) -> dict[str, Any]:
    """Return a share with its 95 % Wilson interval."""
    low, high = wilson(hits, n)
    return {"hits": hits, "n": n, "value": hits / n if n else None,
            "low": low if n else None, "high": high if n else None}  # fmt: skip


def saved(quality: int) -> Callable[[Pixels], Pixels]:
    """Return what saves a picture as JPEG."""

    def alter(photograph: Pixels) -> Pixels:
        buffer = io.BytesIO()
        Image.fromarray(photograph).save(buffer, "JPEG", quality=quality)
        return np.asarray(Image.open(buffer))

    return alter


def scaled(factor: float) -> Callable[[Pixels], Pixels]:
    """Return what makes a picture smaller."""
    return lambda photograph: np.asarray(
        cv2.resize(photograph, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8
    )


def cropped(rim: float) -> Callable[[Pixels], Pixels]:
    """Return what cuts a share of the sides away on every edge."""

    def alter(photograph: Pixels) -> Pixels:
        down, across = (round(rim * side) for side in photograph.shape[:2])
        return photograph[down:-down, across:-across]

    return alter


def in_other_light(gamma: float) -> Callable[[Pixels], Pixels]:
    """Return what brightens the dark parts of a picture, or darkens them."""
    table = np.round(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    return lambda photograph: table[photograph]


def framed(photograph: Pixels) -> Pixels:
    """Return a picture in a white frame of a twentieth of its sides."""
    down, across = (round(0.05 * side) for side in photograph.shape[:2])
    return np.pad(photograph, ((down, down), (across, across), (0, 0)), constant_values=255)


ALTERATIONS: dict[str, Callable[[Pixels], Pixels]] = {
    "half_size": scaled(0.5),
    "jpeg_30": saved(30),
    "gamma_1_5": in_other_light(1.5),
    "mirrored": lambda photograph: photograph[:, ::-1],
    "quarter_turn": lambda photograph: np.rot90(photograph),
    "crop_1_percent": cropped(0.01),
    "crop_3_percent": cropped(0.03),
    "crop_10_percent": cropped(0.1),
    "frame_5_percent": framed,
}


def _hashed(photographs: list[Pixels]) -> tuple[NDArray[np.uint64], Pixels]:
    whole = [np.ascontiguousarray(each) for each in photographs]
    return np.stack([hashes_of(each) for each in whole]), np.stack(
        [small_grey(each) for each in whole]
    )


def show(record: dict[str, Any]) -> None:
    """Print the tables."""
    for kind in ("confirmed", "hash_alone"):
        part = record["leeds"][kind]
        print(
            f"Leeds, {kind}: {part['recall']['hits']} of {part['recall']['n']} true pairs among "
            f"{part['pairs']} found"
        )
    print(f"demo: {record['rings']}")
    for name, part in record["altered"].items():
        print(f"{name}: {part['hits']} of {part['n']} found")
    print(f"search of {record['search']['n']}: {record['search']['seconds']} s")


if __name__ == "__main__":
    main()
