import math

import pytest
import torch
from scipy.stats import bernoulli, laplace, norm

from mutua.objectives import Pixels
from mutua.types import InputError


def raw_and_images(generator):
    raw = torch.randn(3, 2, 4, 5, generator=generator, dtype=torch.float64)
    return raw, 2 * torch.rand(3, 2, 4, 5, generator=generator, dtype=torch.float64) - 1


@pytest.mark.parametrize("likelihood", ["gaussian", "laplace"])
def test_the_log_density_is_scipys(likelihood, generator):
    raw, images = raw_and_images(generator)
    pixels = Pixels(likelihood, 0.3, 0.0, 4.0)
    x = pixels.of(images)
    assert torch.allclose(x, 2 * (images + 1))
    mean = 4 / (1 + (-raw).exp())
    law = norm(mean, 0.3) if likelihood == "gaussian" else laplace(mean, 0.3 / math.sqrt(2))
    want = torch.from_numpy(law.logpdf(x)).flatten(1).sum(1)
    torch.testing.assert_close(pixels.log_prob(x, raw), want)


def test_bernoulli_is_scipys_at_whole_pixels(generator):
    raw, images = raw_and_images(generator)
    pixels = Pixels("bernoulli", low=0.0, high=1.0)
    x = pixels.of(images.sign())
    want = torch.from_numpy(bernoulli(torch.sigmoid(raw)).logpmf(x)).flatten(1).sum(1)
    torch.testing.assert_close(pixels.log_prob(x, raw), want)


def test_half_the_range_is_twice_the_scale(generator):
    raw, images = raw_and_images(generator)
    wide, narrow = Pixels("gaussian", 0.5, -1.0, 1.0), Pixels("gaussian", 0.25, 0.0, 1.0)
    apart = narrow.log_prob(narrow.of(images), raw) - wide.log_prob(wide.of(images), raw)
    torch.testing.assert_close(apart, torch.full_like(apart, 40 * math.log(2)))  # of the density's units alone


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"likelihood": "cauchy"}, "likelihood: 'cauchy' is none of bernoulli, gaussian, laplace"),
        ({"scale": 0.0}, "scale: 0.0; give the deviation"),
        ({"scale": math.inf}, "scale: inf"),
        ({"low": 1.0}, "low, high: 1.0 and 1.0 are no range"),
        ({"likelihood": "bernoulli"}, r"bernoulli is of pixels in \[0, 1\]"),
    ],
)
def test_bad_settings(settings, said):
    with pytest.raises(InputError, match=said):
        Pixels(**settings)
