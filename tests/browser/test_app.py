"""A person's way through Explore and Paint, with the mouse."""

from __future__ import annotations

import json
import re
import zipfile

import numpy as np
import pytest
from browser_steps import (
    change,
    open_paint,
    open_tab,
    paint,
    titles,
    upload_to_paint,
    words,
)
from PIL import Image

from intr_discover.data.images import read_image


def latest(app):
    """Return the newest version that any session made."""
    versions = [v for s in app[1].sessions for v in s.versions.all()]
    return max(versions, key=lambda version: version.folder.stat().st_mtime)


def test_explore_shows_where_the_model_looks(page):
    page.locator("#explore-gallery button img").nth(3).click()
    page.wait_for_selector("#explore-heads img")
    assert re.search(r"\d+(\.\d)? ?%", words(page, "explore-answer-words"))
    page.locator("#explore-heads img").first.click()
    page.wait_for_selector("#explore-large img")


def test_what_is_proposed_is_erased_and_tested(page, app):
    open_paint(page)
    page.get_by_text("Let a region be proposed").click()
    page.get_by_role("button", name="Put it on the canvas").click()
    page.wait_for_timeout(2500)
    change(page)
    page.wait_for_function("/of 20/.test(document.querySelector('#paint-verdict').innerText)")
    assert "%" in words(page, "paint-chart")


def test_a_stroke_becomes_a_version_and_leaves_as_a_zip(page, app):
    open_paint(page)
    paint(page)
    change(page)
    page.wait_for_function("document.querySelector('#paint-table').innerText.includes('erase')")
    page.get_by_role("button", name="Make a zip of it").click()
    page.wait_for_selector("#paint-download:not([disabled])")
    page.wait_for_timeout(1000)
    with page.expect_download() as started:
        page.locator("#paint-download").click()
    with zipfile.ZipFile(started.value.path()) as archive:
        names = {name.rpartition("/")[2] for name in archive.namelist()}
        assert {"mask.png", "edited.png"} <= names
        for name in archive.namelist():
            if name.endswith(".json"):
                json.loads(archive.read(name))
                assert str(app[1].folder) not in archive.read(name).decode()


@pytest.mark.slow
def test_an_edit_is_found_again_on_another_day(page, app):
    open_paint(page)
    paint(page)
    change(page)
    page.wait_for_function(
        "/random regions of|control/.test(document.querySelector('#paint-verdict').innerText)"
    )
    before = latest(app)
    mask = (before.folder / "mask.png").read_bytes()
    page.reload()  # the old page's files go with it
    page.wait_for_selector("#explore-gallery img")
    open_paint(page)
    page.get_by_text("Earlier edits of this photograph").click()
    page.get_by_role("button", name="Put its region and settings").click()
    page.wait_for_timeout(2500)
    change(page)
    page.wait_for_function("document.querySelector('#paint-table').innerText.includes('erase')")
    again = latest(app)
    assert again.folder != before.folder and again.after == before.after
    assert (again.folder / "mask.png").read_bytes() == mask


def awkward(kind, folder):
    """Write a photograph of an awkward kind; return its path."""
    generator = np.random.default_rng(3)
    pixels = generator.integers(0, 256, (90, 120, 3), dtype=np.uint8)
    path = folder / f"picture.{'jpg' if kind == 'turned' else 'png'}"
    if kind == "turned":
        exif = Image.Exif()
        exif[274] = 6
        Image.fromarray(pixels).save(path, quality=95, exif=exif)
    elif kind == "rgba":
        alpha = generator.integers(0, 2, (90, 120, 1), dtype=np.uint8) * 255
        Image.fromarray(np.concatenate([pixels, alpha], axis=2)).save(path)
    elif kind == "16 bit":
        deep = generator.integers(0, 65536, (90, 120), dtype=np.uint16)
        Image.fromarray(deep).save(path)
    else:
        Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize(
    "kind",
    [
        "png",
        *(pytest.param(k, marks=pytest.mark.slow) for k in ("turned", "rgba", "16 bit")),
    ],
)
def test_outside_the_stroke_the_pixels_are_the_photographs_own(page, app, tmp_path, kind):
    path = awkward(kind, tmp_path)
    open_paint(page)
    upload_to_paint(page, path)
    page.wait_for_function("document.querySelector('#paint-note').innerText.includes('picture')")
    page.wait_for_timeout(2500)
    paint(page)
    change(page)
    version = latest(app)
    own = read_image(path)
    edited = np.asarray(Image.open(version.folder / "edited.png").convert("RGB"))
    mask = np.asarray(Image.open(version.folder / "mask.png")) > 127
    assert edited.shape == own.shape and mask.shape == own.shape[:2]
    assert 0 < mask.mean() < 0.5
    assert np.array_equal(edited[~mask], own[~mask])
    assert not np.array_equal(edited[mask], own[mask])


@pytest.mark.parametrize("width", [390, 1280, pytest.param(1920, marks=pytest.mark.slow)])
def test_nothing_runs_out_of_the_page(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_timeout(800)
    for name in titles(page):
        open_tab(page, name)
        page.wait_for_timeout(1500)
        assert page.evaluate("document.documentElement.scrollWidth") <= width + 1, name


def test_every_input_has_a_name(page):
    for title in titles(page):
        open_tab(page, title)
        page.wait_for_timeout(1500)
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
            .filter(e => !e.disabled)
            .filter(e => e.offsetParent !== null && e.type !== 'file')
            .filter(e => !(e.labels && e.labels.length) && !e.getAttribute('aria-label')
                && !e.getAttribute('aria-labelledby') && !e.title && !e.placeholder)
            .map(e => e.outerHTML.slice(0, 120))"""
        )
        assert nameless == [], title


def test_the_page_is_driven_by_keyboard_alone(page):
    wanted = {"explore-species", "explore-split", "explore-answer", "explore-gallery",
              "explore-next", "explore-upload", "explore-class", "explore-context",
              "explore-heads", "explore-paint"}  # fmt: skip
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached |= set(page.evaluate(
            """() => { const found = []; let e = document.activeElement;
            for (; e; e = e.parentElement) if (e.id) found.push(e.id); return found; }"""
        ))  # fmt: skip
        if wanted <= reached:
            break
    assert wanted <= reached
    page.locator("#explore-paint").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#paint-editor canvas")
