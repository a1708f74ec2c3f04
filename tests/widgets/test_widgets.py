"""The widgets without a page: their traits set, their buttons pressed."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from intr_discover.data.images import read_mask
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.model.plain import PlainClassifier, PlainConfig
from intr_discover.widgets.asking import Answer, ask, open_run
from intr_discover.widgets.click_grid import ClickGrid
from intr_discover.widgets.edit_view import EditView
from intr_discover.widgets.head_browser import HeadBrowser
from intr_discover.widgets.mask_editor import MaskEditor
from intr_discover.widgets.pair_viewer import STRONGEST, PairViewer
from intr_discover.widgets.pictures import figure_png, probability_table
from intr_discover.widgets.showing import as_text, table_html
from intr_discover.widgets.specimen_browser import PAGE, SpecimenBrowser
from tests.studies.drawn import HEIGHT, WIDTH, tiny_explainer
from tests.widgets.conftest import A, B, C


def pixels(image) -> np.ndarray:
    """Return what a picture widget shows."""
    return np.asarray(Image.open(io.BytesIO(image.value)).convert("RGB"))


def test_a_click_says_row_and_column():
    clicked = []
    grid = ClickGrid(2, 3, (20, 30), lambda row, column: clicked.append((row, column)))
    grid.click(0, 2)
    grid.buttons[3].click()
    assert clicked == [(0, 2), (1, 0)]
    grid.show(np.full((4, 6, 3), 7, dtype=np.uint8))
    assert (pixels(grid.image) == 7).all()


def test_heads_are_asked_about_what_is_chosen(explainer, specimens):
    browser = HeadBrowser(explainer, specimens)
    first = browser.value
    assert first.classes == [first.predicted]
    browser.photograph.value = 7
    assert browser.value.image == str(specimens.paths[7])
    browser.asked.value = C
    assert browser.value.classes == [C]
    browser.context.value = (B, C)
    browser.context_mode.value = "subset"
    assert browser.value.competing == [B, C] and browser.value.context_mode == "subset"
    browser.layer.value = 0
    assert browser.value.layer == 0
    expected = explainer.explain(specimens.paths[7], [C], context=[B, C], context_mode="subset",
                                 layer=0)  # fmt: skip
    assert np.allclose(browser.value.maps, expected.maps)


def test_a_click_on_a_head_enlarges_it(explainer, specimens):
    browser = HeadBrowser(explainer, specimens)
    strongest = browser.value.ranked_heads()[0]
    before = browser._large.value
    browser._tiles[1][0].click(0, 0)
    assert browser.head.value == strongest and browser._large.value != before
    browser._tiles[0][0].click(0, 0)
    assert browser.head.value == "mean" and browser._large.value == before


def test_one_class_alone_is_a_mistake_that_changes_nothing(explainer, specimens):
    browser = HeadBrowser(explainer, specimens)
    before = browser.value
    browser.context.value = (A,)
    assert "nobody to compete with" in browser.message
    assert "<i>" not in browser.message and browser.value is before
    browser.context.value = ()
    assert browser.message == ""


def test_next_and_previous_go_round(explainer, specimens):
    browser = HeadBrowser(explainer, specimens, start=len(specimens) - 1)
    browser._chooser.on.click()
    assert browser.photograph.value == 0
    browser._chooser.back.click()
    assert browser.photograph.value == len(specimens) - 1


def test_photographs_of_other_shapes_follow_each_other(explainer):
    wide, tall = np.zeros((20, 60, 3), np.uint8), np.zeros((60, 20, 3), np.uint8)
    browser = HeadBrowser(explainer, [wide, tall])
    assert pixels(browser._tiles[0][0].image).shape == (50, 150, 3)
    browser.photograph.value = 1
    assert pixels(browser._tiles[0][0].image).shape == (150, 50, 3)


def test_what_cannot_be_looked_at_is_refused(explainer, specimens):
    with pytest.raises(UserError, match="no photograph to look at"):
        HeadBrowser(explainer, [])
    with pytest.raises(UserError, match=r"no photograph 'x\.png'"):
        HeadBrowser(explainer, specimens, start="x.png")
    with pytest.raises(UserError, match="numbered 0 to 14"):
        HeadBrowser(explainer, specimens, start=15)


@pytest.fixture(scope="module")
def plain(explainer):
    model = PlainClassifier(PlainConfig(num_classes=3, backbone="resnet18"))
    return Explainer(model, [A, B, C], explainer.preprocessing, source="plain", device="cpu")


@pytest.mark.parametrize("widget", [HeadBrowser, PairViewer])
def test_a_plain_classifier_has_no_heads(plain, specimens, widget):
    with pytest.raises(UserError, match="plain is a plain classifier"):
        widget(plain, specimens)


def test_a_plain_classifier_can_be_edited_for(plain, specimens):
    region = np.zeros((HEIGHT, WIDTH), dtype=bool)
    region[12:18, 14:20] = True
    view = EditView(plain, specimens.paths[0], region)
    assert view.ask_controls() and view.figure() is not None


def test_specimens_are_filtered_and_chosen(explainer, specimens):
    browser = SpecimenBrowser(specimens, explainer)
    assert len(browser.rows) == 15 and browser.value == ()
    browser.label.value = B
    assert browser.rows == [5, 6, 7, 8, 9]
    browser._tiles[2][0].click(0, 0)
    browser._tiles[0][0].click(0, 0)
    assert browser.value == (specimens.names[7], specimens.names[5])
    assert [str(path) for path in browser.chosen.paths] == [
        str(specimens.paths[5]), str(specimens.paths[7])
    ]  # fmt: skip
    browser._tiles[2][0].click(0, 0)
    assert browser.value == (specimens.names[5],)
    browser.clear.click()
    assert browser.value == ()
    with pytest.raises(UserError, match="no photograph is chosen"):
        _ = browser.chosen


def test_right_and_wrong_share_out_the_photographs(explainer, specimens):
    browser = SpecimenBrowser(specimens, explainer)
    answers = explainer.logits(specimens.paths).argmax(axis=1)
    right = (answers == specimens.label_ids(explainer.classes)).nonzero()[0].tolist()
    browser.answer.value = "right"
    assert browser.rows == right
    browser.answer.value = "wrong"
    assert browser.rows == sorted(set(range(15)) - set(right))


def test_pages_turn_and_leave_places_empty(specimens):
    browser = SpecimenBrowser(specimens)
    browser.on.click()
    assert browser._on_page() == [12, 13, 14]
    assert pixels(browser._tiles[3][0].image).shape == (1, 1, 3)
    browser._tiles[PAGE - 1][0].click(0, 0)  # nothing lies there
    assert browser.value == ()
    browser.on.click()
    assert browser._on_page() == list(range(12))
    assert "&lt;i&gt;" in browser._tiles[0][1].value


def test_an_unknown_name_cannot_be_chosen(specimens):
    with pytest.raises(UserError, match=r"no photograph 'nothing\.png'"):
        SpecimenBrowser(specimens).choose(["nothing.png"])


def test_no_wrong_answer_is_no_picture(specimens):
    one = specimens.with_table(specimens.table.iloc[:1])
    browser = SpecimenBrowser(one)
    browser._rows = []
    with pytest.raises(UserError, match="no photograph passes"):
        browser.figure()


def test_clicks_on_a_photograph_make_a_region(specimens):
    editor = MaskEditor(specimens.paths[0])
    rows, columns = editor.grid.rows, editor.grid.columns
    assert (rows, columns) == (17, 24)  # 40 × 56 pixels
    for row, column in ((0, 0), (0, columns - 1), (rows - 1, columns - 1), (rows - 1, 0)):
        editor.grid.click(row, column)
    # The middle of the first cell is at pixel 56/48 − 0.5, of the last at as much before the end.
    inner = (HEIGHT - 2) * (WIDTH - 2)
    assert inner <= editor.value.sum() <= HEIGHT * WIDTH and not editor.value[0].any()
    editor.close_polygon.click()
    assert editor.corners.value == "" and editor.value.sum() >= inner
    editor.clear.click()
    assert not editor.value.any()
    editor.undo.click()
    assert editor.value.any()


def test_nearer_clicks_are_finer(specimens):
    editor = MaskEditor(specimens.paths[0])
    editor.tool.value, editor.radius.value = "brush", 0.5
    editor.zoom.value, editor.across.value, editor.down.value = 8, 1.0, 1.0
    assert editor.window == (49, 35, 7, 5)
    editor.grid.click(editor.grid.rows - 1, editor.grid.columns - 1)
    assert np.argwhere(editor.value).tolist() == [[39, 55]]
    editor.tool.value = "rubber"
    editor.grid.click(editor.grid.rows - 1, editor.grid.columns - 1)
    assert not editor.value.any()


def test_corners_may_be_typed(specimens, tmp_path):
    editor = MaskEditor(specimens.paths[0])
    with pytest.raises(UserError, match="nothing is drawn yet"):
        editor.save(tmp_path / "mask.png")
    editor.corners.value = "10,10 19,10 19,14 10,14"
    editor.use.click()
    assert editor.value.sum() == 10 * 5
    assert np.array_equal(read_mask(editor.save(tmp_path / "mask.png")), editor.value)
    editor.corners.value = "10,10 nonsense"
    editor.use.click()
    assert "is no corner" in editor.message and editor.value.sum() == 50


@pytest.fixture
def spot():
    region = np.zeros((HEIGHT, WIDTH), dtype=bool)
    region[12:18, 14:20] = True
    return region


def test_an_edit_changes_the_region_and_is_asked_about(explainer, specimens, spot):
    path = specimens.paths[0]
    view = EditView(explainer, path, spot)
    view.feather.value = 0.0
    before = np.asarray(Image.open(path).convert("RGB"))
    assert np.array_equal(view.value[~spot], before[~spot])
    assert not np.array_equal(view.value[spot], before[spot])
    assert np.allclose(view._after, explainer.logits([view.value])[0], atol=1e-5)
    view.way.value = "recolour"
    view.colour.value = "#00ff00"
    assert view.edit.as_dict()["colour"] == "#00ff00"
    assert (view.value[spot][:, 1] > view.value[spot][:, 0]).all()


def test_the_slider_shows_before_at_its_left(explainer, specimens, spot):
    view = EditView(explainer, specimens.paths[0], spot)
    pictures = []
    for share in (0.0, 1.0):
        view.wipe.value = share
        pictures.append(pixels(view._picture_widget))
    view.wipe.value = 0.5
    both = pixels(view._picture_widget)
    middle = both.shape[1] // 2
    assert np.array_equal(both[:, : middle - 1], pictures[1][:, : middle - 1])
    assert np.array_equal(both[:, middle + 1 :], pictures[0][:, middle + 1 :])


def test_the_verdict_stands_beside_its_controls(explainer, specimens, spot, tmp_path):
    view = EditView(explainer, specimens.paths[0], spot, specimen=specimens.mask_paths[0])
    assert view.sentences == []
    said = view.ask_controls()
    assert any("regions of this shape on the specimen's mask" in each for each in said)
    assert view.done is not None and view.done.effect.wanted == 20
    view.feather.value = 1.0  # another edit: the verdict was about the last one
    assert view.done is None and view._verdict.value == ""
    files = view.save(tmp_path / "out", controls=2)
    assert {"mask.png", "edited.png", "provenance.json"} <= {path.name for path in files}


def test_an_edit_follows_the_editor(explainer, specimens, spot):
    editor = MaskEditor(specimens.paths[0])
    view = EditView(explainer, specimens.paths[0], editor)
    view.controls.click()
    assert "no region is drawn yet" in view.message
    editor.corners.value = "14,12 19,12 19,17 14,17"
    editor.use.click()
    assert np.array_equal(view.mask, spot) and view.message == ""


def test_edits_that_cannot_be_are_refused(explainer, specimens, spot):
    with pytest.raises(UserError, match="mask has 3 × 3 pixels"):
        EditView(explainer, specimens.paths[0], np.ones((3, 3), dtype=bool))
    with pytest.raises(UserError, match="a single class"):
        EditView(tiny_explainer([A]), specimens.paths[0], spot)


def test_logits_that_are_no_numbers_are_said(specimens, spot):
    import torch

    broken = tiny_explainer([A, B])
    with torch.no_grad():
        for parameter in broken.model.parameters():
            parameter.fill_(float("nan"))
    with pytest.raises(UserError, match="no numbers"):
        EditView(broken, specimens.paths[0], spot)
    with pytest.raises(UserError, match="no numbers"):
        PairViewer(broken, specimens.select(labels=[A, B]))


def test_a_pair_is_asked_both_ways(explainer, specimens):
    viewer = PairViewer(explainer, specimens)
    assert viewer.pair == (A, B) and viewer.known.value == (A, B)
    own, other = viewer.value[A]
    assert own.label == A and other.label == B
    assert own.among_two.competing == [A, B] and len(own.among_all.competing) == 3
    first = own.among_all.image
    viewer.another[0].click()
    assert viewer.value[A][0].among_all.image != first
    viewer.head.value = STRONGEST
    assert "spot" in str([text.get_text() for text in viewer.figure().texts])


def test_a_pair_needs_two_species(explainer, specimens):
    viewer = PairViewer(explainer, specimens, (B, C))
    assert viewer.known.value is None
    before = viewer.value
    viewer.second.value = B
    assert "a pair needs two species" in viewer.message and viewer.value is before
    assert viewer.figure() is not None  # still of the last pair that could be
    viewer.second.value = A
    assert viewer.message == "" and set(viewer.value) == {A, B}
    viewer.known.value = (A, B)
    assert viewer.pair == (A, B)
    with pytest.raises(UserError, match="two species"):
        PairViewer(explainer, specimens, (A, A))
    with pytest.raises(UserError, match="no label"):
        PairViewer(explainer, specimens, (A, "unknown"))
    with pytest.raises(UserError, match="has one species"):
        PairViewer(explainer, specimens.select(labels=[A]))


def test_every_figure_is_small_and_as_wide_as_the_page(explainer, specimens, spot):
    for widget in (
        HeadBrowser(explainer, specimens),
        SpecimenBrowser(specimens),
        MaskEditor(specimens.paths[0], spot),
        EditView(explainer, specimens.paths[0], spot),
        PairViewer(explainer, specimens),
    ):
        drawn = figure_png(widget.figure())
        assert Image.open(io.BytesIO(drawn)).width == 792  # 183 mm at 110 dpi
        assert len(drawn) < 250_000
        assert repr(widget).startswith(widget.purpose)


def test_a_cell_gets_the_widget_and_a_figure(explainer, specimens, monkeypatch):
    from intr_discover.widgets import panel

    shown, again = [], []
    monkeypatch.setattr(panel, "display", lambda data, **settings: shown.append((data, settings)))
    monkeypatch.setattr(
        panel, "update_display", lambda data, **settings: again.append((data, settings))
    )
    browser = HeadBrowser(explainer, specimens)
    browser.photograph.value = 1
    assert again == []  # it is in no cell yet
    browser._ipython_display_()
    (view, _), (figure, settings) = shown
    assert "application/vnd.jupyter.widget-view+json" in view and "image/png" in figure
    browser.photograph.value = 2
    ((changed, same),) = again
    assert same["display_id"] == settings["display_id"]
    assert changed["image/png"] != figure["image/png"]


def test_probabilities_as_a_table():
    table = probability_table(["<a>", "b", "c"], [("p", [0.2, 0.7, float("nan")])], ["<a>"])
    assert "<b>&lt;a&gt;</b>" in table and "70.0 %" in table and "nan" not in table
    assert table.index("70.0 %") < table.index("20.0 %")


def test_names_are_text_in_tables_and_sentences():
    assert "<script>" not in table_html(pd.DataFrame({"a": ["<script>"]}))
    assert as_text("a_b *c* <i>") == "a\\_b \\*c\\* &lt;i>"


def test_a_study_is_asked_and_answers(explainer, specimens, capsys):
    answer = ask("evaluate", explainer, specimens, most=6)
    assert answer.result is not None and answer.result.summary["n"] == 6
    assert answer.numbers["number"].is_unique and "confusion" in answer.figures
    answer.show("confusion", "no such figure", numbers=True)
    again = ask("evaluate", explainer, specimens, most=6)
    assert again.result.table.equals(answer.result.table)


def test_what_cannot_be_asked_says_why(plain, explainer, specimens):
    answer = ask("heads", plain, specimens)
    assert isinstance(answer, Answer) and answer.result is None and answer.reason
    assert answer.figures == [] and answer.numbers.empty
    answer.show()
    with pytest.raises(UserError, match="there is no study 'tails'"):
        ask("tails", explainer, specimens)
    with pytest.raises(UserError, match="no option 'tail'"):
        ask("evaluate", explainer, specimens, tail=1)
    with pytest.raises(UserError, match="at least one photograph"):
        ask("evaluate", explainer, specimens, most=0)


def test_opening_takes_the_test_photographs():
    explainer, specimens = open_run("demo", "demo")
    assert len(explainer.classes) == 16 and specimens.splits == ["test"]


def test_labels_that_the_model_does_not_know_are_refused(specimens):
    with pytest.raises(UserError, match="does not know"):
        open_run("demo", specimens.source)


WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "ipywidgets":
            raise ModuleNotFoundError("No module named 'ipywidgets'", name="ipywidgets")
sys.meta_path.insert(0, Absent())
import intr_discover.widgets as widgets
try:
    widgets.HeadBrowser
except Exception as error:
    print(type(error).__name__, error)
"""


def test_without_ipywidgets_one_line_says_what_to_install():
    result = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert result.stdout.startswith("UserError the widgets need ipywidgets")
    assert "pip install 'intr-discover[notebooks]'" in result.stdout


def test_specimens_of_no_photograph_are_refused(specimens):
    empty = Specimens(specimens.table.iloc[:0], specimens.root)
    with pytest.raises(UserError, match="no photograph"):
        SpecimenBrowser(empty)
