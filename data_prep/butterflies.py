"""BF, the Cambridge collection of heliconiine butterflies, as a specimen table.

Run ``python -m data_prep.butterflies SOURCE OUT --help``. SOURCE holds the table of the collection
(``img_master.csv`` of the compilation on Hugging Face, or tables of single Zenodo records) and the
photographs, in whatever folders; ``--fetch`` gets those that are needed.

Source of the data: G. Montejo-Kovacevich and others, "Cambridge butterfly wing collection",
Zenodo, 2020; compiled by C. Lawrence, E. G. Campolongo and N. Rosser, "Heliconius Collection
(Cambridge Butterfly)", Hugging Face, 2024.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from data_prep import butterfly_records as records
from data_prep import command
from data_prep.butterfly_rule import Rule, split_by_rule
from data_prep.common import Report
from data_prep.published import DataSet, Tables, prepare
from data_prep.published_files import Progress, Published

BUTTERFLIES = DataSet(
    title="BF: heliconiine butterflies of the Cambridge collection",
    module="data_prep.butterflies",
    paper={"train": 4697, "test": 275, "classes": 65},
    archives=(),
    columns="""\
- `specimens.csv`: image, label, split (made here), specimen_id (the published CAMID), and the
  published columns, as they are.""",
    source="""\
G. Montejo-Kovacevich, E. van der Heijden, N. Nadeau and C. Jiggins, "Cambridge butterfly wing
collection batch 10", Zenodo, 2020, and the other records of the Butterfly Genetics Group,
University of Cambridge. Compiled by C. Lawrence, E. G. Campolongo and N. Rosser, "Heliconius
Collection (Cambridge Butterfly)", Hugging Face, 2024, doi:10.57967/hf/2668; its
metadata/jiggins.bib cites every record.

Licence: CC BY 4.0 for most records; metadata/licenses.json of the compilation has that of each.""",
    warnings=(
        "the paper does not say which photographs it drew, and the collection has grown since: the "
        "rule is the paper's, the photographs are not",
    ),
)


def prepare_butterflies(
    source: Path,
    out: Path,
    *,
    label: str = "species",
    view: str = "dorsal",
    rule: Rule | None = None,
    fetch: bool = False,
    copy: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Write ``specimens.csv``.

    Parameters
    ----------
    label
        ``"species"`` (the paper's word) or ``"subspecies"``.
    view
        Which photographs: ``"dorsal"``, ``"ventral"``, or another word of the column View.
    rule
        How classes are chosen and split; None: the paper's, seed 0.
    fetch
        Download the chosen photographs that are not there, into ``source/images``.

    Other parameters, and what is raised: as ``published.prepare``.
    """
    rule = rule or Rule()

    def read(published: Published, report: Report) -> Tables:
        table = records.read_records(source, report)
        table = records.of_view(table, view, report)
        table = records.labelled(table, label, report)
        if not fetch:  # what is not there cannot be drawn
            table = records.at_hand(table, source, report)
        table = table.assign(split=split_by_rule(table, rule, report))
        table = table[table["split"] != ""]
        if fetch:
            step = progress("fetching") if progress is not None else None
            table = records.fetched(table, source, report, step)
        paper = (view, rule.least, rule.test) == ("dorsal", 20, 3)
        return Tables(table.rename(columns={"CAMID": "specimen_id"}), compare=paper)

    return prepare(
        BUTTERFLIES, source, out, read, copy=copy, overwrite=overwrite, progress=progress
    )


def main(arguments: Sequence[str]) -> Report:
    """Parse the command line and prepare the table."""
    parser = command.published_parser(
        BUTTERFLIES.module, "The Cambridge collection of heliconiine butterflies (BF)."
    )
    parser.add_argument(
        "--label", choices=("species", "subspecies"), default="species", help="rank of the label"
    )
    parser.add_argument("--view", default="dorsal", help="word of the column View")
    parser.add_argument(
        "--least", type=int, default=20, metavar="B", help="fewest images of a class"
    )
    parser.add_argument(
        "--test", type=int, default=3, metavar="K", help="fewest test images of a class"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the split")
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="download the chosen photographs that are not there, into SOURCE/images",
    )
    options = vars(parser.parse_args(arguments))
    rule = Rule(options.pop("least"), options.pop("test"), options.pop("seed"))
    with command.progress_steps() as progress:
        return prepare_butterflies(**options, rule=rule, progress=progress)


if __name__ == "__main__":
    sys.exit(command.run(main))
