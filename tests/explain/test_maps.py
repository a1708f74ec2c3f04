"""An explanation in original pixels: positions by hand, values untouched, files without pickle."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.text import Text
from scipy.ndimage import map_coordinates

from intr_discover.errors import UserError
from intr_discover.explain.maps import Explanation, place_on_photograph


def explanation(**changes):
    maps = np.zeros((2, 3, 2, 2), dtype=np.float32)
    maps[0, 0] = [[0.25, 0.25], [0.25, 0.25]]
    maps[0, 1] = [[1, 0], [0, 0]]
    maps[0, 2] = [[0, 0.6], [0.4, 0]]
    maps[1, :] = [[0.7, 0.1], [0.1, 0.1]]
    values = {
        "image": "folder/specimen 12.jpg",
        "photograph": np.zeros((8, 8, 3), dtype=np.uint8),
        "classes": ["erato", "melpomene"],
        "maps": maps,
        "peaks": np.array([[5, 1, 2], [0, 0, 0]], dtype=np.float32),
        "map_maxima": maps.max((-1, -2)),
        "competing": ["melpomene", "erato", "numata"],
        "logits": np.array([1, 3, 2], dtype=np.float32),
        "probabilities": np.array([0.09, 0.67, 0.24], dtype=np.float32),
        "layer": 1,
        "layers": 2,
        "context_mode": None,
        "stride": 4,
        "resized_shape": (8, 8),
        "provenance": {"model": "runs/leeds"},
    }
    return Explanation(**{**values, **changes})


def test_a_map_of_equal_size_is_bilinear_between_cell_centres():
    cells = np.array([[0, 4], [8, 12]], dtype=np.float32)
    placed = place_on_photograph(cells, 4, (8, 8), (8, 8))
    # Cell centres lie at pixels 1.5 and 5.5 of each side; pixel 2 is an eighth of the way.
    np.testing.assert_allclose(placed[0], [0, 0, 0.5, 1.5, 2.5, 3.5, 4, 4])
    np.testing.assert_allclose(placed[:, 0], [0, 0, 1, 3, 5, 7, 8, 8])


def test_a_photograph_twice_as_large_keeps_places():
    cells = np.array([[0, 4], [8, 12]], dtype=np.float32)
    placed = place_on_photograph(cells, 4, (8, 8), (16, 16))
    # Pixel 3 has its centre at 1.75 resized pixels, before the first cell's at 2; pixel 4 at 2.25.
    assert placed[0, 3] == 0
    np.testing.assert_allclose(placed[0, 4], 4 * (2.25 - 2) / 4)
    np.testing.assert_allclose(placed[0, 11], 4 * (5.75 - 2) / 4)


def test_cells_that_reach_over_the_edge_are_cut():
    """A photograph of 6 resized pixels has two cells of 4: the second shows only its first half."""
    cells = np.array([[0, 1]], dtype=np.float32)
    placed = place_on_photograph(cells, 4, (4, 6), (4, 6))
    np.testing.assert_allclose(placed[0], [0, 0, 0.125, 0.375, 0.625, 0.875])


@settings(deadline=None)
@given(
    cells=arrays(np.float32, (3, 5), elements=st.floats(0, 1, width=32)),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
)
def test_agrees_with_scipy_and_stays_in_range(cells, height, width):
    stride, resized = 8, (21, 40)
    placed = place_on_photograph(cells, stride, resized, (height, width))
    rows = (np.arange(height) + 0.5) * resized[0] / height / stride - 0.5
    columns = (np.arange(width) + 0.5) * resized[1] / width / stride - 0.5
    grid = np.meshgrid(rows.clip(0, 2), columns.clip(0, 4), indexing="ij")
    np.testing.assert_allclose(placed, map_coordinates(cells, grid, order=1), atol=1e-5)
    assert placed.min() >= cells.min() - 1e-6
    assert placed.max() <= cells.max() + 1e-6


def test_ranking():
    one = explanation()
    assert one.ranked_heads() == [1, 2, 0]
    assert one.ranked_heads("erato", "peak") == [0, 2, 1]
    assert one.ranked_heads("melpomene") == [0, 1, 2]  # equal: in the order of heads
    with pytest.raises(UserError, match="maximum or peak"):
        one.ranked_heads("erato", "best")
    with pytest.raises(UserError, match="numata"):
        one.ranked_heads("numata")


def test_heatmaps_are_raw():
    one = explanation()
    assert one.heatmap("erato", 1).max() == 1
    np.testing.assert_array_equal(one.heatmap("erato", np.int64(1)), one.heatmap("erato", 1))
    np.testing.assert_allclose(one.heatmap("erato"), place_on_photograph(
        one.maps[0].mean(0), 4, (8, 8), (8, 8)))  # fmt: skip
    assert one.heatmap("erato", 2, shape=(4, 2)).shape == (4, 2)
    for wrong in (3, -1, "best"):
        with pytest.raises(UserError, match="no head"):
            one.heatmap("erato", wrong)


def test_prediction():
    one = explanation()
    assert one.predicted == "erato"
    assert one.probability == pytest.approx(0.67)
    assert one.heads == 3


@pytest.mark.parametrize("ranking", ["maximum", "peak"])
def test_figure_names_what_it_shows(ranking):
    one = explanation(context_mode="zero")
    texts = " ".join(text.get_text() for text in one.figure(ranking=ranking).findobj(Text))
    for word in ("erato", "melpomene", "specimen 12.jpg", "layer 2 of 2"):
        assert word in texts


def test_npz_holds_everything_and_no_pickle(tmp_path):
    one = explanation()
    path = one.save(tmp_path / "specimen 1.2")
    assert path.name == "specimen 1.2.npz"
    stored = np.load(path, allow_pickle=False)
    np.testing.assert_array_equal(stored["maps"], one.maps)
    assert stored["classes"].tolist() == ["erato", "melpomene"]
    assert stored["competing"].tolist() == ["melpomene", "erato", "numata"]
    assert json.loads(str(stored["provenance"])) == {"model": "runs/leeds"}
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
