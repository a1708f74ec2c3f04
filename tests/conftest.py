"""What all tests share: where the testing data lie, and no network."""

from __future__ import annotations

import os
from pathlib import Path

# Set before any library reads them: no test may reach for weights on a hub.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ.setdefault("MPLBACKEND", "Agg")
# The models of the tests are tiny: threads would spend their time waiting for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from tests.chromium import browser  # noqa: F401 - a fixture of all tests

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of testing data beside the repository; skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared with the testing data is not on this machine")
    return SHARED
