"""Bounded noise: a uniform number seen through uniform noise."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from mutua.data.known.base import Known
from mutua.data.known.normal import CZYZ
from mutua.types import InputError

__all__ = ["additive_uniform"]


def additive_uniform(epsilon: float) -> Known:
    """y = x + u, x uniform on (0, 1), u uniform on (-epsilon, epsilon).

    I = epsilon - log(2 epsilon) for epsilon <= 1/2, else 1/(4 epsilon). The ratio p(y|x)/p(y) is one over the
    share of (0, 1) that lies within epsilon of y.

    Raises `InputError` for an epsilon that isn't positive.

    Paper: Czyz et al., 2023, Beyond Normal.
    """
    if not 0 < epsilon < math.inf:
        raise InputError(f"additive_uniform: epsilon is {epsilon}; the noise's half width must be positive")
    nats = 1 / (4 * epsilon) if epsilon > 0.5 else epsilon - math.log(2 * epsilon)

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.uniform(0.0, 1.0, (n, 1))
        return x, x + rng.uniform(-epsilon, epsilon, (n, 1))

    def log_ratio(x: Float[np.ndarray, "n 1"], y: Float[np.ndarray, "n 1"]) -> Float[np.ndarray, " n"]:
        share = np.minimum(y + epsilon, 1.0) - np.maximum(y - epsilon, 0.0)
        possible = (np.abs(y - x) <= epsilon) & (x >= 0) & (x <= 1) & (share > 0)
        return np.where(possible, -np.log(np.where(possible, share, 1.0)), -np.inf)[:, 0]  # (n, 1) -> (n,)

    return Known(f"1v1-additive-{epsilon:g}", nats, 1, 1, draw, log_ratio, CZYZ, "bounded noise, sharp edges")
