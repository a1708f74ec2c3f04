"""INTR on fourteen real pairs of co-mimics, against a logistic regression on pixels.

The aligned forewing patterns of 28 *Heliconius* races, grouped by specimen into folds. One INTR of
all classes is trained a fold, and beside it a logistic regression on pixels; each answers the
pictures that its fold holds out. Trainings that are finished are not done again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.common import RESULTS, machine
from benchmarks.pattern_baseline import PENALTIES, SIDE, pixel_regression
from benchmarks.pattern_figure import pairs_figure
from benchmarks.pattern_folds import VALIDATION_SHARE, answer_folds, train_fold
from benchmarks.pattern_page import as_markdown
from benchmarks.pattern_pairs import pair_table, summarise
from benchmarks.pattern_pictures import squared
from data_prep.heliconius_patterns import Options, prepare
from intr_discover import Specimens
from intr_discover.data.folds import fold_split, group_names, grouped_folds
from intr_discover.errors import UserError
from intr_discover.figures.style import save_figure
from intr_discover.files import write_json, write_text, write_with
from intr_discover.provenance import versions
from intr_discover.studies.result import plain
from intr_discover.training.config import parse_settings

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "heliconius_pairs.png"

#: Changes of the preset ``small``. Chosen on validation pictures of the first fold; what else was
#: tried stands in benchmarks/README.md.
SETTINGS: dict[str, Any] = {
    "image_size": 64,  # of some 200 pixels; the patterns have two levels and no texture
    "evaluation_scale": 1.0,
    "augmentation": "none",  # aligned as they are, a crop or a mirror image hides what differs
    "encoder_layers": 0,  # cells exchange nothing, so a map shows where the evidence itself lies
    "decoder_layers": 1,
    "epochs": 60,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, ask, compare, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data/heliconius_patterns"))
    parser.add_argument(
        "--photographs", type=Path, help="folder with the list of pairs; heliconius beside --data"
    )
    parser.add_argument("--runs", type=Path, default=Path("runs/heliconius_patterns"))
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="of folds, trainings and resampling")
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="NAME=VALUE", help="other settings of the trainings"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--name", default="heliconius_patterns", help="of the results' files")
    parser.add_argument("--picture", type=Path, default=PICTURE, help="where the figure goes")
    options = parser.parse_args(arguments)

    table = options.runs / "published" / "specimens.csv"
    if not table.exists():
        prepare(options.data, table.parent, Options(photographs=options.photographs))
    specimens = squared(Specimens.read(table), options.runs / "data")
    command = " ".join(["python", "-m", "benchmarks.heliconius_patterns", *sys.argv[1:]])
    settings = SETTINGS | parse_settings(options.set)
    record, pairs = measure(specimens, options.runs, options.folds, options.seed, settings)
    record = {"command": command, "machine": machine(), "versions": versions(), **record}
    write_results(record, pairs, options.out / options.name, options.picture)
    print(as_markdown(record))


def measure(
    specimens: Specimens, runs: Path, folds: int, seed: int, settings: Mapping[str, Any]
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Train what is not trained, and compare INTR and the logistic regression out of fold.

    Parameters
    ----------
    specimens
        Square pictures, with pairs.
    runs
        Holds one run folder a fold.
    folds, seed
        See ``grouped_folds``; the seed is also that of validation, trainings and resampling.
    settings
        Changes of the preset ``small``.

    Returns
    -------
    tuple
        The record, and the table of pairs; see ``pattern_pairs``.

    Raises
    ------
    UserError
        Too few pictures, or a run folder that holds another training.
    """
    assert specimens.pairs is not None
    pairs = [
        (str(a), str(b), None)
        for a, b in specimens.pairs[["label_a", "label_b"]].itertuples(index=False)
    ]
    held_out = grouped_folds(specimens, folds, seed)
    rows, paths, baselines = [], [], []
    for number, tested in enumerate(held_out, 1):
        split = fold_split(specimens, tested, seed, VALIDATION_SHARE)
        if not split.has_split("val"):
            raise UserError(
                f"{specimens.source} has too few pictures of each race to spare some for "
                "validation: use fewer folds or more pictures"
            )
        paths.append(runs / f"fold_{number}")
        print(f"fold {number} of {folds}", flush=True)
        trained = train_fold(split, settings, seed, paths[-1])
        baselines.append(pixel_regression(split))
        rows.append(
            {
                "fold": number,
                "held_out": len(tested),
                **trained,
                "regression_penalty": baselines[-1].penalty,
                "regression_validation_top1": baselines[-1].validation_top1,
            }
        )
    found = answer_folds(specimens, held_out, paths, baselines, pairs)
    table = pair_table(found, seed)
    record = {
        "data": {
            "n": len(specimens),
            "classes": len(specimens.classes),
            "pairs": len(pairs),
            "groups": len(set(group_names(specimens))),
            "frame": found.frame.words,
            "frame_shape": list(found.frame.shape),
        },
        "settings": {"preset": "small", **settings, "seed": seed},
        "validation_share": VALIDATION_SHARE,
        "regression": {"side": SIDE, "penalties": list(PENALTIES)},
        "folds": rows,
        "summary": summarise(found, table, seed),
        "pairs": table.to_dict("records"),
    }
    return plain(record), table


def write_results(
    record: Mapping[str, Any], pairs: pd.DataFrame, stem: Path, picture: Path
) -> None:
    """Write numbers, table and page as ``stem`` with their endings, and the figure.

    No picture of the data is among them.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    write_json(stem.with_suffix(".json"), record)
    write_with(
        stem.with_suffix(".csv"),
        lambda file: pairs.to_csv(file, index=False, float_format="%.4f"),
    )
    write_text(stem.with_suffix(".md"), as_markdown(record))
    save_figure(pairs_figure(pairs), picture)


if __name__ == "__main__":
    main()
