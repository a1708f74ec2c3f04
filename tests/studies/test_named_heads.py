"""Names that people gave to heads, in the tables, sentences and figures of the studies."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matplotlib.text import Text

from intr_discover.data.specimens import Specimens
from intr_discover.studies import explanations, heads, mimicry
from intr_discover.studies.head_card import called
from intr_discover.studies.head_exhibits import head_words
from intr_discover.studies.head_findings import findings
from intr_discover.studies.study import StudyInputs
from tests.studies.drawn import draw_specimens, tiny_explainer

CLASSES = ["ant", "bee"]
NAMES = {("ant", 1): "<b>$s$", ("bee", 0): "ground", ("bee", 1): "head\nof it"}
IN_FIGURES = ("head 1 (<b>$s$)", "head 0 (ground)", "head 1 (head of it)")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("named") / "drawn"
    return draw_specimens(folder, CLASSES, per_label=5, pairs=[("ant", "bee")])


def run(study, folder, given=None, names=NAMES):
    inputs = StudyInputs(tiny_explainer(CLASSES), Specimens.read(folder), "test", names=names)
    return study.run(study.inputs(inputs, given))


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text().strip()]


def test_the_card_has_a_column_of_names(drawn):
    result = run(heads.STUDY, drawn, {"images": "all"})
    card = result.table
    assert list(card.columns[:3]) == ["label", "head", "name"]
    known = card.dropna(subset="name")
    assert (
        dict(zip(zip(known["label"], known["head"], strict=True), known["name"], strict=True))
        == NAMES
    )
    atlas = words(result.drawings["atlas_01"]()) + words(result.drawings["atlas_02"]())
    assert [name for name in IN_FIGURES if name in atlas] == list(IN_FIGURES)
    # One that deserves to be named in a sentence is named by its name.
    four = {name: True for name in ("consistent", "distinct", "important", "concentrated")}
    result = replace(result, table=card.assign(**four))
    assert any("head 0 (ground) of bee" in sentence for sentence in findings(result))


def test_without_names_there_is_no_column(drawn):
    assert "name" not in run(heads.STUDY, drawn, {"images": "all"}, names={}).table.columns


def test_the_atlas_keeps_the_importance_of_a_named_head():
    row = {"label": "ant", "head": 1, "importance": 5.29, "consistency": 1.08, "q": 0.0001,
           "consistent": True, "distinctness": 0.5, "map_maximum": 0.25,
           "effective_area": 0.02}  # fmt: skip
    assert head_words(row)[0] == called(row) + " · importance 5.29" == "head 1 · importance 5.29"
    assert head_words(row)[2] == "max 0.25, over 2 % of cells"
    named = row | {"name": "red spot"}
    assert head_words(named)[0] == called(named) == "head 1 (red spot)"
    assert head_words(named)[2] == "importance 5.29, over 2 % of cells"
    assert head_words(named | {"name": float("nan")}) == head_words(row)


@pytest.mark.parametrize(
    ("study", "drawing"),
    [(explanations.STUDY, "pair_01"), (mimicry.STUDY, "pair_01_queries")],
)
def test_pages_of_look_alikes_name_the_heads(drawn, study, drawing):
    result = run(study, drawn)
    shown = words(result.drawings[drawing]())
    assert any(each.startswith("head 0 (ground)") for each in shown)
    assert any(each.startswith("head 0 · max") for each in shown)  # that of the ant has no name
