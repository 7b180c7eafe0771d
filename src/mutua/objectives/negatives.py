"""Which pieces are told from a context's own future: what negatives share, the representation drops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Int
from torch import Tensor

__all__ = ["NEGATIVES", "Negatives", "Origin"]

Negatives = Literal["batch", "others", "same", "group", "group-others"]


@dataclass(frozen=True)
class Origin:
    """Where pieces are from: the number of their example, and of its group (a speaker, a document)."""

    example: Int[Tensor, " m"]
    group: Int[Tensor, " m"]

    def of(self, rows: Tensor | slice) -> Origin:
        return Origin(self.example[rows], self.group[rows])


Relation = Callable[[Origin, Origin], Bool[Tensor, "r m"]]


def _all(a: Origin, b: Origin) -> Tensor:
    return torch.ones(len(a.example), len(b.example), dtype=torch.bool, device=a.example.device)


def _same(a: Origin, b: Origin) -> Tensor:
    return a.example[:, None] == b.example


def _others(a: Origin, b: Origin) -> Tensor:
    return a.example[:, None] != b.example


def _group(a: Origin, b: Origin) -> Tensor:
    return a.group[:, None] == b.group


def _group_others(a: Origin, b: Origin) -> Tensor:
    return _group(a, b) & _others(a, b)


NEGATIVES: dict[Negatives, Relation] = {
    "batch": _all,
    "others": _others,
    "same": _same,
    "group": _group,
    "group-others": _group_others,
}
"""batch: all pieces of the batch; others: of other examples; same: of the same example; group: of examples of the
same speaker or document, where that is known, its own among them; group-others: its own not. The positive
never."""
