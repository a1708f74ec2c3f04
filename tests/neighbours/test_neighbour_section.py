"""A finished comparison as a section of a report: read from its files, drawn anew."""

import json
import shutil

import numpy as np
import pytest

from intr_discover.errors import UserError
from intr_discover.explain.explainer import load
from intr_discover.neighbours.comparison import compare
from intr_discover.neighbours.registry import choose_methods
from intr_discover.neighbours.section import comparison_study, read_comparison
from intr_discover.neighbours.wishes import Wishes
from intr_discover.report.discover import discover
from tests.neighbours.drawn_splits import read_drawn, tiny_settings
from tests.test_cli import run
from tests.test_report import Page, check

NAMES = ["intr", "cam", "random", "protopnet"]


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    specimens = read_drawn(folder / "data")
    settings = tiny_settings(options={"neighbours_python": "/nowhere/python"})
    wishes = Wishes(photographs=4, changed=2, slow=2, steps=3, shown=1)
    out = folder / "out"
    result = compare(specimens, choose_methods(NAMES), settings, wishes, out, say=lambda line: None)
    result.save(out)
    return specimens, out, result


def test_what_was_written_is_read(compared):
    _, out, result = compared
    read = read_comparison(out)
    assert read.table["method"].tolist() == result.table["method"].tolist()
    np.testing.assert_allclose(read.table["value"], result.table["value"])
    assert read.summary == result.summary and list(read.drawings) == list(result.drawings)
    assert read.tables["wide"].values.tolist() == result.tables["wide"].values.tolist()


def test_it_is_a_section_of_the_report(compared, tmp_path):
    specimens, out, _ = compared
    study = comparison_study(out)
    test = specimens.select(split="test")
    explainer = load(out / "trained" / "intr", device="cpu")
    for photographs, other in ((test, False), (test.with_table(test.table.iloc[1:]), True)):
        made = discover(
            explainer, photographs, tmp_path / str(other), split="test",
            studies={"neighbours": study}, say=lambda line: None,
        )  # fmt: skip
        (outcome,) = made.outcomes
        assert outcome.reason is None
        assert ("other photographs" in outcome.findings[0]) == other
        assert any(line.startswith("Most often right: ") for line in outcome.findings)
        assert any("make neighbours" in line for line in outcome.findings)
        page = Page(made.page)
        check(page)
        assert "study-neighbours" in page.ids
        assert (tmp_path / str(other) / "neighbours" / "measures.png").is_file()


def test_a_folder_that_holds_none_is_told_before_anything_begins(
    compared, monkeypatch, capsys, tmp_path
):
    words = ["discover", "--out", tmp_path / "report", "--neighbours"]
    status, _, said = run(monkeypatch, capsys, *words, tmp_path)
    assert status == 2 and "study neighbours DATA --out" in said and said.count("\n") == 1
    _, out, _ = compared
    broken = tmp_path / "broken"
    shutil.copytree(out, broken, ignore=shutil.ignore_patterns("trained"))
    (broken / "summary.json").write_text(json.dumps({"n": 8})[:-2])
    with pytest.raises(UserError, match="cannot be read"):
        comparison_study(broken)
    assert not (tmp_path / "report").exists()
