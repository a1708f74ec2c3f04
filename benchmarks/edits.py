"""Measure what edits do on drawn look-alikes, beside their controls, and how long one takes.

Draws fresh specimens of the mimicry rings, whose seeds no training used: the diagnostic attribute
erased where one mate bears it and the other does not, recoloured where they differ in its colour,
and what maps mark erased without being told where the attribute is.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.common import RESULTS, machine
from intr_discover import Explainer, load
from intr_discover.data import rings
from intr_discover.data.rings import RingSpecimen
from intr_discover.data.rings.species import USUAL_COLOURS
from intr_discover.edits.operation import Edit
from intr_discover.files import write_json
from intr_discover.provenance import versions
from intr_discover.studies.edit_regions import controls_beside, fringed
from intr_discover.studies.effect import CONTROLS, Effect, Trial, measure_effect
from intr_discover.studies.guided_erasure import METHODS, SHARES, guide
from intr_discover.studies.statistics import wilson

GUIDES = tuple(method for method in METHODS if method != "rise")


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--run", default="demo", help="a run folder, or demo")
    parser.add_argument("--per-class", type=int, default=70, help="specimens of each species")
    parser.add_argument("--seed", type=int, default=60_000, help="of the specimens")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args()

    explainer = load(options.run, device="cpu")
    numbers = {
        **erasure(explainer, options.seed, options.per_class),
        **recolouring(explainer, options.seed, -(-options.per_class // 2)),
        **guided(explainer, options.seed, options.per_class),
        **speed(explainer, options.seed),
    }
    record = {
        "command": " ".join(["python", "-m", "benchmarks.edits", *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "model": {"run": options.run, "fingerprint": explainer.fingerprint},
        "generator": rings.GENERATOR_VERSION,
        "seed": options.seed,
        "numbers": numbers,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    write_json(options.out / "edits.json", record)
    for name, value in numbers.items():
        print(f"{name:32s} {value}")


def drawn(difference: str, seed: int, per_class: int) -> Iterator[RingSpecimen]:
    """Yield specimens of rings whose mates differ so; of presence pairs those that bear it."""
    for number, ring in enumerate(rings.RINGS):
        if ring.difference != difference:
            continue
        for which in (0, 1):
            if difference == "presence" and ring.states[which] != "present":
                continue
            for i in range(per_class):
                yield rings.draw_specimen(seed, 16 * i + 2 * number + which)


def trial(specimen: RingSpecimen) -> Trial:
    """Return the erasure of a specimen's diagnostic attribute, with its controls."""
    picture = rings.render(specimen)
    region = fringed(picture.attributes[specimen.ring.diagnostic] > 0)
    generator = specimen.random("controls of the edit")
    controls = controls_beside(
        region, picture.mask > 0, region, feather=0, count=CONTROLS, generator=generator
    )
    return Trial(picture.photograph, region, Edit("erase"), controls)


def erasure(explainer: Explainer, seed: int, per_class: int) -> dict[str, Any]:
    """Erase the attribute of those that bear it."""
    effects: list[tuple[str, Effect]] = [
        (specimen.mate, measure_effect(explainer, trial(specimen)))
        for specimen in drawn("presence", seed, per_class)
    ]
    controls = np.concatenate([effect.control_flips() for _, effect in effects])
    known = [effect.p() for _, effect in effects if not np.isnan(effect.p())]
    confirmed = [effect.confirmed for _, effect in effects if effect.confirmed is not None]
    return {
        "erase_to_mate": share([effect.classes[effect.after] == mate for mate, effect in effects]),
        "erase_control_flip": {"value": float(controls.mean()), "n": len(controls)},
        "erase_median_p": {"value": float(np.median(known)), "n": len(known)},
        "erase_confirmed": share([bool(each) for each in confirmed]),
    }


def recolouring(explainer: Explainer, seed: int, per_class: int) -> dict[str, Any]:
    """Give the attribute the mate's colour: the known one, or that of a photograph of the mate."""
    answers: dict[str, list[bool]] = {"recolour_to_mate": [], "recolour_by_donor_to_mate": []}
    for specimen in drawn("colour", seed, per_class):
        picture, name = rings.render(specimen), specimen.ring.diagnostic
        colours = specimen.ring.attributes.get(name) or USUAL_COLOURS[name]
        colour = "#{:02x}{:02x}{:02x}".format(*colours[1 - specimen.which])
        # A mate of another number, so that nothing but the species is shared.
        other = 16 * (specimen.index // 16 + per_class)
        mate = rings.render(
            rings.draw_specimen(seed, other + (specimen.index % 16) + 1 - 2 * specimen.which)
        )
        mask = picture.attributes[name] > 0
        edited = [
            Edit("recolour", colour=colour).apply(picture.photograph, mask),
            Edit("recolour", "donor").apply(
                picture.photograph, mask, mate.photograph, mate.attributes[name]
            ),
        ]
        after = explainer.logits(edited).argmax(axis=1)
        for key, class_id in zip(answers, after, strict=True):
            answers[key].append(explainer.classes[class_id] == specimen.mate)
    return {key: share(flags) for key, flags in answers.items()}


def guided(explainer: Explainer, seed: int, per_class: int) -> dict[str, Any]:
    """Erase what maps mark, on those that bear an attribute; no mask is used."""
    rows = []
    for specimen in drawn("presence", seed, per_class):
        found = guide(
            explainer, rings.render(specimen).photograph, f"{specimen.seed}-{specimen.index}",
            GUIDES, seed=seed, minimal=False,
        )  # fmt: skip
        rows.append(found.flips)
    flips = pd.DataFrame(rows)
    return {
        f"guided_{method}_{round(100 * part)}": share(flips[method, part].tolist())
        for method in GUIDES
        for part in SHARES
    }


def speed(explainer: Explainer, seed: int) -> dict[str, Any]:
    """Time one edit with its controls, second fill and strengths; the median of five."""
    seconds = []
    for specimen in list(drawn("presence", seed, 2))[:6]:
        began = time.monotonic()
        measure_effect(explainer, trial(specimen))
        seconds.append(time.monotonic() - began)
    return {"seconds_an_edit": {"value": float(np.median(seconds[1:])), "n": len(seconds) - 1}}


def share(flags: list[bool]) -> dict[str, Any]:
    """Return a share with Wilson's interval and n."""
    low, high = wilson(sum(flags), len(flags))
    return {"value": float(np.mean(flags)), "low": low, "high": high, "n": len(flags)}


if __name__ == "__main__":
    main()
