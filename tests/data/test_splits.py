"""Cutting validation from training images: properties for any collection, figures for Leeds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intr_discover import Specimens
from intr_discover.data.splits import LEAST_IMAGES_TO_CUT, cut, cut_validation
from intr_discover.errors import UserError

ROOT = Path("/collection")


def make(labels: list[str], **columns: list[object]) -> Specimens:
    images = [f"{number:03d}.jpg" for number in range(len(labels))]
    return Specimens(pd.DataFrame({"image": images, "label": labels, **columns}), ROOT)


def split_of(specimens: Specimens) -> dict[str, str]:
    return dict(zip(specimens.table["image"], specimens.table["split"], strict=True))


@st.composite
def collections(draw: st.DrawFn) -> Specimens:
    """Any collection: some labels, some specimens with several images or labels, some tests."""
    n = draw(st.integers(1, 60))
    labels = draw(st.lists(st.sampled_from("abcd"), min_size=n, max_size=n))
    columns: dict[str, list[object]] = {}
    if draw(st.booleans()):
        ids = draw(st.lists(st.one_of(st.none(), st.integers(0, 25)), min_size=n, max_size=n))
        columns["specimen_id"] = [None if i is None else f"s{i}" for i in ids]
    if draw(st.booleans()):
        # Whole specimens go to test, as reading a table demands.
        ids = columns.get("specimen_id") or [None] * n
        tested = set(draw(st.lists(st.integers(0, 25), max_size=6)))
        columns["split"] = [
            "test" if (f"s{row}" if i is None else i) in {f"s{t}" for t in tested} else "train"
            for row, i in enumerate(ids)
        ]
    return make(labels, **columns)


def has_training_images(specimens: Specimens) -> bool:
    return "split" not in specimens.table or (specimens.table["split"] == "train").any()


@settings(max_examples=150, deadline=None)
@given(
    collections().filter(has_training_images),
    st.floats(0.01, 0.99),
    st.integers(0, 5),
    st.randoms(use_true_random=False),
)
def test_properties_of_any_cut(specimens, fraction, seed, random):
    after = cut_validation(specimens, fraction, seed)
    table = after.table

    # The same rows in the same order, nothing but the split changed, the input left alone.
    before = specimens.table.drop(columns="split", errors="ignore")
    pd.testing.assert_frame_equal(table[before.columns], before)
    assert "split" in specimens.table or "split" not in specimens.table.columns

    # Test images stay where they were, and none join them.
    if "split" in specimens.table:
        assert (table["split"] == "test").equals(specimens.table["split"] == "test")
    else:
        assert set(table["split"]) <= {"train", "val"}

    # No specimen lies in two splits.
    if "specimen_id" in table:
        assert (table.groupby("specimen_id")["split"].nunique() <= 1).all()

    # The same seed gives the same cut, whatever the order of the rows.
    rows = list(range(len(table)))
    random.shuffle(rows)
    shuffled = specimens.with_table(specimens.table.iloc[rows])
    assert split_of(cut_validation(shuffled, fraction, seed)) == split_of(after)

    # No label loses all its training images, and small ones lose none unless a specimen of
    # theirs also carries another label.
    source = specimens.table
    training = source[source["split"] == "train"] if "split" in source else source
    for label, number in Counter(training["label"]).items():
        kept = ((table["label"] == label) & (table["split"] == "train")).sum()
        assert kept > 0
        if number < LEAST_IMAGES_TO_CUT and "specimen_id" not in table:
            assert kept == number


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=5), st.floats(0.01, 0.99), st.integers(0, 9)
)
def test_single_specimens_are_cut_to_the_image(sizes, fraction, seed):
    labels = [f"label {k}" for k, size in enumerate(sizes) for _ in range(size)]
    after = cut_validation(make(labels), fraction, seed)
    moved = Counter(after.table.loc[after.table["split"] == "val", "label"])
    for k, size in enumerate(sizes):
        if size < 5:
            assert moved[f"label {k}"] == 0
        else:
            assert 1 <= moved[f"label {k}"] <= size - 1
            assert abs(moved[f"label {k}"] - fraction * size) <= 1


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 5), min_size=2, max_size=12), min_size=1, max_size=4),
    st.floats(0.05, 0.5),
    st.integers(0, 9),
)
def test_specimens_of_several_images(sizes, fraction, seed):
    """``sizes[k]`` lists the numbers of images of the specimens of label k."""
    labels, ids = [], []
    for k, specimens in enumerate(sizes):
        for number, images in enumerate(specimens):
            labels += [f"label {k}"] * images
            ids += [f"{k}-{number}"] * images
    after = cut_validation(make(labels, specimen_id=ids), fraction, seed).table
    for k, specimens in enumerate(sizes):
        of_label = after[after["label"] == f"label {k}"]
        moved = (of_label["split"] == "val").sum()
        if sum(specimens) < 5:
            assert moved == 0
            continue
        assert 0 < moved < sum(specimens)
        # As near as whole specimens come: at most half the largest specimen off (a class that
        # must give a specimen gives its best-fitting one).
        assert abs(moved - fraction * sum(specimens)) <= max(specimens)


def test_by_hand():
    # 10 images of a: 0.25 · 10 = 2.5 gives 3; 4 of b: too few; 5 of c: 1.25 gives 1.
    after = cut_validation(make(["a"] * 10 + ["b"] * 4 + ["c"] * 5), 0.25, seed=0)
    counts = after.summary().set_index(["label", "split"])["images"]
    assert counts["a", "val"] == 3
    assert counts["b", "val"] == 0
    assert counts["c", "val"] == 1
    assert after.splits == ["train", "val"]


def test_a_small_share_still_takes_one_and_a_large_one_leaves_one():
    for fraction, expected in ((0.001, 1), (0.999, 9)):
        after = cut_validation(make(["a"] * 10), fraction, seed=0)
        assert (after.table["split"] == "val").sum() == expected


def test_seeds_differ_and_every_image_has_its_turn():
    specimens = make(["a"] * 20)
    cuts = [
        frozenset(
            i for i, s in split_of(cut_validation(specimens, 0.2, seed)).items() if s == "val"
        )
        for seed in range(60)
    ]
    assert len(set(cuts)) > 50
    turns = Counter(image for chosen in cuts for image in chosen)
    # Each of 20 images is drawn 12 times on average; 60 · 0.2 · 0.8 = 9.6 is the variance.
    assert set(turns) == set(specimens.table["image"])
    assert max(turns.values()) <= 12 + 4 * 9.6**0.5


def test_cut_does_not_depend_on_where_the_table_lies():
    labels = ["a"] * 8 + ["b"] * 8
    here = make(labels)
    moved = here.table.assign(image="../collection/" + here.table["image"])
    moved.loc[0, "image"] = "/collection/000.jpg"
    there = Specimens(moved, Path("/elsewhere"))
    assert list(cut_validation(here, 0.3, 1).table["split"]) == list(
        cut_validation(there, 0.3, 1).table["split"]
    )


def test_other_labels_do_not_disturb_a_cut():
    small = split_of(cut_validation(make(["a"] * 9), 0.3, 1))
    large = split_of(cut_validation(make(["a"] * 9 + ["b"] * 9), 0.3, 1))
    assert {image: large[image] for image in small} == small


def test_label_of_a_single_specimen_stays_in_training():
    after = cut_validation(make(["a"] * 6 + ["b"] * 6, specimen_id=["s"] * 6 + [None] * 6), 0.3, 0)
    counts = after.summary().set_index(["label", "split"])["images"]
    assert counts["a", "val"] == 0
    assert counts["b", "val"] == 2


def test_whole_specimens_come_as_near_as_they_can():
    # 5 specimens of 2 images, 0.3 · 10 = 3: one specimen is as near as two, and costs less.
    for seed in range(5):
        pairs = make(["a"] * 10, specimen_id=[f"s{n // 2}" for n in range(10)])
        assert (cut_validation(pairs, 0.3, seed).table["split"] == "val").sum() == 2
        # Specimens of 3 and 2 images, 0.2 · 5 = 1: one must go, the smaller is nearer.
        two = make(["a"] * 5, specimen_id=["s", "s", "s", "t", "t"])
        assert list(cut_validation(two, 0.2, seed).table["split"]) == ["train"] * 3 + ["val"] * 2


def test_test_images_stay_even_where_their_specimen_is_torn():
    # Reading a table refuses this; a table made in Python may hold it.
    torn = make(
        ["a"] * 12, specimen_id=[f"s{n // 2}" for n in range(12)], split=["train", "test"] * 6
    )
    assert (cut_validation(torn, 0.5, 0).table["split"] == "test").tolist() == [False, True] * 6


def test_specimen_under_two_labels_moves_whole():
    labels = ["dorsal", "ventral"] * 10
    ids = [f"s{number // 2}" for number in range(20)]
    after = cut_validation(make(labels, specimen_id=ids), 0.2, 0).table
    assert (after.groupby("specimen_id")["split"].nunique() == 1).all()
    assert Counter(after.loc[after["split"] == "val", "label"]) == {"dorsal": 2, "ventral": 2}


def test_cut_test_then_validation():
    specimens = cut(make(["a"] * 20), "test", 0.25, seed=3)
    both = cut_validation(specimens, 0.2, seed=3)
    assert both.table["split"].value_counts().to_dict() == {"train": 12, "test": 5, "val": 3}


@pytest.mark.parametrize(
    ("specimens", "name", "fraction", "words"),
    [
        (make(["a"] * 9), "val", 0, r"must lie in \(0, 1\), not 0"),
        (make(["a"] * 9), "val", 1.0, r"must lie in \(0, 1\)"),
        (make(["a"] * 9), "val", float("nan"), r"must lie in \(0, 1\)"),
        (make(["a"] * 9), "train", 0.2, "name it val or test"),
        (make(["a"] * 2, split=["train", "val"]), "val", 0.2, "already has a split 'val'"),
        (make(["a"] * 2, split=["test", "test"]), "val", 0.2, "has no training images"),
    ],
)
def test_mistakes(specimens, name, fraction, words):
    with pytest.raises(UserError, match=words):
        cut(specimens, name, fraction, seed=0)


def test_leeds(shared):
    specimens = Specimens.read(shared / "data" / "leeds")
    after = cut_validation(specimens, 0.15, seed=0)
    train = specimens.select(split="train").table["label"].value_counts()
    moved = after.select(split="val").table["label"].value_counts()
    for label in specimens.classes:
        assert abs(moved[label] - 0.15 * train[label]) <= 0.5
    assert (after.table["split"] == "test").equals(specimens.table["split"] == "test")
