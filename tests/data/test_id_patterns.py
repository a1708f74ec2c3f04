"""Patterns with fields beside regular expressions, and the sheets of a museum's workbook."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from intr_discover.data.id_patterns import compile_id_pattern
from intr_discover.data.metadata import join_metadata
from intr_discover.data.tables import read_table
from intr_discover.errors import UserError


@pytest.mark.parametrize(
    ("pattern", "name", "fields"),
    [
        ("{id}_dorsal.jpg", "a/AB1_dorsal.JPG", {"id": "AB1"}),
        ("{id}_dorsal.jpg", "AB1_dorsal.png", None),
        ("{id}_dorsal.jpg", "AB1_ventral.jpg", None),
        ("{id}_dorsal", "AB1_dorsal.png", {"id": "AB1"}),
        ("*/{id}_*.tif", "drawer/AB_1_d.tif", {"id": "AB"}),  # as few characters as fit
        ("*/{id}_*.tif", "AB_1_d.tif", None),
        ("*/{id}_*.tif", "a/b/AB_1.tif", None),
        ("**/{id}_?.tif", "a/b/AB_1.tif", {"id": "AB"}),
        ("**/{id}_?.tif", "AB_1.tif", {"id": "AB"}),
        ("{sex}/{id}-{view}.*", "f/7-left.png", {"id": "7", "sex": "f", "view": "left"}),
        ("{id}_{id}.jpg", "A_A.jpg", {"id": "A"}),
        ("{id}_{id}.jpg", "A_B.jpg", None),
        ("[{id}](1).png", "[x](1).png", {"id": "x"}),  # brackets mean themselves
        (r"(?P<id>A{2})", "xAAy.png", {"id": "AA"}),  # a regular expression, as ever
    ],
)
def test_what_a_pattern_reads(pattern: str, name: str, fields: dict[str, str] | None) -> None:
    assert compile_id_pattern(pattern).read(name) == fields


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("{view}.jpg", "no field {id}"),
        ("{id}_{.jpg", "stray '{'"),
        ("{id}{image}.jpg", "cannot be called {image}"),
        ("abc", "no group .* and no field"),
        ("(", "no regular expression"),
    ],
)
def test_mistakes_in_patterns(pattern: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        compile_id_pattern(pattern)


@pytest.fixture
def museum(tmp_path: Path) -> Path:
    for name in ("A1_d.png", "A2_v.png", "ruler.png"):
        (tmp_path / name).write_bytes(b"")
    with pd.ExcelWriter(tmp_path / "m.xlsx") as book:
        for sheet, label in (("moths", "m"), ("butterflies", "b")):
            table = pd.DataFrame({"specimen_id": ["A1", "A2"], "label": [label] * 2})
            table.to_excel(book, sheet_name=sheet, index=False)
    return tmp_path


def test_fields_become_columns_and_matches_are_counted(museum: Path) -> None:
    specimens, remarks = join_metadata(museum, museum / "m.xlsx", id_pattern="{id}_{view}.png")
    assert specimens.table["view"].tolist() == ["d", "v"]
    assert specimens.table["label"].tolist() == ["m", "m"]
    assert remarks == [
        f"read the sheet 'moths' of {museum / 'm.xlsx'}; --sheet can name butterflies",
        "2 of 3 photographs match the pattern {id}_{view}.png",
        "1 photographs whose name does not match the pattern: ruler.png",
    ]
    by_view, _ = join_metadata(
        museum, museum / "m.xlsx", label="view", id_pattern="{id}_{view}.png"
    )
    assert by_view.table["label"].tolist() == ["d", "v"]
    with pytest.raises(UserError, match="has a column 'label', and so has the id pattern"):
        join_metadata(museum, museum / "m.xlsx", id_pattern="{id}_{label}.png")
    with pytest.raises(UserError, match=r"does not match the pattern: A1_d\.png"):
        join_metadata(museum, museum / "m.xlsx", id_pattern="{id}.tif")


def test_a_sheet_is_chosen(museum: Path) -> None:
    specimens, remarks = join_metadata(
        museum, museum / "m.xlsx", sheet="butterflies", id_pattern="{id}_?.png"
    )
    assert specimens.table["label"].tolist() == ["b", "b"]
    assert len(remarks) == 2  # nothing on sheets
    with pytest.raises(UserError, match="no sheet 'birds'; it has moths, butterflies"):
        read_table(museum / "m.xlsx", "birds")
    (museum / "m.csv").write_text("a\n1\n")
    with pytest.raises(UserError, match=r"only \.xlsx has sheets"):
        read_table(museum / "m.csv", "moths")
