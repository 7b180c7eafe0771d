"""Critics T(x, y): how a pair is scored."""

from __future__ import annotations

from mutua.critics.concat import Concat
from mutua.critics.encode_and_dot import EncodeAndDot
from mutua.critics.inner import Bilinear, Cosine, Dot, Separable
from mutua.critics.sums import ComponentSum

__all__ = ["CRITICS", "Bilinear", "ComponentSum", "Concat", "Cosine", "Dot", "EncodeAndDot", "Separable"]

CRITICS = {
    "concat": Concat,
    "bilinear": Bilinear,
    "separable": Separable,
    "cosine": Cosine,
    "dot": Dot,
    "encode_and_dot": EncodeAndDot,
    "component_sum": ComponentSum,
}
