"""An encoder of rows of a table: a multilayer perceptron that takes missing values."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mutua.encoders.frames import Standardise
from mutua.encoders.staged import Staged
from mutua.types import Spec

__all__ = ["mlp"]


class _Start(nn.Module):
    """Columns standardised, missing ones 0, and beside each whether it is there."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.standardise = Standardise(columns, axis=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.standardise(x), (~x.isnan()).to(x.dtype)], 1)


def mlp(spec: Spec, width: int = 256) -> Staged:
    """Two hidden layers of `width` on the standardised columns. Depths: columns, hidden1, hidden2."""
    (columns,) = spec.shape
    return Staged(
        {
            "columns": _Start(columns),
            "hidden1": nn.Sequential(nn.Linear(2 * columns, width), nn.ReLU()),
            "hidden2": nn.Sequential(nn.Linear(width, width), nn.ReLU()),
        },
        spec,
    )
