"""BF: the rule of the paper on drawn records of the Cambridge collection."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep import butterflies, command
from data_prep.butterflies import prepare_butterflies
from data_prep.butterfly_records import taxon
from data_prep.butterfly_rule import Rule, split_by_rule
from data_prep.common import Report
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from tests.data_prep.published_archives import picture

COLUMNS = ["CAMID", "X", "Image_name", "View", "Taxonomic_Name", "hybrid_stat", "Sex"]
SMALL = Rule(least=4, test=1)


def records() -> pd.DataFrame:
    """Return records: two species that are large enough, and everything that is left out."""
    rows = []

    def add(camid: str, name: str, views: str = "d", hybrid: str = "non-hybrid") -> None:
        for view in views:
            words = {"d": "dorsal", "v": "ventral"}[view]
            file = f"{camid}_{view}.JPG"
            rows.append([camid, str(len(rows) + 1), file, words, name, hybrid, "Female"])

    for number in range(6):
        add(f"CAM0000{number}", "Heliconius erato ssp. cyrbia", "dv")
        add(f"CAM0001{number}", "Heliconius melpomene ssp. cythera")
    add("CAM000020", "Heliconius erato ssp. cyrbia x hydara", hybrid="hybrid")
    add("CAM000021", "Heliconius erato × melpomene")
    add("CAM000022", "Heliconius sp.")
    add("CAM000023", "Heliconius sara")
    table = pd.DataFrame(rows, columns=COLUMNS)
    extra = [
        ["CAM000010", "90", "CAM000010_d.CR2", "dorsal", "Heliconius melpomene", None, None],
        ["CAM000024", "91", "CAM000024_d.JPG", None, "Heliconius erato", None, None],
    ]
    return pd.concat([table, pd.DataFrame(extra, columns=COLUMNS)])


def published(folder: Path, table: pd.DataFrame, photographs: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "img_master.csv", index=False)
    for place, row in enumerate(table.to_dict("records")):
        if photographs and row["Image_name"].endswith(".JPG"):
            path = folder / "images" / row["Taxonomic_Name"] / f"{row['X']}_{row['Image_name']}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture(place))
    return folder


def table_of(out: Path) -> pd.DataFrame:
    return pd.read_csv(out / "specimens.csv", dtype=str, keep_default_na=False)


def test_dorsal_views_of_species_by_the_rule(tmp_path):
    source = published(tmp_path / "records", records())
    report = prepare_butterflies(source, tmp_path / "out", rule=SMALL)
    table = table_of(tmp_path / "out")
    assert table.groupby(["label", "split"]).size().to_dict() == {
        ("Heliconius erato", "test"): 1,
        ("Heliconius erato", "train"): 5,
        ("Heliconius melpomene", "test"): 1,
        ("Heliconius melpomene", "train"): 5,
    }
    assert set(table["View"]) == {"dorsal"}
    assert table["specimen_id"].str.startswith("CAM").all()
    assert "Sex" in table
    assert report.warnings[:7] == [
        "left out: 1 records without specimen, file, view or name",
        "left out: 1 records of raw camera files",
        "left out: 6 photographs of other views",
        "left out: 2 photographs of hybrids",
        "left out: 1 photographs whose name does not reach the species",
        "left out: 1 classes with fewer than 4 images (1 images)",
        report.warnings[6],
    ]
    assert not any("the paper has" in line for line in report.warnings)  # another rule


def test_subspecies_and_another_view(tmp_path):
    source = published(tmp_path / "records", records())
    options = {"label": "subspecies", "view": "Ventral", "rule": SMALL}
    report = prepare_butterflies(source, tmp_path / "out", **options)
    assert set(table_of(tmp_path / "out")["label"]) == {"Heliconius erato ssp. cyrbia"}
    assert any("one label only" in line for line in report.warnings)


def test_the_paper_s_rule_is_the_default_and_its_counts_are_compared(tmp_path, capsys):
    rows = []
    for name, count in (
        ("Heliconius erato", 100),
        ("Heliconius sara", 20),
        ("Heliconius doris", 19),
    ):
        rows += [
            [f"{name[11]}{n:03d}", str(len(rows) + n), f"{name[11]}{n:03d}_d.jpg", "dorsal", name]
            for n in range(count)
        ]
    table = pd.DataFrame(rows, columns=COLUMNS[:5])
    source = published(tmp_path / "records", table, photographs=False)
    for row in rows:
        (source / row[2]).write_bytes(b"a photograph")
    arguments = [str(source), str(tmp_path / "out")]
    assert command.run(butterflies.main, arguments) == 0
    counts = table_of(tmp_path / "out").groupby(["label", "split"]).size()
    # 100 images: 3 for the test, 5 * (20 - 3) = 85 for training, 12 too many.
    assert counts.to_dict() == {
        ("Heliconius erato", "test"): 3,
        ("Heliconius erato", "train"): 85,
        ("Heliconius sara", "test"): 3,
        ("Heliconius sara", "train"): 17,
    }
    said = capsys.readouterr().err
    assert "left out: 1 classes with fewer than 20 images (19 images)" in said
    assert "left out: 12 images of classes that have 85 for training" in said
    assert "train: found 102, the paper has 4697 (its Table 3)" in said


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=1, max_size=60),
    st.integers(0, 3),
    st.randoms(use_true_random=False),
)
def test_the_rule_holds_whatever_the_collection(photographs, seed, shuffler):
    table = pd.DataFrame(
        [
            (f"species {label}", f"CAM{label}{specimen}", f"{number}.jpg")
            for number, (label, specimen) in enumerate(photographs)
        ],
        columns=["label", "CAMID", "Image_name"],
    )
    rule = Rule(least=5, test=2, seed=seed)
    table["split"] = split_by_rule(table, rule, Report())
    used = table[table["split"] != ""]
    assert (used.groupby("CAMID")["split"].nunique() <= 1).all()
    for _, rows in table.groupby("label"):
        counts = rows["split"].value_counts()
        if len(rows) < 5:
            assert set(rows["split"]) == {""}
        else:
            assert counts["test"] >= 2
            assert counts.get("train", 0) <= 15
            # Nothing is left out that there is room for.
            assert counts.get("train", 0) == min(15, len(rows) - counts["test"])
    # The order of the records does not matter.
    order = list(table.index)
    shuffler.shuffle(order)
    again = table.loc[order].assign(split="")
    again["split"] = split_by_rule(again, rule, Report())
    assert again["split"].sort_index().to_list() == table["split"].to_list()


def test_another_seed_draws_other_specimens():
    table = pd.DataFrame({"label": "a", "CAMID": [f"C{n}" for n in range(40)]})
    table["Image_name"] = table["CAMID"] + ".jpg"
    draws = {tuple(split_by_rule(table, Rule(seed=seed), Report())) for seed in range(5)}
    assert len(draws) == 5


@pytest.mark.parametrize(("least", "test"), [(3, 3), (20, 0), (0, 0)])
def test_a_rule_that_cannot_be_is_refused(least, test):
    with pytest.raises(UserError, match="at least 1 and below"):
        Rule(least, test)


@pytest.mark.parametrize(
    ("name", "species", "subspecies"),
    [
        ("Heliconius erato ssp. demophoon", "Heliconius erato", "Heliconius erato ssp. demophoon"),
        ("Heliconius erato demophoon", "Heliconius erato", "Heliconius erato ssp. demophoon"),
        ("Heliconius erato subsp. a b", "Heliconius erato", "Heliconius erato ssp. a b"),
        ("Heliconius erato", "Heliconius erato", ""),
        ("Heliconius sp.", "", ""),
        ("Heliconius", "", ""),
    ],
)
def test_names_of_species_and_subspecies(name, species, subspecies):
    assert (taxon(name, "species"), taxon(name, "subspecies")) == (species, subspecies)


def test_a_specimen_with_two_names_and_a_picture_that_comes_twice_are_left_out(tmp_path):
    table = records().head(12).assign(md5=[f"{n:032d}" for n in range(12)])
    named_otherwise = table.iloc[[0]].assign(
        X="70", Image_name="CAM000000_d2.JPG", md5="a" * 32, Taxonomic_Name="Heliconius sara"
    )
    again = table.iloc[[3]].assign(X="71", Image_name="again_d.JPG")
    source = published(tmp_path / "records", pd.concat([table, named_otherwise, again]))
    report = prepare_butterflies(source, tmp_path / "out", rule=Rule(2, 1))
    said = "\n".join(report.warnings)
    assert "left out: 2 photographs of specimens with two species names" in said
    assert "left out: 1 records of a picture that is there twice" in said
    assert "CAM000000" not in set(table_of(tmp_path / "out")["specimen_id"])


def test_photographs_that_are_not_there_are_not_drawn(tmp_path):
    source = published(tmp_path / "records", records())
    for path in sorted((source / "images/Heliconius erato ssp. cyrbia").glob("*_d.JPG"))[:2]:
        path.unlink()
    report = prepare_butterflies(source, tmp_path / "out", rule=Rule(3, 1))
    assert any("2 photographs that are not in SOURCE" in line for line in report.warnings)
    assert len(Specimens.read(tmp_path / "out")) == 10


def test_tables_of_single_records_are_put_together(tmp_path):
    table = records().drop(columns=["hybrid_stat", "X"])
    source = tmp_path / "zenodo"
    source.mkdir()
    table.iloc[:10].to_csv(source / "batch 1.csv", index=False)
    table.iloc[8:].to_csv(source / "batch 2.csv", index=False)  # two records in both
    (source / "other.csv").write_text("a,b\n1,2\n")
    for place, name in enumerate(table["Image_name"]):
        (source / name).write_bytes(picture(place))
    report = prepare_butterflies(source, tmp_path / "out", rule=SMALL)
    assert any("2 records of a picture that is there twice" in line for line in report.warnings)
    assert len(Specimens.read(tmp_path / "out")) == 12


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "has no table with the columns CAMID, Image_name"),
        ("a,b\n1,2\n", "has no table with the columns CAMID, Image_name"),
        (
            ",".join(COLUMNS) + "\nC1,1,a.jpg,side,Heliconius erato,,\n",
            "the view 'dorsal'; there are side",
        ),
        (",".join(COLUMNS) + "\nC1,1,a.jpg,dorsal,Heliconius erato,,\n", "no photographs that can"),
    ],
)
def test_tables_that_are_wrong_are_said(tmp_path, content, words, capsys):
    source = tmp_path / "records"
    source.mkdir()
    if content is not None:
        (source / "img_master.csv").write_text(content)
    assert command.run(butterflies.main, [str(source), str(tmp_path / "out")]) == 2
    assert words in capsys.readouterr().err


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """Serve a folder; yield it and its address."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "site"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def on_the_web(site: tuple[Path, str]) -> pd.DataFrame:
    """Return records whose photographs lie on the site."""
    folder, address = site
    table = records()
    table = table[table["Image_name"].str.endswith("JPG")]
    digests = []
    for place, name in enumerate(table["Image_name"]):
        (folder / name).write_bytes(picture(place))
        digests.append(hashlib.md5(picture(place)).hexdigest())
    urls = [f"{address}/{name}" for name in table["Image_name"]]
    return table.assign(file_url=urls, md5=digests)


def test_photographs_that_were_drawn_are_fetched_and_no_others(site, tmp_path):
    source = published(tmp_path / "records", on_the_web(site), photographs=False)
    rule = Rule(least=4, test=1, seed=3)
    prepare_butterflies(source, tmp_path / "out", rule=rule, fetch=True)
    fetched = sorted(path.name for path in (source / "images").iterdir())
    assert len(fetched) == 12
    assert all("_d" in name and not name.startswith("CAM") for name in fetched)  # "1_CAM…"
    first = (tmp_path / "out" / "specimens.csv").read_bytes()
    # What is there is not asked for again, and the draw is the same without the web.
    for path in site[0].iterdir():
        path.unlink()
    prepare_butterflies(source, tmp_path / "out", rule=rule, fetch=True, overwrite=True)
    assert (tmp_path / "out" / "specimens.csv").read_bytes() == first


def test_a_photograph_that_cannot_be_fetched_is_left_out_and_named(site, tmp_path):
    table = on_the_web(site)
    lost = table["Image_name"][table["View"] == "dorsal"].iloc[0]
    (site[0] / lost).unlink()
    (site[0] / table["Image_name"].iloc[2]).write_bytes(b"changed on the way")
    source = published(tmp_path / "records", table, photographs=False)
    report = prepare_butterflies(source, tmp_path / "out", rule=Rule(2, 1), fetch=True)
    (said,) = [line for line in report.warnings if "not fetched" in line]
    assert lost in said
    assert "404" in said
    assert "gave another file than the published one" in said
    assert len(Specimens.read(tmp_path / "out")) == 10


def test_a_network_that_is_gone_ends_the_run(site, tmp_path):
    source = published(tmp_path / "records", on_the_web(site), photographs=False)
    for path in site[0].iterdir():
        path.unlink()
    with pytest.raises(UserError, match="404"):
        prepare_butterflies(source, tmp_path / "out", rule=SMALL, fetch=True)
    assert not (tmp_path / "out" / "specimens.csv").exists()


def test_tables_without_addresses_cannot_be_fetched(tmp_path):
    source = published(tmp_path / "records", records(), photographs=False)
    with pytest.raises(UserError, match="no file_url and md5"):
        prepare_butterflies(source, tmp_path / "out", rule=SMALL, fetch=True)
