"""The doubly normalised plug-in: its equations, its optimality on a discrete joint, its fading."""

from __future__ import annotations

import math

import numpy as np
import torch

from mutua.bounds import dv, infonce
from mutua.data.known import known
from mutua.information.default.sinkhorn import doubly_normalised
from mutua.scores import Dense


def test_rows_and_columns_of_the_ratio_have_mean_one() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = 0.7 * torch.randn(60, 60, generator=generator, dtype=torch.float64)
    joint = scores.diagonal()
    read = doubly_normalised(scores)
    assert read.normalised == 1
    # Slowly, and in logs: alternate until both hold.
    off = scores.masked_fill(torch.eye(60, dtype=torch.bool), -math.inf)
    a, b = torch.zeros(60, dtype=torch.float64), torch.zeros(60, dtype=torch.float64)
    for _ in range(500):
        a = math.log(59) - torch.logsumexp(off + b, 1)
        b = math.log(59) - torch.logsumexp(off + a[:, None], 0)
    ratio = (off + a[:, None] + b).exp()
    assert torch.allclose(ratio.sum(0), torch.full((60,), 59.0, dtype=torch.float64))
    bias = 0.5 * ((ratio**2).sum(1) + (ratio**2).sum(0)) / 59**2 - 1 / 59
    assert torch.allclose(read.pointwise, joint + a + b - bias, atol=1e-6)


def test_rows_and_columns_offset_at_will_read_the_same() -> None:
    generator = torch.Generator().manual_seed(1)
    scores = torch.randn(80, 80, generator=generator)
    moved = scores + torch.randn(80, 1, generator=generator) + torch.randn(80, generator=generator)
    found = doubly_normalised(moved).pointwise.mean()
    assert torch.allclose(found, doubly_normalised(scores).pointwise.mean(), atol=1e-5)


def test_above_the_other_bounds_of_a_wrong_critic_and_below_the_truth() -> None:
    pair = known("multinormal-sparse-2-2-2-2.0")
    x, y = pair.sample(1500, 0)
    assert pair.log_ratio is not None
    n = len(x)
    exact = pair.log_ratio(np.repeat(x, n, 0), np.tile(y, (n, 1))).reshape(n, n)
    wrong = torch.tensor(0.6 * exact + 0.3 * np.sin(3 * x[:, :1]) - 0.2 * np.abs(y[:, 1])[None])
    read = float(doubly_normalised(wrong).pointwise.mean())
    dense = Dense(wrong.diagonal()[:, None], wrong, ~torch.eye(n, dtype=torch.bool))
    assert max(float(dv(dense)), float(infonce(dense))) + 0.02 < read < pair.information
    right = float(doubly_normalised(torch.tensor(exact)).pointwise.mean())
    assert abs(right - np.diag(exact).mean()) < 0.02


def test_fades_to_the_plain_mean_where_a_row_rests_on_a_few_terms() -> None:
    pair = known("gaussian-20-10")
    x, y = pair.sample(300, 0)
    assert pair.log_ratio is not None
    exact = pair.log_ratio(np.repeat(x, 300, 0), np.tile(y, (300, 1))).reshape(300, 300)
    read = doubly_normalised(torch.tensor(exact))
    assert read.normalised == 0
    assert read.effective < 5
    assert np.allclose(read.pointwise, np.diag(exact))
