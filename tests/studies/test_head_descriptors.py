"""From photographs to arrays: against the explainer, one photograph at a time."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch
from PIL import Image

from intr_discover.data.preprocessing import Preprocessing
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.importance import head_importance
from intr_discover.studies.head_descriptors import (
    MOST_NOISE,
    NOISE,
    Wishes,
    class_pairs,
    noise_like,
    view_heads,
)
from tests.explain.conftest import tiny_model
from tests.studies.drawn import draw_specimens, tiny_explainer

CLASSES = ["ant", "bee", "cat"]
EVERY = frozenset(range(6))


@pytest.fixture(scope="module")
def specimens(tmp_path_factory):
    return Specimens.read(draw_specimens(tmp_path_factory.mktemp("views") / "d", CLASSES))


def view(specimens, explainer=None, wishes=None, **settings):
    explainer = explainer or tiny_explainer(CLASSES)
    pairs = class_pairs(len(explainer.classes), 10, 0)
    wishes = wishes or Wishes(EVERY, EVERY, EVERY, pairs, 0)
    ids = specimens.label_ids(explainer.classes)
    return view_heads(explainer, specimens.paths, ids, wishes, **settings)


def test_every_number_agrees_with_the_explainer(specimens):
    explainer = tiny_explainer(CLASSES)
    views = view(specimens)
    for row, (path, label) in enumerate(
        zip(specimens.paths, specimens.table["label"], strict=True)
    ):
        state = explainer.encode(path)
        explanation = explainer.explain(state, [label])
        maps = explanation.maps[0].reshape(2, -1)
        cells = state.encoded.cells[0].numpy()
        np.testing.assert_allclose(views.descriptors[row], maps @ cells, atol=1e-5)
        np.testing.assert_allclose(views.peaks[row], explanation.peaks[0], atol=1e-5)
        np.testing.assert_allclose(views.map_maxima[row], maps.max(axis=1), rtol=1e-4)
        entropy = -(maps * np.log(maps)).sum(axis=1)
        np.testing.assert_allclose(views.areas[row], np.exp(entropy) / maps.shape[1], rtol=1e-4)
        np.testing.assert_allclose(views.similarity[row], np.corrcoef(maps)[0, 1], atol=1e-4)
        assert explainer.classes[views.predicted[row]] == explanation.predicted
        own = torch.tensor([CLASSES.index(label)])
        with torch.inference_mode():
            importance = head_importance(explainer.model, state.encoded, own)[0].numpy()
        np.testing.assert_allclose(views.importance[row], importance, atol=1e-5)
        # 40 × 56 pixels are read as 32 × 45, in cells of 8 pixels.
        assert views.shapes[row].tolist() == [40, 56]
        np.testing.assert_allclose(views.cells[row], [10, 8 * 56 / 45])
        cell_row, _ = np.unravel_index(maps[0].argmax(), (4, 6))
        assert views.points[row, 0, 1] == pytest.approx(10 * (cell_row + 0.5) - 0.5)


def test_wrong_photographs_are_asked_about_their_answer_too(specimens):
    explainer, views = tiny_explainer(CLASSES), view(specimens)
    right = views.predicted == specimens.label_ids(CLASSES)
    assert not right.all()  # the model is not trained
    for row in range(6):
        explanation = explainer.explain(specimens.paths[row])  # of the class predicted
        largest = explanation.maps[0].reshape(2, -1).max(axis=1)
        np.testing.assert_allclose(views.answered_maxima[row], largest, rtol=1e-4)
        same = np.allclose(views.answered_descriptors[row], views.descriptors[row], atol=1e-6)
        assert same == right[row]


def test_differences_between_queries_in_each_layer(specimens):
    explainer, views = tiny_explainer(CLASSES), view(specimens)
    assert views.layer_differences.shape == (6, 2, 2)
    for layer in (0, 1):
        maps = explainer.explain(specimens.paths[3], CLASSES, layer=layer).maps
        a, b, c = maps.reshape(3, 2, -1)
        expected = sum(np.abs(x - y).sum(axis=-1) for x, y in ((a, b), (a, c), (b, c))) / 6
        np.testing.assert_allclose(views.layer_differences[3, layer], expected, atol=1e-5)


def test_no_number_depends_on_the_batch_size(specimens):
    one, many = view(specimens, batch_size=1), view(specimens, batch_size=5)
    for each in fields(one):
        np.testing.assert_allclose(
            getattr(one, each.name), getattr(many, each.name), atol=1e-4, err_msg=each.name
        )


def test_photographs_of_several_sizes(tmp_path):
    folder = draw_specimens(tmp_path / "d", CLASSES)
    path = folder / "images" / "01-00.png"
    Image.open(path).rotate(90, expand=True).save(path)
    Image.open(folder / "images" / "02-01.png").resize((200, 60)).save(
        folder / "images" / "02-01.png"
    )
    specimens = Specimens.read(folder)
    views = view(specimens)
    assert views.shapes.tolist() == [[40, 56]] * 2 + [[56, 40], [40, 56], [40, 56], [60, 200]]
    explanation = tiny_explainer(CLASSES).explain(path, ["bee"])
    np.testing.assert_allclose(
        views.map_maxima[2], explanation.maps[0].reshape(2, -1).max(axis=1), rtol=1e-4
    )


def test_what_is_not_asked_for_stays_empty(specimens):
    views = view(specimens, wishes=Wishes(importance=frozenset({4})))
    assert np.isfinite(views.importance[4]).all()
    assert np.isnan(views.importance[:4]).all() and np.isnan(views.noisy_points).all()
    assert views.layer_differences.shape == (0, 2, 2)


def test_one_class_has_no_importance(tmp_path):
    specimens = Specimens.read(draw_specimens(tmp_path / "d", ["ant"]))
    views = view(specimens, tiny_explainer(["ant"]), Wishes(frozenset({0, 1})))
    assert np.isnan(views.importance).all() and (views.predicted == 0).all()


def test_maps_are_shown_to_whoever_wants_to_keep_them(specimens):
    seen = {}
    views = view(specimens, keep=lambda row, right, maps, image: seen.update({row: (right, maps)}))
    assert sorted(seen) == list(range(6))
    ids = specimens.label_ids(CLASSES)
    for row, (right, maps) in seen.items():
        assert right == (views.predicted[row] == ids[row])
        np.testing.assert_allclose(maps.sum(axis=(1, 2)), 1, rtol=1e-5)
        assert maps.reshape(2, -1).max(axis=1) == pytest.approx(views.map_maxima[row])


def test_a_model_that_answers_with_nan_is_refused(specimens):
    model = tiny_model(num_classes=3)
    with torch.no_grad():
        model.projection.weight[0, 0] = torch.nan
    explainer = Explainer(model, CLASSES, Preprocessing(32, "shorter", 64), device="cpu")
    with pytest.raises(UserError, match=r"0\d-0\d\.png: the model answers with values .*NaN"):
        view(specimens, explainer)


# Noise


def test_noise_is_clipped_and_decided_by_name_and_seed():
    noise = noise_like((3, 64, 64), "a.png", 0)
    assert np.abs(noise).max() <= MOST_NOISE
    # A normal of 0.2 passes 0.25 in 21 % of draws.
    assert (np.abs(noise) == MOST_NOISE).mean() == pytest.approx(0.211, abs=0.02)
    inside = noise[np.abs(noise) < MOST_NOISE]
    assert 0.1 < inside.std() < NOISE
    assert (noise == noise_like((3, 64, 64), "a.png", 0)).all()
    assert (noise != noise_like((3, 64, 64), "b.png", 0)).mean() > 0.5
    assert (noise != noise_like((3, 64, 64), "a.png", 1)).mean() > 0.5


def test_noisy_peaks_are_those_of_the_noisy_photograph(specimens):
    explainer, views = tiny_explainer(CLASSES), view(specimens)
    path, label = specimens.paths[2], specimens.table["label"][2]
    tensor = explainer.preprocessing(np.array(Image.open(path).convert("RGB")))
    noisy = tensor + torch.from_numpy(noise_like(tensor.shape, path.name, 0))
    with torch.inference_mode():
        output = explainer.model(noisy[None], attend=torch.tensor([[CLASSES.index(label)]]))
    cells = output.attention[0, 0].flatten(1).argmax(dim=1).numpy()
    expected_y = 10 * (cells // 6 + 0.5) - 0.5
    np.testing.assert_allclose(views.noisy_points[2, :, 1], expected_y)


# Small things


def test_pairs_of_classes():
    assert class_pairs(3, 10, 0).tolist() == [[0, 1], [0, 2], [1, 2]]
    assert class_pairs(1, 10, 0).shape == (0, 2)
    drawn = class_pairs(50, 20, 0)
    assert drawn.shape == (20, 2) and (drawn[:, 0] < drawn[:, 1]).all()
    assert len({tuple(pair) for pair in drawn.tolist()}) == 20
    assert (drawn == class_pairs(50, 20, 0)).all()
    assert not (drawn == class_pairs(50, 20, 1)).all()
