"""InfoNCE and its interpolation with TUBA."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from mutua.bounds import infonce, infonce_loss, interpolated, nwj, tuba
from mutua.critics import Dot
from mutua.scores import Dense, local, multiview, paired
from mutua.types import InputError


def random_scores(seed: int = 0) -> Dense:
    generator = torch.Generator().manual_seed(seed)
    joint = torch.randn(2, 5, 3, generator=generator, dtype=torch.float64)
    return Dense(joint, torch.randn(2, 5, 4, generator=generator, dtype=torch.float64))


def test_a_batch_of_three_by_hand() -> None:
    """Rows 1 0 0 / 0 2 0 / 0 0 0: log 3 + mean of T_ii - log of the row's sum of exp."""
    matrix = torch.tensor([[1.0, 0, 0], [0, 2.0, 0], [0, 0, 0]], dtype=torch.float64)
    scores = Dense(matrix.diagonal()[:, None], matrix, ~torch.eye(3, dtype=torch.bool))
    wanted = math.log(3) + ((1 - math.log(math.e + 2)) + (2 - math.log(math.e**2 + 2)) - math.log(3)) / 3
    assert infonce(scores).item() == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("n", [2, 3, 17])
def test_infonce_is_cross_entropy_of_the_diagonal(n: int) -> None:
    x, y = torch.randn(2, n, 4, dtype=torch.float64).unbind(0)
    loss = torch.nn.functional.cross_entropy(x @ y.T, torch.arange(n))
    assert infonce_loss(paired(Dot(), x, y)).item() == pytest.approx(-loss.item(), abs=1e-12)


def test_infonce_and_its_loss_differ_by_log_k() -> None:
    scores = random_scores()
    assert torch.allclose(infonce(scores) - infonce_loss(scores), torch.tensor(math.log(5)).double(), atol=1e-12)


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0, 1e3, 1e6])
def test_infonce_is_never_above_log_k(scale: float) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.nn.functional.normalize(torch.randn(8, 16, generator=generator, dtype=torch.float64), dim=1)
    cases: list[tuple[Dense, int]] = [
        (paired(Dot(), scale * x, x), 8),
        (multiview(Dot(), scale * torch.stack([x, x, x])), 22),
        (local(Dot(), scale * x, x[:, None].repeat(1, 5, 1)), 36),
    ]
    for scores, k in cases:
        assert scores.others + 1 == k
        value = infonce(scores).item()
        assert value <= math.log(k) + 1e-12
        if scale >= 1e3:
            assert value == pytest.approx(math.log(k), abs=1e-9)


def test_infonce_is_blind_to_a_constant_in_each_row() -> None:
    scores = random_scores()
    constant = torch.randn(2, 5, 1, dtype=torch.float64)
    assert torch.allclose(infonce(Dense(scores.joint + constant, scores.product + constant)), infonce(scores))


BASELINES = [0.0, 1.0, torch.linspace(-2, 2, 10, dtype=torch.float64).view(2, 5)]


@pytest.mark.parametrize("log_baseline", BASELINES, ids=["1", "e", "each"])
def test_the_ends_of_the_interpolation(log_baseline: Tensor | float) -> None:
    scores = random_scores()
    assert torch.allclose(interpolated(scores, 1.0, log_baseline), infonce(scores), rtol=0, atol=1e-12)
    assert torch.allclose(interpolated(scores, 0.0, log_baseline), tuba(scores, log_baseline), rtol=0, atol=1e-12)


def test_the_default_baseline_at_alpha_zero_is_nwj() -> None:
    assert torch.allclose(interpolated(random_scores(), 0.0), nwj(random_scores()), rtol=0, atol=1e-12)


@pytest.mark.parametrize("log_baseline", BASELINES, ids=["1", "e", "each"])
def test_the_interpolation_is_continuous_at_its_ends(log_baseline: Tensor | float) -> None:
    scores = random_scores()
    for end, near in ((0.0, 1e-9), (1.0, 1 - 1e-9)):
        assert torch.allclose(
            interpolated(scores, near, log_baseline), interpolated(scores, end, log_baseline), atol=1e-6
        )


@pytest.mark.parametrize("alpha", [0.05, 0.3, 0.8])
def test_the_ceiling_of_the_interpolation_is_log_k_over_alpha(alpha: float) -> None:
    """A critic that separates for certain: joint scores without end, product scores at minus as much."""
    scores = Dense(torch.full((4, 1), 300.0).double(), torch.full((4, 7), -300.0).double())
    assert interpolated(scores, alpha).item() == pytest.approx(1 + math.log(8 / alpha), abs=1e-9)
    # One more than log(K / alpha): there the product term is 0, while a critic that also has mean e^T = q
    # under the product, as the optimum has, pays it back.
    balanced = Dense(torch.full((4, 1), 300.0).double(), torch.full((4, 7), 1.0).double())
    assert interpolated(balanced, alpha).item() == pytest.approx(math.log(8 / alpha), abs=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 0.4, 1.0])
def test_gradient_of_the_baseline(alpha: float) -> None:
    scores = random_scores()
    log_q = torch.zeros(2, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda q: interpolated(scores, alpha, q) + 0 * q.sum(), (log_q,))


@pytest.mark.parametrize("alpha", [-0.01, 1.01, float("nan")])
def test_alpha_out_of_range(alpha: float) -> None:
    with pytest.raises(InputError, match=r"alpha: .* is not in"):
        interpolated(random_scores(), alpha)
