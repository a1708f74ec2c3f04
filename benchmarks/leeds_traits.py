"""Four traits that the field guide names, taken away from butterflies of the Leeds data set.

The traits were outlined by hand on test photographs that no training saw
(``benchmarks/leeds_traits.json``). Each is erased, and recoloured to the wing around it, by two
fills each, beside the same done to regions of its shape elsewhere on the specimen; and its colour
is painted there. Only numbers are written: the photographs may not be redistributed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.common import RESULTS, machine
from benchmarks.leeds import train
from benchmarks.leeds_trait_edits import measure_photograph, trait_mask
from benchmarks.leeds_traits_figure import traits_figure
from benchmarks.leeds_traits_page import as_markdown
from data_prep.leeds import prepare
from intr_discover import Explainer, Specimens, load
from intr_discover.data.images import read_image, read_mask
from intr_discover.errors import UserError
from intr_discover.figures.style import save_figure
from intr_discover.files import write_json, write_text, write_with
from intr_discover.provenance import versions
from intr_discover.studies.effect import CONTROLS
from intr_discover.studies.statistics import bootstrap_interval, sign_flip_p, wilson

POLYGONS = Path(__file__).with_suffix(".json")
PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
OPERATIONS = ("erase", "recolour")


def main() -> None:
    """Edit every photograph, summarise, write results."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data/leeds"))
    parser.add_argument("--runs", type=Path, default=Path("runs/leeds"), help="tables and runs")
    parser.add_argument("--run-seed", type=int, default=0, help="of the trained model")
    parser.add_argument("--polygons", type=Path, default=POLYGONS)
    parser.add_argument("--controls", type=int, default=CONTROLS)
    parser.add_argument("--seed", type=int, default=0, help="of controls and intervals")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--pictures", type=Path, default=PICTURES, help="folder of the figure")
    options = parser.parse_args()

    table = options.runs / "data" / "specimens.csv"
    if not table.exists():
        prepare(options.data, table.parent)
    train(table, options.runs, "intr", options.run_seed, threads=1)
    explainer = load(options.runs / f"intr_{options.run_seed}", device="cpu")
    began = time.monotonic()
    known = read_polygons(options.polygons)
    rows, controls = measure(
        explainer,
        Specimens.read(table),
        known,
        controls=options.controls,
        seed=options.seed,
        batch_size=options.batch_size,
    )
    record = {
        "command": " ".join(["python", "-m", "benchmarks.leeds_traits", *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "model": {"run": f"intr_{options.run_seed}", "fingerprint": explainer.fingerprint},
        "controls": options.controls,
        "seconds": round(time.monotonic() - began, 1),
        "results": summarise(rows, known, options.seed),
    }
    write_results(record, known, rows, controls, options.out, options.pictures)
    print(as_markdown(record))


def write_results(
    record: dict[str, Any],
    known: Mapping[str, Any],
    rows: pd.DataFrame,
    controls: pd.DataFrame,
    out: Path,
    pictures: Path,
) -> None:
    """Write numbers, tables and page into ``out``, and the figure into ``pictures``.

    No picture of the data is among them.
    """
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "leeds_traits.json", record)
    for name, frame in (("leeds_traits", rows), ("leeds_traits_controls", controls)):
        write_with(out / f"{name}.csv", partial(frame.to_csv, index=False, float_format="%.4f"))
    write_text(out / "leeds_traits.md", as_markdown(record))
    save_figure(
        traits_figure(known, rows, controls, record["results"]), pictures / "leeds_traits.png"
    )


def read_polygons(path: Path) -> dict[str, Any]:
    """Return ``{species: {"trait", "images": {stem: polygons}, "outline"}}``, all as written."""
    return dict(json.loads(path.read_text(encoding="utf-8"))["species"])


def measure(
    explainer: Explainer,
    specimens: Specimens,
    known: Mapping[str, Any],
    *,
    controls: int,
    seed: int,
    batch_size: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one row for each photograph and operation, and one for each control.

    Parameters
    ----------
    explainer
        The model, which must not have been trained on any of the photographs.
    specimens
        Photographs with masks; those of the polygons must be in its split ``test``, their
        individuals not in ``train``.
    known
        ``{species: {"trait": ..., "images": {stem: polygons}}}``, corners as fractions of width
        and height.
    controls, seed, batch_size
        How many controls, their seed, photographs a batch.

    Raises
    ------
    UserError
        If a photograph is missing, or was trained on.
    """
    test = specimens.select(split="test")
    trained = set(specimens.select(split="train").table["individual"])
    places = {path.stem: place for place, path in enumerate(test.paths)}
    rows: list[dict[str, Any]] = []
    beside: list[dict[str, Any]] = []
    for label, species in known.items():
        for stem, polygons in species["images"].items():
            if stem not in places:
                raise UserError(f"{specimens.source}: there is no test photograph '{stem}'")
            place = places[stem]
            about = test.table.iloc[place]
            mask_path = test.mask_paths[place]
            if about["individual"] in trained or about["label"] != label or mask_path is None:
                raise UserError(
                    f"{about['image']} must be a {label} that is not in train, with a mask of the "
                    "specimen: choose another photograph"
                )
            photograph = read_image(test.paths[place])
            shape = (photograph.shape[0], photograph.shape[1])
            specimen = read_mask(mask_path, shape)
            found = measure_photograph(
                explainer, f"{label}/{stem}", photograph, trait_mask(polygons, shape), specimen,
                controls=controls, seed=seed, batch_size=batch_size,
            )  # fmt: skip
            named = {"label": label, "trait": species["trait"]}
            rows += [{**named, **row} for row in found[0]]
            beside += [{"label": label, **row} for row in found[1]]
            drops = ", ".join(f"{row['operation']} {row['drop']:.2f}" for row in found[0])
            print(f"{label}/{stem}: {drops}", flush=True)
    return pd.DataFrame(rows), pd.DataFrame(beside)


def summarise(rows: pd.DataFrame, known: Mapping[str, Any], seed: int) -> list[dict[str, Any]]:
    """Return the numbers of each species and operation; drops in logits, shares in [0, 1].

    ``n`` photographs, ``n_p`` of them with all controls; ``flip``, ``second_flip``,
    ``control_flip``, ``confirmed`` (both fills beyond their controls) with Wilson intervals;
    ``drop``, ``control_drop``, ``painted_drop``, ``excess`` (edit − its controls) and
    ``beyond_painted`` (edit − the trait's colour painted on the controls) with bootstrap intervals,
    the last two with p by sign flips; ``median_p``; ``becomes``: answers after a flip, counted.
    """
    found = []
    for label, species in known.items():
        for operation in OPERATIONS:
            own = (rows["label"] == label) & (rows["operation"] == operation)
            group = rows[own].reset_index(drop=True)
            if group.empty:
                continue
            row: dict[str, Any] = {
                "label": label,
                "trait": species["trait"],
                "operation": operation,
                "n": len(group),
                "n_p": int(group["p"].notna().sum()),
                "cut": int((group["pieces"] > 1).sum()),
                "area_of_specimen": float(group["area_of_specimen"].mean()),
                "lead_before": float(group["lead_before"].mean()),
                "colour_change": float(group["colour_change"].mean()),
                "control_colour_change": float(group["control_colour_change"].mean()),
                "median_p": float(group["p"].median()),
            }
            for name in ("flip", "second_flip", "confirmed", "control_flip", "painted_flip"):
                if name in group and group[name].notna().any():
                    row |= _share(name, group[name])
            excess = group["drop"] - group["control_drop"]
            means = {name: group[name] for name in ("drop", "second_drop", "control_drop")}
            means["excess"] = excess
            row["excess_p"] = sign_flip_p(excess, seed)
            if operation == "recolour":
                means["painted_drop"] = group["painted_drop"]
                means["beyond_painted"] = group["drop"] - group["painted_drop"]
                row["beyond_painted_p"] = sign_flip_p(means["beyond_painted"], seed)
            for name, values in means.items():
                row |= _mean(name, values, seed)
            if operation == "erase":
                row |= attention(group, seed)
            row["becomes"] = dict(Counter(group.loc[group["flip"], "answer_after"]).most_common())
            found.append(row)
    return found


def attention(group: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Return the best head's attention in the trait over its area, and in controls.

    The head is chosen for each photograph on the other ones of its species, so that the mean needs
    no correction for the choice. ``best_head`` is the one that all photographs together choose.
    """
    heads = group.filter(regex=r"^head_\d+$").to_numpy(dtype=np.float64)
    beside = group.filter(regex=r"^beside_\d+$").to_numpy(dtype=np.float64)
    others = heads.sum(axis=0) - heads
    chosen = (others if len(heads) > 1 else heads).argmax(axis=1)
    each = np.arange(len(heads))
    return {
        "best_head": int(heads.mean(axis=0).argmax()),
        **_mean("attention", pd.Series(heads[each, chosen]), seed),
        **_mean("attention_beside", pd.Series(beside[each, chosen]), seed),
        "attention_of_mean_map": float(heads.mean()),
    }


def _share(name: str, flags: pd.Series) -> dict[str, Any]:
    """Return a share with Wilson's interval; what is between 0 and 1 counts in part."""
    values = flags.dropna().astype(float)
    mean = float(values.mean())
    low, high = wilson(round(float(values.sum())), len(values))
    return {name: mean, f"{name}_low": min(low, mean), f"{name}_high": max(high, mean),
            f"{name}_n": len(values)}  # fmt: skip


def _mean(name: str, values: pd.Series, seed: int) -> dict[str, Any]:
    low, high = bootstrap_interval(values, seed)
    return {name: float(values.mean()), f"{name}_low": low, f"{name}_high": high}


if __name__ == "__main__":
    main()
