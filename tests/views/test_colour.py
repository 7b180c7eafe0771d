"""Colour operations against Pillow, colorsys, and hand-worked numbers."""

import colorsys
import itertools

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from sklearn.datasets import load_sample_image

from mutua.types import InputError
from mutua.views import ColourJitter, Greyscale, Solarise
from mutua.views.image import colour

FACTORS = [0.0, 0.3, 1.0, 1.4, 2.0]
OPERATIONS = ("brightness", "contrast", "saturation", "hue")


@pytest.fixture(scope="module", params=["china.jpg", "flower.jpg"])
def photo(request):
    return load_sample_image(request.param)[100:164, 200:296]  # (64, 96, 3)


def batch(photo, n):
    return torch.tensor(photo).permute(2, 0, 1).expand(n, -1, -1, -1)


def levels(x):
    return (x * 255).round().permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize(
    ("name", "enhance", "tolerance"),
    [
        # Pillow truncates what it blends (one level), rounds grey and the mean (half of |1 - f| more).
        ("brightness", ImageEnhance.Brightness, 1),
        ("contrast", ImageEnhance.Contrast, 2),
        ("saturation", ImageEnhance.Color, 2),
    ],
)
def test_blends_equal_pillows(photo, name, enhance, tolerance):
    got = levels(getattr(colour, name)(batch(photo, len(FACTORS)).float() / 255, torch.tensor(FACTORS)))
    for k, factor in enumerate(FACTORS):
        want = np.asarray(enhance(Image.fromarray(photo)).enhance(factor)).astype(float)
        assert np.abs(got[k] - want).max() <= tolerance
        assert np.abs(got[k] - want).mean() <= 0.6


def test_grey_equals_pillows(photo):
    got = Greyscale(1.0)(batch(photo, 1), torch.Generator())[0].permute(1, 2, 0).numpy()
    want = np.asarray(Image.fromarray(photo).convert("L"))
    assert (got == got[..., :1]).all()
    assert np.abs(got[..., 0].astype(int) - want).max() <= 1
    assert (got[..., 0] != want).mean() < 0.001


@pytest.mark.parametrize("threshold", [0, 1, 100, 128, 255])
def test_solarise_equals_pillows_bit_for_bit(photo, threshold):
    got = Solarise(threshold / 255, p=1.0)(batch(photo, 1), torch.Generator())[0].permute(1, 2, 0).numpy()
    assert np.array_equal(got, np.asarray(ImageOps.solarize(Image.fromarray(photo), threshold)))


def test_solarise_at_every_level():
    x = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    for threshold in range(256):
        y = Solarise(threshold / 255, p=1.0)(x, torch.Generator()).flatten().tolist()
        assert y == [v if v < threshold else 255 - v for v in range(256)]


def test_hue_equals_colorsys():
    corners = itertools.product([0.0, 0.25, 1.0], repeat=3)  # ties of the largest, greys, black, white
    noise = torch.rand(60, 3, generator=torch.Generator().manual_seed(0)).tolist()
    pixels = torch.tensor([*corners, *noise], dtype=torch.float64)  # (m, 3)
    turns = torch.tensor([-0.5, -0.2, 0.0, 0.05, 1 / 3, 0.5], dtype=torch.float64)
    got = colour.hue(pixels.T[None, :, :, None].expand(len(turns), -1, -1, -1), turns)  # (turns, 3, m, 1)
    for k, turn in enumerate(turns.tolist()):
        for j, pixel in enumerate(pixels.tolist()):
            h, s, v = colorsys.rgb_to_hsv(*pixel)
            want = colorsys.hsv_to_rgb((h + turn) % 1, s, v)
            assert got[k, :, j, 0].tolist() == pytest.approx(want, abs=1e-9)


def test_hue_by_hand():
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    assert colour.hue(red, torch.tensor([1 / 3])).flatten().tolist() == pytest.approx([0, 1, 0], abs=1e-6)
    assert colour.hue(red, torch.tensor([0.5])).flatten().tolist() == pytest.approx([0, 1, 1], abs=1e-6)
    assert colour.hue(red, torch.tensor([-1 / 12])).flatten().tolist() == pytest.approx([1, 0, 0.5], abs=1e-6)


def test_hue_is_pillows_within_its_256_hues(photo):
    turns = [-0.1, 0.0, 0.25]
    got = levels(colour.hue(batch(photo, 3).float() / 255, torch.tensor(turns)))
    for k, turn in enumerate(turns):
        hsv = np.asarray(Image.fromarray(photo).convert("HSV")).copy()
        hsv[..., 0] = (hsv[..., 0].astype(int) + int(turn * 255)) % 256
        want = np.asarray(Image.fromarray(hsv, "HSV").convert("RGB")).astype(float)
        # A hue of 256 steps is 1/43 of a sixth: at full chroma about 6 levels, and the turn is truncated too.
        assert np.abs(got[k] - want).max() <= 12
        assert np.abs(got[k] - want).mean() <= 2


def test_contrast_by_hand():
    two = torch.tensor([[0.2, 0.4], [0.6, 1.0]]).view(1, 2, 1, 2)  # each channel about its own mean
    got = colour.contrast(two, torch.tensor([0.5])).flatten().tolist()
    assert got == pytest.approx([0.25, 0.35, 0.7, 0.9])
    rgb = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)  # grey is 0.299
    got = colour.contrast(rgb, torch.tensor([0.5])).flatten().tolist()
    assert got == pytest.approx([0.6495, 0.1495, 0.1495])


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_jitter_is_the_four_in_the_order_drawn(order, photo):
    factors = {"brightness": 1.2, "contrast": 0.7, "saturation": 1.5, "hue": 0.1}
    x = batch(photo, 2).double() / 255
    drawn = {name: torch.full((2,), value, dtype=torch.float64) for name, value in factors.items()}
    drawn |= {"applied": torch.tensor([True, False]), "order": torch.tensor([order, order])}
    want = x[:1]
    for number in order:
        name = OPERATIONS[number]
        want = getattr(colour, name)(want, torch.tensor([factors[name]], dtype=torch.float64))
    got = ColourJitter().apply(x, drawn)
    torch.testing.assert_close(got[:1], want, atol=1e-12, rtol=0)
    assert torch.equal(got[1], x[1])


def test_jitter_draws_factors_and_orders_uniformly():
    view = ColourJitter(0.4, 1.5, 0.2, 0.1)
    n = 24_000
    drawn = view.draw(n, (3, 32, 32), torch.Generator().manual_seed(0))
    assert drawn["applied"].float().mean() == pytest.approx(0.8, abs=0.012)
    _, counts = torch.unique(drawn["order"], dim=0, return_counts=True)
    assert len(counts) == 24
    assert ((counts - 1000) ** 2 / 1000).sum() < 50  # chi-square of 23 degrees: p < 0.001
    even = (torch.arange(n) + 0.5) / n
    for name, low, high in [
        ("brightness", 0.6, 1.4),
        ("contrast", 0.0, 2.5),
        ("saturation", 0.8, 1.2),
        ("hue", -0.1, 0.1),
    ]:
        place = ((drawn[name] - low) / (high - low)).sort().values
        assert (place - even).abs().max() < 0.013, name  # Kolmogorov's 1.95 / sqrt n is 0.0126


@pytest.mark.parametrize("operation", [colour.saturation, colour.hue])
def test_what_needs_rgb_refuses_other_channel_counts(operation):
    with pytest.raises(InputError, match=r"\(1, 4, 2, 2\).*needs 3 channels"):
        operation(torch.rand(1, 4, 2, 2), torch.ones(1))
