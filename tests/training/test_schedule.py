"""Learning rates against values worked out by hand."""

import math

import pytest

from intr_discover.training.config import TrainingConfig
from intr_discover.training.schedule import rate_factor


def test_one_cycle():
    config = TrainingConfig(schedule="one-cycle", epochs=10, warmup_epochs=2)
    factors = [rate_factor(config, step, 4) for step in range(40)]
    # Warm-up of 8 steps in ninths, then half a cosine over the other 32 steps.
    assert factors[:8] == pytest.approx([k / 9 for k in range(1, 9)])
    assert factors[8] == 1
    assert factors[24] == pytest.approx(0.5)
    assert factors[16] == pytest.approx((1 + math.sqrt(0.5)) / 2)
    assert 0 < factors[39] < 0.01
    assert factors[8:] == sorted(factors[8:], reverse=True)


def test_step():
    config = TrainingConfig(schedule="step", epochs=10, warmup_epochs=0, drop_epoch=6)
    assert [rate_factor(config, step, 5) for step in (0, 29, 30, 49)] == [1, 1, 0.1, 0.1]


def test_constant_without_warmup():
    config = TrainingConfig(schedule="constant", warmup_epochs=0)
    assert {rate_factor(config, step, 3) for step in range(50)} == {1.0}


def test_fractional_warmup():
    config = TrainingConfig(schedule="constant", warmup_epochs=0.5)
    assert [rate_factor(config, step, 4) for step in range(3)] == pytest.approx([1 / 3, 2 / 3, 1])
