import math

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d

from mutua.evaluation import dependency, ms_ssim
from mutua.evaluation.unlabelled.dependency import shuffled_columns
from mutua.evaluation.unlabelled.ms_ssim import WEIGHTS, scales_of
from mutua.types import InputError


def by_scipy(x, y, scales):
    """MS-SSIM of two images of one channel, in numpy."""
    bell = np.exp(-(np.arange(-5, 6) ** 2) / 4.5)
    bell /= bell.sum()

    def blurred(z):
        return correlate1d(correlate1d(z, bell, 0), bell, 1)[5:-5, 5:-5]

    weights, found = np.array(WEIGHTS[:scales]) / sum(WEIGHTS[:scales]), 1.0
    for scale in range(scales):
        mx, my = blurred(x), blurred(y)
        vx, vy, both = blurred(x * x) - mx**2, blurred(y * y) - my**2, blurred(x * y) - mx * my
        cs = (2 * both + 9e-4) / (vx + vy + 9e-4)
        light = (2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4)
        found *= max((cs * light if scale == scales - 1 else cs).mean(), 0) ** weights[scale]
        x, y = (z.reshape(z.shape[0] // 2, 2, z.shape[1] // 2, 2).mean((1, 3)) for z in (x, y))
    return found


def test_ms_ssim_is_its_formula():
    random = np.random.RandomState(0)
    x = random.rand(48, 32)
    y = np.clip(x + 0.3 * random.randn(48, 32), 0, 1)
    got = ms_ssim(torch.from_numpy(x)[None, None], torch.from_numpy(y)[None, None])
    assert got.item() == pytest.approx(by_scipy(x, y, 2), rel=1e-9)


def test_ms_ssim_is_one_for_the_same_and_falls():
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(ms_ssim(images, images), torch.ones(3))
    noisy = [ms_ssim(images, (images + s * torch.randn_like(images)).clamp(0, 1)).mean() for s in (0.05, 0.2)]
    assert 1 > noisy[0] > noisy[1]
    assert (ms_ssim(images, 1 - images) == 0).all()
    assert [scales_of(s, s) for s in (10, 11, 32, 64, 176, 999)] == [0, 1, 2, 3, 5, 5]
    with pytest.raises(InputError, match="8 x 8 px where the window has 11"):
        ms_ssim(images[..., :8, :8], images[..., :8, :8])


def test_shuffled_columns_keep_their_values():
    y = torch.arange(12.0).view(6, 2)
    shuffled = shuffled_columns(y, torch.Generator().manual_seed(0))
    assert torch.equal(shuffled.sort(0).values, y)
    assert not torch.equal(shuffled[:, 1] - shuffled[:, 0], torch.ones(6))


def test_dependency_of_gaussians_is_known():
    random = np.random.RandomState(0)
    z = random.randn(3000, 2)
    rho = 0.9
    pair = np.stack([z[:, 0], rho * z[:, 0] + math.sqrt(1 - rho**2) * z[:, 1]], 1).astype(np.float32)
    assert dependency(pair, hidden=32, steps=300) == pytest.approx(-0.5 * math.log(1 - rho**2), abs=0.12)
    assert dependency(random.randn(3000, 4).astype(np.float32), hidden=32, steps=100) == pytest.approx(0, abs=0.05)
    with pytest.raises(InputError, match="20 rows of 2 columns"):
        dependency(pair[:20])
