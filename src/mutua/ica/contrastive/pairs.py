"""Rows that contrastive nonlinear ICA learns from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor

__all__ = ["Pairs"]


@dataclass(frozen=True)
class Pairs:
    """x and what it is contrasted with, row by row.

    Args:
        x: (n, d), whitened.
        u: (n,), the number of a class; (n, du), a vector; or (n, d), the whitened row before.
        index: (n,), the class of each row, on the CPU, where u is one; else None.
    """

    x: Float[Tensor, "n d"]
    u: Shaped[Tensor, "n ..."]
    index: Int64[np.ndarray, " n"] | None = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Int64[np.ndarray, " m"]) -> Pairs:
        at = torch.from_numpy(rows).to(self.x.device)
        return replace(self, x=self.x[at], u=self.u[at], index=None if self.index is None else self.index[rows])
