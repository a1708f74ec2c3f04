"""Species × discovered attributes: states by hand on a toy table, and the files of a report."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from intr_discover.annotations import open_database
from intr_discover.cli_discover import Format, _write_as
from intr_discover.errors import UserError
from intr_discover.files import write_json
from intr_discover.report.character_files import (
    caption,
    read_tables,
    wide_table,
    write_characters,
)
from intr_discover.report.characters import character_matrix, evidence
from intr_discover.report.folder import ReportFolder
from tests.test_cli import run

MODEL = "a" * 64


def head(label, number, consistent, important, importance=1.0, name=None):
    return {
        "label": label, "head": number, "consistent": consistent, "important": important,
        "importance": importance, "name": name,
    }  # fmt: skip


# Species A is known by its spots (head 0), B by its margin (head 1), C by nothing that has a name.
CARD = pd.DataFrame(
    [
        head("A", 0, True, True, 5.2, "red spots"),
        head("A", 1, True, False, 0.0),
        head("B", 0, True, False, 0.1),
        head("B", 1, True, True, 3.0, "White  margin"),
        head("C", 0, True, True, 2.0),  # the number of the spots, needed here, for who knows what
        head("C", 1, False, False, -0.1, "white margin"),
    ]
)


def edits(label, region, drops, control=0.0):
    return pd.DataFrame({"label": label, "region": region, "drop": drops, "control_drop": control})


def states(matrix):
    return {species: matrix.row(species) for species in matrix.species}


def test_states_by_hand():
    matrix = character_matrix(CARD)
    assert matrix.species == ("A", "B", "C")
    assert matrix.attributes == ("red spots", "White margin")
    # A: its own head; head 1, named in B, does nothing in A. B: the other way round.
    # C: head 0 matters and has no name; its margin head was tested, and does nothing.
    assert states(matrix) == {"A": "10", "B": "01", "C": "?0"}
    assert not matrix.provisional
    assert matrix.unnamed == 1  # head 0 of C
    assert matrix.reasons["A", "red spots"] == "head 0 (knock-out 5.20 logits): consistent"
    assert "named so elsewhere" in matrix.reasons["B", "red spots"]


def test_a_head_with_another_name_is_no_test_of_this_attribute():
    card = CARD.copy()
    card.loc[2, "name"] = "brown veins"  # head 0 of B
    matrix = character_matrix(card)
    assert matrix.states["B", "red spots"] == "?"
    assert matrix.left_out == ("brown veins",)  # named, and needed nowhere


def test_needed_but_not_consistent_is_unknown():
    card = CARD.copy()
    card.loc[5, ["consistent", "important"]] = [False, True]
    assert character_matrix(card).states["C", "White margin"] == "?"


def test_what_was_never_tested_is_unknown():
    card = CARD.copy()
    card["important"] = card["important"].astype(object)
    card.loc[[1, 2], "important"] = None
    assert states(character_matrix(card)) == {"A": "1?", "B": "?1", "C": "?0"}


def test_edits_speak_where_their_region_is_called_as_the_attribute():
    effect = edits("C", "red_spots", [2.0, 2.1, 1.9, 2.2, 2.0])
    nothing = edits("C", "red_spots", [0.2, -0.2, 0.1, -0.1, 0.0])
    # The answer goes by it, and no head is named for it: neither found nor absent.
    assert character_matrix(CARD, effect).states["C", "red spots"] == "?"
    assert character_matrix(CARD, nothing).states["C", "red spots"] == "0"
    # As much as the controls do is no effect; four photographs say nothing.
    as_controls = edits("C", "red_spots", [2.0, 2.1, 1.9, 2.2, 2.0], control=2.1)
    assert character_matrix(CARD, as_controls).states["C", "red spots"] == "0"
    assert character_matrix(CARD, effect.iloc[:4]).states["C", "red spots"] == "?"
    assert character_matrix(CARD, nothing.iloc[:4]).states["C", "red spots"] == "?"


def test_heads_that_stand_in_for_each_other_are_needed_where_the_edit_says_so():
    card = CARD.copy()
    card.loc[0, "important"] = False  # switched off alone it costs nothing
    with_edits = character_matrix(card, edits("A", "Red spots", [3.0, 3.1, 2.9, 3.2, 3.0]))
    assert with_edits.states["A", "red spots"] == "1"
    alone = character_matrix(card)
    assert alone.left_out == ("red spots",)


def test_an_edit_with_an_effect_keeps_a_knock_out_from_saying_0():
    matrix = character_matrix(CARD, edits("B", "red spots", [1.0, 1.1, 0.9, 1.2, 1.0]))
    assert matrix.states["B", "red spots"] == "?"


def test_without_names_the_numbers_of_heads_are_provisional_names():
    matrix = character_matrix(CARD.drop(columns="name"))
    assert matrix.provisional and matrix.attributes == ("head 0", "head 1")
    assert states(matrix) == {"A": "10", "B": "01", "C": "10"}
    assert any(sentence.startswith("PROVISIONAL") for sentence in caption(matrix, edited=False))


def test_names_given_later_take_the_place_of_those_in_the_table():
    matrix = character_matrix(CARD, names={("C", 0): "eyespots"})
    assert states(matrix) == {"A": "?", "B": "0", "C": "1"}
    assert matrix.unnamed == 2


def test_a_small_importance_counts_as_unknown_where_more_is_asked_for():
    matrix = character_matrix(CARD, least=4.0)
    assert states(matrix) == {"A": "1", "B": "0", "C": "?"}
    assert matrix.left_out == ("White margin",)


def test_nothing_to_score_is_said():
    none = CARD.assign(important=None)
    with pytest.raises(UserError, match="--full"):
        character_matrix(none)
    with pytest.raises(UserError, match="has a name"):
        character_matrix(CARD.assign(consistent=False))
    with pytest.raises(UserError, match="one for each fold"):
        character_matrix(CARD.assign(fold=1))


def test_tables_for_r():
    matrix = character_matrix(CARD)
    table = wide_table(matrix)
    assert table.columns.tolist() == ["species", "taxon", "red spots", "White margin"]
    assert table["red spots"].tolist() == ["1", "0", ""]
    long = evidence(matrix)
    assert len(long) == 6 and long["state"].value_counts().to_dict() == {"0": 3, "1": 2, "?": 1}


@pytest.fixture
def report(tmp_path):
    """Write the tables of a report as the studies do."""
    heads = tmp_path / "report" / "heads"
    heads.mkdir(parents=True)
    CARD.drop(columns="name").to_csv(heads / "heads.csv", index=False)
    write_json(heads / "provenance.json", {"study": "heads", "model_fingerprint": MODEL})
    (heads.parent / "manipulation").mkdir()
    edits("C", "red spots", [0.2, -0.2, 0.1, -0.1, 0.0]).to_csv(
        heads.parent / "manipulation" / "manipulation.csv", index=False
    )
    return heads.parent


def test_files_of_a_report_say_what_the_tables_in_memory_say(report, tmp_path):
    tables = read_tables(report)
    assert tables.model == MODEL
    names = {("A", 0): "red spots", ("B", 1): "white margin"}
    said = write_characters(tables, tmp_path / "out", names)
    text = (tmp_path / "out" / "characters.nex").read_text(encoding="utf-8")
    assert all(f"[{sentence}]" in text for sentence in said)
    assert f"[Model: {MODEL}.]" in text
    rows = dict(line.split() for line in text.partition("MATRIX\n")[2].splitlines()[:3])
    assert rows == {"A": "10", "B": "01", "C": "00"}
    # One number, two files: the same cells in the table for R.
    wide = pd.read_csv(tmp_path / "out" / "characters.csv", dtype=str).fillna("?")
    assert {row["taxon"]: row["red spots"] + row["white margin"] for _, row in wide.iterrows()} == (
        rows
    )
    assert len(pd.read_csv(tmp_path / "out" / "evidence.csv")) == 6


def test_the_command_reads_names_from_a_database(report, tmp_path, monkeypatch, capsys):
    database = open_database(str(tmp_path / "annotations.db"))
    database.names.add("Ann", MODEL, "A", 0, "red spots")
    status, out, _ = run(
        monkeypatch, capsys, "characters", report, "--names", tmp_path / "annotations.db"
    )
    assert status == 0 and "3 species by 1 discovered attributes" in out
    text = (report / "characters" / "characters.nex").read_text(encoding="utf-8")
    assert "1 red_spots /" in text and "PROVISIONAL" not in text

    status, out, _ = run(monkeypatch, capsys, "characters", report, "--out", tmp_path / "numbers")
    assert status == 0 and "PROVISIONAL" in out


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda report: (report / "heads" / "heads.csv").unlink(), "holds no heads.csv"),
        (
            lambda report: (report / "heads" / "heads.csv").write_text("label,head\nA,0\n"),
            "no column 'consistent'",
        ),
        (
            lambda report: (report / "heads" / "heads.csv").write_text(
                "label,head,consistent,important\nA,zero,True,True\n"
            ),
            "'zero'",
        ),
    ],
)
def test_a_damaged_report_is_one_line_and_nothing_is_written(
    report, tmp_path, monkeypatch, capsys, spoil, words
):
    spoil(report)
    out = tmp_path / "out"
    status, _, err = run(monkeypatch, capsys, "characters", report, "--out", out)
    assert status == 2 and words in err and len(err.strip().splitlines()) == 1
    assert not out.exists()


def test_a_matrix_written_with_the_report_goes_with_it(report, capsys):
    folder = ReportFolder(report)
    marker = {"made_by": "intr-discover discover", "complete": True, "files": []}
    write_json(report / "report.json", marker)
    _write_as(Format.nexus, folder)
    assert "PROVISIONAL" in capsys.readouterr().out
    listed = json.loads((report / "report.json").read_text(encoding="utf-8"))
    assert listed["complete"] and "characters/characters.nex" in listed["files"]
    folder.start()  # as --overwrite does
    assert not (report / "characters").exists()

    (report / "heads" / "heads.csv").unlink()
    _write_as(Format.nexus, folder)
    assert "no character matrix" in capsys.readouterr().out
    _write_as(None, folder)
    assert capsys.readouterr().out == ""
