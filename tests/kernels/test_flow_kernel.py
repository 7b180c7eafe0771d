"""The compiled flow against its definition, and its gradients against autograd's."""

import numpy as np
import pytest
import torch

from mutua.ica.flow.layers import Layered, plain, torch_layers
from mutua.kernels.ica.flow import adam, forward, scale_scores, slow_forward


def drawn(make: Layered, rng: np.random.Generator) -> np.ndarray:
    """Parameters off their start, in float64."""
    theta = make.start(rng).astype(np.float64)
    return theta + 0.3 * rng.standard_normal(len(theta))


@pytest.mark.parametrize(
    ("d", "maps", "knees", "n"), [(1, 1, 1, 3), (3, 2, 2, 300), (5, 3, 4, 257), (6, 0, 1, 10)]
)
def test_forward_is_the_definition(d: int, maps: int, knees: int, n: int) -> None:
    rng = np.random.default_rng(0)
    layers = plain(make := Layered(d, maps, knees), drawn(make, rng))
    x, rows = rng.standard_normal((n + 5, d)), rng.permutation(n + 5)[:n]
    for fast, slow in zip(forward(layers, x, rows), slow_forward(layers, x[rows].T), strict=True):
        np.testing.assert_allclose(fast, slow, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("d", "maps", "knees", "n"), [(1, 1, 1, 3), (3, 2, 2, 300), (5, 3, 4, 257), (6, 0, 1, 10)]
)
def test_the_way_back_is_autograds(d: int, maps: int, knees: int, n: int) -> None:
    rng = np.random.default_rng(1)
    make = Layered(d, maps, knees)
    theta, x, weights = drawn(make, rng), rng.standard_normal((n, d)), rng.standard_normal((d, n))
    passed = make.run(theta, x, np.arange(n))
    score = np.tanh(passed.sources) * weights
    known = torch.from_numpy(theta).requires_grad_()
    s, log_det = torch_layers(make, known, torch.from_numpy(x))
    energy = (torch.from_numpy(weights).T * s.cosh().log()).sum(1)
    (energy - log_det).mean().backward()
    np.testing.assert_allclose(passed.log_det(), log_det.detach().numpy(), rtol=1e-10)
    np.testing.assert_allclose(passed.back(score), known.grad.numpy(), rtol=1e-8, atol=1e-10)


def test_single_precision_is_near() -> None:
    rng = np.random.default_rng(2)
    make = Layered(5, 4, 4)
    theta, x = drawn(make, rng), rng.standard_normal((500, 5))
    double = make.run(theta, x, np.arange(500))
    expected, back = double.sources.copy(), double.back(double.sources)
    single = make.run(theta.astype(np.float32), x.astype(np.float32), np.arange(500))
    assert np.abs(single.sources - expected).max() < 1e-3 * np.abs(expected).max()
    assert np.abs(single.back(single.sources) - back).max() < 1e-3 * np.abs(back).max()


@pytest.mark.parametrize("laplace", [True, False])
def test_scores_of_segments(laplace: bool) -> None:
    rng = np.random.default_rng(3)
    s, segment, inverse = rng.standard_normal((3, 50)), rng.integers(4, size=50), rng.uniform(1, 2, (4, 3))
    score, total = np.empty_like(s), np.zeros((4, 3))
    scale_scores(s, segment, inverse, laplace, score, total)
    known = torch.from_numpy(s).requires_grad_()
    rate = torch.from_numpy(inverse[segment].T)
    (known.abs() * rate if laplace else known**2 * rate / 2).sum().backward()
    np.testing.assert_allclose(score, known.grad.numpy())
    size = np.abs(s) if laplace else s**2
    np.testing.assert_allclose(total, np.stack([np.bincount(segment, row, 4) for row in size], 1))


def test_adam_is_torchs() -> None:
    rng = np.random.default_rng(4)
    theta = rng.standard_normal(7)
    known = torch.from_numpy(theta.copy()).requires_grad_()
    optimizer = torch.optim.Adam([known], lr=0.01, betas=(0.9, 0.99))
    mean, square = np.zeros(7), np.zeros(7)
    for step in range(1, 6):
        gradient = rng.standard_normal(7) * 10**step
        known.grad = torch.from_numpy(gradient.copy())
        torch.nn.utils.clip_grad_norm_([known], 5.0)
        optimizer.step()
        norm = adam(theta, gradient, mean, square, 0.01, 0.9, 0.99, step, 5.0)
        assert norm == pytest.approx(np.linalg.norm(gradient))
    np.testing.assert_allclose(theta, known.detach().numpy(), rtol=1e-6)
