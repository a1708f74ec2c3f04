"""INTR against INTR-FC: what the shared presence vector does to the maps, in numbers.

Paul et al. (ICLR 2024, Figure 7) show that maps are less distinct and less consistent where every
class has a presence vector of its own (INTR-FC). Both are trained here alike, on the specimens of
the ablation, whose baseline is the INTR. Beside it, after equation 11: does the query of the class
that is answered follow the image's saliency more than the other queries do?
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ablation import BASE, BASELINE, RUNS, train_all
from benchmarks.ablation_measures import summarise
from benchmarks.ablation_runs import TEST_SEED, Drawn, draw, run_path
from benchmarks.common import RESULTS, machine
from benchmarks.variants_page import as_markdown
from intr_discover import Explainer, Specimens, load
from intr_discover.explain.decomposition import predicted_against_others
from intr_discover.files import write_json, write_text
from intr_discover.provenance import versions
from intr_discover.studies.result import plain
from intr_discover.studies.statistics import bootstrap_interval, sign_flip_p

INTR_FC = "INTR-FC"

#: The name in the records, which are shared with the ablation, and what it changes.
SETTINGS: dict[str, dict[str, Any]] = {BASELINE: {}, INTR_FC: {"model": "intr-fc"}}

NAMES = {BASELINE: "INTR", INTR_FC: INTR_FC}

ALIGNMENT = ("correlation", "others", "difference")


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, measure, compare, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the trainings")
    parser.add_argument(
        "--runs", type=Path, default=RUNS, help="specimens, runs and records, those of the ablation"
    )
    parser.add_argument("--no-demo", action="store_true", help="leave the demo's model out")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args(arguments)
    command = " ".join(["python", "-m", "benchmarks.variants", *sys.argv[1:]])
    record = {
        "command": command,
        "machine": machine(),
        "versions": versions(),
        **compare(BASE, options.seeds, Drawn(), options.runs),
    }
    if not options.no_demo:
        found = alignment([load("demo", device="cpu")], Specimens.read("demo"))
        record["alignment"]["the demo's model"] = found
    write_results(record, options.out)
    print(as_markdown(record))


def compare(
    base: Mapping[str, Any], seeds: Sequence[int], drawn: Drawn, folder: Path
) -> dict[str, Any]:
    """Train both kinds with each seed, and return what their maps are like.

    Parameters
    ----------
    base
        Changes of the preset ``small``, of both kinds.
    seeds
        Of the trainings.
    drawn
        The specimens.
    folder
        Specimens, runs and records.

    Returns
    -------
    dict
        ``kinds``: one row each, see ``ablation_measures.summarise``; ``alignment``: see
        ``alignment``, by kind; and what was trained on.
    """
    records = train_all(SETTINGS, base, seeds, drawn, folder)
    _, test = draw(drawn, folder)
    aligned = {}
    for name in SETTINGS:
        runs = [run_path(folder, name, seed) for seed in seeds]
        aligned[NAMES[name]] = alignment([load(run, device="cpu") for run in runs], test)
    rows = [{**row, "setting": NAMES[row["setting"]]} for row in summarise(records, BASELINE)]
    return {
        "drawn": vars(drawn),
        "test_seed": TEST_SEED,
        "counts": records[0]["counts"],
        "base": {"preset": "small", **base},
        "seeds": list(seeds),
        "kinds": rows,
        "alignment": aligned,
    }


def alignment(models: Sequence[Explainer], photographs: Specimens) -> dict[str, Any]:
    """Return how well attention follows saliency, of the class answered and of the others.

    Parameters
    ----------
    models
        Trainings of one kind; a photograph counts by its mean over them.
    photographs
        n of them.

    Returns
    -------
    dict
        ``correlation`` (Spearman over the cells, mean of all heads, query of the class answered),
        ``others`` (mean of the other queries) and ``difference``, each with ``value``, ``low``,
        ``high`` (bootstrap over photographs), ``n`` and ``by_seed``; ``p`` of the difference by
        sign flips. Photographs on which a map is flat in every head are left out.
    """
    means = [
        predicted_against_others(model, photographs.paths)
        .groupby("image")[list(ALIGNMENT)]
        .mean()
        for model in models
    ]  # fmt: skip
    found: dict[str, Any] = {}
    for name in ALIGNMENT:
        of_models = np.stack([table[name].to_numpy(dtype=np.float64) for table in means])
        values = of_models.mean(axis=0)
        known = values[~np.isnan(values)]
        low, high = bootstrap_interval(known, 0)
        found[name] = {
            "value": float(known.mean()) if len(known) else None,
            "low": low,
            "high": high,
            "n": len(known),
            "by_seed": [float(np.nanmean(each)) for each in of_models],
        }
        if name == "difference":
            found["p"] = sign_flip_p(known, 0)
    return found


def write_results(record: Mapping[str, Any], out: Path) -> None:
    """Write numbers and page."""
    write_json(out / "variants.json", plain(record))
    write_text(out / "variants.md", as_markdown(record))


if __name__ == "__main__":
    main()
