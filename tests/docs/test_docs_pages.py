"""The documentation: it builds without a warning, and what it shows as code is run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from intr_discover import Specimens, load
from intr_discover.studies.registry import find_studies
from intr_discover.studies.study import StudyInputs

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "adding-a-study.md"


@pytest.fixture
def written_study(tmp_path, monkeypatch):
    """Write the page's study to a file, as a newcomer would; return the module."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    folder = tmp_path / "newcomers_studies"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "centring.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    import newcomers_studies
    import newcomers_studies.centring as module

    yield newcomers_studies, module
    for name in [name for name in sys.modules if name.startswith("newcomers_studies")]:
        del sys.modules[name]


def test_the_study_of_the_page_is_found_and_runs(written_study):
    package, _ = written_study
    assert isinstance(package, ModuleType)
    (study,) = find_studies(package).values()
    demo = Specimens.read("demo")
    few = demo.with_table(demo.table.iloc[:12])
    inputs = study.inputs(StudyInputs(load("demo", device="cpu"), few, "test"))
    assert study.needs(inputs) is None
    assert study.plan(inputs).images == 12
    result = study.run(inputs)
    assert 0 <= result.summary["mean_distance_low"] <= result.summary["mean_distance"]
    assert result.summary["n"] == 12 and "n = 12" in study.findings(result)[0]


def test_the_number_of_the_page_by_hand(written_study):
    distance = written_study[1].distance_from_middle
    assert distance(np.ones((5, 7))) == pytest.approx(0)
    assert distance(np.ones((1, 1))) == pytest.approx(0)
    corner = np.zeros((10, 10))
    corner[0, 0] = 1
    assert distance(corner) == pytest.approx(0.9)  # its cell's middle, not the outermost point


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("sphinx")
    command = [sys.executable, "-m", "sphinx", "-c", "docs", "-b", "html", "--fail-on-warning",
               "--keep-going", "--quiet", ".", str(tmp_path / "site")]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    page = (tmp_path / "site" / "docs" / "index.html").read_text(encoding="utf-8")
    abroad = re.findall(r'(?:src|href)="(https?://[^"]+)"', page)
    assert not [address for address in abroad if re.search(r"\.(js|css|woff2?)\b", address)]
