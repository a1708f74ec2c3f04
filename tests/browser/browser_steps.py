"""What a person does on the page, for the browser tests."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

SPOT = (0.42, 0.55, 0.62, 0.68)  # of the canvas: left, top, right, bottom


def words(page, name):
    """Return the text of a component."""
    return page.locator(f"#{name}").inner_text()


def titles(page):
    """Return the titles of all tabs."""
    return page.evaluate(
        "[...document.querySelectorAll('#tabs > .tab-wrapper [aria-hidden] button')]"
        ".map(e => e.innerText.trim())"
    )


def open_tab(page, title):
    """Click a tab; on a narrow page those without room are behind a button."""
    tab = page.get_by_role("tab", name=title, exact=True)
    if not tab.is_visible():
        page.get_by_role("button", name="More tabs").first.click()
        page.locator(".overflow-dropdown button", has_text=title).first.click()
        return
    tab.click()


def open_paint(page):
    """Open the tab with the canvas."""
    open_tab(page, "Paint and re-classify")
    page.wait_for_selector("#paint-editor canvas")
    page.wait_for_function("document.querySelector('#paint-note').innerText.includes('pixels')")
    page.wait_for_timeout(2500)  # the canvas takes its time to settle, and says nothing of it


def upload_to_paint(page, path):
    """Choose a file of one's own for the canvas."""
    # The button's file input stands beside it, not inside.
    page.locator("[data-testid='Upload a photograph-upload-button']").set_input_files(str(path))


def paint(page):
    """Draw a stroke on the canvas with the mouse, and see that it is there."""
    for _ in range(5):
        _stroke(page)
        seen = Image.open(io.BytesIO(page.locator("#paint-editor").screenshot())).convert("RGB")
        red, green, blue = np.moveaxis(np.asarray(seen).astype(int), 2, 0)
        if ((red - green > 60) & (blue - green > 30)).sum() > 300:  # the marker's pink
            return
        page.wait_for_timeout(1000)  # the canvas was not ready yet: it says nothing of it
    raise AssertionError("the stroke does not show on the canvas")


def _stroke(page):
    box = page.locator("#paint-editor canvas").last.bounding_box()
    x = [box["x"] + box["width"] * share for share in (SPOT[0], SPOT[2])]
    y = [box["y"] + box["height"] * share for share in (SPOT[1], SPOT[3])]
    page.mouse.move(x[0], y[0])
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(x[0] + (x[1] - x[0]) * step / 8, y[0] + (y[1] - y[0]) * (step % 3) / 2)
    page.mouse.up()
    page.wait_for_timeout(500)


def change(page):
    """Ask for the edit and wait for the pictures before and after."""
    page.get_by_role("button", name="Change it and ask again").click()
    page.wait_for_selector("#paint-slider img")
