"""Training of critics: batches, stopping, baselines."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from information.information_oracles import PAIR
from mutua.bounds import tuba
from mutua.critics import Separable
from mutua.information.estimators.catalogue import ESTIMATORS
from mutua.information.estimators.tuba_baseline import Baselined, LogBaseline
from mutua.information.fitting import Best, fit_critic, fresh_batches, row_batches
from mutua.scores import paired
from mutua.types import Critic, InputError


def small() -> Separable:
    torch.manual_seed(0)
    return Separable(2, 2, width=8, depth=1, embedding=4)


def test_rows_come_once_in_a_pass_and_stay_paired(generator: Generator) -> None:
    x = torch.arange(10.0)[:, None]
    draw = row_batches(x, -x, 3)
    for _ in range(4):
        passes = [draw(generator) for _ in range(3)]
        seen = torch.cat([a for a, _ in passes]).flatten()
        assert seen.unique().numel() == 9
        for a, b in passes:
            torch.testing.assert_close(a, -b)
    a, _ = row_batches(x, -x, 64)(generator)
    assert len(a) == 10


def test_fresh_batches_are_new_and_reproducible() -> None:
    draw = fresh_batches(PAIR, 8)
    generator = Generator().manual_seed(3)
    first, second = draw(generator), draw(generator)
    again = draw(Generator().manual_seed(3))
    assert first[0].shape == (8, 2)
    assert not torch.equal(first[0], second[0])
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])


def test_training_is_a_function_of_the_generator() -> None:
    fits = [
        fit_critic(
            ESTIMATORS["mine"], small(), fresh_batches(PAIR, 8), steps=5, generator=Generator().manual_seed(7)
        )
        for _ in range(2)
    ]
    for a, b in zip(fits[0].parameters(), fits[1].parameters(), strict=True):
        assert torch.equal(a, b)


def test_callback_sees_each_step_and_ends_the_training(generator: Generator) -> None:
    seen: list[int] = []

    def callback(step: int, critic: Critic, value: Tensor) -> bool:
        assert critic.training
        assert not value.requires_grad
        seen.append(step)
        return step == 3

    fitted = fit_critic(
        ESTIMATORS["jsd"], small(), fresh_batches(PAIR, 8), steps=9, generator=generator, callback=callback
    )
    assert seen == [1, 2, 3]
    assert not fitted.training


def test_best_restores_the_weights_of_the_best_step(generator: Generator) -> None:
    values = iter([0.0, 2.0, 1.0, 1.5, 3.0])
    snapshots: dict[int, Tensor] = {}

    def score(critic: Critic) -> float:
        assert not critic.training
        return next(values)

    def callback(step: int, critic: Critic, value: Tensor) -> bool:
        snapshots[step] = critic.phi[0].weight.detach().clone()  # type: ignore[attr-defined]
        return best(step, critic, value)

    best = Best(score, every=2, patience=2)
    critic = small()
    fit_critic(ESTIMATORS["jsd"], critic, fresh_batches(PAIR, 8), steps=50, generator=generator, callback=callback)
    assert max(snapshots) == 8  # best at step 4, then two scorings in vain
    assert (best.step, best.value) == (4, 2.0)
    best.restore(critic)
    assert torch.equal(critic.phi[0].weight, snapshots[4])
    assert not torch.equal(critic.phi[0].weight, snapshots[8])


def test_baseline_in_the_critic_is_the_baseline_of_the_bound(generator: Generator) -> None:
    critic, baseline = small(), LogBaseline(2)
    x, y = (torch.randn(6, 2, generator=generator) for _ in range(2))
    inside = tuba(paired(Baselined(critic, baseline), x, y))
    torch.testing.assert_close(inside, tuba(paired(critic, x, y), baseline(x)))


def test_tuba_learns_its_baseline_and_keeps_it(generator: Generator) -> None:
    batches = fresh_batches(PAIR, 8)
    fitted = fit_critic(ESTIMATORS["tuba"], small(), batches, steps=2, generator=generator)
    assert isinstance(fitted, Baselined)
    before = [p.detach().clone() for p in fitted.log_baseline.parameters()]
    again = fit_critic(ESTIMATORS["tuba"], fitted, batches, steps=2, generator=generator)
    assert again is fitted
    assert any(not torch.equal(a, b) for a, b in zip(before, fitted.log_baseline.parameters(), strict=True))


def test_objective_that_is_not_finite_is_one_line(generator: Generator) -> None:
    def huge(generator: Generator) -> tuple[Tensor, Tensor]:
        return torch.full((4, 2), 1e30), torch.full((4, 2), 1e30)

    with pytest.raises(InputError, match=r"nwj: its objective is .* at step 1 of 5"):
        fit_critic(ESTIMATORS["nwj"], small(), huge, steps=5, generator=generator)
