"""Cut a validation or test split from the training images, by label and by specimen."""

from __future__ import annotations

import hashlib
from collections import Counter

import pandas as pd

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError

#: Classes with fewer training images give none away: each of them matters more for learning than
#: one right or wrong answer says about the model.
LEAST_IMAGES_TO_CUT = 5


def cut_validation(specimens: Specimens, fraction: float, seed: int) -> Specimens:
    """Cut a ``val`` split from the training images. See ``cut``."""
    return cut(specimens, "val", fraction, seed)


def cut(specimens: Specimens, name: str, fraction: float, seed: int) -> Specimens:
    """Move a share of every label's training images into a new split.

    Parameters
    ----------
    specimens
        Images whose split is ``train`` may be moved, no others; where the table has no splits, all
        its images count as training images.
    name
        The new split, ``"val"`` or ``"test"``.
    fraction
        Share of each label's images to move, in (0, 1).
    seed
        Another seed gives another cut.

    Returns
    -------
    Specimens
        The same rows in the same order, with the new split. It lacks the split ``name`` if no
        label could spare an image.

    Raises
    ------
    UserError
        The fraction is out of range, the split exists already, or there are no training images.

    Notes
    -----
    - A specimen moves whole: all images of one ``specimen_id``, also under several labels. An image
      without a specimen_id is a specimen of its own.
    - Of a label with n images, ``fraction · n`` rounded are moved, at least 1 and at most n - 1;
      exactly so where every specimen has one image, else as near as whole specimens come.
    - A label with fewer than ``LEAST_IMAGES_TO_CUT`` images, or with a single specimen, gives none.
    - Specimens are taken in the order of SHA-256(seed, specimen): the order of the rows does not
      matter, and images that are added later leave the order of the others as it was.
    """
    if name not in ("val", "test"):
        raise UserError(f"cannot cut a split '{name}': name it val or test")
    if not 0 < fraction < 1:
        raise UserError(
            f"the share of images to cut for '{name}' must lie in (0, 1), not {fraction}"
        )
    if specimens.has_split(name):
        raise UserError(f"{specimens.source} already has a split '{name}'")
    table = specimens.table.copy()
    if "split" not in table:
        table["split"] = "train"
    is_train = table["split"] == "train"
    if not is_train.any():
        raise UserError(f"{specimens.source} has no training images to cut '{name}' from")
    owners = _specimen_of_each_row(specimens)
    train = pd.DataFrame({"label": table["label"], "specimen": owners})[is_train]
    chosen = _choose(train, fraction, seed)
    table.loc[is_train & owners.isin(chosen), "split"] = name
    return specimens.with_table(table)


def _specimen_of_each_row(specimens: Specimens) -> pd.Series:
    """Return a name for the specimen on each image, the same wherever the table lies."""
    own = pd.Series([f"image {name}" for name in specimens.names], index=specimens.table.index)
    if "specimen_id" not in specimens.table:
        return own
    ids = specimens.table["specimen_id"]
    return ("specimen " + ids.astype("str")).where(ids.notna(), own)


def _choose(train: pd.DataFrame, fraction: float, seed: int) -> set[str]:
    """Return the specimens to move.

    Specimens are offered in a shuffled order; one is taken if that brings the numbers of moved
    images nearer to their targets, summed over the labels that it has images of. Labels that must
    give an image and gave none then give their best-fitting specimen.
    """
    images = Counter(train["label"])
    target = {label: _target(number, fraction) for label, number in images.items()}
    contents = {
        str(specimen): Counter(labels) for specimen, labels in train.groupby("specimen")["label"]
    }
    offered = sorted(contents, key=lambda specimen: _shuffle_key(seed, specimen))
    moved: Counter[str] = Counter()
    chosen: set[str] = set()

    def change(specimen: str) -> int:
        return sum(
            abs(moved[label] + number - target[label]) - abs(moved[label] - target[label])
            for label, number in contents[specimen].items()
        )

    def leaves_some(specimen: str) -> bool:
        return all(moved[label] + n < images[label] for label, n in contents[specimen].items())

    def take(specimen: str) -> None:
        chosen.add(specimen)
        moved.update(contents[specimen])

    for specimen in offered:
        if change(specimen) < 0 and leaves_some(specimen):
            take(specimen)
    for label in sorted(images):
        if target[label] > 0 and moved[label] == 0:
            possible = [s for s in offered if label in contents[s] and leaves_some(s)]
            if possible:
                take(min(possible, key=change))
    return chosen


def _target(number: int, fraction: float) -> int:
    if number < LEAST_IMAGES_TO_CUT:
        return 0
    return max(int(fraction * number + 0.5), 1)


def _shuffle_key(seed: int, specimen: str) -> str:
    return hashlib.sha256(f"{seed} {specimen}".encode()).hexdigest()
