"""Scales that are a smooth function of a vector u, by a small network: log b(u) = V tanh(U u + c) + v."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int64

from mutua.estimators.auxiliary import Auxiliary
from mutua.ica.flow.prior import drawn, log_density, shuffled
from mutua.kernels.ica.flow import adam
from mutua.types import InputError

__all__ = ["Smooth"]

_RATE, _BETA1, _BETA2, _CLIP = map(np.float32, (0.01, 0.9, 0.99, 5.0))
_STEEP = 4.0
# Full passes by which the network follows the last sources.
_SETTLING = 30


class Smooth:
    """`hidden` units whose kinks start at random training rows; trained by Adam beside the flow."""

    def __init__(
        self, d: int, vector: Float[np.ndarray, "n du"], laplace: bool, rng: np.random.Generator, hidden: int = 64
    ) -> None:
        self.laplace, self.vector = laplace, vector.astype(np.float32)
        du = vector.shape[1]
        direction = rng.standard_normal((hidden, du))
        direction *= _STEEP / np.linalg.norm(direction, axis=1, keepdims=True)
        offset = -(direction * self.vector[rng.integers(len(vector), size=hidden)]).sum(1)
        self._shapes = [(hidden, du), (hidden,), (d, hidden), (d,)]
        start = np.concatenate([direction.ravel(), offset, np.zeros(d * hidden + d)])
        self.theta = start.astype(np.float32)
        self._mean, self._square, self._steps = np.zeros_like(self.theta), np.zeros_like(self.theta), 0

    def _parts(self, theta: Float[np.ndarray, " p"]) -> list[np.ndarray]:
        sizes = [int(np.prod(shape)) for shape in self._shapes]
        cut = np.split(theta, np.cumsum(sizes)[:-1])
        return [part.reshape(shape) for part, shape in zip(cut, self._shapes, strict=True)]

    def _scales(
        self, vector: Float[np.ndarray, "n du"]
    ) -> tuple[Float[np.ndarray, "h n"], Float[np.ndarray, "d n"]]:
        inner, offset, outer, base = self._parts(self.theta)
        units = np.tanh(inner @ vector.T + offset[:, None])
        return units, np.exp(outer @ units + base[:, None])

    def order(self, rng: np.random.Generator, n: int, batch: int) -> Iterator[Int64[np.ndarray, " b"]]:
        return shuffled(rng, n, batch)

    def _follow(self, s: Float[np.ndarray, "d b"], vector: Float[np.ndarray, "b du"]) -> Float[np.ndarray, "d b"]:
        """One step of the network towards the scales of s; returns the scales before it."""
        units, scale = self._scales(vector)
        ratio = np.abs(s) / scale if self.laplace else (s / scale) ** 2
        wrong = (1 - ratio) / np.float32(s.shape[1])  # d(-log p)/d log b
        outer = self._parts(self.theta)[2]
        inward = (outer.T @ wrong) * (1 - units**2)  # (h, b)
        parts = [inward @ vector, inward.sum(1), wrong @ units.T, wrong.sum(1)]
        self._steps += 1
        gradient = np.concatenate([part.ravel() for part in parts])
        adam(self.theta, gradient, self._mean, self._square, _RATE, _BETA1, _BETA2, self._steps, _CLIP)
        return scale

    def settle(self, s: Float[np.ndarray, "d n"]) -> None:
        if self._steps == 0:
            size = np.abs(s).mean(1) if self.laplace else np.sqrt((s.astype(np.float64) ** 2).mean(1))
            self._parts(self.theta)[3][:] = np.log(size)  # a view of theta
        for _ in range(_SETTLING):
            self._follow(s.astype(np.float32), self.vector)

    def score(self, s: Float[np.ndarray, "d b"], rows: Int64[np.ndarray, " b"]) -> Float[np.ndarray, "d b"]:
        scale = self._follow(s.astype(np.float32), self.vector[rows])
        return (np.sign(s) / scale if self.laplace else s / scale**2).astype(s.dtype)

    def known(self) -> Auxiliary | None:
        return Auxiliary(vector=self.vector.astype(np.float64))

    def log_prob(self, s: Float[np.ndarray, "d n"], u: Auxiliary | None) -> Float[np.ndarray, " n"]:
        return log_density(s, self._scales(_vector(u))[1].astype(np.float64), self.laplace)

    def sample(self, n: int, u: Auxiliary | None, rng: np.random.Generator) -> Float[np.ndarray, "n d"]:
        return drawn(self._scales(_vector(u))[1].T.astype(np.float64), self.laplace, rng)

    @classmethod
    def recalled(cls, tensors: dict[str, np.ndarray], laplace: bool) -> Smooth:
        """As `tensors` gave them."""
        parts = [tensors[name] for name in ("inner", "offset", "outer", "base")]
        hidden, du = parts[0].shape
        self = cls(len(parts[3]), np.zeros((1, du)), laplace, np.random.default_rng(0), hidden)
        self.theta = np.concatenate([part.ravel() for part in parts])
        return self

    def tensors(self) -> dict[str, np.ndarray]:
        return dict(zip(("inner", "offset", "outer", "base"), self._parts(self.theta), strict=True))


def _vector(u: Auxiliary | None) -> Float[np.ndarray, "n du"]:
    if u is None or u.vector is None:
        raise InputError("u: none given, and the density is given u; give the vector of each row, as for the fit")
    return u.vector.astype(np.float32)
