"""Measure the browser app: how soon a new answer is on the page, and eight people at once.

A real browser (Debian's Chromium) drives ``intr-discover app``, which runs in its own process on
the same machine: so both share its cores, as they do when a biologist works on her laptop.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from gradio_client import Client, handle_file
from PIL import Image
from playwright.async_api import Page, async_playwright

from benchmarks.common import RESULTS, machine
from intr_discover import Explainer, Specimens, load
from intr_discover.files import write_json
from intr_discover.provenance import versions

ANSWER_SECONDS = 1.0
"""Target: erased, and the new prediction is on the page."""

_CLICK = """number => new Promise(done => {
  const picture = () => [...document.querySelectorAll('#paint-slider img')].map(e => e.src).join();
  const before = picture(), start = performance.now();
  let answered = null;
  document.querySelector('#paint-run').click();
  const look = () => {
    const verdict = document.querySelector('#paint-verdict').innerText;
    const chart = document.querySelector('#paint-chart').innerText;
    const now = (performance.now() - start) / 1000;
    if (answered === null && verdict.includes(`Version ${number}:`) && chart.includes('after'))
      answered = now;
    if (answered !== null && picture() !== before) done([answered, now]);
    else requestAnimationFrame(look);
  };
  look();
})"""
"""Click; give the seconds to the new prediction with its chart, and to the pictures."""

_SAYS = re.compile(r"The model says (.+?), with probability ([\d.]+) %")


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--edits", type=int, default=20, help="erasures that are timed")
    parser.add_argument("--seconds", type=float, default=120.0, help="of eight people at once")
    parser.add_argument("--pages", type=int, default=6, help="people who look in a browser")
    parser.add_argument("--scripts", type=int, default=2, help="people who edit by a script")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args()

    with served() as (address, process):
        first = asyncio.run(answer_times(address, options.edits))
        together = asyncio.run(
            many(address, process, options.pages, options.scripts, options.seconds)
        )
    record = {
        "command": " ".join(["python", "-m", "benchmarks.app", *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "numbers": {**first, **together},
    }
    options.out.mkdir(parents=True, exist_ok=True)
    write_json(options.out / "app.json", record)
    for name, value in record["numbers"].items():
        print(f"{name:32s} {value}")


@contextlib.contextmanager
def served() -> Iterator[tuple[str, psutil.Process]]:
    """Start ``intr-discover app`` on the demo; yield its address and its process."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "intr_discover", "app", "--database", f"{folder}/people.db"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        line = process.stdout.readline()
        address = re.search(r"http://\S+", line)
        assert address is not None, f"the app did not start: {line}"
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address.group()}/healthz").close()
                break
            time.sleep(0.1)
        try:
            yield address.group(), psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(timeout=30)


async def answer_times(address: str, count: int) -> dict[str, Any]:
    """Erase what a head looks at, again and again; time from the click to the new answer."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = await browser.new_page(viewport={"width": 1280, "height": 1000})
        await page.goto(address)
        await page.wait_for_selector("#explore-gallery img")
        await page.get_by_role("tab", name="Paint and re-classify").click()
        await page.wait_for_function(
            "document.querySelector('#paint-note').innerText.includes('pixels')"
        )
        await page.wait_for_timeout(4000)
        await page.get_by_text("Let a region be proposed").click()
        await page.get_by_role("button", name="Put it on the canvas").click()
        await page.wait_for_timeout(4000)
        seconds = []
        for number in range(1, count + 2):
            # Another soft edge each time: else the pictures are those that are there already.
            await page.locator("#paint-feather input[type=number]").fill(str(1 + number % 4))
            await page.locator("#paint-feather input[type=number]").press("Tab")
            seconds.append(await page.evaluate(_CLICK, number))
            # The controls, so that each begins on a quiet machine.
            await page.wait_for_function(
                "!document.querySelector('#paint-verdict').innerText.includes('regions …')",
                timeout=60_000,
            )
            await page.wait_for_timeout(500)
        await browser.close()
    answered, drawn = np.array(seconds[1:]).T  # the first one warms up
    return {
        "answer_seconds_median": round(float(np.median(answered)), 3),
        "answer_seconds_95": round(float(np.quantile(answered, 0.95)), 3),
        "answer_seconds_worst": round(float(answered.max()), 3),
        "answer_within_target": int((answered <= ANSWER_SECONDS).sum()),
        "answers": len(answered),
        "answer_seconds_first": round(seconds[0][0], 3),
        "pictures_seconds_median": round(float(np.median(drawn)), 3),
        "pictures_seconds_95": round(float(np.quantile(drawn, 0.95)), 3),
    }


async def many(
    address: str, process: psutil.Process, pages: int, scripts: int, seconds: float
) -> dict[str, Any]:
    """Let people look and edit at once; count wrong answers and errors, and weigh the server."""
    explainer, specimens = load("demo", device="cpu"), Specimens.read("demo")
    expected = _expected(explainer, specimens)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        people = []
        for number in range(pages):
            page = await (await browser.new_context()).new_page()
            await page.goto(address)
            await page.wait_for_selector("#explore-gallery img", timeout=120_000)
            people.append((page, number))
        clients = [await asyncio.to_thread(Client, address, verbose=False) for _ in range(scripts)]
        end = time.monotonic() + seconds
        work = [look(page, number, expected, end) for page, number in people]
        work += [asyncio.to_thread(edit, client, number, specimens, explainer, end)
                 for number, client in enumerate(clients)]  # fmt: skip
        weights, *outcomes = await asyncio.gather(weigh(process, end), *work)
        await browser.close()
    third = max(1, len(weights) // 3)
    early, late = (statistics.mean(part) for part in (weights[third : 2 * third],
                                                      weights[2 * third :]))  # fmt: skip
    return {
        "people": pages + scripts,
        "seconds": seconds,
        "questions": sum(outcome["asked"] for outcome in outcomes),
        "wrong_answers": sum(outcome["wrong"] for outcome in outcomes),
        "errors": sum(outcome["errors"] for outcome in outcomes),
        "memory_mib_start": round(weights[0] / 2**20),
        "memory_mib_end": round(weights[-1] / 2**20),
        "memory_last_to_middle_third": round(late / early, 4),
    }


async def look(page: Page, number: int, expected: dict[str, str], end: float) -> dict[str, int]:
    """Click one photograph after the other; compare the answer on the page with the model's."""
    asked = wrong = 0
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    place = number
    while time.monotonic() < end:
        thumbnails = page.locator("#explore-gallery button img")
        before = await page.locator("#explore-answer-words h3").inner_text()
        place = (place + 5) % await thumbnails.count()
        await thumbnails.nth(place).click()
        try:
            await page.wait_for_function(
                "old => { const h = document.querySelector('#explore-answer-words h3');"
                " return h && h.innerText !== old; }",
                arg=before, timeout=60_000,
            )  # fmt: skip
        except Exception as error:
            errors.append(str(error))
            continue
        name = await page.locator("#explore-answer-words h3").inner_text()
        said = _SAYS.search(await page.locator("#explore-answer-words").inner_text())
        asked += 1
        wrong += said is None or expected.get(name) != f"{said.group(1)} {said.group(2)}"
    errors += [""] * await page.locator(".toast-body.error").count()
    return {"asked": asked, "wrong": int(wrong), "errors": len(errors)}


def edit(
    client: Client, number: int, specimens: Specimens, explainer: Explainer, end: float
) -> dict[str, int]:
    """Erase a square of one photograph after the other; compare pixels and answers."""
    asked = wrong = errors = 0
    with tempfile.TemporaryDirectory() as folder:
        row = number
        while time.monotonic() < end:
            row = (row + 7) % len(specimens)
            own = np.asarray(Image.open(specimens.paths[row]).convert("RGB"))
            mask = np.zeros(own.shape[:2], dtype=np.uint8)
            mask[60:80, 60 + number : 90] = 255
            place = Path(folder) / "mask.png"
            Image.fromarray(mask).save(place)
            asked += 1
            try:
                answer, file = client.predict(
                    handle_file(str(specimens.paths[row])), handle_file(str(place)),
                    "erase", "", "", 0, 1, 2, api_name="/edit",
                )  # fmt: skip
            except Exception:
                errors += 1
                continue
            edited = np.asarray(Image.open(file).convert("RGB"))
            told = max(answer["probabilities_after"], key=answer["probabilities_after"].get)
            right = explainer.predict([edited], top=1)["label"].iloc[0]
            wrong += told != right or not np.array_equal(edited[mask == 0], own[mask == 0])
    return {"asked": asked, "wrong": int(wrong), "errors": errors}


async def weigh(process: psutil.Process, end: float) -> list[int]:
    """Return the server's memory in bytes, once a second."""
    weights = []
    while time.monotonic() < end:
        weights.append(process.memory_info().rss)
        await asyncio.sleep(1.0)
    return weights


def _expected(explainer: Explainer, specimens: Specimens) -> dict[str, str]:
    """Return what the page must say of each photograph: the class and its probability."""
    table = explainer.predict(specimens.paths, top=1)
    return {
        name: f"{label} {100 * probability:.1f}"
        for name, label, probability in zip(
            specimens.names, table["label"], table["probability"], strict=True
        )
    }


if __name__ == "__main__":
    main()
