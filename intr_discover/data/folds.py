"""Grouped folds: every photograph is held out once, and no specimen lies on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from intr_discover.data.shards import require_sha256, size_of
from intr_discover.data.specimens import Specimens
from intr_discover.data.splits import cut
from intr_discover.errors import UserError, shorten

#: Shuffles that are tried until every class is trained on in every fold. One is enough unless
#: specimens with many images, or under several labels, are rare beside the number of folds.
SHUFFLES = 100


def grouped_folds(specimens: Specimens, folds: int, seed: int) -> list[NDArray[np.intp]]:
    """Share the rows out over folds, by label and by specimen.

    Parameters
    ----------
    specimens
        All its rows are used; a split that the table may have does not count.
    folds
        Number of folds K, at least 2.
    seed
        Another seed gives other folds, in [0, 2**32).

    Returns
    -------
    list of numpy.ndarray
        K sorted arrays of row numbers: what each fold holds out. Every row is in exactly one, no
        fold is empty, and the rows outside a fold have every label.

    Raises
    ------
    UserError
        Fewer than two folds, a label with fewer specimens than folds, or specimens so unequal that
        no shuffle leaves every label something to train on.

    Notes
    -----
    What is held out together is a row's ``group_names``. Labels are spread over the folds by
    scikit-learn's ``StratifiedGroupKFold``. The order of the rows does not matter.
    """
    if folds < 2:
        raise UserError(f"{folds} folds are too few: ask for 2 or more")
    groups = group_names(specimens)
    _refuse_rare_labels(specimens, groups, folds)
    labels = pd.factorize(specimens.table["label"], sort=True)[0]
    # A generator, not its seed: every call of split shuffles anew.
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=np.random.RandomState(seed))
    for _ in range(SHUFFLES):
        held_out = [rows for _, rows in splitter.split(labels, labels, groups)]
        if all(_trains_every_label(labels, rows) for rows in held_out):
            return [np.sort(rows).astype(np.intp) for rows in held_out]
    raise UserError(
        f"{specimens.source}: no way was found to leave every label something to train on in each "
        f"of {folds} folds, as some specimens have many images or several labels: ask for fewer "
        "folds, or give every specimen one label"
    )


def fold_split(
    specimens: Specimens, held_out: NDArray[np.intp], seed: int, validation_share: float
) -> Specimens:
    """Return the same table with the split of one fold.

    Parameters
    ----------
    specimens
        The collection that ``grouped_folds`` shared out.
    held_out
        Row numbers of the fold: they become the test split.
    seed
        Seed of the validation cut.
    validation_share
        Share of every label's other images that become the validation split, in (0, 1), by
        specimen; see ``splits.cut``, by which labels with few images give none.

    Returns
    -------
    Specimens
        The same rows in the same order; the column ``split`` says test, val or train.

    Raises
    ------
    UserError
        Rows that are not there, a share out of range, a specimen of which only a part is held out,
        or a label of which everything is.
    """
    rows = np.asarray(held_out)
    if rows.size == 0 or rows.min() < 0 or rows.max() >= len(specimens):
        raise UserError(
            f"{specimens.source} has the rows 0 to {len(specimens) - 1}; a fold must hold out some "
            "of them, and no others"
        )
    groups = group_names(specimens)
    tested = np.zeros(len(specimens), dtype=bool)
    tested[rows] = True
    torn = sorted(set(groups[tested]) & set(groups[~tested]))
    if torn:
        raise UserError(
            f"{specimens.source}: only a part is held out of {shorten(torn)}: hold a specimen out "
            "whole, as grouped_folds does"
        )
    untrained = sorted(set(specimens.classes) - set(specimens.table["label"][~tested]))
    if untrained:
        raise UserError(
            f"{specimens.source}: all images of {shorten(untrained)} are held out: nothing is left "
            "to train on"
        )
    # Cut by group, so that copies of one photograph do not lie in train and in val.
    grouped = specimens.table.assign(specimen_id=groups, split=np.where(tested, "test", "train"))
    split = cut(specimens.with_table(grouped), "val", validation_share, seed).table["split"]
    return specimens.with_table(specimens.table.assign(split=split.to_numpy()))


def group_names(specimens: Specimens) -> NDArray[np.object_]:
    """Name, for every row, what must stay on one side of a split.

    Returns
    -------
    numpy.ndarray
        ``[N]`` texts, equal for rows of one ``specimen_id`` and for pictures whose files are
        the same byte by byte; also where the two chain rows together. A row without either is a
        group of its own. They stay the same when rows are reordered or the collection is moved.

    Raises
    ------
    UserError
        A picture cannot be read.
    """
    own = [f"image {name}" for name in specimens.names]
    named = list(own)
    if "specimen_id" in specimens.table:
        ids = specimens.table["specimen_id"]
        named = [
            f"specimen {value}" if known else name
            for value, known, name in zip(ids, ids.notna(), own, strict=True)
        ]
    by_specimen = pd.factorize(np.array(named, dtype=object))[0]
    by_content = pd.factorize(np.array(_contents(specimens.paths), dtype=object))[0]
    # A graph of specimens and contents, joined by rows: what hangs together is one group.
    by_content += len(named)
    size = 2 * len(named)
    graph = coo_array((np.ones(len(named)), (by_specimen, by_content)), shape=(size, size))
    joined = connected_components(graph.tocsr(), directed=False)[1][by_specimen]
    first: dict[int, str] = {}
    for group, name in zip(joined, named, strict=True):
        first[group] = min(name, first.get(group, name))
    return np.array([first[group] for group in joined], dtype=object)


def _contents(paths: Sequence[Path]) -> list[str]:
    """Return texts that are equal where two files hold the same bytes.

    Only files of equal size can; the others are not read. A file that is absent equals none.
    """
    sizes = [size_of(path) for path in paths]
    shared = {size for size, number in Counter(sizes).items() if number > 1 and size is not None}
    return [
        require_sha256(path) if size in shared else f"row {row}"
        for row, (path, size) in enumerate(zip(paths, sizes, strict=True))
    ]


def _refuse_rare_labels(specimens: Specimens, groups: NDArray[np.object_], folds: int) -> None:
    numbers = pd.Series(groups).groupby(specimens.table["label"].to_numpy()).nunique()
    rare = [f"{label} ({number})" for label, number in numbers.items() if number < folds]
    if rare:
        most = int(numbers.min())
        advice = (
            f"ask for {most} folds or leave these labels out"
            if most >= 2
            else "leave these labels out or add specimens"
        )
        raise UserError(
            f"{specimens.source}: {folds} folds need {folds} specimens of every label, and there "
            f"are fewer of {shorten(rare)}: {advice}"
        )


def _trains_every_label(labels: NDArray[np.intp], held_out: NDArray[np.intp]) -> bool:
    """Return whether a fold holds something out and leaves every label something to train on."""
    left = np.delete(labels, held_out)
    return len(held_out) > 0 and len(np.unique(left)) == len(np.unique(labels))
