"""Keypoints and masks of photographs become parts that peaks hit: placed and counted by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.studies.head_descriptors import HeadViews
from intr_discover.studies.part_hits import BESIDE, hit_parts
from tests.studies.drawn import HEIGHT, SPECIMEN, WIDTH, draw_specimens


def views_at(*points, noisy=None, cell=4.0):
    """Views of one photograph after the other whose heads peak at the given (x, y)."""
    where = np.array(points, dtype=float)
    n, heads = where.shape[:2]
    empty = np.zeros((n, heads))
    again = np.full((n, heads, 2), np.nan) if noisy is None else np.array(noisy, dtype=float)
    return HeadViews(
        predicted=np.zeros(n, int), descriptors=np.zeros((n, heads, 3), np.float32), peaks=empty,
        map_maxima=empty, areas=empty, points=where, noisy_points=again, importance=empty,
        similarity=np.zeros(n), answered_descriptors=np.zeros((n, heads, 3), np.float32),
        answered_areas=empty, answered_maxima=empty, layer_differences=np.zeros((0, 1, heads)),
        shapes=np.tile([HEIGHT, WIDTH], (n, 1)), cells=np.full((n, 2), cell), uniform=np.ones(n),
    )  # fmt: skip


def folder_with(folder, keypoints=(), **settings):
    """Draw one photograph; ``keypoints`` holds (name, x, y)."""
    draw_specimens(folder, ["ant"], per_label=1, **settings)
    if keypoints:
        rows = [("images/00-00.png", *each) for each in keypoints]
        table = pd.DataFrame(rows, columns=["image", "keypoint", "x", "y"])
        table.to_csv(folder / "keypoints.csv", index=False)
    return Specimens.read(folder)


def named(parts, row=0, head=0):
    return {name for name, hit in zip(parts.named, parts.hit[row, head], strict=True) if hit}


def test_attributes_are_hit_within_the_tolerance_and_the_ground_is_named(tmp_path):
    specimens = folder_with(tmp_path / "d")
    # The spot is at x 14…19, y 12…17, the specimen at x 10…45, y 8…31. Tolerance: 8/160 of 40, or
    # half a cell: 2 pixels.
    peaks = [[19, 12], [21, 12], [22, 12], [45, 31], [47, 20], [48, 20]]
    parts = hit_parts(specimens, views_at(peaks))
    assert sorted(parts.named) == [BESIDE, "spot"]
    found = [named(parts, head=head) for head in range(6)]
    assert found == [{"spot"}, {"spot"}, set(), set(), set(), {BESIDE}]
    assert parts.named_visible.all()


def test_a_window_that_touches_the_mask_counts(tmp_path):
    specimens = folder_with(tmp_path / "d")
    # Wide window: 72/224 of 56 and of 40 pixels, half of it is 9 and 6.43. Narrow: 4 and 2.86.
    peaks = [[28, 15], [29, 15], [23, 15], [24, 15], [19, 20.8], [19, 21]]
    parts = hit_parts(specimens, views_at(peaks, noisy=[[[28, 15]] * 6]))
    assert parts.names == parts.merged == ["spot"]
    assert parts.wide[0, :, 0].tolist() == [True, False, True, True, True, True]
    assert parts.narrow[0, :, 0].tolist() == [False, False, True, False, False, False]
    assert parts.noisy[0, :, 0].all()


def test_keypoints_make_regions_on_the_specimen(tmp_path):
    keypoints = [("wing_left_1", 15, 20), ("wing_right_2", 40, 20), ("head", 28, 10)]
    specimens = folder_with(tmp_path / "d", keypoints, attributes=False)
    parts = hit_parts(specimens, views_at([[11, 30], [44, 30], [28, 9], [2, 2], [15, 20]]))
    assert parts.names == ["head", "wing_left_1", "wing_right_2"]
    assert parts.merged == ["head", "wing_1", "wing_2"]
    assert sorted(parts.named) == [BESIDE, "head", "wing"]
    found = [named(parts, head=head) for head in range(5)]
    assert found == [{"wing"}, {"wing"}, {"head"}, {BESIDE}, {"wing"}]
    # The window round (15, 20) reaches from 6 to 24 and from 13.6 to 26.4.
    assert parts.wide[0, 4].tolist() == [False, True, False]


def test_keypoints_have_a_radius(tmp_path):
    specimens = folder_with(tmp_path / "d", [("head", 28, 10), ("tail", 28, 30)])
    views = views_at([[28, 20]])  # the window's edges lie 3.57 from either
    assert not hit_parts(specimens, views).wide[0, 0, :2].any()
    assert hit_parts(specimens, views, radius=0.1).wide[0, 0, :2].all()  # 4 pixels


def test_what_is_not_visible_is_not_hit(tmp_path):
    keypoints = [("head", 28, 10), ("left_wing", None, None)]
    specimens = folder_with(tmp_path / "d", keypoints)
    Image.fromarray(np.zeros((HEIGHT, WIDTH), np.uint8)).save(tmp_path / "d" / "spot.png")
    parts = hit_parts(specimens, views_at([[28, 10]]))
    assert parts.visible[0].tolist() == [True, False, False]
    shown = dict(zip(parts.named, parts.named_visible[0], strict=True))
    assert shown == {"head": True, "wing": False, "spot": False, BESIDE: True}
    assert named(parts) == {"head"}


def test_without_a_specimen_mask_nothing_lies_beside_it(tmp_path):
    specimens = folder_with(tmp_path / "d", [("head", 28, 10), ("tail", 28, 30)], masks=False)
    parts = hit_parts(specimens, views_at([[0, 0]]))
    assert named(parts) == {"head"}
    assert not parts.named_visible[0, parts.named.index(BESIDE)]


def test_one_name_for_a_keypoint_and_an_attribute(tmp_path):
    specimens = folder_with(tmp_path / "d", [("spot", 28, 10), ("tail", 28, 30)])
    parts = hit_parts(specimens, views_at([[28, 10]]))
    assert parts.names == ["spot (point)", "tail", "spot"]
    assert named(parts) == {"spot (point)"}


def test_random_points_lie_on_the_specimen(tmp_path):
    specimens = folder_with(tmp_path / "d")
    parts = hit_parts(specimens, views_at([[28, 10]]))
    assert not parts.random[0, :, parts.named.index(BESIDE)].any()
    # 6 × 6 pixels widened by 2 and rounded at the corners, on 24 × 36.
    region = np.zeros((HEIGHT, WIDTH), bool)
    region[12:18, 14:20] = True
    y, x = np.indices(region.shape)
    near = np.min(
        [np.hypot(y - v, x - u) for v, u in zip(*np.nonzero(region), strict=True)], axis=0
    )
    share = (near[SPECIMEN] <= 2).mean()
    counts = [hit_parts(specimens, views_at([[28, 10]]), seed=seed) for seed in range(20)]
    found = np.mean([each.random[0, :, each.named.index("spot")].mean() for each in counts])
    assert found == pytest.approx(share, abs=0.03)
    again = hit_parts(specimens, views_at([[28, 10]]))
    assert (again.random == parts.random).all()


def test_where_no_part_is_known_there_is_nothing(tmp_path):
    assert hit_parts(folder_with(tmp_path / "d", attributes=False), views_at([[1, 1]])) is None


def test_a_large_mask_is_reduced(tmp_path):
    specimens = folder_with(tmp_path / "d")
    factor = 30  # 1200 × 1680 pixels
    for name in ("spot.png", "specimen.png", "images/00-00.png"):
        picture = Image.open(tmp_path / "d" / name)
        size = WIDTH * factor, HEIGHT * factor
        picture.resize(size, Image.Resampling.NEAREST).save(tmp_path / "d" / name)
    views = views_at([[20 * factor + 55, 450], [20 * factor + 65, 450]], cell=4 * factor)
    views.shapes[:] = [HEIGHT * factor, WIDTH * factor]
    parts = hit_parts(specimens, views)  # tolerance 60 pixels, give or take 2
    assert parts.hit[0, :, parts.named.index("spot")].tolist() == [True, False]


@pytest.mark.parametrize(("x", "y"), [(WIDTH, 10), (-1, 10), (10, HEIGHT), (10, -0.6)])
def test_a_keypoint_off_the_photograph_is_refused(tmp_path, x, y):
    specimens = folder_with(tmp_path / "d", [("head", x, y)])
    with pytest.raises(UserError, match=r"00-00\.png: the keypoint 'head' at .* lies off"):
        hit_parts(specimens, views_at([[1, 1]]))


def test_a_keypoint_on_the_last_pixel_is_on_it(tmp_path):
    specimens = folder_with(tmp_path / "d", [("head", WIDTH - 0.5, HEIGHT - 0.5)])
    assert hit_parts(specimens, views_at([[WIDTH - 1, HEIGHT - 1]])).wide[0, 0, 0]


def test_a_mask_of_another_size_is_refused(tmp_path):
    specimens = folder_with(tmp_path / "d")
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "d" / "spot.png")
    with pytest.raises(UserError, match=r"spot\.png has 9 x 9 pixels"):
        hit_parts(specimens, views_at([[1, 1]]))
