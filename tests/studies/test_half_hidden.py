"""Half-hidden views: what they hide, how many there are, and what is made of their answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from intr_discover.data.images import read_image
from intr_discover.data.specimens import Specimens
from intr_discover.explain.posthoc.rise import RiseSettings, random_masks
from intr_discover.studies.half_hidden import (
    half_hidden,
    half_hidden_answers,
    mean_answers,
    views_each,
)
from tests.studies.drawn import draw_specimens, tiny_explainer

CLASSES = ["ant", "bee", "cat"]


@pytest.fixture(scope="module")
def specimens(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hidden") / "drawn"
    return Specimens.read(draw_specimens(folder, CLASSES, per_label=2))


def test_every_class_has_as_many_views_by_hand():
    # Three photographs of class 0 need 4 each for at least 10, one of class 2 needs all.
    assert views_each(np.array([0, 2, 0, 0]), 10).tolist() == [4, 10, 4, 4]
    assert views_each(np.array([0, 1]), 0).tolist() == [0, 0]
    assert views_each(np.array([], dtype=np.int64), 5).tolist() == []


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(1, 50))
def test_no_class_has_too_few_nor_many_more(labels, views):
    ids = np.array(labels)
    each = views_each(ids, views)
    for label in set(labels):
        total = each[ids == label].sum()
        assert views <= total < views + (ids == label).sum()


def test_half_of_a_chequered_picture_is_grey():
    # A blur of 5 % of 80 pixels makes a chequer of single pixels even: what is left is the mask.
    chequer = (np.indices((80, 96)).sum(axis=0) % 2).astype(np.float32)
    picture = np.stack([chequer] * 3)
    masks = list(random_masks((80, 96), RiseSettings(masks=30), 7))
    inside = np.s_[16:-16, 16:-16]  # the blur mirrors the picture at its border
    for view, mask in zip(half_hidden(picture, 30, 7), masks, strict=True):
        expected = mask * chequer + (1 - mask) * 0.5
        assert np.allclose(view[0][inside], expected[inside], atol=1e-4)
    assert 0.4 < np.mean(masks) < 0.6


def test_an_even_picture_stays_as_it_is():
    picture = np.full((3, 20, 30), 0.25, dtype=np.float32)
    for view in half_hidden(picture, 5, 1):
        assert np.allclose(view, picture, atol=1e-6)


def test_one_pixel():
    (view,) = half_hidden(np.ones((3, 1, 1), dtype=np.float32), 1, 0)
    assert view.shape == (3, 1, 1) and np.allclose(view, 1)


def test_answers_are_the_mean_over_views(specimens):
    explainer = tiny_explainer(CLASSES)
    views = np.array([3, 1, 2, 1, 1, 1])
    done = []
    found = half_hidden_answers(
        explainer, specimens.paths, views, 5, batch_size=2, progress=lambda *each: done.append(each)
    )
    assert found.shape == (6, 3) and np.allclose(found.sum(axis=1), 1)
    assert done[-1] == (9, 9)
    # One picture after the other.
    picture = explainer.preprocessing(read_image(specimens.paths[2])).numpy()
    logits = [
        explainer.model(torch.from_numpy(view)[None]).logits[0].detach().numpy()
        for view in half_hidden(picture, 2, (5, 2))
    ]
    assert np.allclose(found[2], softmax(np.stack(logits), axis=1).mean(axis=0), atol=1e-5)
    again = half_hidden_answers(explainer, specimens.paths, views, 5, batch_size=7)
    assert np.allclose(again, found, atol=1e-6)  # no number depends on the batch
    other = half_hidden_answers(explainer, specimens.paths, views, 6)
    assert not np.allclose(other, found, atol=1e-9)


def test_mean_answers_by_hand():
    answers = np.array([[0.5, 0.1, 0.4], [0.7, 0.1, 0.2], [0.0, 0.0, 1.0]])
    means = mean_answers(answers, np.array([0, 0, 2]), [0, 2])
    assert np.allclose(means, [[0.6, 0.3], [0.0, 1.0]])
