"""Several trainings one after the other: one a fold, or one a seed. What is finished stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from intr_discover.data.folds import fold_split, grouped_folds
from intr_discover.data.specimens import Specimens
from intr_discover.data.splits import cut_validation
from intr_discover.errors import UserError
from intr_discover.training.config import TrainingConfig
from intr_discover.training.loop import Progress, Say, train
from intr_discover.training.prepare import prepare_data
from intr_discover.training.run_folder import RunFolder

Bars = Callable[[str], AbstractContextManager[Progress]]


@dataclass(frozen=True)
class Training:
    """One training that is wanted.

    Attributes
    ----------
    words
        What people call it.
    run
        Its run folder.
    specimens
        The collection with the split of this training.
    config
        Its settings.
    """

    words: str
    run: Path
    specimens: Specimens
    config: TrainingConfig

    @property
    def finished(self) -> bool:
        """Return whether its run folder holds a training that has come to its end."""
        return RunFolder(self.run).finished


def fold_trainings(
    specimens: Specimens, folds: int, config: TrainingConfig, runs: Path
) -> list[Training]:
    """Return a training for each fold: its photographs are held out as the test split.

    Parameters
    ----------
    specimens
        The collection; a split that it may have does not count.
    folds
        Number of folds.
    config
        Settings of all of them; its seed also decides folds and validation split.
    runs
        The run folders become ``fold_1`` and so on in it.

    Raises
    ------
    UserError
        If the collection cannot be shared out; see ``grouped_folds``.
    """
    held_out = grouped_folds(specimens, folds, config.seed)
    return [
        Training(
            f"fold {number} of {folds}",
            runs / f"fold_{number}",
            fold_split(specimens, rows, config.seed, config.validation_share),
            config,
        )
        for number, rows in enumerate(held_out, 1)
    ]


def further_seeds(first: Training, replicates: int, runs: Path) -> list[Training]:
    """Return trainings that differ from the first in their seed alone.

    Parameters
    ----------
    first
        The training that is repeated.
    replicates
        How many there are together with the first, at least 2.
    runs
        The run folders become ``<first>_seed_1`` and so on in it.

    Raises
    ------
    UserError
        If there is nothing to train on.
    """
    seed = first.config.seed
    return [
        Training(
            f"{first.words}, seed {seed + more}",
            runs / f"{first.run.name}_seed_{seed + more}",
            with_validation(first.specimens, first.config),
            replace(first.config, seed=seed + more),
        )
        for more in range(1, replicates)
    ]


def with_validation(specimens: Specimens, config: TrainingConfig) -> Specimens:
    """Return the collection with the validation split that a training would cut for itself.

    Another seed would cut another one, and then seeds would not be compared on the same training
    photographs.
    """
    if specimens.has_split("val") or (specimens.splits and not specimens.has_split("train")):
        return specimens
    trained = specimens.select(split="train") if specimens.splits else specimens
    cut = cut_validation(trained, config.validation_share, config.seed).table
    splits = dict(zip(cut["image"], cut["split"], strict=True))
    table = specimens.table.copy()
    table["split"] = [splits.get(image, "test") for image in table["image"]]
    return specimens.with_table(table)


def train_all(
    trainings: Sequence[Training],
    *,
    device: str = "auto",
    bars: Bars,
    say: Say = print,
) -> list[Path]:
    """Train one after the other; go on with what was interrupted, keep what is finished.

    Parameters
    ----------
    trainings
        What is wanted.
    device
        As for ``train``.
    bars
        Makes the progress bar of a training.
    say
        Called with one line for people at a time.

    Returns
    -------
    list of Path
        The run folders.

    Raises
    ------
    UserError
        If a run folder holds a training of other photographs or settings, or training fails.
    """
    done = []
    for training in trainings:
        _refuse_other_photographs(training)
        say(f"training: {training.words}")
        with bars(training.words) as progress:
            run = train(
                training.specimens,
                training.config,
                training.run,
                resume=RunFolder(training.run).config is not None,
                device=device,
                progress=progress,
                say=say,
            )
        done.append(run)
    return done


def _refuse_other_photographs(training: Training) -> None:
    """Refuse a finished run of other photographs; an unfinished one is checked when it goes on."""
    stored = RunFolder(training.run).config
    if stored is None or not training.finished:
        return
    photographs = prepare_data(training.specimens, training.config).fingerprint
    if stored.get("data", {}).get("fingerprint") != photographs:
        raise UserError(
            f"{training.run} was trained on other photographs, labels or folds; name another "
            "folder with --out"
        )
