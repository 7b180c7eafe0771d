"""What the answer of an analogy is sought by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

__all__ = ["Objective", "cos_add", "cos_mul"]

Objective = Callable[
    [Float32[np.ndarray, "*q v"], Float32[np.ndarray, "*q v"], Float32[np.ndarray, "*q v"]],
    Float32[np.ndarray, "*q v"],
]
"""Cosines of all words with a, b and c of each question to what the answer is sought by."""


def cos_add(
    a: Float32[np.ndarray, "*q v"], b: Float32[np.ndarray, "*q v"], c: Float32[np.ndarray, "*q v"]
) -> Float32[np.ndarray, "*q v"]:
    """3CosAdd: cos(x, b) - cos(x, a) + cos(x, c)."""
    return b - a + c


def cos_mul(
    a: Float32[np.ndarray, "*q v"], b: Float32[np.ndarray, "*q v"], c: Float32[np.ndarray, "*q v"]
) -> Float32[np.ndarray, "*q v"]:
    """3CosMul: s(x, b) s(x, c) / (s(x, a) + 0.001), s = (1 + cos)/2.

    Paper: Levy and Goldberg 2014, Linguistic Regularities in Sparse and Explicit Word Representations.
    """
    return (1 + b) * (1 + c) / (4 * ((1 + a) / 2 + np.float32(1e-3)))
