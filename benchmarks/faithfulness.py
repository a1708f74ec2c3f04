"""Do INTR's maps show what a model uses, and better than Grad-CAM and RISE? The paper's Table 6.

Takes a run of INTR and one of a plain ResNet-18, or trains both on the Leeds butterflies as
``benchmarks.leeds`` does, and measures the test photographs that both name rightly with the study
``faithfulness``: judged by the plain classifier, as in the paper, and by INTR itself.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.common import RESULTS, machine, p_value
from benchmarks.leeds import train
from data_prep.leeds import prepare
from intr_discover import Specimens, load
from intr_discover.files import write_json, write_text
from intr_discover.provenance import versions
from intr_discover.studies.faithfulness import STUDY
from intr_discover.studies.faithfulness_design import design
from intr_discover.studies.result import plain
from intr_discover.studies.saliency_methods import METHODS
from intr_discover.studies.study import StudyInputs

# Which judge and which ranked unit; the first is the paper's.
SETTINGS = (("plain", "patches"), ("plain", "pixels"), ("intr", "pixels"))

_WORDS = {"insertion": "insertion", "deletion": "deletion", "srg": "LeRF − MoRF"}

# Table 6 of the paper: CUB, a ResNet-50 judges, patches are ranked, the mean of eight heads.
PAPER = {"gradcam_plain": (0.61, 0.31), "rise": (0.56, 0.30), "intr_mean": (0.786, 0.01)}


def main() -> None:
    """Train where nothing is given, measure, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--run", help="of INTR, or demo; trained on the butterflies if not given")
    parser.add_argument("--plain", help="run of a plain classifier; trained if not given")
    parser.add_argument("--specimens", help="photographs; needed with --run, or demo")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/leeds"))
    parser.add_argument("--runs", type=Path, default=Path("runs/leeds"), help="of the trainings")
    parser.add_argument("--seed", type=int, default=0, help="of trainings and of the measurement")
    parser.add_argument("--photographs", type=int, default=249, help="most, paper's protocol")
    parser.add_argument("--rise-photographs", type=int, default=50, help="most of them with RISE")
    parser.add_argument("--others", type=int, default=60, help="most, the other two settings")
    parser.add_argument("--rise-others", type=int, default=20, help="most of them with RISE")
    parser.add_argument("--rise-masks", type=int, default=500)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args()
    if (options.run is None) != (options.specimens is None):
        parser.error("give --run and --specimens together, or neither")

    intr_run, plain_run, specimens, trained = prepared(options)
    explainer = load(intr_run, device="cpu")
    record: dict[str, Any] = {
        "command": " ".join(["python", "-m", "benchmarks.faithfulness", *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "trained": trained,
        "specimens": {"n": len(specimens), "classes": len(specimens.classes)},
        "paper": PAPER,
        "settings": [],
    }
    options.out.mkdir(parents=True, exist_ok=True)
    for place, (judge, unit) in enumerate(SETTINGS):
        most = options.photographs if place == 0 else options.others
        with_rise = options.rise_photographs if place == 0 else options.rise_others
        chosen = {
            "judge": plain_run if judge == "plain" else "intr",
            "plain": plain_run,
            "unit": unit,
            "photographs": most,
            "rise_photographs": with_rise,
            "rise_masks": options.rise_masks,
        }
        inputs = STUDY.inputs(
            StudyInputs(
                explainer,
                specimens,
                "test",
                seed=options.seed,
                batch_size=options.batch_size,
                progress=lambda done, of: print(f"\r{done} of {of}", end="", file=sys.stderr),
            ),
            chosen,
        )
        _, plan = design(inputs)
        print(f"judge {judge}, {unit}: {plan.encodes} passes planned", flush=True)
        began = time.monotonic()
        result = STUDY.run(inputs)
        result.save(options.runs / f"faithfulness_{judge}_{unit}")
        record["settings"].append(
            {
                "judge": judge,
                "unit": unit,
                "seconds": round(time.monotonic() - began, 1),
                "passes_planned": plan.encodes,
                "rise_masks": options.rise_masks,
                "summary": result.summary,
                "methods": rows_of(result.tables["methods"]),
                "differences": rows_of(result.tables["differences"]),
            }
        )
        # After each setting, so that hours are not lost to a break.
        write_json(options.out / "faithfulness.json", record)
        write_text(options.out / "faithfulness.md", as_markdown(record))
    print(as_markdown(record))


def prepared(options: argparse.Namespace) -> tuple[str, str, Specimens, dict[str, Any]]:
    """Return both runs, the photographs, and the trainings' times where something was trained."""
    if options.run is not None:
        if options.plain is None:
            raise SystemExit("--run needs --plain, the run of a plain classifier")
        specimens = Specimens.read(options.specimens)
        specimens = specimens.select(split="test") if specimens.has_split("test") else specimens
        return options.run, options.plain, specimens, {}
    table = options.runs / "data" / "specimens.csv"
    if not table.exists():
        prepare(options.data, table.parent)
    threads = os.cpu_count() or 1
    trained = {
        kind: train(table, options.runs, kind, options.seed, threads) for kind in ("intr", "plain")
    }
    runs = {kind: str(options.runs / f"{kind}_{options.seed}") for kind in trained}
    plain_run = options.plain or runs["plain"]
    return runs["intr"], plain_run, Specimens.read(table, split="test"), trained


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table as plain rows."""
    return plain(table.to_dict("records"))


def as_markdown(record: dict[str, Any]) -> str:
    """Return the page that people read."""
    lines = [
        "# Faithfulness of maps",
        "",
        f"Command: `{record['command']}`. Machine: {record['machine']['processor']}, "
        f"{record['machine']['threads']} threads. {record['specimens']['n']} photographs of "
        f"{record['specimens']['classes']} classes, of which those are measured that the model and "
        "the judge both name rightly. Means with 95 % intervals over photographs. Insertion, "
        "LeRF − MoRF, peak and lift: higher is better; deletion: lower is better.",
    ]
    for setting in record["settings"]:
        who = "the plain classifier" if setting["judge"] == "plain" else "INTR itself"
        as_paper = " (the paper's protocol)" if record["settings"].index(setting) == 0 else ""
        lines += [
            "",
            f"## Judge: {who}; ranked: {setting['unit']}{as_paper}",
            "",
            f"n = {setting['summary']['n']}; {setting['summary']['steps']} steps; RISE with "
            f"{setting['rise_masks']} masks; {setting['seconds']:.0f} s.",
            "",
            "| map | n | insertion | deletion (MoRF) | LeRF | LeRF − MoRF | peak on region "
            "| share inside | lift |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        lines += [_row(row) for row in setting["methods"]]
        lines += ["", *_compared(setting["differences"])]
    lines += [
        "",
        "## The paper's numbers",
        "",
        "CUB-200-2011, a ResNet-50 judges, patches ranked; other data and other models, so they "
        "are a reference for the protocol and no target.",
        "",
        "| map | insertion | deletion |",
        "|---|---|---|",
    ]
    names = {"gradcam_plain": "Grad-CAM", "rise": "RISE", "intr_mean": "INTR, mean of heads"}
    lines += [f"| {names[m]} | {i:.3g} | {d:.2g} |" for m, (i, d) in record["paper"].items()]
    return "\n".join([*lines, ""])


def _row(row: dict[str, Any]) -> str:
    measures = ("insertion", "deletion", "lerf", "srg", "pointing", "energy", "lift")
    numbers = " | ".join(_number(row, measure) for measure in measures)
    return f"| {row['name']} | {row['n']} | {numbers} |"


def _number(row: dict[str, Any], measure: str) -> str:
    value, low, high = row[measure], row[f"{measure}_low"], row[f"{measure}_high"]
    if value is None:
        return ""
    return f"{value:.2f}" if low is None else f"{value:.2f} ({low:.2f} to {high:.2f})"


def _compared(differences: list[dict[str, Any]]) -> list[str]:
    """Return INTR's mean map minus the maps made after the fact, one line each."""
    return [
        f"- INTR's mean map minus {METHODS[row['second']]}, {_WORDS[row['measure']]}: "
        f"{row['difference']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f}, "
        f"n = {row['n']}, {p_value(row['p'])})."
        for row in differences
        if row["first"] == "intr_mean"
        and row["second"] in ("gradcam_plain", "gradcam_intr", "rise", "random")
        and row["measure"] in _WORDS
        and row["p"] is not None
    ]


if __name__ == "__main__":
    main()
