"""What all tests share: where the testing data lie, and no network."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Set before any library reads them: no test may reach for weights on a hub.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ.setdefault("MPLBACKEND", "Agg")
# The models of the tests are tiny: threads would spend their time waiting for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from tests.chromium import browser  # noqa: F401 - a fixture of all tests
from tests.no_network import sitecustomize as no_network

SHARED = Path(__file__).resolve().parents[2] / "shared"
NO_NETWORK = Path(no_network.__file__).parent

# The processes that tests start have the guard by their PYTHONPATH; this one has it already.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(NO_NETWORK), os.environ.get("PYTHONPATH")])
)


@pytest.fixture(scope="session", autouse=True)
def network_log() -> Iterator[Path]:
    """Return the file in which every attempt to reach another machine is written down."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "attempts")
        log.touch()
        os.environ[no_network.LOG] = str(log)
        yield log
        del os.environ[no_network.LOG]


@pytest.fixture(autouse=True)
def nobody_asks_a_network(network_log: Path) -> Iterator[None]:
    """Fail a test that asked for another machine, also where the error was caught."""
    before = network_log.stat().st_size
    yield
    if network_log.stat().st_size > before:
        asked = network_log.read_text(encoding="utf-8")[before:].split("\n")
        pytest.fail(f"asked for another machine: {'; '.join(filter(None, asked))}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of testing data beside the repository; skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared with the testing data is not on this machine")
    return SHARED
