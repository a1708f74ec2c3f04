"""Run the notebooks on the demo and keep what they show: ``make notebooks``.

``python scripts/notebooks.py [NOTEBOOK ...]`` from the root of the repository, without network.
Each is run from top to bottom in a folder of its own and written back whole, or not at all when a
cell fails. What changes from run to run or from machine to machine (times, versions, the state of
widgets) is left out, so that a notebook changes when its words or results do.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from intr_discover.files import replacing

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
LARGEST = 1_000_000
"""Bytes of a notebook."""

SECONDS_A_CELL = 300
_WIDGET = "application/vnd.jupyter.widget-view+json"
# One thread, and nothing fetched: what the notebooks promise.
_SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "MPLBACKEND": "Agg",
}


def executed(path: Path) -> Any:
    """Return a notebook with its outputs, run on this machine in an empty folder.

    Raises
    ------
    CellExecutionError
        If a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=SECONDS_A_CELL,
            kernel_name="python3",
            record_timing=False,
            # The state of widgets is large, and means nothing without its kernel.
            store_widget_state=False,
            resources={"metadata": {"path": folder}},
        )
        client.execute(env={**os.environ, **_SETTINGS})
    return normalised(notebook)


def normalised(notebook: Any) -> Any:
    """Take out of a notebook what another run or machine would change; return it."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = nbformat.from_dict({})
        if cell.cell_type != "code":
            continue
        kept = []
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                print(f"left out of cell {number}: {output.text.strip()}", file=sys.stderr)
                continue
            if "data" in output:
                # A view without its kernel is an error message; the figure below it stays.
                output.data.pop(_WIDGET, None)
                output.metadata = nbformat.from_dict({})
            kept.append(output)
        cell.outputs = kept
    nbformat.validate(notebook)
    return notebook


def main() -> None:
    """Run the notebooks that are named, or all of them."""
    paths = [Path(name) for name in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb"))
    for path in paths:
        began = time.monotonic()
        try:
            text = nbformat.writes(executed(path)) + "\n"
        except CellExecutionError as error:
            sys.exit(f"{path.name}: a cell failed, and nothing was written\n{error}")
        size = len(text.encode())
        if size >= LARGEST:
            sys.exit(f"{path.name} would have {size} bytes, more than {LARGEST}: show less in it")
        with replacing(path) as temporary:
            Path(temporary).write_text(text, encoding="utf-8", newline="\n")
        print(f"{path.name}: {time.monotonic() - began:.0f} s, {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
