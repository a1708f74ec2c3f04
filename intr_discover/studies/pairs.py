"""Which look-alikes are meant: one pair, a table of pairs, the collection's own, or all of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from intr_discover.data.specimen_tables import read_pairs_table
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError, shorten
from intr_discover.studies.budget import stratified_sample
from intr_discover.studies.study import StudyInputs

Pair = tuple[str, str, str | None]
"""Two look-alikes and the attribute known to separate them, or None."""

LEAST = 4
"""With fewer photographs of each of two classes no difference of theirs can be significant."""

ENOUGH = 8
"""Photographs of each class that leave a test of two populations some power."""


def known_pairs(inputs: StudyInputs) -> list[Pair]:
    """Return the pairs that somebody named and whose classes both have photographs.

    Parameters
    ----------
    inputs
        The option ``pair`` ("A,B") goes before the option ``pairs`` (a table), and that before the
        collection's own ``pairs.csv``.

    Returns
    -------
    list of Pair
        In the order of the table, each pair once; empty where nobody named any. A diagnostic
        attribute that the collection's table names also holds for a pair named by ``pair``.

    Raises
    ------
    UserError
        If the table is not there, ``pair`` names no two classes with photographs, or no pair of a
        table that was asked for has photographs of both.
    """
    if inputs.options.get("pair") is not None:
        return [_single(inputs.specimens, inputs.options["pair"])]
    if inputs.options.get("pairs") is None:
        return _pairs_of(inputs.specimens, None)
    path = Path(inputs.options["pairs"])
    if not path.is_file():
        raise UserError(f"there is no table of pairs {path}")
    found = _pairs_of(inputs.specimens, path)
    if not found:
        raise UserError(
            f"{path}: no pair has photographs of both classes; there are photographs of "
            f"{shorten(inputs.specimens.classes)}"
        )
    return found


def diagnostics_of(pairs: Sequence[Pair]) -> dict[str, set[str]]:
    """Return the attributes that separate each label from a look-alike."""
    found: dict[str, set[str]] = {}
    for a, b, diagnostic in pairs:
        if diagnostic is not None:
            found.setdefault(a, set()).add(diagnostic)
            found.setdefault(b, set()).add(diagnostic)
    return found


def choose_photographs(
    labels: Sequence[str], count: int, pairs: Sequence[Pair], seed: int
) -> NDArray[np.int64]:
    """Draw photographs so that look-alikes can be compared.

    Parameters
    ----------
    labels
        ``[n]``: the label of each photograph.
    count
        How many; all when there are no more.
    pairs
        The look-alikes, the most wanted first; may be empty.
    seed
        Of the draw.

    Returns
    -------
    ndarray
        Places of the drawn photographs, ascending. Where ``count`` gives every class ``ENOUGH``,
        each class gets its share. Where it does not, the pairs are served one after the other with
        ``ENOUGH`` of each class, or all it has: two photographs of every class would tell nothing
        about any pair. The first pair is always served, with ``LEAST`` of each if need be. Without
        pairs, classes are drawn and served so, at least two.
    """
    names, group = np.unique(np.asarray(labels, dtype=object), return_inverse=True)
    sizes = np.bincount(group, minlength=len(names))
    if count >= min(len(labels), int(np.minimum(sizes, ENOUGH).sum())):
        return stratified_sample(labels, count, seed)
    generator = np.random.default_rng(seed)
    drawn = {
        name: generator.permutation(np.flatnonzero(group == number))[:ENOUGH]
        for number, name in enumerate(names)
    }
    if pairs:
        groups = [{a, b} for a, b, _ in pairs]
    else:
        order = [names[place] for place in generator.permutation(len(names))]
        groups = [set(order[:2]), *({name} for name in order[2:])]
    chosen: set[int] = set()
    for wanted in groups:
        wider = chosen.union(*(drawn[name].tolist() for name in wanted))
        if len(wider) > count:
            if chosen:
                break
            most = max(LEAST, count // 2)
            wider = chosen.union(*(drawn[name][:most].tolist() for name in wanted))
        chosen = wider
    return np.array(sorted(chosen), dtype=np.int64)


def _single(specimens: Specimens, words: str) -> Pair:
    """Return the pair that "A,B" names; names may hold commas themselves."""
    parts = words.split(",")
    there = specimens.classes
    for cut in range(1, len(parts)):
        a, b = ",".join(parts[:cut]).strip(), ",".join(parts[cut:]).strip()
        if a in there and b in there and a != b:
            known = {frozenset(pair[:2]): pair[2] for pair in _pairs_of(specimens, None)}
            return a, b, known.get(frozenset((a, b)))
    if len(parts) < 2:
        raise UserError(f"--pair '{words}' names no pair: write two classes, as --pair \"A,B\"")
    if len(parts) == 2 and parts[0].strip() == parts[1].strip():
        raise UserError(f"--pair '{words}' names one class twice: write two classes")
    missing = [part.strip() for part in parts if part.strip() not in there]
    raise UserError(
        f"--pair '{words}': there is no photograph of {shorten(missing)}; there are photographs of "
        f"{shorten(there)}"
    )


def _pairs_of(specimens: Specimens, path: Path | None) -> list[Pair]:
    table = specimens.pairs if path is None else read_pairs_table(path)
    if table is None:
        return []
    there = set(specimens.classes)
    diagnostics = table["diagnostic"] if "diagnostic" in table else [None] * len(table)
    found: dict[frozenset[str], Pair] = {}
    for a, b, diagnostic in zip(table["label_a"], table["label_b"], diagnostics, strict=True):
        if a in there and b in there:
            named = diagnostic if isinstance(diagnostic, str) else None
            found.setdefault(frozenset((a, b)), (a, b, named))
    return list(found.values())
