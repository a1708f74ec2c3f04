"""Two folders of results, file by file: same, or which numbers differ and by how much."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from intr_discover.errors import UserError
from intr_discover.rerun.pictures import same_picture

TABLES = (".csv", ".parquet")
PICTURES = (".png", ".pdf", ".svg")
MASKS = "masks"
"""Pictures in a folder of this name are results, not figures of them."""

# What a clock decides.
TIMES = {"metrics.csv": ("seconds",)}


@dataclass(frozen=True)
class Compared:
    """One file, then and now.

    Attributes
    ----------
    name
        Seen from the folder of the results.
    size
        What it holds, in words.
    differences
        One line each; none where it is the same.
    """

    name: str
    size: str
    differences: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.differences:
            return f"same     {self.name} ({self.size})"
        return f"differs  {self.name}: {'; '.join(self.differences)}"


def compare_folders(
    then: Path, now: Path, *, tolerance: float = 0.0, begins: str | None = None
) -> list[Compared]:
    """Compare the tables, summaries and raw maps of two folders.

    Parameters
    ----------
    then, now
        The recorded result and the new one.
    tolerance
        Numbers that differ by no more than this share of the larger one are the same. 0: every
        digit counts.
    begins
        Tables of ``then`` that begin so are expected in ``now``; others may be of something else.

    Returns
    -------
    list of Compared
        In the order of their names.

    Raises
    ------
    UserError
        If a file cannot be read, or there is nothing to compare.
    """
    names = {
        path.relative_to(now).as_posix()
        for path in now.rglob("*")
        if path.is_file() and _counts(path)
    }
    if begins is not None:
        beside = (path for path in then.glob(f"{begins}*") if path.suffix in TABLES)
        names |= {path.name for path in beside if path.name[len(begins)] in "._"}
    if not names:
        raise UserError(f"{now}: holds no table to compare")
    return [_compare_files(then, now, name, tolerance) for name in sorted(names)]


def compare_figures(then: Path, now: Path, name: str) -> list[Compared]:
    """Compare a figure in each of its formats, and its caption.

    Parameters
    ----------
    then, now
        Folders of the recorded figure and of the new one.
    name
        The name of both, without an ending.
    """
    compared = []
    for path in sorted(now.glob(f"{name}.*")):
        old = then / path.name
        if path.suffix not in (*PICTURES, ".txt"):
            continue
        if not old.is_file():
            same, size = False, "there was none"
        elif path.suffix == ".txt":
            same, size = path.read_bytes() == old.read_bytes(), "the caption"
        else:
            same, size = same_picture(old, path), "what is drawn"
        differences = () if same else ("it was not there" if not old.is_file() else size,)
        compared.append(Compared(path.name, size, differences))
    return compared


def compare_tables(
    then: pd.DataFrame, now: pd.DataFrame, *, tolerance: float = 0.0, times: Sequence[str] = ()
) -> list[str]:
    """Return in what two tables differ, one line each.

    Parameters
    ----------
    then, now
        With the same meaning of rows.
    tolerance
        See ``compare_folders``.
    times
        Columns that are left out.
    """
    found = []
    for words, one, other in (("column gone", then, now), ("new column", now, then)):
        found += [f"{words}: {name}" for name in one.columns if name not in other.columns]
    if len(then) != len(now):
        return [*found, f"{len(then)} rows → {len(now)} rows"]
    for name in then.columns:
        if name in now.columns and name not in times:
            found += _compare_columns(str(name), then[name], now[name], tolerance)
    return found


def compare_values(then: Mapping[str, Any], now: Mapping[str, Any], tolerance: float) -> list[str]:
    """Return in which entries two summaries differ, one line each."""
    found = []
    for name in dict.fromkeys([*then, *now]):
        if name not in now or name not in then:
            found.append(f"{name} {'is not there any more' if name in then else 'is new'}")
        elif not _alike(then[name], now[name], tolerance):
            found.append(f"{name} {then[name]} → {now[name]}")
    return found


def _counts(path: Path) -> bool:
    if path.suffix == ".png":
        return path.parent.name == MASKS
    return path.suffix in (*TABLES, ".npz") or path.name == "summary.json"


def _compare_files(then: Path, now: Path, name: str, tolerance: float) -> Compared:
    old, new = then / name, now / name
    for path, words in ((old, "it was not there"), (new, "it is not made any more")):
        if not path.is_file():
            return Compared(name, "", (words,))
    if new.suffix == ".png":
        return Compared(name, "a mask", () if same_picture(old, new) else ("another region",))
    try:
        if new.suffix == ".npz":
            return _compare_arrays(old, new, name, tolerance)
        if new.suffix == ".json":
            before, after = (json.loads(path.read_text(encoding="utf-8")) for path in (old, new))
            differences = compare_values(before, after, tolerance)
            return Compared(name, f"{len(after)} numbers", tuple(differences))
        before, after = _read_table(old), _read_table(new)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"cannot compare {old} with {new}: {error}") from error
    differences = compare_tables(before, after, tolerance=tolerance, times=TIMES.get(new.name, ()))
    size = f"{len(after)} rows, {len(after.columns)} columns"
    return Compared(name, size, tuple(differences))


def _read_table(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    # As it is written: text to the last digit, and an empty cell is an empty cell.
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")


def _compare_columns(name: str, then: pd.Series, now: pd.Series, tolerance: float) -> list[str]:
    then, now = then.reset_index(drop=True), now.reset_index(drop=True)
    differing = ~np.array(
        [_same(a, b) for a, b in zip(then.tolist(), now.tolist(), strict=True)], dtype=bool
    )
    if not differing.any():
        return []
    if any(isinstance(cell, np.ndarray) for cell in (*then, *now)):
        return _compare_lists(name, then[differing], now[differing], len(then), tolerance)
    before, after = (
        pd.to_numeric(column[differing], errors="coerce").to_numpy(dtype=float)
        for column in (then, now)
    )
    rows = f"{int(differing.sum())} of {len(then)} rows"
    if np.isnan(before).any() or np.isnan(after).any():
        place = int(np.flatnonzero(differing)[0])
        return [f"column {name}: {rows}, first in row {place + 1}: {then[place]} → {now[place]}"]
    gaps = np.abs(after - before)
    if (gaps <= tolerance * np.maximum(np.abs(before), np.abs(after))).all():
        return []
    worst = int(gaps.argmax())
    return [f"column {name}: {rows}, by at most {gaps[worst]:.3g} "
            f"({before[worst]:.9g} → {after[worst]:.9g})"]  # fmt: skip


def _compare_lists(
    name: str, then: pd.Series, now: pd.Series, of: int, tolerance: float
) -> list[str]:
    """Compare cells that hold lists of numbers, such as maps."""
    rows, worst, wrong = f"{len(then)} of {of} rows", 0.0, False
    for old, new in zip(then, now, strict=True):
        before, after = _numbers(old), _numbers(new)
        if before.shape != after.shape or (np.isnan(before) != np.isnan(after)).any():
            return [f"column {name}: {rows}, lists of other lengths"]
        gaps = np.nan_to_num(np.abs(after - before))
        wrong |= bool((gaps > tolerance * np.fmax(np.abs(before), np.abs(after))).any())
        worst = max(worst, float(gaps.max(initial=0.0)))
    return [f"column {name}: {rows}, by at most {worst:.3g}"] if wrong else []


def _numbers(cell: Any) -> np.ndarray:
    """Return the numbers of a list of lists, one after the other; NaN for what is none."""
    if isinstance(cell, np.ndarray):
        if cell.dtype != object:
            return cell.astype(float, copy=False).ravel()
        return np.concatenate([np.empty(0), *(_numbers(each) for each in cell)])
    return np.array([cell if isinstance(cell, int | float) else np.nan], dtype=float)


def _same(then: Any, now: Any) -> bool:
    if isinstance(then, np.ndarray) and isinstance(now, np.ndarray):
        # Lists of lists come as arrays of arrays.
        return then.shape == now.shape and (
            all(_same(a, b) for a, b in zip(then, now, strict=True))
            if then.dtype == object or now.dtype == object
            else np.array_equal(then, now, equal_nan=then.dtype.kind == "f")
        )
    if isinstance(then, np.ndarray) or isinstance(now, np.ndarray):
        return False
    return bool(then == now) or (then != then and now != now)  # NaN is NaN


def _alike(then: Any, now: Any, tolerance: float) -> bool:
    if then == now and type(then) is type(now):
        return True
    numbers = all(
        isinstance(each, int | float) and not isinstance(each, bool) for each in (then, now)
    )
    return bool(numbers and abs(now - then) <= tolerance * max(abs(then), abs(now)))


def _compare_arrays(old: Path, new: Path, name: str, tolerance: float) -> Compared:
    differences = []
    with np.load(old, allow_pickle=False) as then, np.load(new, allow_pickle=False) as now:
        for key in dict.fromkeys([*then.files, *now.files]):
            if key == "provenance":  # holds the command, whose --out is another
                continue
            if key not in now.files or key not in then.files:
                differences.append(f"array {key} is in one of them only")
                continue
            before, after = then[key], now[key]
            if before.shape != after.shape or before.dtype != after.dtype:
                differences.append(f"array {key}: {before.dtype} {before.shape} → "
                                   f"{after.dtype} {after.shape}")  # fmt: skip
            elif before.dtype.kind != "f":
                if not np.array_equal(before, after):
                    differences.append(f"array {key}")
            elif not np.allclose(after, before, rtol=tolerance, atol=0.0, equal_nan=True):
                gap = float(np.nanmax(np.abs(after - before)))
                differences.append(f"array {key}: by at most {gap:.3g}")
        size = f"{len(now.files)} arrays"
    return Compared(name, size, tuple(differences))
