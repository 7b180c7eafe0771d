"""Known invertible maps from sources to what is observed, layer by layer, with exact inverses and Jacobians."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from mutua.types import InputError

__all__ = ["Coupling", "LeakyReLU", "Linear", "Mixing", "Residual", "TanhLinear", "conditioned", "orthogonal"]

_CHUNK = 4096


@runtime_checkable
class Layer(Protocol):
    """An invertible map of rows (n, d)."""

    def forward(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]: ...
    def inverse(self, y: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]: ...
    def log_det(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        """log |det dy/dx| at each x."""
        ...


def _check_slope(slope: float) -> None:
    if not 0 < slope < float("inf"):
        raise InputError(f"slope: {slope}; give a number above 0, or there is no inverse")


@dataclass(frozen=True)
class Linear:
    """y = A x for each row x; A (d, d)."""

    matrix: Float[np.ndarray, "d d"]

    def forward(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        return x @ self.matrix.T

    def inverse(self, y: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        return np.linalg.solve(self.matrix, y.T).T

    def log_det(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        return np.full(len(x), np.linalg.slogdet(self.matrix)[1])


@dataclass(frozen=True)
class LeakyReLU:
    """y = x above 0 and slope x below. Raises `InputError` where the slope is not above 0: the map would fold."""

    slope: float = 0.2

    def __post_init__(self) -> None:
        _check_slope(self.slope)

    def forward(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        return np.where(x > 0, x, self.slope * x)

    def inverse(self, y: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        return np.where(y > 0, y, y / self.slope)

    def log_det(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        return np.log(self.slope) * (x <= 0).sum(1)


@dataclass(frozen=True)
class TanhLinear:
    """y = tanh(x) + slope x. Raises `InputError` where the slope is not above 0."""

    slope: float = 0.1

    def __post_init__(self) -> None:
        _check_slope(self.slope)

    def forward(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        return np.tanh(x) + self.slope * x

    def inverse(self, y: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        # On x > 0 the map is concave, so Newton's steps from the left of the root rise to it and never pass it.
        target = np.abs(y)
        x = np.maximum(0.0, (target - 1) / self.slope)
        for _ in range(100):
            tanh = np.tanh(x)
            step = (target - tanh - self.slope * x) / (1 - tanh**2 + self.slope)
            x += step
            if np.abs(step).max(initial=0.0) <= 1e-15 * max(1.0, x.max(initial=0.0)):
                break
        return np.copysign(x, y)

    def log_det(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        return np.log(1 - np.tanh(x) ** 2 + self.slope).sum(1)


@dataclass(frozen=True)
class Residual:
    """y = x + B tanh(A x), near the identity: ||B|| ||A|| < 1 makes it invertible."""

    inner: Float[np.ndarray, "h d"]
    outer: Float[np.ndarray, "d h"]

    def __post_init__(self) -> None:
        contraction = np.linalg.norm(self.inner, 2) * np.linalg.norm(self.outer, 2)
        if not contraction < 1:
            raise InputError(f"Residual: the norms of its matrices multiply to {contraction:.3g}; make it below 1")

    def forward(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        return x + np.tanh(x @ self.inner.T) @ self.outer.T

    def inverse(self, y: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        x = y
        for _ in range(1000):  # Banach's iteration
            new = y - np.tanh(x @ self.inner.T) @ self.outer.T
            moved, x = np.abs(new - x).max(initial=0.0), new
            if moved <= 1e-15 * max(1.0, np.abs(y).max(initial=0.0)):
                break
        return x

    def log_det(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        identity = np.eye(x.shape[1])
        parts = [np.zeros(0)]
        for start in range(0, len(x), _CHUNK):
            slope = 1 - np.tanh(x[start : start + _CHUNK] @ self.inner.T) ** 2  # (b, h)
            jacobian = identity + np.einsum("ih,bh,hj->bij", self.outer, slope, self.inner, optimize=True)
            parts.append(np.linalg.slogdet(jacobian)[1])
        return np.concatenate(parts)


@dataclass(frozen=True)
class Coupling:
    """The first `cut` columns a stay, the others become b exp(tanh(S a)) + tanh(T a)."""

    scale: Float[np.ndarray, "e cut"]
    shift: Float[np.ndarray, "e cut"]

    def forward(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        a, b = np.split(x, [self.scale.shape[1]], 1)
        return np.hstack([a, b * np.exp(np.tanh(a @ self.scale.T)) + np.tanh(a @ self.shift.T)])

    def inverse(self, y: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        a, b = np.split(y, [self.scale.shape[1]], 1)
        return np.hstack([a, (b - np.tanh(a @ self.shift.T)) * np.exp(-np.tanh(a @ self.scale.T))])

    def log_det(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        return np.tanh(x[:, : self.scale.shape[1]] @ self.scale.T).sum(1)


@dataclass(frozen=True)
class Mixing:
    """x = g(s), layers applied one after the other.

    `mixing(s)`, `mixing.inverse(x)` and `mixing.log_det(s)` = log |det dx/ds|: rows (n, d) each.
    """

    layers: Sequence[Layer]

    def __call__(self, s: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        for layer in self.layers:
            s = layer.forward(s)
        return s

    def inverse(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        for layer in reversed(self.layers):
            x = layer.inverse(x)
        return x

    def log_det(self, s: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        total = np.zeros(len(s))
        for layer in self.layers:
            total += layer.log_det(s)
            s = layer.forward(s)
        return total


@cache
def _threshold(d: int, percentile: float) -> float:
    """That percentile of the condition numbers of 10,000 draws of `_drawn`: the same in every process."""
    rng = np.random.default_rng(0)
    return float(np.percentile([np.linalg.cond(_drawn(d, rng)) for _ in range(10_000)], percentile))


def _drawn(d: int, rng: np.random.Generator) -> Float[np.ndarray, "d d"]:
    matrix = rng.uniform(-1, 1, (d, d))
    return matrix / np.linalg.norm(matrix, axis=0)


def conditioned(d: int, rng: np.random.Generator, percentile: float = 25.0) -> Float[np.ndarray, "d d"]:
    """A matrix of entries U(-1, 1), its columns then of norm 1, drawn again until its condition number is under
    that percentile of 10,000 such draws.

    Paper: the generator of Hyvarinen and Morioka, time-contrastive learning (2016).
    """
    limit = _threshold(d, percentile)
    while np.linalg.cond(matrix := _drawn(d, rng)) > limit:
        pass
    return matrix


def orthogonal(d: int, rng: np.random.Generator) -> Float[np.ndarray, "d d"]:
    """An orthogonal matrix, uniformly (Haar): Q of a Gaussian's QR, signs by R's diagonal."""
    q, r = np.linalg.qr(rng.standard_normal((d, d)))
    return q * np.sign(np.diag(r))
