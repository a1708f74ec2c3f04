"""The app on the demo, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from intr_discover import Specimens, load

pytest.importorskip("playwright.sync_api")

SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"


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
