"""Which pieces are told from a context's own future: what negatives share, the representation drops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Int
from torch import Tensor

__all__ = ["NEGATIVES", "Negatives", "Origin"]

Negatives = Literal["batch", "others", "same", "group", "group-others", "moment", "group-moment"]


@dataclass(frozen=True)
class Origin:
    """Where pieces are from: the number of their example, of its group (a speaker, a document), and of their place
    in its order."""

    example: Int[Tensor, " m"]
    group: Int[Tensor, " m"]
    moment: Int[Tensor, " m"]

    def of(self, rows: Tensor | slice) -> Origin:
        return Origin(self.example[rows], self.group[rows], self.moment[rows])


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


def _moment(a: Origin, b: Origin) -> Tensor:
    return (a.moment[:, None] == b.moment) & _others(a, b)


def _group_moment(a: Origin, b: Origin) -> Tensor:
    return _moment(a, b) & _group(a, b)


NEGATIVES: dict[Negatives, Relation] = {
    "batch": _all,
    "others": _others,
    "same": _same,
    "group": _group,
    "group-others": _group_others,
    "moment": _moment,
    "group-moment": _group_moment,
}
"""batch: all pieces of the batch; others: of other examples; same: of the same example; group: of examples of the
same speaker or document, where that is known, its own among them; group-others: its own not; moment: of other
examples at the same place in their order, as frames at one time; group-moment: of these, those of the same group.
The positive never."""
