"""Crop and flip, against Pillow and against torchvision's sampling written as a loop."""

import math

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import ks_2samp
from sklearn.datasets import load_sample_image

from mutua.views import HorizontalFlip, RandomResizedCrop

BOXES = [(0, 0, 427, 640), (10, 20, 64, 48), (100, 37, 5, 7), (3, 600, 300, 33), (426, 0, 1, 1), (0, 0, 32, 40)]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def photo():
    return load_sample_image("china.jpg")  # (427, 640, 3)


def boxes():
    return dict(zip(("top", "left", "height", "width"), torch.tensor(BOXES).T, strict=True))


@pytest.mark.parametrize("size", [(32, 40), (96, 96), (7, 3), (1, 1)])
def test_equals_pillows_crop_then_resize(photo, size):
    x = torch.tensor(photo).permute(2, 0, 1).expand(len(BOXES), -1, -1, -1)
    got8 = RandomResizedCrop(size).apply(x, boxes()).permute(0, 2, 3, 1).numpy()
    got = RandomResizedCrop(size).apply(x.float() / 255, boxes()).numpy()
    for k, (top, left, h, w) in enumerate(BOXES):
        box = (left, top, left + w, top + h)
        want8 = np.asarray(Image.fromarray(photo).crop(box).resize(size[::-1], Image.Resampling.BILINEAR))
        assert np.abs(got8[k].astype(int) - want8).max() <= 1
        for c in range(3):
            band = Image.fromarray(photo[..., c].astype(np.float32) / 255)  # mode F: no rounding
            want = np.asarray(band.crop(box).resize(size[::-1], Image.Resampling.BILINEAR))
            np.testing.assert_allclose(got[k, c], want, atol=2e-5)


def test_whole_image_at_its_own_size_is_identity(photo):
    x = torch.tensor(photo).permute(2, 0, 1)[None]
    whole = {name: value[:1] for name, value in boxes().items()}
    assert torch.equal(RandomResizedCrop().apply(x, whole), x)


def loop_draw(height, width, scale, ratio, rng):
    """One image's crop as torchvision draws it."""
    for _ in range(10):
        area = height * width * rng.uniform(*scale)
        aspect = math.exp(rng.uniform(math.log(ratio[0]), math.log(ratio[1])))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            return rng.integers(0, height - h + 1), rng.integers(0, width - w + 1), h, w
    aspect = width / height
    if aspect < ratio[0]:
        w, h = width, round(width / ratio[0])
    elif aspect > ratio[1]:
        h, w = height, round(height * ratio[1])
    else:
        h, w = height, width
    return (height - h) // 2, (width - w) // 2, h, w


@pytest.mark.parametrize(
    ("height", "width", "scale", "ratio"),
    [
        (32, 32, (0.08, 1.0), (3 / 4, 4 / 3)),
        (96, 64, (0.5, 1.0), (3 / 4, 4 / 3)),  # many draws do not fit
        (20, 100, (0.9, 1.0), (3 / 4, 4 / 3)),  # none fits
    ],
)
def test_draws_as_torchvision_does(height, width, scale, ratio):
    n = 8000
    drawn = RandomResizedCrop(scale=scale, ratio=ratio).draw(n, (3, height, width), seeded())
    rng = np.random.default_rng(0)
    want = np.array([loop_draw(height, width, scale, ratio, rng) for _ in range(n)])
    for k, name in enumerate(("top", "left", "height", "width")):
        assert ks_2samp(drawn[name].numpy(), want[:, k]).pvalue > 1e-3, name
    area = (drawn["height"] * drawn["width"]).double() / (height * width)
    assert ks_2samp(area.numpy(), want[:, 2] * want[:, 3] / (height * width)).pvalue > 1e-3
    log_ratio = (drawn["width"].double() / drawn["height"].double()).log()
    assert ks_2samp(log_ratio.numpy(), np.log(want[:, 3] / want[:, 2])).pvalue > 1e-3
    assert int((drawn["top"] + drawn["height"]).max()) <= height
    assert int((drawn["left"] + drawn["width"]).max()) <= width
    assert min(int(drawn[name].min()) for name in ("top", "left")) >= 0


def test_area_and_log_ratio_are_uniform_where_every_draw_fits():
    # Of a 1000 px side rounding is small, and no crop of at most half the area with ratio 3/4..4/3 is too wide.
    drawn = RandomResizedCrop(scale=(0.1, 0.5)).draw(20_000, (3, 1000, 1000), seeded())
    area = ((drawn["height"] * drawn["width"]).double() / 1e6 - 0.1) / 0.4
    log_ratio = (drawn["width"] / drawn["height"]).double().log() / math.log(4 / 3)  # in -1..1
    even = (torch.arange(20_000) + 0.5) / 20_000
    assert (area.sort().values - even).abs().max() < 0.015  # Kolmogorov's 1.95 / sqrt n is 0.0138
    assert ((log_ratio.sort().values + 1) / 2 - even).abs().max() < 0.015
    assert np.corrcoef(area.numpy(), log_ratio.numpy())[0, 1] == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize(
    ("height", "width", "want"),
    [(30, 100, (0, 30, 30, 40)), (100, 30, (30, 0, 40, 30)), (1, 9, (0, 4, 1, 1))],
)
def test_fallback_is_the_largest_centred_crop_of_an_allowed_aspect(height, width, want):
    drawn = RandomResizedCrop(scale=(1.0, 1.0)).draw(3, (3, height, width), seeded())
    for name, value in zip(("top", "left", "height", "width"), want, strict=True):
        assert drawn[name].tolist() == [value] * 3


def test_flip_is_exact(photo):
    x = torch.tensor(photo).permute(2, 0, 1).expand(3, -1, -1, -1)
    y = HorizontalFlip().apply(x, {"applied": torch.tensor([True, False, True])})
    mirrored = np.asarray(Image.fromarray(photo).transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    for k, want in enumerate((mirrored, photo, mirrored)):
        assert np.array_equal(y[k].permute(1, 2, 0).numpy(), want)
