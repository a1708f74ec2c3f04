"""Killed at random moments by SIGKILL: nothing lost, nothing half-written, nothing left over."""

from __future__ import annotations

import random

import pytest

from tests.faults.kill_cases import KILL_CASES
from tests.faults.troubles import commands


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("what", KILL_CASES)
def test_twenty_kills(what, server, world, tmp_path):
    if what == "extraction" and "extract" not in commands():
        pytest.skip("there is no command extract")
    seed = random.SystemRandom().randrange(10**6)  # another one each time; a failure names it
    done = KILL_CASES[what](server, world, tmp_path, 20, seed)
    assert done.killed >= 20
