"""The page in a real browser: found, read, narrow, dark, printed, and silent on the network."""

from __future__ import annotations

import io
import time

import pytest

from benchmarks.report_synthetic import species_names, write_synthetic_report

pytest.importorskip("playwright.sync_api")

HOSTILE = '<img src="https://example.org/x.png" onerror="window.hurt = 1">'
ACCENTED = "Érébia ligéa"
FEW = [*species_names(4), HOSTILE, ACCENTED]
MANY = 100

HIDDEN_SPILL = """() => [...document.querySelectorAll('main *')].filter(element =>
  !element.closest('.wide') && element.getClientRects().length &&
  element.getBoundingClientRect().right > innerWidth + 1)
  .map(element => element.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    return write_synthetic_report(tmp_path_factory.mktemp("few") / "report", FEW, scale=0.25)


@pytest.fixture
def opened(browser):
    """Open a file; whatever it asks of anybody, or says to the console, fails the test."""
    contexts, asked, said = [], [], []

    def open_page(path, watched=True, **settings):
        contexts.append(browser.new_context(**settings))
        page = contexts[-1].new_page()
        if watched:
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path.as_uri(), wait_until="load")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    files = [address for address in asked if not address.startswith("data:image/")]
    assert all(address.startswith("file://") for address in files)
    assert len({address.partition("#")[0] for address in files}) <= 1  # the page itself


def unfold_all(page):
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")


def shown(page, kind="species"):
    """Return the names of the species, or pairs, that are not hidden."""
    return page.locator(f"details[data-kind={kind}]:visible h3").all_inner_texts()


def test_a_species_is_found_by_any_part_of_its_name(opened, report):
    page = opened(report)
    page.keyboard.press("Tab")  # a person may have no mouse
    find = page.get_by_role("searchbox", name="Find a species")
    find.fill("SIMILIS arar")
    assert shown(page) == ["Araria similis"]
    assert shown(page, "pairs") == ["Araria vera and Araria similis"]
    assert page.locator("#shown").inner_text().startswith("1 of 6 species, 1 of 3 pairs")
    assert page.locator("#matches a").all_inner_texts() == [
        "Araria similis", "Araria vera and Araria similis",
    ]  # fmt: skip
    find.press("Enter")
    block = page.locator("details[data-kind=species]:visible")
    assert block.get_attribute("open") is not None
    assert 0 <= block.bounding_box()["y"] < 200 and page.locator("#matches a").count() == 0
    assert "recognised" in block.inner_text()
    find.press("Escape")
    assert len(shown(page)) == 6 and page.locator("#shown").inner_text() == ""
    find.fill("no such animal")
    assert shown(page) == [] and page.locator("#shown").inner_text().startswith("0 of 6 species")


def test_accents_and_marks_of_code_are_letters(opened, report):
    page = opened(report)
    find = page.get_by_role("searchbox")
    find.fill("erebia")
    assert shown(page) == [ACCENTED]
    find.fill("<img")
    assert shown(page) == [HOSTILE] and page.locator("#matches a").first.inner_text() == HOSTILE
    page.locator("#matches a").first.click()
    assert page.evaluate("window.hurt") is None


def test_a_link_opens_what_is_folded_away_and_shows_what_a_search_hid(opened, report):
    page = opened(report)
    page.get_by_role("searchbox").fill("araria vera")
    page.evaluate("location.hash = 'species-6'")
    block = page.locator("#species-6")
    page.wait_for_function("document.querySelector('#species-6').open")
    assert block.is_visible() and len(shown(page)) == 6
    block.get_by_role("link", name=HOSTILE).click()  # its look-alike: the sheet of the two
    assert page.locator("#pair-3").get_attribute("open") is not None


def test_no_other_script_runs_and_nothing_is_fetched(opened, report):
    """The page's policy holds against whatever else might come into it."""
    page = opened(report, watched=False)
    page.evaluate(
        "document.addEventListener('securitypolicyviolation',"
        " event => (window.refused ??= []).push(event.effectiveDirective))"
    )
    page.evaluate(
        """() => {
          const script = document.createElement('script');
          script.textContent = 'window.hurt = 1';
          const picture = document.createElement('img');
          picture.src = 'https://example.org/x.png';
          document.body.append(script, picture);
          return fetch('https://example.org/').catch(() => null);
        }"""
    )
    page.wait_for_function("window.refused?.length >= 3")
    assert page.evaluate("window.hurt") is None
    refused = set(page.evaluate("window.refused"))
    assert refused == {"script-src-elem", "img-src", "connect-src"}


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_hangs_over_the_edge(opened, report, width):
    page = opened(report, viewport={"width": width, "height": 844})
    unfold_all(page)
    page.wait_for_function("[...document.images].every(image => image.width > 100)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(HIDDEN_SPILL) == []
    if width == 390:  # tables stand one row below the other: nothing to push sideways
        wide = "[...document.querySelectorAll('.stack')].map(each => each.scrollWidth)"
        assert max(page.evaluate(wide)) <= width


def test_pictures_come_when_they_are_looked_at(opened, report):
    page = opened(report)
    assert page.locator("img").count() == page.locator("img[loading=lazy]").count() > 0
    block = page.locator("#species-1")
    block.locator("summary").first.click()
    picture = block.locator("img").first
    picture.scroll_into_view_if_needed()
    page.wait_for_function("element => element.complete && element.naturalWidth > 100",
                           arg=picture.element_handle())  # fmt: skip


def luminance(colour):
    """Return the relative luminance of ``rgb(r, g, b)``, by WCAG 2.2."""
    parts = [int(part) / 255 for part in colour.strip("rgb()").split(",")[:3]]
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    ]
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_in_both_schemes(opened, report, scheme):
    page = opened(report, color_scheme=scheme)
    look = "selector => { const style = getComputedStyle(document.querySelector(selector)); "
    colour = look + "return style.color }"
    ground = page.evaluate(look + "return style.backgroundColor }", "body")
    assert (luminance(ground) < 0.1) == (scheme == "dark")
    for selector in ("body", "a[href]", "figcaption", "dt", "thead th", ".brief", "#find"):
        pair = sorted((luminance(page.evaluate(colour, selector)), luminance(ground)))
        contrast = (pair[1] + 0.05) / (pair[0] + 0.05)
        assert contrast >= 4.5, (selector, contrast)
    for answer in ("yes", "no"):
        selector = f".answer.{answer}"
        pair = sorted(
            luminance(page.evaluate(look + f"return style.{name} }}", selector))
            for name in ("color", "backgroundColor")
        )
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, selector


def pictures_of(sheet):
    """Return where a page of a PDF has its pictures: (left, bottom, right, top), in points."""
    found = []

    def visit(operator, operands, cm, tm):
        if operator == b"Do":
            found.append((cm[4], cm[5], cm[4] + cm[0], cm[5] + cm[3]))

    sheet.extract_text(visitor_operand_before=visit)
    return [
        (min(left, right), min(low, high), max(left, right), max(low, high))
        for left, low, right, high in found
    ]


def test_printed_all_is_unfolded_and_no_figure_is_cut(opened, report):
    pypdf = pytest.importorskip("pypdf")
    page = opened(report, color_scheme="dark")  # paper stays white
    count, unfolded = page.locator("img").count(), page.locator("details[open]").count()
    printed = pypdf.PdfReader(io.BytesIO(page.pdf(format="A4", print_background=True)))
    width, height = (float(value) for value in printed.pages[0].mediabox[2:])
    words, drawn = "", 0
    for sheet in printed.pages:
        words += sheet.extract_text() + "\n"
        for left, low, right, top in pictures_of(sheet):
            drawn += 1
            assert left >= 0 and low >= 0 and right <= width and top <= height
    assert drawn == count  # one that is cut is drawn twice, on two sheets
    flat = " ".join(words.split())
    for name in FEW[:4]:
        assert f"Head atlas of {name}: a row a head." in flat  # folded away on a screen
    assert "And a third." in flat and "heads/atlas_001.pdf" in flat
    assert "Find a species" not in flat and f"1 of {len(printed.pages)}" in flat
    # On the screen it is as it was.
    assert page.locator("details[open]").count() == unfolded


@pytest.mark.slow
@pytest.mark.timeout(400)  # a busy machine draws the pictures slowly
def test_a_hundred_species_open_and_are_searched(opened, tmp_path):
    """A generous bound; benchmarks/report.py measures the time, with pictures of full size."""
    names = species_names(MANY)
    path = write_synthetic_report(tmp_path / "report", names, scale=0.16)
    assert path.stat().st_size < 60_000_000
    began = time.perf_counter()
    page = opened(path)
    find = page.get_by_role("searchbox")
    find.fill(names[70])
    assert names[70] in shown(page) and len(shown(page)) < 5
    assert time.perf_counter() - began < 30
    page.locator("#matches").get_by_role("link", name=names[70], exact=True).click()
    page.locator(f'details[data-name="{names[70]}"] img').first.wait_for()
    find.fill("vera")
    assert len(shown(page)) == MANY / 2
