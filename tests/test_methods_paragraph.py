"""The paragraph for a paper says what was done, and nothing that is not known."""

from __future__ import annotations

import pandas as pd
import pytest

from intr_discover import load
from intr_discover.explain.explainer import Explainer
from intr_discover.report.methods_paragraph import methods_paragraph
from intr_discover.studies.result import StudyResult, provenance


@pytest.fixture(scope="module")
def demo():
    return load("demo", device="cpu")


def heads(**settings):
    record = provenance(
        ["intr-discover", "study", "heads", "demo", "demo"], 4, "m", "d", **settings
    )
    return StudyResult("heads", pd.DataFrame({"a": [1]}), {"n": 12}, record)


def test_the_model_and_its_training_are_told(demo):
    said = methods_paragraph(demo, "demo", [])
    assert "each of 16 classes" in said and "backbone resnet18" in said and "8 heads" in said
    assert "1680 photographs from random weights for 18 epochs with AdamW" in said
    assert "chosen on 240 other photographs" in said
    assert demo.fingerprint[:16] in said and "Paul, D." in said


def test_a_study_is_told_with_its_settings(demo):
    result = heads(
        split="test", images=12, images_available=40, options={"top_heads": 3, "x": None}
    )
    said = methods_paragraph(demo, "wings.csv", [result])
    assert "(study heads): 12 of 40 photographs of wings.csv, split test, seed 4" in said
    assert "top heads 3" in said and "x None" not in said
    assert "intr-discover study heads demo demo" in said


def test_weights_without_a_record_are_not_invented_one(demo):
    bare = Explainer(
        demo.model, demo.classes, demo.preprocessing, source="weights.pth", device="cpu"
    )
    said = methods_paragraph(bare, "wings", [heads()])
    assert "How the weights were trained is not recorded" in said
    assert "12 photographs of wings" in said and "None" not in said
