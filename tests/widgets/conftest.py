"""Small drawn specimens and a tiny model for the widgets; skipped where ipywidgets is absent."""

from __future__ import annotations

import pytest

from intr_discover.data.specimens import Specimens
from tests.studies.drawn import draw_specimens, tiny_explainer

pytest.importorskip("ipywidgets")

A, B, C = "Alba <i>minor</i>", "Brunnea", "Caeca"


@pytest.fixture(scope="session")
def specimens(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    return Specimens.read(draw_specimens(folder, [A, B, C], per_label=5, pairs=[(A, B)]))


@pytest.fixture(scope="session")
def explainer():
    return tiny_explainer([A, B, C])
