"""Conditions on the rows of a table: what they choose, and what they say of mistakes."""

from __future__ import annotations

import pandas as pd
import pytest

from intr_discover.data.conditions import rows_where
from intr_discover.errors import UserError

TABLE = pd.DataFrame(
    {
        "view": ["dorsal", "ventral", None, "Dorsal"],
        "year": ["1949", "1950", "unknown", "1960.0"],
        "body length": [1.5, 2.0, float("nan"), -3.0],
    }
)


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("view=='dorsal'", [0]),
        ('view == "dorsal"', [0]),
        ("view != 'dorsal'", [1, 2, 3]),
        ("not view == 'dorsal'", [1, 2, 3]),
        ("view in ('dorsal', 'ventral')", [0, 1]),
        ("view not in ['dorsal']", [1, 2, 3]),
        ("year >= 1950", [1, 3]),
        ("year < 1950", [0]),
        ("year == 1960", [3]),
        ("year != 1950", [0, 2, 3]),
        ("`body length` > -3 and `body length` <= 1.5", [0]),
        ("view == 'dorsal' or view == 'ventral' and year == 1949", [0]),
        ("(view == 'dorsal' or view == 'ventral') and year == 1950", [1]),
        ("not view == 'dorsal' and year > 1", [1, 3]),
        ("view == 'a or b'", []),
    ],
)
def test_chooses_rows(condition: str, rows: list[int]) -> None:
    assert rows_where(TABLE, condition).nonzero()[0].tolist() == rows


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("", "the name of a column"),
        ("sex == 'f'", "column 'sex'; the table has view, year, body length"),
        ("view = 'dorsal'", "at \"= 'dorsal'\""),
        ("view == dorsal", "a text in quotes"),
        ("view == 'dorsal", "cannot read"),
        ("view == 'dorsal' year == 3", "'and' or 'or'"),
        ("(view == 'dorsal'", r"'\)' should stand"),
        ("view in 'dorsal'", "a list such as"),
        ("view in ('dorsal']", "should stand where ']'"),
        ("view not 'dorsal'", "'in' should stand"),
        ("view == __import__('os').system('true')", "cannot read"),
        ("@view == 1", "cannot read"),
        ("(" * 5000 + "view == 'a'" + ")" * 5000, "more than 50"),
        ("not " * 5000 + "view == 'a'", "more than 50"),
    ],
)
def test_a_mistake_is_one_clear_line(condition: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as raised:
        rows_where(TABLE, condition)
    assert "\n" not in str(raised.value)
