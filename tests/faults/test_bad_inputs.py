"""Every mistake of the list: status 2, one line that names the thing, nothing run, nothing left."""

from __future__ import annotations

import pytest

from tests.faults.bad_inputs import BAD_INPUTS
from tests.faults.bad_weights import RAN
from tests.faults.world import fill_in, listing, run_here


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("INTR_DISCOVER_CACHE", str(tmp_path_factory.mktemp("cache")))


def check(case, outcome, folder, before):
    assert outcome.status == 2, f"status {outcome.status}\n{outcome.out}\n{outcome.err}"
    assert outcome.message, outcome.err
    for word in case.names:
        assert word in outcome.message, f"{word!r} is not in: {outcome.message}"
    assert "Traceback" not in outcome.err
    assert len(outcome.message) < 700, f"too long: {outcome.message}"
    assert not outcome.other_lines, f"more than one line: {outcome.other_lines}"
    assert not (folder / RAN).exists(), "code from a file was run"
    assert listing(folder) == before, "something was left behind"


def sorted_by_effort():
    """Yield every mistake; of those for which a model is built or read, most are slow tests."""
    models = 0
    for case in BAD_INPUTS:
        model = case.words[0] in ("train", "discover", "import", "trait") or "{run}" in case.words
        models += model or case.words[:2] == ("predict", "bad")
        marks = [pytest.mark.slow] if model and models % 5 else []
        yield pytest.param(case, marks=marks, id=case.label)


@pytest.mark.parametrize("case", list(sorted_by_effort()))
def test_one_line_and_status_2(case, world, tmp_path):
    case.make(tmp_path)
    before = listing(tmp_path)
    inside = listing(world.data)
    check(case, run_here(fill_in(case.words, world.places), tmp_path), tmp_path, before)
    assert listing(world.data) == inside


def test_the_list_has_what_was_promised():
    assert len(BAD_INPUTS) >= 60
    labels = [case.label for case in BAD_INPUTS]
    assert len(set(labels)) == len(labels)
