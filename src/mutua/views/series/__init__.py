"""Views of series, (n, t, c): batched torch, the parameters drawn for each series by itself."""

from __future__ import annotations

from mutua.views.series.base import SeriesTransform
from mutua.views.series.columns import ColumnDrop, Jitter, Negate, Scale
from mutua.views.series.published import simclr
from mutua.views.series.time import Crop, Permute, TimeMask, TimeWarp

__all__ = [
    "ColumnDrop",
    "Crop",
    "Jitter",
    "Negate",
    "Permute",
    "Scale",
    "SeriesTransform",
    "TimeMask",
    "TimeWarp",
    "simclr",
]
