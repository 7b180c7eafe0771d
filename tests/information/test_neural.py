"""Cross-fitted estimates: no row is judged by a critic that saw it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from information.information_oracles import PAIR, ExactConditional, ExactLogRatio, rho_of
from mutua.bounds import dv, infonce
from mutua.critics import Separable
from mutua.data.known import independent
from mutua.information.estimators.barber_agakov import barber_agakov
from mutua.information.estimators.catalogue import ESTIMATORS
from mutua.information.estimators.club import paired_by_y
from mutua.information.estimators.neural import fold_rows, held_out_scores, neural_estimate
from mutua.scores import Dense, paired
from mutua.types import Critic, InputError


def tiny(dx: int, dy: int) -> Critic:
    return Separable(dx, dy, width=32, depth=1, embedding=8)


def test_folds_cover_all_rows_once(generator: Generator) -> None:
    parts = fold_rows(23, 4, generator)
    assert torch.equal(torch.cat([own for own, _ in parts]).sort().values, torch.arange(23))
    for own, rest in parts:
        assert torch.equal(torch.cat([own, rest]).sort().values, torch.arange(23))


class Spy(Separable):
    """Notes the rows (named in x's first column) that it was trained on, and that it was read on."""

    def __init__(self, dx: int, dy: int) -> None:
        super().__init__(dx, dy, width=8, depth=1, embedding=4)
        self.trained: set[int] = set()
        self.scored: set[int] = set()

    def matrix(self, x: Tensor, y: Tensor) -> Tensor:
        (self.trained if self.training else self.scored).update(x[:, 0].int().tolist())
        return super().matrix(x / 300, y)


def test_no_row_is_read_by_a_critic_that_saw_it() -> None:
    x, y = PAIR.sample(300, seed=0)
    x[:, 0] = np.arange(300)
    result = neural_estimate("jsd", x, y, critic=Spy, folds=2, steps=60, batch=32, block=32)
    for critic, rows in zip(result.critics, result.rows, strict=True):
        assert isinstance(critic, Spy)
        held_out = set(rows.tolist())
        assert len(held_out) == 150
        assert not critic.trained & critic.scored  # neither for stopping nor for the reading
        assert not critic.trained & held_out
        assert len(critic.scored & held_out) >= 148  # all but what fills no block
        assert len(critic.scored - held_out) == 30
        assert len(critic.trained) == 120
    assert set(torch.cat(list(result.rows)).tolist()) == set(range(300))


def test_blocks_pool_into_one_reading() -> None:
    x, y = (torch.as_tensor(z) for z in PAIR.sample(21, seed=0))
    critic = ExactLogRatio(rho_of(PAIR))
    scores = held_out_scores(critic, x, y, block=5)
    assert scores.others == 4
    rows, product = [], []
    for start in (0, 5, 10, 15):
        block = paired(critic, x[start : start + 5], y[start : start + 5])
        rows.append(infonce(block))
        product.append(block.product[~torch.eye(5, dtype=torch.bool)])
    torch.testing.assert_close(infonce(scores), torch.stack(rows).mean())
    every = torch.cat(product)
    torch.testing.assert_close(dv(scores), critic(x[:20], y[:20]).mean() - every.exp().mean().log())


def test_block_larger_than_the_rows_is_all_of_them() -> None:
    x, y = (torch.as_tensor(z) for z in PAIR.sample(7, seed=0))
    assert held_out_scores(ExactLogRatio(0.5), x, y, block=64).others == 6
    with pytest.raises(InputError, match="block"):
        held_out_scores(ExactLogRatio(0.5), x[:1], y[:1])


def test_blocks_of_y_as_anchors() -> None:
    x, y = (torch.as_tensor(z) for z in PAIR.sample(4, seed=0))
    critic = ExactConditional(rho_of(PAIR))
    scores = held_out_scores(critic, x, y, 4, paired_by_y)
    assert isinstance(scores, Dense)
    torch.testing.assert_close(scores.product[1, 2], critic(x[2], y[1]))


@pytest.mark.parametrize("name", ["jsd", "infonce", "leave_one_out"])
def test_estimate_is_near_the_truth(name: str) -> None:
    x, y = PAIR.sample(1500, seed=0)
    critic = tiny if ESTIMATORS[name].critic is Separable else None
    result = neural_estimate(name, x, torch.as_tensor(y), critic=critic, folds=2, steps=200, batch=64, lr=3e-3)
    assert result.value == pytest.approx(PAIR.information, abs=0.25)
    assert result.value == pytest.approx(np.mean(result.folds))
    assert len(result.folds) == len(result.critics) == len(result.rows) == len(result.steps) == 2


def test_an_overfitting_critic_is_not_believed() -> None:
    """Independent, few rows, no early stop to speak of: read on its own rows it would find nats."""
    x, y = independent(PAIR).sample(120, seed=0)
    result = neural_estimate(
        "infonce", x, y, critic=lambda dx, dy: Separable(dx, dy, 64), folds=2, steps=150, lr=3e-3, patience=10**6
    )
    assert result.value < 0.1
    critic = result.critics[0]
    rest = np.setdiff1d(np.arange(120), result.rows[0].numpy())
    own = held_out_scores(critic, *(torch.as_tensor(z[rest], dtype=torch.float32) for z in (x, y)))
    assert float(infonce(own)) > result.folds[0]


def test_critic_is_that_of_the_best_step() -> None:
    x, y = independent(PAIR).sample(120, seed=0)
    long, short = (
        neural_estimate("infonce", x, y, critic=tiny, folds=2, steps=steps, lr=1e-2, every=10)
        for steps in (100, 10)
    )
    assert long.steps[0] == short.steps[0] == 10  # it can only get worse
    for a, b in zip(long.critics[0].parameters(), short.critics[0].parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("name", ["leave_one_out", "club", "dv"])
def test_fold_is_read_by_the_estimators_pairs(name: str) -> None:
    x, y = PAIR.sample(100, seed=0)
    result = neural_estimate(name, x, y, folds=2, steps=20, every=10, block=25)
    rows = result.rows[1]
    held_out = [torch.as_tensor(z, dtype=torch.float32)[rows] for z in (x, y)]
    member = ESTIMATORS[name]
    scores = held_out_scores(result.critics[1], *held_out, 25, member.pairs)
    assert result.folds[1] == pytest.approx(float(member.read(scores)))


def test_same_seed_same_estimate_and_torch_is_left_alone() -> None:
    x, y = PAIR.sample(100, seed=0)
    state = torch.random.get_rng_state()
    first, second = (neural_estimate("dv", x, y, critic=tiny, steps=20, every=5, seed=4).value for _ in range(2))
    assert first == second
    assert torch.equal(state, torch.random.get_rng_state())


def test_one_column_arrays() -> None:
    x, y = PAIR.sample(60, seed=0)
    assert np.isfinite(neural_estimate("jsd", x[:, 0], y[:, 0], critic=tiny, steps=5, every=5).value)


def test_barber_agakov_with_the_entropy_given_and_estimated() -> None:
    x, y = PAIR.sample(1500, seed=0)
    given = barber_agakov(x, y, entropy=float(np.log(2 * np.pi * np.e)), folds=2, steps=150, lr=5e-3)
    assert PAIR.information - 0.25 < given.value < PAIR.information + 0.1
    estimated = barber_agakov(x, y, folds=2, steps=150, lr=5e-3)
    assert estimated.value == pytest.approx(given.value, abs=0.1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"estimator": "nonsense"}, "nonsense"),
        ({"y": np.zeros((9, 1))}, "10 and 9 rows"),
        ({"x": np.full((10, 1), np.nan)}, "NaN"),
        ({"folds": 6}, "10 rows in 6 folds"),
        ({"folds": 1}, "folds"),
        ({"x": np.zeros((4, 1)), "y": np.zeros((4, 1)), "folds": 2}, "too few"),
    ],
)
def test_bad_input_is_one_line(change: dict, words: str) -> None:
    arguments = {"estimator": "jsd", "x": np.zeros((10, 1)), "y": np.zeros((10, 1)), "steps": 1} | change
    with pytest.raises(InputError, match=words) as caught:
        neural_estimate(**arguments)
    assert "\n" not in str(caught.value)


def test_an_estimator_of_ones_own() -> None:
    x, y = PAIR.sample(60, seed=0)
    own = replace(ESTIMATORS["jsd"], name="own", read=lambda scores: scores.joint.mean((-2, -1)) * 0 + 3)
    assert neural_estimate(own, x, y, critic=tiny, steps=5).value == pytest.approx(3)
