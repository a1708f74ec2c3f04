"""Aligned forewing patterns of 28 *Heliconius* races (binary masks) as a specimen table.

Run ``python -m data_prep.heliconius_patterns SOURCE OUT --help``. SOURCE holds ``aligned.csv`` and
one folder a race; the folder of the photographs (``--photographs``) gives the co-mimic pairs and
the split of those specimens that were also photographed.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from data_prep import command, common, pictures
from data_prep.common import Report
from data_prep.heliconius import pair_table, read_mimicry_pairs, read_photographs
from data_prep.heliconius_facts import (
    LICENCE,
    PATTERN_COUNTS,
    PATTERN_DIAGNOSTICS,
    SOURCE_AND_LICENCE,
)
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError, shorten
from intr_discover.files import write_text

NEEDED = ("aligned.csv",)
WRITTEN = ("specimens.csv", "pairs.csv", "README.md")

README = """# Heliconius forewing patterns as a specimen table

{summary}

## Read before training
{warnings}

## Files
- `specimens.csv`: image, label (the race), split, specimen_id, and carried along: species,
  pattern_fraction, published_id, photographed (yes where the photographs have the specimen).
  specimen_id is that of the photographs where the two tables name a specimen differently.
- `pairs.csv`: all co-mimic pairs; label_a is the erato race, label_b the melpomene race.
- Pictures: pattern white, everything else black, one frame for all (aligned by landmarks), upside
  down relative to a spread butterfly. No backdrop, no colour, no hindwing.

## Split
Made here, seed {seed}: in each race a share of {test_share:g} of the specimens (rounded, at least
one) is test, drawn at random. Specimens that were also photographed keep the split of their
photograph, so that a model of one table is not tested on a specimen that a model of the other was
trained on; the draw fills up from the rest.

{source}
"""


@dataclass(frozen=True)
class Options:
    """What the table of patterns is made of.

    Attributes
    ----------
    photographs
        The published folder of the photographs; None: the folder ``heliconius`` beside SOURCE.
    seed
        Seed of the split.
    test_share
        Share of each race's specimens in the test split, above 0 and at most 0.5.
    copy
        Copy the pictures; otherwise the table points to the published files.
    overwrite
        Write into a folder that holds files.
    """

    photographs: Path | None = None
    seed: int = 0
    test_share: float = 0.3
    copy: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.test_share <= 0.5:
            raise UserError(f"--test-share is {self.test_share:g}: give a share from 0 to 0.5")


def prepare(
    source: Path,
    out: Path,
    options: Options | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Write ``out/specimens.csv`` and ``pairs.csv``.

    Raises
    ------
    UserError
        Something is wrong with the folders or the tables.
    """
    options = options or Options()
    common.check_places(source, out, NEEDED, options.overwrite)
    photographs = options.photographs or source.resolve().parent / "heliconius"
    if not (photographs / "mimicry_pairs.csv").is_file():
        raise UserError(
            f"{photographs} has no mimicry_pairs.csv: name the folder of the photographs with "
            "--photographs"
        )
    common.check_places(photographs, out, (), overwrite=True)
    report = Report()
    table = _read(source, photographs)
    known = table["photograph_split"].dropna()
    table["split"] = split_specimens(
        dict(zip(table["specimen_id"], table["label"], strict=True)),
        dict(zip(table.loc[known.index, "specimen_id"], known, strict=True)),
        options.test_share,
        options.seed,
    )
    table["photographed"] = table["photograph_split"].notna().map({True: "yes", False: "no"})
    table = table.drop(columns="photograph_split")

    pairs = pair_table(
        read_mimicry_pairs(photographs / "mimicry_pairs.csv"),
        common.counts(table["label"]),
        PATTERN_DIAGNOSTICS,
    )
    both = int(((pairs["images_a"] > 0) & (pairs["images_b"] > 0)).sum())
    found = (len(table), table["label"].nunique(), both)
    report.warnings += common.compare_counts(
        dict(zip(PATTERN_COUNTS, found, strict=True)), PATTERN_COUNTS, "number"
    )
    table = common.leave_out_untrainable(table, report)
    report.warnings.append(
        "only the forewing pattern is here, without colour: what separates rayed co-mimics on the "
        "hindwing is not"
    )
    report.warnings.append(LICENCE)

    common.require_files(source, table["image"])
    common.remove_tables(out, WRITTEN)
    images = []
    for done, image in enumerate(table["image"]):
        path = source / image
        if options.copy:
            pictures.copy_file(path, out / "images" / image)
            images.append(str(PurePosixPath("images", image)))
        else:
            images.append(common.relative_path(path, out))
        if progress is not None:
            progress(done + 1, len(table))
    table["image"] = images
    first = ["image", "label", "split", "specimen_id", "species"]
    table = table[[*first, *(name for name in table.columns if name not in first)]]

    report.lines += common.count_lines(table)
    common.write_table(out / "pairs.csv", pairs)
    report.lines.append(f"wrote {out / 'pairs.csv'}: {len(pairs)} pairs of co-mimics")
    write_text(
        out / "README.md",
        README.format(
            summary=f"{len(table)} patterns of {table['label'].nunique()} races.",
            warnings="\n".join(f"- {line}" for line in report.warnings),
            seed=options.seed,
            test_share=options.test_share,
            source=SOURCE_AND_LICENCE,
        ),
    )
    common.write_table(out / "specimens.csv", table)
    Specimens.read(out)
    report.lines.append(f"wrote {out / 'specimens.csv'}: {len(table)} images")
    return report


def split_specimens(
    labels: Mapping[str, str], known: Mapping[str, str], test_share: float, seed: int
) -> list[str]:
    """Return a split for each specimen: stratified by label, repeatable, known ones kept.

    Parameters
    ----------
    labels
        Label of each specimen.
    known
        Split of those specimens that already have one.
    test_share
        Share of each label's specimens that should be in the test split.
    seed
        Seed of the draw. The order of the specimens does not matter.

    Returns
    -------
    list of str
        ``"train"`` or ``"test"`` (or what ``known`` says), in the order of ``labels``.
    """
    splits = dict(known)
    for label in sorted(set(labels.values())):
        members = sorted(name for name, own in labels.items() if own == label)
        free = [name for name in members if name not in known]
        wanted = max(1, round(test_share * len(members)))
        missing = wanted - sum(known.get(name) == "test" for name in members)
        random.Random(f"{seed}/{label}").shuffle(free)
        for place, name in enumerate(free):
            splits[name] = "test" if place < missing else "train"
    return [splits[name] for name in labels]


def _read(source: Path, photographs: Path) -> pd.DataFrame:
    """Return the patterns with the specimen_id and the split of their photographs."""
    path = source / "aligned.csv"
    table = common.read_images(path, ["race", "specimen_id", "pattern_fraction"])
    twice = table["specimen_id"][table["specimen_id"].duplicated()]
    if len(twice):
        raise UserError(f"{path} names the specimen {shorten(list(twice))} more than once")
    table = table.rename(columns={"race": "label"})
    table["species"] = table["label"].str.split("_").str[0]
    table["published_id"] = table["specimen_id"]
    table["photograph_split"] = None
    if not (photographs / "specimens.csv").is_file():
        return table
    wild = read_photographs(photographs)
    wild = wild[wild["split"] != "mutant"]
    # Some patterns carry the photograph's file name ("13715_H_m_meriana" is the specimen 13715).
    by_name = dict(zip(wild["source"].map(_stem), wild["specimen_id"], strict=True))
    known = set(wild["specimen_id"])
    table["specimen_id"] = [
        name if name in known else by_name.get(name, name) for name in table["specimen_id"]
    ]
    split_of = dict(zip(wild["specimen_id"], wild["split"], strict=True))
    table["photograph_split"] = table["specimen_id"].map(split_of)
    return table


def _stem(path: str) -> str:
    return PurePosixPath(path).stem


def main(arguments: Sequence[str]) -> Report:
    """Parse the command line and prepare the table."""
    parser = command.OneLineParser(
        "data_prep.heliconius_patterns", "Aligned Heliconius forewing patterns as a specimen table."
    )
    command.add_places(parser)
    parser.add_argument(
        "--photographs",
        metavar="FOLDER",
        type=Path,
        help="the published folder of the photographs, for pairs and splits; default: the folder "
        "heliconius beside SOURCE",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the split")
    parser.add_argument(
        "--test-share", type=float, default=0.3, help="share of each race's specimens in test"
    )
    parsed = parser.parse_args(arguments)
    options = Options(
        photographs=parsed.photographs,
        seed=parsed.seed,
        test_share=parsed.test_share,
        copy=parsed.copy,
        overwrite=parsed.overwrite,
    )
    with command.progress_bar("patterns") as progress:
        return prepare(parsed.source, parsed.out, options, progress)


if __name__ == "__main__":
    sys.exit(command.run(main))
