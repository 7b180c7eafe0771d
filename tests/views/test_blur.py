"""Blur against scipy and a direct loop."""

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve1d

from mutua.views import GaussianBlur
from mutua.views.image.blur import blur_radius


def kernel(sigma, radius):
    d = np.arange(-radius, radius + 1)
    weights = np.exp(-(d**2) / (2 * sigma**2))
    return weights / weights.sum()


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 96, 96), (13, 64, 47), (3, 2, 5)])
def test_equals_scipys_convolution(shape):
    sigma = torch.tensor([0.1, 0.5, 1.3, 2.0])
    x = torch.rand(4, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    got = GaussianBlur().apply(x, {"applied": torch.ones(4, dtype=torch.bool), "sigma": sigma})
    radius = blur_radius(*shape[1:])
    for k in range(4):
        weights = kernel(float(sigma[k]), radius)
        want = convolve1d(x[k].numpy(), weights, axis=1, mode="mirror")  # scipy's name for d c b | a b c d
        want = convolve1d(want, weights, axis=2, mode="mirror")
        np.testing.assert_allclose(got[k].numpy(), want, atol=1e-6)


def test_equals_a_loop_over_pixels():
    x = torch.rand(1, 1, 5, 4, generator=torch.Generator().manual_seed(0))
    got = GaussianBlur().apply(x, {"applied": torch.ones(1, dtype=torch.bool), "sigma": torch.tensor([0.8])})
    weights = kernel(0.8, 1)
    padded = np.pad(x[0, 0].numpy(), 1, mode="reflect")
    for i in range(5):
        for j in range(4):
            want = sum(weights[a] * weights[b] * padded[i + a, j + b] for a in range(3) for b in range(3))
            assert float(got[0, 0, i, j]) == pytest.approx(want, abs=1e-6)


def test_sigma_is_uniform():
    sigma = GaussianBlur((0.1, 2.0)).draw(20_000, (3, 32, 32), torch.Generator().manual_seed(0))["sigma"]
    even = (torch.arange(20_000) + 0.5) / 20_000
    assert ((sigma.sort().values - 0.1) / 1.9 - even).abs().max() < 0.015
