from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from mutua.evaluation.probes.linear_heads import Head, Loss, gram, logistic, reduced, solve, squared_hinge

CS = (1e-3, 0.1, 10.0)


def noisy(n: int, d: int, k: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(n, d, generator=generator, dtype=torch.float64)
    codes = (z[:, :k] + torch.randn(n, k, generator=generator, dtype=torch.float64)).argmax(1)
    x = z @ torch.randn(d, d, generator=generator, dtype=torch.float64)  # correlated columns
    return (x - x.mean(0)) / x.std(0), codes


def value(head: Head, x: torch.Tensor, codes: torch.Tensor, loss: Loss, C: float) -> float:
    return float(C * loss(x @ head.weight + head.bias, codes)[0] + head.weight.square().sum() / 2)


@pytest.mark.parametrize("C", CS)
def test_logistic_is_scikit_learns(C: float) -> None:
    x, codes = noisy(300, 20)
    theirs = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(x.numpy(), codes.numpy())
    head = solve(x, codes, 4, logistic, C, gram(x))
    np.testing.assert_allclose(head.weight.T, theirs.coef_, atol=1e-4)
    chances = torch.softmax(x @ head.weight + head.bias, 1).numpy()
    np.testing.assert_allclose(chances, theirs.predict_proba(x.numpy()), atol=1e-4)


@pytest.mark.parametrize("C", CS)
def test_squared_hinge_is_scikit_learns_but_for_the_penalty_of_b(C: float) -> None:
    x, codes = noisy(300, 20)
    # With a large constant as the feature of b, its penalty in LinearSVC is next to nothing.
    theirs = LinearSVC(C=C, tol=1e-8, max_iter=100_000, dual=False, intercept_scaling=1e3).fit(
        x.numpy(), codes.numpy()
    )
    head = solve(x, codes, 4, squared_hinge, C, gram(x))
    np.testing.assert_allclose(head.weight.T, theirs.coef_, atol=1e-3)
    np.testing.assert_allclose(head.bias, theirs.intercept_, atol=1e-3)


@pytest.mark.parametrize("loss", [logistic, squared_hinge])
@pytest.mark.parametrize("C", CS)
def test_float32_reaches_the_same_minimum(loss: Loss, C: float) -> None:
    x, codes = noisy(300, 20)
    exact = solve(x, codes, 4, loss, C, gram(x))
    low = solve(x.float(), codes, 4, loss, C, gram(x.float()))
    low = Head(low.weight.double(), low.bias.double())
    best = value(exact, x, codes, loss, C)
    assert best - 1e-9 * abs(best) <= value(low, x, codes, loss, C) <= best * (1 + 1e-4)


def test_a_warm_start_ends_at_the_same_place() -> None:
    x, codes = noisy(300, 20)
    cold = solve(x, codes, 4, logistic, 1.0, gram(x))
    warm = solve(x, codes, 4, logistic, 1.0, gram(x), solve(x, codes, 4, logistic, 0.01, gram(x)))
    torch.testing.assert_close(warm.weight, cold.weight, atol=1e-4, rtol=1e-4)


def test_fewer_rows_than_columns_lose_nothing_by_the_reduction() -> None:
    x, codes = noisy(30, 80)
    z, basis = reduced(x)
    assert z.shape == (30, 30)
    assert basis is not None
    torch.testing.assert_close(z @ basis.T, x)
    small, whole = solve(z, codes, 4, logistic, 0.1, gram(z)), solve(x, codes, 4, logistic, 0.1, gram(x))
    torch.testing.assert_close(basis @ small.weight, whole.weight, atol=1e-4, rtol=1e-3)
    assert reduced(x[:, :20])[1] is None


@pytest.mark.parametrize("loss", [logistic, squared_hinge])
def test_gradients_are_those_of_autograd(loss: Loss) -> None:
    scores = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    codes = torch.tensor([0, 1, 2, 0, 1, 2])
    total, by_scores = loss(scores.detach().clone(), codes)
    if loss is logistic:
        slow = torch.nn.functional.cross_entropy(scores, codes, reduction="sum")
    else:
        sign = 2 * torch.nn.functional.one_hot(codes, 3) - 1
        slow = (1 - sign * scores).relu().square().sum()
    slow.backward()
    torch.testing.assert_close(total, slow.detach())
    torch.testing.assert_close(by_scores, scores.grad)


def test_constant_columns_and_separable_classes_are_no_trouble() -> None:
    x = torch.zeros(20, 3)
    x[:10, 0], x[10:, 0] = -1, 1
    codes = torch.tensor([0] * 10 + [1] * 10)
    for loss in (logistic, squared_hinge):
        for C in (1e-6, 1.0, 100.0):
            assert solve(x, codes, 2, loss, C, gram(x)).predict(x).tolist() == codes.tolist()
