"""Batches: reproducible whatever the number of loading processes, one size a batch, none lost."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from intr_discover.data.augmentation import build_augmentation
from intr_discover.data.images import ImageError
from intr_discover.data.loading import (
    TrainingImages,
    evaluation_batches,
    training_batches,
    training_stream,
)
from intr_discover.data.preprocessing import Preprocessing

SQUARE = Preprocessing(16, "square", None)


@pytest.fixture
def photographs(tmp_path):
    generator = np.random.default_rng(0)
    paths = []
    for number in range(7):
        pixels = generator.integers(0, 256, (20 + number, 30, 3), dtype=np.uint8)
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


def training_images(paths, **changes):
    settings_ = {"augmentation": build_augmentation("light", 16, None), "seed": 3, **changes}
    labels = np.arange(len(paths))
    return TrainingImages(paths, labels, SQUARE, **settings_)


def test_draws_depend_on_seed_epoch_and_image_only(photographs):
    images = training_images(photographs)
    first, _ = images[0, 2]
    torch.manual_seed(99)
    images[1, 5]
    again, _ = images[0, 2]
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    for other in (images[1, 2], images[0, 3], training_images(photographs, seed=4)[0, 2]):
        assert not torch.equal(first, other[0])


def test_the_global_generator_is_left_alone(photographs):
    before = torch.get_rng_state()
    for _ in training_batches(training_images(photographs), [[0, 1], [2, 3]], 0, workers=0):
        pass
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_loading_processes_change_nothing(photographs, workers):
    batches = [[3, 1], [0, 6], [2, 5]]
    images = training_images(photographs)
    expected = [torch.stack([images[4, position][0] for position in batch]) for batch in batches]
    loaded = list(training_batches(images, batches, epoch=4, workers=workers))
    for (found, labels), wanted, batch in zip(loaded, expected, batches, strict=True):
        torch.testing.assert_close(torch.stack(found), wanted, rtol=0, atol=0)
        assert labels.tolist() == batch


def test_the_cache_reduces_and_is_read_once(photographs):
    images = training_images(photographs, cache_side=10, augmentation=None)
    first, _ = images[0, 4]
    photographs[4].unlink()
    again, _ = images[1, 4]
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    # 24 × 30 reduced to a shorter side of 10, then stretched to 16 × 16
    assert images._cache[4].shape == (10, 12, 3)


def test_a_full_cache_changes_nothing_but_what_is_kept(photographs):
    # 24 × 30 pixels reduced to 10 × 12, three bytes each: one such photograph finds room.
    kept = training_images(photographs, cache_side=10)
    limited = training_images(photographs, cache_side=10, cache_bytes=400)
    none = training_images(photographs, cache_side=10, cache_bytes=0)
    for epoch in (0, 1):
        for position in (4, 5, 6):
            expected, _ = kept[epoch, position]
            assert torch.equal(limited[epoch, position][0], expected)
            assert torch.equal(none[epoch, position][0], expected)
    assert list(limited._cache) == [4] and not none._cache and len(kept._cache) == 3


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stream_goes_through_epochs(photographs, workers):
    images = training_images(photographs)
    batches = [(0, [3, 1]), (1, [0]), (1, [2, 5])]
    loaded = list(training_stream(images, iter(batches), workers))
    for (found, labels), (epoch, batch) in zip(loaded, batches, strict=True):
        assert labels.tolist() == batch
        for image, position in zip(found, batch, strict=True):
            assert torch.equal(image, images[epoch, position][0])


@settings(deadline=None, max_examples=30)
@given(
    sizes=st.lists(st.sampled_from([(8, 8), (8, 12), (12, 8), (9, 20)]), max_size=30),
    batch_size=st.integers(1, 7),
)
def test_every_photograph_comes_once_in_batches_of_one_size(sizes, batch_size):
    arrays = [np.full((*size, 3), number, dtype=np.uint8) for number, size in enumerate(sizes)]
    preprocessing = Preprocessing(8, "shorter", None, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    seen = []
    for positions, batch in evaluation_batches(arrays, preprocessing, batch_size):
        assert len(positions) == len(batch) <= batch_size
        for position, image in zip(positions, batch, strict=True):
            assert torch.allclose(image, torch.tensor(position / 255))
        seen += positions
    assert sorted(seen) == list(range(len(sizes)))


def test_many_sizes_do_not_pile_up():
    arrays = [np.zeros((8, 8 + number, 3), dtype=np.uint8) for number in range(50)]
    read = []

    class Watched(Preprocessing):
        def __call__(self, photograph):
            read.append(photograph.shape)
            return super().__call__(photograph)

    batches = evaluation_batches(arrays, Watched(8, "shorter", None), batch_size=2)
    given_out = 0
    for positions, _ in batches:
        given_out += len(positions)
        assert len(read) - given_out <= 4 * 2


def test_a_broken_photograph_is_named(tmp_path):
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"broken\.jpg"):
        list(evaluation_batches([path], SQUARE, 2))
