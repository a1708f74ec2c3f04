"""The whole way of a blind study: made, answered by two people, left and resumed, counted."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest

from apps.annotating import READ_ONLY

pytestmark = pytest.mark.slow

STUDY = "wings <script>window.run = 1</script>'; DROP TABLE studies; --"
VOCABULARY = ["red basal spots", "<script>window.run = 2</script>", "white dots"]


def text_box(page, name):
    return page.locator(f"#{name}").locator("input, textarea").first


def wait_for(page, name, text):
    page.wait_for_function(
        "([name, text]) => document.getElementById(name).innerText.includes(text)", arg=[name, text]
    )


def open_tab(page, step="Answer"):
    page.get_by_role("tab", name="Blind study").click()
    page.get_by_role("tab", name=step).click()


def choose(page, menu, name):
    page.locator(f"#{menu} input").click()
    page.get_by_role("option", name=name, exact=True).first.click()


def make_study(page, name, species_each=1):
    open_tab(page, "Make a study")
    text_box(page, "blind-title").fill(name)
    text_box(page, "blind-vocabulary").fill("\n".join(VOCABULARY))
    labels = page.locator("#blind-methods label")
    labels.nth(0).click()  # single heads are ticked at first
    labels.nth(1).click()
    text_box(page, "blind-each").fill(str(species_each))
    text_box(page, "blind-seed").fill("3")
    page.locator("#blind-create").click()
    wait_for(page, "blind-made", "is made")


def begin(page, who, study):
    open_tab(page)
    choose(page, "blind-study", study)
    text_box(page, "blind-rater").fill(who)
    page.locator("#blind-begin").click()


def answer(page, who, numbers, of, tick):
    """Answer these items; of each is asked what ``tick(number)`` says."""
    for number in numbers:
        wait_for(page, "blind-state", f"{who}: {number} of {of}")
        page.wait_for_selector("#blind-picture img")
        chosen = tick(number)
        for attribute in chosen:
            page.locator("#blind-ticks label").filter(has_text=attribute).click()
        page.locator("#blind-save" if chosen else "#blind-none").click()


def test_two_raters_answer_and_the_result_is_counted(page, app):
    service = app[1]
    make_study(page, STUDY)
    begin(page, "Ann", STUDY)
    wait_for(page, "blind-state", "Ann: 1 of 16")
    page.wait_for_selector("#blind-picture img")
    # Nothing on the page says what it is.
    shown = page.locator("#blind-steps").inner_text()
    assert "1 of 16" in shown and VOCABULARY[0] in shown
    source = page.locator("#blind-picture img").get_attribute("src")
    for row in range(len(service.specimens)):
        for secret in (service.label(row), service.name(row), "head", "Grad-CAM", "INTR"):
            assert secret not in shown and secret not in source
    answer(page, "Ann", [1, 2], 16, lambda number: VOCABULARY[:2] if number == 1 else [])
    wait_for(page, "blind-state", "Ann: 3 of 16")
    # She leaves, and comes back to the third by her name alone.
    page.reload()
    page.wait_for_selector("#explore-gallery img")
    begin(page, "Ann", STUDY)
    answer(page, "Ann", range(3, 17), 16, lambda number: [])
    wait_for(page, "blind-state", "Thank you")
    given = service.annotations.studies.answers(STUDY)
    assert [each.ticked for each in given] == [tuple(VOCABULARY[:2])] + [()] * 15
    assert [each.number for each in given] == service.annotations.studies.get(STUDY).order_of("Ann")
    begin(page, "Bo", STUDY)
    answer(page, "Bo", range(1, 17), 16, lambda number: VOCABULARY[:1])
    wait_for(page, "blind-state", "Thank you")
    open_tab(page, "What people saw")
    choose(page, "blind-which", STUDY)
    page.locator("#blind-count").click()
    # Half of two raters is no majority: the one item on which both ticked the spots counts.
    wait_for(page, "blind-told", "1 of 48 attributes of 16 images identified")
    assert "Ann: 16 of 16, Bo: 16 of 16" in page.locator("#blind-told").inner_text()
    assert "Fleiss' kappa" in page.locator("#blind-told").inner_text()
    page.wait_for_selector("#blind-result .virtual-row")
    assert VOCABULARY[1] in page.locator("#blind-result").inner_text()
    page.locator("#blind-zip").click()
    page.wait_for_selector("#blind-download:not([disabled])")
    page.wait_for_timeout(1000)
    with page.expect_download() as started:
        page.locator("#blind-download").click()
    with zipfile.ZipFile(started.value.path()) as archive:
        text = archive.read("study_answers.csv").decode("utf-8-sig")
        rows = [row for row in csv.DictReader(io.StringIO(text)) if row["study"] == STUDY]
        assert len(rows) == 32 and "agreement.csv" in archive.namelist()
    assert page.evaluate("window.run") is None  # shown as text, never run


def test_a_slip_keeps_the_picture(page, app):
    make_study(page, "slips")
    begin(page, "", "slips")
    page.wait_for_selector(".toast-body")
    assert "your name is empty" in page.locator(".toast-body").first.inner_text()
    begin(page, "Ann", "slips")
    page.wait_for_selector("#blind-picture img")
    page.locator("#blind-save").click()
    page.get_by_text("nothing is ticked").wait_for()
    page.locator("#blind-ticks label").first.click()
    page.locator("#blind-none").click()
    page.get_by_text("something is ticked").wait_for()
    assert page.locator("#blind-picture img").is_visible()
    assert app[1].annotations.studies.answers("slips") == []
    open_tab(page, "Make a study")
    page.locator("#blind-create").click()
    page.get_by_text("there is a study").wait_for()


def test_a_page_for_looking_only_refuses(page, app, monkeypatch):
    monkeypatch.setattr(app[1], "read_only", True)
    open_tab(page, "Make a study")
    text_box(page, "blind-title").fill("forbidden")
    page.locator("#blind-create").click()
    page.wait_for_selector(".toast-body")
    assert READ_ONLY in page.locator(".toast-body").first.inner_text()
    assert "forbidden" not in app[1].annotations.studies.names()


@pytest.mark.parametrize("step", ["Answer", "Make a study", "What people saw"])
def test_nothing_runs_out_of_the_page(page, step):
    open_tab(page, step)
    for width in (1920, 1280, 390):  # the narrow one last: it moves tabs into a menu
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(600)
        assert page.locator("#blind-steps").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width + 1, width
