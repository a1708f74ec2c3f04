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


def shares_shown(transform, draws=200):
    """Return which share of a photograph each crop shows, before the light is changed."""
    ramp = torch.arange(120, dtype=torch.uint8)
    picture = torch.zeros(3, 120, 120, dtype=torch.uint8)
    picture[0], picture[1] = ramp[None, :], ramp[:, None]  # red tells the column, green the row
    crop_and_flip = transform.transforms[:2]
    shares = []
    for _ in range(draws):
        crop = picture
        for step in crop_and_flip:
            crop = step(crop)
        # From the centre of the first pixel to that of the last: half a pixel short at both ends.
        wide, high = (float(channel.max()) - float(channel.min()) + 1 for channel in crop[:2])
        shares.append(wide * high / 120**2)
    return torch.tensor(shares)


@pytest.mark.parametrize("smallest_crop", [0.1, 0.35, 0.8])
def test_a_crop_shows_at_least_the_smallest_share(smallest_crop):
    torch.manual_seed(0)
    shares = shares_shown(build_augmentation("light", 120, None, smallest_crop))
    assert shares.min() > smallest_crop - 0.04
    assert shares.min() < smallest_crop + 0.15  # shares that small do occur
    assert shares.max() > 0.9


def test_a_smallest_crop_of_1_shows_nearly_the_whole_photograph():
    torch.manual_seed(0)
    # No crop of the whole area and another shape fits in: torchvision then takes all there is.
    assert shares_shown(build_augmentation("light", 120, None, 1.0)).min() > 0.98


def test_the_usual_smallest_crop_is_0_35():
    drawn_shares = []
    for settings in ((), (0.35,)):
        torch.manual_seed(1)
        drawn_shares.append(shares_shown(build_augmentation("light", 120, None, *settings), 20))
    assert torch.equal(*drawn_shares)


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
