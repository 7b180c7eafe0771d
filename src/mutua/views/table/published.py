"""SimCLR's views of rows of a table."""

from __future__ import annotations

from mutua.views.compose import Compose
from mutua.views.table.missing import Missing

__all__ = ["simclr"]


def simclr(*, share: tuple[float, float] = (0.4, 1.0)) -> Compose:
    """Columns left out, as many as SCARF corrupts at most (Bahri et al. 2022, arXiv:2106.15147)."""
    return Compose((Missing(share),))
