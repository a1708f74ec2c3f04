"""Arguments that cannot be, places that are taken, databases and records that are damaged."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

from tests.faults.world import kinds

Make = Callable[[Path], object]


def holding(name: str, content: str | bytes = "x") -> Make:
    """Return what writes a file."""
    data = content.encode() if isinstance(content, str) else content

    def make(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)

    return make


def database(folder: Path) -> Path:
    """Write a sound database with a name of a head."""
    from intr_discover.annotations import open_database

    open_database(folder / "a.db").names.add("Ann", "a" * 64, "red", 0, "patch")
    return folder / "a.db"


def damaged(folder: Path) -> None:
    """Write a database whose middle was overwritten."""
    path = database(folder)
    content = bytearray(path.read_bytes())
    content[2048:-1024] = b"\xa5" * (len(content) - 3072)
    path.write_bytes(content)


def cut_short(folder: Path) -> None:
    """Write a database of which the end is missing."""
    path = database(folder)
    path.write_bytes(path.read_bytes()[:5000])


def with_sql(words: str) -> Make:
    """Return what writes a database of something else, or of another version."""

    def make(folder: Path) -> None:
        connection = sqlite3.connect(database(folder) if "UPDATE" in words else folder / "a.db")
        connection.execute(words)
        connection.commit()
        connection.close()

    return make


def record(**content: object) -> Make:
    """Return what writes the record of a result."""
    return holding("r/provenance.json", json.dumps(content))


NAMES = "rater,model,label,head,name,time\n"
TIME = "2026-01-01T00:00:00.000000+00:00"
PREDICT = "predict {run} {photo} "
EXPLAIN = "explain {run} {photo} --out out "
STUDY = "study evaluate {run} {data} --out out "
FIGURE = "figure heads {run} {data} --out out.pdf "
HARM = ["intr-discover", "evaluate", "x", "y", "--out", "z"]

BAD_WORDS = kinds(
    "words",
    ("command unknown", "predcit {run} {photo}", "predcit"),
    ("option unknown", PREDICT + "--tpo 3", "--tpo"),
    ("option without its value", PREDICT + "--top", "--top"),
    ("option missing", "evaluate {run} {data}", "--out"),
    ("argument missing", "evaluate {run} --out out", "data"),
    ("too many arguments", "evaluate {run} {data} more --out out", "more"),
    ("number in words", PREDICT + "--top many", ("--top", "integer")),
    ("top 0", PREDICT + "--top 0", "--top"),
    ("batch size 0", "evaluate {run} {data} --out out --batch-size 0", "--batch-size"),
    ("seed -1", STUDY + "--seed -1", "--seed"),
    ("epochs 0", "train {data} --out out --epochs 0", "--epochs"),
    ("preset unknown", "train {data} --out out --preset huge", "--preset"),
    ("device unknown", PREDICT + "--device abacus", "abacus"),
    ("device absent", PREDICT + "--device cuda:99", "cuda:99"),
    ("run that does not exist", "predict gone {photo}", "gone"),
    ("run that is a file", "predict {photo} {photo}", "red_0.png"),
    ("run that is a collection", "predict {data} {photo}", ("data", "run folder")),
    ("class unknown", EXPLAIN + "--class pink", "pink"),
    ("class in other letters", EXPLAIN + "--class Red", ("Red", "red")),
    ("context of an unknown class", PREDICT + "--context red,pink", "pink"),
    ("context that is empty", PREDICT + "--context ,", "--context"),
    ("context with a class twice", PREDICT + "--context red,red", "red"),
    ("layer unknown", EXPLAIN + "--layer 99", "99"),
    ("heads unknown", EXPLAIN + "--heads best", "--heads"),
    ("heads top0", EXPLAIN + "--heads top0", "--heads"),
    ("study unknown", "study headz {run} {data} --out out", "headz"),
    ("pair of one class", "study mimicry {run} {data} --out out --pair red", "red"),
    ("pair of an unknown class", "study mimicry {run} {data} --out out --pair red,pink", "pink"),
    ("pair of a class with itself", "study mimicry {run} {data} --out out --pair red,red", "red"),
    ("pairs that do not exist", "study mimicry {run} {data} --out out --pairs gone.csv",
     "gone.csv"),
    ("share of 7", "study measurements {run} {data} --out out --share 7", "share"),
    ("steps of 0", "study faithfulness {run} {data} --out out --steps 0", "steps"),
    ("control photographs -1", "study transplants {run} {data} --out out --controls -1",
     "controls"),
    ("figure unknown", "figure portrait {run} {data} --out out.pdf", "portrait"),
    ("figure of no format", FIGURE + "--format doc", "doc"),
    ("figure as wide as a house", FIGURE + "--width 9000", "9000"),
    ("figure of NaN mm", FIGURE + "--width nan", "nan"),
    ("figure at 5 dpi", FIGURE + "--dpi 5", "5"),
    ("figure with letters of 900 points", FIGURE + "--font-size 900", "900"),
    ("rings: 0 of each", "rings out --per-class 0", "per-class"),
    ("rings: 9 rings", "rings out --rings 9", "rings"),
    ("rings: size 3", "rings out --size 3", "size"),
    ("rings: hard NaN", "rings out --hard nan", "hard"),
    ("port beyond all ports", "app {run} {data} --port 99999999", "port"),
    ("tolerance -1", "rerun r --tolerance -1", "--tolerance"),
    ("folds 1", "discover {data} --out out --folds 1", "1 folds"),
    ("folds 99", "discover {data} --out out --folds 99", "99 folds"),
    ("name of zero bytes", "specimens a\0b", "a"),
    ("name of a thousand letters", "specimens " + "a" * 1000, "aaa"),
)  # fmt: skip

BAD_PLACES = kinds(
    "place",
    ("run folder that is a file", "train {data} --out out", "out", holding("out")),
    ("run folder that holds something", "train {data} --out out", ("out", "not empty"),
     holding("out/thesis.txt")),
    ("run folder below a file", "train {data} --device cpu --epochs 1 --set width=16 --set heads=4 "
     "--out file/out", "file", holding("file")),
    ("results below a file", "evaluate {run} {data} --out file/out --device cpu", "file",
     holding("file")),
    ("results where a file stands", "evaluate {run} {data} --out out --device cpu", "out",
     holding("out")),
    ("report where something else is", "discover {run} {data} --out out", "out",
     holding("out/thesis.txt")),
    ("report over something else", "discover {run} {data} --out out --overwrite", "out",
     holding("out/thesis.txt")),
    ("report into the photographs", "discover {run} {data} --out {data} --overwrite", "data"),
    ("run folder that is the collection", "train {data} --out {data}", "data"),
    ("import into something", "import {photo} --classes {photo} --out out", "out",
     holding("out/thesis.txt")),
    ("rings over something", "rings out", "out", holding("out/thesis.txt")),
    ("rings over something, to replace it", "rings out --overwrite", "out",
     holding("out/thesis.txt")),
    ("trait into something", "trait {data} --name p --out out --image images/red_0.png "
     "--mask {mask}", "out", holding("out/thesis.txt")),
    ("table of another kind", "specimens {data} --out t.docx", "t.docx"),
    ("table where a folder is", "specimens {data} --out out.csv", "out.csv",
     lambda folder: (folder / "out.csv").mkdir()),
    ("predictions where a folder is", PREDICT + "--csv out.csv", "out.csv",
     lambda folder: (folder / "out.csv").mkdir()),
    ("figure below a file", FIGURE.replace("out.pdf", "file/out.pdf"), "file", holding("file")),
    ("name too long to write", PREDICT + "--csv " + "a" * 300 + ".csv", "aaa"),
)  # fmt: skip

IMPORT = "annotations import sheets --database a.db"
LIST = "annotations names --database a.db"

BAD_DATABASES = kinds(
    "annotations",
    ("database damaged", LIST, "a.db", damaged),
    ("database cut short", LIST, "a.db", cut_short),
    ("database that is a text", LIST, ("a.db", "no SQLite"), holding("a.db", "names")),
    ("database that is a folder", LIST, "a.db", lambda folder: (folder / "a.db").mkdir()),
    ("database that does not exist", LIST, "a.db"),
    ("database of something else", LIST, "a.db", with_sql("CREATE TABLE books (title)")),
    ("database of a later version", LIST, ("a.db", "newer"),
     with_sql("UPDATE annotations_about SET version = 99")),
    ("database of an unknown server", "annotations names --database magic://here/a", "magic"),
    ("database below a file", "annotations names --database file/a.db", "file",
     holding("file")),
    ("names damaged, for a figure", EXPLAIN + "--names a.db", "a.db", damaged),
    ("names of another model", EXPLAIN + "--names a.db", ("a.db", "other models"), database),
    ("names that do not exist", EXPLAIN + "--names gone.db", "gone.db"),
    ("sheets that do not exist", IMPORT, "sheets"),
    ("sheets without a column", IMPORT, ("head_names.csv", "head"),
     holding("sheets/head_names.csv", "rater,model\nAnn,a\n")),
    ("sheet with a head in words", IMPORT, ("head_names.csv", "row 2", "head"),
     holding("sheets/head_names.csv", f"{NAMES}Ann,{'a' * 64},red,first,patch,{TIME}\n")),
    ("sheet with a time that cannot be", IMPORT, ("head_names.csv", "row 2"),
     holding("sheets/head_names.csv", f"{NAMES}Ann,{'a' * 64},red,1,patch,yesterday\n")),
    ("sheet of random bytes", IMPORT, "head_names.csv",
     holding("sheets/head_names.csv", bytes(range(256)))),
    ("record that does not exist", "rerun r", "r"),
    ("record that is no JSON", "rerun r", "provenance.json", holding("r/provenance.json", "{")),
    ("record without a command", "rerun r", ("provenance.json", "no command"), record(n=3)),
    ("record whose command is another program's", "rerun r", ("provenance.json", "not run"),
     record(command=["sh", "-c", "touch was_run"])),
    ("record whose command has no list", "rerun r", "provenance.json", record(command="touch")),
    ("record whose folder is gone", "rerun r", ("provenance.json", "gone"),
     record(command=HARM, working_folder="../gone")),
)  # fmt: skip
