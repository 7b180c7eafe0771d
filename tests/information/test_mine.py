"""MINE's gradient against its formula."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from mutua.bounds import dv
from mutua.information.estimators.mine import Mine
from mutua.scores import Dense
from mutua.types import InputError


def batch(seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    joint = torch.randn(5, 1, generator=generator, dtype=torch.float64).requires_grad_()
    product = torch.randn(5, 4, generator=generator, dtype=torch.float64).requires_grad_()
    return joint, product


@pytest.mark.parametrize("rate", [0.01, 0.3, 1.0])
def test_gradient_is_that_of_the_formula(rate: float) -> None:
    objective = Mine(rate)
    average = None
    for step in range(4):
        joint, product = batch(step)
        scores = Dense(joint, product)
        value = objective(scores)
        value.backward()
        e = product.detach().exp()
        now = float(e.mean())
        average = now if average is None else (1 - rate) * average + rate * now
        assert value.item() == pytest.approx(dv(scores).item())  # the value is DV's
        assert joint.grad is not None
        assert product.grad is not None
        torch.testing.assert_close(joint.grad, torch.full_like(joint, 1 / 5))
        torch.testing.assert_close(product.grad, -e / average / 20)


def test_first_batch_has_the_gradient_of_dv() -> None:
    joint, product = batch(0)
    Mine()(Dense(joint, product)).backward()
    other_joint, other_product = batch(0)
    dv(Dense(other_joint, other_product)).backward()
    assert product.grad is not None
    assert other_product.grad is not None
    torch.testing.assert_close(product.grad, other_product.grad)


def test_large_scores_do_not_overflow() -> None:
    objective = Mine(0.01)
    objective(Dense(torch.zeros(2, 1), torch.zeros(2, 2)))
    product = torch.full((2, 2), 500.0, requires_grad=True)
    value = objective(Dense(torch.zeros(2, 1), product))
    value.backward()
    assert value.item() == pytest.approx(-500)
    assert product.grad is not None
    assert float(-product.grad.sum()) == pytest.approx(1 / 0.01, rel=1e-3)  # at most 1/rate
    assert math.isfinite(float(objective.log_average))  # type: ignore[arg-type]


def test_rate_outside_its_range() -> None:
    with pytest.raises(InputError, match="rate"):
        Mine(0.0)
