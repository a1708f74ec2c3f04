"""Accuracy, confusion and the comparison of two models, against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Text

from intr_discover.errors import UserError
from intr_discover.figures import style
from intr_discover.figures.evaluation import confusion_matrix_figure, per_class_accuracy_figure
from intr_discover.studies.evaluation import evaluate_predictions, paired_difference

CLASSES = ["ant", "bee", "cat"]
# Six images: true ant ant ant bee bee cat, predicted ant ant bee bee bee bee.
LOGITS = np.array(
    [
        [2.0, 1.0, 0.0],
        [3.0, 0.0, 0.0],
        [1.0, 2.0, 0.0],
        [0.0, 1.0, 0.5],
        [0.0, 5.0, 0.0],
        [1.0, 2.0, 0.0],
    ]
)
TRUE = [0, 0, 0, 1, 1, 2]
IMAGES = [f"{place}.jpg" for place in range(6)]


@pytest.fixture(scope="module")
def six():
    return evaluate_predictions(LOGITS, TRUE, CLASSES, IMAGES)


# The worked example


def test_table_by_hand(six):
    table = six.table
    assert list(table["image"]) == IMAGES
    assert list(table["label"]) == ["ant"] * 3 + ["bee"] * 2 + ["cat"]
    assert list(table["predicted"]) == ["ant", "ant", "bee", "bee", "bee", "bee"]
    assert list(table["correct"]) == [True, True, False, True, True, False]
    assert list(table["rank_of_true"]) == [1, 1, 2, 1, 1, 3]
    assert list(table["margin"]) == [1.0, 3.0, -1.0, 0.5, 5.0, -2.0]
    # softmax of (2, 1, 0): 1 / (1 + e^-1 + e^-2); of (3, 0, 0): 1 / (1 + 2 e^-3)
    assert table["probability"][0] == pytest.approx(1 / (1 + math.exp(-1) + math.exp(-2)))
    assert table["probability"][1] == pytest.approx(1 / (1 + 2 * math.exp(-3)))
    # the third image: ant has logit 1 where bee has 2
    assert table["probability_of_true"][2] == pytest.approx(
        math.exp(-1) / (1 + math.exp(-1) + math.exp(-2))
    )
    assert list(table.loc[3, ["top_1", "top_2", "top_3"]]) == ["bee", "cat", "ant"]
    assert [name for name in table.columns if name.startswith("top_")] == [
        "top_1",
        "top_2",
        "top_3",
    ]


def test_summary_by_hand(six):
    summary = six.summary
    assert summary["n"] == 6 and summary["n_classes"] == 3 and summary["n_classes_seen"] == 3
    assert summary["top1"] == pytest.approx(4 / 6)
    assert summary["mean_per_class_top1"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    # Wilson by hand for 4 of 6, z = 1.959964: centre 0.601611, half-width 0.301616.
    assert summary["top1_low"] == pytest.approx(0.299995, abs=2e-6)
    assert summary["top1_high"] == pytest.approx(0.903227, abs=2e-6)
    # Three classes: the "top 5" are all three, so every image counts; Wilson's lower bound of
    # n of n is n / (n + z^2) = 6 / 9.841459.
    assert summary["top5"] == 1.0 and summary["top5_counts"] == 3
    assert summary["top5_low"] == pytest.approx(6 / 9.841459, abs=1e-6)
    assert summary["top5_high"] == 1.0
    assert summary["chance"] == pytest.approx(1 / 3)
    assert summary["n_tied"] == 0


def test_confusion_and_classes_by_hand(six):
    confusion = six.tables["confusion"]
    assert confusion.to_numpy().tolist() == [[2, 1, 0], [0, 2, 0], [0, 1, 0]]
    assert confusion.loc["cat", "bee"] == 1 and confusion.index.name == "true"
    per_class = six.tables["per_class"].set_index("label")
    assert list(per_class["n"]) == [3, 2, 1]
    assert list(per_class["correct"]) == [2, 2, 0]
    assert list(per_class["top1"]) == pytest.approx([2 / 3, 1, 0])
    assert list(per_class["n_predicted"]) == [2, 4, 0]
    assert list(per_class["precision"][:2]) == [1.0, 0.5]
    assert np.isnan(per_class.loc["cat", "precision"])  # it was never the answer
    assert list(per_class["mistaken_for"].fillna("")) == ["bee", "", "bee"]
    # Wilson's bounds of 2 of 2 and of 0 of 1: n / (n + z^2) and z^2 / (n + z^2).
    assert per_class.loc["bee", "low"] == pytest.approx(2 / 5.841459, abs=1e-6)
    assert per_class.loc["bee", "high"] == 1.0
    assert per_class.loc["cat", "low"] == 0.0
    assert per_class.loc["cat", "high"] == pytest.approx(3.841459 / 4.841459, abs=1e-6)


def test_the_result_saves_with_its_tables_and_figures(six, tmp_path):
    names = [path.name for path in six.save(tmp_path)]
    assert names == [
        "evaluate.csv",
        "evaluate_per_class.csv",
        "evaluate_confusion.csv",
        "summary.json",
        "confusion.png",
        "confusion.pdf",
        "per_class_accuracy.png",
        "per_class_accuracy.pdf",
        "provenance.json",
    ]
    confusion = (tmp_path / "evaluate_confusion.csv").read_text()
    assert confusion == "true,ant,bee,cat\nant,2,1,0\nbee,0,2,0\ncat,0,1,0\n"
    read = pd.read_csv(tmp_path / "evaluate.csv")
    assert read["margin"].tolist() == six.table["margin"].tolist()


# Rules


def test_top5_of_six_classes_leaves_one_out():
    logits = np.tile(np.arange(6.0), (2, 1))  # class 5 is best, class 0 is last
    result = evaluate_predictions(logits, [0, 1], list("abcdef"), ["x", "y"])
    assert list(result.table["rank_of_true"]) == [6, 5]
    assert result.summary["top5"] == 0.5 and result.summary["top5_counts"] == 5
    assert result.summary["top1"] == 0.0


def test_equal_logits_rank_in_the_order_of_the_classes():
    logits = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    result = evaluate_predictions(logits, [0, 1, 2, 2], CLASSES, list("wxyz"))
    assert list(result.table["predicted"]) == ["ant", "ant", "ant", "bee"]
    assert list(result.table["rank_of_true"]) == [1, 2, 3, 3]
    assert list(result.table["correct"]) == [True, False, False, False]
    assert list(result.table["margin"]) == [0.0, 0.0, 0.0, -2.0]
    assert result.summary["n_tied"] == 3


def test_a_constant_model_is_no_better_than_always_naming_the_first_class():
    true = np.repeat(np.arange(4), 5)
    result = evaluate_predictions(np.zeros((20, 4)), true, list("abcd"), list(map(str, true)))
    assert result.summary["top1"] == result.summary["chance"] == 0.25
    assert result.summary["n_tied"] == 20


def test_classes_without_images_are_left_out_of_the_mean():
    result = evaluate_predictions(LOGITS[:5], TRUE[:5], CLASSES, IMAGES[:5])
    assert result.summary["n_classes_seen"] == 2 and result.summary["n_classes"] == 3
    assert result.summary["mean_per_class_top1"] == pytest.approx((2 / 3 + 1) / 2)
    cat = result.tables["per_class"].iloc[2]
    assert cat["n"] == 0 and all(math.isnan(cat[key]) for key in ("top1", "low", "high"))
    result.figures()


def test_no_image_is_one_clear_line():
    with pytest.raises(UserError, match="no image to evaluate"):
        evaluate_predictions(np.zeros((0, 3)), [], CLASSES, [])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_answer_that_is_no_number_names_the_image(value):
    logits = LOGITS.copy()
    logits[4, 1] = value
    with pytest.raises(UserError, match=r"4\.jpg is not a finite number \(1 of 6 images\)"):
        evaluate_predictions(logits, TRUE, CLASSES, IMAGES)


def test_large_logits_do_not_overflow():
    result = evaluate_predictions([[1e4, 0.0], [-1e4, 0.0]], [0, 1], ["a", "b"], ["x", "y"])
    assert list(result.table["probability"]) == [1.0, 1.0]


@settings(max_examples=50, deadline=None)
@given(data=st.data(), count=st.integers(1, 30), classes=st.integers(2, 8))
def test_the_columns_agree_with_each_other(data, count, classes):
    # Few different values, so that ties are common.
    values = st.lists(st.integers(-2, 2), min_size=classes, max_size=classes)
    logits = np.array(data.draw(st.lists(values, min_size=count, max_size=count)), dtype=float)
    true = data.draw(st.lists(st.integers(0, classes - 1), min_size=count, max_size=count))
    names = [f"c{place}" for place in range(classes)]
    result = evaluate_predictions(logits, true, names, [str(place) for place in range(count)])
    table, summary = result.table, result.summary
    assert list(table["predicted"]) == [names[place] for place in logits.argmax(axis=1)]
    assert ((table["rank_of_true"] == 1) == table["correct"]).all()
    assert (table["margin"][table["correct"]] >= 0).all()
    assert (table["margin"][~table["correct"]] <= 0).all()
    confusion = result.tables["confusion"].to_numpy()
    assert confusion.sum() == count == summary["n"]
    assert np.trace(confusion) == table["correct"].sum()
    assert summary["top1_low"] <= summary["top1"] <= summary["top1_high"]
    assert 0 <= summary["top1"] <= summary["top5"] <= 1
    per_class = result.tables["per_class"]
    assert per_class["n"].sum() == per_class["n_predicted"].sum() == count


# Two models on the same images


def test_mcnemar_by_hand():
    # a alone is right on 8 images, b alone on 1: p = 2 (1 + 9) / 2^9.
    a = [1] * 8 + [0] + [1] * 11
    b = [0] * 8 + [1] + [1] * 11
    result = paired_difference(a, b, seed=0)
    assert result["p"] == pytest.approx(20 / 512)
    assert result["test"] == "McNemar exact"
    assert result["difference"] == pytest.approx(7 / 20)
    assert result["n"] == 20 and result["runs_a"] == result["runs_b"] == 1
    assert result["accuracy_a"] == pytest.approx(19 / 20)
    assert result["accuracy_b"] == pytest.approx(12 / 20)
    assert result["low"] < 7 / 20 < result["high"]


def test_models_that_agree_do_not_differ():
    result = paired_difference([1, 0, 1, 1], [1, 0, 1, 1], seed=0)
    assert (result["difference"], result["low"], result["high"], result["p"]) == (0, 0, 0, 1)
    result = paired_difference([[1, 0, 1]] * 2, [1, 0, 1], seed=0)
    assert (result["difference"], result["low"], result["high"], result["p"]) == (0, 0, 0, 1)


def test_interval_of_a_difference_that_is_the_same_everywhere():
    result = paired_difference(np.ones(10), np.zeros(10), seed=0)
    assert (result["difference"], result["low"], result["high"]) == (1, 1, 1)
    assert result["p"] == pytest.approx(2 / 2**10)


def test_the_interval_of_three_images_by_hand():
    # Differences 1, 0, 0. Of the 27 bootstrap samples 8 have mean 0 and 1 has mean 1: more than
    # 2.5 % each, so the percentiles are the extremes.
    result = paired_difference([1, 0, 1], [0, 0, 1], seed=0)
    assert result["difference"] == pytest.approx(1 / 3)
    assert (result["low"], result["high"]) == (0, 1)
    assert result["p"] == 1  # one image that differs: 2 * 1/2


def test_the_interval_agrees_with_the_normal_approximation_on_many_images():
    generator = np.random.default_rng(1)
    a, b = generator.random(2000) < 0.9, generator.random(2000) < 0.8
    result = paired_difference(a, b, seed=0)
    difference = a.astype(float) - b
    half = 1.959964 * difference.std() / math.sqrt(2000)
    assert result["low"] == pytest.approx(difference.mean() - half, abs=0.0015)
    assert result["high"] == pytest.approx(difference.mean() + half, abs=0.0015)


def test_sign_flip_by_hand():
    # Two runs each; three images differ, all in favour of a: 2 of the 2^3 sign patterns are as
    # large, so p is close to 1/4.
    a = [[1, 1, 1, 1, 0], [1, 1, 1, 1, 0]]
    b = [[0, 0, 0, 1, 0], [0, 0, 0, 1, 0]]
    result = paired_difference(a, b, seed=0)
    assert result["test"] == "sign flip" and result["runs_a"] == 2
    assert result["difference"] == pytest.approx(3 / 5)
    assert result["p"] == pytest.approx(0.25, abs=0.02)


def test_runs_are_averaged_within_each_image_and_may_differ_in_number():
    a = [[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]]
    result = paired_difference(a, [1, 0, 0, 0], seed=0)
    assert result["accuracy_a"] == pytest.approx(7 / 12)
    assert result["difference"] == pytest.approx(7 / 12 - 1 / 4)
    assert (result["runs_a"], result["runs_b"], result["n"]) == (3, 1, 4)


def test_repeating_a_run_makes_no_difference_more_certain():
    generator = np.random.default_rng(2)
    a, b = generator.random(100) < 0.9, generator.random(100) < 0.8
    once = paired_difference(a, b, seed=0)
    thrice = paired_difference([a] * 3, [b] * 3, seed=0)
    assert thrice["low"] == pytest.approx(once["low"])
    assert thrice["high"] == pytest.approx(once["high"])
    # Sign flips of single runs are McNemar's test, drawn at random.
    assert thrice["p"] == pytest.approx(once["p"], abs=0.01)


def test_swapping_the_models_mirrors_the_result():
    generator = np.random.default_rng(3)
    a, b = generator.random((2, 60)) < 0.9, generator.random((2, 60)) < 0.7
    forth, back = paired_difference(a, b, seed=0), paired_difference(b, a, seed=0)
    assert forth["difference"] == pytest.approx(-back["difference"])
    assert forth["low"] == pytest.approx(-back["high"], abs=0.01)


def test_the_same_seed_gives_the_same_numbers():
    generator = np.random.default_rng(4)
    a, b = generator.random((2, 60)) < 0.9, generator.random((2, 60)) < 0.7
    assert paired_difference(a, b, seed=5) == paired_difference(a, b, seed=5)
    assert paired_difference(a, b, seed=5)["low"] != paired_difference(a, b, seed=6, n_resamples=50)


def test_one_image_cannot_be_compared():
    with pytest.raises(UserError, match="at least 2"):
        paired_difference([1], [0], seed=0)


# The figures


def confusion_of(classes, wrong=1, name="species {}"):
    counts = np.full((classes, classes), 0)
    np.fill_diagonal(counts, 9)
    counts[0, 1] = wrong
    names = [name.format(place) for place in range(classes)]
    return pd.DataFrame(counts, index=names, columns=names)


def per_class_of(classes, name="species {}"):
    share = np.linspace(0.2, 1.0, classes)
    return pd.DataFrame(
        {
            "label": [name.format(place) for place in range(classes)],
            "n": np.arange(classes) + 3,
            "top1": share,
            "low": share - 0.1,
            "high": np.minimum(share + 0.1, 1.0),
        }
    )


def assert_readable(figure):
    """Every text lies on the page and on no other text."""
    with style.journal_style():
        figure.draw_without_rendering()
        boxes = []
        for text in figure.findobj(Text):
            if text.get_text().strip() and text.get_visible():
                assert text.get_fontsize() >= style.SMALLEST_PT
                boxes.append((text.get_text(), text.get_window_extent()))
    corners = np.array([[box.x0, box.y0, box.x1, box.y1] for _, box in boxes])
    assert corners[:, :2].min() >= 0
    assert corners[:, 2].max() <= figure.bbox.x1 and corners[:, 3].max() <= figure.bbox.y1
    across = np.minimum.outer(corners[:, 2], corners[:, 2]) - np.maximum.outer(
        corners[:, 0], corners[:, 0]
    )
    upright = np.minimum.outer(corners[:, 3], corners[:, 3]) - np.maximum.outer(
        corners[:, 1], corners[:, 1]
    )
    collide = (across > 1) & (upright > 1)
    np.fill_diagonal(collide, False)
    assert not collide.any(), [boxes[place][0] for place in np.argwhere(collide)[0]]


LONG = "Heliconius melpomene thelxiopeia {}"


@pytest.mark.parametrize("classes", [2, 10, 200])
def test_confusion_matrix_is_readable(classes):
    figure = confusion_matrix_figure(confusion_of(classes, name=LONG))
    assert_readable(figure)
    width, height = style.size_mm(figure)
    assert min(abs(width - column) for column in (89, 120, 183)) < 1e-6
    assert height < style.PAGE_HEIGHT_MM


def test_confusion_matrix_colours_shares_and_writes_counts():
    confusion = confusion_of(3, wrong=1)
    matrix, bar = confusion_matrix_figure(confusion).axes
    (image,) = matrix.images
    assert np.asarray(image.get_array())[0] == pytest.approx([0.9, 0.1, 0.0])
    assert image.get_clim() == (0.0, 1.0)
    written = {(text.get_position()): text.get_text() for text in matrix.texts}
    assert written == {(0, 0): "9", (1, 0): "1", (1, 1): "9", (2, 2): "9"}
    assert matrix.get_xlabel() == "predicted class" and matrix.get_ylabel() == "true class"
    assert bar.get_ylabel() == "share of true class"
    labels = [label.get_text() for label in matrix.get_yticklabels()]
    assert labels == ["species 0", "species 1", "species 2"]


def test_many_classes_have_no_numbers_and_not_every_label():
    matrix = confusion_matrix_figure(confusion_of(200)).axes[0]
    assert len(matrix.texts) == 0
    places = matrix.get_xticks()
    assert 30 <= len(places) < 100 and len(set(np.diff(places))) == 1
    names = [label.get_text() for label in matrix.get_xticklabels()]
    assert names == [f"species {place}" for place in places]


def test_counts_too_wide_for_their_cells_are_left_out():
    confusion = confusion_of(20, wrong=10_000_000)
    assert len(confusion_matrix_figure(confusion).axes[0].texts) == 0


def test_classes_without_images_are_hatched_not_coloured():
    confusion = confusion_of(4)
    confusion.iloc[2] = 0
    matrix = confusion_matrix_figure(confusion).axes[0]
    assert np.isnan(matrix.images[0].get_array().filled(np.nan)[2]).all()
    (hatching,) = [patch for patch in matrix.patches if patch.get_hatch()]
    assert hatching.get_y() == 1.5 and hatching.get_height() == 1.0


@pytest.mark.parametrize("classes", [1, 70, 525])
def test_per_class_accuracy_is_readable(classes):
    figure = per_class_accuracy_figure(per_class_of(classes, name=LONG))
    assert_readable(figure)
    width, height = style.size_mm(figure)
    assert width == pytest.approx(89 if classes <= 70 else 183)
    assert height <= 225.5


def test_per_class_accuracy_is_sorted_and_shows_interval_and_n():
    table = per_class_of(3)
    table.loc[3] = ["unseen", 0, np.nan, np.nan, np.nan]
    (axes,) = per_class_accuracy_figure(table).axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["species 2", "species 1", "species 0", "unseen"]
    points = [line for line in axes.lines if line.get_marker() == "o"]
    assert points[0].get_xdata()[:3] == pytest.approx([100, 60, 20])
    segments = axes.collections[0].get_segments()
    assert segments[1] == pytest.approx(np.array([[50, 1], [70, 1]]))
    numbers = [text.get_text() for text in axes.texts]
    assert numbers == ["5", "4", "3", "0", "n"]
    # The line at the mean of the classes that have images.
    (mean,) = [line for line in axes.lines if line.get_marker() != "o"]
    assert list(mean.get_xdata()) == pytest.approx([60, 60])
