"""What is trained on: splits, classes, and what is wrong with the photographs, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from intr_discover.data.defects import broken_images, find_defects
from intr_discover.data.specimens import Specimens
from intr_discover.data.splits import cut_validation
from intr_discover.errors import UserError, shorten
from intr_discover.training.config import TrainingConfig

FEW_IMAGES = 5
"""Below this many training images a class, its attention maps mean little."""


@dataclass
class TrainingData:
    """Training and validation photographs.

    Attributes
    ----------
    train, validation
        Specimens; ``validation`` may be empty where there are too few images to cut from.
    classes
        Class names in the order of class ids.
    fingerprint
        Of both together.
    notes
        What the user should know, one line each.
    """

    train: Specimens
    validation: Specimens
    classes: list[str]
    fingerprint: str
    notes: list[str] = field(default_factory=list)


def prepare_data(
    specimens: Specimens,
    config: TrainingConfig,
    *,
    skip_broken: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> TrainingData:
    """Choose training and validation images; test images are never opened.

    Parameters
    ----------
    specimens
        A collection with or without splits. Without a ``val`` split, ``validation_share`` of the
        training images is cut off, by label and specimen.
    config
        Its ``validation_share`` and ``seed``.
    skip_broken
        Leave out photographs that cannot be read, and note them.
    progress
        Called with (photographs checked, photographs to check).

    Raises
    ------
    UserError
        If photographs are broken, classes or training images are missing, or a validation label
        has no training image.
    """
    used = [name for name in ("train", "val") if specimens.has_split(name)]
    if specimens.splits and "train" not in used:
        raise UserError(
            f"{specimens.source}: no row has split 'train' (there is {shorten(specimens.splits)})"
        )
    notes: list[str] = []
    usable = specimens
    if used:
        usable = specimens.with_table(specimens.table[specimens.table["split"].isin(used)])
    usable = _without_broken(usable, skip_broken, notes, progress)
    if not usable.has_split("val"):
        usable = cut_validation(usable, config.validation_share, config.seed)
    train = usable.select(split="train")
    validation = usable.with_table(usable.table[usable.table["split"] == "val"])
    classes = train.classes
    if len(classes) < 2:
        raise UserError(
            f"{specimens.source}: training needs at least two labels, found {shorten(classes)}"
        )
    unknown = sorted(set(validation.table["label"]) - set(classes))
    if unknown:
        raise UserError(
            f"{specimens.source}: labels with validation but no training images: {shorten(unknown)}"
        )
    counts = train.table["label"].value_counts()
    few = [f"{label} ({counts[label]})" for label in classes if counts[label] < FEW_IMAGES]
    if few:
        notes.append(
            f"fewer than {FEW_IMAGES} training images: {shorten(few)}; "
            "do not trust accuracy or attention maps of these classes"
        )
    notes.append(
        f"{len(train)} training and {len(validation)} validation images of {len(classes)} classes"
        + ("" if "val" in used else f" (validation cut from train with seed {config.seed})")
    )
    return TrainingData(train, validation, classes, usable.fingerprint(), notes)


def _without_broken(
    specimens: Specimens,
    skip_broken: bool,
    notes: list[str],
    progress: Callable[[int, int], None] | None,
) -> Specimens:
    defects = find_defects(specimens, progress=progress)
    broken = broken_images(defects)
    if broken:
        listed = [
            f"{row.image} ({row.defect}: {row.detail})"
            for row in defects[defects["image"].isin(broken)].itertuples()
            if row.severity == "error"
        ]
        if not skip_broken:
            raise UserError(
                f"{len(broken)} photographs cannot be used: {'; '.join(listed)}. "
                "Mend or remove them, or leave them out with --skip-broken"
            )
        notes.extend(f"skipped {line}" for line in listed)
        specimens = specimens.without(broken)
    leaks = defects[defects["defect"].str.contains("duplicate") & (defects["severity"] != "note")]
    for row in leaks.itertuples():
        notes.append(f"{row.severity}: {row.image}: {row.defect} {row.detail}")
    return specimens
