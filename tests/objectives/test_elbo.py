"""Parts of the ELBO against SciPy, Monte Carlo, and the closed likelihood of linear models."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import laplace, multivariate_normal, norm
from torch import Tensor

from mutua.generative.networks import StandardPrior
from mutua.generative.variational import Variational
from mutua.objectives import elbo

N, K = 6, 3


@pytest.fixture
def q(generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Means, factors, locations, log-scales of a few Gaussians, in float64."""
    mean, location, log_scale = torch.randn(3, N, K, generator=generator, dtype=torch.float64)
    factor = 0.3 * torch.randn(N, K, K, generator=generator, dtype=torch.float64).tril()
    factor.diagonal(dim1=1, dim2=2).abs_().add_(0.3)
    return mean, factor, location, 0.3 * log_scale


def _draws(mean: Tensor, factor: Tensor, count: int = 200_000) -> Tensor:
    noise = torch.randn(count, K, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return mean + noise @ factor.T


def test_densities_are_scipys(q: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
    s, _, location, log_scale = q
    scale = log_scale.exp()
    torch.testing.assert_close(
        elbo.gaussian(s, location, log_scale), torch.tensor(norm.logpdf(s, location, scale))
    )
    # SciPy's scale is the mean absolute deviation, ours the standard deviation.
    expected = torch.tensor(laplace.logpdf(s, location, scale / math.sqrt(2)))
    torch.testing.assert_close(elbo.laplace(s, location, log_scale), expected)


@pytest.mark.parametrize("family", list(elbo.DENSITIES))
def test_expectations_are_means_of_densities(family: str, q: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
    mean, factor, location, log_scale = q
    found = elbo.EXPECTATIONS[family](mean, factor.square().sum(-1), location, log_scale)
    for i in range(N):
        drawn = elbo.DENSITIES[family](_draws(mean[i], factor[i]), location[i], log_scale[i])
        spread = float(drawn.std(0).max()) / math.sqrt(len(drawn))
        torch.testing.assert_close(found[i], drawn.mean(0), atol=5 * spread, rtol=0)


def test_kl_is_the_mean_log_ratio(q: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
    mean, factor, location, log_scale = q
    found = elbo.kl_gaussian(mean, factor, location, log_scale)
    for i in range(N):
        s = _draws(mean[i], factor[i])
        ours = multivariate_normal(mean[i].numpy(), (factor[i] @ factor[i].T).numpy())
        ratio = torch.tensor(ours.logpdf(s.numpy())) - elbo.gaussian(s, location[i], log_scale[i]).sum(-1)
        assert float(found[i]) == pytest.approx(
            float(ratio.mean()), abs=5 * float(ratio.std()) / math.sqrt(len(s))
        )
    zero = elbo.kl_gaussian(mean, torch.diag_embed(log_scale.exp()), mean, log_scale)
    torch.testing.assert_close(zero, torch.zeros_like(zero), atol=1e-12, rtol=0)


def test_the_diagonal_kl_is_the_full_one(q: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
    mean, factor, location, log_scale = q
    deviation = factor.diagonal(dim1=1, dim2=2)
    full = torch.diag_embed(deviation)
    found = elbo.kl_diagonal(mean, deviation.log(), location, log_scale)
    torch.testing.assert_close(found, elbo.kl_gaussian(mean, full, location, log_scale))
    zero = torch.zeros_like(mean[:1])
    torch.testing.assert_close(elbo.kl_diagonal(mean, deviation.log()), elbo.kl_gaussian(mean, full, zero, zero))


def test_entropy_is_scipys(q: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
    _, factor, _, _ = q
    found = elbo.entropy(factor.diagonal(dim1=1, dim2=2).log())
    expected = [multivariate_normal(np.zeros(K), (f @ f.T).numpy()).entropy() for f in factor]
    np.testing.assert_allclose(found.numpy(), expected)


def test_the_decomposition_sums_to_the_elbo_and_is_a_loop_over_pairs(
    q: tuple[Tensor, Tensor, Tensor, Tensor],
) -> None:
    mean, factor, location, log_scale = q
    s = mean + 0.1
    fit = torch.linspace(-2.0, 1.0, N, dtype=torch.float64)
    prior = elbo.gaussian(s, location, log_scale).sum(-1)
    parts = elbo.decomposition(fit, s, mean, factor, prior, rows=100)
    posteriors = [multivariate_normal(m.numpy(), (f @ f.T).numpy()) for m, f in zip(mean, factor, strict=True)]
    own = np.array([posteriors[i].logpdf(s[i].numpy()) for i in range(N)])
    assert float(parts.weighted(elbo.Weights())) == pytest.approx(float((fit + prior).mean()) - own.mean())
    information, correlation = [], []
    for i in range(N):
        joint = sum(p.pdf(s[i].numpy()) for p in posteriors) / (N * 100)
        margins = [
            sum(norm.pdf(s[i, j], p.mean[j], math.sqrt(p.cov[j, j])) for p in posteriors) / (N * 100)
            for j in range(K)
        ]
        information.append(own[i] - math.log(joint))
        correlation.append(math.log(joint) - sum(map(math.log, margins)))
    assert float(parts.information) == pytest.approx(np.mean(information))
    assert float(parts.total_correlation) == pytest.approx(np.mean(correlation))
    weighted = parts.weighted(elbo.Weights(100, 1, 0, 10))
    assert float(weighted) == pytest.approx(
        100 * float(parts.reconstruction) - np.mean(information) - 10 * float(parts.dimension_wise)
    )


def _linear(W: np.ndarray, noise: float) -> Variational:
    """A model with linear networks, set to the exact posterior of x = W s + noise."""
    d, k = W.shape
    model = Variational(torch.eye(k, d), StandardPrior(k), sizes=(), noise=noise).double()
    with torch.no_grad():
        for net in (model.encoder, model.decoder):
            for p in net.parameters():
                p.zero_()
        model.decoder.matrix.copy_(torch.tensor(W))
        model.encoder.matrix.copy_(torch.tensor(np.linalg.pinv(W)))
        # Precision of the message is W^T W / noise^2.
        R = np.linalg.cholesky(W.T @ W)
        rows, columns = np.tril_indices(k, -1)
        bias = np.concatenate([np.zeros(k), np.log(np.diag(R)), R[rows, columns]])
        model.encoder.net[-1].bias.copy_(torch.tensor(bias))
    return model


def test_of_a_linear_decoder_the_bound_is_exactly_the_likelihood() -> None:
    rng = np.random.default_rng(0)
    W, noise = rng.normal(size=(5, 2)), 0.7
    x = rng.normal(size=(40, 2)) @ W.T + noise * rng.normal(size=(40, 5))
    model = _linear(W, noise)
    weights = model.log_weights(
        torch.tensor(x), torch.zeros(40, dtype=torch.long), 3, torch.Generator().manual_seed(0)
    )
    exact = multivariate_normal(np.zeros(5), W @ W.T + noise**2 * np.eye(5)).logpdf(x)
    # q is the exact posterior, so that every single weight is p(x).
    np.testing.assert_allclose(weights.numpy(), np.tile(exact, (3, 1)), rtol=1e-6)


def test_gradients_of_the_step_are_finite_differences_of_the_closed_likelihood() -> None:
    """At the exact posterior the ELBO touches the likelihood: their gradients in the decoder agree (Fisher)."""
    rng = np.random.default_rng(1)
    W, noise = rng.normal(size=(4, 2)), 0.8
    x = rng.normal(size=(30, 4))
    model = _linear(W, noise)
    total = torch.zeros_like(model.decoder.matrix)
    runs = 4000
    rows = torch.tensor(np.tile(x, (runs, 1)))
    step = model.step((rows, torch.zeros(len(rows), dtype=torch.long)), torch.Generator().manual_seed(0))
    step.loss.backward()
    assert model.decoder.matrix.grad is not None
    total += model.decoder.matrix.grad

    def loss(W: np.ndarray) -> float:
        return -float(multivariate_normal(np.zeros(4), W @ W.T + noise**2 * np.eye(4)).logpdf(x).mean())

    for i, j in [(0, 0), (2, 1), (3, 0)]:
        up, down = W.copy(), W.copy()
        up[i, j] += 1e-5
        down[i, j] -= 1e-5
        assert float(total[i, j]) == pytest.approx((loss(up) - loss(down)) / 2e-5, abs=0.01)
