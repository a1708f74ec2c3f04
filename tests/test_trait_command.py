"""``intr-discover trait``: drawn once, placed on all; the folder is a collection like any other."""

from __future__ import annotations

import json
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from intr_discover import Specimens
from intr_discover.cli import main
from intr_discover.data.images import read_mask
from intr_discover.data.rings import write_collection
from intr_discover.errors import UserError
from intr_discover.studies.trait_placing import place, placed_table, read_template
from tests.studies.drawn import HEIGHT, SPOT, WIDTH, draw_specimens


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["intr-discover", "trait", *map(str, words)])
    try:
        main()
    except SystemExit as ended:
        return ended.code or 0
    return 0


@pytest.fixture
def drawn(tmp_path):
    return draw_specimens(tmp_path / "drawn", ["ant", "bee"], per_label=3, pairs=[("ant", "bee")])


@pytest.fixture(scope="module")
def rings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("traits") / "rings"
    write_collection(folder, 4, ring_count=1, seed=77, split="test")
    return Specimens.read(folder)


def test_the_folder_is_a_collection_with_one_more_attribute(drawn, tmp_path, monkeypatch, capsys):
    out = tmp_path / "placed" / "spots"
    words = (drawn, "--image", "images/00-00.png", "--mask", drawn / "spot.png")
    assert run(monkeypatch, *words, "--name", "my spot", "--out", out) == 0
    said = capsys.readouterr().out
    assert "placed on 6 of 6 specimens: 0 by landmarks, 5 by their masks" in said
    before, after = Specimens.read(drawn), Specimens.read(out)
    for now, then in zip(
        after.paths + after.mask_paths, before.paths + before.mask_paths, strict=True
    ):
        assert now.resolve() == then.resolve()
    assert after.fingerprint() == before.fingerprint()
    assert after.pairs.equals(before.pairs)
    assert after.attributes["attribute"].value_counts().to_dict() == {"spot": 6, "my spot": 6}
    mine = after.attributes[after.attributes["attribute"] == "my spot"]
    for mask in mine["mask"]:  # all specimens stand in the same place
        found = read_mask(after.root / mask, (HEIGHT, WIDTH))
        assert found.sum() == 36 and found[SPOT].all()
    assert sorted(path.name for path in out.parent.iterdir()) == ["spots"]  # nothing half-written
    record = json.loads((out / "provenance.json").read_text())
    assert record["settings"]["template"] == "images/00-00.png"
    edits = pd.read_csv(out / "edits.csv")
    assert len(edits) == 6 and set(edits["operation"]) == {"erase"}
    assert set(edits["image"]) == set(after.table["image"])
    assert (out / "page_1.png").stat().st_size > 1000


def test_only_some_labels_and_a_second_trait_beside_the_first(drawn, tmp_path, monkeypatch):
    words = ("--image", "images/00-00.png", "--mask", drawn / "spot.png")
    one, two = tmp_path / "one", tmp_path / "two"
    assert run(monkeypatch, drawn, *words, "--name", "a", "--label", "ant", "--out", one) == 0
    relative = Specimens.read(one).table["image"][0]
    words = ("--image", relative, "--mask", drawn / "spot.png")
    assert run(monkeypatch, one, *words, "--name", "b", "--out", two) == 0
    counts = Specimens.read(two).attributes["attribute"].value_counts().to_dict()
    assert counts == {"spot": 6, "b": 6, "a": 3}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--image": "no.png"}, "there is no photograph 'no.png'"),
        ({"--mask": "empty.png"}, "is empty: make it bright where the trait is"),
        ({"--mask": "small.png"}, "9"),
        ({"--mask": "absent.png"}, "absent.png"),
        ({"--name": "a/b"}, "the name 'a/b' cannot be used"),
        ({"--name": "spot"}, "has an attribute 'spot' already"),
        ({"--out": "full"}, "is not empty"),
        ({"--label": "wasp"}, "no label wasp"),
        ({"--wider": "-1"}, "--wider -1 must be 0"),
        ({"--wider": "nan"}, "--wider nan must be 0"),
    ],
)
def test_a_slip_gives_one_line_and_writes_nothing(
    drawn, tmp_path, monkeypatch, capsys, change, message
):
    Image.new("L", (WIDTH, HEIGHT)).save(drawn / "empty.png")
    Image.new("L", (9, 9), 255).save(drawn / "small.png")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("kept")
    options = {"--image": "images/00-00.png", "--mask": "spot.png", "--name": "x", "--out": "out"}
    options |= change
    options["--mask"] = drawn / options["--mask"]
    options["--out"] = tmp_path / options["--out"]
    assert run(monkeypatch, drawn, *[word for pair in options.items() for word in pair]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert message in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drawn", "full"]
    assert (tmp_path / "full" / "mine.txt").read_text() == "kept"


def test_polygons_do_as_well_as_a_picture_and_may_be_widened(drawn, tmp_path, monkeypatch, capsys):
    corners = [[14, 12], [19, 12], [19, 17], [14, 17]]
    (tmp_path / "spot.json").write_text(json.dumps(corners))
    words = (drawn, "--image", "images/00-00.png", "--mask", tmp_path / "spot.json")
    assert run(monkeypatch, *words, "--name", "mine", "--wider", "2", "--out", tmp_path / "o") == 0
    for path in (tmp_path / "o" / "masks").iterdir():
        found = read_mask(path, (HEIGHT, WIDTH))
        # 6 x 6 pixels, and what is within 2 of them: 4 sides of 6 x 2, and at each
        # corner the pixel beside it cornerwise (√2); the next ones (√5) are too far.
        assert found.sum() == 36 + 4 * 12 + 4 and found[SPOT].all()
    record = json.loads((tmp_path / "o" / "provenance.json").read_text())
    assert record["settings"]["wider"] == 2


def test_more_failures_than_are_listed_are_counted(tmp_path, monkeypatch, capsys):
    folder = draw_specimens(tmp_path / "many", ["ant"], per_label=13, masks=False)
    collection = Specimens.read(folder)
    for path in collection.paths[1:]:
        Image.fromarray(np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8)).save(path)
    words = (folder, "--image", "images/00-00.png", "--mask", folder / "spot.png", "--name", "x")
    assert run(monkeypatch, *words, "--out", tmp_path / "out") == 0
    said = capsys.readouterr().out
    assert "placed on 1 of 13 specimens" in said and said.count("not placed:") == 10
    assert f"and 2 more, with the reasons in {tmp_path / 'out' / 'trait.csv'}" in said
    table = pd.read_csv(tmp_path / "out" / "trait.csv")
    assert (table["by"] == "not placed").sum() == 12 and table["note"].notna().sum() == 12


def test_a_landmark_off_its_photograph_is_said(drawn, tmp_path, monkeypatch, capsys):
    rows = [("images/00-00.png", f"p{k}", 5 + 9 * k, 5 + k * k) for k in range(4)]
    rows += [("images/00-01.png", f"p{k}", 5 + 9 * k, 5 + k * k) for k in range(3)]
    rows += [("images/00-01.png", "p3", WIDTH + 20, 5)]
    table = pd.DataFrame(rows, columns=["image", "keypoint", "x", "y"])
    table.to_csv(drawn / "keypoints.csv", index=False)
    words = (drawn, "--image", "images/00-00.png", "--mask", drawn / "spot.png", "--name", "x")
    assert run(monkeypatch, *words, "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "keypoint 'p3' of images/00-01.png lies off the photograph" in said
    assert not (tmp_path / "out").exists()


def test_landmarks_that_disagree_are_in_the_table(drawn):
    points = [(10, 8), (45, 8), (10, 31), (45, 31)]
    rows = [("images/00-00.png", f"p{k}", x, y) for k, (x, y) in enumerate(points)]
    rows += [("images/00-01.png", f"p{k}", x, y) for k, (x, y) in enumerate(points)]
    rows += [("images/00-02.png", f"p{k}", x, y + (k == 3)) for k, (x, y) in enumerate(points)]
    rows += [("images/01-00.png", f"p{k}", x, y) for k, (x, y) in enumerate(points[:3])]
    collection = Specimens.read(drawn)
    collection.keypoints = pd.DataFrame(rows, columns=["image", "keypoint", "x", "y"])
    template = read_template(collection, "images/00-00.png", drawn / "spot.png")
    table = placed_table(place(collection, template)).set_index("image")
    errors = table["landmark_error"]
    assert errors["images/00-01.png"] == pytest.approx(0, abs=1e-6)
    # One of four is a pixel off: see the landmarks' own test. The shorter side has 40 pixels.
    assert errors["images/00-02.png"] == pytest.approx(1 / HEIGHT)
    assert table["by"]["images/01-00.png"] == "landmarks"  # by three, which check nothing
    for image in ("images/00-00.png", "images/01-00.png", "images/01-01.png"):
        assert np.isnan(errors[image])


def middle(mask):
    return np.array(np.nonzero(mask)).mean(axis=1)


def placed_and_true(rings, attribute):
    of = rings.attributes[rings.attributes["attribute"] == attribute]
    masks = dict(zip(of["image"], of["mask"], strict=True))
    first = rings.table["image"][0]
    template = read_template(rings, first, rings.root / masks[first])
    for each in place(rings, template):
        yield each, read_mask(rings.root / masks[each.image])


@pytest.mark.parametrize("by", ["landmarks", "mask"])
def test_on_drawn_butterflies_the_trait_is_found_again(rings, by):
    collection = rings.with_table(rings.table)
    if by == "mask":
        collection.keypoints = None
    distances = []
    for each, true in placed_and_true(collection, "marginal_dots"):
        assert each.by in (by, "template") and each.note == ""
        assert each.overlap > 0.7 and each.on_specimen > 0.5
        distances.append(np.linalg.norm(middle(each.mask) - middle(true)))
    assert distances[0] == 0 and max(distances) < 8  # pixels, of 160


def test_without_masks_and_landmarks_the_specimen_is_guessed_and_said(rings):
    collection = rings.with_table(rings.table.drop(columns="mask"))
    collection.keypoints = None
    table = placed_table([each for each, _ in placed_and_true(collection, "marginal_dots")])
    assert set(table["by"]) == {"template", "guessed mask"}


def test_a_trait_of_one_wing_is_mirrored_to_the_other(rings, tmp_path):
    first = rings.table["image"][0]
    of = rings.attributes[
        (rings.attributes["attribute"] == "marginal_dots") & (rings.attributes["image"] == first)
    ]
    whole = read_mask(rings.root / of["mask"].iloc[0])
    points = rings.keypoints[rings.keypoints["image"] == first]
    half = whole.copy()
    half[:, : round(points["x"].mean())] = False  # the right wing only
    assert 0.3 < half.sum() / whole.sum() < 0.7
    Image.fromarray((half * 255).astype(np.uint8)).save(tmp_path / "half.png")
    both = read_template(rings, first, tmp_path / "half.png", both_wings=True).trait
    assert (both & whole).sum() / (both | whole).sum() > 0.6
    assert both[half].all()


def test_an_axis_that_cannot_be_known_is_said(drawn):
    collection = Specimens.read(drawn)
    grey = np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8)
    Image.fromarray(grey).save(collection.paths[0])
    collection = collection.with_table(collection.table.drop(columns="mask"))
    with pytest.raises(UserError, match="draw the trait on both wings"):
        read_template(collection, "images/00-00.png", drawn / "spot.png", both_wings=True)


def test_where_nothing_is_known_the_row_says_why(drawn):
    collection = Specimens.read(drawn)
    grey = np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8)
    Image.fromarray(grey).save(collection.paths[1])
    collection = collection.with_table(collection.table.drop(columns="mask"))
    template = read_template(collection, "images/00-00.png", drawn / "spot.png")
    table = placed_table(place(collection, template)).set_index("image")
    assert table.loc["images/00-01.png", "by"] == "not placed"
    assert "no specimen found in it" in table.loc["images/00-01.png", "note"]
    assert np.isnan(table.loc["images/00-01.png", "area"])
