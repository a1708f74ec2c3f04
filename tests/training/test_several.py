"""Several trainings: one split for all seeds, folds that cover everything, nothing done twice."""

from __future__ import annotations

from contextlib import contextmanager

import pandas as pd
import pytest
from safetensors.torch import load_file

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.training.config import change
from intr_discover.training.estimate import estimate_seconds
from intr_discover.training.prepare import prepare_data
from intr_discover.training.several import (
    Training,
    fold_trainings,
    further_seeds,
    train_all,
    with_validation,
)
from tests.training.conftest import draw_collection
from tests.training.test_resume import TINY, Killed, quiet

pytestmark = pytest.mark.timeout(400)

QUICK = change(TINY, {"epochs": 1})


@contextmanager
def no_bar(words):
    yield lambda done, total: None


def unsplit(collection):
    return collection.with_table(collection.table.drop(columns="split"))


def test_every_photograph_is_held_out_once(collection, tmp_path):
    trainings = fold_trainings(unsplit(collection), 3, TINY, tmp_path)
    assert [training.run.name for training in trainings] == ["fold_1", "fold_2", "fold_3"]
    held = [training.specimens.select(split="test").table["image"] for training in trainings]
    assert sorted(pd.concat(held)) == sorted(collection.table["image"])
    for training in trainings:
        assert training.specimens.splits == ["train", "val", "test"]
        assert training.specimens.select(split="train").classes == collection.classes


def test_further_seeds_differ_in_the_seed_alone(collection, tmp_path):
    first = Training("one model", tmp_path / "run", collection, TINY)
    others = further_seeds(first, 3, tmp_path / "runs")
    assert [other.run.name for other in others] == ["run_seed_1", "run_seed_2"]
    assert [change(other.config, {"seed": 0}) for other in others] == [TINY, TINY]
    own = prepare_data(first.specimens, first.config)
    for other in others:
        prepared = prepare_data(other.specimens, other.config)
        assert prepared.fingerprint == own.fingerprint
        assert prepared.validation.table["image"].tolist() == own.validation.table["image"].tolist()
    assert further_seeds(first, 1, tmp_path) == []


def test_a_validation_split_of_ones_own_stays(collection):
    table = collection.table.copy()
    table.loc[table.index[table["split"] == "train"][:1], "split"] = "val"
    own = collection.with_table(table)
    assert with_validation(own, TINY) is own
    only_test = collection.select(split="test")
    assert with_validation(only_test, TINY) is only_test  # the training will say what is missing


def test_the_same_validation_split_without_any_splits(collection):
    plain = unsplit(collection)
    cut = with_validation(plain, TINY)
    assert prepare_data(plain, TINY).fingerprint == prepare_data(cut, TINY).fingerprint


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = draw_collection(tmp_path_factory.mktemp("small") / "c", {"train": 4})
    return unsplit(Specimens.read(folder))


def test_what_is_finished_stays_and_what_broke_goes_on(small, tmp_path):
    """Killed in the second fold: the first is not trained again, the second not from the start."""
    trainings = fold_trainings(small, 2, change(TINY, {"epochs": 2}), tmp_path / "broken")
    steps = []

    @contextmanager
    def killing(words):
        def progress(done, total):
            steps.append((words, done))
            if words == "fold 2 of 2" and done == total:
                raise Killed

        yield progress

    with pytest.raises(Killed):
        train_all(trainings, device="cpu", bars=killing, say=quiet)
    assert trainings[0].finished and not trainings[1].finished
    weights = trainings[0].run / "model.safetensors"
    before = weights.stat().st_mtime_ns
    again, said = [], []

    @contextmanager
    def counting(words):
        yield lambda done, total: again.append((words, done))

    train_all(trainings, device="cpu", bars=counting, say=said.append)
    assert weights.stat().st_mtime_ns == before and any("finished already" in s for s in said)
    assert {words for words, _ in again} == {"fold 2 of 2"}
    assert len(again) < sum(words == "fold 2 of 2" for words, _ in steps)
    whole = fold_trainings(small, 2, change(TINY, {"epochs": 2}), tmp_path / "whole")
    train_all(whole, device="cpu", bars=no_bar, say=quiet)
    for one, other in zip(trainings, whole, strict=True):
        first, second = (load_file(each.run / "last.safetensors") for each in (one, other))
        assert all(bool((first[key] == second[key]).all()) for key in first)


def test_a_finished_run_of_other_photographs_is_refused(small, collection, tmp_path):
    train_all(
        [Training("one", tmp_path / "run", small, QUICK)], device="cpu", bars=no_bar, say=quiet
    )
    other = Training("other", tmp_path / "run", collection, QUICK)
    with pytest.raises(UserError, match="trained on other photographs, labels or folds"):
        train_all([other], device="cpu", bars=no_bar, say=quiet)
    slower = Training("one", tmp_path / "run", small, change(QUICK, {"epochs": 7}))
    with pytest.raises(UserError, match="other settings"):
        train_all([slower], device="cpu", bars=no_bar, say=quiet)


def test_the_estimate_grows_with_the_epochs_and_counts_the_whole(collection):
    seconds = estimate_seconds(collection, TINY)
    assert 0 < seconds < 300
    config = change(TINY, {"epochs": 300})
    assert estimate_seconds(unsplit(collection), config) > 10 * seconds
    assert estimate_seconds(collection.with_table(collection.table.iloc[:0]), TINY) == 0
