"""Some of the mistakes once more, as a person makes them: in a process of their own."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from tests.faults.bad_inputs import BAD_INPUTS
from tests.faults.bad_weights import RAN
from tests.faults.world import fill_in

# One of each group, the same ones every time; and all that would run code.
GROUPS = list(dict.fromkeys(case.group for case in BAD_INPUTS))
SAMPLE = [random.Random(3).choice([c for c in BAD_INPUTS if c.group == g]) for g in GROUPS]
HARMFUL = [case for case in BAD_INPUTS if "run" in case.kind and "command" in case.kind]


@pytest.mark.slow
@pytest.mark.parametrize("case", [*SAMPLE, *HARMFUL], ids=lambda case: case.label)
def test_one_line_and_status_2(case, world, tmp_path):
    case.make(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "intr_discover", *fill_in(case.words, world.places)],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("intr-discover: ")]
    assert len(said) == 1 and "Traceback" not in done.stderr, done.stderr
    assert all(word in said[0] for word in case.names), said
    assert not (tmp_path / RAN).exists()


def test_a_reader_that_goes_away_is_no_mistake(world):
    """As in ``intr-discover specimens DATA | head -1``."""
    words = [sys.executable, "-m", "intr_discover", "specimens", str(world.data)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
    assert "Traceback" not in said, said
