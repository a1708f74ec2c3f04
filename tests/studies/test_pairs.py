"""Which pairs are meant, and which photographs show them."""

from __future__ import annotations

import numpy as np
import pytest

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.studies.pairs import (
    choose_photographs,
    diagnostics_of,
    known_pairs,
)
from intr_discover.studies.study import StudyInputs
from tests.studies.drawn import draw_specimens, tiny_explainer

CLASSES = ["ant", "bee", "cat, wild", "dog"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("pairs") / "drawn"
    return draw_specimens(place, CLASSES, per_label=1, pairs=[("bee", "ant"), ("ant", "eel")])


def pairs_of(folder, **options):
    inputs = StudyInputs(tiny_explainer(CLASSES), Specimens.read(folder), "test", options=options)
    return known_pairs(inputs)


def test_the_collection_s_own_pairs_without_those_that_have_no_photographs(folder):
    assert pairs_of(folder) == [("bee", "ant", "spot")]


def test_a_table_goes_before_the_collection(folder, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("label_a,label_b\nant,dog\ndog,ant\nbee,dog\n")
    assert pairs_of(folder, pairs=str(path)) == [("ant", "dog", None), ("bee", "dog", None)]
    path.write_text("label_a,label_b\nant,eel\n")
    with pytest.raises(UserError, match=r"mine\.csv: no pair has photographs of both"):
        pairs_of(folder, pairs=str(path))
    with pytest.raises(UserError, match=r"no table of pairs .*absent\.csv"):
        pairs_of(folder, pairs=str(tmp_path / "absent.csv"))


def test_one_pair_goes_before_everything(folder, tmp_path):
    absent = str(tmp_path / "absent.csv")
    assert pairs_of(folder, pair="ant, dog", pairs=absent) == [("ant", "dog", None)]
    # What the collection knows of the pair is kept, in whatever order it is named.
    assert pairs_of(folder, pair="ant,bee") == [("ant", "bee", "spot")]
    assert pairs_of(folder, pair="cat, wild,dog") == [("cat, wild", "dog", None)]
    assert pairs_of(folder, pair="dog,cat, wild") == [("dog", "cat, wild", None)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("ant", "names no pair"),
        ("ant,ant", "names one class twice"),
        ("ant,eel", r"no photograph of .*eel.*there are photographs of ant"),
    ],
)
def test_a_pair_that_is_none(folder, words, said):
    with pytest.raises(UserError, match=said):
        pairs_of(folder, pair=words)


def test_diagnostics_by_hand():
    pairs = [("a", "b", "spot"), ("a", "c", "rays"), ("b", "c", None)]
    assert diagnostics_of(pairs) == {"a": {"spot", "rays"}, "b": {"spot"}, "c": {"rays"}}


def test_enough_time_takes_each_class_with_its_share():
    labels = ["a"] * 20 + ["b"] * 10
    rows = choose_photographs(labels, 18, [("a", "b", None)], 0)
    assert np.bincount(rows < 20).tolist() == [6, 12]
    assert len(choose_photographs(labels, 40, [("a", "b", None)], 0)) == 30


def test_little_time_serves_one_pair_after_the_other():
    labels = [name for name in "abcdef" for _ in range(12)]
    pairs = [("c", "d", None), ("a", "b", None), ("e", "f", None)]
    taken = [labels[row] for row in choose_photographs(labels, 34, pairs, 0)]
    assert {name: taken.count(name) for name in "abcdef"} == dict(
        a=8, b=8, c=8, d=8, e=0, f=0
    )  # fmt: skip
    taken = [labels[row] for row in choose_photographs(labels, 3, pairs, 0)]
    assert sorted(taken) == ["c"] * 4 + ["d"] * 4  # never less than one pair can be tested with
    taken = [labels[row] for row in choose_photographs(labels, 13, pairs, 0)]
    assert sorted(taken) == ["c"] * 6 + ["d"] * 6
    once, again = (choose_photographs(labels, 34, pairs, 0).tolist() for _ in range(2))
    assert once == again


def test_without_known_pairs_some_classes_get_enough():
    labels = [name for name in "abcd" for _ in range(12)]
    taken = [labels[row] for row in choose_photographs(labels, 25, [], 0)]
    assert len(set(taken)) == 3 and len(taken) == 24
    taken = [labels[row] for row in choose_photographs(labels, 2, [], 0)]
    assert len(set(taken)) == 2 and len(taken) == 8  # one class has no look-alike
    assert len(choose_photographs(labels, 40, [], 0)) == 40
