"""``intr-discover annotations`` and ``--names`` as a person types them."""

from __future__ import annotations

import csv
import subprocess
import sys

import pytest

from intr_discover.annotations import Item, open_database
from intr_discover.cli import main
from tests.studies.drawn import draw_specimens

MODEL, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def say(monkeypatch, capsys):
    """Return a function that runs a command: status, lines of stdout, stderr."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["intr-discover", *map(str, words)])
        status = 0
        try:
            main()
        except SystemExit as exit_:
            status = exit_.code or 0
        captured = capsys.readouterr()
        return status, captured.out.splitlines(), captured.err

    return run


@pytest.fixture
def database(tmp_path):
    return open_database(tmp_path / "annotations.db")


def test_names_that_most_agree_on(say, database, tmp_path):
    for rater, name in (("Ann", "red\npatch"), ("Bo", "Red patch"), ("Cy", "=band")):
        database.names.add(rater, MODEL, "Ember vera", 3, name)
        database.names.add(rater, MODEL, "Ember vera", 4, rater)
        database.names.add(rater, MODEL, "Ember vera", 5, None)
    database.names.add("Ann", OTHER, "a", 0, "=dots")
    status, lines, _ = say("annotations", "names", "--database", database.place)
    assert status == 0
    assert lines == [
        "model aaaaaaaaaaaa",
        "  Ember vera, head 3: red patch (2 of 3 raters)",
        "  Ember vera, head 4: no agreed name (1 of 3 raters)",
        "  Ember vera, head 5: none (3 of 3 raters)",
        "model bbbbbbbbbbbb",
        "  a, head 0: =dots (1 of 1 rater)",
    ]
    table = tmp_path / "names.csv"
    words = ("annotations", "names", "--database", database.place, "--model", "bb", "--csv", table)
    assert say(*words)[1] == [*lines[4:], f"wrote {table}"]
    with table.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["name"] == "'=dots" and row["votes"] == "1"


def test_export_and_import(say, database, tmp_path):
    database.names.add("Ann", MODEL, "Ember vera", 3, "red patch")
    database.studies.create("wings", [Item("a", "intr", "all")], ["red"])
    out, copy = tmp_path / "sheets", tmp_path / "copy.db"
    counts = "1 name of a head, 1 study, 0 answers, 0 edits"
    said = say("annotations", "export", "--database", database.place, "--out", out)
    assert said == (0, [f"{counts}; wrote {out}"], "")
    said = say("annotations", "import", out, "--database", copy)
    assert said == (0, [f"new in {copy}: {counts}"], "")
    again = say("annotations", "import", out, "--database", copy)
    assert again[1] == [f"new in {copy}: 0 names of heads, 0 studies, 0 answers, 0 edits"]


def test_agreement_of_a_study(say, database, tmp_path):
    database.studies.create(
        "wings", [Item(f"{n}", "intr", "all") for n in range(3)], ["red", "dots"]
    )
    for rater in ("Ann", "Bo"):
        for number in (1, 2, 3):
            database.studies.answer("wings", rater, number, ["red"] if number < 3 else [])
    table = tmp_path / "agreement.csv"
    status, lines, _ = say("annotations", "agreement", "--database", database.place, "--csv", table)
    assert status == 0
    assert lines[0].startswith("intr: 2 of 6 attributes of 3 images identified by more than half")
    assert "Fleiss' kappa 1.00" in lines[0] and lines[1].startswith("  red: identified in 2 of 3")
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["attribute"] for row in rows] == ["all", "red", "dots"]
    assert float(rows[0]["rate"]) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["names"], "holds no names of heads"),
        (["agreement"], "say which study with --study; there are: none"),
        (["agreement", "--study", "legs"], "there is no study 'legs'; there are: none"),
        (["import", "nowhere"], "there is no file or folder nowhere"),
    ],
)
def test_mistakes_are_one_line(say, database, words, message):
    status, lines, error = say("annotations", *words, "--database", database.place)
    assert status == 2 and lines == []
    assert message in error and error.count("\n") == 1


def test_reading_makes_no_database(say, tmp_path):
    status, _, error = say("annotations", "names", "--database", tmp_path / "absent.db")
    assert status == 2 and "there is no database" in error
    assert list(tmp_path.iterdir()) == []


def test_the_usual_file_is_the_users_own(tmp_path):
    """In a process of its own, whose home is an empty folder."""
    code = (
        "from intr_discover.annotations import usual_file; import sys; "
        "sys.argv = ['intr-discover', 'annotations', 'names']; print(usual_file()); "
        "from intr_discover.cli import main; main()"
    )
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=home)
    assert str(tmp_path) in done.stdout and done.stdout.strip().endswith("annotations.db")
    assert done.returncode == 2 and "there is no database" in done.stderr


def test_help_imports_no_database():
    code = (
        "import sys, intr_discover.cli, intr_discover.cli_annotations; "
        "print('sqlalchemy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.fixture(scope="module")
def demo_fingerprint():
    from intr_discover import load

    return load("demo").fingerprint


@pytest.fixture
def photograph(tmp_path):
    draw_specimens(tmp_path / "drawn", ["Ember vera"], per_label=1)
    return tmp_path / "drawn" / "images" / "00-00.png"


def test_explain_takes_names(say, database, tmp_path, demo_fingerprint, photograph):
    """Without a mistake, and the figure differs; what it shows is tested with the figures."""
    database.names.add("Ann", demo_fingerprint, "Ember vera", 2, "red <b>$patch$</b>")
    words = ("explain", "demo", photograph, "--class", "Ember vera", "--out")
    assert say(*words, tmp_path / "plain")[0] == 0
    assert say(*words, tmp_path / "named", "--names", database.place)[0] == 0
    plain, named = ((tmp_path / each / "00-00.png").read_bytes() for each in ("plain", "named"))
    assert plain != named


@pytest.mark.parametrize("command", ["explain", "study"])
def test_names_of_another_model_are_refused(
    say, database, tmp_path, demo_fingerprint, photograph, command
):
    database.names.add("Ann", OTHER, "Ember vera", 2, "red patch")
    out = tmp_path / "out"
    words = ("explain", "demo", photograph)
    if command == "study":
        words = ("study", "heads", "demo", tmp_path / "drawn")
    status, _, error = say(*words, "--out", out, "--names", database.place)
    assert status == 2 and "names of the heads of other models only (bbbbbbbbbbbb)" in error
    assert demo_fingerprint[:12] in error and not out.exists()
