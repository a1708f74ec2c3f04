"""CSV sheets: nothing lost, nothing doubled, nothing executed by a spreadsheet."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intr_discover.annotations import Edit, Item, open_database
from intr_discover.annotations.sheets import guard, read_sheet, unguard, write_sheet
from intr_discover.annotations.transfer import Counted, export_csv, import_csv, read_agreed_names
from intr_discover.errors import UserError

MODEL, OTHER, IMAGE = "a" * 64, "b" * 64, "c" * 64
HOSTILE = "=cmd|' /C calc'!A0\r\n\"'<script>\u2028Ω\t"
# The carriage return within a name, and no white space at an end, which is dropped when stored.
storable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@pytest.fixture
def full(tmp_path):
    """A database with something of everything."""
    database = open_database(tmp_path / "full.db")
    database.names.add("=Ann", MODEL, HOSTILE, 3, HOSTILE)
    database.names.add("=Ann", MODEL, "Ember vera", 2, "red patch")
    database.names.add("Bo", MODEL, "Ember vera", 2, None)
    database.names.add("=Ann", MODEL, "Ember vera", 2, "-band")
    items = [Item("a,b.png", "intr", "head 0"), Item("@a", "+m", "-u", "=label", ("dots", HOSTILE))]
    study = database.studies.create("-wings", items, ["red", "'band"], seed=5)
    for number in (1, 2, 1):
        database.studies.answer("-wings", "Bo", number, [study.vocabulary_of(number)[0]])
    edit = Edit("=a.png", IMAGE, {"name": "erase", "é": [1, None]}, b"\x89PNG\r\n\x1a\n\0\xff",
                "d" * 64, {"a": 0.1}, {"a": 1e-300}, "Bo")  # fmt: skip
    database.edits.add(edit)
    database.edits.add(replace(edit, parent=1))
    return database


def content(database):
    studies = [database.studies.get(name) for name in database.studies.names()]
    return (
        database.names.all(),
        studies,
        [database.studies.answers(study.name) for study in studies],
        database.edits.all(),
    )


def test_everything_comes_back(full, tmp_path):
    counted = export_csv(full, tmp_path / "sheets")
    assert counted == Counted(4, 1, 3, 2)
    copy = open_database(tmp_path / "copy.db")
    assert import_csv(copy, tmp_path / "sheets") == counted
    assert content(copy) == content(full)
    assert copy.names.agreed(MODEL) == full.names.agreed(MODEL)
    # Once more changes nothing, in the copy and in the first.
    for database in (copy, full):
        assert import_csv(database, tmp_path / "sheets") == Counted()
    export_csv(copy, tmp_path / "again")
    for sheet in (tmp_path / "sheets").glob("*.csv"):
        assert (tmp_path / "again" / sheet.name).read_bytes() == sheet.read_bytes()


def test_two_databases_can_be_put_together(full, tmp_path):
    other = open_database(tmp_path / "other.db")
    other.names.add("Cy", MODEL, "Ember vera", 2, "-band")
    export_csv(full, tmp_path / "sheets")
    import_csv(other, tmp_path / "sheets")
    assert other.names.agreed(MODEL)["Ember vera", 2] == "-band"  # two of three
    assert full.names.agreed(MODEL).get(("Ember vera", 2)) is None  # one of two


def test_no_cell_begins_a_formula(full, tmp_path):
    export_csv(full, tmp_path / "sheets")
    cells = []
    for sheet in (tmp_path / "sheets").glob("*.csv"):
        with sheet.open(encoding="utf-8-sig", newline="") as file:
            cells += [cell for row in csv.reader(file) for cell in row]
    assert len(cells) > 100 and any(cell.startswith("'=") for cell in cells)
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@\t\r\n"))]


@settings(max_examples=200, deadline=None)
@given(storable)
def test_guarding_can_be_undone(text):
    assert unguard(guard(text)) == text
    assert not guard(text).startswith(tuple("=+-@\t\r\n＝＋－＠"))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(storable, storable), min_size=1, max_size=4))
def test_any_text_comes_back_from_a_sheet(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("sheet") / "a.csv"
    write_sheet(path, ["a", "b"], [{"a": a, "b": b} for a, b in rows])
    table = read_sheet(path)
    assert list(zip(table["a"], table["b"], strict=True)) == rows


def test_sheets_made_by_hand(tmp_path):
    """In any order of columns, with more of them, without quotes: as a spreadsheet saves it."""
    (tmp_path / "mine.csv").write_text(
        "head,label,name,rater,model,time,remark\n"
        f"3,Ember vera,red patch,Ann,{MODEL},2026-01-31 12:00,sure\n"
        f"4,Ember vera,none,Ann,{MODEL},2026-01-31T13:00:00+01:00,\n"
    )
    database = open_database(tmp_path / "a.db")
    assert import_csv(database, tmp_path / "mine.csv") == Counted(head_names=2)
    red, none = database.names.all()
    assert red.time == none.time and none.name is None
    assert read_agreed_names(tmp_path / "mine.csv") == {("Ember vera", 3): "red patch"}


HEAD = {"rater": "Ann", "model": MODEL, "label": "a", "head": "3", "name": "red",
        "time": "2026-01-31T12:00:00+00:00"}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"head": "three"}, "row 3: head 'three' is no whole number"),
        ({"head": "-1"}, "row 3: head -1 must be 0 to"),
        ({"time": "yesterday"}, "row 3: 'yesterday' is no time"),
        ({"model": "demo"}, "row 3: the model's fingerprint 'demo' is no SHA-256"),
        ({"name": ""}, "row 3: the name of a head is empty"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_imported(tmp_path, change, message):
    write_sheet(tmp_path / "head_names.csv", list(HEAD), [HEAD, HEAD | change])
    database = open_database(tmp_path / "a.db")
    with pytest.raises(UserError, match=message) as refused:
        import_csv(database, tmp_path)
    assert "head_names.csv" in str(refused.value)
    assert database.names.all() == [] and database.raters() == []


def test_sheets_that_are_none(tmp_path):
    database = open_database(tmp_path / "a.db")
    (tmp_path / "empty").mkdir()
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "picture.csv").write_bytes(b"\xff\xfe\0\x80" * 50)
    (tmp_path / "void.csv").touch()
    for place, message in [
        ("empty", "holds none of head_names.csv"),
        ("absent", "there is no file or folder"),
        ("other.csv", "is no sheet of annotations: its columns are a, b"),
        ("picture.csv", "cannot be read as CSV"),
        ("void.csv", "cannot be read as CSV"),
    ]:
        with pytest.raises(UserError, match=message):
            import_csv(database, tmp_path / place)


def spoil(folder, sheet, column, row, value):
    table = read_sheet(folder / f"{sheet}.csv")
    table.loc[row, column] = value
    write_sheet(folder / f"{sheet}.csv", list(table.columns), table.to_dict("records"))


@pytest.mark.parametrize(
    ("sheet", "column", "value", "message"),
    [
        ("studies", "study", "other", "row 2: study 'other' has no items"),
        ("studies", "vocabulary", "red", "row 2: vocabulary 'red' is no JSON"),
        ("studies", "vocabulary", "[1]", "is no JSON list of texts"),
        ("study_items", "number", "2", "has two items 2"),
        ("study_answers", "number", "9", "study '-wings' has no item 9"),
        ("study_answers", "study", "legs", "there is no study 'legs'"),
        ("study_answers", "ticked", '["legs"]', "'legs' is not in the vocabulary"),
        ("edits", "mask", "../../etc/passwd", "the mask '../../etc/passwd' is no SHA-256"),
        ("edits", "mask", "0" * 64, "cannot be read: No such file"),
        ("edits", "before", "[]", "is no JSON object"),
    ],
)
def test_spoilt_sheets_bring_nothing(full, tmp_path, sheet, column, value, message):
    export_csv(full, tmp_path / "sheets")
    items = read_sheet(tmp_path / "sheets" / "study_items.csv")
    row = int((items["number"] == "1").idxmax()) if sheet == "study_items" else 0
    spoil(tmp_path / "sheets", sheet, column, row, value)
    copy = open_database(tmp_path / "copy.db")
    with pytest.raises(UserError, match=message):
        import_csv(copy, tmp_path / "sheets")
    assert content(copy) == ([], [], [], [])


def test_items_without_their_study(full, tmp_path):
    export_csv(full, tmp_path / "sheets")
    (tmp_path / "sheets" / "studies.csv").unlink()
    with pytest.raises(UserError, match=r"study '-wings' has items but stands not in"):
        import_csv(open_database(tmp_path / "copy.db"), tmp_path / "sheets")


def test_another_study_or_edit_of_the_same_name_is_not_overwritten(full, tmp_path):
    export_csv(full, tmp_path / "sheets")
    before = content(full)
    spoil(tmp_path / "sheets", "studies", "seed", 0, "6")
    with pytest.raises(UserError, match="there is another study '-wings' already"):
        import_csv(full, tmp_path / "sheets")
    export_csv(full, tmp_path / "sheets")
    spoil(tmp_path / "sheets", "edits", "after", 0, json.dumps({"a": 0.7}))
    with pytest.raises(UserError, match="has another edit 1 already"):
        import_csv(full, tmp_path / "sheets")
    assert content(full) == before


def test_agreed_names_of_a_model_from_any_place(full, tmp_path):
    full.names.add("Ann", OTHER, "a", 0, "dots")
    export_csv(full, tmp_path / "sheets")
    stored = HOSTILE.strip()
    for place in (full.place, tmp_path / "sheets", tmp_path / "sheets" / "head_names.csv"):
        assert read_agreed_names(place, MODEL) == {(HOSTILE, 3): stored}
        assert read_agreed_names(place, OTHER) == {("a", 0): "dots"}
        with pytest.raises(UserError, match="holds names of several models"):
            read_agreed_names(place)
        with pytest.raises(UserError, match=r"of other models only .* none of this one"):
            read_agreed_names(place, "f" * 64)
    with pytest.raises(UserError, match="there is no database"):
        read_agreed_names(tmp_path / "absent.db", MODEL)
    with pytest.raises(UserError, match="holds no names of heads"):
        open_database(tmp_path / "new.db")
        read_agreed_names(tmp_path / "new.db", MODEL)
