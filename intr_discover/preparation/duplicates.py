"""Photographs that are in a collection twice, and what that does to labels and splits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import pandas as pd

from intr_discover.data.images import read_image
from intr_discover.data.specimens import Specimens
from intr_discover.data.threads import map_in_threads
from intr_discover.errors import UserError
from intr_discover.files import write_json, write_with
from intr_discover.preparation.hashes import BITS, WAYS, hashes_of
from intr_discover.preparation.near_pairs import MOST_DISTANCE, near_pairs
from intr_discover.preparation.same_picture import SAME_PICTURE, detail_correlation, small_grey
from intr_discover.provenance import machine, origin, versions

COLUMNS = (
    "image_a", "image_b", "distance", "distance_dhash", "way", "detail", "same_picture", "label_a",
    "label_b", "same_label", "split_a", "split_b", "same_split", "same_individual",
)  # fmt: skip

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Duplicates:
    """What was found.

    Attributes
    ----------
    pairs
        One row a pair, see :func:`find_duplicates`.
    individuals
        ``individual, splits, images``: individuals with photographs in more than one split. None
        where the collection has no individuals or no splits.
    problems
        ``image, label, problem``: photographs that could not be compared.
    compared
        How many photographs were.
    near
        How many pairs are near by their hashes.
    confirmed_of
        How many of those were compared in detail: all, or the 20,000 nearest.
    """

    pairs: pd.DataFrame
    individuals: pd.DataFrame | None
    problems: pd.DataFrame
    compared: int
    near: int
    confirmed_of: int

    def finding(self) -> str:
        """Return in one line what matters most."""
        same = self.pairs[self.pairs["same_picture"]]
        words = [
            f"{_pairs(len(same))} of {self.compared} photographs show the same picture",
            f"{int((same['same_label'] == False).sum())} under two labels",  # noqa: E712
        ]
        if "split_a" in same and same["split_a"].notna().any():
            torn = same[same["same_split"] == False]  # noqa: E712
            leaked = _in_test(torn)
            words.append(
                f"{len(torn)} in two splits"
                + (f" ({leaked} test photographs are in train or val too)" if leaked else "")
            )
        if self.individuals is not None:
            words.append(f"{len(self.individuals)} individuals in two splits")
        if self.near > self.confirmed_of:
            words.append(
                f"of {self.near} pairs with like hashes only the nearest {self.confirmed_of} were "
                "compared in detail: try a smaller --distance"
            )
        return "; ".join(words)


@dataclass(frozen=True)
class Hashed:
    """The photographs of a collection, as much of them as is compared.

    Attributes
    ----------
    specimens
        The collection.
    places
        ``[N]``: rows of the photographs that could be read.
    hashes, smalls
        ``uint64 [N, 2, 8]`` and ``uint8 [N, 128, 128]``.
    reasons
        Why the others could not, by row.
    """

    specimens: Specimens
    places: list[int]
    hashes: np.ndarray
    smalls: np.ndarray
    reasons: dict[int, str]


def hash_collection(specimens: Specimens, progress: Progress | None = None) -> Hashed:
    """Read all photographs, which takes nearly all the time, and hash them.

    Parameters
    ----------
    specimens
        The collection; photographs may be missing.
    progress
        Called with (photographs read, photographs in all).

    Raises
    ------
    UserError
        No photograph can be read.
    """
    read = map_in_threads(_hashed, specimens.paths, progress=progress)
    reasons = {place: each for place, each in enumerate(read) if isinstance(each, str)}
    places = [place for place in range(len(read)) if place not in reasons]
    if not places:
        raise UserError(f"no photograph of {specimens.source} can be read; the first: {reasons[0]}")
    good = [each for each in read if not isinstance(each, str)]
    hashes, smalls = (np.stack([each[which] for each in good]) for which in (0, 1))
    return Hashed(specimens, places, hashes, smalls, reasons)


def find_duplicates(
    hashed: Hashed,
    *,
    distance: int = MOST_DISTANCE,
    unconfirmed: bool = False,
    progress: Progress | None = None,
) -> Duplicates:
    """Find photographs that are copies of each other: scaled, saved anew, mirrored, turned.

    Parameters
    ----------
    hashed
        The photographs, see :func:`hash_collection`.
    distance
        Bits of 64 in which pHash and dHash of a pair may differ, 0 to 32.
    unconfirmed
        Keep also the pairs that only their hashes take for one picture. Specimens mounted alike
        are, by the thousand.
    progress
        Called with (pairs compared, pairs in all).

    Returns
    -------
    Duplicates
        ``pairs`` has ``image_a``, ``image_b``; ``distance`` (pHash) and ``distance_dhash``, bits;
        ``way`` in which b lies over a; ``detail``, the correlation of fine detail, −1 to 1;
        ``same_picture``, whether it is at least 0.85; labels, splits, and whether those and the
        individual are the same (missing where it is not known). The most alike come first.

    Raises
    ------
    UserError
        The distance is outside 0 to 32.
    """
    if not 0 <= distance <= BITS // 2:
        raise UserError(
            f"the distance is {distance} bits: give 0 to {BITS // 2}; hashes of unlike pictures "
            f"differ in {BITS // 2} of {BITS}"
        )
    table = hashed.specimens.table
    problems = table.iloc[list(hashed.reasons)][["image", "label"]]
    problems = problems.assign(problem=list(hashed.reasons.values())).reset_index(drop=True)
    found = near_pairs(hashed.hashes, distance)
    smalls = hashed.smalls
    detail = np.array(
        map_in_threads(
            lambda pair: detail_correlation(smalls[pair[0]], smalls[pair[1]], pair[2]),
            found.pairs[:, :3].tolist(),
            progress=progress,
        )
    )
    same = np.array(detail >= SAME_PICTURE, dtype=bool)
    kept = np.ones(len(same), dtype=bool) if unconfirmed else same
    pairs = _table(
        table.iloc[hashed.places].reset_index(drop=True), found.pairs[kept], detail[kept]
    )
    return Duplicates(
        pairs,
        individuals_in_two_splits(table),
        problems,
        compared=len(hashed.places),
        near=found.found,
        confirmed_of=len(found.pairs),
    )


def individuals_in_two_splits(table: pd.DataFrame) -> pd.DataFrame | None:
    """Return ``individual, splits, images`` of individuals whose photographs lie in several splits.

    Parameters
    ----------
    table
        A specimen table. Individuals are those of ``individual``, else of ``specimen_id``.

    Returns
    -------
    pandas.DataFrame or None
        None where it has no such column, or no splits.
    """
    column = _individual_column(table)
    if column is None or "split" not in table:
        return None
    groups = table.dropna(subset=[column]).groupby(column)["split"]
    torn = [
        {"individual": name, "splits": " ".join(sorted(set(splits))), "images": len(splits)}
        for name, splits in groups
        if splits.nunique() > 1
    ]
    return pd.DataFrame(torn, columns=["individual", "splits", "images"])


def write_duplicates(
    found: Duplicates,
    specimens: Specimens,
    out: Path,
    *,
    distance: int,
    unconfirmed: bool,
    command: Sequence[str] | None = None,
) -> list[Path]:
    """Write ``duplicates.csv``, ``individuals.csv``, ``problems.csv`` and ``provenance.json``.

    Raises
    ------
    UserError
        ``out`` is a file.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file: give a folder")
    (out / "provenance.json").unlink(missing_ok=True)
    tables = {"duplicates.csv": found.pairs, "problems.csv": found.problems}
    if found.individuals is not None:
        tables["individuals.csv"] = found.individuals
    for name, table in tables.items():
        _write(table, out / name)
    try:
        fingerprint = specimens.fingerprint()
    except UserError:  # a photograph is missing; problems.csv says which
        fingerprint = None
    record: dict[str, Any] = {
        **origin(command, out),
        "seed": None,
        "data_fingerprint": fingerprint,
        "settings": {"distance": distance, "unconfirmed": unconfirmed, "detail": SAME_PICTURE},
        "n": found.compared,
        "near": found.near,
        "compared_in_detail": found.confirmed_of,
        "pairs": len(found.pairs),
        "problems": len(found.problems),
        "versions": versions() | {"imagehash": imagehash.__version__},
        "machine": machine(),
    }
    write_json(out / "provenance.json", record)
    return [*(out / name for name in tables), out / "provenance.json"]


def _hashed(path: Path) -> tuple[np.ndarray, np.ndarray] | str:
    """Return hashes and the small grey picture of a photograph, or why it has none."""
    try:
        photograph = read_image(path)
    except UserError as error:
        return str(error)
    return hashes_of(photograph), small_grey(photograph)


def _table(table: pd.DataFrame, found: np.ndarray, detail: np.ndarray) -> pd.DataFrame:
    first, second = table.iloc[found[:, 0]], table.iloc[found[:, 1]]

    def of(rows: pd.DataFrame, column: str | None) -> np.ndarray:
        if column is None or column not in rows:
            return np.full(len(rows), None, dtype=object)
        return rows[column].to_numpy(dtype=object)

    def same(column: str | None) -> list[bool | None]:
        return [
            None if pd.isna(a) or pd.isna(b) else bool(a == b)
            for a, b in zip(of(first, column), of(second, column), strict=True)
        ]

    pairs = pd.DataFrame(
        {
            "image_a": of(first, "image"),
            "image_b": of(second, "image"),
            "distance": found[:, 3],
            "distance_dhash": found[:, 4],
            "way": [WAYS[way] for way in found[:, 2]],
            "detail": detail.round(3),
            "same_picture": detail >= SAME_PICTURE,
            "label_a": of(first, "label"),
            "label_b": of(second, "label"),
            "same_label": same("label"),
            "split_a": of(first, "split"),
            "split_b": of(second, "split"),
            "same_split": same("split"),
            "same_individual": same(_individual_column(table)),
        },
        columns=COLUMNS,
    )
    return pairs.sort_values("detail", ascending=False, kind="stable", ignore_index=True)


def _individual_column(table: pd.DataFrame) -> str | None:
    return next((name for name in ("individual", "specimen_id") if name in table), None)


def _in_test(torn: pd.DataFrame) -> int:
    """Return how many photographs of the test split have a copy in another."""
    tested = [torn.loc[torn[f"split_{side}"] == "test", f"image_{side}"] for side in "ab"]
    return len(set().union(*tested))


def _pairs(count: int) -> str:
    return "1 pair" if count == 1 else f"{count} pairs"


def _write(table: pd.DataFrame, path: Path) -> None:
    write_with(path, lambda file: table.to_csv(file, index=False, lineterminator="\n"))
