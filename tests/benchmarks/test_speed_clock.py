"""The speed benchmark: clock, counter and page by hand; a small run of ours from end to end."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn
from torch.nn import functional

from benchmarks import speed
from benchmarks.speed_clock import alternate, ratio, summary
from benchmarks.speed_memory import exponent, growth
from benchmarks.speed_official import correlations, differences
from benchmarks.speed_options import Options
from benchmarks.speed_page import tables, targets, write_page
from benchmarks.speed_roofline import Gemm, count_flops, roofline
from intr_discover.errors import UserError


def test_works_take_turns_and_the_warm_up_is_not_timed():
    called, now = [], [0.0]

    def work(name, took):
        def run():
            called.append(name)
            now[0] += took

        return run

    works = {"a": work("a", 1.0), "b": work("b", 3.0)}
    seconds = alternate(works, 2, clock=lambda: now[0])
    assert called == ["a", "b"] * 3
    assert seconds == {"a": [1.0, 1.0], "b": [3.0, 3.0]}
    with pytest.raises(ValueError, match="at least one round"):
        alternate(works, 0)


def test_summary_and_paired_ratio_by_hand():
    assert summary([4, 1, 2]) == {"median": 2, "low": 1, "high": 4, "mad": 1, "n": 3}
    # Of each round: 2, 3, 10; the ratio of the medians would be 6 / 2 = 3 as well, but 8 / 4 not.
    assert ratio([2, 6, 10], [1, 2, 1])["median"] == 3
    assert ratio([8, 8, 30], [4, 2, 10])["low"] == 2


def test_operations_by_hand():
    convolution, linear = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.Linear(16, 32)
    image, rows = torch.zeros(1, 3, 10, 12), torch.zeros(5, 16)
    query, key = torch.zeros(1, 2, 7, 4), torch.zeros(1, 2, 9, 4)

    def work():
        convolution(image)
        linear(rows)
        functional.scaled_dot_product_attention(query, key, key)

    by_hand = (
        2 * (3 * 3 * 3) * 8 * (10 * 12)
        + 2 * 16 * 32 * 5
        + 2 * (2 * 7 * 9 * 4) * 2  # two heads: scores, then weights times values
    )
    assert count_flops(work) == by_hand
    assert Gemm(16).flops == 8192 and torch.equal(Gemm(4)(), Gemm(4)())


def test_roofline_by_hand():
    gemm = Gemm(10)  # 2000 operations: 1000 and then 500 a second
    found = roofline(3000, [6.0, 9.0], gemm, [2.0, 4.0])
    assert found["over_roofline"]["low"] == pytest.approx(1.5)  # 9 s where 6 s would do
    assert found["over_roofline"]["high"] == pytest.approx(2.0)  # 6 s where 3 s would do
    assert found["peak_gigaflop_a_second"] == pytest.approx(750e-9)


def test_exponent_of_memory():
    assert exponent([100, 200, 400], [3, 6, 12]) == pytest.approx(1)
    assert exponent([100, 200, 400], [3, 12, 48]) == pytest.approx(2)
    # The backbone takes 130 whatever the size; 260 and 520 are those of twice the classes.
    assert growth([1, 10, 50, 100], [130, 131, 260, 520]) == pytest.approx(1)
    assert growth([1, 10, 50], [130, 131, 132]) is None


def test_differences_by_hand():
    maps = torch.arange(24.0).reshape(2, 1, 3, 4)
    logits = torch.tensor([[1.0, 2.0], [2.0, 1.0]])
    found = differences(
        (logits, maps), (logits + torch.tensor([[0.0, 0.5], [-3.0, 0.0]]), 2 * maps)
    )
    assert found["same_top1"] == 0.5 and found["logits"] == 3
    assert found["maps"] == 11  # of the first image alone: there the answer is the same
    assert found["map_correlation"] == pytest.approx(1)
    assert differences((logits, maps), (-logits, maps))["map_correlation"] is None
    assert correlations(maps, -maps).flatten().tolist() == pytest.approx([-1, -1])


MADE_UP = {
    "command": "python -m benchmarks.speed",
    "parts": {
        "questions": {
            "command": "python -m benchmarks.speed --only questions",
            "measured": "2026-01-01 00:00 UTC",
            "seconds": 2.0,
            "load_average_at_start": 0.1,
            "machine": {"processor": "a processor", "instructions": "AVX2", "threads": 2},
            "versions": {"torch": "1"},
            "works": {"16 questions, fp32": {"seconds": summary([0.03, 0.05, 0.04])}},
            "ratios": {"fp32": {"than": "one plain explanation", **summary([1.4, 1.6, 1.7])}},
            "profiles": {"16 questions, fp32": [{"operator": "mm", "share": 0.75, "calls": 3}]},
        },
        "gpu": {"skipped": "torch finds no NVIDIA GPU on this machine"},
    },
}


def test_page_from_made_up_results(tmp_path):
    found = tables(MADE_UP)
    assert "| 16 questions, fp32 | 40 ms (30 ms to 50 ms, n = 3) |" in found["questions"]
    assert "fp32 1.60 × (1.40 to 1.70)" in found["questions"] and "`mm` 75 %" in found["questions"]
    assert found["explain"] == "Not measured yet."
    assert found["gpu"] == "Not measured: torch finds no NVIDIA GPU on this machine."
    rows = {row[0]: row[2:] for row in targets(MADE_UP["parts"])}
    asked = rows["five contexts, three classes, eight knock-outs of one image"]
    assert asked == ("1.60 × (1.40 to 1.70)", "**no**")  # at most 1.5 was wanted
    page = tmp_path / "page.md"
    marked = "".join(f"<!-- speed: {name} -->\nold\n<!-- end of {name} -->\n" for name in found)
    page.write_text(f"before\n{marked}after\n", encoding="utf-8")
    write_page(MADE_UP, page)
    text = page.read_text(encoding="utf-8")
    assert "old" not in text and text.startswith("before\n") and text.endswith("after\n")


def test_the_documentation_shows_the_results():
    results = speed.RESULTS / "speed.json"
    page = speed.PAGE.read_text(encoding="utf-8")
    stored = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {"parts": {}}
    for name, content in tables(stored).items():
        between = f"<!-- speed: {name} -->\n{content}\n<!-- end of {name} -->"
        assert between in page, f"{name}: run python -m benchmarks.speed --page-only"


def test_a_quick_run_of_ours_alone_keeps_the_other_parts(tmp_path):
    out = tmp_path / "speed.json"
    out.write_text(json.dumps({"command": "x", "parts": {"start": {"kept": 1}}}))
    said = []
    options = Options(quick=True, repeats=1, memory=False, say=said.append)
    speed.measure_parts(["batch", "training", "gpu"], options, out)
    parts = json.loads(out.read_text())["parts"]
    assert parts["start"] == {"kept": 1} and set(parts) == {"start", "batch", "training", "gpu"}
    works = parts["batch"]["works"]
    assert set(works) == {"ours, fp32", "ours, bf16"}
    assert works["ours, fp32"]["seconds"]["n"] == 1
    assert parts["batch"]["agreement"]["ours, bf16 and ours, fp32"]["logits"] < 0.1
    first, *_, last = parts["training"]["losses_without_dropout"]["ours, fp32"]
    assert last < first  # the step learns
    assert parts["batch"]["command"].endswith("--only batch --quick --repeats 1")


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(UserError, match="nowhere: there is no such folder"):
        speed.measure_parts([], Options(official=str(tmp_path / "nowhere")), tmp_path / "x.json")
