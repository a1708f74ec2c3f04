"""What bad intent, or bad luck, sends: refused in one line, nothing leaks, nothing runs."""

from __future__ import annotations

import io
import os
import urllib.error
import urllib.request

import pytest
from browser_steps import change, open_paint, open_tab, paint, titles, words
from PIL import Image

from intr_discover import Specimens, load
from intr_discover.explain.explainer import Explainer

SCRIPT = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"
SQL = "x'); DROP TABLE raters; --"


def said(page):
    """Return the first message that the page shows."""
    page.wait_for_selector(".toast-body")
    return page.locator(".toast-body").first.inner_text()


def test_a_web_page_called_a_photograph_is_refused_in_one_line(page, tmp_path):
    path = tmp_path / "butterfly.jpg"
    path.write_text("<html><script>alert(1)</script></html>")
    page.locator("#explore-upload input[type=file]").set_input_files(str(path))
    told = said(page)
    assert "butterfly.jpg" in told and "Traceback" not in told and "/tmp" not in told
    page.locator("#explore-gallery button img").nth(1).click()  # the page goes on
    page.wait_for_selector("#explore-heads img")


def test_a_bomb_is_refused(page, tmp_path):
    path = tmp_path / "bomb.png"
    header = io.BytesIO()
    Image.new("L", (1, 1)).save(header, "PNG")
    data = bytearray(header.getvalue())
    data[16:24] = (20000).to_bytes(4, "big") * 2  # 20,000 × 20,000 by the header
    path.write_bytes(bytes(data))
    page.locator("#explore-upload input[type=file]").set_input_files(str(path))
    assert "bomb.png" in said(page)


def test_a_real_bomb_is_refused_before_it_is_unpacked(page, tmp_path, app):
    import psutil

    path = tmp_path / "white.png"
    Image.new("1", (20000, 20000), 1).save(path)  # 50 kB that unpack to 400 million pixels
    assert path.stat().st_size < 1_000_000
    before = psutil.Process().memory_info().rss
    page.locator("#explore-upload input[type=file]").set_input_files(str(path))
    told = said(page)
    assert "white.png" in told and "million pixels" in told
    assert psutil.Process().memory_info().rss - before < 300 * 2**20


def test_an_upload_of_200_megabytes_is_refused(page, tmp_path):
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    page.locator("#explore-upload input[type=file]").set_input_files(str(path))
    assert "exceed" in said(page).lower() or "large" in said(page).lower()
    page.locator("#explore-gallery button img").nth(1).click()
    page.wait_for_selector("#explore-heads img")


def test_folders_in_the_name_of_an_upload_lead_nowhere(app):
    """What a browser would not send, a script can: a name that climbs out of its folder."""
    edge = "----edge"
    picture = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(picture, "PNG")
    body = (
        f'--{edge}\r\nContent-Disposition: form-data; name="files"; '
        'filename="../../../../etc/passwd"\r\nContent-Type: image/png\r\n\r\n'
    ).encode() + picture.getvalue() + f"\r\n--{edge}--\r\n".encode()  # fmt: skip
    request = urllib.request.Request(
        f"{app[0]}/gradio_api/upload", body,
        {"Content-Type": f"multipart/form-data; boundary={edge}"},
    )  # fmt: skip
    with urllib.request.urlopen(request) as answer:
        told = answer.read().decode()
    assert str(app[1].folder) in os.path.realpath(told.strip('[]"\n '))


def test_files_of_another_session_are_not_served(page, app):
    open_paint(page)
    paint(page)
    change(page)
    folders = [v.folder for s in app[1].sessions for v in s.versions.all()]
    assert folders
    for name in ("edited.png", "mask.png"):
        with pytest.raises(urllib.error.HTTPError) as found:
            urllib.request.urlopen(f"{app[0]}/gradio_api/file={folders[0] / name}")
        assert found.value.code in (403, 404)
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{app[0]}/gradio_api/file={app[1].database}")


@pytest.fixture(scope="module")
def named_badly(tmp_path_factory):
    """Serve the demo's model and photographs under names that are scripts."""
    from apps.serve import Settings, running

    demo, specimens = load("demo", device="cpu"), Specimens.read("demo")
    bad = {name: f"{name} {SCRIPT}" for name in demo.classes}
    model = Explainer(
        demo.model, list(bad.values()), demo.preprocessing, source="demo", device="cpu"
    )
    table = specimens.table.assign(label=specimens.table["label"].map(bad))
    database = tmp_path_factory.mktemp("database") / "annotations.db"
    settings = Settings(database=str(database))
    with running(model, specimens.with_table(table), settings) as found:
        names = found[1].annotations.names
        for head in range(8):
            for rater in ("Ann", SQL):
                names.add(rater, model.fingerprint, model.classes[0], head, f"spot {SCRIPT} {SQL}")
        yield found


@pytest.mark.slow
def test_scripts_in_names_are_text(browser, named_badly):
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(named_badly[0])
    page.wait_for_selector("#explore-heads img")
    assert "<script>" in words(page, "explore-answer-words")  # shown, as it is written
    for title in titles(page):
        open_tab(page, title)
        page.wait_for_timeout(1500)
    assert page.evaluate("window.hacked") is None
    assert set(named_badly[1].annotations.raters()) == {"Ann", SQL}
    context.close()
