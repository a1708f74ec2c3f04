"""The notebooks as they are kept, and run again from top to bottom."""

from __future__ import annotations

import ast
import base64
import importlib.util
import io
import re
from pathlib import Path

import pytest
from PIL import Image

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = [
    "01_where_does_it_look",
    "02_do_heads_find_the_same_trait",
    "03_erase_and_recolour",
    "04_mimicry_pairs",
    "05_can_i_trust_it",
    "06_train_on_my_specimens",
]
LONGEST = 120  # seconds of a notebook, on one thread

kept = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def script():
    """Return scripts/notebooks.py as a module."""
    spec = importlib.util.spec_from_file_location("notebooks", ROOT / "scripts" / "notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def outputs(path):
    return [output for cell in code_cells(path) for output in cell.outputs]


def test_there_is_a_notebook_for_each_question():
    assert [path.stem for path in NOTEBOOKS] == NAMES


@kept
def test_only_the_first_cell_is_to_be_changed(path):
    first, *others = code_cells(path)
    names = [target.id for line in ast.parse(first.source).body for target in line.targets]
    assert names == ["RUN", "DATA"]
    values = [line.value.value for line in ast.parse(first.source).body]
    assert values == ["demo", "demo"]
    assert not any(re.search(r"^(RUN|DATA) *=", cell.source, re.M) for cell in others)


@kept
def test_every_cell_was_run_in_order_and_none_failed(path):
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert {output.output_type for output in outputs(path)} <= {"display_data", "stream",
                                                                "execute_result"}  # fmt: skip
    assert all(output.name == "stdout" for output in outputs(path) if "name" in output)


@kept
def test_it_shows_figures_of_the_promised_size(path):
    pictures = [output.data["image/png"] for output in outputs(path)
                if "image/png" in output.get("data", {})]  # fmt: skip
    assert len(pictures) >= 3
    for picture in pictures:
        image = Image.open(io.BytesIO(base64.b64decode(picture)))
        assert image.format == "PNG" and 300 <= image.width <= 800
    assert path.stat().st_size < 1_000_000


@kept
def test_nothing_of_a_machine_or_a_moment_is_kept(path):
    text = path.read_text(encoding="utf-8")
    without_pictures = re.sub(r'"image/png": "[^"]*"', "", text)
    assert not re.search(r"(?<![\w/.<])/(home|root|tmp|usr|opt|var|Users|work)\b", without_pictures)
    assert not re.search(r"\d{4}-\d\d-\d\dT|iopub|widget-view|model_id", without_pictures)
    notebook = nbformat.read(path, as_version=4)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info == {"name": "python"}
    assert all(cell.metadata == {} for cell in notebook.cells)


def test_what_changes_from_run_to_run_is_taken_out(script, capsys):
    cell = nbformat.v4.new_code_cell("1", metadata={"execution": {"iopub.execute_input": "x"}})
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "text/plain": "Panel"}
    cell.outputs = [
        nbformat.v4.new_output("stream", name="stderr", text="/home/me/x.py: warning"),
        nbformat.v4.new_output("display_data", data=view, metadata={"a": 1}),
        nbformat.v4.new_output("stream", name="stdout", text="said"),
    ]
    made = nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": {"state": {}}})
    script.normalised(made)
    assert made.cells[0].metadata == {} and set(made.metadata) == {"kernelspec", "language_info"}
    assert [output.output_type for output in made.cells[0].outputs] == ["display_data", "stream"]
    assert made.cells[0].outputs[0].data == {"text/plain": "Panel"}
    assert "left out of cell 0" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(3 * LONGEST)
@kept
def test_it_runs_from_top_to_bottom(script, path):
    notebook = script.executed(path)
    ran = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in ran] == list(range(1, len(ran) + 1))


@pytest.mark.slow
def test_a_cell_that_fails_leaves_the_file_as_it_was(script, tmp_path, monkeypatch):
    path = tmp_path / "broken.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")]), path)
    before = path.read_bytes()
    monkeypatch.setattr("sys.argv", ["notebooks.py", str(path)])
    with pytest.raises(SystemExit, match="ZeroDivisionError"):
        script.main()
    assert path.read_bytes() == before
