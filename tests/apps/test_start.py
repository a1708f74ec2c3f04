"""How the app starts: what it leaves for later, so that the page is there soon."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from apps.serve import frozen
from intr_discover.cli_app import app
from intr_discover.errors import UserError

LATER = ("scipy.stats", "scipy.interpolate", "scipy.optimize", "scipy.signal", "scipy.ndimage",
         "scipy.linalg", "statsmodels", "sklearn", "seaborn", "matplotlib.pyplot")  # fmt: skip
"""What takes tenths of a second to import and no page needs."""


def test_start_imports_nothing_that_only_an_answer_needs() -> None:
    asks = (
        "import sys; from apps.serve import serve; from apps.tabs import find_tabs; find_tabs(); "
        f"print(*(name for name in {LATER} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_garbage_is_collected_while_serving_and_everything_afterwards() -> None:
    gc.disable()
    try:
        with frozen():
            assert gc.isenabled()
            assert gc.get_freeze_count() > 0
        assert gc.get_freeze_count() == 0
    finally:
        gc.enable()


def test_what_stood_is_given_back_when_the_server_fails() -> None:
    with pytest.raises(KeyError), frozen():
        raise KeyError
    assert gc.get_freeze_count() == 0


def test_a_mistake_does_not_leave_the_process_without_collection() -> None:
    with pytest.raises(UserError, match="nowhere"):
        app(run="nowhere", data="nowhere")
    assert gc.isenabled()
