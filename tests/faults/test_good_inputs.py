"""Awkward input that is right: it is read, and rightly."""

from __future__ import annotations

import pytest

from tests.faults.good_inputs import GOOD_INPUTS
from tests.faults.world import run_here


@pytest.mark.parametrize("case", GOOD_INPUTS, ids=lambda case: case.kind)
def test_it_is_read_rightly(case, tmp_path):
    case.check(case.make(tmp_path))


@pytest.mark.parametrize(
    "case", [case for case in GOOD_INPUTS if "able" not in case.kind][:13], ids=lambda c: c.kind
)
def test_a_model_takes_it(case, world, tmp_path):
    path = case.make(tmp_path)
    done = run_here(["predict", str(world.run), str(path), "--device", "cpu"], tmp_path)
    assert done.status == 0, done.err
    assert "%" in done.out and "nan" not in done.out
