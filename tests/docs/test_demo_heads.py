"""The kept result of ``intr-discover study heads demo demo``, which pages quote, made anew."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from intr_discover import Specimens, load
from intr_discover.report.character_files import caption, read_tables
from intr_discover.report.characters import character_matrix
from intr_discover.studies.registry import find_studies
from intr_discover.studies.study import StudyInputs
from tests.docs.blocks import ROOT

KEPT = Path(__file__).parent / "demo_heads"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_kept_result_is_that_of_the_command():
    study = find_studies()["heads"]
    specimens = Specimens.read("demo")
    explainer = load("demo", device="cpu")
    record = json.loads((KEPT / "provenance.json").read_text(encoding="utf-8"))
    assert record["model_fingerprint"] == explainer.fingerprint
    result = study.run(study.inputs(StudyInputs(explainer, specimens, "test")))
    summary = json.loads((KEPT / "summary.json").read_text(encoding="utf-8"))
    assert result.summary == pytest.approx(summary, abs=5e-4)
    kept = pd.read_csv(KEPT / "heads.csv")
    made = result.table[list(kept.columns)]
    assert made[["label", "head", "part"]].equals(kept[["label", "head", "part"]])
    for flag in ("consistent", "important", "concentrated", "distinct"):
        assert made[flag].astype(bool).tolist() == kept[flag].astype(bool).tolist(), flag
    numbers = kept.select_dtypes("number").columns
    pd.testing.assert_frame_equal(
        made[numbers].astype(float), kept[numbers].astype(float), atol=5e-4, rtol=0
    )


@pytest.mark.parametrize(
    ("named", "least", "size", "unknown", "words"),
    [
        (
            True,
            0,
            "16 species by 3",
            "38 of 48",
            "16 species by 3 attributes, 38 of whose 48",
        ),
        (False, 0, "16 species by 8", "0 of 128", "one of 16 by 8 without an unknown cell"),
        (False, 1, "16 species by 6", "40 of 96", "one of 16 by 6, with 40 of 96 unknown"),
    ],
)
def test_the_matrices_of_the_page_on_phylogenetics(named, least, size, unknown, words):
    page = (ROOT / "docs" / "phylogenetics.md").read_text(encoding="utf-8")
    assert words in " ".join(page.split())
    shown = re.findall(r'\("([^"]+)", (\d), "([^"]+)"\),', page)
    assert len(shown) == 5
    names = {(species, int(head)): name for species, head, name in shown} if named else None
    matrix = character_matrix(read_tables(KEPT).heads, names=names, least=least)
    assert caption(matrix, edited=False)[0] == (
        f"{size} discovered attributes; {unknown} cells are unknown."
    )
