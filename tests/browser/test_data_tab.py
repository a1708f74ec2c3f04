"""A person's own photographs: opened, marked by hand, trained on, reported."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from apps.serve import Settings, running
from apps.training_job import Trainings
from intr_discover import Specimens, load
from intr_discover.data.images import read_mask
from intr_discover.files import sha256

pytestmark = pytest.mark.slow

COLOURS = {"Aglais io": (170, 50, 30), "Vanessa atalanta": (40, 40, 45)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Draw two species of six photographs, one of them cut short."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    generator = np.random.default_rng(0)
    for label, colour in COLOURS.items():
        (tmp_path / "mine" / label).mkdir(parents=True)
        for number in range(6):
            pixels = generator.integers(200, 215, (90, 120, 3), dtype=np.uint8)
            pixels[20:70, 20 + number : 95 + number] = colour
            pixels[30:40, 40:50] = (240, 200, 60)
            Image.fromarray(pixels).save(tmp_path / "mine" / label / f"{number}.png")
    broken = tmp_path / "mine" / "Aglais io" / "5.png"
    broken.write_bytes(broken.read_bytes()[:2000])
    return tmp_path / "mine"


def stroke_upwards(page):
    """Draw from the middle of the canvas of masks upwards, out of the specimen."""
    canvas = page.locator("#data-mask-editor canvas").last.bounding_box()
    x, y = canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for up in range(1, 11):
        page.mouse.move(x, y - canvas["height"] * 0.03 * up)
    page.mouse.up()
    page.wait_for_timeout(500)


def told(page, name, words, timeout=60_000):
    """Wait until a part of the page says some words."""
    page.wait_for_function(
        "([name, words]) => document.querySelector(name).innerText.includes(words)",
        arg=[f"#data-{name}", words], timeout=timeout,
    )  # fmt: skip


def open_folder(page, folder):
    page.get_by_role("tab", name="Your data").click()
    page.locator("#data-place input, #data-place textarea").first.fill(str(folder))
    page.locator("#data-open").click()
    told(page, "found", "2 species")


def step(page, name):
    page.get_by_role("tab", name=name).click()


def contents(folder):
    return {path: sha256(path) for path in folder.rglob("*.png") if "masks" not in path.parts}


def test_defects_landmarks_and_masks(page, folder):
    before = contents(folder)
    open_folder(page, folder)
    told(page, "found", "1 of them cannot be used")
    told(page, "defects", "truncated")
    told(page, "defects", "Copy the file again")

    step(page, "2. Landmarks")
    page.wait_for_selector("#data-landmark-picture img")
    page.locator("#data-landmark-names textarea").fill("wing tip left, eyespot")
    page.locator("#data-landmark-use").click()
    told(page, "landmark-told", "0 of 2")
    box = page.locator("#data-landmark-picture img").bounding_box()
    # The photograph is shown as large as the picture's frame permits, in its middle.
    size = min(box["width"] / 120, box["height"] / 90)
    left = box["x"] + (box["width"] - 120 * size) / 2
    top = box["y"] + (box["height"] - 90 * size) / 2
    page.mouse.click(left + 30 * size, top + 45 * size)
    told(page, "landmark-told", "1 of 2")
    page.locator("#data-landmark-unseen").click()
    told(page, "landmark-told", "Not visible: eyespot")
    table = pd.read_csv(folder / "keypoints.csv")
    assert table["keypoint"].tolist() == ["wing tip left", "eyespot"]
    assert set(table["image"]) == {"Aglais io/0.png"}
    assert table["x"][0] == pytest.approx(30, abs=0.6)
    assert table["y"][0] == pytest.approx(45, abs=0.6) and table["x"].isna()[1]
    page.locator("#data-landmark-undo").click()
    told(page, "landmark-told", "1 of 2")
    assert len(pd.read_csv(folder / "keypoints.csv")) == 1
    page.locator("#data-landmark-next").click()
    told(page, "landmark-told", "Photograph 2 of 11: 0 of 2")

    step(page, "3. Masks")
    told(page, "mask-told", "guess")
    page.wait_for_selector("#data-mask-editor canvas")
    page.wait_for_timeout(3000)  # the canvas takes its time to settle, and says nothing of it
    page.locator("#data-mask-save").click()
    told(page, "mask-told", "Saved")
    guess = read_mask(folder / "masks/Aglais io/1.png")
    assert guess.shape == (90, 120) and guess[45, 60] and not guess[2, 60]
    mended = guess
    for _ in range(5):  # a canvas that is not ready yet takes no stroke, and says nothing of it
        stroke_upwards(page)
        page.locator("#data-mask-save").click()
        page.wait_for_timeout(2000)
        told(page, "mask-told", "Saved")
        mended = read_mask(folder / "masks/Aglais io/1.png")
        if mended.sum() > guess.sum():
            break
    assert mended.sum() > guess.sum() and mended[guess].all()
    assert np.array_equal(read_mask(folder / "masks/Aglais io/1.first.png"), guess)
    assert Specimens.read(folder, allow_missing=True).mask_paths[1] is not None
    assert contents(folder) == before


def test_a_wrong_place_and_no_data_are_said_in_one_line(page, folder):
    page.get_by_role("tab", name="Your data").click()
    page.locator("#data-place input, #data-place textarea").first.fill("butterflies")
    page.locator("#data-open").click()
    page.wait_for_selector(".toast-body")
    assert "whole path" in page.locator(".toast-body").first.inner_text()
    step(page, "2. Landmarks")
    page.wait_for_function(
        "[...document.querySelectorAll('.toast-body')].some(e => e.innerText.includes('first'))"
    )


def test_a_zip_is_opened(page, folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        for path in folder.rglob("*.png"):
            archive.write(path, path.relative_to(folder.parent).as_posix())
    page.get_by_role("tab", name="Your data").click()
    page.locator("#data-zip input[type=file]").set_input_files(str(tmp_path / "mine.zip"))
    told(page, "found", "12 photographs of 2 species")


@pytest.mark.timeout(580)
def test_train_stop_resume_report_and_take_it_home(page, folder, tmp_path):
    open_folder(page, folder)
    step(page, "4. Train and report")
    page.get_by_text("More settings").click()
    page.locator("#data-settings textarea").fill(
        "width=32\nheads=4\nfeed_forward=32\nimage_size=32\nbatch_size=4\nvalidation_share=0.2"
    )
    page.locator("#data-folder input, #data-folder textarea").first.fill(str(tmp_path / "runs"))
    page.locator("#data-epochs input").fill("120")
    page.locator("#data-ask").click()
    told(page, "estimate", "120 epochs of 11 photographs")
    page.locator("#data-name input, #data-name textarea").first.fill("mine")
    page.locator("#data-start").click()
    told(page, "state", "of 120 done", 120_000)
    page.wait_for_selector("#data-curve img")  # an epoch is done
    page.locator("#data-stop").click()
    told(page, "state", "can be resumed")
    page.wait_for_selector("#data-curve img")
    trainings = Trainings(tmp_path / "runs")
    assert trainings.names() == ["mine"] and trainings.busy() is None
    assert 1 <= trainings.status("mine").epochs < 120
    page.reload()  # and when the page was closed meanwhile, all is as it was
    open_folder(page, folder)
    step(page, "4. Train and report")
    page.get_by_text("More settings").click()
    page.locator("#data-folder input, #data-folder textarea").first.fill(str(tmp_path / "runs"))
    page.locator("#data-folder input, #data-folder textarea").first.press("Enter")
    told(page, "state", "can be resumed")
    page.locator("#data-resume").click()
    told(page, "state", "Trained", 200_000)
    told(page, "runs", "120 of 120")
    config = json.loads((tmp_path / "runs/mine/run/config.json").read_text())
    assert config["data"]["train"] + config["data"]["validation"] == 11
    page.locator("#data-report").click()
    told(page, "state", "The report is ready", 300_000)
    page.locator("#data-make-zip").click()
    page.wait_for_selector("#data-download:not([disabled])")
    page.wait_for_timeout(1000)
    with page.expect_download() as started:
        page.locator("#data-download").click()
    with zipfile.ZipFile(started.value.path()) as archive:
        assert "report-mine/index.html" in archive.namelist()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(read_only=True), "cannot be opened here"),
        (Settings(host="0.0.0.0"), "only where the app listens to that machine alone"),
    ],
)
def test_strangers_cannot_name_folders_of_the_machine(browser, settings, words):
    with running(load("demo", device="cpu"), Specimens.read("demo"), settings) as (address, _):
        page = browser.new_page()
        page.goto(address)
        page.get_by_role("tab", name="Your data").click()
        page.get_by_text(words).wait_for()
        assert not page.locator("#data-place").is_visible()
        assert page.locator("#data-start").count() == 0
        page.close()
