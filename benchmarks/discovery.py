"""Does the model find the attributes that tell mimics apart? Where they are known, it can be said.

Draws fresh specimens of the mimicry rings, whose seeds no training used, and measures the demo's
model: accuracy; whether heads peak on the diagnostic attribute; whether changing the attribute, and
nothing else, changes the answer; whether a head matters as much as what it looks at. Beside it, on
the same specimens: a plain classifier, a 1-nearest-neighbour on pixels, and chance.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier

from benchmarks import discovery_measures as measures
from benchmarks.common import RESULTS, machine
from benchmarks.discovery_look import look
from benchmarks.discovery_page import NAMES, THUMBNAIL, as_markdown
from benchmarks.discovery_summary import summarise
from intr_discover import Explainer, Specimens, load
from intr_discover.data import rings
from intr_discover.data.images import read_image
from intr_discover.data.rings import Rendering, RingSpecimen
from intr_discover.data.rings.specimen import USUAL_SIZE
from intr_discover.edits.erase import erase
from intr_discover.errors import shorten
from intr_discover.explain.importance import margin
from intr_discover.explain.method import FitSettings, Method
from intr_discover.files import write_json, write_text, write_with
from intr_discover.model.intr import INTR
from intr_discover.neighbours.registry import load_method
from intr_discover.provenance import versions
from intr_discover.studies.looking import TOP_HEADS
from intr_discover.studies.pointing import hits, tolerance_for

PLAIN_EPOCHS = 6  # each costs it two and a half times as much as one of INTR
CHUNK = 32
WORKERS = 2

__all__ = ["NAMES", "as_markdown", "baselines", "measure", "summarise"]


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--run", default="demo", help="a run folder, or demo")
    parser.add_argument(
        "--method", help="another way to explain, such as protopnet; --run is what was trained for "
        "it by study neighbours",
    )  # fmt: skip
    parser.add_argument("--per-class", type=int, default=50, help="specimens of each species")
    parser.add_argument(
        "--seed", type=int, nargs="+", action="extend", help="of the specimens; 50000 if none"
    )
    parser.add_argument("--hard", type=float, default=0.5, help="of the specimens")
    parser.add_argument(
        "--rings", type=int, default=len(rings.RINGS), help="the first rings, where RUN knows fewer"
    )
    parser.add_argument("--size", type=int, default=USUAL_SIZE, help="pixels of a side")
    parser.add_argument(
        "--training", type=Path, default=Path("build/demo-model/specimens"),
        help="what the model was trained on, for the plain classifier and the nearest neighbour",
    )  # fmt: skip
    parser.add_argument(
        "--plain", type=Path, default=Path("build/demo-model/plain"),
        help="run folder of a plain classifier; trained there when it is absent",
    )  # fmt: skip
    parser.add_argument("--no-baselines", action="store_true", help="leave both out")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args()

    seeds = list(dict.fromkeys(options.seed or [50_000]))
    training = None if options.no_baselines else training_specimens(options.training, seeds)

    began = time.monotonic()
    studied: Explainer | Method
    if options.method is None:
        studied = load(options.run, device="cpu")
        check_model(studied)
    else:
        studied = load_method(options.method, Path(options.run), FitSettings(device="cpu"))
    check_classes(studied.classes, options.run, options.rings)
    individuals = [
        rings.draw_specimen(
            seed, index, size=options.size, ring_count=options.rings, hard=options.hard
        )
        for seed in seeds
        for index in range(options.per_class * 2 * options.rings)
    ]
    specimens, heads = measure(studied, individuals)
    name = "discovery" if options.method is None else f"discovery_{options.method}"
    parameters = (
        studied.parameters
        if isinstance(studied, Method)
        else sum(p.numel() for p in studied.model.parameters())
    )
    record = {
        "command": " ".join(["python", "-m", "benchmarks.discovery", *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "model": {
            "run": str(options.run),
            "fingerprint": studied.fingerprint,
            "parameters": parameters,
        },
        **({} if options.method is None else {"method": options.method}),
        "generator": rings.GENERATOR_VERSION,
        "seeds": seeds,
        "hard": options.hard,
        **summarise(specimens, heads),
        "baselines": {} if training is None else baselines(training, options, individuals),
        "seconds": round(time.monotonic() - began, 1),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    write_with(
        options.out / f"{name}_specimens.csv", lambda path: specimens.to_csv(path, index=False)
    )
    write_json(options.out / f"{name}.json", record)
    write_text(options.out / f"{name}.md", as_markdown(record))
    print(as_markdown(record))


def check_model(explainer: Explainer) -> None:
    """Refuse a model that cannot be measured here.

    Raises
    ------
    SystemExit
        If it has no heads.
    """
    if not isinstance(explainer.model, INTR):
        raise SystemExit(f"{explainer.source} is a plain classifier, which has no heads to measure")


def check_classes(classes: list[str], run: str, ring_count: int = len(rings.RINGS)) -> None:
    """Refuse what does not know the species of the rings.

    Raises
    ------
    SystemExit
        Naming some of them.
    """
    unknown = {label for ring in rings.RINGS[:ring_count] for label in ring.labels} - set(classes)
    if unknown:
        raise SystemExit(f"{run} was not trained on {shorten(sorted(unknown))}")


def measure(
    studied: Explainer | Method, individuals: list[RingSpecimen]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one row a specimen, and one row a specimen and head, or unit of another method."""
    rows: list[pd.DataFrame] = []
    head_rows: list[pd.DataFrame] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for start in range(0, len(individuals), CHUNK):
            chunk = individuals[start : start + CHUNK]
            pictures = list(pool.map(rings.render, chunk))
            found, of_heads = _measure_chunk(studied, chunk, pictures, pool)
            rows.append(found)
            head_rows.append(of_heads)
            print(f"{start + len(chunk)} of {len(individuals)}", file=sys.stderr, flush=True)
    return pd.concat(rows, ignore_index=True), pd.concat(head_rows, ignore_index=True)


def attributes_of(specimen: RingSpecimen, picture: Rendering) -> dict[str, NDArray[np.uint8]]:
    """Return the masks of the diagnostic and the varying attributes.

    Parts of the pattern are left out: mates share them, so taking one away moves both alike.
    """
    return {name: picture.attributes[name] for name in specimen.states}


def _measure_chunk(
    studied: Explainer | Method,
    chunk: list[RingSpecimen],
    pictures: list[Rendering],
    pool: ThreadPoolExecutor,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    size = (pictures[0].mask.shape[0], pictures[0].mask.shape[1])
    own = torch.tensor([studied.classes.index(s.label) for s in chunk])
    seen = look(studied, [p.photograph for p in pictures], [s.label for s in chunk])
    tolerance = tolerance_for(size, seen[0].cell)
    hit_by = [
        measures.nearest_attribute(
            seen[i].peaks[0], attributes_of(chunk[i], pictures[i]), tolerance
        )
        for i in range(len(chunk))
    ]
    diagnostic = [s.ring.diagnostic for s in chunk]
    # Of the true class's units, and of those of the answer.
    on_diagnostic = [
        [hits(peaks, pictures[i].attributes[diagnostic[i]], tolerance) for peaks in seen[i].peaks]
        for i in range(len(chunk))
    ]
    hit_by_top = [
        [
            bool(hit[list(ranked[:TOP_HEADS])].any())
            for hit, ranked in zip(on_diagnostic[i], seen[i].ranked, strict=True)
        ]
        for i in range(len(chunk))
    ]

    # The diagnostic attribute is always re-drawn as the mate's, others only where a head hit them.
    wanted = [
        (i, name)
        for i in range(len(chunk))
        for name in sorted({diagnostic[i], *(hit for hit in hit_by[i] if hit is not None)})
    ]

    def redraw(task: tuple[int, str]) -> NDArray[np.uint8]:
        place, name = task
        if name == diagnostic[place]:
            return rings.render(chunk[place], swap=name).photograph
        return rings.render(chunk[place], without=name).photograph

    redrawn = list(pool.map(redraw, wanted))
    logits = torch.from_numpy(studied.logits(redrawn, batch_size=CHUNK))
    places = torch.tensor([place for place, _ in wanted])
    before = torch.tensor([seen[place].margin for place, _ in wanted])
    drops = (before - margin(logits, own[places])).tolist()
    effect = dict(zip(wanted, drops, strict=True))
    swapped = {place: studied.classes[int(row.argmax())]
               for (place, name), row in zip(wanted, logits, strict=True)
               if name == diagnostic[place]}  # fmt: skip

    erased, controls = _erasures(studied, chunk, pictures)
    rows, head_rows = [], []
    for i, specimen in enumerate(chunk):
        name = f"{specimen.seed}-{specimen.index:06d}"
        rows.append({
            "image": name, "label": specimen.label, "ring": specimen.ring.name,
            "diagnostic": diagnostic[i], "difference": specimen.ring.difference,
            "state": specimen.states[diagnostic[i]], "predicted": seen[i].answer,
            "right": seen[i].answer == specimen.label,
            "hit_top3": hit_by_top[i][0],
            "hit_top3_of_answer": hit_by_top[i][1],
            "swap_to_mate": swapped[i] == specimen.mate,
            "erase_to_mate": None if erased[i] is None else erased[i] == specimen.mate,
            "control_changed": None if controls[i] is None else controls[i] != seen[i].answer,
            "share_of_image": float((pictures[i].attributes[diagnostic[i]] > 0).mean()),
            "chance": measures.chance_of_one(pictures[i], diagnostic[i], tolerance),
        })  # fmt: skip
        for head in range(len(seen[i].strengths)):
            hit = hit_by[i][head]
            head_rows.append({
                "image": name, "label": specimen.label, "head": head,
                "on_diagnostic": bool(on_diagnostic[i][0][head]), "hits": hit,
                "importance": float(seen[i].importance[head]),
                "effect": 0.0 if hit is None else effect[i, hit],
                "map_maximum": float(seen[i].strengths[head]),
            })  # fmt: skip
    return pd.DataFrame(rows), pd.DataFrame(head_rows)


def _erasures(
    studied: Explainer | Method, chunk: list[RingSpecimen], pictures: list[Rendering]
) -> tuple[list[str | None], list[str | None]]:
    """Return the answers after erasing the attribute (presence only) and a control region."""
    tasks: list[tuple[str, int, NDArray[np.uint8]]] = []
    for place, (specimen, picture) in enumerate(zip(chunk, pictures, strict=True)):
        attribute = specimen.ring.diagnostic
        if specimen.ring.difference == "presence" and picture.states[attribute] == "present":
            region = measures.region_to_erase(picture, attribute)
            tasks.append(("attribute", place, erase(picture.photograph, region)))
        control = measures.control_region(picture, attribute, specimen.random("control region"))
        if control is not None:
            tasks.append(("control", place, erase(picture.photograph, control)))
    answers: dict[str, list[str | None]] = {
        kind: [None] * len(chunk) for kind in ("attribute", "control")
    }
    logits = studied.logits([picture for *_, picture in tasks], batch_size=CHUNK)
    for (kind, place, _), row in zip(tasks, logits, strict=True):
        answers[kind][place] = studied.classes[int(row.argmax())]
    return answers["attribute"], answers["control"]


def training_specimens(folder: Path, seeds: list[int]) -> Specimens:
    """Return what the model was trained on.

    Raises
    ------
    SystemExit
        If it is not there, or was drawn with one of the seeds that are to be new to the model.
    """
    if not (folder / "specimens.csv").is_file():
        raise SystemExit(
            f"no training specimens in {folder}: make demo-model writes them, or add --no-baselines"
        )
    seen = {specimen.seed for specimen in rings.read_specimens(folder).values()}
    if seen & set(seeds):
        both = min(seen & set(seeds))
        raise SystemExit(f"{folder} was drawn with seed {both}: name another --seed")
    return Specimens.read(folder / "specimens.csv").select(split="train")


def baselines(
    training: Specimens, options: argparse.Namespace, individuals: list[RingSpecimen]
) -> dict[str, Any]:
    """Return top-1 of a plain classifier and of a nearest neighbour on the same specimens."""
    if not (options.plain / "model.safetensors").is_file():
        command = ["train", str(options.training), "--out", str(options.plain), "--model", "plain",
                   "--config", "scripts/demo_model.yaml", "--epochs", str(PLAIN_EPOCHS),
                   "--device", "cpu"]  # fmt: skip
        subprocess.run([sys.executable, "-m", "intr_discover", *command], check=True)
    plain = load(options.plain, device="cpu")
    neighbour = KNeighborsClassifier(n_neighbors=1)
    neighbour.fit([_thumbnail(read_image(path)) for path in training.paths],
                  training.table["label"])  # fmt: skip
    right: dict[str, list[bool]] = {"plain": [], "nearest_neighbour": []}
    with ThreadPoolExecutor(WORKERS) as pool:
        for start in range(0, len(individuals), CHUNK):
            chunk = individuals[start : start + CHUNK]
            pictures = [picture.photograph for picture in pool.map(rings.render, chunk)]
            answers = {
                "plain": [plain.classes[c] for c in plain.logits(pictures).argmax(axis=1)],
                "nearest_neighbour": neighbour.predict([_thumbnail(p) for p in pictures]),
            }
            for name, said in answers.items():
                right[name] += [
                    answer == specimen.label for answer, specimen in zip(said, chunk, strict=True)
                ]
    return {name: measures.share(flags) for name, flags in right.items()}


def _thumbnail(photograph: NDArray[np.uint8]) -> NDArray[np.float32]:
    small = cv2.resize(photograph, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    return small.ravel().astype(np.float32) / np.float32(255)


if __name__ == "__main__":
    main()
