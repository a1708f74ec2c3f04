"""A JupyterLab of its own for the tests, offline, and a browser to use it with."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
TimeoutError = pytest.importorskip("playwright.sync_api").TimeoutError
pytest.importorskip("jupyterlab")

TOKEN = "tests"


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """Serve an empty folder; yield the address and the folder."""
    folder = tmp_path_factory.mktemp("lab")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = folder / ".settings"
    # No news and no check for updates: the tests make no request to another machine.
    place = settings / "config" / "labconfig"
    place.mkdir(parents=True)
    extensions = {"@jupyterlab/apputils-extension:announcements": True}
    (place / "page_config.json").write_text(json.dumps({"disabledExtensions": extensions}))
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(settings / "config"),
        "JUPYTER_DATA_DIR": str(settings / "data"),
        "JUPYTER_RUNTIME_DIR": str(settings / "runtime"),
        "JUPYTERLAB_WORKSPACES_DIR": str(settings / "workspaces"),
        "OMP_NUM_THREADS": "1",
    }
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
        "--ip=127.0.0.1", f"--IdentityProvider.token={TOKEN}", f"--notebook-dir={folder}",
    ]  # fmt: skip
    with (folder / ".log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        until = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{address}/api?token={TOKEN}", timeout=2)
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > until:
                    pytest.fail(f"JupyterLab did not start: {(folder / '.log').read_text()}")
                time.sleep(0.3)
        yield address, folder
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def notebook(lab, browser):
    """Open a notebook of one cell and run it; whatever it asks of other machines fails the test."""
    address, folder = lab
    context = browser.new_context(viewport={"width": 1400, "height": 1400})
    abroad, errors = [], []

    def guard(route):
        if route.request.url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            abroad.append(route.request.url)
            route.abort()

    context.route("**/*", guard)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    # On a busy machine JupyterLab may ask about its kernel or its file, over what is to be clicked.
    page.add_locator_handler(
        page.locator(".jp-Dialog"),
        lambda dialog: dialog.locator("button.jp-mod-accept").first.click(),
    )

    def opened(source: str, name: str = "widgets.ipynb"):
        cell = nbformat.v4.new_code_cell(source)
        made = nbformat.v4.new_notebook(
            cells=[cell],
            metadata={"kernelspec": {"display_name": "Python 3", "language": "python",
                                     "name": "python3"}},
        )  # fmt: skip
        nbformat.write(made, folder / name)
        page.goto(f"{address}/lab/tree/{name}?token={TOKEN}&reset")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]")
        run(page)
        page.wait_for_selector(".jp-OutputArea .intr-panel", timeout=90_000)
        page.wait_for_selector(STATIC)
        return page

    opened.folder = folder
    yield opened
    context.close()
    # JupyterLab's own words for requests that it dropped while a kernel began or ended.
    ours = sorted({error for error in errors if "Canceled future" not in error})
    assert abroad == [] and ours == []


def run(page):
    """Run the one cell; the key is lost while the page still talks to a kernel that begins."""
    for _ in range(6):
        page.locator(".jp-CodeCell .cm-content").first.click()
        page.keyboard.press("Control+Enter")
        try:
            page.wait_for_function(
                "/\\[(\\*|\\d+)\\]/.test(document.querySelector('.jp-InputPrompt').innerText)",
                timeout=5_000,
            )
            return
        except TimeoutError:
            continue
    raise AssertionError("the cell does not run")


STATIC = ".jp-OutputArea-output.jp-RenderedImage img"
"""The figure that stays in the cell."""


def static_figure(page) -> str:
    """Return the source of the figure in the cell."""
    return page.locator(STATIC).last.get_attribute("src")


def saved_picture(page, path: Path) -> dict:
    """Save the notebook; return the data of its last output on disk."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        page.locator(".jp-NotebookPanel-toolbar [data-jp-item-name=save]").click()
        page.wait_for_timeout(1_000)  # the page must run meanwhile, or nothing is saved
        outputs = json.loads(path.read_text(encoding="utf-8"))["cells"][0]["outputs"]
        if outputs:
            return outputs[-1]["data"]
    raise AssertionError("the notebook was not saved with its outputs")
