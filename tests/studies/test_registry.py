"""A study is found by its file alone: by the registry, and by name without importing it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import intr_discover.studies
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.studies.listing import list_studies
from intr_discover.studies.registry import find_studies
from intr_discover.studies.study import StudyInputs
from tests.studies.drawn import draw_specimens, tiny_explainer

ROOT = Path(__file__).resolve().parents[2]

ADDED = '''
"""A study that somebody added."""

import pandas as pd

from intr_discover.studies.budget import StudyPlan
from intr_discover.studies.result import StudyResult
from intr_discover.studies.study import KeyNumber, Option, Study


def plan(inputs):
    return StudyPlan(len(inputs.specimens), len(inputs.specimens), 0, 0)


def run(inputs):
    table = pd.DataFrame({"image": inputs.specimens.table["image"]})
    return StudyResult("added", table, {"n": len(table), "answer": inputs.options["answer"]})


STUDY = Study(
    name="added", title="Is one file enough?", order=5, weight=1.0, plan=plan, run=run,
    findings=lambda result: [f"The answer is {result.summary['answer']}."],
    key_numbers=(KeyNumber("answer", "the answer", form="number"),),
    options=(Option("answer", "What to answer.", int, 42),),
)
'''


@pytest.fixture
def added(tmp_path, monkeypatch):
    """Add one file to the package of studies, and nothing else."""
    folder = tmp_path / "more_studies"
    folder.mkdir()
    (folder / "added_by_somebody.py").write_text(ADDED)
    path = [*intr_discover.studies.__path__, str(folder)]
    monkeypatch.setattr(intr_discover.studies, "__path__", path)
    yield folder
    sys.modules.pop("intr_discover.studies.added_by_somebody", None)
    if hasattr(intr_discover.studies, "added_by_somebody"):
        delattr(intr_discover.studies, "added_by_somebody")


def test_the_studies_stand_in_their_order():
    studies = find_studies()
    assert list(studies)[:2] == ["evaluate", "explanations"]
    orders = [study.order for study in studies.values()]
    assert orders == sorted(orders) and len(set(orders)) == len(orders)
    assert all(name == study.name for name, study in studies.items())


def test_the_listing_without_imports_says_the_same():
    listed = [(study.name, study.title, study.order) for study in list_studies()]
    assert listed == [(s.name, s.title, s.order) for s in find_studies().values()]


def test_the_listing_imports_no_torch():
    code = (
        "import sys; from intr_discover.studies.listing import list_studies; list_studies(); "
        "print(sorted({'torch', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "[]"


def test_one_added_file_is_a_study(added):
    assert next(iter(find_studies())) == "added"
    assert list_studies()[0].title == "Is one file enough?"


def test_every_title_is_a_question():
    assert all(study.title.endswith("?") for study in list_studies())


def test_options_are_filled_in_and_unknown_ones_refused(added, tmp_path):
    study = find_studies()["added"]
    specimens = Specimens.read(draw_specimens(tmp_path / "drawn", ["ant", "bee"]))
    inputs = StudyInputs(tiny_explainer(["ant", "bee"]), specimens, "test")
    assert study.inputs(inputs).options == {"answer": 42}
    assert study.inputs(inputs, {"answer": 7}).options == {"answer": 7}
    assert study.inputs(inputs, {"answer": None}).options == {"answer": 42}
    with pytest.raises(UserError, match="no option 'question'; it has: answer"):
        study.inputs(inputs, {"question": 1})


def test_a_sample_of_the_inputs_keeps_labels_and_tables(tmp_path):
    folder = draw_specimens(tmp_path / "drawn", ["ant", "bee"], per_label=4)
    inputs = StudyInputs(tiny_explainer(["ant", "bee"]), Specimens.read(folder), "test")
    sample = inputs.sample(2)
    assert sorted(sample.table["label"]) == ["ant", "bee"]
    assert set(sample.attributes["image"]) == set(sample.table["image"])
    assert len(inputs.sample(99)) == 8
