"""What views of images keep beside the laws of all views."""

import pytest
import torch

from mutua.types import InputError
from mutua.views import (
    VIEWS,
    ColourJitter,
    Compose,
    GaussianBlur,
    Greyscale,
    HorizontalFlip,
    RandomResizedCrop,
    Solarise,
    byol,
    moco,
    rows,
    simclr,
    vicreg,
)
from view_batches import seeded, some_images

image_view = pytest.mark.parametrize("name", [name for name in VIEWS if VIEWS[name]().kind == "image"])


@image_view
def test_stays_in_range(name):
    y = VIEWS[name]()(some_images(dtype=torch.float32), seeded())
    if name == "gaussian-noise":  # clipped it would not be Gaussian; only bytes have to be
        assert y.min() < 0
        assert y.max() > 1
        return
    assert y.min() >= 0
    assert y.max() <= 1 + 1e-6


@image_view
@pytest.mark.parametrize("index", [slice(5, 12), torch.tensor([9, 0, 0, 17])], ids=str)
def test_bytes_do_not_depend_on_the_rest_of_the_batch(name, index):
    view, levels = VIEWS[name](), some_images()
    drawn = view.draw(24, (3, 32, 32), seeded())
    difference = view.apply(levels[index], rows(drawn, index)).int() - view.apply(levels, drawn)[index].int()
    assert difference.abs().sum() <= 1  # a tie may fall either way


@image_view
def test_uint8_and_float_agree_to_half_a_level(name):
    view = VIEWS[name]()
    as_levels = view(some_images(), seeded()).float() / 255
    as_floats = view(some_images(dtype=torch.float32), seeded())
    assert (as_levels - as_floats.clamp(0, 1)).abs().max() <= 0.5 / 255 + 1e-5


@image_view
@pytest.mark.parametrize("channels", [1, 13])
def test_other_channel_counts_work_or_are_refused(name, channels):
    needs_rgb = name in {"jitter", "grey", "simclr", "simclr-blurred", "byol-second", "moco", "vicreg"}
    x = some_images(channels=channels)
    if needs_rgb:
        with pytest.raises(InputError, match=rf"\(24, {channels}, 32, 32\).*needs 3 channels.*; (use|leave) "):
            VIEWS[name]()(x, seeded())
    else:
        y = VIEWS[name]()(x, seeded())
        assert y.shape[:2] == x.shape[:2]
        assert torch.equal(y, x) == (name == "channel-drop" and channels == 1)  # which keeps one channel


@pytest.mark.parametrize("channels", [1, 3, 13])
@pytest.mark.parametrize("published", [simclr, moco, vicreg, lambda c, size: byol(c, size)[1]])
def test_published_compositions_take_any_channel_count(published, channels):
    y = published(channels, 34)(some_images(4, channels=channels, height=40, width=36), seeded())
    assert y.shape == (4, channels, 34, 34)


def test_empty_composition_is_identity():
    x = some_images()
    assert torch.equal(Compose()(x, seeded()), x)


def test_composition_is_its_views_in_turn_on_one_float_image():
    first, second = RandomResizedCrop((20, 16)), GaussianBlur(p=1.0)
    both = Compose((first, second))
    x = some_images(dtype=torch.float32)
    g = seeded(2)
    by_hand = first.apply(x, first.draw(24, (3, 32, 32), g))
    by_hand = second.apply(by_hand, second.draw(24, (3, 20, 16), g))
    assert torch.equal(both.plain(x, both.draw(24, (3, 32, 32), seeded(2))), by_hand)
    torch.testing.assert_close(both(x, seeded(2)), by_hand, atol=1e-5, rtol=0)
    assert both.shape_after((3, 32, 32))[-2:] == (20, 16)
    # A second crop must draw within what the first has left.
    twice = Compose((first, RandomResizedCrop())).draw(500, (3, 32, 32), seeded())["1 RandomResizedCrop"]
    assert int((twice["top"] + twice["height"]).max()) <= 20
    assert int((twice["left"] + twice["width"]).max()) <= 16


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: RandomResizedCrop(0), "size: 0"),
        (lambda: RandomResizedCrop(scale=(0.0, 1.0)), "scale: "),
        (lambda: RandomResizedCrop(scale=(0.5, 1.5)), "at most 1"),
        (lambda: RandomResizedCrop(ratio=(2.0, 1.0)), "ratio: "),
        (lambda: HorizontalFlip(1.5), "p: 1.5"),
        (lambda: HorizontalFlip(float("nan")), "p: nan"),
        (lambda: ColourJitter(brightness=-0.1), "brightness: -0.1"),
        (lambda: ColourJitter(contrast=float("inf")), "contrast: inf"),
        (lambda: ColourJitter(hue=0.6), "hue: 0.6"),
        (lambda: Greyscale(-1), "p: -1"),
        (lambda: GaussianBlur(sigma=(0.0, 2.0)), "sigma: "),
        (lambda: GaussianBlur(sigma=(0.1, float("inf"))), "sigma: "),
        (lambda: Solarise(2.0), "threshold: 2.0"),
        (lambda: Compose((HorizontalFlip,)), r"views\[0\]"),
        (lambda: simclr(0, 32), "channels: 0"),
        (lambda: simclr(3, 32, strength=-1), "strength: -1"),
        (lambda: simclr(3, 32, flip=2), "flip: 2"),
        (lambda: simclr(3, 32, blur=2), "blur: 2"),
    ],
)
def test_settings_out_of_range_are_refused(make, says):
    with pytest.raises(InputError, match=says) as error:
        make()
    assert "\n" not in str(error.value)


def test_image_too_small_to_reflect_is_refused():
    with pytest.raises(InputError, match="1 x 32"):
        GaussianBlur(p=1)(some_images()[..., :1, :], seeded())
