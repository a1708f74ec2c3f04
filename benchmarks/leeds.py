"""INTR against a plain classifier on the Leeds butterflies, and where INTR's heads look.

Trains ``--seeds`` runs each of INTR and of a plain ResNet-18 with the preset ``small`` from random
weights, through the command line as a person would, and evaluates them on the test split, which
training never opens. The head that is judged is chosen on the validation photographs, which are
cut from the training split. Runs that are finished are not trained again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.ndimage import distance_transform_edt
from scipy.stats import bootstrap
from statsmodels.stats.proportion import proportion_confint

from benchmarks.common import RESULTS, machine, p_value
from data_prep.leeds import prepare
from intr_discover import Explainer, Specimens, load
from intr_discover.data.images import read_mask
from intr_discover.files import write_json, write_text
from intr_discover.provenance import versions
from intr_discover.studies.evaluation import paired_difference

KINDS = ("intr", "plain")


def main() -> None:
    """Train, evaluate, write results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/leeds"))
    parser.add_argument("--out", type=Path, default=Path("runs/leeds"), help="tables and runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--plain-seeds", type=int, nargs="+", help="of the plain classifier; default: the same"
    )
    parser.add_argument(
        "--at-once", type=int, default=1, help="trainings side by side, which share the cores"
    )
    options = parser.parse_args()

    table = options.out / "data" / "specimens.csv"
    if not table.exists():
        prepare(options.data, table.parent)
    specimens = Specimens.read(table)
    test = specimens.select(split="test")
    seen_in_train = set(specimens.select(split="train").table["individual"])
    leaked = test.table["individual"].isin(seen_in_train).to_numpy()

    seeds = {"intr": options.seeds, "plain": options.plain_seeds or options.seeds}
    planned = [(kind, seed) for kind in KINDS for seed in seeds[kind]]
    threads = max(1, (os.cpu_count() or 1) // options.at_once)
    with ThreadPoolExecutor(options.at_once) as pool:
        clocks = dict(
            zip(
                planned,
                pool.map(lambda plan: train(table, options.out, *plan, threads), planned),
                strict=True,
            )
        )

    correct: dict[str, list[np.ndarray]] = {kind: [] for kind in KINDS}
    runs: list[dict[str, Any]] = []
    for kind, seed in planned:
        run = options.out / f"{kind}_{seed}"
        explainer = load(run, device="cpu")
        right = explainer.logits(test.paths).argmax(1) == test.label_ids(explainer.classes)
        correct[kind].append(right)
        row: dict[str, Any] = {
            "kind": kind,
            "seed": seed,
            **clocks[kind, seed],
            "parameters": sum(p.numel() for p in explainer.model.parameters()),
            "top1": float(right.mean()),
            "top1_without_leaked": float(right[~leaked].mean()),
        }
        if kind == "intr":
            row |= judge_heads(explainer, run, specimens, test)
        runs.append(row)
        print(json.dumps(row), flush=True)

    summary = summarise(correct, leaked, runs)
    record = {
        "command": " ".join(["python", "-m", "benchmarks.leeds", *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "data": {"n_test": len(test), "leaked": int(leaked.sum()), "classes": len(test.classes)},
        "summary": summary,
        "runs": runs,
    }
    write_json(RESULTS / "leeds.json", record)
    write_text(RESULTS / "leeds.md", as_markdown(record))
    print((RESULTS / "leeds.md").read_text(encoding="utf-8"))


def train(table: Path, out: Path, kind: str, seed: int, threads: int) -> dict[str, Any]:
    """Train through the command line unless the run is finished; return seconds and threads."""
    run = out / f"{kind}_{seed}"
    clock = run.with_suffix(".clock.json")
    if not clock.exists():
        began = time.monotonic()
        command = ["train", str(table), "--out", str(run), "--model", kind, "--seed", str(seed)]
        subprocess.run(
            [sys.executable, "-m", "intr_discover", *command, "--resume", "--device", "cpu"],
            check=True,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        )
        seconds = round(time.monotonic() - began, 1)
        write_json(clock, {"training_seconds": seconds, "threads": threads})
    return json.loads(clock.read_text(encoding="utf-8"))


def judge_heads(
    explainer: Explainer, run: Path, specimens: Specimens, test: Specimens
) -> dict[str, Any]:
    """Choose the head whose peak is on the butterfly most often in validation; measure on test."""
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    names = set(config["data"]["validation_images"])
    validation = specimens.with_table(specimens.table[specimens.table["image"].isin(names)])
    mass, peak, _, _ = on_butterfly(explainer, validation)
    # Equal shares of peaks are common with few photographs: the larger mass inside decides.
    head = max(range(peak.shape[1]), key=lambda h: (peak[:, h].mean(), mass[:, h].mean()))
    mass, peak, near, share = on_butterfly(explainer, test)
    return {
        "head": head,
        "mass_inside": float(mass[:, head].mean()),
        "mask_share": float(share.mean()),
        "mass_over_share": float(mass[:, head].mean() / share.mean()),
        "peak_on_butterfly": float(peak[:, head].mean()),
        "pointing_game": float(near[:, head].mean()),
        "mean_map_mass_over_share": float(mass.mean() / share.mean()),
        "all_heads_mass_over_share": (mass.mean(0) / share.mean()).round(3).tolist(),
        "all_heads_peak_on_butterfly": peak.mean(0).round(3).tolist(),
    }


def on_butterfly(
    explainer: Explainer, specimens: Specimens
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Measure the maps of the predicted class against the butterfly's mask.

    Returns
    -------
    tuple
        Attention mass inside the mask ``[n, R]`` in [0, 1]; whether the pixel of the largest
        weight lies on it ``[n, R]``; the same with the pointing game's tolerance (Zhang et al.,
        IJCV 2018: 15/224 of the short side, at least half a cell) ``[n, R]``; and the mask's share
        of the photograph ``[n]``.
    """
    masses, peaks, near, shares = [], [], [], []
    for path, mask_path in zip(specimens.paths, specimens.mask_paths, strict=True):
        assert mask_path is not None
        explanation = explainer.explain(path)
        shape = explanation.photograph.shape[:2]
        mask = read_mask(mask_path, shape)
        distance = distance_transform_edt(~mask)
        half_a_cell = 0.5 * explanation.stride * min(shape) / min(explanation.resized_shape)
        tolerance = max(15 / 224 * min(shape), half_a_cell)
        maps = [explanation.heatmap(head=head) for head in range(explanation.heads)]
        places = [int(map_.argmax()) for map_ in maps]
        masses.append([float(map_[mask].sum() / map_.sum()) for map_ in maps])
        peaks.append([bool(mask.flat[place]) for place in places])
        near.append([bool(distance.flat[place] <= tolerance) for place in places])
        shares.append(mask.mean())
    return np.array(masses), np.array(peaks), np.array(near), np.array(shares)


def summarise(
    correct: dict[str, list[np.ndarray]], leaked: np.ndarray, runs: list[dict[str, Any]]
) -> dict[str, Any]:
    """Average over seeds, with 95 % intervals over test photographs."""
    intr, plain = (np.array(correct[kind]) for kind in KINDS)
    heads = pd.DataFrame([row for row in runs if row["kind"] == "intr"])
    clean = paired_difference(intr[:, ~leaked], plain[:, ~leaked], seed=0)
    hits = round(float((heads["peak_on_butterfly"] * intr.shape[1]).sum()))
    return {
        "intr_top1": interval_over_images(intr),
        "plain_top1": interval_over_images(plain),
        "intr_minus_plain": paired_difference(intr, plain, seed=0),
        "intr_top1_without_leaked": interval_over_images(intr[:, ~leaked]),
        "intr_minus_plain_without_leaked": clean,
        "mass_over_share": {
            "mean": float(heads["mass_over_share"].mean()),
            "lowest": float(heads["mass_over_share"].min()),
        },
        "peak_on_butterfly": {
            "mean": float(heads["peak_on_butterfly"].mean()),
            "lowest": float(heads["peak_on_butterfly"].min()),
            "interval_of_pooled_seeds": proportion_confint(hits, intr.size, method="wilson"),
        },
        "pointing_game": {
            "mean": float(heads["pointing_game"].mean()),
            "lowest": float(heads["pointing_game"].min()),
        },
        "longest_training_seconds": {
            kind: max(row["training_seconds"] for row in runs if row["kind"] == kind)
            for kind in KINDS
        },
    }


def interval_over_images(right: np.ndarray) -> dict[str, float]:
    """Return the mean of ``[runs, n]`` and its percentile interval over images."""
    per_image = right.mean(axis=0)
    found = bootstrap(
        (per_image,), np.mean, n_resamples=9999, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    return {"mean": float(per_image.mean()), "low": found.low, "high": found.high,
            "n": right.shape[1], "runs": right.shape[0]}  # fmt: skip


def as_markdown(record: dict[str, Any]) -> str:
    """Return the table that people read."""
    summary, runs = record["summary"], record["runs"]
    difference = summary["intr_minus_plain"]
    clean = summary["intr_minus_plain_without_leaked"]
    lines = [
        "# Leeds butterflies: INTR and a plain classifier",
        "",
        f"Command: `{record['command']}`. Machine: {record['machine']['processor']}, "
        f"{record['machine']['threads']} threads. Test photographs: {record['data']['n_test']}, "
        f"of {record['data']['classes']} species. Preset `small`, random weights, validation cut "
        "from the training split, test split opened once after training.",
        "",
        "| model | seed | test top-1 | training, s | threads | parameters | head "
        "| mass over mask share | peak on butterfly | pointing game |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in runs:
        head = (
            f"{row['head']} | {row['mass_over_share']:.2f} | {row['peak_on_butterfly']:.1%} "
            f"| {row['pointing_game']:.1%}"
            if row["kind"] == "intr"
            else "| | |"
        )
        lines.append(
            f"| {row['kind']} | {row['seed']} | {row['top1']:.1%} | {row['training_seconds']:.0f} "
            f"| {row['threads']} | {row['parameters']:,} | {head} |"
        )
    lines += [
        "",
        f"- INTR: mean top-1 {percent(summary['intr_top1'])}; "
        f"plain {percent(summary['plain_top1'])}.",
        f"- INTR minus plain: {100 * difference['difference']:+.1f} points (95 % interval "
        f"{100 * difference['low']:+.1f} to {100 * difference['high']:+.1f}, "
        f"n = {difference['n']} images, {p_value(difference['p'])}, {difference['test']}).",
        f"- Without the {record['data']['leaked']} test photographs whose butterfly also stands in "
        f"train: INTR {percent(summary['intr_top1_without_leaked'])}, minus plain "
        f"{100 * clean['difference']:+.1f} points "
        f"({100 * clean['low']:+.1f} to {100 * clean['high']:+.1f}).",
        f"- Best head (chosen on validation): attention mass inside the mask over the mask's share "
        f"{summary['mass_over_share']['mean']:.2f} (lowest seed "
        f"{summary['mass_over_share']['lowest']:.2f}); peak on the butterfly "
        f"{summary['peak_on_butterfly']['mean']:.1%} (lowest seed "
        f"{summary['peak_on_butterfly']['lowest']:.1%}; target 90 %); with the pointing game's "
        f"tolerance {summary['pointing_game']['mean']:.1%}.",
        "",
        "Intervals are over test photographs, for the mean of the seeds.",
        "",
    ]
    return "\n".join(lines)


def percent(value: dict[str, float]) -> str:
    """Return a share with its interval and n."""
    return (
        f"{value['mean']:.1%} (95 % interval {value['low']:.1%} to {value['high']:.1%}, "
        f"n = {value['n']:.0f} images × {value['runs']:.0f} seeds)"
    )


if __name__ == "__main__":
    main()
