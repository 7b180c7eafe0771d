"""Laws of every member of ESTIMATORS."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from information.information_oracles import PAIR, ExactConditional, ExactLogRatio, rho_of
from mutua.bounds import nwj, tuba
from mutua.critics import Separable
from mutua.information.estimators.catalogue import ESTIMATORS, Estimator, all_pairs, one_negative
from mutua.information.estimators.club import GaussianConditional
from mutua.information.estimators.neural import held_out_scores
from mutua.information.fitting import fit_critic, fresh_batches
from mutua.types import Critic

MEMBERS = pytest.mark.parametrize("name", ESTIMATORS)

# Of fixed critics: exactly unbiased, or so at the optimum.
UNBIASED = {"nwj", "tuba", "jsd", "jsd_plugin", "kl_plugin"}
# The log of a mean of samples: biased up by about var/2n.
JENSEN = {"dv", "mine", "smile_inf"}


def exact(member: Estimator) -> Critic:
    if member.critic is GaussianConditional:
        return ExactConditional(rho_of(PAIR))
    return ExactLogRatio(rho_of(PAIR), 1.0 if member.optimum.startswith("1 + log r") else 0.0)


@cache
def blocks(batch: int = 64, draws: int = 800) -> tuple[Tensor, Tensor]:
    x, y = PAIR.sample(batch * draws, seed=1)
    return torch.as_tensor(x).view(draws, batch, 2), torch.as_tensor(y).view(draws, batch, 2)


def readings(member: Estimator) -> tuple[float, float]:
    """Mean and standard error of the optimal critic's readings, each of a batch of its own."""
    x, y = blocks()
    values = member.read(member.pairs(exact(member), x, y))  # (draws,)
    return float(values.mean()), float(values.std() / math.sqrt(len(values)))


@MEMBERS
def test_entry_is_complete(name: str) -> None:
    member = ESTIMATORS[name]
    assert member.name == name
    for text in (member.formula, member.bias, member.variance, member.paper, member.optimum):
        assert text
        assert "\n" not in text
    for sentence in (member.bias, member.variance):
        assert sentence.endswith(".")


@MEMBERS
def test_optimal_critic_reads_on_the_stated_side(name: str) -> None:
    member = ESTIMATORS[name]
    mean, error = readings(member)
    if name in UNBIASED:
        assert mean == pytest.approx(PAIR.information, abs=4 * error)
        assert error < 0.03
    elif name in JENSEN:
        assert PAIR.information - 4 * error < mean < PAIR.information + 0.05
    elif member.side == "lower":
        assert mean < PAIR.information + 4 * error
        assert mean > 0.7  # log 64 is far away, so it isn't trivially below
    elif member.side == "upper":
        assert mean > PAIR.information - 4 * error
    else:
        assert mean > PAIR.information  # SMILE at its optimum reads high


def test_of_a_jsd_critic_the_nwj_formula_reads_one_over_e_low() -> None:
    x, y = blocks()
    scores = ESTIMATORS["jsd"].pairs(exact(ESTIMATORS["jsd"]), x, y)
    assert float(ESTIMATORS["jsd"].read(scores).mean()) == pytest.approx(PAIR.information, abs=0.05)
    difference = tuba(scores) - nwj(scores)
    # 1 - (1 - 1/e) E_q r, whose mean is 1/e as E_q r = 1.
    assert float(difference.mean()) == pytest.approx(1 / math.e, abs=0.03)


def test_smile_by_hand() -> None:
    class Fixed(Critic):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return (x * y).sum(-1)

        def matrix(self, x: Tensor, y: Tensor) -> Tensor:
            return torch.tensor([[2.0, 3.0], [-7.0, 4.0]])

    scores = ESTIMATORS["smile_1"].pairs(Fixed(), torch.zeros(2, 1), torch.zeros(2, 1))
    # Joint 2 and 4, product 3 and -7.
    assert float(ESTIMATORS["smile_1"].read(scores)) == pytest.approx(3 - math.log((math.e + 1 / math.e) / 2))
    five = 3 - math.log((math.exp(3) + math.exp(-5)) / 2)
    assert float(ESTIMATORS["smile_5"].read(scores)) == pytest.approx(five)
    without = 3 - math.log((math.exp(3) + math.exp(-7)) / 2)
    assert float(ESTIMATORS["smile_inf"].read(scores)) == pytest.approx(without)
    assert float(ESTIMATORS["jsd_plugin"].read(scores)) == 3


@MEMBERS
@pytest.mark.parametrize("arrangement", [all_pairs, one_negative])
def test_gradient_reaches_every_weight(name: str, arrangement: object, generator: Generator) -> None:
    member = ESTIMATORS[name]
    torch.manual_seed(0)
    critic = member.critic(3, 2)
    x = torch.randn(16, 3, generator=generator)
    y = torch.randn(16, 2, generator=generator)
    scores = (all_pairs if arrangement is all_pairs else one_negative)(critic, x, y, generator)
    member.objective()(scores).backward()
    for key, parameter in critic.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        if parameter.ndim > 1:
            assert parameter.grad.abs().max() > 0, key


@MEMBERS
def test_objective_keeps_leading_axes(name: str) -> None:
    member = ESTIMATORS[name]
    x, y = blocks()
    critic = exact(member)
    together = member.objective()(member.pairs(critic, x[:3], y[:3]))
    apart = torch.stack([member.objective()(member.pairs(critic, x[i], y[i])) for i in range(3)])
    torch.testing.assert_close(together, apart)


@MEMBERS
def test_objective_is_new_for_each_training(name: str) -> None:
    member = ESTIMATORS[name]
    x, y = blocks()
    first, second = (member.pairs(exact(member), x[i], y[i]) for i in range(2))
    used = member.objective()
    used(first)
    torch.testing.assert_close(member.objective()(second), used(second))  # the value carries no state


@MEMBERS
def test_trained_on_fresh_batches_it_reads_the_information(name: str) -> None:
    member = ESTIMATORS[name]
    torch.manual_seed(0)
    separable = member.critic is Separable
    critic = Separable(2, 2, width=64, depth=1, embedding=16) if separable else GaussianConditional(2, 2)
    fitted = fit_critic(
        member,
        critic,
        fresh_batches(PAIR, 128),
        steps=300,
        lr=1e-3 if separable else 5e-3,
        arrangement=all_pairs if separable else None,
        generator=Generator().manual_seed(0),
    )
    x, y = (torch.as_tensor(z, dtype=torch.float32) for z in PAIR.sample(4096, seed=2))
    value = float(member.read(held_out_scores(fitted, x, y, 128, member.pairs)))
    if name == "club":  # with the exact conditional of a Gaussian, sum rho^2/(1 - rho^2)
        rho = rho_of(PAIR)
        assert value == pytest.approx(2 * rho**2 / (1 - rho**2), rel=0.2)
    elif name == "tnce":  # E log q has a gradient of zero mean once q is right, but K = 128 and one layer
        assert 0.6 < value < 1.1
    else:
        assert value == pytest.approx(PAIR.information, abs=0.2)


def test_catalogue_has_what_the_lecture_names() -> None:
    asked = {"dv", "mine", "nwj", "tuba", "jsd", "infonce", "interpolated", "smile_1", "smile_5", "smile_inf"}
    assert asked | {"jsd_plugin", "club", "leave_one_out"} <= set(ESTIMATORS)
    assert {member.side for member in ESTIMATORS.values()} == {"lower", "upper", "neither"}
    assert np.unique([member.formula for member in ESTIMATORS.values()]).size == len(ESTIMATORS)
