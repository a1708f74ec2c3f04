"""Which map comes from which model, against the models themselves."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import softmax

from intr_discover.data.preprocessing import Preprocessing
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.importance import head_importance
from intr_discover.explain.posthoc.gradcam import gradcam
from intr_discover.explain.posthoc.rise import RiseSettings
from intr_discover.model.plain import PlainClassifier, PlainConfig
from intr_discover.studies.judge import Judge, is_plain, load_run
from intr_discover.studies.saliency_methods import (
    METHODS,
    Markers,
    best_head,
    causal_map,
    require_finite,
)
from tests.studies.drawn import HEIGHT, WIDTH, tiny_explainer

CLASSES = ["ant", "bee", "cat"]


def plain_explainer(classes, size=64):
    torch.manual_seed(1)
    model = PlainClassifier(PlainConfig(num_classes=len(classes), backbone="resnet18")).eval()
    return Explainer(
        model, classes, Preprocessing(size, "shorter", None), source="plain", device="cpu"
    )


@pytest.fixture(scope="module")
def explainer():
    return tiny_explainer(CLASSES)


@pytest.fixture(scope="module")
def photograph():
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


# Maps of heads, by hand


def test_the_best_head_has_the_largest_maximum():
    heads = np.array([[[0.5, 0.5]], [[0.1, 0.9]], [[0.7, 0.3]]])
    np.testing.assert_allclose(best_head(heads), [[0.1, 0.9]])


def test_causal_weights_by_hand():
    heads = np.array([[[1.0, 0.0]], [[0.0, 1.0]], [[0.5, 0.5]]])
    found, is_mean = causal_map(heads, [3.0, 1.0, -2.0])
    assert not is_mean
    np.testing.assert_allclose(found, [[0.75, 0.25]])


@pytest.mark.parametrize("importance", [[0.0, 0.0, 0.0], [-1.0, -2.0, 0.0]])
def test_without_a_head_that_matters_it_is_the_mean(importance):
    heads = np.array([[[1.0, 0.0]], [[0.0, 1.0]], [[0.5, 0.5]]])
    found, is_mean = causal_map(heads, importance)
    assert is_mean
    np.testing.assert_allclose(found, [[0.5, 0.5]])


def test_a_broken_importance_stays_visible():
    found, is_mean = causal_map(np.ones((2, 1, 2)), [np.nan, 1.0])
    assert not is_mean and np.isnan(found).all()


# Maps of models


def test_all_methods_on_the_grid_of_the_judge(explainer, photograph):
    plain = plain_explainer(CLASSES)
    judge = Judge(plain, "plain")
    marked = Markers(explainer, judge, plain).mark(
        photograph, "bee", list(METHODS), rise_settings=RiseSettings(4, 2, 0.5)
    )
    assert list(marked.maps) == list(METHODS)
    # The judge reads 40 × 56 pixels as 64 × 90, INTR as 32 × 45 in cells of 8.
    assert {each.shape for each in marked.maps.values()} == {(64, 90)}
    assert {each.dtype for each in marked.maps.values()} == {np.dtype("float32")}
    assert min(each.min() for each in marked.maps.values()) >= 0
    assert marked.cell == (16, 16)


def test_intr_maps_are_those_of_the_explanation(explainer, photograph):
    explanation = explainer.explain(photograph, ["cat"])
    marked = Markers(explainer, Judge(explainer, "intr")).mark(photograph, "cat", METHODS)
    shape = explanation.resized_shape
    np.testing.assert_allclose(
        marked.maps["intr_mean"], explanation.heatmap("cat", shape=shape), rtol=1e-4
    )
    best = explanation.ranked_heads("cat")[0]
    np.testing.assert_allclose(
        marked.maps["intr_best"], explanation.heatmap("cat", best, shape), rtol=1e-4
    )
    with torch.inference_mode():
        encoded = explainer.model.encode(explainer.preprocessing(photograph)[None])
        importance = head_importance(explainer.model, encoded, torch.tensor([2]))[0].numpy()
    weights = np.maximum(importance, 0)
    assert weights.any() != marked.causal_is_mean
    weights = weights / weights.sum() if weights.any() else np.full(2, 0.5)
    by_hand = sum(w * explanation.heatmap("cat", head, shape) for head, w in enumerate(weights))
    np.testing.assert_allclose(marked.maps["intr_causal"], by_hand, rtol=1e-4)


def test_gradcam_is_of_the_model_it_is_named_after(explainer, photograph):
    plain = plain_explainer(CLASSES)
    marked = Markers(explainer, Judge(explainer, "intr"), plain).mark(
        photograph, "ant", ["gradcam_intr", "gradcam_plain"]
    )
    cells = gradcam(plain.model, plain.preprocessing(photograph)[None], [0]).maps[0]
    assert marked.maps["gradcam_plain"].max() == pytest.approx(cells.max(), abs=0.05)
    assert marked.maps["gradcam_plain"].argmax() != marked.maps["gradcam_intr"].argmax()


def test_a_class_that_the_plain_model_lacks_has_no_map_of_it(explainer, photograph):
    plain = plain_explainer(["ant", "dog"])
    marked = Markers(explainer, Judge(explainer, "intr"), plain).mark(
        photograph, "bee", ["intr_mean", "gradcam_plain"]
    )
    assert list(marked.maps) == ["intr_mean"]


def test_the_random_map_comes_from_the_seed(explainer, photograph):
    markers = Markers(explainer, Judge(explainer, "intr"))
    first, same, other = (
        markers.mark(photograph, "ant", ["random"], seed=seed).maps["random"]
        for seed in ((0, 1), (0, 1), (0, 2))
    )
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 0.1


def test_what_rise_has_everywhere_is_taken_off(explainer, photograph):
    marked = Markers(explainer, Judge(explainer, "intr")).mark(
        photograph, "ant", ["rise"], rise_settings=RiseSettings(6, 2, 0.5)
    )
    assert marked.maps["rise"].min() == 0 < marked.maps["rise"].max()


def test_maps_with_holes_are_refused():
    broken = {"intr_mean": np.ones((2, 2), np.float32), "rise": np.array([[1, np.nan]], "f4")}
    with pytest.raises(UserError, match=r"wing\.png: the map 'RISE of the judge' .*NaN"):
        require_finite(broken, "wing.png")


# The judge


def test_the_judge_answers_as_the_model_does(explainer, photograph):
    judge = Judge(explainer, "intr")
    picture = judge.picture(photograph)
    assert picture.shape == (3, 32, 45)
    found = judge.probabilities(np.stack([picture, picture]))
    expected = softmax(explainer.logits([photograph])[0].astype(float))
    np.testing.assert_allclose(found, [expected, expected], atol=1e-5)


def test_runs_that_are_not_there(tmp_path):
    with pytest.raises(UserError, match=r"--judge .*absent: there is no such run"):
        load_run("judge", str(tmp_path / "absent"), torch.device("cpu"))
    with pytest.raises(UserError, match="not a run folder"):
        is_plain(str(tmp_path))
    assert not is_plain("demo") and not is_plain("intr")
