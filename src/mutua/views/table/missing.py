"""Columns left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor

from mutua.kernels.devices.copies import to_device
from mutua.types import Batch, InputError
from mutua.views.base import Transform, check_range, uniform

__all__ = ["Missing"]


@dataclass(frozen=True)
class Missing(Transform):
    """Some columns of each row (n, d) become NaN, a missing value, which encoders of tables take.

    Each row keeps a share of its columns, drawn from `share`, rounded up, chosen anew for each row; one column at
    least. SCARF puts values of other rows there instead; a missing value needs no other row.

    Args:
        share: smallest and largest share of the columns that a row keeps.

    Paper: Bahri et al. 2022, SCARF, arXiv:2106.15147, which corrupts 60 % of the columns.
    """

    share: tuple[float, float] = (0.4, 1.0)
    kind: ClassVar[str] = "table"

    def __post_init__(self) -> None:
        check_range(self.share, "share", 0, 1)

    def check(self, batch: Batch) -> None:
        if not isinstance(batch, Tensor) or batch.ndim != 2 or not batch.is_floating_point():
            seen = tuple(batch.shape) if isinstance(batch, Tensor) else type(batch).__name__
            raise InputError(f"rows: {seen}; views of a table take floats (n, columns)")

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        """`missing`: (n, d), true where a value is left out."""
        (columns,) = shape
        kept = (uniform((n, 1), *self.share, generator) * columns).ceil().clamp(1, columns)  # (n, 1)
        place = torch.rand(n, columns, generator=generator).argsort(1).argsort(1)  # a permutation each
        return {"missing": place >= kept}

    def apply(self, batch: Batch, parameters: Mapping[str, Any]) -> Batch:
        self.check(batch)
        if len(parameters["missing"]) != len(batch):
            raise InputError(f"parameters: {len(parameters['missing'])} rows for {len(batch)}; slice both alike")
        return batch.masked_fill(to_device(parameters["missing"], batch.device), torch.nan)
