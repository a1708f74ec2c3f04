"""What the ablation adds up, by hand, and one small run from end to end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import ablation, ablation_page
from benchmarks.ablation_figure import PANELS, settings_figure
from benchmarks.ablation_measures import difference, estimate, summarise, values_of
from benchmarks.ablation_runs import (
    TEST_SEED,
    Drawn,
    draw,
    of_classes,
    record_of,
    record_path,
    run_path,
)
from intr_discover import Specimens, load
from intr_discover.data import rings
from intr_discover.errors import UserError
from intr_discover.studies.pointing import tolerance_for

# Numbers by hand


def made(setting="baseline", seed=0, right=(1, 1, 0, 0), area=(0.1, 0.2, 0.3, 0.4), **changes):
    n = len(right)
    return {
        "setting": setting,
        "seed": seed,
        "parameters": 1234,
        "seconds": 60.0,
        "by_specimen": {
            "image": [f"{place}.png" for place in range(n)],
            "right": [bool(value) for value in right],
            "hit": [True] * n,
            "hit_chance": [0.5] * n,
            "effective_area": list(area),
            "head_similarity": [0.0] * n,
            "class_distinctiveness": [None, *([0.5] * (n - 1))],
        },
        "by_class": {"label": ["a", "b"], "consistency": [0.5, 0.7], "distinctness": [0.1, 0.3]},
        **changes,
    }


def test_a_share_is_the_mean_of_the_trainings_and_its_n_counts_specimens_once():
    found = estimate([made(), made(seed=1, right=(1, 0, 0, 0))], "right")
    assert found["value"] == 0.375 and found["n"] == 4
    assert found["by_seed"] == [0.5, 0.25]
    # Wilson of 1.5 in 4, z² = 3.841459: centre (0.375 + 0.480182) / 1.960365 = 0.436236; half-width
    # 1.959964 / 1.960365 · √(0.375 · 0.625 / 4 + 3.841459 / 64) = 0.344340.
    assert found["low"] == pytest.approx(0.091896, abs=2e-5)
    assert found["high"] == pytest.approx(0.780576, abs=2e-5)


def test_a_share_of_all_keeps_an_interval():
    found = estimate([made(), made(seed=1)], "hit")
    assert (found["value"], found["high"]) == (1.0, 1.0)
    assert found["low"] == pytest.approx(4 / (4 + 1.959964**2))  # Wilson of n in n


def test_means_are_over_specimens_or_over_classes():
    found = estimate([made()], "effective_area")
    assert found["value"] == pytest.approx(0.25) and found["n"] == 4
    assert 0.1 <= found["low"] < 0.25 < found["high"] <= 0.4
    found = estimate([made()], "consistency")
    assert found["value"] == pytest.approx(0.6) and found["n"] == 2
    assert (found["low"], found["high"]) == (0.5, 0.7)  # two classes: one of them twice


def test_what_is_not_known_is_left_out():
    assert np.isnan(values_of(made(), "class_distinctiveness")[0])
    found = estimate([made()], "class_distinctiveness")
    assert (found["value"], found["n"]) == (0.5, 3)


def test_differences_are_paired_over_specimens_and_seeds():
    baseline = [made(right=(0, 0, 0, 0)), made(seed=1, right=(1, 1, 1, 1))]
    other = [made("other", seed=0, right=(1, 1, 1, 1), area=(0.2, 0.3, 0.4, 0.5))]
    # Seed 1 has no partner: without that, the difference would be 0.5.
    found = difference(other, baseline, "right")
    assert (found["value"], found["n"], found["seeds"]) == (1.0, 4, [0])
    assert (found["low"], found["high"]) == (1.0, 1.0)
    assert found["p"] == 2 / 2**4  # all four signs alike, one way or the other
    assert difference(other, baseline, "effective_area")["value"] == pytest.approx(0.1)


def test_without_a_common_seed_there_is_no_difference():
    found = difference([made("other", seed=3)], [made()], "right")
    assert found["value"] is found["p"] is None and found["n"] == 0


def test_other_specimens_cannot_be_paired():
    other = made("other")
    other["by_specimen"]["image"] = [f"other-{place}.png" for place in range(4)]
    with pytest.raises(AssertionError, match="other specimens"):
        difference([other], [made()], "right")


def test_a_row_for_each_setting_and_p_adjusted_for_their_number():
    wrong, right = (0,) * 8, (1,) * 8
    area = np.linspace(0.1, 0.8, 8)
    records = [
        made(right=wrong, area=area),
        made("better", right=right, area=area),
        made("alike", right=wrong, area=area),
        made("better", seed=1, right=right, area=area),
    ]
    rows = summarise(records, "baseline")
    assert [row["setting"] for row in rows] == ["baseline", "better", "alike"]
    assert [row["seeds"] for row in rows] == [[0], [0, 1], [0]]
    assert "differences" not in rows[0] and rows[1]["chance"] == 0.5
    # p = 2 / 2⁸ and 1: the smaller of two is doubled.
    assert rows[1]["differences"]["right"]["p"] == 2 / 256
    assert rows[1]["differences"]["right"]["q"] == 4 / 256
    assert rows[2]["differences"]["right"]["q"] == 1
    json.dumps(rows, allow_nan=False)


def test_rows_without_the_baseline_have_no_differences():
    (row,) = summarise([made("alone")], "baseline")
    assert row["differences"]["right"]["value"] is row["differences"]["right"]["q"] is None
    assert ablation_page.difference_cell(row["differences"]["right"], "right") == "–"


def test_consistency_and_distinctness_of_classes_by_hand():
    rows = np.zeros((10, 2, 3))
    rows[:5, 0, 0], rows[:5, 1, 0] = 1, -1  # class a: two heads that see opposite things, always
    rows[5:, :, 1] = np.array([1, -1, 1, -1, 1])[:, None]  # class b: both see the same
    table = pd.DataFrame({"image": [f"{n}.png" for n in range(10)], "label": list("aaaaabbbbb")})
    test = Specimens(table, Path())
    found = of_classes(rows, test)
    # Class a: cosine 1 with itself and −1 with the other head; silhouette (2 − 0) / 2.
    assert found["consistency"][0] == pytest.approx(2)
    assert found["distinctness"][0] == pytest.approx(1)
    assert found["consistency"][1] == pytest.approx(0)
    assert found["distinctness"][1] < 0
    assert (found["label"], found["n"]) == (["a", "b"], [5, 5])


# Page and figure


def test_cells_of_the_page():
    number, signed = ablation_page.number, ablation_page.signed
    assert number(0.8754, "right") == "87.5 %" and number(-0.126, "distinctness") == "−0.13"
    assert number(None, "hit") == number(float("nan"), "hit") == "–"
    assert signed(-0.0213, "hit") == "−2.1" and signed(0.126, "consistency") == "+0.13"
    found = {"value": 0.1, "low": 0.05, "high": 0.15, "p": 0.01, "q": 0.03}
    cell = ablation_page.difference_cell(found, "right")
    assert cell == "**+10.0** (+5.0 to +15.0), q = 0.030"
    cell = ablation_page.difference_cell({**found, "q": 0.06}, "right")
    assert cell == "+10.0 (+5.0 to +15.0), q = 0.060"


def test_settings_that_were_trained_once_are_named():
    warn = ablation_page.few_trainings
    assert warn([{"setting": "a", "seeds": [0, 1]}]) == []
    assert "once: every setting.**" in warn([{"setting": "a", "seeds": [0]}])[0]
    rows = [{"setting": name, "seeds": seeds} for name, seeds in (("a", [0, 1]), ("b", [1]))]
    assert "once: b.**" in warn(rows)[0]


def test_the_figure_shows_values_trainings_and_chance():
    rows = summarise([made(), made(seed=1, right=(1, 0, 0, 0)), made("other")], "baseline")
    figure = settings_figure(rows)
    panels = [axes for axes in figure.axes if axes.get_xlabel()]
    assert [axes.get_xlabel() for axes in panels] == [label for _, _, label, _ in PANELS]
    lines = [np.asarray(line.get_xdata()).tolist() for line in panels[0].lines]
    assert [37.5, 50.0] in lines and [50.0, 25.0] in lines  # means, and both trainings
    assert [50.0] in [list(np.atleast_1d(line.get_xdata())) for line in panels[1].lines]
    texts = {text.get_text() for text in figure.texts}
    assert {"baseline", "other", "Top-1", "n = 4 specimens", "n = 2 classes"} <= texts


# From end to end

TINY = Drawn(ring_count=2, train_per_class=10, test_per_class=5, size=64)
BASE = {**ablation.BASE, "image_size": 64, "epochs": 1, "width": 16, "feed_forward": 16}
SETTINGS = {"baseline": {"heads": 4}, "key position": {"heads": 4, "key_position": True}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ablation")


@pytest.fixture(scope="module")
def records(folder):
    return ablation.train_all(SETTINGS, BASE, [3], TINY, folder)


def test_the_settings_reach_the_models(records, folder):
    for record in records:
        model = load(run_path(folder, record["setting"], 3), device="cpu").model
        assert model.config.key_position is (record["setting"] == "key position")
        assert model.config.heads == 4 and model.stride == 4
        assert record["counts"] == {"train": 36, "validation": 4}
        assert record["parameters"] == sum(p.numel() for p in model.parameters())
    assert records[0]["fingerprint"] != records[1]["fingerprint"]


def test_a_record_holds_what_the_model_does(records, folder):
    explainer = load(run_path(folder, "key position", 3), device="cpu")
    found = records[1]["by_specimen"]
    individuals = rings.read_specimens(folder / "test")
    assert len(found["image"]) == 20 and set(found["image"]) == set(individuals)
    for place in (0, 7, 19):
        specimen = individuals[found["image"][place]]
        assert specimen.seed == TEST_SEED and specimen.label == found["label"][place]
        drawn = rings.render(specimen)
        said = explainer.explain(drawn.photograph, classes=[specimen.label])
        assert found["right"][place] == (said.predicted == specimen.label)
        attribute = np.argwhere(drawn.attributes[specimen.ring.diagnostic] > 0)
        top = np.argsort(-said.map_maxima[0], kind="stable")[:3]
        cells = [np.unravel_index(said.maps[0, head].argmax(), (16, 16)) for head in top]
        # A cell of 4 pixels: its centre lies on the border of the second and the third.
        away = [np.hypot(*(attribute - (4 * np.array(cell) + 2)).T).min() for cell in cells]
        assert found["hit"][place] == (min(away) <= tolerance_for((64, 64), 4))
        maps = said.maps[0].reshape(4, -1).astype(float)
        area = np.exp(-(maps * np.log(maps)).sum(axis=1)).mean() / 256
        assert found["effective_area"][place] == pytest.approx(area, rel=1e-4)
        assert 0 < found["hit_chance"][place] < 1


def test_what_has_a_record_is_not_trained_again(records, folder):
    shutil.copytree(folder, folder.with_name("again"))
    again = folder.with_name("again")
    shutil.rmtree(run_path(again, "baseline", 3))
    assert ablation.train_all({"baseline": {"heads": 4}}, BASE, [3], TINY, again) == records[:1]
    assert not run_path(again, "baseline", 3).exists()
    there = ablation.train_all(SETTINGS, BASE, [3, 4], TINY, again, train=False)
    assert there == records  # nothing was trained with seed 4
    training, test = draw(TINY, again)
    with pytest.raises(UserError, match="is of other settings or specimens"):
        record_of("baseline", {**BASE, "heads": 2}, 3, training, test, again)
    with pytest.raises(UserError, match="was drawn with other settings"):
        draw(Drawn(ring_count=2, train_per_class=11, test_per_class=5, size=64), again)


def test_specimens_that_are_measured_are_not_those_of_the_training(tmp_path):
    with pytest.raises(UserError, match="use another"):
        draw(Drawn(seed=TEST_SEED), tmp_path)


def test_results_are_written(records, tmp_path):
    picture = tmp_path / "ablation.png"
    ablation.write_results("python -m x", records, BASE, TINY, tmp_path, picture)
    stored = json.loads((tmp_path / "ablation.json").read_text())
    assert stored["changes"] == {
        "baseline": {"heads": 4}, "key position": {"heads": 4, "key_position": True},
    }  # fmt: skip
    assert [row["setting"] for row in stored["settings"]] == list(SETTINGS)
    page = (tmp_path / "ablation.md").read_text()
    right = np.mean(records[1]["by_specimen"]["right"])
    rows = [line for line in page.splitlines() if line.startswith("| key position |")]
    assert len(rows) == 3 and f" {100 * right:.1f} % (" in rows[0]
    assert "n = 20 fresh ones" in page and picture.stat().st_size > 1000
    with pytest.raises(UserError, match="no records"):
        ablation.write_results("python -m x", [], BASE, TINY, tmp_path, picture)
    assert record_path(tmp_path, "key position", 3).name == "key_position_seed_3.json"


# What is stored

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
IN_THE_DOCS = {
    "key position": "position in the keys",
    "resnet18 stride 8": "ResNet-18, stride 8",
    "convnext_atto": "`convnext_atto`",
    "vit_tiny_patch16": "`vit_tiny_patch16_224`",
}


def test_the_documentation_quotes_the_results():
    stored = json.loads((RESULTS / "ablation.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "ablation.md").read_text(encoding="utf-8")
    assert f"`{stored['command']}`" in page
    for row in stored["settings"]:
        cells = [
            ablation_page.value_cell(row["right"], "right"),
            ablation_page.value_cell(row["hit"], "hit"),
            ablation_page.number(row["chance"], "hit"),
            *(
                ablation_page.number(row[measure]["value"], measure)
                for measure in ("consistency", "distinctness", "effective_area")
            ),
        ]
        name = IN_THE_DOCS.get(row["setting"], row["setting"])
        assert f"| {name} | {' | '.join(cells)} |" in page
