"""A matrix of similarities: alike classes side by side, names that fit, one even scale."""

from __future__ import annotations

import numpy as np
import pytest

from intr_discover.errors import UserError
from intr_discover.figures import style
from intr_discover.figures.similarity_matrix import cluster_order, similarity_matrix_figure
from tests.figures.text_boxes import axes_of, require_no_overlap

# Classes 0 and 2 are alike, and 1 and 3.
TWO_GROUPS = np.array(
    [[1.0, 0.1, 0.9, 0.0], [0.1, 1.0, 0.0, 0.8], [0.9, 0.0, 1.0, 0.1], [0.0, 0.8, 0.1, 1.0]]
)


def random_similarities(count):
    vectors = np.random.default_rng(0).normal(size=(count, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors @ vectors.T


def test_alike_classes_lie_side_by_side():
    order = cluster_order(TWO_GROUPS)
    assert sorted(order) == [0, 1, 2, 3]
    place = {label: number for number, label in enumerate(order)}
    assert abs(place[0] - place[2]) == 1 and abs(place[1] - place[3]) == 1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_classes_keep_their_order(count):
    assert cluster_order(np.eye(count)) == list(range(count))


def test_rows_names_and_scale_belong_together():
    names = ["ant", "bee", "cat", "dog"]
    figure = similarity_matrix_figure(names, TWO_GROUPS, label="cosine", pairs=[(1, 3)])
    (axes,) = axes_of(figure, "similarities")
    shown = [label.get_text() for label in axes.get_yticklabels()]
    order = [names.index(name) for name in shown]
    drawn = axes.images[0].get_array()
    off = ~np.eye(4, dtype=bool)
    np.testing.assert_array_equal(drawn.mask, ~off)
    np.testing.assert_allclose(drawn.data[off], TWO_GROUPS[np.ix_(order, order)][off])
    assert axes.images[0].get_clim() == (-0.9, 0.9)
    frames = [line for line in axes.lines if line.get_gid() == "pair"]
    corners = {(min(line.get_xdata()) + 0.5, min(line.get_ydata()) + 0.5) for line in frames}
    bee, dog = shown.index("bee"), shown.index("dog")
    assert corners == {(bee, dog), (dog, bee)}


@pytest.mark.parametrize("width", [89.0, 183.0])
@pytest.mark.parametrize("count", [1, 2, 60, 200])
@pytest.mark.parametrize("name", ["class {}", "Heliconius melpomene thelxiopeia × elevatus {}"])
def test_any_number_of_classes(width, count, name):
    names = [name.format(number) for number in range(count)]
    figure = similarity_matrix_figure(names, random_similarities(count), label="cosine",
                                      width=width)  # fmt: skip
    wide, high = style.size_mm(figure)
    assert wide == pytest.approx(width) and high <= style.PAGE_HEIGHT_MM + 1e-6
    require_no_overlap(figure)
    assert len(axes_of(figure, "colour bar")) == 1


def test_unknown_similarities_stay_grey():
    values = np.array([[1.0, np.nan, 0.5], [np.nan, 1.0, 0.1], [0.5, 0.1, 1.0]])
    figure = similarity_matrix_figure(["ant", "bee", "cat"], values, label="cosine")
    (axes,) = axes_of(figure, "similarities")
    assert axes.images[0].get_array().mask.sum() == 3 + 2


def test_too_narrow_a_figure_is_refused():
    with pytest.raises(UserError, match="200 classes do not fit"):
        similarity_matrix_figure(["x"] * 200, random_similarities(200), label="cosine", width=40.0)
