"""Batches of any structure: how many examples, some of them, several batches as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from mutua.types import Batch

__all__ = ["joined", "length", "part"]


def length(batch: Any) -> int:
    """How many examples a batch has."""
    if isinstance(batch, Mapping):
        return length(next(iter(batch.values())))
    return length(batch[0]) if isinstance(batch, (list, tuple)) else len(batch)


def part(batch: Any, span: slice) -> Any:
    """The examples of `span`, of a tensor or an array, or of each one in nested dicts, lists and tuples."""
    if isinstance(batch, Mapping):
        return {name: part(value, span) for name, value in batch.items()}
    if isinstance(batch, (list, tuple)):
        return type(batch)(part(value, span) for value in batch)
    return batch[span]


def joined(batches: Sequence[Batch]) -> Batch:
    """The examples of all batches, one batch after another: tensors, or mappings of them with the same names."""
    if isinstance(batches[0], Mapping):
        return {name: joined([batch[name] for batch in batches]) for name in batches[0]}
    return torch.cat(list(batches))
