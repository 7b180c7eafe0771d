"""Retrieval from one side of pairs to the other: of all sounds, is a picture's own the nearest, or one of its
class?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mutua.evaluation.features import inputs, placed, reading
from mutua.types import InputError, Rows, Table

__all__ = ["Matched", "codes_of_both", "retrieval_table", "retrieved"]


@runtime_checkable
class Matched(Protocol):
    """A method that puts both sides of its examples into one space."""

    def matched(self, batch: Any) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"]]:
        """Unit vectors of the two sides, whose products say how well they match."""
        ...


def codes_of_both(
    method: Matched, examples: Rows, *, rows: int = 5_000, batch: int = 128, device: torch.device | str = "cpu"
) -> tuple[Float[np.ndarray, "n k"], Float[np.ndarray, "n k"], Int[np.ndarray, " n"]]:
    """(Codes of the one side, of the other, which examples), at most `rows` of them, evenly over all."""
    index = torch.linspace(0, len(examples) - 1, min(len(examples), rows)).long()
    found = []
    with reading(method, device):  # type: ignore[arg-type]
        for part in index.split(batch):
            found.append(tuple(x.cpu() for x in method.matched(placed(inputs(examples.take(part)), device))))
    one, other = (torch.cat(side).numpy() for side in zip(*found, strict=True))
    return one, other, index.numpy()


def retrieved(
    a: Float[np.ndarray, "n k"], b: Float[np.ndarray, "n k"], labels: np.ndarray | None = None, k: int = 10
) -> dict[str, float | None]:
    """How well rows of b are found by rows of a, by inner product; percent.

    own@1, own@k: a's own partner is the first, is among the first k. precision@k: how many of the first k are of
    a's class, its own partner left out; None without labels. Ties are broken against the partner.
    """
    n = len(a)
    if n < 2 or len(b) != n:
        raise InputError(f"examples: {n} and {len(b)}; give two pairs or more")
    ranks, hits = np.empty(n, int), []
    k = min(k, n - 1)
    for start in range(0, n, 512):
        scores = a[start : start + 512] @ b.T  # (r, n)
        rows = np.arange(len(scores))
        own = scores[rows, start + rows].copy()
        scores[rows, start + rows] = -np.inf
        ranks[start : start + 512] = (scores >= own[:, None]).sum(1)
        if labels is not None:
            first = np.argpartition(-scores, k - 1, axis=1)[:, :k]
            hits.append((labels[first] == labels[start : start + 512, None]).mean(1))
    return {
        "own@1": 100 * float((ranks < 1).mean()),
        "own@k": 100 * float((ranks < k).mean()),
        "precision@k": None if labels is None else 100 * float(np.concatenate(hits).mean()),
    }


def retrieval_table(
    methods: Mapping[str, Matched], examples: Rows, *, k: int = 10, device: torch.device | str = "cpu"
) -> Table:
    """A row for each method and direction."""
    rows: list[list[object]] = []
    count = 0
    for name, method in methods.items():
        seen, heard, index = codes_of_both(method, examples, device=device)
        labels = getattr(examples, "labels", None)
        labels = None if labels is None else np.asarray(labels)[index]
        count = len(seen)
        for way, found in {
            "picture to sound": retrieved(seen, heard, labels, k),
            "sound to picture": retrieved(heard, seen, labels, k),
        }.items():
            rows.append([name, way, *found.values(), 100 / count])
    note = (
        f"Percent, among {count:,} examples, by cosine of the two codes. Own: the example's own partner is found "
        f"first, or among the first {k}; by chance the last column, and {k} times that. Precision: how many of "
        f"the first {k} are of the same class, the partner left out. Codes of a concatenated head are the two "
        "networks' own, which nothing aligns."
    )
    columns = ["encoder", "from and to", "own first", f"own in {k}", f"precision at {k}", "chance of own first"]
    return Table("Retrieval", columns, rows, note)
