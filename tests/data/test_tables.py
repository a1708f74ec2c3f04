"""Tables as people send them: Excel's CSV in three languages, R's row names, numbers as labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intr_discover.data.tables import as_text, numbers_where_possible, read_table, require_columns
from intr_discover.errors import UserError

PLAIN = "image,label\na.jpg,007\nb.jpg, Danaus plexippus \n"


def cells(table: pd.DataFrame) -> list[list[object]]:
    return table.astype(object).where(table.notna(), None).to_numpy().tolist()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("plain.csv", PLAIN.encode()),
        ("windows_lines.csv", PLAIN.replace("\n", "\r\n").encode()),
        ("mac_lines.csv", PLAIN.replace("\n", "\r").encode()),
        ("byte_order_mark.csv", PLAIN.encode("utf-8-sig")),
        ("utf_16.csv", PLAIN.encode("utf-16")),
        ("semicolons.csv", PLAIN.replace(",", ";").encode()),
        ("tabs.csv", PLAIN.replace(",", "\t").encode()),
        ("tabs.tsv", PLAIN.replace(",", "\t").encode()),
        ("SHOUTED.CSV", PLAIN.encode()),
        ("quotes.csv", b'"image","label"\n"a.jpg","007"\n"b.jpg","Danaus plexippus"\n'),
        ("blank_lines.csv", b"\n\nimage,label\n\na.jpg,007\n,\nb.jpg,Danaus plexippus\n\n"),
        ("trailing_commas.csv", b"image,label,,\na.jpg,007,,\nb.jpg,Danaus plexippus,,\n"),
        ("row_names_of_r.csv", b'"","image","label"\n"1",a.jpg,007\n"2",b.jpg,Danaus plexippus\n'),
        ("no_last_newline.csv", PLAIN.strip().encode()),
    ],
)
def test_text_tables_in_all_their_forms(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    table = read_table(tmp_path / name)
    assert list(table.columns) == ["image", "label"]
    assert cells(table) == [["a.jpg", "007"], ["b.jpg", "Danaus plexippus"]]


def test_letters_of_windows_and_latin_1(tmp_path):
    for encoding in ("utf-8", "cp1252", "latin-1"):
        (tmp_path / "a.csv").write_bytes("image,label\na.jpg,Rhétenor größe\n".encode(encoding))
        assert read_table(tmp_path / "a.csv")["label"].tolist() == ["Rhétenor größe"]


def test_separator_in_quotes_and_longer_cells(tmp_path):
    (tmp_path / "a.csv").write_text('image;label;remark\na.jpg;x;"one; two, three"\n')
    assert cells(read_table(tmp_path / "a.csv")) == [["a.jpg", "x", "one; two, three"]]


def test_row_that_is_too_long_is_named_not_shifted(tmp_path):
    (tmp_path / "a.csv").write_text("image,label\na.jpg,x\nb, c.jpg,y\n")
    with pytest.raises(UserError, match="row 3 has 3 cells, the header 2"):
        read_table(tmp_path / "a.csv")


def test_short_row_and_row_numbers(tmp_path):
    (tmp_path / "a.csv").write_text("image,label,sex\na.jpg,x\n\nb.jpg,y,f\n")
    table = read_table(tmp_path / "a.csv")
    assert cells(table) == [["a.jpg", "x", None], ["b.jpg", "y", "f"]]
    assert list(table.index) == [2, 4]


def test_excel_keeps_text_and_loses_no_digits(tmp_path):
    frame = pd.DataFrame(
        {"image": ["a.jpg", "b.jpg", "c.jpg"], "label": ["007", 7.0, 8], "year": [1998, None, 2001]}
    )
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    table = read_table(tmp_path / "a.xlsx")
    assert table["label"].tolist() == ["007", "7", "8"]
    assert cells(table[["year"]]) == [["1998"], [None], ["2001"]]
    frame.to_excel(tmp_path / "indexed.xlsx")
    assert list(read_table(tmp_path / "indexed.xlsx").columns) == ["image", "label", "year"]


def test_parquet_of_any_type(tmp_path):
    frame = pd.DataFrame(
        {
            "image": pd.Categorical(["a.jpg", "b.jpg"]),
            "label": [7.0, 8.0],
            "code": [b"007", None],
            "number": pd.array([3, None], dtype="Int64"),
        },
        index=[10, 20],
    )
    frame.to_parquet(tmp_path / "a.parquet")
    assert cells(read_table(tmp_path / "a.parquet")) == [
        ["a.jpg", "7", "007", "3"],
        ["b.jpg", "8", None, None],
    ]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.csv", b"", "holds no rows"),
        ("a.csv", b"image,label\n", "holds no rows"),
        ("a.csv", b"image,label\n,\n , \n", "holds no rows"),
        ("a.csv", b"image,label,image\na,b,c\n", "column 'image' twice"),
        ("a.csv", b'image,label\n"a,b\n', "cannot read the table"),
        ("a.xlsx", b"not a workbook", "cannot read the table"),
        ("a.parquet", b"PAR1 not at all", "cannot read the table"),
        ("a.ods", b"", "no table that can be read: give .csv"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path, name, data, words):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=words) as caught:
        read_table(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_table_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"there is no table .*gone\.csv"):
        read_table(tmp_path / "gone.csv")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("007", "007"),
        (" x ", "x"),
        ("\ufeffx", "\ufeffx"),
        (7, "7"),
        (7.0, "7"),
        (7.5, "7.5"),
        (np.float64(3), "3"),
        (np.int64(3), "3"),
        (True, "True"),
        (b"abc", "abc"),
        ("None", "None"),
        ("e\u0301", "\u00e9"),
        *(
            (missing, None)
            for missing in ("", "  ", "NA", "nan", "NULL", None, np.nan, pd.NA, pd.NaT)
        ),
    ],
)
def test_cells_as_text(value, text):
    assert as_text(value) == text


@given(st.text())
@example("Å")
def test_text_of_text_is_stable(text):
    once = as_text(text)
    assert once is None or as_text(once) == once


def test_numbers_only_where_nothing_is_lost():
    def kind(*values: str | None) -> str:
        return numbers_where_possible(pd.Series(values, dtype="str")).dtype.kind

    assert kind("1", "2") == "i"
    assert kind("1", None, "2.5") == "f"
    assert kind("-3.5e-2", "0") == "f"
    assert kind("007", "008") == "O"  # a catalogue number
    assert kind("12345678901234567890") == "O"  # more digits than a float holds
    assert kind("f", "m") == "O"
    assert kind("1_000") == "O"
    assert kind(None, None) == "O"


def test_columns_in_any_case_and_a_hint_for_the_rest(tmp_path):
    table = pd.DataFrame([["a", "b"]], columns=["Image", "LABEL"])
    assert list(require_columns(table, ["image", "label"], tmp_path)) == ["image", "label"]
    table = pd.DataFrame([["a", "b", "c"]], columns=["image", "labels", "sex"])
    with pytest.raises(UserError, match=r"no column 'label' \(did you mean 'labels'\?\); its"):
        require_columns(table, ["image", "label"], tmp_path)
    table = pd.DataFrame([["a", "b"]], columns=["image", "race"])
    with pytest.raises(UserError, match="no column 'label'; its columns are image, race"):
        require_columns(table, ["image", "label"], tmp_path)
    both = pd.DataFrame([["a", "b"]], columns=["Label", "label"])
    assert list(require_columns(both, ["label"], tmp_path)) == ["Label", "label"]
