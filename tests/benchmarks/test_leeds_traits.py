"""The trait benchmark: its outlines, its parts by hand, and all of it on drawn butterflies."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from benchmarks.leeds_trait_edits import (
    control_places,
    cut_up,
    measure_photograph,
    median_colour,
    trait_mask,
)
from benchmarks.leeds_traits import (
    POLYGONS,
    attention,
    measure,
    read_polygons,
    summarise,
    write_results,
)
from benchmarks.leeds_traits_page import latin, mean, share
from data_prep.leeds import prepare
from intr_discover import Specimens, load
from intr_discover.data.images import read_image, read_mask
from intr_discover.data.rings import write_collection
from intr_discover.errors import UserError
from intr_discover.studies.edit_regions import widened

KNOWN = read_polygons(POLYGONS)


def test_there_are_four_species_with_enough_photographs():
    assert len(KNOWN) == 4
    for label, species in KNOWN.items():
        assert len(species["images"]) >= 10, label
        assert species["trait"]


@pytest.mark.parametrize("label", list(KNOWN))
def test_every_outline_is_a_polygon_inside_the_photograph(label):
    species = KNOWN[label]
    for stem, polygons in species["images"].items():
        assert polygons, stem
        assert trait_mask(polygons, (300, 400)).any()
        for corners in polygons:
            places = np.asarray(corners, dtype=float)
            assert places.ndim == 2 and places.shape[1] == 2 and len(places) >= 3, stem
            assert (places > 0).all() and (places < 1).all(), stem
            x, y = places.T
            assert abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2 > 1e-5, stem
    outline = species["outline"]
    assert outline["image"] in species["images"] and outline["aspect"] > 0
    body = np.asarray(outline["specimen"])
    assert len(body) > 20 and (body > 0).all() and (body < 1).all()


def test_no_photograph_stands_twice_in_the_file():
    def pairs_once(pairs):
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names)), names
        return dict(pairs)

    json.loads(POLYGONS.read_text(encoding="utf-8"), object_pairs_hook=pairs_once)


def test_the_outlines_lie_on_specimens_that_no_training_saw(shared, tmp_path):
    prepare(shared / "data" / "leeds", tmp_path / "table")
    specimens = Specimens.read(tmp_path / "table")
    test = specimens.select(split="test")
    trained = set(specimens.select(split="train").table["individual"])
    places = {path.stem: place for place, path in enumerate(test.paths)}
    for label, species in KNOWN.items():
        individuals = [test.table.iloc[places[stem]]["individual"] for stem in species["images"]]
        assert not trained & set(individuals)
        assert len(set(individuals)) == len(individuals)
        for stem, polygons in species["images"].items():
            place = places[stem]
            assert test.table.iloc[place]["label"] == label
            with Image.open(test.paths[place]) as photograph:
                shape = (photograph.height, photograph.width)
            specimen = read_mask(test.mask_paths[place], shape)
            mask = trait_mask(polygons, shape)
            assert (mask & widened(specimen, 2)).sum() > 0.95 * mask.sum(), stem
            assert 0.05 < (mask & specimen).sum() / specimen.sum() < 0.35, stem


def test_a_polygon_in_fractions_is_the_same_pixels_at_every_size():
    # Columns 2 to 4 of 10 and rows 1 to 2 of 5: centres at (column + 0.5) / 10.
    square = [[0.25, 0.3], [0.45, 0.3], [0.45, 0.5], [0.25, 0.5]]
    mask = trait_mask([square], (5, 10))
    rows, columns = np.nonzero(mask)
    assert set(rows) == {1, 2} and set(columns) == {2, 3, 4} and mask.sum() == 6
    assert trait_mask([square, square], (5, 10)).sum() == 6  # where parts overlap, once


def test_cutting_keeps_every_pixel_once():
    mask = np.zeros((20, 40), bool)
    mask[2:6, 2:38] = True  # 144 pixels
    mask[12:14, 5:9] = True  # 8: too small to be cut in four
    pieces = cut_up(mask, 4)
    assert len(pieces) == 5
    assert (np.sum(pieces, axis=0) == mask).all()
    assert [int(piece.sum()) for piece in pieces[-1:]] == [8]
    assert all(piece.sum() >= 20 for piece in pieces[:-1])
    assert [int(piece.sum()) for piece in cut_up(mask, 1)] == [144, 8]


def test_controls_are_whole_where_that_fits():
    specimen = np.ones((60, 60), bool)
    trait = np.zeros((60, 60), bool)
    trait[5:10, 5:12] = True
    controls, pieces = control_places(trait, specimen, 5, np.random.default_rng(0))
    assert pieces == 1 and len(controls) == 5
    near = widened(trait, 5)
    for control in controls:
        assert control.sum() == 35 and not (control & near).any()


def test_a_margin_that_fits_nowhere_else_is_cut_into_pieces():
    specimen = np.zeros((80, 80), bool)
    specimen[5:75, 5:75] = True
    trait = specimen.copy()
    trait[9:71, 9:71] = False  # a frame: 70² − 62² = 1056 pixels
    controls, pieces = control_places(trait, specimen, 4, np.random.default_rng(0))
    assert pieces > 1 and len(controls) == 4
    assert len({control.tobytes() for control in controls}) == 4
    for control in controls:
        assert control.sum() == 1056
        assert not (control & trait).any() and (control <= specimen).all()


def test_no_control_where_the_trait_is_the_specimen():
    specimen = np.zeros((30, 30), bool)
    specimen[5:25, 5:25] = True
    controls, _ = control_places(specimen, specimen, 3, np.random.default_rng(0))
    assert controls == []


def test_the_median_colour_is_that_of_the_region():
    photograph = np.zeros((2, 3, 3), np.uint8)
    photograph[0] = [(10, 0, 0), (30, 0, 0), (250, 0, 255)]
    assert median_colour(photograph, np.array([[1, 1, 1], [0, 0, 0]], bool)) == "#1e0000"


def edit_rows() -> pd.DataFrame:
    """Return three photographs of one species, erased and recoloured."""
    erased = pd.DataFrame({
        "label": "a_b", "operation": "erase", "flip": [True, True, False],
        "answer_after": ["c_d", "c_d", "a_b"], "second_flip": [True, False, False],
        "drop": [3.0, 5.0, 1.0], "second_drop": [2.0, 4.0, 0.0], "control_drop": [1.0, 1.0, 1.0],
        "control_flip": [0.0, 0.0, 0.3], "p": [0.25, np.nan, 0.5], "pieces": [1, 2, 3],
        "confirmed": [True, None, False], "lead_before": [2.0, 4.0, 6.0],
        "area_of_specimen": 0.1, "colour_change": 30.0, "control_colour_change": 10.0,
        "head_0": [4.0, 1.0, 1.0], "head_1": [1.0, 2.0, 2.0],
        "beside_0": [0.5, 0.5, 0.5], "beside_1": [1.0, 1.0, 1.0],
        "painted_drop": np.nan, "painted_flip": np.nan,
    })  # fmt: skip
    recoloured = erased.assign(operation="recolour", painted_drop=[1.0, 1.0, 1.0], painted_flip=0.5)
    return pd.concat([erased, recoloured], ignore_index=True)


def test_the_numbers_of_a_species_by_hand():
    erased, recoloured = summarise(edit_rows(), {"a_b": {"trait": "spots"}}, seed=0)
    assert (erased["n"], erased["n_p"], erased["cut"]) == (3, 2, 2)
    assert erased["flip"] == pytest.approx(2 / 3) and erased["second_flip"] == pytest.approx(1 / 3)
    assert erased["control_flip"] == pytest.approx(0.1)
    assert erased["confirmed"] == 0.5 and erased["confirmed_n"] == 2
    assert erased["excess"] == 2.0 and erased["excess_low"] >= 0.0 and erased["excess_high"] <= 4.0
    # Differences 2, 4 and 0: of the four signs of the two others, two are as far from 0.
    assert erased["excess_p"] == 0.5
    assert erased["median_p"] == 0.375
    assert erased["becomes"] == {"c_d": 2}
    assert recoloured["beyond_painted"] == 2.0 and recoloured["painted_drop"] == 1.0
    assert "attention" not in recoloured


def test_the_head_is_chosen_on_the_other_photographs():
    found = attention(edit_rows().head(3), seed=0)
    # The others of the first choose head 1 (1 + 1 < 2 + 2); those of the other two head 0.
    assert found["attention"] == pytest.approx((1.0 + 1.0 + 1.0) / 3)
    assert found["attention_beside"] == pytest.approx((1.0 + 0.5 + 0.5) / 3)
    assert found["best_head"] == 0
    assert found["attention_of_mean_map"] == pytest.approx(11 / 6)


def test_how_numbers_are_written():
    row = {"x": -1.5, "x_low": -2.0, "x_high": 0.25, "flip": 0.5, "flip_low": 0.1, "flip_high": 0.9}
    assert mean(row, "x") == "−1.50 (−2.00 to 0.25)"
    assert share(row, "flip") == "50% (10% to 90%)" and share(row, "confirmed") == "–"
    assert latin("papilio_cresphontes") == "*Papilio cresphontes*"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Return drawn butterflies of two species, their table, and outlines of one attribute."""
    root = tmp_path_factory.mktemp("leeds_traits") / "rings"
    write_collection(root, 3, ring_count=1, seed=71, split="test")
    specimens = Specimens.read(root)
    table = specimens.table.assign(individual=[f"b{row}" for row in range(len(specimens))])
    last = len(table) - 1
    table.loc[table.index[last], "split"] = "train"
    known: dict = {}
    marks = specimens.attributes
    assert marks is not None
    name = specimens.pairs["diagnostic"].iloc[0]
    for row in range(4):
        image, label = table.iloc[row]["image"], table.iloc[row]["label"]
        (path,) = marks[(marks["image"] == image) & (marks["attribute"] == name)]["mask"]
        height, width = np.asarray(Image.open(root / path)).shape
        y, x = np.nonzero(np.asarray(Image.open(root / path)))
        box = [[x.min(), y.min()], [x.max(), y.min()], [x.max(), y.max()], [x.min(), y.max()]]
        corners = ((np.array(box) + 0.5) / (width, height)).round(4).tolist()
        species = known.setdefault(label, {"trait": name.replace("_", " "), "images": {}})
        species["images"][specimens.paths[row].stem] = [corners]
        ring = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]
        species.setdefault(
            "outline", {"image": specimens.paths[row].stem, "aspect": 1.0, "specimen": ring}
        )
    return specimens.with_table(table), known


@pytest.fixture(scope="module")
def measured(drawn):
    specimens, known = drawn
    return measure(load("demo"), specimens, known, controls=2, seed=0, batch_size=8)


def test_every_photograph_is_edited_twice_beside_its_controls(drawn, measured):
    _, known = drawn
    rows, controls = measured
    photographs = sum(len(species["images"]) for species in known.values())
    assert len(rows) == 2 * photographs == 8
    assert rows["operation"].value_counts().to_dict() == {"erase": 4, "recolour": 4}
    erased = rows[rows["operation"] == "erase"]
    assert (erased["control_colour_change"].notna() == (erased["controls"] > 0)).all()
    assert rows["area"].between(0, 1, inclusive="neither").all()
    # Two operations, two fills, and as many controls as there were.
    assert len(controls) == 2 * rows["controls"].sum()
    assert set(controls["fill"]) == {"telea", "surround", "match", "keep"}
    assert rows["painted_drop"].notna().sum() == 4


def test_results_are_numbers_alone(drawn, measured, tmp_path):
    _, known = drawn
    rows, controls = measured
    record = {
        "command": "python -m benchmarks.leeds_traits",
        "machine": {"processor": "a processor", "threads": 1},
        "model": {"run": "demo", "fingerprint": "0"},
        "controls": 2,
        "seconds": 1.0,
        "results": summarise(rows, known, 0),
    }
    write_results(record, known, rows, controls, tmp_path / "results", tmp_path)
    names = sorted(path.name for path in (tmp_path / "results").iterdir())
    assert names == [
        "leeds_traits.csv",
        "leeds_traits.json",
        "leeds_traits.md",
        "leeds_traits_controls.csv",
    ]
    page = (tmp_path / "results" / "leeds_traits.md").read_text(encoding="utf-8")
    for label in known:
        named = [line for line in page.splitlines() if line.startswith(f"| {latin(label)}")]
        assert len(named) == 3  # two operations, and one row below
    assert len(pd.read_csv(tmp_path / "results" / "leeds_traits.csv")) == 8
    with Image.open(tmp_path / "leeds_traits.png") as picture:
        assert picture.width > 2000


def test_the_seed_alone_decides_the_controls(drawn, measured):
    specimens, known = drawn
    explainer = load("demo")
    stem = next(iter(next(iter(known.values()))["images"]))
    place = [path.stem for path in specimens.paths].index(stem)
    photograph = read_image(specimens.paths[place])
    specimen = read_mask(specimens.mask_paths[place], photograph.shape[:2])
    polygons = next(iter(known.values()))["images"][stem]
    trait = trait_mask(polygons, photograph.shape[:2])
    label = next(iter(known))
    found, _ = measure_photograph(
        explainer, f"{label}/{stem}", photograph, trait, specimen,
        controls=2, seed=0, batch_size=3,
    )  # fmt: skip
    before = measured[0].iloc[0]
    assert found[0]["drop"] == pytest.approx(before["drop"], abs=1e-4)
    assert found[0]["control_drop"] == pytest.approx(before["control_drop"], abs=1e-4)


def test_a_photograph_that_is_missing_or_was_trained_on_is_refused(drawn):
    specimens, known = drawn
    label = next(iter(known))
    species = {**known[label], "images": {"nowhere": [[[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]]}}
    with pytest.raises(UserError, match="there is no test photograph 'nowhere'"):
        measure(load("demo"), specimens, {label: species}, controls=1, seed=0, batch_size=8)
    same = specimens.with_table(specimens.table.assign(individual="one butterfly"))
    with pytest.raises(UserError, match="not in train"):
        measure(load("demo"), same, known, controls=1, seed=0, batch_size=8)
