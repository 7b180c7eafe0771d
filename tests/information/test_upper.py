"""CLUB and leave-one-out with the exact conditional of a Gaussian, and the conditional itself."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import norm
from torch import Generator, Tensor

from information.information_oracles import PAIR, ExactConditional, rho_of
from mutua.information.estimators.club import GaussianConditional, club, leave_one_out, likelihood, paired_by_y
from mutua.scores import Dense, paired


def blocks(batch: int, draws: int) -> tuple[Tensor, Tensor]:
    x, y = PAIR.sample(batch * draws, seed=1)
    return torch.as_tensor(x).view(draws, batch, 2), torch.as_tensor(y).view(draws, batch, 2)


def mean_and_error(values: Tensor) -> tuple[float, float]:
    return float(values.mean()), float(values.std() / math.sqrt(len(values)))


def test_club_with_the_exact_conditional_is_its_closed_form() -> None:
    rho = rho_of(PAIR)
    mean, error = mean_and_error(club(paired(ExactConditional(rho), *blocks(64, 500))))
    assert mean == pytest.approx(2 * rho**2 / (1 - rho**2), abs=4 * error)
    assert error < 0.03


def test_leave_one_out_falls_to_the_information_as_the_block_grows() -> None:
    critic = ExactConditional(rho_of(PAIR))
    few, error = mean_and_error(leave_one_out(paired_by_y(critic, *blocks(4, 4000))))
    assert few > PAIR.information + 4 * error
    many, error = mean_and_error(leave_one_out(paired_by_y(critic, *blocks(500, 30))))
    assert PAIR.information - 4 * error < many < PAIR.information + 0.06


def test_likelihood_with_the_exact_conditional_is_the_conditional_entropy() -> None:
    rho = rho_of(PAIR)
    mean, error = mean_and_error(likelihood(paired(ExactConditional(rho), *blocks(64, 500))))
    assert mean == pytest.approx(-math.log(2 * math.pi * math.e * (1 - rho**2)), abs=4 * error)


def test_anchors_of_leave_one_out_are_y() -> None:
    x, y = (z[0] for z in blocks(4, 1))
    critic = ExactConditional(rho_of(PAIR))
    by_y = paired_by_y(critic, x, y)
    torch.testing.assert_close(by_y.product[1, 2], critic(x[2], y[1]))
    torch.testing.assert_close(by_y.joint[:, 0], critic(x, y))


def test_by_hand() -> None:
    joint = torch.tensor([[1.0], [3.0]])
    product = torch.tensor([[9.0, -1.0], [-2.0, 9.0]])
    scores = Dense(joint, product, ~torch.eye(2, dtype=torch.bool))
    assert float(club(scores)) == pytest.approx(2 - (-1.5))
    assert float(leave_one_out(scores)) == pytest.approx(2 - (-1.5))  # one other: its log mean exp is itself
    three = Dense(torch.zeros(1, 1), torch.tensor([[0.0, math.log(3.0)]]))
    assert float(leave_one_out(three)) == pytest.approx(-math.log(2))
    assert float(club(three)) == pytest.approx(-math.log(3) / 2)


def test_conditional_is_a_density_in_nats(generator: Generator) -> None:
    torch.manual_seed(0)
    q = GaussianConditional(3, 2).double()
    x = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    y = torch.randn(5, 2, generator=generator, dtype=torch.float64)
    scale = (0.5 * q.log_variance(x)).exp().detach().numpy()
    expected = norm(q.mean(x).detach().numpy(), scale).logpdf(y.numpy()).sum(1)
    torch.testing.assert_close(q(x, y).detach(), torch.as_tensor(expected))
    torch.testing.assert_close(q.matrix(x, y).diagonal(), q(x, y))
    torch.testing.assert_close(q.matrix(x, y)[1, 3], q(x[1], y[3]))
