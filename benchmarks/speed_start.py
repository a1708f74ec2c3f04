"""Part of the speed benchmark: how long it takes until something can be asked."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from typing import Any

import psutil

from benchmarks.speed_clock import Work, alternate, summary
from benchmarks.speed_options import Options

_IMPORTS = {
    "import intr_discover": "import intr_discover",
    "from intr_discover import load": "from intr_discover import load",
    "import torch, for comparison": "import torch",
}
_TIMED = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"

_APP = "from intr_discover import load; from apps.serve import serve"
_OTHERS = "all others"
_WHOSE = (
    ("torch._dynamo", "torch._dynamo"),  # the compiler, which torchvision imports
    ("torch._inductor", "torch._dynamo"),
    ("sympy", "torch._dynamo"),
    ("torchvision", "torchvision"),
    ("torch", "torch"),
    ("timm", "timm"),
    ("gradio", "gradio"),
    ("fastapi", "gradio"),
    ("pydantic", "gradio"),
    ("pandas", "pandas"),
    ("matplotlib", "matplotlib"),
    ("scipy", "scipy"),
    ("statsmodels", "statsmodels"),
    ("sklearn", "sklearn"),
    ("intr_discover", "intr_discover"),
    ("apps", "intr_discover"),
)
"""What the names of modules begin with, the first that fits, and whose they are."""


def start_part(options: Options) -> dict[str, Any]:
    """Time imports, the command line's help, and the app's page, each in new processes."""
    imports: dict[str, list[float]] = {name: [] for name in _IMPORTS}
    for _ in range(options.repeats + 1):
        for name, statement in _IMPORTS.items():
            words = [sys.executable, "-c", _TIMED.format(statement)]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            imports[name].append(float(done.stdout))
    commands: dict[str, Work] = {
        "intr-discover --help": lambda: subprocess.run(
            [sys.executable, "-m", "intr_discover", "--help"], capture_output=True, check=True
        )
    }
    seconds = {name: took[1:] for name, took in imports.items()}
    seconds |= alternate(commands, options.repeats)
    pages = [app_page() for _ in range(1 if options.quick else options.repeats + 1)]
    seconds["the app's page"] = [took for took, _ in pages[-options.repeats :]]
    return {
        "works": {name: {"seconds": summary(took)} for name, took in seconds.items()},
        "app_megabytes": summary([megabytes for _, megabytes in pages])["median"],
        "profiles": {"imports of the app": import_shares()},
    }


def import_shares() -> list[dict[str, Any]]:
    """Return whose modules take the time of the app's imports: ``operator`` and its ``share``."""
    words = [sys.executable, "-X", "importtime", "-c", _APP]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stderr
    spent: dict[str, int] = {}
    for own, module in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", said):
        whose = next((name for begins, name in _WHOSE if module.startswith(begins)), _OTHERS)
        spent[whose] = spent.get(whose, 0) + int(own)
    whole = sum(spent.values())
    ordered = sorted(spent.items(), key=lambda item: (item[0] == _OTHERS, -item[1]))
    return [{"operator": name, "share": time / whole} for name, time in ordered]


def app_page() -> tuple[float, float]:
    """Start ``intr-discover app`` on the demo; return seconds to its page, and its megabytes.

    The page is there when the server has answered with all of it; a browser then draws it.
    """
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "intr_discover", "app", "--database", f"{folder}/people.db"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            address = re.search(r"http://\S+", line)
            assert address is not None, f"the app did not start: {line}"
            while True:
                with contextlib.suppress(OSError), urllib.request.urlopen(address.group()) as page:
                    if b"gradio" in page.read():
                        break
                time.sleep(0.02)
            took = time.perf_counter() - began
            return took, psutil.Process(process.pid).memory_info().rss / 1e6
        finally:
            process.terminate()
            process.wait(timeout=30)
