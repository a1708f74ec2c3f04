"""The real thing: several processes, and processes that are killed by the system."""

from __future__ import annotations

import random
import subprocess
import sys
import time

import psutil
import pyarrow as pa
import pytest

from intr_discover.extraction.reader import Extraction
from tests.extraction.conftest import LABELS, draw, save_run
from tests.extraction.test_extraction_resume import files_of
from tests.studies.drawn import tiny_explainer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform == "win32", reason="gloo is tested on Linux"),
]

LAUNCH = [
    sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2",
    "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no",
    "--main_process_port", "0", "--module", "intr_discover",
]  # fmt: skip


def kill_all(launcher):
    """Kill a launcher and its processes, which are in sessions of their own."""
    parent = psutil.Process(launcher)
    for process in [parent, *parent.children(recursive=True)]:
        process.kill()


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """The words of an extraction of 200 pictures of three sizes by a tiny model.

    ``benchmarks/extraction.py`` does the same with 2,000 ring specimens and the demo's model.
    """
    base = tmp_path_factory.mktemp("processes")
    drawn = draw(base / "drawn", 200)
    run = save_run(tiny_explainer(LABELS), base / "run")
    return [
        "extract", str(run), str(drawn), "--device", "cpu",
        "--images-per-shard", "10", "--batch-size", "4",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def alone(asked, tmp_path_factory):
    out = tmp_path_factory.mktemp("alone") / "out"
    command = [sys.executable, "-m", "intr_discover", *asked, "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return out


def test_two_processes_killed_twice_give_the_rows_of_one(asked, alone, tmp_path):
    out, generator = tmp_path / "out", random.Random(7)
    command, left = [*LAUNCH, *asked, "--out", str(out)], []
    for _ in range(2):
        before = len(list(out.glob("shards/*.json")))
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        while len(list(out.glob("shards/*.json"))) <= before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(generator.uniform(0, 0.3))
        kill_all(process.pid)
        process.communicate()
        left.append(len(list(out.glob("shards/*.json"))))
    assert 0 < left[0] < left[1] <= 20
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("extracted 200 of 200 photographs") == 1
    assert files_of(out) == files_of(alone)
    ours, theirs = (pa.concat_tables(Extraction.open(each).tables()) for each in (out, alone))
    assert ours.equals(theirs) and ours["row"].to_pylist() == list(range(200))


def test_a_mistake_is_said_once_by_all(asked, alone):
    command = [*LAUNCH, *asked, "--out", str(alone), "--maps", "true"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if line.startswith("intr-discover:")]
    assert len(lines) == 1 and "--maps was predicted, now true" in lines[0]
