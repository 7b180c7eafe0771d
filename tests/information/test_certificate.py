"""The certificate: a lower bound whatever the critic, and its ceiling."""

from __future__ import annotations

import math

import numpy as np
import torch

from mutua.data.known import known
from mutua.information.default.certificate import FLOOR, blocks_of, lower_limit, smoothed_infonce


def test_one_block_by_hand() -> None:
    scores = torch.tensor([[1.0, 0.0], [2.0, 3.0]], dtype=torch.float64)
    e = math.e
    rows = [e / (e + 1), e**3 / (e**2 + e**3)]
    columns = [e / (e + e**2), e**3 / (1 + e**3)]
    wanted = np.mean([math.log((1 - FLOOR) * share + FLOOR / 2) for share in rows + columns]) + math.log(2)
    assert math.isclose(float(smoothed_infonce(scores)), wanted)


def test_never_above_log_k_nor_below_log_of_the_floor() -> None:
    wild = 500 * torch.randn(20, 8, 8, generator=torch.Generator().manual_seed(0))
    found = smoothed_infonce(wild)
    assert bool((found <= math.log(8)).all())
    assert bool((found >= math.log(FLOOR) - 1e-5).all())


def test_the_limit_stays_under_the_truth_with_the_exact_critic() -> None:
    pair = known("multinormal-sparse-2-2-2-2.0")
    assert pair.log_ratio is not None
    above = 0
    for seed in range(60):
        x, y = pair.sample(640, seed)
        x, y = x.reshape(20, 32, 2), y.reshape(20, 32, 2)
        scores = np.stack(
            [
                pair.log_ratio(np.repeat(a, 32, 0), np.tile(b, (32, 1))).reshape(32, 32)
                for a, b in zip(x, y, strict=True)
            ]
        )
        above += lower_limit(smoothed_infonce(torch.tensor(scores))) > pair.information
    assert above <= 3


def test_block_sizes() -> None:
    assert blocks_of(0.1, 10_000) == 32
    assert blocks_of(5.0, 100_000) == int(math.exp(6))
    assert blocks_of(20.0, 9_000) == 300
    assert blocks_of(1.0, 100) == 3
