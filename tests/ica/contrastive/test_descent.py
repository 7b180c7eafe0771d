"""Training of the contrastive estimators: the penalty by hand, every row once an epoch, the optimum at the end."""

import math

import pytest
import torch
from torch import nn

from mutua.ica.contrastive.descent import redundancy, train
from mutua.objectives import Predictive


def test_redundancy_by_hand() -> None:
    generator = torch.Generator().manual_seed(2)
    h = torch.randn(20_000, 3, generator=generator, dtype=torch.float64)
    assert float(redundancy(h)) < 1e-3
    # A mean of twice the deviation, log 5 of one in three; magnitudes are then near linear, and no more alike.
    assert float(redundancy(h + torch.tensor([0.0, 0.0, 2.0]))) == pytest.approx(math.log(5) / 3, abs=0.02)
    # Two alike: a correlation of 1 twice, of both kinds.
    assert float(redundancy(h[:, [0, 1, 0]])) == pytest.approx(4 / 3, abs=0.01)
    few = h[:6].clone().requires_grad_()
    assert torch.autograd.gradcheck(redundancy, few)


def test_descent_sees_every_row_once_an_epoch_and_ends_at_the_optimum() -> None:
    seen: list[int] = []

    def puzzle(batch: tuple[torch.Tensor, torch.Tensor], generator: torch.Generator) -> tuple:
        seen.extend(batch[0][:, 0].long().tolist())
        return batch

    rows = torch.arange(20.0)[:, None], (torch.arange(20) >= 10).long()
    method = Predictive(nn.Linear(1, 1), nn.Linear(1, 2), puzzle)
    train(method, rows, steps=400, batch=5, learning_rate=0.1, seed=0)
    assert sorted(seen[:20]) == list(range(20)) == sorted(seen[20:40])
    assert seen[:20] != seen[20:40]
    assert not method.training
    told = method.head(method.encoder(rows[0])).argmax(1)
    assert (told == rows[1]).all()
