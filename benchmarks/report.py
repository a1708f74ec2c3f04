"""Measure the discovery report of many species: how large it is, and how soon it can be searched.

The report is made of invented tables and drawn figures of the size of real ones, and opened in a
real browser (Debian's Chromium) on the same machine, each time as if for the first time.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Playwright, sync_playwright

from benchmarks.common import RESULTS, machine
from benchmarks.report_synthetic import species_names, write_synthetic_report
from intr_discover.files import write_json
from intr_discover.provenance import versions
from intr_discover.report.folder import PAGE

OPEN_SECONDS, MEGABYTES = 3.0, 60.0
"""Targets: loaded and searched within the first, and no larger than the second."""


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--species", type=int, default=100, help="two of a genus are look-alikes")
    parser.add_argument("--times", type=int, default=7, help="how often it is opened")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument(
        "--keep", type=Path, help="leave the report here; one that is there is only opened"
    )
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        place = options.keep or Path(folder) / "report"
        names = species_names(options.species)
        page = place / PAGE
        if not page.exists():
            write_synthetic_report(place, names)
        numbers = size_of(page) | open_times(page, names[len(names) * 2 // 3], options.times)
    record = {
        "command": " ".join(["python", "-m", "benchmarks.report", *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "species": options.species,
        "numbers": numbers,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    write_json(options.out / "report.json", record)
    for name, value in numbers.items():
        print(f"{name:32s} {value}")


def size_of(page: Path) -> dict[str, Any]:
    """Return how large a page is, and what it holds."""
    text = page.read_text(encoding="utf-8")
    return {
        "megabytes": round(page.stat().st_size / 1e6, 1),
        "megabytes_target": MEGABYTES,
        "pictures": len(re.findall("<img ", text)),
        "pictures_beside_the_page": text.count("This picture lies beside the page"),
    }


def open_times(page: Path, name: str, times: int) -> dict[str, Any]:
    """Open a page again and again, and search for a species at once.

    Parameters
    ----------
    page
        The file.
    name
        Of the species.
    times
        How often; each time in a browser of its own.

    Returns
    -------
    dict
        Seconds from the first request to the load event, and to the answer of the search; seconds
        of processor that the browser used until then; how busy the machine was (1 is one core);
        how many requests went elsewhere; how many lines the console had.
    """
    with sync_playwright() as playwright:
        opened = [_open(playwright, page, name) for _ in range(times)]
    loaded, found, worked, elsewhere, said = zip(*opened, strict=True)
    return {
        "opened": times,
        "open_seconds_target": OPEN_SECONDS,
        "loaded_seconds_median": round(statistics.median(loaded), 2),
        "loaded_seconds_worst": round(max(loaded), 2),
        "searched_seconds_median": round(statistics.median(found), 2),
        "searched_seconds_worst": round(max(found), 2),
        "searched_processor_seconds_median": round(statistics.median(worked), 2),
        "load_of_the_machine": round(os.getloadavg()[0], 1),
        "requests_elsewhere": sum(elsewhere),
        "console_lines": sum(said),
    }


def _open(playwright: Playwright, page: Path, name: str) -> tuple[float, float, float, int, int]:
    """Open a page once: seconds until loaded and until searched, of processor; requests; lines."""
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox"]
    )
    tab = browser.new_page(viewport={"width": 1280, "height": 1000})
    asked: list[str] = []
    said: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    worked = -_processor_seconds()
    began = time.perf_counter()
    tab.goto(page.resolve().as_uri(), wait_until="load")
    loaded = time.perf_counter() - began
    tab.get_by_role("searchbox").fill(name)
    # Two frames later the answer is on the screen.
    tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    shown = tab.locator("details[data-kind=species]:visible h3").all_inner_texts()
    found = time.perf_counter() - began
    worked += _processor_seconds()
    assert name in shown, f"{name} was not found among {shown}"
    browser.close()
    elsewhere = [address for address in asked if not address.startswith(("file:", "data:"))]
    return loaded, found, worked, len(elsewhere), len(said)


def _processor_seconds() -> float:
    """Return what all processes of the browser have used: no other work on the machine counts."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "chrom" in process.name():
                times = process.cpu_times()
                total += times.user + times.system
    return total


if __name__ == "__main__":
    main()
