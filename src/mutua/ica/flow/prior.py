"""The sources' density given u: zero-mean Laplace or Gaussian, a scale for each source in each segment.

    log p(s | u) = sum_i log p(s_i / b_i(u)) - log b_i(u)

Scales aren't trained by gradient: given s the likelihood's maximum over them has closed form (mean |s|, or mean
s^2), and the gradient of a likelihood so maximised is that at the scales held fixed. In training they follow by
running means over the batches of about the last half epoch; at the end they are made from all rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int64

from mutua.estimators.auxiliary import Auxiliary
from mutua.kernels.ica.flow import scale_scores

__all__ = ["Prior", "Segments", "drawn", "log_density", "shuffled"]

# Running means forget over this share of an epoch.
_MEMORY = 0.5
# Scales below this share of the source's own over all rows are no scales: silence has a density.
_LEAST = 1e-4


@runtime_checkable
class Prior(Protocol):
    """log p(s | u), its parameters, and how they follow the sources."""

    def order(self, rng: np.random.Generator, n: int, batch: int) -> Iterator[Int64[np.ndarray, " b"]]:
        """Row numbers of batch after batch, without end."""
        ...

    def settle(self, s: Float[np.ndarray, "d n"]) -> None:
        """Fit the parameters to the sources of all training rows."""
        ...

    def score(self, s: Float[np.ndarray, "d b"], rows: Int64[np.ndarray, " b"]) -> Float[np.ndarray, "d b"]:
        """-d log p/ds of a batch; the parameters follow."""
        ...

    def known(self) -> Auxiliary | None:
        """u of the training rows."""
        ...

    def log_prob(self, s: Float[np.ndarray, "d n"], u: Auxiliary | None) -> Float[np.ndarray, " n"]:
        """log p(s | u) of rows; without u the mixture over u, where there is one."""
        ...

    def sample(self, n: int, u: Auxiliary | None, rng: np.random.Generator) -> Float[np.ndarray, "n d"]: ...

    def tensors(self) -> dict[str, np.ndarray]:
        """The parameters, to be kept."""
        ...


def shuffled(rng: np.random.Generator, n: int, batch: int) -> Iterator[Int64[np.ndarray, " b"]]:
    """Epochs of all rows in random order, cut into batches; what is left over is left out."""
    while True:
        rows = rng.permutation(n)
        for start in range(0, n - batch + 1, batch):
            yield rows[start : start + batch]


def log_density(
    s: Float[np.ndarray, "d n"],
    scale: Float[np.ndarray, "d #n"],  # noqa: UP037
    laplace: bool,
) -> Float[np.ndarray, " n"]:
    """Sum over sources. `scale` is the mean |s| of a Laplace density, the deviation of a Gaussian."""
    if laplace:
        return -(np.log(2 * scale) + np.abs(s) / scale).sum(0)
    return -(0.5 * math.log(2 * math.pi) + np.log(scale) + 0.5 * (s / scale) ** 2).sum(0)


def drawn(scale: Float[np.ndarray, "n d"], laplace: bool, rng: np.random.Generator) -> Float[np.ndarray, "n d"]:
    """Sources of these scales."""
    noise = rng.laplace(size=scale.shape) if laplace else rng.standard_normal(scale.shape)
    return noise * scale


class Segments:
    """A scale for each of `count` segments; one segment for all rows is the control that ignores u."""

    def __init__(self, d: int, index: Int64[np.ndarray, " n"], count: int, laplace: bool) -> None:
        self.laplace, self.index = laplace, index
        self.rows = np.maximum(np.bincount(index, minlength=count), 1).astype(np.float64)
        self.scale: np.ndarray = np.ones((count, d))
        self._total: np.ndarray = np.zeros((count, d))
        self._count: np.ndarray = np.zeros(count)

    def order(self, rng: np.random.Generator, n: int, batch: int) -> Iterator[Int64[np.ndarray, " b"]]:
        return shuffled(rng, n, batch)

    def _means(self, total: np.ndarray, count: np.ndarray) -> np.ndarray:
        """Mean |s| or s^2 of each segment, (m, d), no less than a small share of the source's own."""
        least = (_LEAST if self.laplace else _LEAST**2) * total.sum(0) / count.sum()
        return np.maximum(total / count[:, None], np.maximum(least, np.finfo(np.float32).tiny))

    def settle(self, s: Float[np.ndarray, "d n"]) -> None:
        size = np.abs(s) if self.laplace else s.astype(np.float64) ** 2
        total = np.stack([np.bincount(self.index, row, len(self.rows)) for row in size], 1)  # (m, d)
        self._total, self._count = total * _MEMORY, self.rows * _MEMORY
        mean = self._means(total, self.rows)
        self.scale = np.asarray(mean if self.laplace else np.sqrt(mean), np.float64)

    def score(self, s: Float[np.ndarray, "d b"], rows: Int64[np.ndarray, " b"]) -> Float[np.ndarray, "d b"]:
        mean = self._means(self._total, self._count)
        # Never nothing: a batch can lack a segment.
        keep = max(0.1, 1 - len(rows) / (len(self.index) * _MEMORY))
        self._total *= keep
        segment = self.index[rows]
        self._count = self._count * keep + np.bincount(segment, minlength=len(self._count))
        score = np.empty_like(s)
        scale_scores(s, segment, (1 / mean).astype(s.dtype), self.laplace, score, self._total)
        return score

    def known(self) -> Auxiliary | None:
        return Auxiliary(index=self.index, classes=np.arange(len(self.rows)))

    def log_prob(self, s: Float[np.ndarray, "d n"], u: Auxiliary | None) -> Float[np.ndarray, " n"]:
        if len(self.scale) == 1:
            return log_density(s, self.scale[0][:, None], self.laplace)
        if u is not None and u.index is not None:
            return log_density(s, self.scale[u.index].T, self.laplace)
        # log sum_e share_e p(s | e), segment by segment, so that nothing of (segments, d, n) is held.
        share = np.log(self.rows / self.rows.sum())
        whole = np.full(s.shape[1], -np.inf)
        for log, scale in zip(share, self.scale, strict=True):
            whole = np.logaddexp(whole, log + log_density(s, scale[:, None], self.laplace))
        return whole

    def sample(self, n: int, u: Auxiliary | None, rng: np.random.Generator) -> Float[np.ndarray, "n d"]:
        if u is None or u.index is None or len(self.scale) == 1:
            index = rng.choice(len(self.rows), n, p=self.rows / self.rows.sum())
        else:
            index = u.index
        return drawn(self.scale[index], self.laplace, rng)

    @classmethod
    def recalled(cls, tensors: dict[str, np.ndarray], laplace: bool) -> Segments:
        """As `tensors` gave them."""
        count, d = tensors["scale"].shape
        self = cls(d, np.zeros(0, np.int64), count, laplace)
        self.scale, self.rows = tensors["scale"], tensors["rows"]
        return self

    def tensors(self) -> dict[str, np.ndarray]:
        return {"scale": self.scale, "rows": self.rows}
