"""Factor, beta-TC, DIP and annealed VAEs: each loss is its formula, by slow twins and hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Generator

from mutua.encoders import dim32
from mutua.methods import annealed_vae, beta_tcvae, dip_vae, factor_vae, vae
from mutua.methods.beta_tcvae import log_stratified, total_correlation
from mutua.methods.factor_vae import shuffled_columns
from mutua.methods.vae import DiagonalGaussian
from mutua.types import InputError


def images(n: int = 4) -> torch.Tensor:
    return torch.randint(0, 256, (n, 1, 8, 8), dtype=torch.uint8, generator=Generator().manual_seed(3))


def posteriors(n: int = 5, k: int = 3) -> tuple[torch.Tensor, DiagonalGaussian]:
    draw = Generator().manual_seed(1)
    mean, log_deviation, noise = torch.randn(3, n, k, dtype=torch.float64, generator=draw)
    q = DiagonalGaussian(mean, 0.3 * log_deviation)
    return q.sample(noise), q


def plain(make, **settings):
    """A method of the same weights as a plain VAE, and that VAE."""
    torch.manual_seed(0)
    one = vae(dim32(1, 8), latent=3, width=4, likelihood="bernoulli", low=0.0, high=1.0, scale=1.0).eval()
    torch.manual_seed(0)
    other = make(dim32(1, 8), latent=3, width=4, **settings).eval()
    other.load_state_dict(one.state_dict(), strict=False)
    return other, one


def loss(method) -> float:
    return method.step(images(), Generator().manual_seed(2)).loss.item()


@pytest.mark.parametrize("n", [2, 5])
def test_stratified_weights_are_those_of_the_paper(n: int) -> None:
    weights = log_stratified(n, 20).exp()
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(weights.diagonal(), 1 / 20, atol=1e-7)
    beside = weights[torch.arange(n), (torch.arange(n) + 1) % n]
    np.testing.assert_allclose(beside, (20 - (n - 1)) / (20 * (n - 1)), atol=1e-6)
    np.testing.assert_allclose(log_stratified(n, None).exp(), 1 / n, atol=1e-6)


@pytest.mark.parametrize("examples", [None, 30])
def test_total_correlation_is_the_slow_sum(examples: int | None) -> None:
    z, q = posteriors()
    weights = log_stratified(5, examples).double().exp()
    got = total_correlation(z, q, examples)
    for i in range(5):
        density = torch.distributions.Normal(q.mean, q.log_deviation.exp()).log_prob(z[i]).exp()  # (m, k)
        joint = sum(float(weights[i, j] * density[j].prod()) for j in range(5))
        single = [sum(float(weights[i, j] * density[j, c]) for j in range(5)) for c in range(3)]
        assert float(got[i]) == pytest.approx(math.log(joint) - sum(map(math.log, single)), rel=1e-6)
    half = total_correlation(z[2:], q, examples, 2)
    torch.testing.assert_close(half, got[2:])


def test_beta_of_one_is_a_vae_and_more_adds_the_total_correlation() -> None:
    same, base = plain(beta_tcvae, beta=1.0)
    assert loss(same) == pytest.approx(loss(base), rel=1e-6)
    more, _ = plain(beta_tcvae, beta=4.0, examples=100)
    step = more.step(images(), Generator().manual_seed(2))
    assert step.loss.item() == pytest.approx(loss(base) + 3 * step.logs["total_correlation"].item(), rel=1e-5)


@pytest.mark.parametrize("sampled", [False, True])
def test_dip_is_the_covariances_distance_from_the_identity(sampled: bool) -> None:
    method, base = plain(dip_vae, off=2.0, sampled=sampled)
    with torch.no_grad():
        q = method.posterior(images())
    covariance = np.cov(q.mean.numpy().T, ddof=0)
    if sampled:
        covariance = covariance + np.diag((2 * q.log_deviation).exp().mean(0).numpy())
    off = (covariance**2).sum() - (np.diag(covariance) ** 2).sum()
    weight = 2.0 if sampled else 20.0
    expected = 2.0 * off + weight * ((np.diag(covariance) - 1) ** 2).sum()
    assert loss(method) - loss(base) == pytest.approx(expected, rel=1e-3)


def test_the_capacity_rises_with_steps() -> None:
    method, base = plain(annealed_vae, capacity=8.0, gamma=3.0, rising=10)
    step = base.step(images(), Generator().manual_seed(2))
    kl, rest = step.logs["kl"].item(), loss(base) - step.logs["kl"].item()
    assert loss(method) == pytest.approx(rest + 3 * kl, rel=1e-5)
    method.stepped(4, 100)
    assert loss(method) == pytest.approx(rest + 3 * abs(kl - 4.0), rel=1e-5)
    method.stepped(40, 100)
    assert loss(method) == pytest.approx(rest + 3 * abs(kl - 8.0), rel=1e-5)
    assert int(method.state_dict()["done"]) == 41


def test_factor_vae_gives_each_player_its_own_gradient() -> None:
    method, base = plain(factor_vae, gamma=5.0, units=6, layers=2)
    step = method.step(images(), Generator().manual_seed(2))
    logs = {name: value.item() for name, value in step.logs.items()}
    expected = loss(base) + 5 * logs["total_correlation"] + logs["discriminator"]
    assert step.loss.item() == pytest.approx(expected, rel=1e-5)
    # Without weight on the total correlation the encoder's gradient is a VAE's: the discriminator's is cut off.
    none, base = plain(factor_vae, gamma=0.0, units=6, layers=2)
    for each in (none, base):
        each.step(images(), Generator().manual_seed(2)).loss.backward()
    torch.testing.assert_close(none.code.weight.grad, base.code.weight.grad)
    assert none.player.discriminator[0].weight.grad.abs().sum() > 0


def test_columns_are_shuffled_each_by_itself() -> None:
    z = torch.arange(40.0).view(20, 2)
    found = shuffled_columns(z, Generator().manual_seed(0))
    for column in range(2):
        assert sorted(found[:, column].tolist()) == z[:, column].tolist()
    assert (found[:, 1] - found[:, 0] != 1).sum() > 10


@pytest.mark.parametrize(
    ("make", "settings", "words"),
    [
        (beta_tcvae, {"examples": 1}, "examples: 1"),
        (beta_tcvae, {"beta": -1.0}, "beta: -1.0"),
        (dip_vae, {"off": math.inf}, "off=inf"),
        (annealed_vae, {"capacity": -1.0}, "capacity=-1.0"),
        (annealed_vae, {"rising": 0}, "rising"),
        (factor_vae, {"gamma": math.nan}, "gamma: nan"),
        (factor_vae, {"units": 0}, "units"),
    ],
)
def test_refused(make, settings, words) -> None:
    with pytest.raises(InputError, match=words):
        make(dim32(1, 8), latent=3, width=4, **settings)
