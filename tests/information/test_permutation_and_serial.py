"""The permutation test, and when neighbouring rows must stay together."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from mutua.information.default.permutation import permutation_test
from mutua.information.default.serial import block_length
from mutua.types import InputError


def test_against_all_permutations() -> None:
    scores = torch.randn(5, 5, generator=torch.Generator().manual_seed(3))
    rows = torch.arange(5)
    means = [float(scores[rows, torch.tensor(order)].mean()) for order in itertools.permutations(range(5))]
    exact = np.mean(np.array(means) >= float(scores.diagonal().mean()) - 1e-7)
    found = permutation_test(scores, torch.Generator().manual_seed(0), 5000)
    assert abs(found - exact) < 0.03


def test_the_observed_pairing_counts_as_one_of_them() -> None:
    assert permutation_test(10 * torch.eye(30), torch.Generator().manual_seed(0), 99) == 1 / 100
    assert permutation_test(torch.zeros(30, 30), torch.Generator().manual_seed(0), 99) == 1


def test_uniform_under_independence() -> None:
    generator = torch.Generator().manual_seed(0)
    found = [
        permutation_test(
            torch.randn(40, 1, generator=generator) @ torch.randn(1, 40, generator=generator), generator, 99
        )
        for _ in range(300)
    ]
    assert kstest(found, "uniform").pvalue > 0.01


def test_serial_rows_need_their_blocks() -> None:
    rng = np.random.default_rng(0)
    generator = torch.Generator().manual_seed(0)

    def walk() -> torch.Tensor:
        noise = rng.normal(size=400)
        series = np.zeros(400)
        for t in range(1, 400):
            series[t] = 0.9 * series[t - 1] + noise[t]
        return torch.tensor(series)

    plain, blocked = [], []
    for _ in range(100):
        scores = walk()[:, None] * walk()[None]
        plain.append(permutation_test(scores, generator, 99))
        blocked.append(permutation_test(scores, generator, 99, block=40))
    assert np.mean(np.array(plain) <= 0.05) > 0.2
    assert np.mean(np.array(blocked) <= 0.05) < 0.15


def test_too_few_runs() -> None:
    with pytest.raises(InputError, match="can't be permuted"):
        permutation_test(torch.zeros(10, 10), torch.Generator(), block=3)


def test_block_length_is_one_where_one_side_is_white() -> None:
    rng = np.random.default_rng(1)
    white, walk = rng.normal(size=(2000, 2)), np.cumsum(rng.normal(size=(2000, 2)), 0)
    assert block_length(white, walk) == 1
    assert block_length(white, rng.normal(size=(2000, 1))) == 1
    assert block_length(walk, np.cumsum(rng.normal(size=(2000, 1)), 0)) > 50
    assert block_length(white[:, :0], walk) == 1


def test_block_length_of_known_series() -> None:
    rng = np.random.default_rng(2)
    series = np.zeros((20_000, 2))
    for t in range(1, len(series)):
        series[t] = 0.8 * series[t - 1] + rng.normal(size=2)
    # 1 + 2 sum_k 0.8^2k = (1 + .64)/(1 - .64) = 4.56, three of which are 13.7.
    assert 11 <= block_length(series[:, :1], series[:, 1:]) <= 17
