"""Fetch the published archives of a data set: ``python -m data_prep.download NAME --to DIR``.

Downloads go on where they stopped, and are checked against published checksums before they take
their names. Data sets behind an account are not fetched: what to do by hand is said.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep import command
from data_prep.common import Report
from data_prep.published_files import Progress
from intr_discover.downloads import download
from intr_discover.errors import UserError


@dataclass(frozen=True)
class Remote:
    """An archive that anybody can fetch.

    Attributes
    ----------
    url
        Where it lies.
    md5
        Its published checksum; None where none is known.
    size
        Its number of bytes; None where only the rounded one is known.
    rounded
        That number for people.
    """

    url: str
    md5: str | None
    size: int | None
    rounded: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.url.rpartition("/")[2]


_CALTECH = "https://data.caltech.edu/records"
_OXFORD = "https://www.robots.ox.ac.uk/~vgg/data"
_STANFORD = "http://vision.stanford.edu/aditya86/ImageNetDogs"
_INATURALIST = "https://ml-inat-competition-datasets.s3.amazonaws.com/2021"

_VALIDATION = (
    Remote(f"{_INATURALIST}/val.json.tar.gz", "4d761e0f6a86cc63e8f7afc91f6a8f0b", None, "9.4 MB"),
    Remote(f"{_INATURALIST}/val.tar.gz", "f6f6e0e242e3d4c9569ba56400938afc", None, "8.4 GB"),
)

#: Checksums are those that CaltechDATA and the README of iNaturalist-2021 publish. Oxford and
#: Stanford publish none; theirs are those that other programs (torchvision for the pets) check by.
REMOTES: dict[str, tuple[Remote, ...]] = {
    "cub": (
        Remote(
            f"{_CALTECH}/65de6-vp158/files/CUB_200_2011.tgz",
            "97eceeb196236b17998738112f37df78",
            1_150_585_339,
            "1.2 GB",
        ),
        Remote(
            f"{_CALTECH}/w9d68-gec53/files/segmentations.tgz",
            "4d47ba1228eae64f2fa547c47bc65255",
            39_272_883,
            "39 MB",
        ),
    ),
    "dogs": (
        Remote(f"{_STANFORD}/lists.tar", "edbb9f16854ec66506b5f09b583e0656", 481_280, "0.5 MB"),
        Remote(
            f"{_STANFORD}/annotation.tar", "4298cc0031f6bc6e74612ac83b5988e2", 21_852_160, "22 MB"
        ),
        Remote(
            f"{_STANFORD}/images.tar", "1bb1f2a596ae7057f99d7d75860002ef", 793_579_520, "794 MB"
        ),
    ),
    "pets": (
        Remote(
            f"{_OXFORD}/pets/data/annotations.tar.gz",
            "95a8c909bbe2e81eed6a22bccdf3f68f",
            19_173_078,
            "19 MB",
        ),
        Remote(
            f"{_OXFORD}/pets/data/images.tar.gz",
            "5c4f3ee8e5d25df40f4fd59a7f44e54c",
            791_918_971,
            "792 MB",
        ),
    ),
    "aircraft": (
        Remote(
            f"{_OXFORD}/fgvc-aircraft/archives/fgvc-aircraft-2013b.tar.gz",
            "d4acdd33327262359767eeaa97a4f732",
            2_753_340_328,
            "2.8 GB",
        ),
    ),
    "fish": (
        *_VALIDATION,
        Remote(
            f"{_INATURALIST}/train.json.tar.gz", "38a7bb733f7a09214d44293460ec0021", None, "221 MB"
        ),
        Remote(f"{_INATURALIST}/train.tar.gz", "e0526d53c7f7b2e3167b2b43bb2690ed", None, "224 GB"),
    ),
    "fish-mini": (
        *_VALIDATION,
        Remote(
            f"{_INATURALIST}/train_mini.json.tar.gz",
            "395a35be3651d86dc3b0d365b8ea5f92",
            None,
            "45 MB",
        ),
        Remote(
            f"{_INATURALIST}/train_mini.tar.gz", "db6ed8330e634445efc8fec83ae81442", None, "42 GB"
        ),
    ),
    "butterflies": (
        # No checksum: the table is corrected from time to time. The photographs have theirs in it.
        Remote(
            "https://huggingface.co/datasets/imageomics/Heliconius-Collection_Cambridge-Butterfly"
            "/resolve/main/img_master.csv",
            None,
            None,
            "17 MB",
        ),
    ),
}

BY_HAND = {
    "birds525": (
        "Kaggle asks for an account: log in there, fetch the data set gpiosenka/100-bird-species "
        "(the version with 525 species) as a zip, and put it into the folder; if that page is "
        "gone, a copy with 84,635 training, 2,625 validation and 2,625 test pictures will do"
    ),
    "cars": (
        "the publisher's server no longer has it (ai.stanford.edu/~jkrause/cars): take a copy with "
        "cars_train, cars_test, devkit/cars_train_annos.mat, devkit/cars_meta.mat and "
        "cars_test_annos_withlabels.mat, for instance from Kaggle, which asks for an account"
    ),
    "leeds": "see the table in data_prep/README.md for its source and what its licence allows",
    "heliconius": "see the table in data_prep/README.md for its source; it names no licence",
}

#: What is done after the archives are there, where it is not ``data_prep.NAME DIR OUT``.
NEXT = {
    "fish-mini": "python -m data_prep.fish {to} OUT",
    "butterflies": "python -m data_prep.butterflies {to} OUT --fetch",
}


def fetch(name: str, to: Path, progress: Progress | None = None) -> Report:
    """Fetch the archives of a data set into a folder.

    Raises
    ------
    UserError
        It cannot be fetched without an account, or a download fails.
    """
    if name in BY_HAND:
        raise UserError(f"{name} is not fetched from here: {BY_HAND[name]}")
    report = Report()
    for remote in REMOTES[name]:
        step = progress(f"{remote.name} ({remote.rounded})") if progress is not None else None
        path = download(
            remote.url, to / remote.name, md5=remote.md5, size=remote.size, progress=step
        )
        checked = "as published (MD5)" if remote.md5 else "no published checksum to check it by"
        report.lines.append(f"{path}: {path.stat().st_size:,} bytes, {checked}")
    following = NEXT.get(name, f"python -m data_prep.{name} {{to}} OUT").format(to=to)
    report.lines.append(f"next: {following}")
    return report


def main(arguments: Sequence[str]) -> Report:
    """Parse the command line and fetch."""
    parser = command.OneLineParser(
        "data_prep.download", "Fetch the published archives of a data set, checked and resumable."
    )
    names = [*REMOTES, *BY_HAND]
    sizes = "; ".join(
        f"{name}: {', '.join(remote.rounded for remote in remotes)}"
        for name, remotes in REMOTES.items()
    )
    parser.add_argument("name", metavar="NAME", choices=names, help=f"one of {', '.join(names)}")
    parser.add_argument(
        "--to",
        metavar="DIR",
        type=Path,
        required=True,
        default=argparse.SUPPRESS,
        help="the folder to fill",
    )
    parser.epilog = f"Sizes: {sizes}. Run the same command again to go on with what was cut off."
    parsed = parser.parse_args(arguments)
    with command.download_steps() as progress:
        return fetch(parsed.name, parsed.to, progress)


if __name__ == "__main__":
    sys.exit(command.run(main))
