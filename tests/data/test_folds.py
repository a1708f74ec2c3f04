"""Grouped folds: properties for any collection, and what cannot be shared out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intr_discover import Specimens
from intr_discover.data.folds import fold_split, group_names, grouped_folds
from intr_discover.errors import UserError

ROOT = Path("/collection")


def make(labels: list[str], root: Path = ROOT, **columns: list[object]) -> Specimens:
    images = [f"{number:03d}.png" for number in range(len(labels))]
    return Specimens(pd.DataFrame({"image": images, "label": labels, **columns}), root)


@st.composite
def collections(draw: st.DrawFn) -> tuple[Specimens, int]:
    """A collection with enough specimens of every label, and a number of folds for it."""
    folds = draw(st.integers(2, 5))
    rows: list[tuple[str, str | None]] = []
    for label in draw(st.sampled_from(["a", "ab", "abc"])):
        for specimen in range(draw(st.integers(folds, folds + 5))):
            images = draw(st.integers(1, 3))
            named = images > 1 or draw(st.booleans())
            rows += [(label, f"{label}{specimen}" if named else None)] * images
    rows = draw(st.permutations(rows))
    labels, ids = zip(*rows, strict=True)
    columns = {"specimen_id": list(ids)} if any(ids) else {}
    return make(list(labels), **columns), folds


@settings(max_examples=100, deadline=None)
@given(collections(), st.integers(0, 5), st.randoms(use_true_random=False))
def test_every_row_is_held_out_once_with_its_whole_specimen(collection, seed, random):
    specimens, folds = collection
    held_out = grouped_folds(specimens, folds, seed)

    assert len(held_out) == folds
    assert sorted(np.concatenate(held_out)) == list(range(len(specimens)))
    groups = group_names(specimens)
    owners = [set(groups[rows]) for rows in held_out]
    assert all(not owners[i] & owners[j] for i in range(folds) for j in range(i))
    for rows in held_out:
        assert len(rows)
        left = np.delete(specimens.table["label"].to_numpy(), rows)
        assert set(left) == set(specimens.classes)

    # The same seed gives the same folds, whatever the order of the rows.
    order = list(range(len(specimens)))
    random.shuffle(order)
    shuffled = specimens.with_table(specimens.table.iloc[order])
    for rows, others in zip(held_out, grouped_folds(shuffled, folds, seed), strict=True):
        assert sorted(specimens.table["image"].iloc[rows]) == sorted(
            shuffled.table["image"].iloc[others]
        )


@settings(max_examples=100, deadline=None)
@given(collections(), st.integers(0, 5), st.floats(0.05, 0.5))
def test_the_split_of_a_fold(collection, seed, share):
    specimens, folds = collection
    groups = group_names(specimens)
    for rows in grouped_folds(specimens, folds, seed):
        after = fold_split(specimens, rows, seed, share)
        before = specimens.table
        pd.testing.assert_frame_equal(after.table[before.columns], before)
        split = after.table["split"].to_numpy()
        assert list(np.flatnonzero(split == "test")) == list(rows)
        assert pd.Series(split).groupby(groups).nunique().eq(1).all()
        assert set(after.table["label"][split == "train"]) == set(specimens.classes)


def test_one_image_a_specimen_is_shared_out_evenly():
    # 10 of each of two labels over 5 folds: two of each label in every fold.
    specimens = make(["a", "b"] * 10)
    for rows in grouped_folds(specimens, 5, seed=0):
        assert sorted(specimens.table["label"].iloc[rows]) == ["a", "a", "b", "b"]


def test_another_seed_gives_other_folds_and_another_validation():
    specimens = make(["a"] * 40 + ["b"] * 40)
    first, second = (grouped_folds(specimens, 4, seed) for seed in (0, 1))
    assert any(not np.array_equal(x, y) for x, y in zip(first, second, strict=True))
    splits = [fold_split(specimens, first[0], seed, 0.25).table["split"] for seed in (0, 1)]
    assert (splits[0] != splits[1]).any()
    # 30 images of each label are left: 7.5 rounds to 8.
    assert [(split == "val").sum() for split in splits] == [16, 16]


def test_a_split_of_the_table_does_not_count():
    labels = ["a"] * 10 + ["b"] * 10
    plain, split = make(labels), make(labels, split=["train"] * 15 + ["test"] * 5)
    for rows, others in zip(grouped_folds(plain, 5, 3), grouped_folds(split, 5, 3), strict=True):
        assert list(rows) == list(others)
    assert set(fold_split(split, rows, 3, 0.2).table["split"]) == {"train", "val", "test"}


def test_files_of_equal_bytes_stay_together_and_chain_specimens(tmp_path):
    contents = [b"one", b"two", b"one", b"six", b"four", b"two", b"seven", b"eight"]
    for number, content in enumerate(contents):
        (tmp_path / f"{number:03d}.png").write_bytes(content)
    ids = ["s", None, None, "s", None, "t", "t", None]
    specimens = make(["a", "b"] * 4, root=tmp_path, specimen_id=ids)
    # 0 and 3 are one specimen, 2 is a copy of 0; 5 and 6 are one specimen, 1 is a copy of 5.
    groups = group_names(specimens)
    assert groups[0] == groups[2] == groups[3]
    assert groups[1] == groups[5] == groups[6]
    assert len(set(groups)) == 4
    for rows in grouped_folds(specimens, 2, seed=0):
        assert len({0, 2, 3} & set(rows)) in (0, 3)
        assert len({1, 5, 6} & set(rows)) in (0, 3)


def test_a_specimen_may_be_named_like_a_picture():
    specimens = make(["a", "a"], specimen_id=["001.png", None])
    assert len(set(group_names(specimens))) == 2


@pytest.mark.parametrize("folds", [1, 0, -3])
def test_fewer_than_two_folds(folds):
    with pytest.raises(UserError, match=f"{folds} folds are too few: ask for 2 or more"):
        grouped_folds(make(["a", "b"] * 3), folds, 0)


def test_a_label_with_fewer_specimens_than_folds_is_named_with_its_number():
    # Four images of b, but three specimens.
    ids = [*(f"a{i}" for i in range(6)), "b0", "b0", "b1", "b2"]
    specimens = make(["a"] * 6 + ["b"] * 4, specimen_id=ids)
    with pytest.raises(UserError, match=r"4 folds need 4 .* fewer of b \(3\): ask for 3 folds or"):
        grouped_folds(specimens, 4, 0)
    assert len(grouped_folds(specimens, 3, 0)) == 3


def test_a_label_with_one_specimen_cannot_be_held_out():
    with pytest.raises(UserError, match=r"fewer of b \(1\): leave these labels out or add"):
        grouped_folds(make(["a", "a", "a", "b"]), 2, 0)


def test_labels_that_cannot_be_spread():
    # Each label has two specimens, which two folds must part: three specimens that share labels in
    # a ring cannot all be parted.
    ids = ["s", "s", "t", "t", "u", "u"]
    specimens = make(["a", "b", "b", "c", "c", "a"], specimen_id=ids)
    with pytest.raises(UserError, match=r"no way was found .* of 2 folds, .* ask for fewer folds"):
        grouped_folds(specimens, 2, 0)


def test_only_a_part_of_a_specimen_is_held_out():
    specimens = make(["a", "a", "a", "b", "b", "b"], specimen_id=["s", "s", "t", "u", "v", "w"])
    with pytest.raises(UserError, match="only a part is held out of specimen s"):
        fold_split(specimens, np.array([0, 3]), 0, 0.2)


def test_everything_of_a_label_is_held_out():
    with pytest.raises(UserError, match="all images of b are held out"):
        fold_split(make(["a", "a", "b"]), np.array([2]), 0, 0.2)


@pytest.mark.parametrize("rows", [[], [3], [-1]])
def test_rows_that_are_not_there(rows):
    with pytest.raises(UserError, match="has the rows 0 to 2"):
        fold_split(make(["a", "a", "b"]), np.array(rows, dtype=np.intp), 0, 0.2)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1])
def test_validation_shares_out_of_range(share):
    with pytest.raises(UserError, match="must lie in"):
        fold_split(make(["a", "a", "b", "b"]), np.array([0]), 0, share)
