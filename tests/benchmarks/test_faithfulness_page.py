"""The page of the faithfulness benchmark holds the numbers of its record."""

from __future__ import annotations

import math

import pandas as pd

from benchmarks.faithfulness import PAPER, as_markdown, rows_of
from tests.studies.test_faithfulness_tables import rows_of as three_photographs


def record():
    from intr_discover.studies.faithfulness_tables import differences_table, methods_table

    rows = three_photographs()
    setting = {
        "judge": "plain",
        "unit": "patches",
        "seconds": 12.0,
        "rise_masks": 500,
        "summary": {"n": 3, "steps": 28},
        "methods": rows_of(methods_table(rows, 0)),
        "differences": rows_of(differences_table(rows, 0)),
    }
    return {
        "command": "python -m benchmarks.faithfulness",
        "machine": {"processor": "a processor", "threads": 2},
        "specimens": {"n": 9, "classes": 2},
        "paper": PAPER,
        "settings": [setting],
    }


def test_the_page_holds_the_numbers():
    page = as_markdown(record())
    assert "Judge: the plain classifier; ranked: patches (the paper's protocol)" in page
    (mean,) = [line for line in page.splitlines() if line.startswith("| INTR, mean of heads | 3")]
    assert mean.split("|")[3].strip().startswith("0.80 (0.70 to 0.90)")
    (rise,) = [line for line in page.splitlines() if line.startswith("| RISE of the judge")]
    assert rise.split("|")[3].strip() == "0.60"  # one photograph has no interval
    assert "| INTR, mean of heads | 0.786 | 0.01 |" in page
    # One photograph with RISE: no test, so no line.
    assert "minus RISE" not in page
    assert "- INTR's mean map minus random map, insertion: +0.400" in page


def test_missing_numbers_are_plain():
    assert rows_of(pd.DataFrame({"a": [1.0, math.nan]})) == [{"a": 1.0}, {"a": None}]
