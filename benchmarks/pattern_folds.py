"""One INTR a fold, of all classes, and what it and a baseline answer to what the fold holds out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.pattern_baseline import Baseline
from benchmarks.pattern_pairs import MODELS, OutOfFold
from intr_discover import Specimens, load
from intr_discover.errors import UserError
from intr_discover.files import write_json
from intr_discover.model.intr import INTR
from intr_discover.studies.framing import Framing
from intr_discover.studies.pair_contexts import PairAnswers, ask
from intr_discover.studies.pairs import Pair
from intr_discover.training.config import build_config
from intr_discover.training.loop import train
from intr_discover.training.run_folder import RunFolder

VALIDATION_SHARE = 0.15
"""Of the pictures that a fold does not hold out: with 8 to 14 of a race, one or two of each."""

Say = Callable[[str], None]


def train_fold(
    split: Specimens, settings: Mapping[str, Any], seed: int, run: Path, say: Say = print
) -> dict[str, Any]:
    """Train the INTR of one fold unless it is finished, and return how that went.

    Parameters
    ----------
    split
        With train, val and test; test is never opened.
    settings
        Changes of the preset ``small``.
    seed
        Of the training.
    run
        The run folder; a training that was interrupted goes on.
    say
        Called with one line at a time.

    Returns
    -------
    dict
        ``train``, ``validation`` (numbers of pictures), ``best_epoch``, ``validation_top1`` and
        ``training_seconds`` (without what an interrupted beginning took).

    Raises
    ------
    UserError
        The folder holds a training on other pictures: its model may have seen what is held out.
    """
    config = build_config("small", {**settings, "seed": seed})
    used = split.with_table(split.table[split.table["split"] != "test"])
    clock = run.with_suffix(".clock.json")
    if not clock.exists():
        began = time.monotonic()
        train(split, config, run, resume=True, device="cpu", say=say)
        write_json(clock, {"training_seconds": round(time.monotonic() - began, 1)})
    stored = RunFolder(run).config or {}
    if RunFolder(run).training_config != config:
        raise UserError(f"{run} was trained with other settings: remove it, or use another --out")
    if stored["data"]["fingerprint"] != used.fingerprint():
        raise UserError(
            f"{run} was trained on other pictures, maybe on those that are held out now: remove "
            "it, or use another --out"
        )
    history = pd.read_csv(run / "metrics.csv").set_index("epoch")
    return {
        "train": stored["data"]["train"],
        "validation": stored["data"]["validation"],
        "best_epoch": stored["best_epoch"],
        "validation_top1": float(history.loc[stored["best_epoch"], "val_top1"]),
        **json.loads(clock.read_text(encoding="utf-8")),
    }


def answer_folds(
    specimens: Specimens,
    held_out: Sequence[NDArray[np.intp]],
    runs: Sequence[Path],
    baselines: Sequence[Baseline],
    pairs: Sequence[Pair],
) -> OutOfFold:
    """Ask each fold's models about the pictures that it holds out.

    Parameters
    ----------
    specimens
        All n pictures.
    held_out
        Row numbers of each fold; together all rows, each once.
    runs, baselines
        INTR and logistic regression of each fold.
    pairs
        Look-alikes.
    """
    n, classes = len(specimens), specimens.classes
    class_ids = specimens.label_ids(classes)
    ids = [(classes.index(a), classes.index(b)) for a, b, _ in pairs]
    fold = np.full(n, -1)
    logits = {model: np.full((n, len(classes)), np.nan) for model in MODELS}
    more_logits = logits["regression"].copy()
    framing: Framing | None = None
    parts: list[list[PairAnswers]] = []
    for number, (rows, run, baseline) in enumerate(zip(held_out, runs, baselines, strict=True)):
        explainer = load(run, device="cpu")
        model = explainer.model
        assert isinstance(model, INTR) and explainer.classes == classes
        framing = framing or Framing(specimens, explainer.preprocessing, model.stride)
        answers = ask(
            explainer,
            [specimens.paths[row] for row in rows],
            class_ids[rows],
            ids,
            partial(_placed, framing, rows),
            int(framing.frame.inside.sum()),
        )
        for part in answers.pairs:
            part.rows = rows[part.rows].astype(np.int64)
        parts.append(answers.pairs)
        fold[rows] = number
        logits["intr"][rows] = answers.logits
        logits["regression"][rows] = baseline.logits
        more_logits[rows] = baseline.more_logits
    assert framing is not None and (fold >= 0).all()
    joined = [join(of_pair) for of_pair in zip(*parts, strict=True)]
    return OutOfFold(
        classes, class_ids, fold, logits, more_logits, list(pairs), joined, framing.frame
    )


def join(parts: Sequence[PairAnswers]) -> PairAnswers:
    """Return what the pictures of one pair answer in all folds, ordered by row."""
    order = np.argsort(np.concatenate([part.rows for part in parts]))

    def of(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])[order]

    return PairAnswers(of("rows"), of("margins"), of("taken"), of("shifts"), of("maps"))


def _placed(
    framing: Framing, rows: NDArray[np.intp], place: int, maps: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return maps of the picture at a place among the held-out rows in the common frame."""
    return framing.maps(int(rows[place]), maps)
