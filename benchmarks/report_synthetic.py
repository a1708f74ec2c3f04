"""A report of many species from invented tables and drawn pictures, without any model's work.

What the page must bear is decided by the number of species, pairs and figures; the numbers in it
mean nothing. Pictures are composed of drawn butterflies, with as many pixels as real figures have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from benchmarks import report_invented as invented
from benchmarks.report_invented import PHOTOGRAPHS_EACH
from intr_discover.data import rings
from intr_discover.data.preprocessing import Preprocessing
from intr_discover.data.specimens import Specimens
from intr_discover.explain.explainer import Explainer
from intr_discover.model.intr import INTR, INTRConfig
from intr_discover.report.data_check import check_photographs
from intr_discover.report.facts import Facts
from intr_discover.report.folder import PAGE
from intr_discover.report.outcome import Outcome
from intr_discover.report.page import write_page
from intr_discover.studies.budget import StudyPlan
from intr_discover.studies.registry import find_studies

_MILLIMETRES_WIDE, _DOTS_PER_MILLIMETRE = 183, 300 / 25.4
_SYLLABLES = ("ar", "be", "cy", "do", "el", "fi", "gu", "he", "is", "ka", "lu", "mo", "ny")

_ROWS = {"atlas": 8, "pair": 3, "sheet": 4, "queries": 6, "edit": 4}
"""How many rows of pictures each kind of figure has; with 8 in a row that is its size."""


@dataclass
class Drawn:
    """Composes figures of a few drawn specimens.

    Parameters
    ----------
    scale
        Side of a figure over that of a real one; smaller figures are drawn sooner.
    """

    scale: float = 1.0

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(0)
        tile = round(_MILLIMETRES_WIDE * _DOTS_PER_MILLIMETRE * self.scale / 8)
        self._tiles = [
            Image.fromarray(rings.render(rings.draw_specimen(1, number)).photograph).resize(
                (tile, tile)
            )
            for number in range(16)
        ]

    def figure(self, path: Path, rows: int, title: str) -> list[Path]:
        """Write a figure as PNG and PDF; no two are alike."""
        tile = self._tiles[0].width
        picture = Image.new("RGB", (8 * tile, rows * tile), "white")
        pen = ImageDraw.Draw(picture)
        pen.text((10, 4), title.encode("ascii", "replace").decode(), fill="black")
        for row in range(rows):
            for column in range(8):
                chosen = self._tiles[self._random.integers(len(self._tiles))]
                shown = chosen.convert("L").convert("RGB") if column % 2 else chosen
                place = (column * tile + 4, row * tile + 20)
                picture.paste(shown.resize((tile - 24, tile - 24)), place)
                x, y = (int(value) for value in self._random.integers(0, tile - 40, 2))
                pen.ellipse((place[0] + x, place[1] + y, place[0] + x + 16, place[1] + y + 16),
                            outline="red", width=3)  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        png, pdf = path.with_suffix(".png"), path.with_suffix(".pdf")
        picture.save(png, compress_level=1)
        picture.resize((80, 10 * rows)).save(pdf)
        return [png, pdf]


def species_names(count: int) -> list[str]:
    """Return invented names of species, two of a genus, each once."""
    number = len(_SYLLABLES)
    genera = [
        (_SYLLABLES[i % number] + _SYLLABLES[(i // number + 3 * i) % number] + "ia").capitalize()
        + ("" if i < number else _SYLLABLES[i // number])
        for i in range((count + 1) // 2)
    ]
    return [f"{genus} {epithet}" for genus in genera for epithet in ("vera", "similis")][:count]


def write_synthetic_report(
    folder: Path, names: Sequence[str], scale: float = 1.0, edit_sheets: bool = True
) -> Path:
    """Write a report of invented numbers; return its page.

    Parameters
    ----------
    folder
        Of the report; made if it is absent.
    names
        Of the species; each two in a row are look-alikes.
    scale
        See ``Drawn``.
    edit_sheets
        Whether every species has a figure of an edit too.
    """
    drawn = Drawn(scale)
    pairs = list(zip(names[::2], names[1::2], strict=False))
    specimens = _photographs(folder / "photographs", names, pairs)
    random = np.random.default_rng(1)
    results = [
        invented.evaluate(specimens, names, random),
        invented.heads(names, random),
        invented.explanations(specimens, names, pairs, random),
        invented.mimicry(pairs, random),
        invented.transplants(pairs, random),
        invented.manipulation(names, random),
        invented.interventions(len(specimens), random),
        invented.shortcuts(names, random),
        invented.faithfulness(),
    ]
    figures = {
        "heads": [("atlas", label, f"Head atlas of {label}: a row a head.") for label in names],
        "explanations": [("pair", a, f"{a} and {b}. Each with its heads.") for a, b in pairs],
        "transplants": [("pair", a, f"{a} and {b}: the donor, and what became.") for a, b in pairs],
        "mimicry": [
            (kind, a, f"{a} and {b}: {kind}.") for a, b in pairs for kind in ("sheet", "queries")
        ],
    }
    if edit_sheets:
        figures["manipulation"] = [("edit", label, f"{label}: a spot.") for label in names]
    studies, outcomes = find_studies(), []
    for result in results:
        files = result.save_tables(folder / result.name)
        for number, (kind, label, caption) in enumerate(figures.get(result.name, []), 1):
            name = f"{kind}_{number:03d}"
            if kind in ("sheet", "queries"):
                name = f"pair_{(number + 1) // 2:03d}_{kind}"
            files += drawn.figure(folder / result.name / name, _ROWS[kind], label)
            result.drawings[name] = _never_drawn
            result.captions[name] = caption
        n = result.summary["n"]
        said = [f"An invented sentence of {result.name}, n = {n}.", "Another.", "And a third."]
        plan = StudyPlan(n, n, n, n)
        outcomes.append(Outcome(studies[result.name], plan, result, None, said, files))
    outcomes.append(Outcome(studies["replicates"], reason="nothing was trained"))
    facts = Facts(
        "an invented model", "drawn photographs", _model(names), specimens, "test", 0, False,
        checked=check_photographs(specimens, seed=0, full=True),
    )  # fmt: skip
    write_page(folder / PAGE, outcomes, facts)
    return folder / PAGE


def _never_drawn() -> Figure:
    raise AssertionError("the figure lies there already")


def _model(names: Sequence[str]) -> Explainer:
    torch.manual_seed(0)
    config = INTRConfig(
        num_classes=len(names), backbone="resnet18", backbone_stride=8, width=16, heads=2,
        encoder_layers=1, decoder_layers=1, feed_forward=16,
    )  # fmt: skip
    return Explainer(
        INTR(config).eval(), list(names), Preprocessing(32, "shorter", 64), source="x", device="cpu"
    )


def _photographs(folder: Path, names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> Specimens:
    """Write small photographs, no two alike, with their table."""
    (folder / "images").mkdir(parents=True)
    random = np.random.default_rng(2)
    rows = []
    for place, label in enumerate(names):
        for number in range(PHOTOGRAPHS_EACH):
            image = f"images/{place:03d}-{number}.png"
            pixels = random.integers(0, 255, (40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / image)
            rows.append({"image": image, "label": label, "split": "test"})
    pd.DataFrame(rows).to_csv(folder / "specimens.csv", index=False)
    table = pd.DataFrame(pairs, columns=["label_a", "label_b"])
    table.assign(diagnostic="spot").to_csv(folder / "pairs.csv", index=False)
    return Specimens.read(folder)
