"""Critics T(x, y): how a pair is scored."""

from __future__ import annotations

from mutua.critics.concat import Concat
from mutua.critics.encode_and_dot import EncodeAndDot
from mutua.critics.families import STATISTICS, ExponentialFamily, LearnedStatistics
from mutua.critics.inner import Bilinear, Cosine, Dot, Separable
from mutua.critics.innovations import AbsoluteInnovation, LearnedInnovation
from mutua.critics.sums import ComponentSum

__all__ = [
    "CRITICS",
    "STATISTICS",
    "AbsoluteInnovation",
    "Bilinear",
    "ComponentSum",
    "Concat",
    "Cosine",
    "Dot",
    "EncodeAndDot",
    "ExponentialFamily",
    "LearnedInnovation",
    "LearnedStatistics",
    "Separable",
]

CRITICS = {
    "concat": Concat,
    "bilinear": Bilinear,
    "separable": Separable,
    "cosine": Cosine,
    "dot": Dot,
    "encode_and_dot": EncodeAndDot,
    "component_sum": ComponentSum,
    "exponential_family": ExponentialFamily,
    "absolute_innovation": AbsoluteInnovation,
    "learned_innovation": LearnedInnovation,
}
