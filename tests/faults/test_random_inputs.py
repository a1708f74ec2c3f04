"""Random bytes and texts for everything that reads a file: a result or one line, never more."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intr_discover.data.images import ImageError, read_image
from tests.faults.bad_images import encoded
from tests.faults.world import SMALL, run_here, write_run

few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
many = settings(few, max_examples=100)
cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
PICTURES = {name: encoded(name.upper(), 24) for name in ("png", "jpeg", "gif", "webp", "tiff")}


def told(words, name, content, others=()):
    """Run a command on a file of these bytes: status 0, or 2 with one line."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(content)
        for other in others:
            (Path(folder) / other).touch()
        done = run_here(words, Path(folder))
    assert done.status in (0, 2), done.err
    assert "Traceback" not in done.err
    if done.status == 2:
        assert done.message and len(done.message) < 1200, done.err
    return done


@many
@given(st.sampled_from(sorted(PICTURES)), st.data())
def test_pictures_with_changed_bytes(kind, data):
    content = bytearray(PICTURES[kind])
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(1, len(content)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a.{kind}"
        path.write_bytes(content[:end])
        try:
            pixels = read_image(path)
        except ImageError as error:
            assert str(path) in str(error) and "\n" not in str(error)
        else:
            assert pixels.dtype == np.uint8 and pixels.ndim == 3


@few
@given(st.binary(max_size=300))
def test_tables_of_random_bytes(content):
    done = told(["specimens", "t.csv"], "t.csv", content)
    assert done.status == 2 and "t.csv" in done.message


@few
@given(st.lists(st.lists(cells, min_size=1, max_size=4), max_size=4), st.sampled_from(",;\t"))
def test_tables_of_random_cells(rows, separator):
    lines = [separator.join(row) for row in [["image", "label", "split"], *rows]]
    told(["specimens", "t.csv"], "t.csv", "\n".join(lines).encode(), others=["a.png"])


@few
@given(st.binary(max_size=200) | st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
       .map(str.encode))  # fmt: skip
def test_settings_of_random_text(world, content):
    words = ["train", str(world.data), "--out", "out", *SMALL, "--config", "s.yaml"]
    words += ["--set", "epochs=0"]  # so that nothing is trained where they are sound
    assert told(words, "s.yaml", content).status == 2


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | cells,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(cells, inner, max_size=3),
    max_leaves=4,
)
PARTS = ["format", "model", "classes", "preprocessing", "model.kind", "model.width",
         "model.backbone", "preprocessing.size", "preprocessing.mean", "preprocessing.resize",
         "preprocessing.longest"]  # fmt: skip


@pytest.fixture(scope="module")
def another_run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("another") / "run")


@pytest.mark.slow
@few
@given(st.sampled_from(PARTS), json_values)
def test_configs_with_random_values(world, another_run, part, value):
    config = json.loads((world.run / "config.json").read_text())
    outer, _, inner = part.partition(".")
    if inner:
        config[outer][inner] = value
    else:
        config[outer] = value
    (another_run / "config.json").write_text(json.dumps(config))
    photo = str(world.data / "images" / "red_0.png")
    told(["predict", str(another_run), photo, "--device", "cpu"], "unused", b"")


@pytest.mark.slow
@few
@given(st.integers(0, 2**32))
def test_weights_with_changed_bytes(world, another_run, seed):
    drawn = random.Random(seed)
    (another_run / "config.json").write_bytes((world.run / "config.json").read_bytes())
    content = bytearray((world.run / "model.safetensors").read_bytes())
    where = drawn.randrange(600)  # the header
    content[where] = drawn.randrange(256)
    cut = len(content) if drawn.random() < 0.7 else drawn.randrange(len(content))
    (another_run / "model.safetensors").write_bytes(content[:cut])
    photo = str(world.data / "images" / "red_0.png")
    told(["predict", str(another_run), photo, "--device", "cpu"], "unused", b"")
