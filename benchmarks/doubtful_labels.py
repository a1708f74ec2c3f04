"""How many wrong labels the study ``doubtful_labels`` finds, and how many right ones it doubts.

On freshly drawn rings, whose labels are right: a share of them is swapped, for those of any other
species or of the look-alike, again and again, and compared with the list. The models were trained
on neither the photographs nor the wrong labels.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from benchmarks.common import RESULTS, machine
from intr_discover import Specimens, load
from intr_discover.data.rings import write_collection
from intr_discover.files import write_json
from intr_discover.provenance import versions
from intr_discover.studies.label_doubts import BETWEEN, MISLABELLED, find_doubts
from intr_discover.studies.statistics import wilson

SWAPPED_TO = ("any species", "the look-alike")


def main() -> None:
    """Draw, classify, swap, doubt, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--run", nargs="+", default=["demo"], help="run folders, or demo")
    parser.add_argument("--per-class", type=int, default=20)
    parser.add_argument("--share", type=float, default=0.05, help="of the labels, swapped")
    parser.add_argument("--draws", type=int, default=20, help="times that labels are swapped anew")
    parser.add_argument("--seed", type=int, default=917, help="of the specimens")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args()
    record: dict[str, Any] = {
        "command": " ".join(["python", "-m", "benchmarks.doubtful_labels", *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "models": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        write_collection(Path(folder) / "rings", options.per_class, seed=options.seed)
        specimens = Specimens.read(Path(folder) / "rings")
        for name in options.run:
            explainer = load(name, device="cpu")
            logits = explainer.logits(specimens.paths).astype(np.float64)
            labels = specimens.label_ids(explainer.classes)
            mates = mates_of(specimens, explainer.classes)
            record["models"][name] = {
                "fingerprint": explainer.fingerprint,
                "n": len(labels),
                "right": float((logits.argmax(axis=1) == labels).mean()),
                **{
                    way: measure(
                        softmax(logits, axis=1),
                        labels,
                        mates if way == "the look-alike" else None,
                        options.share,
                        options.draws,
                    )
                    for way in SWAPPED_TO
                },
            }
    options.out.mkdir(parents=True, exist_ok=True)
    write_json(options.out / "doubtful_labels.json", record)
    for name, numbers in record["models"].items():
        print(name, numbers)


def mates_of(specimens: Specimens, classes: Sequence[str]) -> NDArray[np.int64]:
    """Return the class id of each class's look-alike."""
    assert specimens.pairs is not None
    pairs = specimens.pairs[["label_a", "label_b"]].itertuples(index=False)
    mate = {one: other for a, b in pairs for one, other in ((a, b), (b, a))}
    return np.array([classes.index(mate[name]) for name in classes], dtype=np.int64)


def measure(
    probabilities: NDArray[np.float64],
    labels: NDArray[np.int64],
    mates: NDArray[np.int64] | None,
    share: float,
    draws: int,
) -> dict[str, Any]:
    """Return precision and recall of the list, and how many wrong labels lead the ranking.

    Parameters
    ----------
    probabilities
        ``[n, C]``.
    labels
        ``[n]``: the true class ids.
    mates
        ``[C]``: the class that a swapped label becomes; None draws any other.
    share
        Of the labels, swapped at a time.
    draws
        How often; draw d has the seed d.

    Returns
    -------
    dict
        Counts over all draws: ``swapped``, ``listed`` (as looking like another class), ``found``
        (both), ``between``; ``precision`` and ``recall`` with Wilson intervals, which take swapped
        labels as independent; ``leading``, the share of wrong labels among the most doubtful, as
        many as were swapped.
    """
    classes, count = probabilities.shape[1], max(1, round(share * len(labels)))
    listed = found = between = leading = 0
    for draw in range(draws):
        generator = np.random.default_rng(draw)
        rows = generator.choice(len(labels), count, replace=False)
        given = labels.copy()
        if mates is None:
            given[rows] = (labels[rows] + generator.integers(1, classes, count)) % classes
        else:
            given[rows] = mates[labels[rows]]
        doubts, wrong = find_doubts(probabilities, given), given != labels
        flagged = doubts.kind == MISLABELLED
        listed += int(flagged.sum())
        found += int((flagged & wrong).sum())
        between += int((doubts.kind == BETWEEN).sum())
        leading += int(wrong[np.argsort(doubts.margin, kind="stable")[:count]].sum())
    swapped = count * draws
    return {
        "swapped": swapped,
        "listed": listed,
        "found": found,
        "between": between,
        "precision": found / listed if listed else None,
        "precision_interval": list(wilson(found, listed)) if listed else None,
        "recall": found / swapped,
        "recall_interval": list(wilson(found, swapped)),
        "leading": leading / swapped,
    }


if __name__ == "__main__":
    main()
