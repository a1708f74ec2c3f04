"""Take the picture of docs/app.md: the red spots of a drawn butterfly erased in the app.

Run ``python scripts/app_picture.py [FOLDER]`` from the root of the repository; it needs Chromium
and takes about half a minute.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from apps.serve import Settings, running
from intr_discover import Specimens, load
from intr_discover.files import replacing

OUT = Path(__file__).resolve().parents[1] / "docs" / "pictures"
WIDTH, HEIGHT = 1280, 1150
CLASS, ATTRIBUTE = "Ember similis", "basal_spots"


def main() -> None:
    """Drive the app and write the picture."""
    out = (Path(sys.argv[1]) if len(sys.argv) > 1 else OUT).absolute()
    specimens = Specimens.read("demo")
    row = specimens.table["label"].tolist().index(CLASS)
    chromium = shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(database=f"{folder}/annotations.db")
        app = running(load("demo", device="cpu"), specimens, settings)
        with app as (address, _), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.set_default_timeout(60_000)
            page.goto(address)
            page.locator("#explore-gallery button img").nth(row).click()
            page.wait_for_function(
                "name => document.querySelector('#explore-answer-words').innerText.includes(name)",
                arg=specimens.names[row],
            )
            page.get_by_role("tab", name="Paint and re-classify").click()
            page.wait_for_timeout(4000)  # the canvas takes its time, and says nothing of it
            page.get_by_text("Let a region be proposed").click()
            page.get_by_label("an attribute").click()
            page.get_by_label("Attribute", exact=True).click()
            page.get_by_role("option", name=ATTRIBUTE).click()
            page.get_by_role("button", name="Put it on the canvas").click()
            page.wait_for_timeout(4000)
            page.get_by_text("Let a region be proposed").click()
            page.get_by_role("button", name="Change it and ask again").click()
            page.wait_for_function(
                "document.querySelector('#paint-verdict').innerText.includes('of 20')"
            )
            page.wait_for_timeout(1000)
            page.evaluate("window.scrollTo(0, 0)")
            with replacing(out / "app_paint.png") as temporary:
                Path(temporary).write_bytes(page.screenshot())
            browser.close()
    print(f"wrote {out / 'app_paint.png'}")


if __name__ == "__main__":
    main()
