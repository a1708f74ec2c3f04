"""The common frame: landmarks brought to one side, mean shapes, and places worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.interpolate import griddata

from intr_discover.data import rings
from intr_discover.data.preprocessing import Preprocessing
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.studies.common_frame import (
    box_frame,
    landmark_frame,
    points_by_box,
    points_by_landmarks,
)
from intr_discover.studies.framing import Framing
from intr_discover.studies.landmark_shapes import View, mean_shape, one_sided
from tests.studies.drawn import HEIGHT, SPECIMEN, WIDTH, draw_specimens

SQUARE = {"a": (0.0, 0.0), "b": (10.0, 0.0), "c": (10.0, 10.0), "d": (0.0, 10.0), "e": (3.0, 2.0)}


# Sides


def test_names_are_brought_to_one_side():
    points = {"forewing_left_tip": (1, 2), "forewing_right_tip": (9, 2), "left_base": (4, 5),
              "R-base": (6, 5), "head": (5, 0), "abdomen": (5, 9), "cleft": (5, 4)}  # fmt: skip
    left, right = one_sided(points)
    assert left.side == "left" and right.side == "right"
    assert set(left.points) == set(right.points) == {
        "forewing_tip", "base", "head", "abdomen", "cleft"
    }  # fmt: skip
    assert left.points["forewing_tip"] == (1, 2) and right.points["base"] == (6, 5)
    assert left.middle == {"head", "abdomen", "cleft"}


def test_one_wing_alone_is_one_view():
    (view,) = one_sided({f"right_{number}": (number, number**2) for number in range(5)})
    assert view.side == "right" and len(view.points) == 5
    (view,) = one_sided(SQUARE)
    assert view.side == "" and view.points == SQUARE


def test_too_few_landmarks_or_all_on_a_line_place_nothing():
    assert one_sided({}) == []
    assert one_sided(dict(list(SQUARE.items())[:3])) == []
    assert one_sided({str(x): (x, 2 * x) for x in range(6)}) == []


# Mean shapes


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 6.28), st.floats(0.2, 5), st.booleans()), min_size=1, max_size=5
    )
)
def test_moved_turned_scaled_and_mirrored_copies_have_one_shape(changes):
    shape = np.array(list(SQUARE.values()))
    copies = []
    for angle, scale, mirror in changes:
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        copies.append((shape * [-1 if mirror else 1, 1]) @ turn * scale + [7, -3])
    mean = mean_shape(copies)
    assert np.allclose(mean.mean(axis=0), 0, atol=1e-9)
    centred = shape - shape.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1).mean()
    # Distances between landmarks are those of the shape, whatever way it stands.
    between = np.linalg.norm(mean[:, None] - mean[None], axis=-1)
    assert np.allclose(between, np.linalg.norm(centred[:, None] - centred[None], axis=-1))


def test_the_mean_stands_as_the_photographs_do():
    shape = np.array(list(SQUARE.values()))
    centred = (shape - shape.mean(axis=0)) / np.linalg.norm(
        shape - shape.mean(axis=0), axis=1
    ).mean()
    small = 0.1
    turn = np.array([[np.cos(small), -np.sin(small)], [np.sin(small), np.cos(small)]])
    assert np.allclose(mean_shape([shape @ turn, shape @ turn.T]), centred)
    # Two left wings and one right wing: the mean is a left wing.
    assert np.allclose(mean_shape([shape, shape, shape * [-1, 1]]), centred)


def test_a_landmark_that_is_not_visible_is_filled_by_the_others():
    shape = np.array(list(SQUARE.values()))
    hidden = shape * 2.0
    hidden[4] = np.nan
    mean = mean_shape([hidden, shape])
    assert np.allclose(mean / np.abs(mean).max(), (shape - shape.mean(0)) / np.abs(
        shape - shape.mean(0)).max())  # fmt: skip


# Frames


def test_landmarks_go_exactly_to_landmarks():
    bent = {name: (2 * x + 0.1 * y**2 + 5, 3 * y + 4) for name, (x, y) in SQUARE.items()}
    views = [View("", SQUARE), View("", bent)]
    frame = landmark_frame(views, [1.0, 2.5])
    points = points_by_landmarks(frame, views[1], 5)
    rows, columns = frame.shape
    y, x = (np.mgrid[0 : rows * 5, 0 : columns * 5] + 0.5) / 5 - 0.5
    for name, place in frame.landmarks.items():
        there = griddata((x.ravel(), y.ravel()), points.reshape(-1, 2), place)
        assert np.allclose(there, bent[name], atol=0.05)


def test_a_folded_frame_ends_at_the_middle_line():
    points = {"head": (50.0, 10.0), "tail": (50.0, 90.0)}
    for side, sign in (("left", -1), ("right", 1)):
        for name, (dx, y) in {"tip": (40, 20), "base": (5, 40), "end": (30, 80)}.items():
            points[f"{side}_{name}"] = (50.0 + sign * dx, y)
    views = one_sided(points)
    frame = landmark_frame(views, [4.0, 4.0])
    assert frame.folded and frame.kind == "landmarks"
    tip, head = frame.landmarks["tip"], frame.landmarks["head"]
    assert tip[0] < head[0]  # a left side
    assert frame.shape[1] - 1 - head[0] < 1  # no cell lies more than a cell beyond the line
    left, right = (points_by_landmarks(frame, view) for view in views)
    assert np.allclose(left[..., 0], 100 - right[..., 0], atol=1e-6)
    assert np.allclose(left[..., 1], right[..., 1], atol=1e-6)
    # Between head and wing tip, outside one side's hull, but within that of both.
    row, column = round(head[1]), round((tip[0] + head[0]) / 2)
    assert frame.inside[row, column]


def test_boxes_by_hand():
    frame = box_frame("specimen", [[10, 20, 50, 40], [0, 0, 80, 40]], [4.0, 8.0])
    # Both are 10 cells long and twice as wide as high.
    assert frame.shape == (5, 10) and frame.inside.all()
    points = points_by_box(frame, [10, 20, 50, 40], 1)
    assert points[0, 0].tolist() == [11.5, 21.5]  # the middle of pixels 10 to 13 and 20 to 23
    assert points[-1, -1].tolist() == [47.5, 37.5]
    tiny = box_frame("photograph", [[0, 0, 30, 10]], [30.0])
    assert tiny.shape == (3, 8)  # no fewer than 8 on the longer side


# Photographs


@pytest.fixture
def folder(tmp_path):
    return draw_specimens(tmp_path / "drawn", ["ant", "bee"], per_label=2)


def framing_of(folder):
    return Framing(Specimens.read(folder), Preprocessing(HEIGHT, "shorter", 200), 4)


def test_even_attention_is_one_everywhere(folder):
    framing = framing_of(folder)
    assert framing.frame.kind == "specimen"
    even = np.full((3, HEIGHT // 4, WIDTH // 4), 1 / (HEIGHT // 4 * WIDTH // 4))
    assert np.allclose(framing.maps(0, even), 1.0)


def test_a_place_of_the_photograph_has_its_place_in_the_frame(folder):
    framing = framing_of(folder)
    box = SPECIMEN[1].start, SPECIMEN[0].start, SPECIMEN[1].stop, SPECIMEN[0].stop
    rows, columns = framing.frame.shape
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    y, x = 25, 40
    mask[y, x] = True
    expected = int((y + 0.5 - box[1]) / (box[3] - box[1]) * rows) * columns
    expected += int((x + 0.5 - box[0]) / (box[2] - box[0]) * columns)
    assert np.flatnonzero(framing.region(0, mask)).tolist() == [expected]
    assert not framing.region(0, np.zeros((HEIGHT, WIDTH))).any()
    photograph = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    photograph[y - 1 : y + 2, x - 1 : x + 2] = 255
    picture = framing.picture(0, photograph, 8)
    assert picture.shape == (rows * 8, columns * 8, 3)
    brightest = np.argwhere(picture[..., 0] == picture.max())[0] // 8
    assert brightest[0] * columns + brightest[1] == expected


def test_without_masks_the_frame_is_the_photograph(tmp_path):
    folder = draw_specimens(tmp_path / "d", ["ant"], per_label=1, masks=False, attributes=False)
    framing = framing_of(folder)
    assert framing.frame.kind == "photograph" and framing.has(0)


def test_an_empty_mask_has_no_place(folder):
    Image.fromarray(np.zeros((HEIGHT, WIDTH), np.uint8)).save(folder / "empty.png")
    table = pd.read_csv(folder / "specimens.csv")
    table.loc[0, "mask"] = "empty.png"
    table.to_csv(folder / "specimens.csv", index=False)
    framing = framing_of(folder)
    assert [framing.has(row) for row in range(4)] == [False, True, True, True]


def test_photographs_of_other_sizes_meet_in_the_frame(tmp_path):
    folder = rings.write_collection(tmp_path / "small", 1, size=96, seed=5, ring_count=1)
    other = rings.write_collection(tmp_path / "large", 1, size=160, seed=5, ring_count=1)
    found = []
    for place in (folder, other):
        specimens = Specimens.read(place)
        framing = Framing(specimens, Preprocessing(96, "shorter", None), 8)
        row = 0
        keypoints = specimens.keypoints
        of_image = keypoints[keypoints["image"] == specimens.table["image"][row]]
        shape = framing.shapes[row]
        mask = np.zeros(shape, dtype=bool)
        point = of_image[of_image["keypoint"] == "forewing_left_cell_end"].iloc[0]
        row_of, column_of = int(point["y"]), int(point["x"])
        mask[row_of - 1 : row_of + 2, column_of - 1 : column_of + 2] = True
        assert framing.frame.folded and len(framing.frame.landmarks) == 23
        cell = np.flatnonzero(framing.region(row, mask))
        rows, columns = np.nonzero(framing.frame.inside)
        x, y = framing.frame.landmarks["forewing_cell_end"]
        near = np.hypot(rows[cell] - y, columns[cell] - x)
        assert len(cell) and near.min() < 1.0
        found.append(framing.frame.shape)
    # The same individuals: the frame is as fine as the maps, which have as many cells on either.
    assert np.abs(np.subtract(*found)).max() <= 1


def test_a_keypoint_off_the_photograph_is_refused(folder):
    image = Specimens.read(folder).table["image"][0]
    (folder / "keypoints.csv").write_text(f"image,keypoint,x,y\n{image},tip,{WIDTH + 3},5\n")
    with pytest.raises(UserError, match=r"keypoint 'tip' of .* lies off the photograph"):
        framing_of(folder)


def test_a_mask_of_another_size_is_refused(folder):
    Image.fromarray(np.full((10, 10), 255, np.uint8)).save(folder / "specimen.png")
    with pytest.raises(UserError, match="make it the same size"):
        framing_of(folder)


def test_the_real_landmarks_of_few_photographs_do_not_decide(folder):
    image = Specimens.read(folder).table["image"][0]
    lines = [f"{image},{name},{x + 12},{y + 10}" for name, (x, y) in SQUARE.items()]
    (folder / "keypoints.csv").write_text("image,keypoint,x,y\n" + "\n".join(lines) + "\n")
    assert framing_of(folder).frame.kind == "specimen"  # one of four has landmarks
