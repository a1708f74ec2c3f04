"""The Explainer: names in and out, the same numbers as the model itself."""

import numpy as np
import pytest
import torch
from PIL import Image

from intr_discover import load
from intr_discover.data.preprocessing import Preprocessing
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer, choose_device
from intr_discover.model.checkpoint import save_checkpoint
from intr_discover.model.layouts import export_official
from intr_discover.model.plain import PlainClassifier, PlainConfig
from tests.explain.conftest import CLASSES, tiny_model


@pytest.fixture
def photograph():
    return np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def test_predictions_are_the_models(explainer, photograph):
    logits = explainer.model(explainer.preprocessing(photograph)[None]).logits[0].detach().numpy()
    table = explainer.predict(photograph, top=4)
    assert table.columns.tolist() == ["image", "rank", "label", "probability", "logit"]
    order = np.argsort(-logits)
    assert table["label"].tolist() == [CLASSES[c] for c in order]
    np.testing.assert_allclose(table["logit"], logits[order], atol=1e-5)
    np.testing.assert_allclose(table["probability"].sum(), 1, atol=1e-6)
    np.testing.assert_allclose(
        table["probability"], np.exp(logits[order]) / np.exp(logits).sum(), atol=1e-6
    )


def test_a_photograph_alone_and_among_others_is_the_same(explainer, photograph):
    others = [photograph[:, :50], photograph, photograph[:30], photograph[::-1].copy()]
    together = explainer.logits(others, batch_size=3)
    alone = np.concatenate([explainer.logits([one]) for one in others])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_same_picture_twice_keeps_both_rows(explainer, tmp_path, photograph):
    path = tmp_path / "one.png"
    Image.fromarray(photograph).save(path)
    table = explainer.predict([path, str(path), Image.open(path)], top=1)
    assert table["image"].tolist() == [str(path), str(path), "image 2"]
    assert table["logit"].nunique() == 1


def test_explain_the_predicted_class_by_default(explainer, photograph):
    one = explainer.explain(photograph)
    assert one.classes == [one.predicted]
    assert one.maps.shape == (1, 2, 4, 6)  # 32 × 48 pixels at stride 8
    np.testing.assert_allclose(one.maps.sum((-1, -2)), 1, atol=1e-5)
    np.testing.assert_allclose(one.map_maxima, one.maps.max((-1, -2)))
    assert (one.layer, one.layers, one.stride, one.resized_shape) == (1, 2, 8, (32, 48))
    assert one.heatmap().shape == (40, 60)


def test_encode_once_ask_often(explainer, photograph):
    state = explainer.encode(photograph)
    for question in (
        {},
        {"classes": ["emma", "etylus"]},
        {"context": ["etylus", "emma"], "context_mode": "subset"},
        {"layer": 0},
        {"knockout": [(-1, 1)]},
    ):
        fresh, reused = (
            explainer.explain(photograph, **question),
            explainer.explain(state, **question),
        )
        np.testing.assert_array_equal(fresh.maps, reused.maps)
        np.testing.assert_array_equal(fresh.logits, reused.logits)


@pytest.mark.parametrize("mode", ["zero", "subset"])
def test_context_restricts_the_answer(explainer, photograph, mode):
    context = ["favorinus", "emma"]
    one = explainer.explain(photograph, context=context, context_mode=mode)
    model_says = explainer.model(
        explainer.preprocessing(photograph)[None], context=[3, 1], context_mode=mode
    ).logits[0]
    np.testing.assert_allclose(one.logits, model_says.detach(), atol=1e-5)
    assert one.competing == context
    assert one.predicted in context
    assert one.probabilities.sum() == pytest.approx(1)
    table = explainer.predict(photograph, context=context, context_mode=mode)
    assert table["label"].iloc[0] == one.predicted
    assert table["probability"].iloc[0] == pytest.approx(one.probability, abs=1e-6)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"classes": ["ema"]}, "did you mean 'emma'"),
        ({"classes": ["emma", "emma"]}, "twice"),
        ({"context": ["emma", "sara"]}, "no class 'sara'"),
        ({"context": ["emma", "etylus"], "classes": ["aglaope"]}, "in the context"),
        ({"layer": 2}, "layers 0 to 1"),
        ({"layer": -3}, "layers 0 to 1"),
    ],
)
def test_mistakes_in_one_line(explainer, photograph, question, words):
    with pytest.raises(UserError) as caught:
        explainer.explain(photograph, **question)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_plain_classifier_predicts_but_does_not_explain(photograph):
    model = PlainClassifier(PlainConfig(4, backbone="resnet18"))
    plain = Explainer(model, CLASSES, Preprocessing(32, "square", None), device="cpu")
    assert len(plain.predict(photograph)) == 4
    for question in (plain.explain, plain.encode, lambda p: plain.predict(p, context=CLASSES[:2])):
        with pytest.raises(UserError, match="plain classifier"):
            question(photograph)


def test_names_must_fit(explainer):
    with pytest.raises(UserError, match="4 classes, but 3"):
        Explainer(explainer.model, CLASSES[:3], explainer.preprocessing)


def test_load_a_run_folder(tmp_path, explainer, photograph):
    save_checkpoint(
        tmp_path / "run",
        explainer.model,
        {"classes": CLASSES, "preprocessing": explainer.preprocessing.as_dict()},
    )
    again = load(tmp_path / "run", device="cpu")
    assert again.classes == CLASSES
    assert again.fingerprint == explainer.fingerprint
    np.testing.assert_array_equal(again.logits([photograph]), explainer.logits([photograph]))
    with pytest.raises(UserError, match="own class names"):
        load(tmp_path / "run", CLASSES)


def test_load_an_official_file(tmp_path):
    model = tiny_model(backbone_stride=None, heads=8, freeze_batch_norm=True)
    torch.save({"model": export_official(model)}, tmp_path / "official.pth")
    assert load(tmp_path / "official.pth", device="cpu").classes == [f"class {c}" for c in range(4)]
    named = load(tmp_path / "official.pth", CLASSES, device="cpu")
    assert named.classes == CLASSES
    assert named.preprocessing == Preprocessing(800, "shorter", 1333)
    with pytest.raises(UserError):
        load(tmp_path / "official.pth", CLASSES[:3], device="cpu")


def test_devices():
    assert choose_device("cpu").type == "cpu"
    for wrong in ("gpu", "cuda:99"):
        with pytest.raises(UserError, match="device"):
            choose_device(wrong)
