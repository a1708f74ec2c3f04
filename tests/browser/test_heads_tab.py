"""A person's way through the tab Heads: the report card, one head, its name."""

from __future__ import annotations

import pytest

from apps.annotating import READ_ONLY

pytestmark = pytest.mark.slow

NAME = "red <script>window.run = 1</script> spots'; DROP TABLE head_names; --"


@pytest.fixture
def heads(page):
    """Open the tab and make the report card; the first asked for it waits, the others do not."""
    page.get_by_role("tab", name="Heads").click()
    page.get_by_role("button", name="Make the report card").click()
    page.wait_for_selector("#heads-atlas img")
    page.wait_for_selector("#heads-table .virtual-row")
    return page


def words(page, name):
    return page.locator(f"#{name}").inner_text()


def choose_species(page, label):
    page.locator("#heads-species input").click()
    page.get_by_role("option", name=label, exact=True).click()
    page.wait_for_function("document.querySelector('#heads-state').innerText.startsWith('8 heads')")


def row_of(page, *cells):
    """Return the first row of the table that holds these texts."""
    rows = page.locator("#heads-table .virtual-row")
    for cell in cells:
        rows = rows.filter(has_text=cell)
    return rows.first


def name_it(page, who, called):
    page.locator("#heads-rater").locator("input, textarea").first.fill(who)
    page.locator("#heads-name input").fill(called)
    page.locator("#heads-save").click()
    page.wait_for_function(
        f"document.querySelector('#heads-said').innerText.includes({who!r})", timeout=20_000
    )


def test_a_head_is_named_and_the_name_stands_in_the_table_after_reload(heads, app):
    choose_species(heads, "Ember similis")
    row = row_of(heads, "basal_spots")
    head = int(row.locator("[role=gridcell]").nth(1).inner_text())
    row.locator("[role=gridcell]").nth(0).click()
    heads.wait_for_function(
        f"document.querySelector('#heads-words').innerText.includes('Ember similis, head {head}')"
    )
    assert heads.locator("#heads-atlas .thumbnail-lg img").count() == 10
    assert "Nobody has named" in words(heads, "heads-agreed")
    name_it(heads, "Ann <b>", NAME)
    assert NAME in words(heads, "heads-agreed") and NAME in words(heads, "heads-said")
    assert app[1].names() == {("Ember similis", head): NAME}
    assert NAME in row_of(heads, "basal_spots").inner_text()  # at once
    heads.reload()
    heads.wait_for_selector("#explore-gallery img")
    heads.get_by_role("tab", name="Heads").click()
    heads.wait_for_selector("#heads-table .virtual-row")
    choose_species(heads, "Ember similis")
    assert NAME in row_of(heads, "basal_spots").inner_text()
    assert heads.evaluate("window.run") is None  # shown as text, never run
    # A second rater says that it shows none: no majority, no name.
    row_of(heads, "basal_spots").locator("[role=gridcell]").nth(0).click()
    heads.wait_for_selector("#heads-atlas img")
    heads.locator("#heads-name input").click()
    heads.get_by_role("option", name=NAME).wait_for()  # it is suggested
    heads.keyboard.press("Escape")
    heads.locator("#heads-rater").locator("input, textarea").first.fill("Bo")
    heads.locator("#heads-none").click()
    heads.wait_for_function(
        "document.querySelector('#heads-agreed').innerText.includes('No agreed name')"
    )
    assert app[1].names() == {}


def test_a_sorted_table_shows_the_head_that_was_chosen(heads):
    heading = heads.locator("#heads-table thead th").filter(has_text="distinctness").first
    heading.hover()
    heading.locator("button").last.click()
    heads.get_by_text("Sort ascending").first.click()
    heads.wait_for_timeout(800)
    row = heads.locator("#heads-table .virtual-row").nth(3)
    label, head = (row.locator("[role=gridcell]").nth(place).inner_text() for place in (0, 1))
    row.locator("[role=gridcell]").nth(4).click()
    heads.wait_for_function(
        f"document.querySelector('#heads-agreed').innerText.startsWith('{label}, head {head}')"
    )


def test_without_a_name_nothing_is_kept_and_the_table_stays(heads, app):
    before = len(app[1].annotations.names.all())
    heads.locator("#heads-name input").fill("spots")
    heads.locator("#heads-rater").locator("input, textarea").first.fill("")
    heads.locator("#heads-save").click()
    heads.wait_for_selector(".toast-body")
    assert "rater's name is empty" in heads.locator(".toast-body").first.inner_text()
    assert len(app[1].annotations.names.all()) == before
    assert heads.locator("#heads-table .virtual-row").first.is_visible()


def test_a_page_for_looking_only_refuses(heads, app, monkeypatch):
    monkeypatch.setattr(app[1], "read_only", True)
    heads.locator("#heads-rater").locator("input, textarea").first.fill("Ann")
    heads.locator("#heads-none").click()
    heads.wait_for_selector(".toast-body")
    assert READ_ONLY in heads.locator(".toast-body").first.inner_text()


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_nothing_runs_out_of_the_page(heads, width):
    heads.set_viewport_size({"width": width, "height": 900})
    heads.wait_for_timeout(800)
    assert heads.evaluate("document.documentElement.scrollWidth") <= width + 1
