"""Nearest neighbours by cosine similarity, block by block: the full matrix is never held."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

__all__ = ["blocks", "nearest", "unit"]

CELLS = 1 << 25
"""Similarities held at a time: 128 MiB of float32."""

_GRAIN = 2.0**-20  # similarities are rounded to this, about their rounding error, so that equals compare equal


def unit(x: np.ndarray | Tensor, device: torch.device | str = "cpu") -> Tensor:
    """Rows scaled to length one, float32 (n, d), a copy; a row of zeros stays zero and is similar to nothing."""
    if isinstance(x, np.ndarray):  # torch knows no long doubles, no negative strides and no other byte order
        x = torch.from_numpy(np.array(x, np.float32, order="C"))
    rows = x.to(device, torch.float32)
    return rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-12)


def blocks(queries: Tensor, keys: Tensor) -> Iterator[tuple[int, Tensor]]:
    """(Number of the first query, similarities (b, m) of b queries with all keys), of unit rows."""
    size = max(1, CELLS // len(keys))
    for start in range(0, len(queries), size):
        yield start, queries[start : start + size] @ keys.T


def nearest(queries: Tensor, keys: Tensor, k: int, *, same: bool = False) -> tuple[Tensor, Tensor]:
    """Similarities and row numbers of the k most similar keys of each query: two (n, k), most similar first.

    Ties go to the lower row number, where similarities within 1e-6 count as equal. With `same` the keys are
    the queries, and none is its own neighbour.

    >>> points = unit(np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]], np.float32))
    >>> nearest(points, points, 1, same=True)[1].flatten().tolist()
    [1, 0, 1]
    """
    k = min(k, len(keys) - same)
    values = queries.new_empty(len(queries), k)
    rows = torch.empty(len(queries), k, dtype=torch.long, device=queries.device)
    for start, similar in blocks(queries, keys):
        similar.div_(_GRAIN).round_().mul_(_GRAIN)
        if same:
            similar[torch.arange(len(similar)), torch.arange(start, start + len(similar))] = -2
        top, index = similar.topk(min(k + 1, len(keys)), 1)
        # topk leaves open which of equals it takes: sort those rows whole, in a stable way.
        tied = (top[:, 1:] == top[:, :-1]).any(1).nonzero()[:, 0]
        for part in tied.split(1024):
            order = similar[part].sort(stable=True, dim=1, descending=True)
            top[part], index[part] = order.values[:, : top.shape[1]], order.indices[:, : top.shape[1]]
        values[start : start + len(similar)] = top[:, :k]
        rows[start : start + len(similar)] = index[:, :k]
    return values, rows
