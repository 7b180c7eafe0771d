"""Critics T(x, y): how a pair is scored."""

from __future__ import annotations

from mutua.critics.concat import Concat
from mutua.critics.inner import Bilinear, Cosine, Dot, Separable
from mutua.critics.sums import ComponentSum

__all__ = ["CRITICS", "Bilinear", "ComponentSum", "Concat", "Cosine", "Dot", "Separable"]

CRITICS = {
    "concat": Concat,
    "bilinear": Bilinear,
    "separable": Separable,
    "cosine": Cosine,
    "dot": Dot,
    "component_sum": ComponentSum,
}
