"""Rows that contrastive nonlinear ICA learns from, and how some are kept apart to judge by."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor

from mutua.ica.linear.whitening import Whitening
from mutua.types import InputError

__all__ = ["Pairs", "apart", "device_of", "whitened"]

# Runs of neighbouring rows that are held out, where rows depend on their neighbours.
_RUNS = 10


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


def apart(
    index: Int64[np.ndarray, " n"] | None, n: int, share: float
) -> tuple[Int64[np.ndarray, " train"], Int64[np.ndarray, " test"]]:
    """Rows to train on and rows to judge by, ascending: of each class its last `share`, or ten runs of neighbours.

    Rows are not drawn one by one: neighbours in a recording are alike, and would tell of each other.
    """
    test = np.zeros(n, bool)
    if index is not None:
        order = np.argsort(index, kind="stable")
        counts = np.bincount(index)
        place = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)  # of a row in its class
        size = counts[index[order]]
        test[order] = place >= size - np.minimum(np.ceil(share * size), size - 1)
    else:
        # No more runs than rows that are wanted.
        for rows in np.array_split(np.arange(n), max(1, min(_RUNS, int(share * n)))):
            test[rows[len(rows) - min(math.ceil(share * len(rows)), len(rows) - 1) :]] = True
    return np.flatnonzero(~test), np.flatnonzero(test)


def whitened(x: Float[np.ndarray, "n d"], white: Whitening, device: torch.device) -> Float[Tensor, "n k"]:
    """White rows, in float64."""
    return torch.from_numpy((x - white.mean) @ white.matrix.T).to(device)


def device_of(name: str) -> torch.device:
    """ "auto" is CUDA where there is one; or a device's own name.

    Raises `InputError` where it isn't there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, TypeError, AssertionError) as error:
        reason = " ".join(str(error).split())[:80]
        raise InputError(f"device: {name!r} can't be used ({reason}); use 'auto' or 'cpu'") from None
    return device
