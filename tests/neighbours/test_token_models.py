"""ProtoPFormer and Concept Transformer from 8 drawn photographs of 4 species to maps."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from intr_discover.data.rings.collection import write_collection
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.method import FitSettings
from intr_discover.neighbours.methods import concept_transformer, protopformer
from intr_discover.neighbours.own_runs import fit_run
from intr_discover.neighbours.token_models.checkpoint import load_tokens

METHODS = {module.KIND.name: module.KIND for module in (protopformer, concept_transformer)}
SHARED = FitSettings(
    backbone="test_resnet",
    image_size=64,
    epochs=2,
    device="cpu",
    training={"validation_share": 0.4, "batch_size": 3},
    options={
        "protopformer": {"width": 16, "local_prototypes": 3, "concentration_start": 0.0},
        "concept_transformer": {"width": 16, "encoder_layers": 1},
    },
)


@pytest.fixture(scope="module")
def species(tmp_path_factory):
    folder = tmp_path_factory.mktemp("species") / "rings"
    write_collection(folder, 2, size=64, ring_count=2, split="train", workers=1)
    return Specimens.read(folder)


def fit(name, specimens, folder, settings=SHARED):
    torch.manual_seed(99)  # what was drawn before must not matter
    lines = []
    METHODS[name].fit(specimens, settings, folder, None, lines.append)
    return lines


@pytest.fixture(scope="module", params=METHODS)
def trained(request, species, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param) / "run"
    lines = fit(request.param, species, folder)
    assert [line.partition(":")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    return request.param, folder


def test_units_lie_on_the_original_photograph(trained, species):
    name, folder = trained
    method = METHODS[name].load(folder, SHARED)
    assert (method.name, method.classes) == (name, species.classes)
    # A photograph of another size and shape than any that was trained on.
    photograph = np.array(Image.open(species.paths[0]).resize((150, 100)))
    logits = method.logits([photograph, photograph[:, ::-1].copy()])
    assert logits.shape == (2, 4) and np.isfinite(logits).all()
    answers = [method.units(photograph, label) for label in method.classes]
    units = answers[0]
    # 64 pixels times 1.2 on the shorter side, the longer in proportion, in cells of 8.
    grid = (10, 15)
    assert units.resized_shape == (77, 116)
    assert units.maps.shape[1:] == grid and units.maps.dtype == np.float32
    assert (units.maps >= 0).all() and np.isfinite(units.maps).all()
    assert units.placed(units.maps[0]).shape == (100, 150)
    assert all(answer.names == units.names for answer in answers)
    if name == "protopformer":
        assert len(units) == 3
        np.testing.assert_allclose(units.strengths, 0.5 * units.maps.max((1, 2)), rtol=1e-6)
    else:
        assert list(units.names) == json.loads((folder / "config.json").read_text())["concepts"]
        np.testing.assert_allclose(units.maps.sum(0), 1, rtol=1e-5)
        # What concepts give to a class, against the mean of classes, adds up to its logit.
        model = method.loaded.model
        bias = model.concept_attention.classes.bias.detach().numpy()
        sums = np.array([answer.strengths.sum() for answer in answers])
        np.testing.assert_allclose(
            sums + bias - bias.mean(), logits[0] - logits[0].mean(), atol=1e-5
        )


def test_one_seed_gives_one_model(trained, species, tmp_path):
    name, folder = trained
    fit(name, species, tmp_path / "again")
    fit(name, species, tmp_path / "other", replace(SHARED, seed=1))
    first = METHODS[name].load(folder, SHARED).fingerprint
    assert METHODS[name].load(tmp_path / "again", SHARED).fingerprint == first
    assert METHODS[name].load(tmp_path / "other", SHARED).fingerprint != first


def test_an_interrupted_training_ends_as_one_that_was_not(trained, species, tmp_path):
    name, folder = trained

    def stop(line):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        METHODS[name].fit(species, SHARED, tmp_path / "run", None, stop)
    assert (tmp_path / "run" / "resume" / "state.pt").exists()
    lines = fit(name, species, tmp_path / "run")
    assert [line.partition(":")[0] for line in lines] == ["epoch 2/2"]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == sorted(
        path.name for path in folder.iterdir()
    )
    for file in ("model.safetensors", "last.safetensors"):
        assert (tmp_path / "run" / file).read_bytes() == (folder / file).read_bytes()
    assert fit(name, species, tmp_path / "run") == []  # finished


def test_other_settings_or_photographs_do_not_pass_for_a_run(trained, species):
    name, folder = trained
    options = {name: {**SHARED.options[name], "width": 8}}
    with pytest.raises(UserError, match=r"other settings.*width 16 → 8"):
        fit(name, species, folder, replace(SHARED, options=options))
    one_less = species.without([species.table["image"][0]])
    with pytest.raises(UserError, match="photographs, labels or splits have changed"):
        fit(name, one_less, folder)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kind": "intr"}, "kind 'intr'"),
        ({"depth": 3}, "unknown model settings: depth"),
        ({"width": 0}, "width must be at least 1"),
        ({"width": 20}, "weights do not fit"),
        ({"num_classes": "four"}, "settings cannot be"),
    ],
)
def test_a_wrong_config_is_told_in_words(trained, tmp_path, changes, told):
    _, folder = trained
    shutil.copytree(folder, tmp_path / "run")
    config = json.loads((folder / "config.json").read_text())
    config["model"].update(changes)
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=told):
        load_tokens(tmp_path / "run")


def test_spoiled_weights_are_told_in_words(trained, tmp_path):
    _, folder = trained
    shutil.copytree(folder, tmp_path / "run")
    weights = load_file(folder / "model.safetensors")
    weights["projection.weight"][0, 0] = torch.nan
    save_file(weights, tmp_path / "run" / "model.safetensors")
    with pytest.raises(UserError, match="NaN"):
        load_tokens(tmp_path / "run")
    del weights["projection.bias"]
    save_file(weights, tmp_path / "run" / "model.safetensors")
    with pytest.raises(UserError, match=r"do not fit: projection\.bias"):
        load_tokens(tmp_path / "run")


@pytest.mark.parametrize("name", METHODS)
def test_a_vision_transformer_does_as_well(name, species, tmp_path):
    settings = replace(SHARED, backbone="test_vit", epochs=1)
    settings = replace(settings, training={**SHARED.training, "backbone_stride": None})
    fit(name, species, tmp_path / "run", settings)
    method = METHODS[name].load(tmp_path / "run", settings)
    units = method.units(species.paths[0], species.classes[0])
    assert units.stride == 16 and units.maps.shape[1:] == (5, 5)
    if name == "protopformer":  # 81 of 196 of 25 cells are kept, the same ones for all prototypes
        assert ((units.maps > 0).sum((1, 2)) == 10).all()


def test_minutes_decide_how_many_epochs_there_are(species, tmp_path):
    settings = replace(SHARED, epochs=None, minutes=1e-9)
    lines = fit("protopformer", species, tmp_path / "run", settings)
    assert [line.partition(":")[0] for line in lines] == ["epoch 1/1"]


def test_a_number_of_prototypes_for_all_methods_is_heeded(species, tmp_path):
    settings = replace(SHARED, options={"prototypes_per_class": 2}, epochs=1)
    fit("protopformer", species, tmp_path / "run", settings)
    model = load_tokens(tmp_path / "run").model
    assert model.global_prototypes.shape[:2] == model.local_prototypes.shape[:2] == (4, 2)


def test_an_unknown_option_is_told_in_words(species, tmp_path):
    settings = replace(SHARED, options={"protopformer": {"prototypes": 3}})
    with pytest.raises(UserError, match="protopformer has no setting prototypes"):
        fit("protopformer", species, tmp_path / "run", settings)
    assert not (tmp_path / "run").exists()


def test_concepts_need_marks(species, tmp_path):
    without = Specimens(species.table, species.root)
    with pytest.raises(UserError, match="marked attributes"):
        fit("concept_transformer", without, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_backbone_that_saw_these_photographs_alone_has_much_to_learn(species, tmp_path):
    """To a Concept Transformer a run of ours is not pretrained; the same weights as a file are."""
    shared = replace(SHARED, epochs=1)
    fit_run("plain")(species, shared, tmp_path / "plain", None, lambda line: None)
    own = load_file(tmp_path / "plain" / "model.safetensors")
    save_file(own, tmp_path / "backbone.safetensors")
    rates = {}
    for name in METHODS:
        for weights in ("none", "plain", "backbone.safetensors"):
            place = None if weights == "none" else str(tmp_path / weights)
            folder = tmp_path / f"{name} from {weights}"
            fit(name, species, folder, replace(shared, backbone_weights=place))
            training = json.loads((folder / "config.json").read_text())["training"]
            rates[name, weights] = training["learning_rate"], training["backbone_learning_rate"]
    assert rates["protopformer", "none"] == (1e-2, 1e-3)
    assert rates["protopformer", "plain"] == (3e-3, 1e-4)
    assert rates["protopformer", "backbone.safetensors"] == (3e-3, 1e-4)
    assert rates["concept_transformer", "none"] == (5e-3, 1e-3)
    assert rates["concept_transformer", "plain"] == (5e-3, 1e-3)
    assert rates["concept_transformer", "backbone.safetensors"] == (5e-5, None)
