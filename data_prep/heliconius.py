"""Dorsal photographs of *Heliconius erato* and *H. melpomene* races as a specimen table.

Run ``python -m data_prep.heliconius SOURCE OUT --help``. SOURCE holds ``specimens.csv``,
``split.csv``, ``landmarks.csv``, ``mimicry_pairs.csv`` and the folder ``images/``.

Source of the data: S. M. Van Belleghem and others, "Perfect mimicry between *Heliconius*
butterflies is constrained by genetics and development" (repository
patternize-projects/Heliconius_forewing_band).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from data_prep import command, common, pictures
from data_prep.common import Report
from data_prep.heliconius_facts import (
    DIAGNOSTICS,
    KNOWN_DEFECTS,
    LICENCE,
    PUBLISHED_COUNTS,
    PUBLISHED_PAIRS,
    SOURCE_AND_LICENCE,
)
from data_prep.heliconius_masks import segment
from data_prep.pictures import Box, PictureOptions
from intr_discover.data.images import read_image
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError, shorten
from intr_discover.files import sha256, write_text

#: The setup that photographs whole butterflies; all others show loose wings.
WHOLE_BUTTERFLY = "museum_spread"

#: A derived mask whose area is farther than this from the published area is noted.
AREA_TOLERANCE = 0.05
#: Pixels by which the outline of a wing may reach beyond its outermost landmark.
LANDMARK_RIM = 3
#: A published box that leaves out more pixels of a wing than this is noted.
BOX_TOLERANCE = 2

NEEDED = ("specimens.csv", "split.csv", "landmarks.csv", "mimicry_pairs.csv", "images")
WRITTEN = (
    "specimens.csv",
    "keypoints.csv",
    "pairs.csv",
    "README.md",
    "mutants/specimens.csv",
    "mutants/keypoints.csv",
    "mutants/mutant_pairs.csv",
)
BOX = ("bbox_x0", "bbox_y0", "bbox_x1", "bbox_y1")

README = """# Heliconius races as a specimen table

{summary}

## Read before training
{warnings}

## Files
- `specimens.csv`: image, label, split (as published), specimen_id, mask, and the published columns
  carried along. width, height, the box `bbox_*` (end not included; widened where the published
  one cuts off part of a wing) and the published specimen_area_fraction belong to the picture named
  in `image`; source_sha256 to the published file. `note`: damage,
  doubts, and masks that deserve a look.
- `keypoints.csv`: 18 landmarks of one forewing (landmark_01 is the wing base), pixels of the
  picture named in `image`, origin top left. The wing is the right or the left one of the picture,
  varying by race and within races.
- `pairs.csv`: co-mimics; label_a is the erato race, label_b the melpomene race; `diagnostic` names
  what a human uses where the published README says it, `diagnostic_note` says it in words.
- `masks/`: derived here, not published: what differs from a smooth model of the backdrop's colour,
  inside the published box; antennae left out, outline 1 pixel inside the visible edge. Areas are
  within 4 % of the published ones but for the photographs named in `note` (the published area
  seems to miss pale wing parts there). Shadows close to the body can be included.
- `mutants/` (with --mutants): a table of its own, all in the split test: the published split
  "mutant" is none that can be trained on, and no wild photograph shares the mutants' setup.
  `mutant_pairs.csv`: each mutant and the race it was made from.
- Written pictures are PNG: no second loss by compression.

{source}
"""


@dataclass(frozen=True)
class Options:
    """What the table of the Heliconius photographs is made of.

    Attributes
    ----------
    label
        ``"race"`` or ``"species"``.
    setups
        Keep wild specimens photographed in these setups only; empty: all.
    mutants
        Also write the CRISPR mutants, as a table of their own in ``out/mutants``.
    pairs
        ``"present"``: co-mimics of which both races are in the table; ``"all"``: all of them.
    overwrite
        Write into a folder that holds files.
    pictures
        What is done to each photograph.
    """

    label: str = "race"
    setups: tuple[str, ...] = ()
    mutants: bool = False
    pairs: str = "present"
    overwrite: bool = False
    pictures: PictureOptions = field(default_factory=PictureOptions)


def prepare(
    source: Path,
    out: Path,
    options: Options | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Write ``out/specimens.csv``, ``keypoints.csv``, ``pairs.csv``, masks and new pictures.

    Raises
    ------
    UserError
        Something is wrong with the folders, the tables, the options or a picture.
    """
    options = options or Options()
    common.check_places(source, out, NEEDED, options.overwrite)
    report = Report()
    table = read_photographs(source)
    landmarks = _read_landmarks(source)
    mimicry = read_mimicry_pairs(source / "mimicry_pairs.csv")
    is_mutant = table["is_mutant"] == "1"
    _check_counts(table, mimicry, report)

    table = table.assign(label=table[options.label])
    wild = _of_setups(table[~is_mutant], options.setups)
    wild = common.leave_out_untrainable(wild, report)
    mutants = table[is_mutant].assign(split="test") if options.mutants else table[:0]
    report.warnings += _confounds(wild, options)

    common.require_files(source, [*wild["image"], *mutants["image"]])
    common.remove_tables(out, WRITTEN)
    total = len(wild) + len(mutants)

    def place_all(rows: pd.DataFrame, folder: Path, before: int) -> pd.DataFrame:
        placed, points, altered = [], [], []
        for done, (_, row) in enumerate(rows.iterrows()):
            if sha256(source / row["image"]) != row["source_sha256"]:
                altered.append(row["image"])
            own = landmarks[landmarks["image"] == row["image"]]
            new_row, new_points = _place(source, folder, row, own, options.pictures)
            placed.append(new_row)
            points.append(new_points)
            if progress is not None:
                progress(before + done + 1, total)
        if altered:
            report.warnings.append(f"not the published files (SHA-256 differs): {shorten(altered)}")
        common.write_table(folder / "keypoints.csv", pd.concat(points))
        return _in_order(pd.DataFrame(placed))

    wild = place_all(wild, out, 0)
    report.lines += common.count_lines(wild)
    pairs = _pairs(wild, mimicry, options)
    if len(pairs):
        common.write_table(out / "pairs.csv", pairs)
        report.lines.append(f"wrote {out / 'pairs.csv'}: {len(pairs)} pairs of co-mimics")
    else:
        report.warnings.append("no pairs.csv: no co-mimics are left of which both are in the table")
    if options.mutants:
        folder = out / "mutants"
        mutants = place_all(mutants, folder, len(wild))
        everything = pd.concat([wild, mutants])
        common.write_table(folder / "mutant_pairs.csv", _mutant_pairs(everything, mimicry))
        common.write_table(folder / "specimens.csv", mutants)
        Specimens.read(folder)
        report.lines.append(f"wrote {folder / 'specimens.csv'}: {len(mutants)} mutants, all test")
    write_text(
        out / "README.md",
        README.format(
            summary=f"{len(wild)} photographs, {wild['label'].nunique()} labels ({options.label}), "
            f"setups: {', '.join(sorted(set(wild['setup'])))}. {options.pictures.describe()}",
            warnings="\n".join(f"- {line}" for line in report.warnings),
            source=SOURCE_AND_LICENCE,
        ),
    )
    common.write_table(out / "specimens.csv", wild)
    Specimens.read(out)
    report.lines.append(f"wrote {out / 'specimens.csv'}: {len(wild)} images")
    return report


def read_photographs(source: Path) -> pd.DataFrame:
    """Return the published table of photographs with its split, all cells as text.

    The split is ``train``, ``test`` or ``mutant``; ``sha256`` is renamed ``source_sha256``.

    Raises
    ------
    UserError
        A table is missing or wrong, or a specimen is in two splits.
    """
    path = source / "specimens.csv"
    columns = ["race", "species", "is_mutant", "specimen_id", "setup", "source", "sha256"]
    columns += [*BOX, "specimen_area_fraction"]
    table = common.read_images(path, columns)
    for column in (*BOX, "specimen_area_fraction"):
        table[column] = common.numbers(table, column, path)
    splits = common.read_images(source / "split.csv", ["split"])[["image", "split"]]
    common.check_splits(splits, source / "split.csv", more=["mutant"])
    table = common.join(table, splits, source / "split.csv")
    misplaced = table["image"][(table["split"] == "mutant") != (table["is_mutant"] == "1")]
    if len(misplaced):
        raise UserError(
            f"{source / 'split.csv'} and the column is_mutant disagree on "
            f"{shorten(list(misplaced))}"
        )
    spread = table.groupby("specimen_id")["split"].nunique()
    twice = sorted(spread.index[spread > 1])
    if twice:
        raise UserError(f"{source / 'split.csv'} has specimens in two splits: {shorten(twice)}")
    return table.rename(columns={"sha256": "source_sha256"})


def read_mimicry_pairs(path: Path) -> pd.DataFrame:
    """Return the published pairs: kind (comimic_pair or mutant) and the races, as text."""
    return common.read_columns(path, ["kind", "erato_race", "melpomene_race"])


def pair_table(
    mimicry: pd.DataFrame, images: dict[str, int], diagnostics: dict[str, tuple[str, str]]
) -> pd.DataFrame:
    """Return all co-mimic pairs as the table that every study takes.

    Parameters
    ----------
    mimicry
        As ``read_mimicry_pairs``.
    images
        Number of images of each label in the table.
    diagnostics
        For an erato race, the name of what separates it from its mimic, and a sentence.

    Returns
    -------
    pandas.DataFrame
        ``label_a`` (erato), ``label_b`` (melpomene), ``diagnostic``, ``diagnostic_note``,
        ``images_a``, ``images_b``.
    """
    pairs = mimicry[mimicry["kind"] == "comimic_pair"]
    rows = []
    for erato, melpomene in zip(pairs["erato_race"], pairs["melpomene_race"], strict=True):
        name, note = diagnostics.get(erato, ("", ""))
        rows.append(
            {
                "label_a": erato,
                "label_b": melpomene,
                "diagnostic": name,
                "diagnostic_note": note,
                "images_a": images.get(erato, 0),
                "images_b": images.get(melpomene, 0),
            }
        )
    return pd.DataFrame(rows)


def _read_landmarks(source: Path) -> pd.DataFrame:
    path = source / "landmarks.csv"
    table = common.read_columns(path, ["image", "landmark", "x", "y"])
    for column in ("landmark", "x", "y"):
        table[column] = common.numbers(table, column, path)
    twice = table[table.duplicated(["image", "landmark"])]
    if len(twice):
        raise UserError(f"{path} has a landmark twice for {shorten(sorted(set(twice['image'])))}")
    return table


def _check_counts(table: pd.DataFrame, mimicry: pd.DataFrame, report: Report) -> None:
    """Warn where the numbers are not those of the published README."""
    mutants = int((table["is_mutant"] == "1").sum())
    found = {"wild specimens": len(table) - mutants, "mutants": mutants}
    report.warnings += common.compare_counts(found, PUBLISHED_COUNTS, "images")
    pairs = pair_table(mimicry, common.counts(table["race"]), {})
    both = int(((pairs["images_a"] > 0) & (pairs["images_b"] > 0)).sum()) if len(pairs) else 0
    found = dict(zip(PUBLISHED_PAIRS, (len(pairs), both), strict=True))
    report.warnings += common.compare_counts(found, PUBLISHED_PAIRS, "number")


def _of_setups(wild: pd.DataFrame, setups: Sequence[str]) -> pd.DataFrame:
    known = sorted(set(wild["setup"]))
    unknown = [name for name in setups if name not in known]
    if unknown:
        raise UserError(
            f"no wild specimen was photographed in the setup {shorten(unknown)}; there are "
            f"{shorten(known, 10)}"
        )
    return wild[wild["setup"].isin(setups)] if setups else wild


def _confounds(wild: pd.DataFrame, options: Options) -> list[str]:
    """Return the published README's "known confounds" that matter under these options."""
    lines = []
    if wild["setup"].nunique() > 1:
        lines.append(
            "the setup gives the race away: blue with a ruler is always demophoon or hydara_p, a "
            "ColorChecker phyllis, a scan with an envelope (the species is written on it) meriana; "
            f"--setup {WHOLE_BUTTERFLY} keeps one setup"
        )
        lines.append("red is faded to orange in museum_spread only: wing colour tells the setup")
    if WHOLE_BUTTERFLY in set(wild["setup"]):
        if options.pictures.remove_background:
            lines.append(
                "the backdrop whose grey separated the species in museum_spread (55 of 55) is "
                "filled, but the exposure that made it differ also lit the wings: use colour jitter"
            )
        else:
            lines.append(
                "the grey of the backdrop alone separates the species in all 55 museum_spread "
                "photographs (green > 209 is melpomene): no accuracy counts without "
                "--background remove or strong colour jitter"
            )
    lines.append(
        "the shape of the frame and the size of the wings in it follow the setup"
        + ("" if options.pictures.crop else "; --crop evens the size")
        + "; sex and locality follow the race"
    )
    lines.append("few images: 211 of the 326 published photographs are missing, most races in part")
    lines.append(LICENCE)
    return lines


def _place(
    source: Path,
    out: Path,
    row: pd.Series,
    landmarks: pd.DataFrame,
    options: PictureOptions,
) -> tuple[dict[str, object], pd.DataFrame]:
    """Put one photograph and its mask in place; return its row and its keypoints."""
    path = source / row["image"]
    photograph = read_image(path)
    height, width = photograph.shape[:2]
    published = _box(row, width, height)
    reach = _around(published, landmarks, width, height)
    try:
        mask = segment(photograph, reach, has_gaps=row["setup"] == WHOLE_BUTTERFLY)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    note = [KNOWN_DEFECTS[row["specimen_id"]]] if row["specimen_id"] in KNOWN_DEFECTS else []
    area = mask.mean() / row["specimen_area_fraction"]
    if abs(area - 1) > AREA_TOLERANCE:
        note.append(f"look at the mask: its area is {area:.2f} of the published one")
    box = _union(published, pictures.mask_box(mask))
    if max(abs(new - old) for new, old in zip(box, published, strict=True)) > BOX_TOLERANCE:
        note.append("the published box cuts off part of a wing: widened")

    photograph, mask, window = pictures.edit(photograph, mask, reach, options)
    new: dict[str, object] = dict(row)
    below_images = PurePosixPath(row["image"]).with_suffix(".png").parts[1:]
    new["mask"] = str(PurePosixPath("masks", *below_images))
    pictures.save_png(out / str(new["mask"]), mask)
    if options.changes_pixels:
        new["image"] = str(PurePosixPath(row["image"]).with_suffix(".png"))
        pictures.save_png(out / str(new["image"]), photograph)
    elif options.copy:
        pictures.copy_file(path, out / row["image"])
    else:
        new["image"] = common.relative_path(path, out)
    new["height"], new["width"] = mask.shape
    new.update(zip(BOX, _shifted(box, window), strict=True))
    share = row["specimen_area_fraction"] * width * height / mask.size
    new["specimen_area_fraction"] = round(float(share), 4)
    new["note"] = "; ".join(note)
    points = pd.DataFrame(
        {
            "image": new["image"],
            "keypoint": [f"landmark_{int(number):02d}" for number in landmarks["landmark"]],
            "x": np.round(landmarks["x"].to_numpy() - window[0], 2),
            "y": np.round(landmarks["y"].to_numpy() - window[1], 2),
        }
    )
    return new, points


def _box(row: pd.Series, width: int, height: int) -> Box:
    x0, y0, x1, y1 = (int(row[name]) for name in BOX)
    if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
        raise UserError(
            f"the box of {row['image']} ({x0}, {y0}, {x1}, {y1}) does not fit its picture of "
            f"{width} x {height} pixels"
        )
    return x0, y0, x1, y1


def _around(box: Box, landmarks: pd.DataFrame, width: int, height: int) -> Box:
    """Return the box grown to the landmarks that lie outside it; a few boxes cut off a wing."""
    if landmarks.empty:
        return box
    x, y = landmarks["x"], landmarks["y"]
    left, top = int(np.floor(x.min())), int(np.floor(y.min()))
    right, bottom = int(np.floor(x.max())) + 1, int(np.floor(y.max())) + 1
    return (
        max(0, left - LANDMARK_RIM) if left < box[0] else box[0],
        max(0, top - LANDMARK_RIM) if top < box[1] else box[1],
        min(width, right + LANDMARK_RIM) if right > box[2] else box[2],
        min(height, bottom + LANDMARK_RIM) if bottom > box[3] else box[3],
    )


def _union(a: Box, b: Box) -> Box:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _shifted(box: Box, window: Box) -> Box:
    return box[0] - window[0], box[1] - window[1], box[2] - window[0], box[3] - window[1]


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the columns of the contract first."""
    first = ["image", "label", "split", "specimen_id", "mask", "species", "race", "sex", "setup"]
    first = [name for name in first if name in table]
    return table[[*first, *(name for name in table.columns if name not in first)]]


def _pairs(wild: pd.DataFrame, mimicry: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Return the pairs of labels in the table."""
    counts = common.counts(wild["label"])
    if options.label == "species":
        species = pd.DataFrame(
            {
                "kind": ["comimic_pair"],
                "erato_race": ["erato"],
                "melpomene_race": ["melpomene"],
            }
        )
        pairs = pair_table(species, counts, {})
    else:
        pairs = pair_table(mimicry, counts, DIAGNOSTICS)
    if options.pairs == "present" and len(pairs):
        pairs = pairs[(pairs["images_a"] > 0) & (pairs["images_b"] > 0)]
    return pairs


def _mutant_pairs(table: pd.DataFrame, mimicry: pd.DataFrame) -> pd.DataFrame:
    """Return each mutant race with the race it was made from and that race's co-mimic."""
    counts = common.counts(table["race"])
    pairs = mimicry[mimicry["kind"] == "mutant"]
    rows = []
    for _, pair in pairs.iterrows():
        wild_pair = [pair["erato_race"], pair["melpomene_race"]]
        rows.append(
            {
                "label_a": pair["mutant_race"],
                "label_b": pair["derived_from"],
                "comimic_of_b": next(race for race in wild_pair if race != pair["derived_from"]),
                "images_a": counts.get(pair["mutant_race"], 0),
                "images_b": counts.get(pair["derived_from"], 0),
            }
        )
    return pd.DataFrame(rows)


def main(arguments: Sequence[str]) -> Report:
    """Parse the command line and prepare the table."""
    parser = command.OneLineParser(
        "data_prep.heliconius", "Photographs of Heliconius races as a specimen table."
    )
    command.add_places(parser)
    parser.add_argument(
        "--label", choices=["race", "species"], default="race", help="what becomes the label"
    )
    parser.add_argument(
        "--setup",
        action="append",
        default=[],
        help="keep wild specimens photographed in this setup only, e.g. museum_spread; repeatable",
    )
    parser.add_argument(
        "--mutants",
        action="store_true",
        help="also write the CRISPR mutants, as a table of their own in OUT/mutants",
    )
    parser.add_argument(
        "--pairs",
        choices=["present", "all"],
        default="present",
        help="co-mimic pairs to write: those of which both races are in the table, or all 14",
    )
    # A wider rim would take in rulers and colour charts, which tell the race.
    command.add_picture_options(parser, margin=0.02)
    parsed = parser.parse_args(arguments)
    options = Options(
        label=parsed.label,
        setups=tuple(parsed.setup),
        mutants=parsed.mutants,
        pairs=parsed.pairs,
        overwrite=parsed.overwrite,
        pictures=command.picture_options(parsed),
    )
    with command.progress_bar("photographs") as progress:
        return prepare(parsed.source, parsed.out, options, progress)


if __name__ == "__main__":
    sys.exit(command.run(main))
