"""What the tests of faults share."""

from __future__ import annotations

import pytest

from tests.faults.killing import serving
from tests.faults.world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    return World.make(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Commands in children of one warm process."""
    yield from serving(tmp_path_factory.mktemp("server"))
