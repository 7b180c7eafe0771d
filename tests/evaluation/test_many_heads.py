"""Many logistic regressions at once: each is what the solver of one gives."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from mutua.evaluation.probes.linear_heads import gram, logistic, solve
from mutua.evaluation.probes.many_heads import Heads, solve_many

CLASSES = 4


def drawn(o: int, n: int, d: int) -> tuple[torch.Tensor, torch.Tensor]:
    random = np.random.default_rng(n)
    codes = random.integers(0, CLASSES, (o, n))
    x = random.normal(size=(CLASSES, d))[codes] + 2 * random.normal(size=(o, n, d))
    return torch.from_numpy(x), torch.from_numpy(codes)


def value(head: tuple[torch.Tensor, torch.Tensor], x: torch.Tensor, y: torch.Tensor, C: float) -> float:
    logs = torch.log_softmax(x @ head[0] + head[1], 1)
    return float(-logs.gather(1, y[:, None]).sum() / len(x) + head[0].square().sum() / (2 * C * len(x)))


@pytest.mark.parametrize(("n", "d"), [(60, 5), (12, 30)])
def test_each_is_the_solution_of_its_problem(n: int, d: int) -> None:
    x, codes = drawn(3, n, d)
    C = torch.tensor([0.01, 1.0, 100.0])
    heads = solve_many(x, codes, CLASSES, C)
    for o in range(3):
        for p in range(3):
            one = solve(x[o], codes[o], CLASSES, logistic, float(C[p]), gram(x[o]))
            best = value((one.weight, one.bias), x[o], codes[o], float(C[p]))
            found = value((heads.weight[o, p], heads.bias[o, p]), x[o], codes[o], float(C[p]))
            assert found == pytest.approx(best, abs=1e-7)
            torch.testing.assert_close(
                heads.log_probs(x)[o, p], torch.log_softmax(x[o] @ one.weight + one.bias, 1), atol=0.03, rtol=0
            )


def test_from_the_solution_of_fewer_rows_it_is_the_same() -> None:
    x, codes = drawn(2, 80, 6)
    C = torch.tensor([0.1, 10.0])
    fewer = solve_many(x[:, :10], codes[:, :10], CLASSES, C)
    warm, cold = solve_many(x, codes, CLASSES, C, None, fewer), solve_many(x, codes, CLASSES, C)
    torch.testing.assert_close(warm.weight, cold.weight, atol=1e-5, rtol=0)
    torch.testing.assert_close(warm.log_probs(x), cold.log_probs(x), atol=1e-5, rtol=0)


def test_float32_reaches_the_same_losses() -> None:
    x, codes = drawn(2, 200, 6)
    C = torch.tensor([1.0])
    exact, rounded = solve_many(x, codes, CLASSES, C), solve_many(x.float(), codes, CLASSES, C)
    torch.testing.assert_close(rounded.log_probs(x.float()).double(), exact.log_probs(x), atol=5e-3, rtol=0)


def test_a_class_without_rows_has_no_chance_and_does_not_disturb() -> None:
    x, codes = drawn(1, 50, 3)
    codes = codes % 3
    heads = solve_many(x, codes, CLASSES, torch.tensor([1.0]))
    one = solve_many(x, codes, 3, torch.tensor([1.0]))
    logs = heads.log_probs(x)
    assert (logs[..., 3] == -math.inf).all()
    torch.testing.assert_close(logs[..., :3], one.log_probs(x), atol=1e-6, rtol=0)


def test_separable_rows_without_a_penalty_end() -> None:
    x = torch.tensor([[[-2.0], [-1.0], [1.0], [2.0]]], dtype=torch.float64)
    heads = solve_many(x, torch.tensor([[0, 0, 1, 1]]), 2, torch.tensor([math.inf]), steps=50)
    assert isinstance(heads, Heads)
    assert (heads.log_probs(x)[0, 0].argmax(1) == torch.tensor([0, 0, 1, 1])).all()
    assert torch.isfinite(heads.weight).all()
