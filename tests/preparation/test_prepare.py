"""A collection prepared: pictures, masks, points and tables move together; originals stay."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from intr_discover.cli import main
from intr_discover.data.images import read_image, read_mask
from intr_discover.data.preprocessing import IMAGENET_MEAN
from intr_discover.data.rings import write_collection
from intr_discover.data.sharding import write_shards
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.preparation.drawn_card import with_card
from intr_discover.preparation.journal import NAME as JOURNAL
from intr_discover.preparation.prepare import prepare
from intr_discover.preparation.steps import BACKGROUNDS, Steps

GROUND, WING = (220, 215, 205), (120, 60, 30)


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["intr-discover", *map(str, words)])
    try:
        main()
    except SystemExit as ended:
        return ended.code or 0
    return 0


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def plate(*boxes, shape=(100, 200), spots=()):
    """Return a picture with specimens in boxes (x0, y0, x1, y1), and where they are."""
    picture = np.full((*shape, 3), GROUND, np.uint8)
    mask = np.zeros(shape, bool)
    for x0, y0, x1, y1 in boxes:
        picture[y0:y1, x0:x1] = WING
        mask[y0:y1, x0:x1] = True
    for x, y in spots:
        picture[y, x] = (250, 0, 0)
    return picture, mask


@pytest.fixture
def museum(tmp_path):
    """Return a collection: one specimen with its points and attribute, and a drawer of three."""
    root = tmp_path / "museum"
    for name in ("images", "masks", "spots"):
        (root / name).mkdir(parents=True)
    rows = []
    for name, label, boxes, spots in (
        ("single", "ant", [(40, 20, 140, 60)], [(50, 30)]),
        ("drawer", "bee", [(20, 10, 60, 40), (90, 12, 140, 45), (30, 60, 80, 90)], [(100, 20)]),
    ):
        picture, mask = plate(*boxes, spots=spots)
        Image.fromarray(picture).save(root / "images" / f"{name}.png")
        Image.fromarray(mask).save(root / "masks" / f"{name}.png")
        spot = np.zeros(mask.shape, bool)
        for x, y in spots:
            spot[y, x] = True
        Image.fromarray(spot).save(root / "spots" / f"{name}.png")
        rows.append(
            {"image": f"images/{name}.png", "label": label, "split": "train",
             "mask": f"masks/{name}.png", "width": 200, "height": 100, "note": 7}
        )  # fmt: skip
    pd.DataFrame(rows).to_csv(root / "specimens.csv", index=False)
    pd.DataFrame(
        [("images/single.png", "red spot", "spots/single.png"),
         ("images/drawer.png", "red spot", "spots/drawer.png")],
        columns=["image", "attribute", "mask"],
    ).to_csv(root / "attributes.csv", index=False)  # fmt: skip
    pd.DataFrame(
        [("images/single.png", "eye", 50, 30), ("images/single.png", "tail", 5, 90),
         ("images/single.png", "hidden", None, None), ("images/drawer.png", "eye", 100, 20)],
        columns=["image", "keypoint", "x", "y"],
    ).to_csv(root / "keypoints.csv", index=False)  # fmt: skip
    return root


def test_everything_moves_with_the_crop(museum, tmp_path):
    before = contents(museum)
    out = tmp_path / "out"
    done = prepare(Specimens.read(museum), out, Steps(crop=True, margin=0.1, background="white"))
    assert contents(museum) == before
    new = Specimens.read(out)
    row = new.table.iloc[0]
    # The box is 100 wide: a rim of 10 pixels.
    window = ["window_left", "window_top", "window_right", "window_bottom"]
    assert row[window].tolist() == [30, 10, 150, 70]
    assert (row["image"], row["photograph"]) == ("images/single.png", "images/single.png")
    assert (row["width"], row["height"], row["note"]) == (120, 60, 7)
    picture, mask = read_image(new.paths[0]), read_mask(new.mask_paths[0])
    assert picture.shape == (60, 120, 3) and mask.sum() == 100 * 40
    assert (picture[~mask] == 255).all() and picture[20, 20].tolist() == [250, 0, 0]
    points = new.keypoints.set_index(["image", "keypoint"])[["x", "y"]]
    assert points.loc[("images/single.png", "eye")].tolist() == [20, 20]
    assert points.loc[("images/single.png", "tail")].isna().all()  # cut away
    assert points.loc[("images/single.png", "hidden")].isna().all()
    spot = read_mask(new.root / new.attributes["mask"].iloc[0], (60, 120))
    assert np.argwhere(spot).tolist() == [[20, 20]]
    assert not len(done.problems) and not (out / JOURNAL).exists()
    record = json.loads((out / "provenance.json").read_text())
    assert record["settings"]["background"] == "white" and record["n"] == 2
    assert record["data_fingerprint"] == Specimens.read(museum).fingerprint()


def test_a_drawer_is_cut_apart(museum, tmp_path):
    new = prepare(Specimens.read(museum), tmp_path / "out", Steps(apart=True, margin=0.5)).specimens
    table = new.table.set_index("image")
    names = [f"images/drawer-{letter}.png" for letter in "abc"]
    assert list(table.index) == ["images/single.png", *names]
    assert table.loc[names, "individual"].tolist() == ["drawer-a", "drawer-b", "drawer-c"]
    assert table.loc[names, "specimen_id"].nunique() == 1  # one photograph: never in two splits
    assert (table.loc[names, "label"] == "bee").all()
    first = read_image(new.root / names[0])  # 40 × 30, 20 pixels round it, cut at the top
    assert first.shape == (60, 80, 3)
    assert (first[50:, 30:] == GROUND).all()  # the third reached in, and is painted over
    assert (read_mask(new.root / "masks/drawer-a.png").sum()) == 40 * 30
    eyes = new.keypoints.set_index("image").loc[names, ["x", "y"]]
    assert eyes.isna().all(axis=1).tolist() == [True, False, True]
    spots = new.attributes.set_index("image").loc[names, "mask"]
    assert [read_mask(new.root / spot).sum() for spot in spots] == [0, 1, 0]


def test_pieces_never_take_the_place_of_another_photograph(museum, tmp_path):
    table = pd.read_csv(museum / "specimens.csv")
    shutil.copy(museum / "images" / "single.png", museum / "images" / "drawer-a.png")
    Image.open(museum / "images" / "single.png").save(museum / "images" / "single.tif")
    more = table.iloc[[0, 0]].assign(image=["images/drawer-a.png", "images/single.tif"])
    pd.concat([table, more]).to_csv(museum / "specimens.csv", index=False)
    new = prepare(Specimens.read(museum), tmp_path / "out", Steps(apart=True)).specimens
    assert len(set(new.table["image"])) == len(new) == 6
    assert "images/drawer-a-2.png" in set(new.table["image"])
    assert "images/single-2.png" in set(new.table["image"])


def test_guessed_masks_and_untouched_photographs(tmp_path):
    root = tmp_path / "photographs" / "ant"
    root.mkdir(parents=True)
    picture, true = plate((40, 20, 140, 60))
    grain = np.random.default_rng(0).normal(0, 3, picture.shape)  # as of every camera
    picture = (picture + grain).round().clip(0, 255).astype(np.uint8)
    Image.fromarray(picture).save(root / "a.jpg", quality=95)
    Image.fromarray(np.full((60, 60, 3), 90, np.uint8)).save(root / "even.png")
    (root / "broken.jpg").write_bytes((root / "a.jpg").read_bytes()[:400])
    out = tmp_path / "out"
    done = prepare(Specimens.read(root.parent), out, Steps(foreground=True))
    new = Specimens.read(out)
    assert new.table["image"].tolist() == ["images/a.jpg"]
    assert (out / "images" / "a.jpg").read_bytes() == (root / "a.jpg").read_bytes()
    found = read_mask(new.mask_paths[0], (100, 200))
    assert (found & true).sum() / (found | true).sum() > 0.9
    assert new.table["mask_source"].tolist() == ["guessed"]
    problems = pd.read_csv(out / "problems.csv").set_index("image")["problem"]
    assert "no specimen can be told" in problems["ant/even.png"]
    assert "truncated" in problems["ant/broken.jpg"]
    assert any("2 photographs left out" in line for line in done.lines)


def test_the_colour_card_says_what_it_did(tmp_path):
    root = tmp_path / "photographs" / "ant"
    root.mkdir(parents=True)
    picture, _ = plate((40, 200, 140, 280), shape=(420, 640))
    carded = (with_card(picture, (420, 200), 330) * np.array([1, 0.85, 0.7])).astype(np.uint8)
    Image.fromarray(carded).save(root / "card.png")
    Image.fromarray(picture).save(root / "none.png")
    out = tmp_path / "out"
    lines = prepare(Specimens.read(root.parent), out, Steps(colour_card=True)).lines
    table = Specimens.read(out).table.set_index("photograph")
    assert table["colour_card"].to_dict() == {
        "ant/card.png": "corrected",
        "ant/none.png": "no card",
    }
    card = table.loc["ant/card.png"]
    assert card["delta_e_before"] > 5 > 2 > card["delta_e_left_out"] >= card["delta_e_after"]
    assert np.abs(read_image(out / card["image"])[240, 90] - np.array(WING)).max() <= 6
    assert (out / "images" / "none.png").read_bytes() == (root / "none.png").read_bytes()
    assert any(line.startswith("colour card: 1 photographs corrected") for line in lines)
    assert any(line.endswith("1 no card: unchanged") for line in lines)


def test_it_goes_on_where_it_stopped(museum, tmp_path):
    out, steps = tmp_path / "out", Steps(crop=True)

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(Specimens.read(museum), out, steps, progress=stop)
    assert not (out / "specimens.csv").exists()
    journal = (out / JOURNAL).read_text()
    assert len(journal.splitlines()) > 1
    (out / JOURNAL).write_text(journal + '{"image": "images/dra')  # killed while it wrote
    stamp = (out / "images" / "single.png").stat().st_mtime_ns
    with pytest.raises(UserError, match="other steps"):
        prepare(Specimens.read(museum), out, Steps(crop=True, margin=0.3))
    prepare(Specimens.read(museum), out, steps)
    assert (out / "images" / "single.png").stat().st_mtime_ns == stamp
    whole = tmp_path / "whole"
    prepare(Specimens.read(museum), whole, steps)
    ours = {k: v for k, v in contents(out).items() if k != "provenance.json"}
    assert ours == {k: v for k, v in contents(whole).items() if k != "provenance.json"}


def test_places_that_are_refused(museum, tmp_path):
    table, steps = museum / "specimens.csv", Steps(crop=True)
    for out in (museum, museum / "images", tmp_path):
        with pytest.raises(UserError, match="originals"):
            prepare(Specimens.read(museum), out, steps)
    shutil.copytree(museum / "images", tmp_path / "folder" / "ant")
    folder = Specimens.read(tmp_path / "folder")
    with pytest.raises(UserError, match="would mix"):  # it would be read as a label
        prepare(folder, tmp_path / "folder" / "ready", Steps(foreground=True))
    # With a table nothing in a folder beside it is taken for a photograph.
    prepare(Specimens.read(table), museum / "prepared", steps)
    with pytest.raises(UserError, match="--overwrite"):
        prepare(Specimens.read(table), museum / "prepared", steps)
    prepare(Specimens.read(table), museum / "prepared", Steps(apart=True), overwrite=True)
    assert len(Specimens.read(museum / "prepared")) == 4
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(UserError, match="no preparation wrote"):
        prepare(Specimens.read(table), tmp_path / "mine", steps, overwrite=True)
    assert (tmp_path / "mine" / "thesis.txt").exists()


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ({}, "nothing to do"),
        ({"crop": True, "margin": 2}, "margin is 2"),
        ({"crop": True, "margin": float("nan")}, "margin is nan"),
        ({"apart": True, "least_share": 0}, "least share is 0"),
        ({"background": "gray"}, "the background is 'gray'"),
    ],
)
def test_steps_that_cannot_be(steps, words):
    with pytest.raises(UserError, match=words):
        Steps(**steps)


def test_the_mean_is_what_the_model_takes_for_nothing():
    assert BACKGROUNDS["mean"] == tuple(round(255 * value) for value in IMAGENET_MEAN)
    assert Steps(background="#102030").background_colour == (16, 32, 48)


def test_from_shards_and_without_masks(museum, tmp_path):
    write_shards(Specimens.read(museum), tmp_path / "shards")
    new = prepare(Specimens.read(tmp_path / "shards"), tmp_path / "out", Steps(crop=True)).specimens
    assert len(new) == 2 and read_image(new.paths[0]).shape == (50, 110, 3)
    bare = pd.read_csv(museum / "specimens.csv").drop(columns="mask")
    bare.to_csv(museum / "bare.csv", index=False)
    with pytest.raises(UserError, match="--foreground"):
        prepare(Specimens.read(museum / "bare.csv"), tmp_path / "none", Steps(crop=True))
    (museum / "masks" / "single.png").unlink()
    Image.fromarray(np.zeros((100, 200), np.uint8)).save(museum / "masks" / "drawer.png")
    with pytest.raises(UserError, match="none of the 2 photographs"):
        prepare(Specimens.read(museum), tmp_path / "none", Steps(crop=True))


@pytest.mark.slow
def test_a_prepared_collection_is_trained_on(tmp_path, monkeypatch, capsys):
    rings = write_collection(tmp_path / "rings", 10, ring_count=1, size=64)
    out, ready = tmp_path / "run", tmp_path / "ready"
    steps = ("--crop", "--margin", 0.1, "--background", "mean")
    assert run(monkeypatch, "prepare", rings, "--out", ready, *steps) == 0
    assert "20 pictures of 20 of 20 photographs" in capsys.readouterr().out
    settings = {"width": 32, "heads": 4, "feed_forward": 32, "image_size": 64, "epochs": 1,
                "batch_size": 8, "backbone": "resnet10t", "pretrained": "false"}  # fmt: skip
    assigned = [word for item in settings.items() for word in ("--set", "{}={}".format(*item))]
    assert run(monkeypatch, "train", ready, "--out", out, "--device", "cpu", *assigned) == 0
    scores = tmp_path / "scores"
    assert run(monkeypatch, "evaluate", out, ready, "--out", scores, "--device", "cpu") == 0
    assert json.loads((scores / "summary.json").read_text())["n"] == 4
    assert run(monkeypatch, "prepare", rings, "--out", ready) == 2
    assert "nothing to do" in capsys.readouterr().err
