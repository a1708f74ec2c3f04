"""A record comes from a file: what is no command of ours is refused, and nothing in it is run."""

from __future__ import annotations

import json

import pytest
import typer.main

from intr_discover.cli import app
from intr_discover.errors import UserError
from intr_discover.rerun.comparison import compare_tables, compare_values
from intr_discover.rerun.record import read_record
from intr_discover.rerun.repeat import new_folder, repeat
from intr_discover.rerun.whole_report import is_report, repeat_report
from intr_discover.rerun.words import repeated_words

COMMANDS = typer.main.get_command(app)
EVALUATE = ["intr-discover", "evaluate", "run", "photos", "--out", "results"]


def write(folder, command, **more):
    path = folder / "results" / "provenance.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"command": command, **more}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (None, "made from Python"),
        ("intr-discover evaluate", "no list of words"),
        (["rm", "-rf", "."], "none of intr-discover"),
        (["intr-discover"], "none of intr-discover"),
        (["intr-discover", "evaluate\0"], "none of intr-discover"),
        ([1, 2], "no list of words"),
    ],
)
def test_what_is_no_command_is_refused(tmp_path, command, words):
    with pytest.raises(UserError, match=words):
        read_record(write(tmp_path, command))


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", "[" * 100_000])
def test_a_damaged_record_is_one_line(tmp_path, text):
    path = tmp_path / "provenance.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="no record of a result") as raised:
        read_record(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["intr-discover", "app"], "'app' is not repeated"),
        (["intr-discover", "rerun", "x"], "'rerun' is not repeated"),
        (["intr-discover", "import", "x"], "'import' is not repeated"),
        ([*EVALUATE, "--exec=1"], "no option --exec"),
        ([*EVALUATE, "--split"], "has no value"),
        ([*EVALUATE, "--classes", "https://example.org/x"], "not led to another machine"),
    ],
)
def test_other_commands_and_options_are_not_run(tmp_path, command, words):
    record = read_record(write(tmp_path, command))
    with pytest.raises(UserError, match=words):
        repeated_words(COMMANDS, record, tmp_path / "new")


def test_characters_of_a_shell_stay_characters(tmp_path):
    path = write(tmp_path, [*EVALUATE[:3], "photos; touch owned $(touch owned)", *EVALUATE[4:]],
                 working_folder="..")  # fmt: skip
    with pytest.raises(UserError, match="could not be repeated"):
        repeat(path, COMMANDS, say=lambda line: None)
    assert not (tmp_path / "owned").exists()


def test_the_new_result_goes_to_the_new_folder_alone(tmp_path):
    record = read_record(write(tmp_path, [*EVALUATE, "--split=test"]))
    words = repeated_words(COMMANDS, record, tmp_path / "new")
    assert words == ["evaluate", "--split=test", f"--out={tmp_path / 'new'}", "--", "run", "photos"]


def test_a_moved_folder_is_told(tmp_path):
    record = read_record(write(tmp_path, EVALUATE, working_folder="../../gone"))
    with pytest.raises(UserError, match="move the results back"):
        _ = record.working_folder


def test_a_folder_that_holds_something_is_not_written_to(tmp_path):
    record = read_record(write(tmp_path, EVALUATE))
    with pytest.raises(UserError, match="name a new folder"):
        new_folder(record, record.folder)
    assert new_folder(record, None) == tmp_path / "results-rerun"
    (tmp_path / "results-rerun").mkdir()
    assert new_folder(record, None) == tmp_path / "results-rerun-2"


def test_tolerance_is_a_share_of_each_number():
    assert compare_values({"a": 100.0}, {"a": 100.00005}, 1e-6) == []
    assert compare_values({"a": 100.0}, {"a": 100.0002}, 1e-6) == ["a 100.0 → 100.0002"]
    assert compare_values({"a": True}, {"a": 1}, 1.0) == ["a True → 1"]
    assert compare_values({"a": 1}, {"b": 1}, 0) == ["a is not there any more", "b is new"]


def test_rows_and_columns_of_tables():
    import pandas as pd

    then = pd.DataFrame({"name": ["x", "y"], "share": ["0.5", ""]})
    assert compare_tables(then, then.copy()) == []
    assert compare_tables(then, then[:1]) == ["2 rows → 1 rows"]
    now = then.assign(share=["0.5", "0.1"])
    assert compare_tables(then, now) == ["column share: 1 of 2 rows, first in row 2:  → 0.1"]


def test_lists_of_lists_are_compared_number_by_number():
    import numpy as np
    import pandas as pd

    def table(last, length=2):
        maps = np.empty(2, dtype=object)
        maps[:] = [np.array([0.5, np.nan]), np.array([0.25, last, *[0.0] * (length - 2)])]
        return pd.DataFrame({"maps": [maps, np.array([1.0, 2.0])]})

    assert compare_tables(table(0.125), table(0.125)) == []
    assert compare_tables(table(0.125), table(0.375)) == [
        "column maps: 1 of 2 rows, by at most 0.25"
    ]
    assert compare_tables(table(1.0), table(1.0 + 1e-7), tolerance=1e-6) == []
    assert compare_tables(table(1.0), table(1.0, length=3)) == [
        "column maps: 1 of 2 rows, lists of other lengths"
    ]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"files": 3}', '{"files": [3]}', '{"files": [""]}']
)
def test_a_damaged_report_is_one_line(tmp_path, text):
    (tmp_path / "report.json").write_text(text, encoding="utf-8")
    assert is_report(tmp_path)
    with pytest.raises(UserError, match=r"no record of a report|no study of this report"):
        repeat_report(tmp_path, COMMANDS, say=lambda line: None)
