"""Results of folds become one: joined tables, numbers worked out again, or mean and range."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from intr_discover.data.specimens import Specimens
from intr_discover.studies import accuracy, explanations, interventions, manipulation, shortcuts
from intr_discover.studies.pooling import join_tables, mean_and_range, pool_study
from intr_discover.studies.result import StudyResult
from intr_discover.studies.study import KeyNumber, Study, StudyInputs
from tests.studies.drawn import draw_specimens, tiny_explainer

LABELS = ["ant", "bee"]


def result(values, **summary):
    table = pd.DataFrame({"value": values})
    wide = pd.DataFrame([[1, 2]], index=pd.Index(["x"], name="true"), columns=["x", "y"])
    return StudyResult("toy", table, {"n": len(values), **summary}, tables={"wide": wide})


def test_tables_are_put_one_below_the_other():
    one, two = result([1.0, 2.0]), result([3.0])
    two.tables["more"] = pd.DataFrame({"a": [5]})
    joined = join_tables({1: one, 3: two})
    assert joined.table.to_dict("list") == {"fold": [1, 1, 3], "value": [1.0, 2.0, 3.0]}
    assert joined.tables["wide"].to_dict("list") == {
        "fold": [1, 3], "true": ["x", "x"], "x": [1, 1], "y": [2, 2],
    }  # fmt: skip
    assert joined.tables["more"].to_dict("list") == {"fold": [3], "a": [5]}


def test_a_table_without_rows_joins():
    joined = join_tables({1: result([]), 2: result([])})
    assert joined.table.columns.tolist() == ["fold", "value"] and len(joined.table) == 0


def test_mean_and_range_by_hand():
    numbers = [
        KeyNumber("share", "share", n="n_share"),
        KeyNumber("rare", "rare"),
        KeyNumber("never", "never"),
        KeyNumber("judge", "judge", n=None),
        KeyNumber("absent", "absent", n=None),
    ]
    results = {
        1: result([1, 2], share=0.5, n_share=2, rare=None, never=None, judge="plain"),
        2: result([1], share=0.8, n_share=1, rare=0.25, never=math.nan, judge="plain"),
    }
    assert mean_and_range(results, numbers) == {
        "n": 3, "n_share": 3, "share": pytest.approx(0.65), "share_lowest": 0.5,
        "share_highest": 0.8, "share_folds": 2, "rare": 0.25, "rare_lowest": 0.25,
        "rare_highest": 0.25, "rare_folds": 1, "never": None, "never_lowest": None,
        "never_highest": None, "never_folds": 0, "judge": "plain",
    }  # fmt: skip


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pooling") / "d"
    return Specimens.read(draw_specimens(folder, LABELS, 4, pairs=[("ant", "bee")]))


def in_halves(module, drawn, **given):
    """Run a study on all photographs, and on two halves that are then pooled, with one model."""
    study: Study = module.STUDY
    explainer = tiny_explainer(LABELS)
    inputs = study.inputs(StudyInputs(explainer, drawn, "test"), given)
    rows = np.arange(len(drawn)) % 2
    parts = {
        fold: study.run(replace(inputs, specimens=drawn.with_table(drawn.table[rows == fold - 1])))
        for fold in (1, 2)
    }
    whole = study.run(inputs)
    pooled = pool_study(study, parts, replace(inputs, model=None, split="out of fold"))
    return whole, pooled, study


@pytest.mark.parametrize(
    ("module", "given"),
    [
        (accuracy, {}),
        (explanations, {}),
        (interventions, {}),
        (manipulation, {"controls": 3, "guided": False}),
    ],
    ids=["evaluate", "explanations", "interventions", "manipulation"],
)
def test_pooled_numbers_are_those_of_all_photographs_at_once(module, given, drawn):
    whole, pooled, study = in_halves(module, drawn, **given)
    assert pooled.summary.keys() == whole.summary.keys()
    for key, value in whole.summary.items():
        # A bootstrap interval depends on the order of the photographs.
        loose = 0.2 if key.endswith(("_low", "_high", "_p")) else 1e-9
        if isinstance(value, float):
            assert pooled.summary[key] == pytest.approx(value, abs=loose), key
        else:
            assert pooled.summary[key] == value, key
    assert len(pooled.table) == len(whole.table)
    assert set(pooled.table["fold"]) == {1, 2}
    assert study.findings(pooled)
    assert pooled.provenance["settings"]["split"] == "out of fold"
    assert set(pooled.provenance["settings"]["model_fingerprints"]) == {"1", "2"}
    for draw in pooled.drawings.values():
        draw()


def test_pairs_of_look_alikes_are_added_up(drawn):
    whole, pooled, _ = in_halves(explanations, drawn)
    pd.testing.assert_frame_equal(pooled.tables["pairs"], whole.tables["pairs"])


def test_confusions_are_added_up(drawn):
    whole, pooled, _ = in_halves(accuracy, drawn)
    pd.testing.assert_frame_equal(pooled.tables["confusion"], whole.tables["confusion"])
    pd.testing.assert_frame_equal(pooled.tables["per_class"], whole.tables["per_class"])


def test_the_photographs_of_shortcuts_are_one_collection(drawn):
    whole, pooled, study = in_halves(shortcuts, drawn)
    for key in ("n", "off_specimen_mass", "even_share", "n_cue_photographs", "n_classes"):
        assert pooled.summary[key] == pytest.approx(whole.summary[key]), key
    # Cues are told from all photographs, as without folds: the models have no part in it.
    assert pooled.summary["no_specimen_accuracy"] == whole.summary["no_specimen_accuracy"]
    assert "heads" not in pooled.tables and "heads" not in pooled.drawings
    assert "examples" in whole.drawings and next(iter(whole.drawings)) == "examples"
    assert study.findings(pooled)
    for draw in pooled.drawings.values():
        draw()


def test_a_study_without_a_pool_has_means_and_the_joined_tables(drawn):
    study = Study(
        "toy", "Does it?", 1, 1.0, plan=None, run=None, findings=None,
        key_numbers=(KeyNumber("share", "share"),),
    )  # fmt: skip
    inputs = study.inputs(StudyInputs(None, drawn, "out of fold"))
    pooled = pool_study(study, {1: result([1], share=0.2), 2: result([2], share=0.4)}, inputs)
    assert pooled.summary["share"] == pytest.approx(0.3) and pooled.table["fold"].tolist() == [1, 2]
    assert pooled.tables["folds"]["share"].tolist() == [0.2, 0.4] and not pooled.drawings
