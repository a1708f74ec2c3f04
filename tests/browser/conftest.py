"""The app on the demo, in a real browser.

Where there is no Chromium the tests are skipped; with INTR_REQUIRE_BROWSER=1 they fail instead.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from intr_discover import Specimens, load

playwright = pytest.importorskip("playwright.sync_api")

SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"
ARGUMENTS = [
    "--no-sandbox",  # Chromium refuses to run as root with one
    # What it would ask of its maker's machines by itself.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
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
    path = chromium()
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def app(tmp_path_factory):
    """Serve the demo; yield the address and the service."""
    from apps.serve import Settings, running

    settings = Settings(database=str(tmp_path_factory.mktemp("database") / "annotations.db"))
    with running(load("demo", device="cpu"), Specimens.read("demo"), settings) as found:
        yield found


@pytest.fixture
def page(browser, app, request):
    """Open the app; whatever it asks of other machines, or any script error, fails the test.

    What the page looks like at the end is kept in build/screenshots.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    abroad, errors = [], []

    def guard(route):
        address = route.request.url
        if address.startswith((app[0], app[0].replace("http", "ws"), "data:", "blob:")):
            route.continue_()
        else:
            abroad.append(address)
            route.abort()

    context.route("**/*", guard)
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(app[0])
    opened.wait_for_selector("#explore-gallery img")
    yield opened
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w-]+", "-", request.node.name).strip("-")
    opened.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
    context.close()
    assert abroad == [] and errors == []
