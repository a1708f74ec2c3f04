"""The Leeds Butterfly data set (10 species, 832 photographs) as a specimen table.

Run ``python -m data_prep.leeds SOURCE OUT --help``. SOURCE holds ``images.csv``, ``split.csv``,
``descriptions.csv`` and the folders ``images/`` and ``masks/``.

Source of the data: J. Wang, K. Markert and M. Everingham, "Learning Models for Object Recognition
from Natural Language Descriptions", BMVC 2009.
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
from data_prep.leeds_duplicates import individuals
from data_prep.pictures import PictureOptions
from intr_discover.data.images import read_image, read_mask
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError, shorten
from intr_discover.files import sha256, write_text

#: Which column of descriptions.csv each choice of --label takes.
LABELS = {"slug": "species_slug", "latin": "latin", "common": "common_name"}

#: Images of each species in the published README.
PUBLISHED_COUNTS = {
    "danaus_plexippus": 82,
    "heliconius_charitonius": 93,
    "heliconius_erato": 61,
    "junonia_coenia": 90,
    "lycaena_phlaeas": 88,
    "nymphalis_antiopa": 100,
    "papilio_cresphontes": 89,
    "pieris_rapae": 55,
    "vanessa_atalanta": 90,
    "vanessa_cardui": 84,
}

#: Photographs whose species is in doubt, by number.
DOUBTFUL = {"0100154": "probably Vanessa virginiensis (published README)"}

NEEDED = ("images.csv", "split.csv", "descriptions.csv", "images", "masks")
WRITTEN = ("specimens.csv", "classes.csv", "README.md")

SHORTCUTS = (
    "some pictures carry frames, captions, watermarks or a plain ground that a classifier can use "
    "(plain ground: danaus_plexippus 24 %, pieris_rapae 22 %, heliconius_erato 13 %, others 2-8 %)"
)

README = """# Leeds Butterfly data set as a specimen table

{summary}

## Read before training
{warnings}

## Files
- `specimens.csv`: image, label, split (as published), specimen_id, mask, and carried along:
  `individual` (equal for pictures of one butterfly), `note`, species_slug, latin, common_name,
  width, height and mask_foreground_fraction (of the picture named in `image`), the published
  mask_source, original size and source, and source_sha256 (of the published file).
  The data set does not record individuals; `individual` and `specimen_id` differ from the file
  number only where two pictures were found to show the same butterfly. In one case they differ
  from each other: where the published split separates such pictures, `specimen_id` ends in the
  split's name, because a specimen may not be in two splits.
- `classes.csv`: label, species_slug, latin, common_name and the published description.
- Masks leave out the antennae; mask_source `rgb_resized` has edges softer by about 1 pixel, and a
  few outlines are loose by 1 to 3 pixels, so that a removed background leaves a thin rim of the
  old one. Written pictures are PNG: no second loss by compression.

## Source and licence
Josiah Wang, Katja Markert and Mark Everingham, "Learning Models for Object Recognition from Natural
Language Descriptions", Proc. 20th British Machine Vision Conference (BMVC 2009).
http://www.josiahwang.com/dataset/leedsbutterfly/

The licence file of the copy is empty; it says: learning purposes only, no commercial use without
permission of the creators. The photographs come from the web and belong to their photographers.
Internal testing only; do not redistribute.
"""


@dataclass(frozen=True)
class Options:
    """What the table of the Leeds data set is made of.

    Attributes
    ----------
    label
        ``"slug"``, ``"latin"`` or ``"common"``: the name of the species that becomes the label.
    drop_doubtful
        Leave out pictures whose species is in doubt.
    drop_leaks
        Leave out training pictures of butterflies that are also in the test split.
    overwrite
        Write into a folder that holds files.
    pictures
        What is done to each photograph.
    """

    label: str = "slug"
    drop_doubtful: bool = False
    drop_leaks: bool = False
    overwrite: bool = False
    pictures: PictureOptions = field(default_factory=PictureOptions)


def prepare(
    source: Path,
    out: Path,
    options: Options | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Write ``out/specimens.csv``, ``classes.csv`` and, if asked for, new pictures and masks.

    Raises
    ------
    UserError
        Something is wrong with the folders, the tables or a picture.
    """
    options = options or Options()
    common.check_places(source, out, NEEDED, options.overwrite)
    report = Report()
    table, classes = _read(source, options.label)
    report.warnings += common.compare_counts(
        common.counts(table["species_slug"]), PUBLISHED_COUNTS, "images"
    )
    table = _with_individuals(table, options.drop_leaks, report)
    table = _with_doubts(table, options.drop_doubtful, report)
    report.warnings.append(SHORTCUTS)

    common.require_files(source, [*table["image"], *table["mask"]])
    common.remove_tables(out, WRITTEN)
    altered: list[str] = []
    rows = []
    for done, (_, row) in enumerate(table.iterrows()):
        if sha256(source / row["image"]) != row["source_sha256"]:
            altered.append(row["image"])
        rows.append({**row, **_place(source, out, row, options.pictures)})
        if progress is not None:
            progress(done + 1, len(table))
    if altered:
        report.warnings.append(f"not the published files (SHA-256 differs): {shorten(altered)}")
    table = pd.DataFrame(rows)

    report.lines += common.count_lines(table)
    common.write_table(out / "classes.csv", classes)
    write_text(
        out / "README.md",
        README.format(
            summary=f"{len(table)} photographs of {table['label'].nunique()} species, label: "
            f"{LABELS[options.label]}. {options.pictures.describe()}",
            warnings="\n".join(f"- {line}" for line in report.warnings),
        ),
    )
    common.write_table(out / "specimens.csv", table)
    Specimens.read(out)
    report.lines.append(f"wrote {out / 'specimens.csv'}: {len(table)} images")
    return report


def _read(source: Path, label: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the table of images with label and split, and the table of classes."""
    images = common.read_images(source / "images.csv", ["mask", "species_slug", "sha256"])
    splits = common.read_images(source / "split.csv", ["split"])[["image", "split"]]
    common.check_splits(splits, source / "split.csv")
    columns = ["species_slug", "latin", "common_name", "description"]
    classes = common.read_columns(source / "descriptions.csv", columns)[columns]
    classes.insert(0, "label", classes[LABELS[label]])
    unknown = sorted(set(images["species_slug"]) - set(classes["species_slug"]))
    if unknown:
        raise UserError(f"{source / 'descriptions.csv'} does not describe {shorten(unknown)}")
    for column in ("species_slug", "label"):
        if classes[column].duplicated().any():
            raise UserError(f"{source / 'descriptions.csv'} names a species twice in {column}")
    table = common.join(images, splits, source / "split.csv")
    table = table.merge(classes.drop(columns="description"), on="species_slug", validate="m:1")
    table = table.rename(columns={"sha256": "source_sha256"})
    first = ["image", "label", "split", "mask", "species_slug", "latin", "common_name"]
    table = table[[*first, *(name for name in table.columns if name not in first)]]
    return table, classes


def _with_individuals(table: pd.DataFrame, drop_leaks: bool, report: Report) -> pd.DataFrame:
    """Add ``specimen_id``, ``individual`` and ``note``; drop the leaking rows if asked for."""
    group_of = individuals()
    numbers = table["image"].map(_number)
    table = table.assign(
        individual=[
            f"{slug}_{group_of.get(number, number)}"
            for slug, number in zip(table["species_slug"], numbers, strict=True)
        ],
        note="",
    )
    tested = set(table["individual"][table["split"] == "test"])
    others = set(table["individual"][table["split"] != "test"])
    in_both = table["individual"].isin(tested & others)
    leaking = in_both & (table["split"] != "test")
    if leaking.any() and drop_leaks:
        report.warnings.append(
            f"left out (--drop-leaks): {leaking.sum()} training images of butterflies that are "
            "also in test"
        )
        in_both &= False
    elif leaking.any():
        flattered = (in_both & ~leaking).sum()
        share = flattered / (table["split"] == "test").sum()
        report.warnings.append(
            f"as published, {flattered} test images ({share:.1%}) show a butterfly that is in "
            f"train too ({leaking.sum()} images there, mostly the same picture cropped or "
            "mirrored): test accuracy is flattered by up to that share; --drop-leaks leaves the "
            "training images out"
        )
        table.loc[in_both, "note"] = "the same butterfly is in train and in test"
    # A specimen may not be in two splits; where the published split does it, each split has a name.
    specimen = table["individual"].where(~in_both, table["individual"] + "-" + table["split"])
    table.insert(3, "specimen_id", specimen)  # after image, label and split
    return table[~leaking] if drop_leaks else table


def _with_doubts(table: pd.DataFrame, drop_doubtful: bool, report: Report) -> pd.DataFrame:
    """Note the pictures whose species is in doubt, or drop them."""
    doubts = table["image"].map(_number).map(DOUBTFUL)
    doubtful = doubts.notna()
    if not doubtful.any():
        return table
    named = "; ".join(
        f"{image}: {doubt}"
        for image, doubt in zip(table["image"], doubts, strict=True)
        if pd.notna(doubt)
    )
    if drop_doubtful:
        report.warnings.append(f"left out (--drop-doubtful): {named}")
        return table[~doubtful]
    report.warnings.append(f"label in doubt, kept (--drop-doubtful leaves it out): {named}")
    return table.assign(note=table["note"].where(~doubtful, doubts))


def _place(source: Path, out: Path, row: pd.Series, options: PictureOptions) -> dict[str, object]:
    """Put one photograph and its mask in place; return the cells that name and describe them."""
    photograph_path = source / row["image"]
    mask_path = source / row["mask"]
    if options.changes_pixels:
        photograph = read_image(photograph_path)
        mask = read_mask(mask_path, photograph.shape[:2])
        if not mask.any():
            raise UserError(f"{mask_path} is black: there is no specimen to keep")
        photograph, mask, _ = pictures.edit(photograph, mask, pictures.mask_box(mask), options)
        image = str(PurePosixPath(row["image"]).with_suffix(".png"))
        pictures.save_png(out / image, photograph)
        pictures.save_png(out / row["mask"], mask)
        return {
            "image": image,
            "mask": row["mask"],
            "width": mask.shape[1],
            "height": mask.shape[0],
            "mask_foreground_fraction": round(float(np.mean(mask)), 4),
        }
    if options.copy:
        pictures.copy_file(photograph_path, out / row["image"])
        pictures.copy_file(mask_path, out / row["mask"])
        return {}
    return {
        "image": common.relative_path(photograph_path, out),
        "mask": common.relative_path(mask_path, out),
    }


def _number(image: str) -> str:
    """Return the photograph's number: "images/pieris_rapae/0080037.jpg" gives "0080037"."""
    return PurePosixPath(image).stem


def main(arguments: Sequence[str]) -> Report:
    """Parse the command line and prepare the table."""
    parser = command.OneLineParser(
        "data_prep.leeds", "The Leeds Butterfly data set as a specimen table."
    )
    command.add_places(parser)
    parser.add_argument(
        "--label", choices=list(LABELS), default="slug", help="the species name used as label"
    )
    command.add_picture_options(parser, margin=0.05)
    parser.add_argument(
        "--drop-doubtful", action="store_true", help="leave out pictures whose species is in doubt"
    )
    parser.add_argument(
        "--drop-leaks",
        action="store_true",
        help="leave out training pictures of butterflies that are also in the test split",
    )
    parsed = parser.parse_args(arguments)
    options = Options(
        label=parsed.label,
        drop_doubtful=parsed.drop_doubtful,
        drop_leaks=parsed.drop_leaks,
        overwrite=parsed.overwrite,
        pictures=command.picture_options(parsed),
    )
    with command.progress_bar("photographs") as progress:
        return prepare(parsed.source, parsed.out, options, progress)


if __name__ == "__main__":
    sys.exit(command.run(main))
