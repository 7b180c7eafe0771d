"""Laws that every view of the catalogue keeps."""

from dataclasses import replace

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
    rows,
    simclr,
)

every_view = pytest.mark.parametrize("name", VIEWS)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def some_images(n=24, channels=3, dtype=torch.uint8, height=32, width=32):
    """Blurry noise, so that neighbours are alike as in photographs."""
    small = torch.rand(n, channels, 8, 8, generator=seeded(7))
    x = torch.nn.functional.interpolate(small, (height, width), mode="bilinear")
    x = (x + 0.1 * torch.rand(n, channels, height, width, generator=seeded(8))).clamp(0, 1)
    levels = (x * 255).round().to(torch.uint8)
    return levels if dtype == torch.uint8 else (levels.double() / 255).to(dtype)


def leaves(parameters):
    for value in parameters.values():
        yield from leaves(value) if isinstance(value, dict) else (value,)


@every_view
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64, torch.bfloat16])
def test_keeps_dtype_range_and_input(name, dtype):
    x = some_images(dtype=dtype)
    before = x.clone()
    view = VIEWS[name]()
    y = view(x, seeded())
    assert y.dtype == dtype
    assert y.shape == (24, 3, *view.shape_after((3, 32, 32))[-2:])
    assert torch.equal(x, before)
    assert not torch.equal(y, x)
    assert y.data_ptr() != x.data_ptr()
    if dtype != torch.uint8:
        assert y.min() >= 0
        assert y.max() <= 1 + 1e-6


@every_view
def test_same_seed_same_result_and_draw_then_apply_is_call(name):
    x, view = some_images(), VIEWS[name]()
    y = view(x, seeded(3))
    assert torch.equal(y, VIEWS[name]()(x, seeded(3)))
    assert not torch.equal(y, view(x, seeded(4)))
    assert torch.equal(y, view.apply(x, view.draw(24, (3, 32, 32), seeded(3))))


@every_view
@pytest.mark.parametrize(
    "index", [slice(5, 12), torch.tensor([3]), torch.tensor([9, 0, 0, 17]), torch.arange(0)], ids=str
)
def test_result_does_not_depend_on_the_rest_of_the_batch(name, index):
    view = VIEWS[name]()
    drawn = view.draw(24, (3, 32, 32), seeded())
    assert all(isinstance(leaf, torch.Tensor) and len(leaf) == 24 for leaf in leaves(drawn))
    x = some_images(dtype=torch.float32)
    torch.testing.assert_close(
        view.apply(x[index], rows(drawn, index)), view.apply(x, drawn)[index], atol=1e-5, rtol=0
    )
    levels = some_images()
    difference = view.apply(levels[index], rows(drawn, index)).int() - view.apply(levels, drawn)[index].int()
    assert difference.abs().sum() <= 1  # a tie may fall either way


@every_view
def test_uint8_and_float_agree_to_half_a_level(name):
    view = VIEWS[name]()
    as_levels = view(some_images(), seeded()).float() / 255
    as_floats = view(some_images(dtype=torch.float32), seeded())
    assert (as_levels - as_floats).abs().max() <= 0.5 / 255 + 1e-5


@every_view
def test_images_of_one_batch_are_changed_differently(name):
    x = some_images(1).expand(24, -1, -1, -1)
    assert len(torch.unique(VIEWS[name]()(x, seeded()).flatten(1), dim=0)) > 1


@every_view
@pytest.mark.parametrize("channels", [1, 13])
def test_other_channel_counts_work_or_are_refused(name, channels):
    needs_rgb = name in {"jitter", "grey", "simclr", "simclr-blurred"}
    x = some_images(channels=channels)
    if needs_rgb:
        with pytest.raises(InputError, match=rf"\(24, {channels}, 32, 32\).*needs 3 channels.*; (use|leave) "):
            VIEWS[name]()(x, seeded())
    else:
        y = VIEWS[name]()(x, seeded())
        assert y.shape[:2] == x.shape[:2]
        assert not torch.equal(y, x)


@pytest.mark.parametrize("channels", [1, 3, 13])
def test_published_composition_takes_any_channel_count(channels):
    y = simclr(channels, 24)(some_images(channels=channels, height=40, width=30), seeded())
    assert y.shape == (24, channels, 24, 24)


@pytest.mark.parametrize(
    "view",
    [HorizontalFlip(), ColourJitter(), Greyscale(), GaussianBlur(), Solarise()],
    ids=lambda view: type(view).__name__,
)
def test_p_is_the_share_of_images_changed(view):
    x = some_images(64, dtype=torch.float32)
    assert torch.equal(replace(view, p=0.0)(x, seeded()), x)
    drawn = replace(view, p=0.3).draw(20_000, (3, 32, 32), seeded())
    assert drawn["applied"].float().mean() == pytest.approx(0.3, abs=0.015)  # 4.6 standard errors
    drawn = rows(drawn, slice(64))
    same = (view.apply(x, drawn) == x).flatten(1).all(1)
    assert torch.equal(same, ~drawn["applied"])


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


@every_view
def test_what_is_no_batch_of_images_is_refused(name):
    view = VIEWS[name]()
    for x, says in [
        (some_images()[0], r"shape \(3, 32, 32\)"),
        (some_images().long(), "int64"),
        (some_images()[..., :0], "empty axis"),
    ]:
        with pytest.raises(InputError, match=says):
            view(x, seeded())


def test_parameters_of_another_batch_are_refused():
    view = HorizontalFlip()
    with pytest.raises(InputError, match=r"parameters\['applied'\]: 3 rows for 24 images"):
        view.apply(some_images(), view.draw(3, (3, 32, 32), seeded()))


def test_image_too_small_to_reflect_is_refused():
    with pytest.raises(InputError, match="1 x 32"):
        GaussianBlur(p=1)(some_images()[..., :1, :], seeded())
