"""Examples that are in the data twice, exactly or nearly."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from mutua.data.labels import array_of
from mutua.evaluation.features import check_features, inputs
from mutua.evaluation.neighbours import CELLS, unit
from mutua.types import InputError, Rows, parted

__all__ = ["Duplicates", "exact_duplicates", "near_duplicates"]


@dataclass(frozen=True)
class Duplicates:
    """Pairs of rows i < j found alike, most similar first, and how many there are where not all are kept."""

    pairs: np.ndarray  # (m, 2) int64
    similarity: np.ndarray  # (m,) float32
    count: int


def exact_duplicates(examples: Rows, *, batch: int = 512) -> list[list[int]]:
    """Groups of rows whose examples are equal byte for byte, by a 128-bit hash; streamed.

    Groups are in the order of their first rows, rows ascend.
    """
    seen: dict[bytes, list[int]] = {}
    for start in range(0, len(examples), batch):
        taken, _ = parted(inputs(examples.take(torch.arange(start, min(start + batch, len(examples))))))
        block = np.ascontiguousarray(taken.numpy(force=True))
        for row, one in enumerate(block, start):
            seen.setdefault(hashlib.blake2b(one.tobytes(), digest_size=16).digest(), []).append(row)
    return [rows for rows in seen.values() if len(rows) > 1]


def near_duplicates(
    x: Any, threshold: float = 0.95, *, limit: int = 10_000, device: torch.device | str = "cpu"
) -> Duplicates:
    """Pairs of rows whose cosine similarity is at least `threshold`, in features or pixels; in blocks.

    Every pair is counted; the `limit` most similar are kept (of equals the first), so that memory is bounded
    whatever the data. Pixels all have a large common brightness: subtract each image's own mean first. Among
    50,000 rows 1.25e9 pairs are looked at.
    """
    x = array_of(x, "features")
    check_features(x, "features")
    if not 0 < threshold <= 1:
        raise InputError(f"threshold: {threshold} is no cosine similarity between 0 and 1; 0.95 is a start")
    if limit < 1:
        raise InputError(f"limit: {limit} keeps no pair; give 1 or more")
    rows = unit(x, device)
    bound = threshold - 1e-6  # rounding of float32: equal rows are at least alike at threshold 1
    size = max(1, min(1024, CELLS // len(rows)))
    pairs = torch.empty(0, 2, dtype=torch.long, device=rows.device)
    values = rows.new_empty(0)
    count = 0
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        similar = part @ rows[start:].T  # (b, n - start): pairs i < j lie above the diagonal
        found = torch.triu(similar >= bound, 1).nonzero()  # (m, 2)
        count += len(found)
        values = torch.cat([values, similar[found[:, 0], found[:, 1]]])
        pairs = torch.cat([pairs, found + start])
        if len(values) > limit:
            keep = values.sort(stable=True, dim=0, descending=True).indices[:limit]
            values, pairs = values[keep], pairs[keep]
    order = values.sort(stable=True, dim=0, descending=True).indices
    return Duplicates(pairs[order].numpy(force=True), values[order].clamp(max=1).numpy(force=True), count)
