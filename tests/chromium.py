"""Debian's Chromium for all tests that need a browser: one for each process of the tests.

Two of Playwright's at a time in one process is one too many. Where there is no Chromium the tests
are skipped; with INTR_REQUIRE_BROWSER=1 they fail instead.
"""

from __future__ import annotations

import os
import shutil

import pytest

ARGUMENTS = [
    "--no-sandbox",  # Chromium refuses to run as root with one
    # What it would ask of its maker's machines by itself.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # No page of ours may look up another machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


def chromium() -> str:
    """Return the path of Debian's Chromium; skip, or fail where it is required."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    words = "there is no Chromium on this machine (Debian and Ubuntu: apt install chromium)"
    if os.environ.get("INTR_REQUIRE_BROWSER") == "1":
        pytest.fail(words)
    pytest.skip(words)


@pytest.fixture(scope="session")
def browser():
    """Start Chromium; the same for the app and for JupyterLab."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = chromium()
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()
