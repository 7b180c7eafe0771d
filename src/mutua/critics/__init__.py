"""Critics T(x, y): how a pair is scored."""

from __future__ import annotations

from mutua.critics.bilinear import Bilinear
from mutua.critics.component_sum import ComponentSum
from mutua.critics.concat import Concat
from mutua.critics.cosine import Cosine
from mutua.critics.dot import Dot
from mutua.critics.encode_and_dot import EncodeAndDot
from mutua.critics.exponential_family import STATISTICS, ExponentialFamily, LearnedStatistics
from mutua.critics.innovations import AbsoluteInnovation, LearnedInnovation
from mutua.critics.separable import Separable

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
