"""A person's way through the tab Mimicry pairs: the ranking, one pair, two specimens, the page."""

from __future__ import annotations

import zipfile

import pytest
from browser_steps import open_tab, words

pytestmark = pytest.mark.slow


@pytest.fixture
def pairs(page):
    """Open the tab; it begins with the first known pair."""
    open_tab(page, "Mimicry pairs")
    page.wait_for_selector("#pairs-heads-b img", state="attached")
    return page


def rank(page):
    """Rank all pairs; the first asked for it waits, the others do not."""
    page.get_by_role("button", name="Rank all pairs").click()
    wait_for(page, "pairs-state", "ranked by")


def wait_for(page, name, text):
    page.wait_for_function(
        "([name, text]) => document.querySelector('#' + name).innerText.includes(text)",
        arg=[name, text],
    )


def row_of(page, *cells):
    """Return the first row of the table that holds these texts."""
    rows = page.locator("#pairs-table .virtual-row")
    for cell in cells:
        rows = rows.filter(has_text=cell)
    return rows.first


def chances(page, side):
    """Return the probabilities of a specimen among all classes; not the time that stands there."""
    return page.locator(f"#pairs-answer-{side} table.bars").first.inner_text()


def choose(page, name, option):
    page.locator(f"#{name} input").click()
    page.get_by_role("option", name=option, exact=True).click()


def test_a_person_ranks_chooses_a_pair_and_opens_its_page(pairs, tmp_path):
    assert "8 known pairs" in words(pairs, "pairs-state")
    assert "Ember vera and Ember similis" in words(pairs, "pairs-told")
    rank(pairs)
    assert words(pairs, "pairs-state").startswith("120 pairs")
    assert "of 120 pairs" in words(pairs, "pairs-told")
    row_of(pairs, "marginal_dots").locator("[role=gridcell]").nth(0).click()
    wait_for(pairs, "pairs-told", "Nivea vera and Nivea similis")
    assert "marginal_dots" in words(pairs, "pairs-told")
    pairs.wait_for_selector("#pairs-gallery-b img")
    assert pairs.locator("#pairs-gallery-a .thumbnail-lg img").count() == 10
    # The mean and the five strongest heads; all of them when asked for.
    assert pairs.locator("#pairs-heads-a .thumbnail-lg").count() == 6
    pairs.get_by_label("Show every head").click()
    pairs.wait_for_function(
        "document.querySelectorAll('#pairs-heads-a .thumbnail-lg').length === 9"
    )
    # Another specimen of the second species, by the gallery; then by the menu.
    before = [chances(pairs, side) for side in "ab"]
    pairs.locator("#pairs-gallery-b .thumbnail-lg").nth(4).click()
    pairs.wait_for_function(
        "text => document.querySelector('#pairs-answer-b table.bars').innerText !== text",
        arg=before[1],
    )
    chosen = pairs.locator("#pairs-which-b input").input_value()
    assert chosen in words(pairs, "pairs-answer-b")
    assert chances(pairs, "a") == before[0]
    others = pairs.locator("#pairs-which-a input")
    others.click()
    pairs.get_by_role("option").nth(2).click()
    wait_for(pairs, "pairs-answer-a", others.input_value())
    assert "between the two alone" in words(pairs, "pairs-answer-b")
    # Its page, and the zip of it.
    assert pairs.locator("#pairs-sheet").count() == 0
    pairs.locator("#pairs-ask").click()
    pairs.wait_for_selector("#pairs-single-heads img", state="attached")
    found = words(pairs, "pairs-found")
    assert "Of 10 photographs of Nivea vera" in found and "95 % interval" in found
    assert pairs.locator("#pairs-sheet img").count() == 1
    pairs.locator("#pairs-store").click()
    pairs.wait_for_selector("#pairs-download:not([disabled])")
    pairs.wait_for_timeout(1000)
    with pairs.expect_download() as started:
        pairs.locator("#pairs-download").click()
    with zipfile.ZipFile(started.value.path()) as archive:
        assert {"mimicry/pair_01_sheet.pdf", "mimicry/provenance.json"} <= set(archive.namelist())


def test_any_two_species_and_the_mode_are_chosen_from_menus(pairs):
    choose(pairs, "pairs-second", "Tigris vera")
    wait_for(pairs, "pairs-told", "Ember vera and Tigris vera")
    wait_for(pairs, "pairs-answer-b", "Tigris vera")
    picture = pairs.locator("#pairs-heads-a img").first
    shown = picture.get_attribute("src")
    pairs.get_by_label("the other species").click()
    pairs.wait_for_function(
        "src => document.querySelector('#pairs-heads-a img').getAttribute('src') !== src", arg=shown
    )
    assert chances(pairs, "a").count("Tigris vera") == 1
    pairs.get_by_label("they are left out").click()
    pairs.wait_for_timeout(1500)
    assert "one decoder layer" in words(pairs, "pairs-told")
    assert pairs.locator(".toast-body").count() == 0


def test_one_species_twice_is_refused_in_one_line(pairs):
    choose(pairs, "pairs-second", "Ember vera")
    pairs.wait_for_selector(".toast-body")
    pairs.wait_for_timeout(1000)
    said = pairs.locator(".toast-body").first.inner_text()
    assert said.count("twice") == 1  # one line, once
    assert "two species, not Ember vera twice" in said and "Traceback" not in said
    # What is shown is still the pair before, and the page goes on.
    assert "Ember vera and Ember similis" in words(pairs, "pairs-told")
    choose(pairs, "pairs-second", "Argus similis")
    wait_for(pairs, "pairs-told", "Ember vera and Argus similis")


def test_a_sorted_table_gives_the_row_that_was_clicked(pairs):
    rank(pairs)
    heading = pairs.locator("#pairs-table thead th").filter(has_text="rank").first
    heading.click()
    pairs.wait_for_timeout(800)
    row = pairs.locator("#pairs-table .virtual-row").nth(1)
    cells = [row.locator("[role=gridcell]").nth(place).inner_text().strip() for place in (0, 1)]
    row.locator("[role=gridcell]").nth(1).click()
    wait_for(pairs, "pairs-told", f"{cells[0]} and {cells[1]}")


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_nothing_runs_out_of_the_page_of_pairs(pairs, width):
    pairs.set_viewport_size({"width": width, "height": 900})
    pairs.wait_for_timeout(1500)
    assert pairs.evaluate("document.documentElement.scrollWidth") <= width + 1


def test_every_input_of_the_tab_has_a_name(pairs):
    nameless = pairs.evaluate(
        """() => [...document.querySelectorAll('#tab-pairs input:not([type=hidden]),'
            + '#tab-pairs select, #tab-pairs textarea')]
        .filter(e => e.offsetParent !== null && e.type !== 'file')
        .filter(e => !(e.labels && e.labels.length) && !e.getAttribute('aria-label')
            && !e.getAttribute('aria-labelledby') && !e.title && !e.placeholder)
        .map(e => e.outerHTML.slice(0, 120))"""
    )
    assert nameless == []
