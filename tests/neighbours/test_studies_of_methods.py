"""The studies of heads, faithfulness and manipulation, asked of other methods than INTR."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

from intr_discover.cli import main
from intr_discover.data.images import read_image
from intr_discover.data.specimens import Specimens
from intr_discover.edits.operation import Edit
from intr_discover.errors import UserError
from intr_discover.explain.method import Method, Units
from intr_discover.explain.model_methods import IntrHeads
from intr_discover.neighbours.judging import areas
from intr_discover.neighbours.other_python import python_of
from intr_discover.neighbours.registry import find_methods
from intr_discover.studies import faithfulness, heads, manipulation
from intr_discover.studies.edit_sheets import sheet_of
from intr_discover.studies.effect import Trial, cells_covered, measure_effect
from intr_discover.studies.judge import Judge, load_run
from intr_discover.studies.study import StudyInputs
from tests.neighbours.drawn_splits import LABELS, read_drawn, tiny_settings
from tests.studies.drawn import SPOT, tiny_explainer

FITTED = ["protopformer", "concept_transformer", "intr", "cam"]
OPTIONS = {
    "protopformer": {"width": 16, "local_prototypes": 3, "concentration_start": 0.0},
    "concept_transformer": {"width": 16, "encoder_layers": 1},
    "rise_masks": 8,
}
SETTINGS = tiny_settings(options=OPTIONS)
QUICK = {
    "heads": {"images": "all"},
    "faithfulness": {"images": "all", "steps": 4, "photographs": 3, "rise_photographs": 1,
                     "rise_masks": 8, "rise_cells": 3},
    "manipulation": {"controls": 2},
}  # fmt: skip


class Colours(Method):
    """A method without anything learned: units of class number c are its first c + 1 rules.

    A rule marks pixels by how far they are from a colour; the answer is the darkest specimen.
    """

    RULES = ((200, 30, 30), (60, 60, 60), (200, 200, 200), (0, 0, 255))

    def __init__(self):
        self.name, self.classes = "colours", LABELS

    @property
    def parameters(self):
        return 0

    @property
    def fingerprint(self):
        return "0" * 64

    def logits(self, images, *, batch_size=32):
        """Return how near the specimen's grey is to that which the class is drawn in."""
        grey = [float(np.median(self._pixels(image)[8:32, 10:46])) for image in images]
        return np.array([[-abs(g - 60 - 30 * c) / 10 for c in range(4)] for g in grey], np.float32)

    def units(self, image, label):
        pixels = self._pixels(image).astype(float)
        rules = self.RULES[: self.classes.index(label) + 1]
        away = [np.abs(pixels - rule).mean(axis=2) for rule in rules]
        maps = np.maximum(64 - np.array(away), 0).astype(np.float32)
        names = tuple(f"rule {number}" for number in range(len(rules)))
        shape = pixels.shape[:2]
        return Units(maps, np.arange(len(rules), 0, -1.0), names, 1, shape, shape)

    def _pixels(self, image):
        return image if isinstance(image, np.ndarray) else read_image(image)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("methods")
    specimens = read_drawn(folder / "data")
    for name in FITTED:
        kind = find_methods()[name]
        kind.fit(specimens, SETTINGS, folder / kind.folder, None, lambda line: None)
    return folder


def read_specimens(place):
    return Specimens.read(place / "data")


def load(place, name):
    kind = find_methods()[name]
    return kind.load(place / kind.folder, SETTINGS)


def inputs_of(study, place, method, **given):
    specimens, judge = read_specimens(place), {"judge": str(place / "plain")}
    if study is manipulation.STUDY:  # each photograph is answered 40 times
        specimens, judge = specimens.select(split="test"), {}
    inputs = StudyInputs(method.explainer, specimens, "all", method=method, device="cpu")
    return study.inputs(inputs, {**QUICK[study.name], **judge, **given})


def run(study, place, method, **given):
    inputs = inputs_of(study, place, method, **given)
    assert study.needs(inputs) is None
    assert study.plan(inputs).images > 0
    return study.run(inputs)


@pytest.mark.parametrize(("name", "count"), [("protopformer", 3), ("concept_transformer", 1)])
def test_the_study_of_heads_describes_the_units_of_another_method(place, tmp_path, name, count):
    method = load(place, name)
    result = run(heads.STUDY, place, method)
    card = result.table
    assert list(zip(card["label"], card["head"], strict=True)) == [
        (label, unit) for label in LABELS for unit in range(count)
    ]
    units = method.units(read_specimens(place).paths[0], "a")
    assert card["unit"].tolist() == list(units.names) * 4
    assert (card["n"] == 8).all() and card["importance"].isna().all()
    assert card["part_share"].between(0, 1).all()
    if count > 1:
        assert card["consistency"].notna().all() and card["q"].between(0, 1).all()
        of_a = [method.units(path, "a").strengths[1] for path in read_specimens(place).paths[:8]]
        row = card[(card["label"] == "a") & (card["head"] == 1)].iloc[0]
        assert row["map_maximum"] == pytest.approx(np.mean(of_a))
    assert result.summary["method"] == name and result.provenance["settings"]["method"] == name
    assert result.provenance["model_fingerprint"] == method.fingerprint
    assert "layers" not in result.tables and "parts" not in result.tables
    said = heads.STUDY.findings(result)
    assert said and not any("head" in sentence for sentence in said)
    assert not any("head" in words for words in result.captions.values())
    result.save(tmp_path)
    assert (tmp_path / "atlas_01.png").is_file() and (tmp_path / "matrix.png").is_file()


def test_heads_asked_as_a_method_are_the_heads(place):
    """INTR by the general way: what means the same has the same number."""
    method = load(place, "intr")
    general = run(heads.STUDY, place, method)
    own = heads.STUDY.run(
        heads.STUDY.inputs(StudyInputs(method.explainer, read_specimens(place), "all"),
                           QUICK["heads"])
    )  # fmt: skip
    assert general.table["unit"].tolist() == ["head 0", "head 1"] * 4
    for column in ("map_maximum", "effective_area", "part_share", "purity", "n"):
        np.testing.assert_allclose(general.table[column], own.table[column], atol=1e-5)
    for column in ("x", "y"):
        np.testing.assert_allclose(
            general.tables["peaks"][column], own.tables["peaks"][column], atol=1e-6
        )
    answers = [each.tables["photographs"]["predicted"].tolist() for each in (general, own)]
    assert answers[0] == answers[1]
    # By another judge its features are others, the places are not.
    assert general.provenance["settings"]["judge_fingerprint"] != method.fingerprint


def test_classes_may_have_different_numbers_of_units(place):
    result = run(heads.STUDY, place, Colours())
    card = result.table
    assert card.groupby("label").size().to_dict() == {"a": 1, "b": 2, "c": 3, "d": 4}
    assert card.loc[card["label"] == "d", "unit"].tolist() == [f"rule {n}" for n in range(4)]
    assert card.loc[card["label"] == "a", "note"].tolist() == ["one head: nothing to compare with"]
    assert card.loc[card["label"] != "a", "consistency"].notna().all()
    assert len(result.tables["peaks"]) == 8 * (1 + 2 + 3 + 4)
    photographs = result.tables["photographs"]
    assert photographs["right"].all() and photographs["agreement"].notna().all()
    # The red spot is where the first rule, and nothing else on the specimen, points.
    red = result.tables["peaks"].query("head == 0")
    rows, columns = SPOT
    assert red["x"].between(columns.start, columns.stop - 1).all()
    assert red["y"].between(rows.start, rows.stop - 1).all()
    assert (card.loc[card["head"] == 0, "part"] == "spot").all()
    assert (card.loc[card["head"] == 0, "part_share"] == 1).all()


def test_a_single_map_and_a_model_that_sees_nothing_are_refused_in_words(place):
    cam = inputs_of(heads.STUDY, place, load(place, "cam"))
    assert "cam has a single map" in heads.STUDY.needs(cam)
    for study in (heads.STUDY, faithfulness.STUDY):
        given = {"judge": None if study is heads.STUDY else "intr"}
        alone = StudyInputs(None, read_specimens(place), "all", method=load(place, "protopformer"))
        assert "--judge" in study.needs(study.inputs(alone, given))


@pytest.mark.parametrize("name", ["protopformer", "concept_transformer", "cam", "colours"])
def test_faithfulness_follows_the_judge_in_the_order_of_the_methods_map(place, name):
    method = Colours() if name == "colours" else load(place, name)
    result = run(faithfulness.STUDY, place, method)
    table = result.table
    own = {"units_mean"} if method.one_map else {"units_mean", "units_best"}
    assert set(table["method"]) == own | {"gradcam_plain", "finercam_plain", "rise", "random"}
    assert set(result.tables) == {"methods", "differences", "curves"}
    judge = Judge(load_run("judge", str(place / "plain"), "cpu"), "plain")
    for number, image in enumerate(dict.fromkeys(table["image"])):
        photograph = read_image(place / "data" / image)
        rows = table[table["image"] == image].set_index("method")
        asked = rows["asked"].iloc[0]
        units = method.units(photograph, asked)
        shape = judge.picture(photograph).shape[1:]
        saliency = units.placed(units.overall(), shape)
        expected = areas(judge, photograph, saliency, judge.explainer.classes.index(asked),
                         seed=(0, number, 0), steps=4)  # fmt: skip
        for curve, area in expected.items():
            assert rows.loc["units_mean", curve] == pytest.approx(area, abs=1e-6)
    assert result.summary["n_units_mean"] == 3 and result.summary["n_randomised"] == 0
    said = " ".join(faithfulness.STUDY.findings(result))
    assert "the map of all units" in said and "INTR" not in said
    assert "randomisation" not in result.drawings
    assert faithfulness.STUDY.run(inputs_of(faithfulness.STUDY, place, method)).table.equals(table)


@pytest.mark.parametrize("name", ["protopformer", "concept_transformer", "cam"])
def test_manipulation_edits_what_another_method_answers_to(place, tmp_path, name):
    method = load(place, name)
    result = run(manipulation.STUDY, place, method)
    edits = result.table
    assert len(edits) == 8 and set(edits["region"]) == {"spot"}
    paths = read_specimens(place).select(split="test").paths
    before = method.predict(paths)["label"].tolist()
    assert edits["answer_before"].tolist() == before
    assert set(result.tables["guided"]["method"]) == {"units_mean", "units_best", "random"}
    minimal = result.tables["guided"].query("share != share")
    assert set(minimal["method"]) == {"units_mean"} and len(minimal) == 8
    units = method.units(paths[0], before[0])
    heads_of_first = result.tables["heads"].query(f"image == '{edits['image'].iloc[0]}'")
    assert len(heads_of_first) == len(units)
    said = " ".join(manipulation.STUDY.findings(result))
    assert "that its units mark" in said and "heads" not in said
    assert result.summary["guided_units_mean_4"] is not None
    assert "guided_intr_causal_4" not in result.summary
    result.save(tmp_path)
    assert (tmp_path / "edit_01.png").is_file() and (tmp_path / "responses.png").is_file()


def test_attention_inside_a_region_by_hand():
    """A photograph of 40 x 56 pixels whose map is even on the spot, and 0 elsewhere."""
    method = Colours()
    photograph = np.full((40, 56, 3), 255, np.uint8)
    photograph[8:32, 10:46] = 60
    photograph[SPOT] = (200, 30, 30)
    mask = np.zeros((40, 56), bool)
    mask[SPOT] = True
    mask[12:15, 14:20] = False  # the lower half of it
    trial = Trial(photograph, mask, Edit("erase", "surround"), wanted=0)
    effect = measure_effect(method, trial)
    assert effect.classes[effect.answer] == "a" and effect.beside.names == ("rule 0",)
    np.testing.assert_allclose(effect.mass_inside[0], [0.5])
    covered = cells_covered(mask, (40, 56), 1, (40, 56))
    np.testing.assert_allclose(effect.mass_inside[1], (effect.maps[1] * covered).sum((1, 2)))
    assert effect.map_change[0] == pytest.approx(0.5)  # half of the red is gone
    sheet = sheet_of(trial, effect, "spot")
    assert sheet.names[("a", 0)] == "rule 0" and sheet.heads[0].head == 0


def test_the_region_of_attention_is_the_top_of_all_units(place):
    result = run(manipulation.STUDY, place, Colours(), region="attention", share=0.01,
                 guided=False)  # fmt: skip
    assert set(result.table["region"]) == {"attention"}
    assert result.table["area"].to_numpy() == pytest.approx(round(0.01 * 40 * 56) / (40 * 56))
    # One rule, the red spot: all that is erased lies on it.
    first = result.table[result.table["answer_before"] == "a"]
    assert (first["mass_before"] > 0.5).all()


def call(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["intr-discover", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_one_word_of_the_command_line_names_the_method(place, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    code = call(
        monkeypatch, "study", "heads", place / "protopformer", place / "data", "--method",
        "protopformer", "--judge", place / "plain", "--split", "all", "--images", "all",
        "--device", "cpu", "--out", out,
    )  # fmt: skip
    assert code == 0 and "units" in capsys.readouterr().out
    card = pd.read_csv(out / "heads.csv")
    assert card["unit"].tolist()[:3] == ["prototype 0", "prototype 1", "prototype 2"]
    assert json.loads((out / "provenance.json").read_text())["settings"]["method"] == "protopformer"


@pytest.mark.parametrize(
    ("run", "more", "words"),
    [
        ("protopformer", ["--method", "camera"], "there is no method 'camera'"),
        ("nowhere", ["--method", "cam"], "trained/plain"),
        ("plain", ["--method", "protopformer"], "protopformer"),
        ("protopformer", ["--method", "concept_transformer"], "concept_transformer"),
        ("protopformer", ["--method", "cam"], "protopformer"),
        ("protopformer", [], "--method protopformer"),
        ("plain", ["--method", "intr"], "a plain classifier has no heads"),
        ("plain", [], "--method"),
        ("intr", ["--judge", "demo"], "name that with --method"),
        ("plain", ["--method", "protopnet", "--neighbours-python", "/nowhere/python"], "python"),
        ("protopformer", ["--method", "protopformer", "--judge", "nowhere"], "--judge nowhere"),
    ],
)
def test_what_does_not_fit_together_is_said_in_one_line(
    place, tmp_path, monkeypatch, capsys, run, more, words
):
    asked = ["study", "heads", place / run, place / "data", "--split", "all", "--device", "cpu"]
    assert call(monkeypatch, *asked, "--out", tmp_path / "out", *more) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert words in line and not (tmp_path / "out").exists()


def test_maps_that_are_no_numbers_name_photograph_and_method(place):
    class Broken(Colours):
        def units(self, image, label):
            seen = super().units(image, label)
            seen.maps[0, 0, 0] = np.nan
            return seen

    with pytest.raises(UserError, match=r"00-00.png: the maps of colours hold .*NaN"):
        run(heads.STUDY, place, Broken())
    with pytest.raises(UserError, match="maps of colours"):
        run(manipulation.STUDY, place, Broken())


def test_an_intr_without_another_name_is_what_it_was(place):
    """Only --method changes what a study does."""
    explainer = tiny_explainer(LABELS)
    inputs = heads.STUDY.inputs(StudyInputs(explainer, read_specimens(place), "all"), {})
    assert inputs.studied is explainer
    method = IntrHeads("intr", explainer)
    asked = heads.STUDY.inputs(StudyInputs(explainer, inputs.specimens, "all", method=method), {})
    assert asked.studied is method


@pytest.mark.slow
@pytest.mark.parametrize("name", ["protopnet", "prototree"])
def test_studies_ask_cabrnet(place, tmp_path, name):
    if not python_of({}).is_file():
        pytest.skip("CaBRNet's environment is not on this machine (make neighbours)")
    kind = find_methods()[name]
    settings = tiny_settings(epochs=2, options={"prototypes_per_class": 3})
    kind.fit(read_specimens(place), settings, tmp_path / "run", None, lambda line: None)
    method = kind.load(tmp_path / "run", settings)
    for study in (heads.STUDY, faithfulness.STUDY, manipulation.STUDY):
        result = run(study, place, method)
        assert result.summary["method"] == name and study.findings(result)
