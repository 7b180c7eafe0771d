"""The loop for rows in memory: rates, batches, penalties, ends, and what it refuses."""

import math
from itertools import repeat

import pytest
import torch
from torch import Generator, Tensor

from mutua.training import OPTIMIZERS, Diverged, Plan, descend, shuffled_batches
from mutua.training.plan import learning_rate
from mutua.types import InputError


def bowl(at: Tensor) -> Tensor:
    return (at - 3.0).square().sum()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_is_the_plain_loop_of_that_optimizer(name: str) -> None:
    plan = Plan(epochs=6, optimizer=name, lr=0.1, weight_decay=0.01, warmup=2, clip=1.0)
    ours = torch.zeros(2, 3).requires_grad_()
    assert descend(lambda _: bowl(ours), [ours], repeat(None), plan) == 6
    twin = torch.zeros(2, 3).requires_grad_()
    optimizer = OPTIMIZERS[name]([{"params": [twin], "weight_decay": 0.01}], plan)
    for step in range(6):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(plan, step, 1)
        optimizer.zero_grad()
        bowl(twin).backward()
        torch.nn.utils.clip_grad_norm_([twin], 1.0)
        optimizer.step()
    assert torch.equal(ours, twin)
    assert not torch.equal(ours, torch.zeros(2, 3))


def test_epochs_of_several_steps() -> None:
    at, rates = torch.zeros(1).requires_grad_(), []
    plan = Plan(epochs=2, optimizer="sgd", lr=1.0, weight_decay=0.0, warmup=1)
    steps = descend(
        lambda _: bowl(at),
        [at],
        repeat(None),
        plan,
        lambda share: rates.append(share) or at.sum() * 0,
        steps_per_epoch=3,
    )
    assert steps == 6
    cosine = [(1 + math.cos(math.pi * k / 3)) / 2 for k in range(3)]
    assert rates == pytest.approx([1 / 3, 2 / 3, 1, *cosine])


def test_a_penalty_is_lowered_with_the_loss() -> None:
    at = torch.zeros(1).requires_grad_()
    plan = Plan(epochs=300, optimizer="adam", lr=0.1, weight_decay=0.0, schedule="constant")
    descend(lambda _: bowl(at), [at], repeat(None), plan, lambda share: share * (at + 1.0).square().sum())
    assert float(at.detach()) == pytest.approx(1.0, abs=1e-2)


def test_watching_sees_each_step_and_ends_it() -> None:
    at, seen = torch.zeros(1).requires_grad_(), []

    def watch(step: int, loss: Tensor) -> bool:
        assert not loss.requires_grad
        seen.append(step)
        return step == 3

    assert descend(lambda _: bowl(at), [at], repeat(None), Plan(epochs=9), watch=watch) == 3
    assert seen == [1, 2, 3]


def test_what_is_not_finite_names_the_step() -> None:
    at = torch.ones(1).requires_grad_()
    scales = iter([1.0, 1.0, math.nan])
    with pytest.raises(Diverged, match="loss: not finite at step 3") as caught:
        descend(lambda scale: scale * bowl(at), [at], scales, Plan(epochs=9))
    assert caught.value.step == 3
    root = torch.zeros(1).requires_grad_()  # a finite loss whose gradient is not
    with pytest.raises(Diverged, match="weights: not finite at step 1"):
        descend(lambda _: root.sqrt().sum(), [root], repeat(None), Plan(epochs=1))
    assert descend(lambda _: at.sum() * math.nan, [at], repeat(None), Plan(epochs=2), guarded=False) == 2


def test_frozen_parameters_stay_and_none_at_all_are_refused() -> None:
    at, frozen = torch.zeros(1).requires_grad_(), torch.zeros(1)
    descend(lambda _: bowl(at + frozen), [at, frozen], repeat(None), Plan(epochs=2))
    assert float(frozen) == 0
    with pytest.raises(InputError, match="nothing to train"):
        descend(lambda _: bowl(frozen), [frozen], repeat(None), Plan(epochs=2))


def test_batches_have_every_row_once_an_epoch() -> None:
    batches = shuffled_batches(10, 3, Generator().manual_seed(0))
    epochs = [torch.cat([next(batches) for _ in range(3)]).tolist() for _ in range(2)]
    assert [len(set(rows)) for rows in epochs] == [9, 9]
    assert epochs[0] != epochs[1]
    assert sorted(next(shuffled_batches(4, 64, Generator())).tolist()) == [0, 1, 2, 3]
