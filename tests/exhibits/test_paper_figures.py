"""The figures of a paper on tiny models: structure, captions, and one clear line for mistakes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from intr_discover.errors import UserError
from intr_discover.exhibits.decomposition import above_smallest
from intr_discover.exhibits.paper_figure import FigureInputs
from intr_discover.exhibits.photographs import Photographs
from intr_discover.exhibits.registry import find_figures
from intr_discover.figures import style
from tests.exhibits.material import (
    LABELS,
    LONG,
    collection,
    explainer_like,
    inputs,
    make,
    plain_explainer,
    save_run,
)
from tests.figures.text_boxes import axes_of, require_no_overlap, texts_of
from tests.studies.drawn import tiny_explainer

GRIDS = ["heads", "methods", "datasets", "restricted", "variants", "class_methods", "layers",
         "decomposition"]  # fmt: skip


@pytest.fixture(scope="module")
def specimens(tmp_path_factory):
    return collection(tmp_path_factory.mktemp("figures") / "drawn", per_label=3)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs to compare with: INTR-FC on the same grid and on a coarser one, and a plain one."""
    folder = tmp_path_factory.mktemp("runs")
    save_run(folder / "fc", explainer_like(LABELS, kind="intr-fc"))
    save_run(folder / "coarse", explainer_like(LABELS, backbone_stride=16))
    save_run(folder / "plain", plain_explainer(LABELS))
    save_run(folder / "others", explainer_like(["wasp", "fly"]))
    return folder


def options_for(name, runs):
    options = {"methods": {"masks": 2}, "class_methods": {"masks": 2}, "variants": {},
               "decomposition": {"measured": 2}}.get(name, {})  # fmt: skip
    return {**options, "against": str(runs / "fc")} if name == "variants" else options


def maps_of(drawn):
    return axes_of(drawn.figure, "head map")


@pytest.mark.parametrize("width", [89.0, 183.0])
@pytest.mark.parametrize("name", GRIDS)
def test_every_grid_has_its_width_one_bar_and_no_text_on_another(name, width, specimens, runs):
    given = inputs(specimens, width=width)
    drawn = make(name, given, **options_for(name, runs))
    assert style.size_mm(drawn.figure)[0] == pytest.approx(width)
    assert style.size_mm(drawn.figure)[1] <= style.PAGE_HEIGHT_MM + 1e-6
    require_no_overlap(drawn.figure)
    assert len(axes_of(drawn.figure, "colour bar")) == 1
    assert maps_of(drawn) and axes_of(drawn.figure, "photograph")
    for word in ("seed 0", "layer", "scale", "SHA-256"):
        assert word in drawn.caption, word
    assert drawn.caption.endswith(".") or drawn.caption.endswith("….")


@pytest.mark.parametrize("name", ["heads", "datasets", "layers", "decomposition", "queries"])
def test_one_class_one_head_one_photograph_and_a_long_name(name, tmp_path):
    one = collection(tmp_path / "drawn", [LONG], per_label=1)
    given = inputs(one, explainer_like([LONG], heads=1, decoder_layers=1), width=89.0)
    drawn = make(name, given)
    require_no_overlap(drawn.figure)
    assert LONG in drawn.caption or name == "queries"


@pytest.mark.parametrize("name", [*GRIDS, "manipulation", "queries"])
def test_a_model_without_maps_is_refused_in_one_line(name, specimens, runs):
    given = inputs(specimens, plain_explainer(LABELS))
    if name == "manipulation":  # answers can change without a map
        assert "no heads" in make(name, given, controls=1).caption
        return
    with pytest.raises(UserError, match="runs/plain is a plain classifier") as caught:
        make(name, given, **options_for(name, runs))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [*GRIDS, "queries"])
def test_damaged_weights_are_refused(name, specimens, runs):
    damaged = tiny_explainer(LABELS)
    with torch.no_grad():
        damaged.model.class_queries.weight[:] = float("nan")
    with pytest.raises(UserError, match=r"no number"):
        make(name, inputs(specimens, damaged), **options_for(name, runs))


def test_heads_keep_their_column_and_are_ranked_over_the_rows(specimens):
    explainer = explainer_like(LABELS, heads=4)
    given = inputs(specimens, explainer, classes=["bee"])
    drawn = make("heads", given, count=3, top=2, mean=True)
    paths = [each.path for each in given.shown.of_class("bee", 3, 0)]
    maxima = np.mean([explainer.explain(path, ["bee"]).map_maxima[0] for path in paths], axis=0)
    best = np.argsort(-maxima, kind="stable")[:2]
    expected = ["photo", *(f"head {head}" for head in best), "mean of all"]
    assert texts_of(drawn.figure, "column heading") == expected
    assert len(maps_of(drawn)) == 3 * 3 and len(axes_of(drawn.figure, "photograph")) == 3
    largest = max(explainer.explain(p, ["bee"]).map_maxima[0, best].max() for p in paths)
    assert f"from 0 to {largest:.2g}:" in drawn.caption
    assert "n = 3" in drawn.caption and f"head {best[0]}, head {best[1]}" in drawn.caption


def test_peaks_rank_otherwise(specimens):
    explainer = explainer_like(LABELS, heads=4)
    with torch.no_grad():  # a bias of one head's keys lifts its scores and not its attention
        module = explainer.model.decoder.layers[-1].cross_attention
        module.in_proj_bias[:16] = 1.0  # queries of all heads
        module.in_proj_bias[16 + 8 : 16 + 12] = 50.0  # keys of head 2
    given = inputs(specimens, explainer, classes=["ant"])
    drawn = make("heads", given, ranking="peak")
    assert texts_of(drawn.figure, "column heading")[1] == "head 2"
    assert "score before the softmax" in drawn.caption
    with pytest.raises(UserError, match="ranking 'best' is unknown"):
        make("heads", given, ranking="best")


def test_names_of_heads_stand_in_figure_and_caption(specimens):
    given = inputs(specimens, classes=["bee"], names={("bee", 1): "red spot"})
    drawn = make("heads", given, count=1)
    assert "head 1 (red spot)" in drawn.caption
    assert "head 1 (red spot)" in " ".join(texts_of(drawn.figure, "column heading"))


def test_layers_stand_one_below_the_other(specimens):
    drawn = make("layers", inputs(specimens, explainer_like(LABELS, decoder_layers=3)), top=1)
    rows = texts_of(drawn.figure, "row heading")
    assert rows == [f"decoder layer {layer} of 3" for layer in (1, 2, 3)]
    assert len(maps_of(drawn)) == 3


@pytest.mark.parametrize("mode", ["zero", "subset"])
def test_restricted_has_two_rows_a_photograph(specimens, mode):
    drawn = make("restricted", inputs(specimens), mode=mode, count=2)
    rows = texts_of(drawn.figure, "row heading")
    assert len(rows) == 8 and len(maps_of(drawn)) == 8 * 3
    assert "all 3 classes" in rows[0] and "these two only" in rows[1]
    assert ("set to zero" if mode == "zero" else "left out") in drawn.caption
    assert "ant and bee" in drawn.caption and "n = 4 photographs" in drawn.caption
    assert "single decoder layer" not in drawn.caption
    one = make("restricted", inputs(specimens, explainer_like(LABELS, decoder_layers=1)))
    assert "single decoder layer" in one.caption and "photographs: 0.00" in one.caption


@pytest.mark.parametrize(
    ("classes", "options", "message"),
    [
        (["ant"], {}, "give --class twice, not 1"),
        (["ant", "ant"], {}, "not ant twice"),
        (["ant", "wasp"], {}, "no class 'wasp'"),
        (["ant", "bee"], {"mode": "one"}, "mode 'one' is unknown"),
    ],
)
def test_pairs_that_are_none(specimens, classes, options, message):
    with pytest.raises(UserError, match=message):
        make("restricted", inputs(specimens, classes=classes), **options)


def test_files_need_to_be_told_the_pair(specimens):
    given = FigureInputs(tiny_explainer(LABELS), Photographs.of_files(specimens.paths[:1]))
    with pytest.raises(UserError, match="nobody said which are the look-alikes"):
        make("restricted", given)


def test_variants_on_one_grid_and_on_two(specimens, runs):
    same = make("variants", inputs(specimens), against=str(runs / "fc"), count=2, top=1)
    assert texts_of(same.figure, "group heading") == ["INTR", "INTR-FC"]
    assert len(maps_of(same)) == 4 and "attention weight per cell" in same.caption
    coarse = make("variants", inputs(specimens), against=str(runs / "coarse"), count=1, top=1)
    (bar,) = axes_of(coarse.figure, "colour bar")
    assert "units of even attention" in bar.get_xlabel().replace("\n", " ")
    assert "units of even attention" in coarse.caption
    # The scale ends at the largest weight times the number of cells of its model.
    label = one_label(coarse.caption)
    shown = inputs(specimens).shown.of_class(label, 1, 0)[0]
    largest = 1.0
    for explainer in (tiny_explainer(LABELS), explainer_like(LABELS, backbone_stride=16)):
        explanation = explainer.explain(shown.path, [label])
        head = explanation.ranked_heads(label)[0]
        cells = explanation.maps[0, 0].size
        largest = max(largest, float(explanation.map_maxima[0, head]) * cells)
    assert bar.get_xticklabels()[-1].get_text() == f"{largest:.2g}"


def one_label(caption):
    return next(label for label in LABELS if f"query of {label}." in caption)


@pytest.mark.parametrize(
    ("against", "message"),
    [(None, "give --against RUN"), ("absent", "no such run"), ("others", "no class"),
     ("plain", "plain classifier")],
)  # fmt: skip
def test_runs_that_cannot_be_compared(specimens, runs, against, message):
    with pytest.raises(UserError, match=message):
        make("variants", inputs(specimens), against=against and str(runs / against))


def test_methods_explain_a_plain_model_where_one_is_given(specimens, runs):
    drawn = make("methods", inputs(specimens), count=2, top=2, masks=2, plain=str(runs / "plain"))
    # Two heads, the mean, Grad-CAM and RISE of two photographs.
    assert len(maps_of(drawn)) == 2 * 5
    assert "explain the plain classifier" in drawn.caption and "2 masks" in drawn.caption
    titles = [axes.get_title(loc="left") for axes in maps_of(drawn)[:5]]
    assert titles[2:] == ["mean of all", "Grad-CAM of plain model", "RISE of plain model"]
    with pytest.raises(UserError, match="is an INTR"):
        make("methods", inputs(specimens), masks=2, plain=str(runs / "fc"))


def test_class_methods_show_the_most_probable_classes_or_those_asked_for(specimens):
    given = inputs(specimens, images=["01-00.png"])
    drawn = make("class_methods", given, top=2, masks=2)
    explanation = given.explainer.explain(specimens.paths[3])
    order = np.argsort(-explanation.logits)
    rows = texts_of(drawn.figure, "row heading")
    assert [row.split(" (")[0] for row in rows] == [LABELS[place] for place in order[:2]]
    # The photograph in question once, an example of each class.
    assert len(axes_of(drawn.figure, "photograph")) == 3 and len(maps_of(drawn)) == 6
    asked = make("class_methods", inputs(specimens, images=["01-00.png"], classes=["cat"]), masks=2)
    assert len(texts_of(asked.figure, "row heading")) == 1
    assert "01-00.png (true class bee)" in asked.caption
    file = FigureInputs(tiny_explainer(LABELS), Photographs.of_files(specimens.paths[:1]))
    assert "No examples" in make("class_methods", file, top=2, masks=2).caption


def test_datasets_fill_two_blocks_and_say_how_many_classes(tmp_path):
    labels = [f"class {number:02d}" for number in range(14)]
    many = collection(tmp_path / "drawn", labels, per_label=1)
    drawn = make("datasets", inputs(many), top=2)
    assert len(axes_of(drawn.figure, "photograph")) == 12 and len(maps_of(drawn)) == 24
    assert "12 of 14 classes" in drawn.caption
    lefts = {round(axes.get_position().x0, 4) for axes in axes_of(drawn.figure, "photograph")}
    assert len(lefts) == 2
    require_no_overlap(drawn.figure)


def test_an_attribute_is_edited(specimens):
    drawn = make("manipulation", inputs(specimens, classes=["bee"]), controls=2)
    assert style.size_mm(drawn.figure)[0] == pytest.approx(183)
    assert "erase (telea) of spot" in drawn.caption and "n = 2 control regions" in drawn.caption
    assert "fewer than" not in drawn.caption
    mask = str(specimens.root / "spot.png")
    given = inputs(specimens, images=["00-01.png"])
    by_mask = make("manipulation", given, mask=mask, op="recolour", colour="#2040d0", controls=0)
    assert "recolour (colour) of the region" in by_mask.caption
    assert "No control region" in by_mask.caption


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (["00-00.png", "00-01.png"], {}, "shows one photograph"),
        (["00-00.png"], {"attribute": "tail"}, "no attribute 'tail'; it has: spot"),
        (["00-00.png"], {"op": "paint over"}, "no operation 'paint over'"),
        (["00-00.png"], {"controls": -1}, "0 or more"),
        (["00-00.png"], {"mask": "none.png"}, "none.png"),
    ],
)
def test_edits_that_are_none(specimens, images, options, message):
    with pytest.raises(UserError, match=message):
        make("manipulation", inputs(specimens, images=images), **options)


def test_the_attribute_is_chosen_where_nobody_named_one(tmp_path):
    specimens = collection(tmp_path / "drawn", per_label=1)
    # The third class has no look-alike: its only attribute is taken.
    only = make("manipulation", inputs(specimens, images=["02-00.png"]), controls=0)
    assert "of spot (outlined)" in only.caption
    second = specimens.attributes.assign(attribute="tail")
    specimens.attributes = pd.concat([specimens.attributes, second])
    by_pair = make("manipulation", inputs(specimens, images=["00-00.png"]), controls=0)
    assert "of spot (outlined)" in by_pair.caption
    with pytest.raises(UserError, match="several places; it has: spot, tail"):
        make("manipulation", inputs(specimens, images=["02-00.png"]), controls=0)


def test_files_need_a_mask(specimens):
    given = FigureInputs(tiny_explainer(LABELS), Photographs.of_files(specimens.paths[:1]))
    with pytest.raises(UserError, match="Give --mask FILE"):
        make("manipulation", given)


def test_queries_need_no_photograph(specimens):
    alone = make("queries", FigureInputs(tiny_explainer(LABELS)))
    assert "n = 3 pairs of classes" in alone.caption and "look-alikes" not in alone.caption
    with_pairs = make("queries", inputs(specimens))
    assert "known look-alikes" in with_pairs.caption and "(n = 1 pairs)" in with_pairs.caption


def test_decomposition_says_its_numbers(specimens):
    drawn = make("decomposition", inputs(specimens), count=1, top=1, measured=5)
    assert len(maps_of(drawn)) == 3
    assert "n = 5 photographs" in drawn.caption and "95 % interval" in drawn.caption
    assert texts_of(drawn.figure, "column heading") == ["photo", "attention", "saliency", "product"]


def test_saliency_above_its_smallest_cell():
    saliency = np.array([[[-2.0, 3.0], [np.nan, 0.0]], [[5.0, 5.0], [5.0, 6.0]]])
    expected = [[[0.0, 5.0], [0.0, 2.0]], [[0.0, 0.0], [0.0, 1.0]]]
    np.testing.assert_array_equal(above_smallest(saliency), expected)


def test_options_are_checked(specimens):
    figure = find_figures()["heads"]
    with pytest.raises(UserError, match="has no option 'columns'"):
        figure.make(inputs(specimens), columns=3)
    with pytest.raises(UserError, match="--count must be at least 1, not 0"):
        figure.make(inputs(specimens), count=0)
    with pytest.raises(UserError, match="layers 0 to 1"):
        figure.make(inputs(specimens), layer=7)
    with pytest.raises(UserError, match="no class 'wasp'"):
        figure.make(inputs(specimens, classes=["wasp"]))
    with pytest.raises(UserError, match="shows photographs"):
        figure.make(FigureInputs(tiny_explainer(LABELS)))


def test_the_same_seed_gives_the_same_figure(specimens):
    first, second = (make("heads", inputs(specimens, seed=4)) for _ in range(2))
    assert first.caption == second.caption
    for one, other in zip(maps_of(first), maps_of(second), strict=True):
        np.testing.assert_array_equal(one.images[0].get_array(), other.images[0].get_array())
