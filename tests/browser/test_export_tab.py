"""A person takes a figure home at a journal's width, and the tables with it."""

from __future__ import annotations

import io
import zipfile

import pytest
from browser_steps import open_tab, words
from PIL import Image
from pypdf import PdfReader

pytestmark = pytest.mark.slow


def download(page):
    page.get_by_role("button", name="Make the files").click()
    page.wait_for_selector("#export-download:not([disabled])", timeout=110_000)
    page.wait_for_timeout(500)
    with page.expect_download() as started:
        page.locator("#export-download").click()
    with zipfile.ZipFile(started.value.path()) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def choose(page, group, name):
    page.locator(f"#{group} label", has_text=name).first.click()


def test_the_photograph_in_explore_at_one_column(page, app):
    open_tab(page, "Export")
    page.wait_for_selector("#export-preview img")
    choose(page, "export-width", "one column")
    page.wait_for_function("document.querySelector('#export-size').innerText.includes('89 ×')")
    assert "points" in words(page, "export-size")
    choose(page, "export-formats", "SVG")
    choose(page, "export-scope", "this figure")
    files = download(page)
    assert sorted(name.rpartition(".")[2] for name in files) == ["pdf", "png", "svg", "txt"]
    pdf = PdfReader(io.BytesIO(files["export/explore/heads.pdf"]))
    assert float(pdf.pages[0].mediabox.width) == pytest.approx(89 / 25.4 * 72, rel=1e-3)
    with Image.open(io.BytesIO(files["export/explore/heads.png"])) as image:
        assert image.width == pytest.approx(89 / 25.4 * 300, abs=2)
    assert b"backbone resnet18" in files["export/methods.txt"]
    assert not any(str(app[1].folder).encode() in content for content in files.values())


def test_a_study_with_its_tables(page):
    open_tab(page, "Export")
    page.wait_for_selector("#export-studies label")
    choose(page, "export-studies", "How often is it right")
    page.get_by_role("button", name="Run the ticked studies").click()
    page.wait_for_function(
        "document.querySelector('#export-methods textarea').value.includes('(study evaluate)')"
    )
    assert "Done: evaluate" in words(page, "export-done")
    files = download(page)
    assert {"export/evaluate/evaluate.csv", "export/evaluate/confusion.pdf"} <= set(files)
    assert "export/evaluate/provenance.json" in files


def test_mistakes_are_told(page):
    open_tab(page, "Export")
    page.wait_for_selector("#export-preview img")
    page.get_by_role("button", name="Run the ticked studies").click()
    page.wait_for_selector(".toast-body")
    assert "tick at least one study" in page.locator(".toast-body").first.inner_text()
    choose(page, "export-formats", "PDF")
    choose(page, "export-formats", "PNG")
    page.get_by_role("button", name="Make the files").click()
    page.wait_for_function(
        "[...document.querySelectorAll('.toast-body')].some(e => e.innerText.includes('format'))"
    )
