"""What a free critic becomes under each objective, on a small discrete joint where nothing is sampled.

The rows enumerate (x, y, y_1..y_k) as often as p(x, y) p(y_1)..p(y_k) says, so that a mean over them is the
expectation, exactly.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import lru_cache

import pytest
import torch
from torch import Tensor

from mutua.bounds import BOUNDS, CONTRASTS, dv, infonce, interpolated, jsd, nwj, smile, tuba
from mutua.scores import Dense

COUNTS = torch.tensor([[4, 1, 1], [1, 3, 2]])  # twelfths
P = COUNTS.double() / 12
LOG_R = torch.log(P / (P.sum(1, keepdim=True) * P.sum(0, keepdim=True)))
INFORMATION = float((P * LOG_R).sum())


@lru_cache
def draws(k: int) -> Tensor:
    """(x, y, y_1..y_k), each row as often as it is likely."""
    marginal = COUNTS.sum(0).tolist()
    rows: list[tuple[int, ...]] = []
    for x, y in itertools.product(range(2), range(3)):
        for others in itertools.product(range(3), repeat=k):
            rows += [(x, y, *others)] * (int(COUNTS[x, y]) * math.prod(marginal[other] for other in others))
    return torch.tensor(rows)


def scored(table: Tensor, k: int) -> Dense:
    rows = draws(k)
    return Dense(table[rows[:, 0], rows[:, 1]][:, None], table[rows[:, :1], rows[:, 2:]])


def population(table: Tensor, copies: int = 100) -> Dense:
    """Each anchor against the whole marginal of y, so that its draws have no scatter."""
    x = torch.arange(2).repeat_interleave(COUNTS.sum(1))
    y = torch.cat([torch.arange(3).repeat_interleave(row) for row in COUNTS])
    others = torch.arange(3).repeat_interleave(COUNTS.sum(0) * copies)
    return Dense(table[x, y][:, None], table[x[:, None], others[None]])


def trained(objective: Callable[[Dense], Tensor], arrange: Callable[[Tensor], Dense]) -> Tensor:
    table = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [table], max_iter=300, line_search_fn="strong_wolfe", tolerance_grad=1e-11, tolerance_change=1e-15
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = -objective(arrange(table))
        loss.backward()
        return loss

    optimizer.step(closure)
    return table.detach()


OBJECTIVES = {name: (reading.bound, reading.optimum) for name, reading in BOUNDS.items()} | {
    name: (training.contrast, training.optimum) for name, training in CONTRASTS.items()
}


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("name", sorted(set(OBJECTIVES) - {"smile", "interpolated"}))
def test_a_free_critic_becomes_what_the_catalogue_says(name: str, k: int) -> None:
    objective, optimum = OBJECTIVES[name]
    excess = trained(objective, lambda table: scored(table, k)) - LOG_R
    wanted = {
        "log r": torch.zeros(2, 3),
        "1 + log r": torch.ones(2, 3),
        "log r - log k": torch.full((2, 3), -math.log(k)),
        "log r + c": excess.mean().expand(2, 3),
        "log r + c(x)": excess.mean(1, keepdim=True).expand(2, 3),
    }[optimum]
    assert torch.allclose(excess, wanted.double(), atol=1e-5)


def test_interpolated_becomes_log_q_plus_log_r_as_k_grows() -> None:
    assert BOUNDS["interpolated"].optimum == "1 + log r as K grows"
    assert torch.allclose(trained(interpolated, population), 1 + LOG_R, atol=2e-3)
    other = trained(lambda scores: interpolated(scores, 0.3, -0.7), population)
    assert torch.allclose(other, LOG_R - 0.7, atol=2e-3)
    assert interpolated(population(1 + LOG_R)).item() == pytest.approx(INFORMATION, abs=1e-3)


def test_at_the_optimum_the_reading_is_the_information() -> None:
    assert tuba(population(LOG_R)).item() == pytest.approx(INFORMATION, abs=1e-12)
    assert nwj(population(1 + LOG_R)).item() == pytest.approx(INFORMATION, abs=1e-12)
    assert dv(population(LOG_R + 3)).item() == pytest.approx(INFORMATION, abs=1e-12)
    assert smile(population(LOG_R)).item() == pytest.approx(INFORMATION, abs=1e-12)  # |log r| < 5: no clipping


def test_a_jsd_critic_under_nwj_reads_one_over_e_low() -> None:
    assert nwj(population(LOG_R)).item() == pytest.approx(INFORMATION - math.exp(-1), abs=1e-12)


def test_the_value_of_jsd_is_the_divergence() -> None:
    q = P.sum(1, keepdim=True) * P.sum(0, keepdim=True)
    middle = (P + q) / 2
    divergence = ((P * (P / middle).log()).sum() + (q * (q / middle).log()).sum()) / 2
    assert jsd(population(LOG_R)).item() == pytest.approx(2 * divergence.item() - math.log(4), abs=1e-12)


@pytest.mark.parametrize("name", ["dv", "tuba", "nwj", "infonce"])
def test_a_lower_bound_is_below_the_information_for_wrong_critics(name: str) -> None:
    bound = BOUNDS[name].bound
    assert BOUNDS[name].side == "lower"
    generator = torch.Generator().manual_seed(0)
    for _ in range(100):
        wrong = LOG_R + 2 * torch.rand((), generator=generator) * torch.randn(2, 3, generator=generator)
        for k in (1, 2):
            assert bound(scored(wrong, k)).item() <= INFORMATION + 1e-12


def test_interpolated_reads_above_the_information_at_k_of_two_and_not_at_many() -> None:
    """What its docstring says of few draws."""
    few = trained(interpolated, lambda table: scored(table, 1))
    assert interpolated(scored(few, 1)).item() > INFORMATION + 0.05
    assert interpolated(population(trained(interpolated, population))).item() < INFORMATION + 1e-3


def test_infonce_grows_with_k_and_stays_below_log_k() -> None:
    values = [infonce(scored(LOG_R, k)).item() for k in (1, 2, 3)]
    assert values == sorted(values)
    assert values[-1] < INFORMATION
    assert values[0] < math.log(2)
