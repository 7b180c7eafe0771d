"""Sources that hang on their own past: s_t = r s_{t-1} + an innovation, Laplace or Gaussian; rows in order.

The likelihood is that of the chain, log p(s_1) + sum_t log p(s_t | s_{t-1}), and s_1 has the innovations' density
at the scale of the sources. r and the scales follow the sources: r by least squares, which finds it for
innovations of any density.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int64

from mutua.estimators.auxiliary import Auxiliary
from mutua.ica.flow.prior import drawn, log_density

__all__ = ["Past"]

_RUN = 128
"""Rows that follow each other in a batch; the first of each has no past there."""
_MEMORY = 0.5


class Past:
    """First-order autoregression of each source, in n rows."""

    def __init__(self, d: int, n: int, laplace: bool) -> None:
        self.n, self.laplace = n, laplace
        self.run = min(_RUN, n)
        self.coefficient, self.scale, self.first = np.zeros(d), np.ones(d), np.ones(d)
        self._moments = np.zeros((4, d))

    def order(self, rng: np.random.Generator, n: int, batch: int) -> Iterator[Int64[np.ndarray, " b"]]:
        count = max(1, min(batch, n) // self.run)
        while True:
            starts = rng.permutation(np.arange(rng.integers(self.run), n - self.run + 1, self.run))
            if len(starts) < count:
                starts = rng.integers(n - self.run + 1, size=count)
            for at in range(0, len(starts) - count + 1, count):
                yield (starts[at : at + count, None] + np.arange(self.run)).ravel()

    def _size(self, s: np.ndarray) -> np.ndarray:
        return np.abs(s) if self.laplace else s**2

    def _means(self, s: Float[np.ndarray, "d k t"]) -> Float[np.ndarray, "4 d"]:
        """Of s_{t-1} s_t, s_{t-1}^2, the innovation's size under the present r, and the source's."""
        past, now = s[..., :-1], s[..., 1:]
        new = now - self.coefficient[:, None, None] * past
        return np.stack([part.mean((1, 2)) for part in (past * now, past**2, self._size(new), self._size(s))])

    def _read(self, moments: Float[np.ndarray, "4 d"]) -> None:
        self.coefficient = moments[0] / moments[1]
        root = (lambda size: size) if self.laplace else np.sqrt
        self.scale, self.first = root(moments[2]), root(moments[3])

    def settle(self, s: Float[np.ndarray, "d n"]) -> None:
        chain = s.astype(np.float64)[:, None]
        for _ in range(2):  # the first finds r, the second the innovations' size under it
            self._moments = self._means(chain)
            self._read(self._moments)

    def score(self, s: Float[np.ndarray, "d b"], rows: Int64[np.ndarray, " b"]) -> Float[np.ndarray, "d b"]:
        runs = s.reshape(len(s), -1, self.run)  # (d, k, t)
        r = self.coefficient[:, None, None].astype(s.dtype)
        power = 1 if self.laplace else 2
        scale, first = ((b**power)[:, None, None].astype(s.dtype) for b in (self.scale, self.first))
        new = runs[..., 1:] - r * runs[..., :-1]
        start = runs[..., :1]
        inward, score = (np.sign(new) if self.laplace else new) / scale, np.empty_like(runs)
        score[..., :1] = (np.sign(start) if self.laplace else start) / first
        score[..., 1:] = inward
        score[..., :-1] -= r * inward
        share = min(1.0, len(rows) / (self.n * _MEMORY))
        self._moments = (1 - share) * self._moments + share * self._means(runs.astype(np.float64))
        self._read(self._moments)
        return score.reshape(s.shape)

    def known(self) -> Auxiliary | None:
        return None

    def log_prob(self, s: Float[np.ndarray, "d n"], u: Auxiliary | None) -> Float[np.ndarray, " n"]:
        """Each row given the row before it."""
        new = s.copy()
        new[:, 1:] -= self.coefficient[:, None] * s[:, :-1]
        scale = np.broadcast_to(self.scale[:, None], s.shape).copy()
        scale[:, 0] = self.first
        return log_density(new, scale, self.laplace)

    def sample(self, n: int, u: Auxiliary | None, rng: np.random.Generator) -> Float[np.ndarray, "n d"]:
        new = drawn(np.broadcast_to(self.scale, (n, len(self.scale))), self.laplace, rng)
        new[0] *= self.first / self.scale
        for t in range(1, n):
            new[t] += self.coefficient * new[t - 1]
        return new

    @classmethod
    def recalled(cls, tensors: dict[str, np.ndarray], laplace: bool) -> Past:
        """As `tensors` gave them."""
        self = cls(len(tensors["scale"]), 1, laplace)
        self.coefficient, self.scale, self.first = (tensors[name] for name in ("coefficient", "scale", "first"))
        return self

    def tensors(self) -> dict[str, np.ndarray]:
        return {"coefficient": self.coefficient, "scale": self.scale, "first": self.first}
