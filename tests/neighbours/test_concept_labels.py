"""Concepts of a collection: names with states, and marks that move with the photograph."""

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from intr_discover.data.augmentation import build_augmentation
from intr_discover.data.preprocessing import Preprocessing
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.neighbours.token_models.concept_labels import (
    ConceptImages,
    concept_masks,
    concept_names,
    stack_marks,
)


@pytest.fixture
def marked(tmp_path):
    """Two photographs of 32 × 48: a red square is the mark of the first, nothing of the second."""
    pixels = np.zeros((2, 32, 48, 3), np.uint8)
    pixels[0, 8:16, 16:32, 0] = 255
    for number, photograph in enumerate(pixels):
        Image.fromarray(photograph).save(tmp_path / f"{number}.png")
    Image.fromarray(pixels[0, ..., 0]).save(tmp_path / "mask.png")
    pd.DataFrame({"image": ["0.png", "1.png"], "label": ["a", "b"]}).to_csv(
        tmp_path / "specimens.csv", index=False
    )
    pd.DataFrame(
        {"image": ["0.png"], "attribute": ["spot"], "mask": ["mask.png"], "state": ["red"]}
    ).to_csv(tmp_path / "attributes.csv", index=False)
    return Specimens.read(tmp_path)


def images_of(specimens, augmentation, cache_side=None):
    marks = concept_masks(specimens, ["spot (green)", "spot (red)"])
    return ConceptImages(
        marks, 2, 8, specimens.paths, np.array([0, 1]), Preprocessing(32, "shorter", None),
        augmentation, 0, cache_side,
    )  # fmt: skip


def test_a_state_is_a_concept_of_its_own(marked):
    assert concept_names(marked) == ["spot (red)"]
    assert concept_masks(marked, ["spot (green)", "spot (red)"]) == [
        [(1, marked.root / "mask.png")],
        [],
    ]
    without = marked.attributes.drop(columns="state")
    assert concept_names(Specimens(marked.table, marked.root, attributes=without)) == ["spot"]


def test_without_marks_the_user_is_told(marked):
    with pytest.raises(UserError, match=r"marked attributes.*add attributes\.csv"):
        concept_names(Specimens(marked.table, marked.root))


def test_marks_lie_in_the_cells_of_the_mask(marked):
    image, label, cells = images_of(marked, None).marked((0, 0))
    assert (tuple(image.shape), label, tuple(cells.shape)) == ((3, 32, 48), 0, (2, 4, 6))
    expected = torch.zeros(2, 4, 6, dtype=torch.bool)
    expected[1, 1, 2:4] = True  # rows 8 to 16, columns 16 to 32, in cells of 8 pixels
    assert torch.equal(cells, expected)
    assert not images_of(marked, None).marked((0, 1))[2].any()


@pytest.mark.parametrize("cache_side", [None, 24])
def test_marks_move_with_what_they_mark(marked, cache_side):
    images = images_of(marked, build_augmentation("light", 64, None, 0.3), cache_side)
    seen = set()
    for epoch in range(6):
        image, _, cells = images.marked((epoch, 0))
        red = (image[0] > 0).numpy().astype(np.uint8)  # black lies below the mean
        found = cv2.dilate(red, np.ones((5, 5), np.uint8))  # the edges differ by interpolation
        inside = found.reshape(8, 8, 8, 8).max((1, 3)) > 0
        core = cv2.erode(red, np.ones((5, 5), np.uint8)).reshape(8, 8, 8, 8).max((1, 3)) > 0
        marks = cells[1].numpy()
        assert not (marks & ~inside).any() and not (core & ~marks).any()
        assert torch.equal(cells, images.marked((epoch, 0))[2])
        seen.add(marks.tobytes())
    assert len(seen) > 1


def test_marks_of_different_sizes_are_stacked():
    small, large = torch.ones(2, 1, 2, dtype=torch.bool), torch.ones(2, 2, 3, dtype=torch.bool)
    stacked = stack_marks([small, large], (2, 3))
    assert stacked.shape == (2, 2, 2, 3)
    assert stacked[0].sum() == 4 and bool(stacked[1].all())
