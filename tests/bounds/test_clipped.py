"""SMILE."""

from __future__ import annotations

import math

import pytest
import torch

from mutua.bounds import dv, smile
from mutua.scores import Dense
from mutua.types import InputError

SCORES = Dense(
    torch.tensor([[1.0], [3.0]], dtype=torch.float64), torch.tensor([[9.0, 0.0], [-9.0, 1.0]], dtype=torch.float64)
)


def test_by_hand() -> None:
    """Joint mean 2; the product clipped at 2 is 2, 0, -2, 1."""
    wanted = 2 - math.log((math.exp(2) + 1 + math.exp(-2) + math.e) / 4)
    assert smile(SCORES, 2.0).item() == pytest.approx(wanted, abs=1e-12)


def test_the_joint_is_not_clipped() -> None:
    moved = Dense(SCORES.joint + 100, SCORES.product)
    assert (smile(moved, 2.0) - smile(SCORES, 2.0)).item() == pytest.approx(100, abs=1e-12)


def test_with_a_wide_clip_it_is_dv() -> None:
    assert torch.allclose(smile(SCORES, 9.0), dv(SCORES), atol=1e-12)
    assert torch.allclose(smile(SCORES, math.inf), dv(SCORES), atol=1e-12)
    assert smile(SCORES, 5.0) > dv(SCORES)


def test_the_default_clip_is_five() -> None:
    assert torch.equal(smile(SCORES), smile(SCORES, 5.0))
    assert not torch.equal(smile(SCORES), smile(SCORES, 4.0))


def test_a_narrow_clip_leaves_the_mean_of_the_joint() -> None:
    assert smile(SCORES, 1e-9).item() == pytest.approx(2, abs=1e-8)


def test_no_gradient_where_a_score_is_clipped() -> None:
    product = SCORES.product.clone().requires_grad_()
    smile(Dense(SCORES.joint, product), 2.0).backward()
    assert product.grad is not None
    assert (product.grad != 0).tolist() == [[False, True], [False, True]]


def test_the_stated_variance_is_that_of_the_worst_case() -> None:
    """Half of the scores beyond either clip: the variance of one draw is (e^tau - e^-tau)^2/4."""
    ends = torch.tensor([-99.0, 99.0]).clamp(-2, 2).exp()
    assert float(ends.var(correction=0)) == pytest.approx((math.exp(2) - math.exp(-2)) ** 2 / 4)


@pytest.mark.parametrize("tau", [0.0, -1.0, float("nan")])
def test_bad_tau(tau: float) -> None:
    with pytest.raises(InputError, match="tau: ") as caught:
        smile(SCORES, tau)
    assert "\n" not in str(caught.value)
