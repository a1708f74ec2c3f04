"""What heads, decoder layers, position of the keys and the encoder change about where heads look.

Like the ablation of Paul et al. (ICLR 2024, Appendix), scaled down to what one CPU core trains in
minutes, and on mimicry rings, where the attribute that a head ought to find is known. Each setting
changes one thing of the first one. Trainings that have a record are not done again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.ablation_figure import settings_figure
from benchmarks.ablation_measures import summarise
from benchmarks.ablation_page import as_markdown
from benchmarks.ablation_runs import TEST_SEED, Drawn, draw, record_of, record_path
from benchmarks.common import RESULTS, machine
from intr_discover.data import rings
from intr_discover.errors import UserError
from intr_discover.figures.style import save_figure
from intr_discover.files import write_json, write_text
from intr_discover.provenance import versions
from intr_discover.studies.result import plain

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "ablation.png"
RUNS = Path("runs/ablation")

#: Changes of the preset ``small``, as in scripts/demo_model.yaml with smaller pictures and fewer
#: epochs: no encoder layer and one decoder layer, so that a map shows where the evidence lies.
BASE: dict[str, Any] = {
    "image_size": 96,
    "evaluation_scale": 1.0,
    "smallest_crop": 0.7,
    "warmup_epochs": 1,
    "backbone_stride": 4,
    "encoder_layers": 0,
    "decoder_layers": 1,
    "epochs": 14,
    "precision": "bf16",
}

BASELINE = "baseline"

#: Each setting and what it changes of the baseline.
SETTINGS: dict[str, dict[str, Any]] = {
    BASELINE: {},
    "key position": {"key_position": True},
    "4 heads": {"heads": 4},
    "16 heads": {"heads": 16},
    "2 decoder layers": {"decoder_layers": 2},
    "3 decoder layers": {"decoder_layers": 3},
    "resnet18 stride 8": {"backbone_stride": 8},
    "convnext_atto": {"backbone": "convnext_atto"},
    "vit_tiny_patch16": {"backbone": "vit_tiny_patch16_224", "backbone_stride": None},
}


BASELINE_WORDS = (
    "ResNet-18 cut at stride 4, no encoder layer, one decoder layer, 8 heads, D = 128, no position "
    "in the keys of cross-attention"
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, measure, compare, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2],
        help="of the trainings; all settings with the first seed come first",
    )  # fmt: skip
    parser.add_argument("--runs", type=Path, default=RUNS, help="specimens, runs and records")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--picture", type=Path, default=PICTURE, help="where the figure goes")
    parser.add_argument(
        "--of-what-is-there", action="store_true",
        help="train nothing; write the results of the records that are there",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    drawn = Drawn()
    records = train_all(
        SETTINGS, BASE, options.seeds, drawn, options.runs, train=not options.of_what_is_there
    )
    command = " ".join(["python", "-m", "benchmarks.ablation", *sys.argv[1:]])
    write_results(command, records, BASE, drawn, options.out, options.picture)
    print((options.out / "ablation.md").read_text(encoding="utf-8"))


def train_all(
    settings: Mapping[str, Mapping[str, Any]],
    base: Mapping[str, Any],
    seeds: Sequence[int],
    drawn: Drawn,
    folder: Path,
    *,
    train: bool = True,
) -> list[dict[str, Any]]:
    """Return the records of all settings and seeds; see ``ablation_runs.record_of``.

    Parameters
    ----------
    settings
        Changes of ``base`` by name.
    base
        Changes of the preset ``small``.
    seeds
        Of the trainings.
    drawn
        The specimens.
    folder
        Specimens, runs and records.
    train
        If not, only the records that are there are returned.
    """
    training, test = draw(drawn, folder)
    records = []
    for seed in seeds:
        for name, changes in settings.items():
            if train or record_path(folder, name, seed).exists():
                print(f"{name}, seed {seed}", flush=True)
                asked = {**base, **changes}
                records.append(record_of(name, asked, seed, training, test, folder))
    return records


def write_results(
    command: str,
    records: Sequence[Mapping[str, Any]],
    base: Mapping[str, Any],
    drawn: Drawn,
    out: Path,
    picture: Path,
) -> None:
    """Write numbers, page and figure.

    Raises
    ------
    UserError
        If there is no record.
    """
    if not records:
        raise UserError("there are no records to write results of: leave out --of-what-is-there")
    rows = summarise(records, BASELINE)
    changes = {
        record["setting"]: {
            name: value for name, value in record["settings"].items()
            if name != "preset" and base.get(name, ...) != value
        }
        for record in records
    }  # fmt: skip
    record = {
        "command": command,
        "machine": machine(),
        "versions": versions(),
        "generator": rings.GENERATOR_VERSION,
        "drawn": asdict(drawn),
        "test_seed": TEST_SEED,
        "counts": records[0]["counts"],
        "base": {"preset": "small", **base},
        "baseline_words": BASELINE_WORDS,
        "changes": changes,
        "seeds": sorted({record["seed"] for record in records}),
        "settings": rows,
    }
    write_json(out / "ablation.json", plain(record))
    write_text(out / "ablation.md", as_markdown(record))
    save_figure(settings_figure(rows), picture)


if __name__ == "__main__":
    main()
