"""A museum's table joined to photographs: who finds whom, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from intr_discover.cli import app
from intr_discover.data.metadata import join_metadata
from intr_discover.errors import UserError

PATTERN = r"^(?P<id>[A-Z]+\d+)_"


@pytest.fixture
def museum(tmp_path: Path) -> Path:
    for name in ("AB001_d.png", "AB001_v.png", "sub/AB002_d.png", "AB009_d.png", "scale.png"):
        (tmp_path / "p" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "p" / name).write_bytes(b"")
    (tmp_path / "m.csv").write_text(
        "number,species,sex\nAB001,menelaus,f\nAB002,rhetenor,m\nAB003,menelaus,m\n"
    )
    return tmp_path


def test_photographs_find_their_rows(museum: Path) -> None:
    specimens, remarks = join_metadata(
        museum / "p", museum / "m.csv", label="species", id_column="number", id_pattern=PATTERN
    )
    rows = specimens.table[["image", "label", "specimen_id"]].to_numpy().tolist()
    assert sorted(rows) == [
        ["AB001_d.png", "menelaus", "AB001"],
        ["AB001_v.png", "menelaus", "AB001"],
        ["sub/AB002_d.png", "rhetenor", "AB002"],
    ]
    assert remarks == [
        "1 photographs whose name does not match the pattern: scale.png",
        "1 photographs without a row: AB009_d.png",
        "1 rows without a photograph: AB003",
    ]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"label": "genus"}, "no column 'genus'; it has number, species, sex"),
        ({"id_pattern": "("}, "no regular expression"),
        ({"id_pattern": "A"}, "no group"),
        ({"id_pattern": "(?P<id>zz)"}, "no photograph of"),
        ({"where": "sex == 'x'"}, "is chosen by --where"),
    ],
)
def test_mistakes(museum: Path, changes: dict[str, str], says: str) -> None:
    options = {"label": "species", "id_column": "number", "id_pattern": PATTERN} | changes
    with pytest.raises(UserError, match=says):
        join_metadata(museum / "p", museum / "m.csv", **options)


def test_columns_that_we_name_too_are_kept_apart(museum: Path) -> None:
    pd.DataFrame(
        {"specimen_id": ["AB001"], "label": ["f"], "image": ["a.tif"], "image_in_metadata": ["b"]}
    ).to_excel(museum / "m.xlsx", index=False)
    specimens, _ = join_metadata(museum / "p", museum / "m.xlsx", id_pattern=PATTERN)
    assert specimens.table["image"].tolist() == ["AB001_d.png", "AB001_v.png"]
    assert specimens.table["image_in_metadata"].tolist() == ["b", "b"]
    assert specimens.table["image_in_metadata_"].tolist() == ["a.tif", "a.tif"]


@pytest.mark.parametrize("option", [["--label", "a"], ["--where", "a == 'b'"], ["--overwrite"]])
def test_options_about_a_table_need_one(museum: Path, option: list[str]) -> None:
    result = CliRunner().invoke(app, ["specimens", str(museum / "p"), *option])
    assert isinstance(result.exception, UserError)
    assert f"{option[0]} is about a museum's table: give --metadata" in str(result.exception)


def test_where_filters_and_an_id_twice_is_refused(museum: Path) -> None:
    options = {"label": "species", "id_column": "number", "id_pattern": PATTERN}
    kept = join_metadata(museum / "p", museum / "m.csv", where="sex == 'm'", **options)
    assert kept.specimens.table["image"].tolist() == ["sub/AB002_d.png"]
    with (museum / "m.csv").open("a") as file:
        file.write("AB001,menelaus,f\n")
    with pytest.raises(UserError, match="more than one row for the id AB001"):
        join_metadata(museum / "p", museum / "m.csv", **options)


def test_the_command_leaves_an_existing_table_alone(museum: Path) -> None:
    out = museum / "t.csv"
    out.write_text("mine")
    command = ["specimens", str(museum / "p"), "--metadata", str(museum / "m.csv")]
    command += ["--label", "species", "--id-column", "number", "--id-pattern", PATTERN]
    result = CliRunner().invoke(app, [*command, "--out", str(out)])
    assert result.exit_code != 0
    assert out.read_text() == "mine"
