"""The pattern benchmark: its parts by hand, and all of it on a little drawn archive."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from benchmarks.heliconius_patterns import measure, write_results
from benchmarks.pattern_baseline import pixel_regression, small_pixels
from benchmarks.pattern_figure import pairs_figure
from benchmarks.pattern_folds import join
from benchmarks.pattern_pairs import (
    OutOfFold,
    confusability_ranks,
    pair_table,
    pairwise_right,
    summarise,
)
from benchmarks.pattern_pictures import cut, squared, window
from data_prep.heliconius_patterns import prepare
from intr_discover import Specimens
from intr_discover.data.folds import group_names, grouped_folds
from intr_discover.errors import UserError
from intr_discover.figures.style import journal_style
from intr_discover.studies.common_frame import Frame
from intr_discover.studies.pair_contexts import PairAnswers

RACES = ["erato_p", "erato_q", "melpomene_p", "melpomene_q"]
EACH = 12
TINY = {
    "image_size": 32,
    "evaluation_scale": 1.0,
    "augmentation": "none",
    "width": 16,
    "heads": 2,
    "feed_forward": 16,
    "encoder_layers": 0,
    "decoder_layers": 1,
    "epochs": 2,
}


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Specimens:
    """Return drawn patterns, wider than high: a bar whose place and height are the race's."""
    root = tmp_path_factory.mktemp("patterns")
    generator = np.random.default_rng(0)
    rows = []
    for number, race in enumerate(RACES):
        (root / race).mkdir()
        for specimen in range(EACH):
            picture = np.zeros((34, 62), np.uint8)
            left = 12 + 8 * (number % 2) + int(generator.integers(3))
            picture[8 : 14 + 8 * (number // 2), left : left + 12] = 255
            picture[10, left + specimen] = 0  # no two pictures are the same
            image = f"{race}/{specimen}.png"
            Image.fromarray(picture).save(root / image)
            rows.append((image, race, f"{race} {specimen}"))
    table = pd.DataFrame(rows, columns=["image", "label", "specimen_id"])
    pairs = pd.DataFrame({"label_a": RACES[:2], "label_b": RACES[2:]})
    return Specimens(table, root, pairs=pairs)


@pytest.fixture(scope="module")
def pictures(published, tmp_path_factory) -> Specimens:
    return squared(published, tmp_path_factory.mktemp("squared"))


@pytest.fixture(scope="module")
def measured(pictures, tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    return runs, *measure(pictures, runs, 2, 0, TINY)


def test_the_window_is_the_smallest_square_around_the_patterns():
    patterns = np.zeros((100, 20, 40), dtype=bool)
    patterns[:, 5:9, 10:20] = True  # 4 rows, 10 columns
    patterns[0, 0, 39] = True  # a speck in one picture of a hundred
    # Side 10 (a rim of 2 % rounds to 0); rows 5 to 8 in its middle: (5 + 9 - 10) // 2 = 2.
    assert window(patterns) == (10, 2, 10)


def test_what_lies_off_the_picture_is_empty():
    pattern = np.ones((2, 3), dtype=bool)
    expected = [[0, 0, 0, 0], [0, 1, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0]]
    assert cut(pattern, left=-1, top=-1, side=4).astype(int).tolist() == expected
    assert cut(pattern, left=1, top=1, side=1).tolist() == [[True]]


def test_squared_pictures_keep_rows_and_pixels(published, pictures):
    assert pictures.table["label"].tolist() == published.table["label"].tolist()
    assert pictures.table["specimen_id"].tolist() == published.table["specimen_id"].tolist()
    for before, after in zip(published.paths, pictures.paths, strict=True):
        with Image.open(before) as wide, Image.open(after) as square:
            assert square.width == square.height < wide.width
            assert set(np.unique(square)) == {0, 255}
            assert (np.asarray(square) > 0).sum() == (np.asarray(wide) > 0).sum()


def test_squared_pictures_are_not_written_again(published, tmp_path):
    first = squared(published, tmp_path)
    first.paths[0].unlink()
    with pytest.raises(UserError, match="not there"):
        squared(published, tmp_path)  # read, not made


def test_small_pixels_are_shares(tmp_path):
    picture = np.zeros((64, 64), np.uint8)
    picture[:, 1] = 255  # half of every second column's 2 × 2 pixels
    Image.fromarray(picture).save(tmp_path / "a.png")
    grid = small_pixels([tmp_path / "a.png"]).reshape(32, 32)
    assert grid[:, 0] == pytest.approx(0.5, abs=0.01)
    assert (grid[:, 1:] == 0).all()


def test_the_regression_learns_what_is_plain_and_never_sees_test_labels(pictures):
    split = ["train"] * 9 + ["val"] + ["test"] * 2
    plain = pictures.with_table(pictures.table.assign(split=split * len(RACES)))
    found = pixel_regression(plain)
    true = np.repeat(range(len(RACES)), 2)
    assert (found.logits.argmax(axis=1) == true).all()
    assert (found.more_logits.argmax(axis=1) == true).all()
    assert np.exp(found.logits).sum(axis=1) == pytest.approx(1)
    assert found.validation_top1 == 1
    # Other labels on the held-out rows (each class stays) change nothing.
    labels = plain.table["label"].to_numpy(copy=True)
    tested = np.flatnonzero(plain.table["split"] == "test")
    labels[tested] = labels[tested][::-1]
    again = pixel_regression(plain.with_table(plain.table.assign(label=labels)))
    assert np.array_equal(found.logits, again.logits)


def by_hand() -> OutOfFold:
    """Return three classes, of which a and b are look-alikes: two pictures of a, two of b, c."""
    frame = Frame("photograph", np.ones((1, 2), dtype=bool), {})
    intr = np.array([[3, 1, 0], [1, 2, 0], [0, 2, 2.5], [1, 1, 0], [0, 0, 4], [0, 1, 3]])
    regression = np.array([[3, 1, 0], [2, 1, 0], [0, 2, 1], [0, 1, 0], [0, 0, 4], [0, 1, 3]])
    rows = np.arange(4)
    # a: right, taken for b; b: taken for c, and a tie, which argmax gives to a.
    own, mate = np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0])
    margins = np.stack([intr[rows, mate] - intr[rows, own]] * 3, axis=1)
    taken = np.array([[False, True, False, True], [False] * 4, [True] * 4]).T
    answers = PairAnswers(rows, margins, taken, np.zeros((4, 2, 1)), np.full((4, 2, 2), [0.5, 1.5]))
    return OutOfFold(
        ["a", "b", "c"],
        np.array([0, 0, 1, 1, 2, 2]),
        np.array([0, 1, 0, 1, 0, 1]),
        {"intr": intr, "regression": regression},
        regression,
        [("a", "b", None)],
        [answers],
        frame,
    )


def test_right_of_the_two_compares_only_the_two_and_a_tie_is_wrong():
    found = by_hand()
    # The third picture is answered c, but b beats a; the fourth is a tie.
    assert pairwise_right(found, "intr", 0).tolist() == [True, False, True, False]
    assert pairwise_right(found, "regression", 0).tolist() == [True, True, True, True]


def test_one_row_a_pair_by_hand():
    (row,) = pair_table(by_hand(), seed=0).to_dict("records")
    assert (row["n_a"], row["n_b"], row["n"]) == (2, 2, 4)
    assert (row["taken_a_all"], row["taken_b_all"]) == (0.5, 0.5)
    assert (row["taken_a_zero"], row["taken_b_subset"]) == (0, 1)
    assert (row["regression_taken_a"], row["regression_taken_b"]) == (0, 0)
    assert (row["intr_pairwise"], row["regression_pairwise"]) == (0.5, 1)
    # Margins of a: -2 and 1; of b: -2 and 0. Means -0.5 and -1.
    assert row["confusability"] == pytest.approx(-0.75)
    # a and c: a → c (-3 - 1) / 2 = -2, c → a (-4 - 3) / 2 = -3.5; b and c: (0.5 - 1) / 2 = -0.25
    # and (-4 - 2) / 2 = -3. So a and b are the most confusable.
    assert row["rank"] == 1
    assert row["difference"] == -0.5
    # Two pictures differ, both for the regression: 2 · (1/2)² = 0.5.
    assert row["difference_p"] == pytest.approx(0.5)
    # Two and two pictures have 6 relabellings: none can be significant.
    assert row["significant_cells"] is None or np.isnan(row["significant_cells"])


def test_ranks_are_symmetric_and_ties_share_the_worst():
    found = by_hand()
    found.logits["intr"] = np.zeros((6, 3))
    ranks = confusability_ranks(found, "intr")
    assert ranks.tolist() == [[0, 3, 3], [3, 0, 3], [3, 3, 0]]


def test_numbers_overall_by_hand():
    found = by_hand()
    summary = summarise(found, pair_table(found, 0), 0)
    # INTR: right, b, c, a (the first of a tie), right, right.
    assert summary["intr_top1"] == 0.5
    assert summary["intr_top1_by_fold"] == [pytest.approx(2 / 3), pytest.approx(1 / 3)]
    assert summary["regression_top1"] == 1
    assert summary["top1_difference"]["difference"] == -0.5
    assert (summary["intr_pairwise"], summary["n_pairwise"]) == (0.5, 4)
    # Of three wrong answers in the pair, two are the look-alike.
    assert (summary["intr_wrong"], summary["intr_wrong_is_mate"]) == (3, pytest.approx(2 / 3))
    # b taken for c, which like b is no first label; the other two cross over.
    assert summary["intr_wrong_in_species"] == pytest.approx(1 / 3)
    assert summary["intr_median_rank"] == 1
    assert summary["regression_wrong"] == 0 and np.isnan(summary["regression_wrong_is_mate"])
    assert (summary["intr_pairs_ranked_first"], summary["n_all_pairs"]) == (1, 3)
    assert summary["n_tested_pairs"] == 0


def test_folds_are_joined_in_the_order_of_rows():
    def part(rows: list[int]) -> PairAnswers:
        values = np.array(rows, dtype=np.float64)
        wide = np.repeat(values[:, None], 3, axis=1)
        return PairAnswers(
            np.array(rows), wide, wide > 2, wide[:, :2, None], wide[:, :2, None] + [0, 1]
        )

    joined = join([part([1, 4]), part([0, 3])])
    assert joined.rows.tolist() == [0, 1, 3, 4]
    assert joined.margins[:, 0].tolist() == [0, 1, 3, 4]
    assert joined.taken[:, 2].tolist() == [False, False, True, True]
    assert joined.maps[3, 1].tolist() == [4, 5]


def test_no_model_saw_what_it_is_asked_about(pictures, measured):
    runs, record, _ = measured
    assert [row["held_out"] for row in record["folds"]] == [24, 24]
    for number, row in enumerate(record["folds"], 1):
        # 15 % of 6 a race: one.
        assert (row["train"], row["validation"]) == (20, 4)
        stored = json.loads((runs / f"fold_{number}" / "config.json").read_text())
        assert len(stored["data"]["validation_images"]) == row["validation"]
    assert record["summary"]["n"] == len(pictures) == record["data"]["groups"]


def test_finished_folds_are_used_again(pictures, measured):
    runs, record, table = measured
    weights = [runs / f"fold_{number}" / "model.safetensors" for number in (1, 2)]
    before = [path.stat().st_mtime_ns for path in weights]
    again, same = measure(pictures, runs, 2, 0, TINY)
    assert [path.stat().st_mtime_ns for path in weights] == before
    assert again == record
    pd.testing.assert_frame_equal(same, table)


def test_a_run_of_other_folds_is_refused(pictures, measured):
    # Its model may have been trained on what is held out now.
    runs, _, _ = measured
    with pytest.raises(UserError, match="other settings: remove it, or use another"):
        measure(pictures, runs, 2, 1, TINY)
    fewer = pictures.with_table(pictures.table.iloc[1:])
    fewer.pairs = pictures.pairs
    with pytest.raises(UserError, match="trained on other pictures"):
        measure(fewer, runs, 2, 0, TINY)


def test_too_few_pictures_to_validate(pictures, tmp_path):
    few = pictures.with_table(pictures.table.groupby("label").head(5))
    few.pairs = pictures.pairs
    with pytest.raises(UserError, match="too few pictures of each race"):
        measure(few, tmp_path, 2, 0, TINY)
    assert not list(tmp_path.iterdir())


def test_folds_of_the_real_archive(shared, tmp_path):
    prepare(shared / "data" / "heliconius_patterns", tmp_path / "table")
    specimens = Specimens.read(tmp_path / "table")
    # No specimen and no file is there twice.
    assert len(set(group_names(specimens))) == len(specimens) == 281
    held_out = grouped_folds(specimens, 5, 0)
    assert sum(len(rows) for rows in held_out) == 281
    for rows in held_out:
        counts = specimens.table["label"].iloc[rows].value_counts()
        assert len(counts) == 28 and set(counts) <= {1, 2, 3}


def test_results_are_numbers_alone(measured, tmp_path):
    _, record, table = measured
    record = {"command": "python -m benchmarks.heliconius_patterns", **record}
    record["machine"] = {"processor": "a processor", "threads": 1}
    stem = tmp_path / "results" / "heliconius_patterns"
    write_results(record, table, stem, tmp_path / "pairs.png")
    names = sorted(path.name for path in (tmp_path / "results").iterdir())
    assert names == [f"heliconius_patterns.{ending}" for ending in ("csv", "json", "md")]
    stored = json.loads((tmp_path / "results" / "heliconius_patterns.json").read_text())
    assert [row["label_a"] for row in stored["pairs"]] == RACES[:2]
    read = pd.read_csv(tmp_path / "results" / "heliconius_patterns.csv")
    assert read["intr_pairwise"].tolist() == pytest.approx(table["intr_pairwise"], abs=1e-4)
    page = (tmp_path / "results" / "heliconius_patterns.md").read_text(encoding="utf-8")
    assert "| erato p / melpomene p | 12 + 12 |" in page
    with Image.open(tmp_path / "pairs.png") as picture:
        assert picture.width > 2000


def test_one_pair_with_long_names_and_no_doubt():
    row = {"label_a": "erato_" + "x" * 40, "label_b": "melpomene_" + "y" * 40, "n": 2, "rank": 378}
    for name in ("intr_pairwise", "regression_pairwise", "difference", "confusability"):
        row |= {name: 1.0, f"{name}_low": 1.0, f"{name}_high": 1.0}
    figure = pairs_figure(pd.DataFrame([row]))
    with journal_style():
        renderer = figure.canvas.get_renderer()
        edges = [text.get_window_extent(renderer) for text in figure.texts]
    assert min(edge.x0 for edge in edges) >= 0
    assert max(edge.x1 for edge in edges) <= figure.bbox.width
