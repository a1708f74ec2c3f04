"""Are the columns of the head figure attributes that a person can name? The Leeds butterflies.

The study ``heads`` gives the report card of every head of every species on the test photographs.
For the four species whose trait was outlined by hand (``benchmarks/leeds_traits.json``) it is
counted how often a head's peak lies on that trait, beside the share of the specimen that the trait
covers. What a person calls a column is written in ``benchmarks/leeds_head_names.json``, which
belongs to one model, known by its fingerprint. Only numbers are written.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.common import RESULTS, machine
from benchmarks.leeds import train
from benchmarks.leeds_heads_figure import heads_figure
from benchmarks.leeds_heads_page import as_markdown
from benchmarks.leeds_trait_edits import trait_mask
from benchmarks.leeds_traits import PICTURES, POLYGONS, read_polygons
from data_prep.leeds import prepare
from intr_discover import Explainer, Specimens, load
from intr_discover.data.images import read_mask
from intr_discover.figures.style import save_figure
from intr_discover.files import write_json, write_text, write_with
from intr_discover.provenance import versions
from intr_discover.studies.edit_regions import widened
from intr_discover.studies.effect import Mask
from intr_discover.studies.statistics import bootstrap_interval, wilson

NAMES = Path(__file__).with_name("leeds_head_names.json")
CARD = [
    "label", "head", "n", "consistency", "consistency_low", "consistency_high", "q", "distinctness",
    "importance", "importance_low", "importance_high", "effective_area",
]  # fmt: skip


def main() -> None:
    """Run the study, count the peaks, write results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/leeds"))
    parser.add_argument("--runs", type=Path, default=Path("runs/leeds"), help="tables and runs")
    parser.add_argument("--run-seed", type=int, default=0, help="of the trained model")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--pictures", type=Path, default=PICTURES, help="folder of the figure")
    options = parser.parse_args()

    table = options.runs / "data" / "specimens.csv"
    if not table.exists():
        prepare(options.data, table.parent)
    train(table, options.runs, "intr", options.run_seed, threads=1)
    run = options.runs / f"intr_{options.run_seed}"
    explainer = load(run, device="cpu")
    heads = options.runs / f"heads_{options.run_seed}"
    card = report_card(run, table, heads)
    hits = peaks_on_traits(explainer, Specimens.read(table), read_polygons(POLYGONS))
    record = {
        "command": " ".join(["python", "-m", "benchmarks.leeds_heads", *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "model": {"run": run.name, "fingerprint": explainer.fingerprint},
        "summary": summarise(card),
        "right": int(pd.read_csv(heads / "heads_photographs.csv")["right"].sum()),
        "traits": hits.to_dict("records"),
        "named": named_columns(NAMES, explainer.fingerprint, card, hits),
    }
    write_json(options.out / "leeds_heads.json", record)
    write_with(
        options.out / "leeds_heads.csv", partial(card.to_csv, index=False, float_format="%.4f")
    )
    write_text(options.out / "leeds_heads.md", as_markdown(record))
    save_figure(
        heads_figure(record["traits"], record["named"]), options.pictures / "leeds_heads.png"
    )
    print(as_markdown(record))


def report_card(run: Path, table: Path, out: Path) -> pd.DataFrame:
    """Return the head report card of the test photographs, made through the command line."""
    words = ["study", "heads", str(run), str(table), "--out", str(out), "--images", "all"]
    subprocess.run(
        [sys.executable, "-m", "intr_discover", *words, "--split", "test", "--device", "cpu"],
        check=True,
    )
    return pd.read_csv(out / "heads.csv")[CARD]


def peaks_on_traits(
    explainer: Explainer, specimens: Specimens, known: Mapping[str, Any]
) -> pd.DataFrame:
    """Return a row for each species and head: how often its peak lies on the species' trait.

    Parameters
    ----------
    explainer
        The model; asked with the query of the true species.
    specimens
        Photographs with masks; the outlined ones are in its split ``test``.
    known
        ``{species: {"trait", "images": {stem: polygons}}}``, see ``read_polygons``.

    Returns
    -------
    DataFrame
        ``label``, ``trait``, ``head``, ``n``, ``on_trait`` (photographs whose peak lies within half
        a cell of the trait) as a share with Wilson's interval, ``chance`` (share of the specimen
        that lies so near), ``on_specimen``, and ``attention`` with its interval: the share of the
        map inside the trait over the trait's share of the photograph.
    """
    test = specimens.select(split="test")
    places = {path.stem: place for place, path in enumerate(test.paths)}
    seen = []
    for label, species in known.items():
        for stem, polygons in species["images"].items():
            place = places[stem]
            mask_path = test.mask_paths[place]
            assert mask_path is not None
            explanation = explainer.explain(test.paths[place], [label])
            shape = explanation.photograph.shape[:2]
            specimen = read_mask(mask_path, shape)
            trait = trait_mask(polygons, shape) & widened(specimen, 2)
            half_a_cell = 0.5 * explanation.stride * shape[0] / explanation.resized_shape[0]
            near = widened(trait, half_a_cell)
            seen += [
                {"label": label, "trait": species["trait"], "head": head,
                 "chance": float(near[specimen].mean()),
                 **looked_at(explanation.heatmap(label, head), trait, near, specimen)}
                for head in range(explanation.heads)
            ]  # fmt: skip
    rows = pd.DataFrame(seen).groupby(["label", "trait", "head"], sort=False)
    return pd.DataFrame([_summary(*names, group) for names, group in rows])


def looked_at(heatmap: np.ndarray, trait: Mask, near: Mask, specimen: Mask) -> dict[str, Any]:
    """Return what one map has its peak on, and its attention in the trait over the trait's area."""
    peak = np.unravel_index(int(heatmap.argmax()), heatmap.shape)
    return {
        "on_trait": bool(near[peak]),
        "on_specimen": bool(specimen[peak]),
        "attention": float(heatmap[trait].sum() / heatmap.sum() / trait.mean()),
    }


def _summary(label: str, trait: str, head: int, group: pd.DataFrame) -> dict[str, Any]:
    count = int(group["on_trait"].sum())
    low, high = wilson(count, len(group))
    attention_low, attention_high = bootstrap_interval(group["attention"], 0)
    return {
        "label": label, "trait": trait, "head": int(head), "n": len(group), "count": count,
        "on_trait": count / len(group), "on_trait_low": low, "on_trait_high": high,
        "chance": float(group["chance"].mean()), "on_specimen": float(group["on_specimen"].mean()),
        "attention": float(group["attention"].mean()),
        "attention_low": attention_low, "attention_high": attention_high,
    }  # fmt: skip


def summarise(card: pd.DataFrame) -> dict[str, Any]:
    """Return how many heads are consistent, distinct and concentrated, and medians of all."""
    return {
        "heads": len(card),
        "species": int(card["label"].nunique()),
        "photographs": int(card.groupby("label")["n"].first().sum()),
        "consistent": int(((card["q"] < 0.05) & (card["consistency"] > 0.2)).sum()),
        "distinct": int((card["distinctness"] > 0.25).sum()),
        "important": int((card["importance_low"] > 0).sum()),
        "concentrated": int((card["effective_area"] < 0.25).sum()),
        "consistency": float(card["consistency"].median()),
        "distinctness": float(card["distinctness"].median()),
        "effective_area": float(card["effective_area"].median()),
    }


def named_columns(
    path: Path, fingerprint: str, card: pd.DataFrame, hits: pd.DataFrame
) -> list[dict[str, Any]]:
    """Return the columns that a person named, with what was measured of each.

    Names belong to the weights whose figures the person saw; other weights get none.

    Raises
    ------
    KeyError
        If a name belongs to a head that the model does not have.
    """
    kept = json.loads(path.read_text(encoding="utf-8"))
    if kept["model_fingerprint"] != fingerprint:
        print(
            f"note: {path.name} names the columns of other weights "
            f"({kept['model_fingerprint'][:12]}); look at the figures of these "
            "(intr-discover figure heads) and write a new one"
        )
        return []
    cards = card.set_index(["label", "head"])
    traits = hits.set_index(["label", "head"])
    rows = []
    for column in kept["columns"]:
        which = (column["label"], column["head"])
        measured = cards.loc[which].to_dict()
        if which in traits.index:
            measured |= traits.loc[which].drop(["n"]).to_dict()
        rows.append({**column, **measured, "n": int(measured["n"])})
    return rows


if __name__ == "__main__":
    main()
