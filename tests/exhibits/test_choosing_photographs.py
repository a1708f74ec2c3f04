"""Which photographs a figure shows: named ones, or those that the seed draws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from intr_discover.errors import UserError
from intr_discover.exhibits.asking import one_class, some_classes
from intr_discover.exhibits.paper_figure import FigureInputs
from intr_discover.exhibits.photographs import Photographs
from tests.exhibits.material import collection, inputs
from tests.studies.drawn import tiny_explainer


@pytest.fixture(scope="module")
def specimens(tmp_path_factory):
    return collection(tmp_path_factory.mktemp("choosing") / "drawn", per_label=6)


def names(photographs):
    return [each.name for each in photographs]


def test_a_larger_number_keeps_what_a_smaller_one_draws(specimens):
    photographs = Photographs.of_specimens(specimens)
    drawn = photographs.of_class("bee", 4, seed=3)
    assert names(photographs.of_class("bee", 2, seed=3)) == names(drawn)[:2]
    assert len(set(names(drawn))) == 4 and {each.label for each in drawn} == {"bee"}
    assert len(photographs.of_class("bee", 99, seed=3)) == 6
    others = {tuple(names(photographs.of_class("bee", 2, seed=seed))) for seed in range(8)}
    assert len(others) > 1


def test_named_photographs_are_shown_as_they_are(specimens):
    wanted = ["01-04.png", "images/01-00.png"]
    photographs = Photographs.of_specimens(specimens, wanted)
    assert names(photographs.of_class("bee", 1, seed=0)) == ["01-04.png", "01-00.png"]
    assert names(photographs.any_class(1, seed=0)) == ["01-04.png", "01-00.png"]
    # Examples of other classes still come from the whole collection.
    assert len(photographs.collection) == 18


@pytest.mark.parametrize(
    ("wanted", "message"),
    [(["none.png"], "no photograph 'none.png'"), (["01-00.png", "images/01-00.png"], "twice")],
)
def test_names_that_do_not_fit(specimens, wanted, message):
    with pytest.raises(UserError, match=message):
        Photographs.of_specimens(specimens, wanted)


def test_a_name_in_two_folders_needs_its_folder(tmp_path):
    for label in ("ant", "bee"):
        one = collection(tmp_path / f"drawn {label}", ["ant"], per_label=1)
        (tmp_path / "all" / label).mkdir(parents=True)
        picture = (one.root / "images/00-00.png").read_bytes()
        (tmp_path / "all" / label / "a.png").write_bytes(picture)
    specimens = type(one).read(tmp_path / "all")
    with pytest.raises(UserError, match=r"several photographs are called 'a\.png'"):
        Photographs.of_specimens(specimens, ["a.png"])
    assert Photographs.of_specimens(specimens, ["bee/a.png"]).listed[0].label == "bee"


def test_a_class_without_photographs(specimens):
    with pytest.raises(UserError, match="no photograph of class 'dog'; there are those of ant"):
        Photographs.of_specimens(specimens).of_class("dog", 1, seed=0)


def test_files_without_labels_belong_to_any_class(specimens):
    photographs = Photographs.of_files([Path("a.png"), Path("b.png")])
    assert names(photographs.of_class("bee", 1, seed=0)) == ["a.png", "b.png"]
    assert photographs.labels == []


def test_the_class_that_is_shown(specimens):
    explainer = tiny_explainer(["ant", "bee", "cat"])
    assert one_class(inputs(specimens, explainer, classes=["cat"])) == "cat"
    assert one_class(inputs(specimens, explainer, ["02-01.png"])) == "cat"
    chosen = {one_class(inputs(specimens, explainer, seed=seed)) for seed in range(12)}
    assert chosen == {"ant", "bee", "cat"}
    file = FigureInputs(explainer, Photographs.of_files([specimens.paths[0]]))
    assert one_class(file) == explainer.explain(specimens.paths[0]).predicted
    # Only classes that the model knows are drawn.
    knows_one = tiny_explainer(["bee", "wasp"])
    assert {one_class(inputs(specimens, knows_one, seed=seed)) for seed in range(6)} == {"bee"}
    with pytest.raises(UserError, match="no class 'ant'"):
        one_class(inputs(specimens, knows_one, ["00-00.png"]))
    with pytest.raises(UserError, match="give --class once"):
        one_class(inputs(specimens, explainer, classes=["ant", "bee"]))


def test_several_classes_are_drawn_and_sorted(specimens):
    explainer = tiny_explainer(["ant", "bee", "cat"])
    assert some_classes(inputs(specimens, explainer), 12) == ["ant", "bee", "cat"]
    assert some_classes(inputs(specimens, explainer, classes=["cat", "ant"]), 1) == ["cat", "ant"]
    two = {tuple(some_classes(inputs(specimens, explainer, seed=seed), 2)) for seed in range(9)}
    assert len(two) == 3 and all(list(each) == sorted(each) for each in two)
    with pytest.raises(UserError, match="knows none of the classes"):
        some_classes(inputs(specimens, tiny_explainer(["wasp", "fly"])), 2)


def test_seeds_are_all_that_decides(specimens):
    state = np.random.get_state()[1].copy()
    drawn = Photographs.of_specimens(specimens).any_class(5, seed=1)
    assert drawn == Photographs.of_specimens(specimens).any_class(5, seed=1)
    np.testing.assert_array_equal(np.random.get_state()[1], state)
