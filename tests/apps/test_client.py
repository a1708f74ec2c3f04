"""The named endpoints, as a script calls them; health; and the command's mistakes."""

from __future__ import annotations

import sys
import urllib.request

import numpy as np
import pytest
from PIL import Image

from intr_discover import Specimens, load
from intr_discover.cli import main

gradio_client = pytest.importorskip("gradio_client")


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    from apps.serve import Settings, running

    settings = Settings(database=str(tmp_path_factory.mktemp("database") / "annotations.db"))
    with running(load("demo", device="cpu"), Specimens.read("demo"), settings) as found:
        yield found


@pytest.fixture(scope="module")
def client(app):
    return gradio_client.Client(app[0], verbose=False)


@pytest.fixture(scope="module")
def specimen():
    return Specimens.read("demo")


def test_explain_answers_with_classes_and_maps(client, specimen):
    photograph = gradio_client.handle_file(str(specimen.paths[0]))
    answer, file = client.predict(photograph, [], [], "zero", -1, api_name="/explain")
    assert answer["predicted"] == specimen.table["label"][0]
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    maps = np.load(file)["maps"]
    assert maps.shape[:2] == (1, 8) and np.allclose(maps.sum(axis=(2, 3)), 1, atol=1e-4)


def test_edit_changes_the_region_alone(client, specimen, tmp_path):
    own = np.asarray(Image.open(specimen.paths[1]).convert("RGB"))
    mask = np.zeros(own.shape[:2], dtype=np.uint8)
    mask[60:80, 60:90] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    answer, file = client.predict(
        gradio_client.handle_file(str(specimen.paths[1])),
        gradio_client.handle_file(str(tmp_path / "mask.png")),
        "erase", "", "", 0, 1, 3, api_name="/edit",
    )  # fmt: skip
    edited = np.asarray(Image.open(file).convert("RGB"))
    assert np.array_equal(edited[mask == 0], own[mask == 0])
    assert answer["controls"] <= 3 and answer["edit"]["operation"] == "erase"


def test_a_mistake_comes_back_as_one_line(client, specimen):
    photograph = gradio_client.handle_file(str(specimen.paths[0]))
    with pytest.raises(Exception, match="use zero or subset") as found:
        client.predict(photograph, [], [], "half", -1, api_name="/explain")
    assert "Traceback" not in str(found.value)


def test_health(app):
    with urllib.request.urlopen(f"{app[0]}/healthz") as answer:
        assert answer.status == 200 and b"ok" in answer.read()


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd"])
def test_files_of_the_machine_are_not_served(app, path):
    with pytest.raises(urllib.error.HTTPError) as found:
        urllib.request.urlopen(f"{app[0]}/gradio_api/file={path}")
    assert found.value.code in (403, 404)


def test_a_port_that_is_taken_is_said(app, monkeypatch, capsys):
    port = app[0].rpartition(":")[2]
    monkeypatch.setattr(sys, "argv", ["intr-discover", "app", "--port", port])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "cannot listen" in capsys.readouterr().err
