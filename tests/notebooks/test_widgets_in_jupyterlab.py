"""Every widget in a real JupyterLab, used with the mouse."""

from __future__ import annotations

import base64

import pytest

from tests.notebooks.conftest import saved_picture, static_figure

pytestmark = pytest.mark.slow

START = """
from intr_discover import Specimens, load
from intr_discover.widgets import *
model, specimens = load("demo", device="cpu"), Specimens.read("demo")
"""


def changed(page, before):
    """Wait until the figure in the cell is another one."""
    page.wait_for_function(
        "before => [...document.querySelectorAll('.jp-OutputArea-output.jp-RenderedImage img')]"
        ".at(-1).src !== before",
        arg=before,
    )
    return static_figure(page)


def choose(page, description, option):
    """Choose an option of a list by what it says."""
    page.locator(".widget-dropdown", has_text=description).first.locator("select").select_option(
        label=option
    )


def test_head_browser(notebook):
    page = notebook(START + "HeadBrowser(model, specimens)")
    assert page.locator(".intr-panel img").count() == 11  # mean, 8 heads, the large one, the scale
    before = static_figure(page)
    page.get_by_role("button", name="next ▶").click()
    page.wait_for_function("document.body.innerText.includes('Ember similis, with probability')")
    after = changed(page, before)
    choose(page, "look for", "Tigris vera")
    page.wait_for_function("document.body.innerText.includes('heads, looking for Tigris vera')")
    changed(page, after)
    # The first tile is the mean: a click on the second enlarges the strongest head.
    page.locator(".intr-panel button[title='enlarge this head']").nth(1).click()
    page.wait_for_function(
        "/Head \\d, looking for Tigris vera/.test(document.body.innerText)", timeout=20_000
    )


def test_the_last_figure_is_kept_in_the_file(notebook):
    page = notebook(START + "HeadBrowser(model, specimens)", "kept.ipynb")
    before = static_figure(page)
    page.get_by_role("button", name="next ▶").click()
    shown = changed(page, before)
    data = saved_picture(page, notebook.folder / "kept.ipynb")
    kept = data["image/png"].replace("\n", "")
    assert shown == f"data:image/png;base64,{kept}"
    assert base64.b64decode(kept).startswith(b"\x89PNG")


def test_specimen_browser(notebook):
    page = notebook(START + "SpecimenBrowser(specimens, model)")
    before = static_figure(page)
    page.locator(".intr-panel button[title^='choose this photograph']").nth(1).click()
    page.wait_for_function("document.body.innerText.includes('1 chosen')")
    after = changed(page, before)
    choose(page, "species", "Argus vera")
    page.wait_for_function("document.body.innerText.includes('10 photographs, page 1 of 1')")
    page.get_by_role("button", name="choose none").click()
    changed(page, after)


def test_mask_editor(notebook):
    page = notebook(START + "editor = MaskEditor(specimens.paths[0])\neditor")
    picture = page.locator(".intr-panel img").first.bounding_box()

    def click(across, down):
        page.mouse.click(
            picture["x"] + across * picture["width"], picture["y"] + down * picture["height"]
        )

    before = static_figure(page)
    click(0.26, 0.26)
    page.wait_for_function("[...document.querySelectorAll('textarea')].some(t => t.value)")
    click(0.76, 0.26)
    click(0.76, 0.76)
    # Half a square of 0.5 by 0.5 of the photograph: 12.5 %, and the line itself.
    page.wait_for_function("/1[23]\\.\\d % of the photograph/.test(document.body.innerText)")
    changed(page, before)
    page.get_by_role("button", name="brush", exact=True).click()
    click(0.1, 0.9)
    page.wait_for_function("/1[234]\\.\\d % of the photograph/.test(document.body.innerText)")
    page.get_by_role("button", name="clear", exact=True).click()
    page.wait_for_function("document.body.innerText.includes('The region has 0 pixels')")


def test_edit_view(notebook):
    page = notebook(
        START
        + """
from intr_discover.studies.edit_regions import fringed
from intr_discover.studies.looking import Regions
name = specimens.table["image"][1]
region = Regions(specimens, {}).attributes(name, (160, 160))["basal_spots"]
EditView(model, specimens.paths[1], fringed(region), specimen=specimens.mask_paths[1])
"""
    )
    page.wait_for_function("document.body.innerText.includes('Ember similis becomes Ember vera')")
    large = page.locator(".intr-panel img").first
    before = large.get_attribute("src")
    page.locator(".widget-hslider", has_text="before | after").locator(".noUi-handle").focus()
    page.keyboard.press("Home")
    page.wait_for_function(
        "before => document.querySelector('.intr-panel img').src !== before", arg=before
    )
    sheet = static_figure(page)
    page.get_by_role("button", name="Is that more than chance?").click()
    page.wait_for_function(
        "document.body.innerText.includes('The change is larger than in 20 of 20')",
        timeout=60_000,
    )
    changed(page, sheet)


def test_pair_viewer(notebook):
    page = notebook(START + "PairViewer(model, specimens)")
    before = static_figure(page)
    choose(page, "look-alikes", "Tigris vera and Tigris similis")
    page.wait_for_function("document.body.innerText.includes('is Tigris similis. Among all')")
    after = changed(page, before)
    page.get_by_role("button", name="another specimen of species 2").click()
    last = changed(page, after)
    choose(page, "species 2", "Tigris vera")
    page.wait_for_function("document.body.innerText.includes('a pair needs two species')")
    assert static_figure(page) == last
