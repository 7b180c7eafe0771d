"""Which rows train a critic, which stop it, and which it is judged on: never the same ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Generator, Tensor

from mutua.types import InputError

__all__ = ["Folds", "split"]


@dataclass(frozen=True)
class Folds:
    """Row numbers of f folds, of equal length so that folds can be stacked."""

    train: Int[Tensor, "f n"]
    stop: Int[Tensor, "f v"]
    held: Int[Tensor, "f m"]

    def __len__(self) -> int:
        return len(self.held)


def split(n: int, folds: int, block: int, generator: Generator, stop: float = 0.125) -> Folds:
    """Deal n rows to `folds` folds in runs of `block` rows (1 where rows are independent).

    Fold k is held out from critic k; of the other rows, a share `stop` decides when its training ends. Rows left
    over by the division are in no fold's `held`, and only there.
    """
    runs = n // block
    if runs < 2 * folds:
        raise InputError(
            f"{n} rows in runs of {block} are {runs} independent pieces; {folds} folds need at least {2 * folds}"
        )
    starts = torch.randperm(runs, generator=generator) * block  # (runs,)
    rows = starts[:, None] + torch.arange(block)  # (runs, block)
    each = runs // folds
    dealt = rows[: each * folds].view(folds, each * block)  # (f, m)
    spare = rows[each * folds :].flatten()
    train, stopping = [], []
    for k in range(folds):
        others = torch.cat([dealt[[j for j in range(folds) if j != k]].flatten(), spare])
        # A pair at the least, since a lone row has nothing to be told from.
        v = max(2 * block, int(stop * len(others)) // block * block)
        # The pieces are in random order already, so the first are as good as any.
        stopping.append(others[:v])
        train.append(others[v:])
    return Folds(torch.stack(train), torch.stack(stopping), dealt)
