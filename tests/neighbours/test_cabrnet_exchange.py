"""The other environment: what is sent and read by a stand-in program; CaBRNet where it is."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from intr_discover.errors import UserError
from intr_discover.neighbours import cabrnet
from intr_discover.neighbours.cabrnet import (
    fit_cabrnet,
    load_cabrnet,
    needs_cabrnet,
    squared,
)
from intr_discover.neighbours.cabrnet_program import training
from intr_discover.neighbours.other_python import VARIABLE, Program, python_of
from tests.neighbours.drawn_splits import read_drawn, tiny_settings

# Knows what is sent; its one class a prototype is where the picture is brightest.
STAND_IN = """
import json, sys
from pathlib import Path
import numpy as np

for line in sys.stdin:
    asked = json.loads(line)
    print("a library chats", file=sys.stderr)
    if asked["do"] == "end":
        print("out of memory", file=sys.stderr)
        sys.exit(1)
    if asked["do"] == "fit":
        stored = np.load(asked["data"])
        folder = Path(asked["folder"])
        folder.mkdir(parents=True, exist_ok=True)
        header = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
        weights = len(header).to_bytes(8, "little") + header + bytes(8)
        (folder / "model.safetensors").write_bytes(weights)
        answer = {"done": True, "seconds": 1.5, "history": [{"epoch": 1, "seconds": 1.5}],
                  "shape": {"images": list(stored["images"].shape),
                            "labels": stored["labels"].tolist(), "epochs": asked["epochs"],
                            "batch_size": asked["batch_size"],
                            "prototypes": asked["prototypes"]}}
    elif asked["do"] == "logits":
        images = np.load(asked["images"])["images"].astype(np.float32)
        light = images.mean(axis=(1, 2, 3))
        np.savez(asked["out"], logits=np.stack([light, -light, 0 * light, 0 * light], axis=1))
        answer = {"done": True}
    elif asked["do"] == "units":
        light = np.load(asked["images"])["images"][0].mean(axis=2)
        side = light.shape[0] // 32 + 1
        maps = np.stack([np.full((side, side), light.mean()), np.zeros((side, side))])
        np.savez(asked["out"], maps=maps, strengths=[1.0, -1.0], numbers=[4, asked["class_id"]])
        answer = {"done": True}
    else:
        answer = {"error": "ValueError: no such request"}
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN)
    monkeypatch.setattr(cabrnet, "PROGRAM", script)
    return script


def test_photographs_and_labels_go_there_and_units_come_back(stand_in, tmp_path):
    specimens = read_drawn(tmp_path / "data")
    settings = tiny_settings(options={"neighbours_python": sys.executable})
    said = []
    fit = fit_cabrnet("protopnet")
    fit(specimens, settings, tmp_path / "run", None, said.append)
    shape = json.loads((tmp_path / "run" / "config.json").read_text())["model"]["shape"]
    # Five of each class to train on, read at 1.2 times 32; nothing of val and test.
    assert shape["images"] == [20, 38, 38, 3] and shape["epochs"] == 1
    assert shape["labels"] == sorted([0, 1, 2, 3] * 5)
    assert said == ["protopnet: 1 epochs, 2 s"]
    fit(specimens, settings, tmp_path / "run", None, said.append)  # finished: nothing is asked
    assert len(said) == 1
    method = load_cabrnet("protopnet", "prototype")(tmp_path / "run", settings)
    dark, light = (np.full((40, 56, 3), level, dtype=np.uint8) for level in (10, 200))
    for size in (1, 2):
        logits = method.logits([dark, light], batch_size=size)
        np.testing.assert_allclose(logits[:, 0], [10, 200])
    units = method.units(light, "c")
    assert units.names == ("prototype 4", "prototype 2") and units.maps.shape == (2, 2, 2)
    assert units.placed(units.maps[0]).shape == (40, 56)
    np.testing.assert_allclose(units.overall(), 200)
    assert method.parameters == 2
    with pytest.raises(UserError, match="not trained on a class 'x'"):
        method.units(light, "x")
    with pytest.raises(UserError, match="holds another model, no prototree"):
        load_cabrnet("prototree", "node")(tmp_path / "run", settings)


def test_its_own_settings_go_there_and_others_are_refused(stand_in, tmp_path):
    specimens = read_drawn(tmp_path / "data")
    own = {"epochs": 4, "batch_size": 3, "prototypes_per_class": 2}
    settings = tiny_settings(options={"neighbours_python": sys.executable, "prototree": own})
    fit_cabrnet("prototree")(specimens, settings, tmp_path / "run", None, lambda line: None)
    shape = json.loads((tmp_path / "run" / "config.json").read_text())["model"]["shape"]
    assert (shape["epochs"], shape["batch_size"], shape["prototypes"]) == (4, 3, 2)
    wrong = tiny_settings(options={"prototree": {"depth": 3}})
    with pytest.raises(UserError, match="prototree has no setting depth; it has batch_size"):
        fit_cabrnet("prototree")(specimens, wrong, tmp_path / "no", None, lambda line: None)
    assert not (tmp_path / "no").exists()


def test_what_the_program_says_of_its_faults_is_passed_on(stand_in):
    program = Program(Path(sys.executable), stand_in)
    exchange = program.exchange
    assert exchange.is_dir()
    with pytest.raises(UserError, match="no such request"):
        program.ask(do="dance")
    with pytest.raises(UserError, match="ended: out of memory"):
        program.ask(do="end")
    with pytest.raises(UserError, match="ended"):
        program.ask(do="logits")
    program.close()
    assert not exchange.exists()


def test_a_request_that_nobody_read_does_not_keep_it_from_ending(stand_in):
    program = Program(Path(sys.executable), stand_in)
    program._process.kill()
    program._process.wait()
    assert program._process.stdin is not None
    program._process.stdin.write("x")  # stays in the buffer
    exchange = program.exchange
    program.close()
    assert not exchange.exists()


def test_a_missing_environment_is_said_in_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    specimens = read_drawn(tmp_path / "data")
    settings = tiny_settings(options={"neighbours_python": str(tmp_path / "python")})
    assert "make neighbours" in needs_cabrnet("protopnet")(settings)
    with pytest.raises(UserError, match=r"there is no Python .*make neighbours"):
        fit_cabrnet("protopnet")(specimens, settings, tmp_path / "run", None, print)
    assert not (tmp_path / "run").exists()
    monkeypatch.setenv(VARIABLE, "/elsewhere/python")
    assert python_of({}) == Path("/elsewhere/python")
    assert python_of({"neighbours_python": "/named"}) == Path("/named")
    monkeypatch.delenv(VARIABLE)
    assert python_of({}).parts[-3:] == (".venv-neighbours", "bin", "python")


def test_a_photograph_is_stretched_to_a_square():
    picture = np.zeros((2, 4, 3), dtype=np.uint8)
    picture[:, 2:] = 200
    found = squared(picture, 4)
    assert found.shape == (4, 4, 3)
    assert (found[:, 0] == 0).all() and (found[:, 3] == 200).all()


@pytest.mark.parametrize("epochs", [2, 3, 10, 100])
def test_periods_cover_every_epoch_once(epochs):
    """CaBRNet's epochs 0 to n - 1; with pretrained weights the backbone rests for a tenth."""
    for from_scratch in (True, False):
        periods = training("protopnet", epochs, from_scratch)["periods"].values()
        covered = [
            epoch
            for period in periods
            for epoch in range(period["epoch_range"][0], period["epoch_range"][1] + 1)
        ]
        assert covered == list(range(epochs))
    assert training("protopnet", 100, False)["periods"]["warm"]["epoch_range"] == [0, 9]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "unit"), [("protopnet", "prototype"), ("prototree", "node")])
def test_cabrnet_itself_trains_and_explains(tmp_path, name, unit):
    if not python_of({}).is_file():
        pytest.skip("CaBRNet's environment is not on this machine (make neighbours)")
    specimens = read_drawn(tmp_path / "data")
    settings = tiny_settings(epochs=2, options={"prototypes_per_class": 3})
    fit_cabrnet(name)(specimens, settings, tmp_path / "run", None, lambda line: None)
    method = load_cabrnet(name, unit)(tmp_path / "run", settings)
    paths = specimens.paths[:3]
    logits = method.logits(paths, batch_size=2)
    assert logits.shape == (3, 4) and np.isfinite(logits).all()
    np.testing.assert_allclose(method.logits(paths, batch_size=3), logits, atol=1e-4)
    first, second = (method.units(path, "b") for path in paths[:2])
    assert first.names == second.names and len(first) == 3
    assert first.photograph_shape == (40, 56) and (first.maps >= 0).all()
    # The strongest cell of a prototype decides; ProtoPNet multiplies it with its weight.
    if name == "prototree":
        np.testing.assert_allclose(np.abs(first.strengths), first.maps.max(axis=(1, 2)), rtol=1e-5)
