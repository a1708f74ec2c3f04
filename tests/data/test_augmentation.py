"""Augmentation: sizes, value ranges, and that nothing happens where nothing should."""

import pytest
import torch

from intr_discover.data.augmentation import RandomSizeCrop, build_augmentation


def drawn(height=60, width=90):
    return torch.randint(0, 256, (3, height, width), dtype=torch.uint8)


def test_none_is_none():
    assert build_augmentation("none", 32, None) is None


def test_light_gives_squares_and_keeps_bytes():
    transform = build_augmentation("light", 32, None)
    for _ in range(10):
        result = transform(drawn())
        assert result.shape == (3, 32, 32)
        assert result.dtype == torch.uint8


def test_light_keeps_hue():
    """Colour is an attribute: red may get paler or darker, but not bluer or greener."""
    red = torch.zeros(3, 40, 40, dtype=torch.uint8)
    red[0] = 200
    transform = build_augmentation("light", 32, None)
    for _ in range(20):
        red_, green, blue = transform(red).float().mean((1, 2))
        assert red_ > 2 * green
        assert abs(green - blue) <= 1


def test_detr_sides_lie_in_the_scaled_range():
    """At a test size of 800 the shorter side is 480 to 800; at 80 it is 48 to 80."""
    transform = build_augmentation("detr", 80, 133)
    shorter = set()
    for _ in range(60):
        result = transform(drawn(90, 120))
        sides = sorted(result.shape[1:])
        assert sides[1] <= 133
        # A crop much longer than wide is limited by its longest side, so it may be smaller.
        assert sides[0] <= 80
        shorter.add(sides[0])
    assert len(shorter) > 5


def test_both_mirror_images_occur():
    picture = torch.zeros(3, 40, 40, dtype=torch.uint8)
    picture[:, :, 30:] = 255
    transform = build_augmentation("detr", 40, 80)
    drawn_often = [transform(picture)[..., -1].float().mean() for _ in range(40)]
    brighter_right = [bool(mean > 100) for mean in drawn_often]
    assert True in brighter_right
    assert False in brighter_right


@pytest.mark.parametrize(("height", "width"), [(10, 10), (10, 100), (100, 10), (50, 50), (70, 90)])
def test_random_size_crop_stays_inside(height, width):
    crop = RandomSizeCrop(38, 60)
    for _ in range(20):
        result = crop(drawn(height, width))
        assert min(38, height) <= result.shape[1] <= min(60, height)
        assert min(38, width) <= result.shape[2] <= min(60, width)
