"""A recording read by chunks: its checks, mean and covariance, never copied whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from mutua.types import InputError

__all__ = ["Recording"]

# Bytes of a chunk in float64: small enough for the cache, large enough that Python's overhead is nothing.
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Recording:
    """Samples of d channels, (n, d), of any real dtype; a memory-mapped array stays on the disk.

    names: of the channels, where there are such.
    """

    x: Any
    names: Sequence[str] = ()

    @property
    def samples(self) -> int:
        return int(self.x.shape[0])

    @property
    def channels(self) -> int:
        return int(self.x.shape[1])

    @property
    def chunk(self) -> int:
        """Rows of a chunk."""
        return max(256, _CHUNK_BYTES // (8 * max(1, self.channels)))

    def chunks(self) -> Iterator[Float[np.ndarray, "b d"]]:
        """Consecutive rows in float64: 16-bit integers neither overflow nor wrap."""
        for start in range(0, self.samples, self.chunk):
            yield np.asarray(self.x[start : start + self.chunk], np.float64)

    def rows(self, index: np.ndarray) -> Float[np.ndarray, "b d"]:
        """The rows of a sorted index, in float64."""
        return np.asarray(self.x[index], np.float64)

    def check_finite(self, name: str = "X") -> None:
        """Raise `InputError` where there is a NaN or an infinity, naming the first."""
        if np.dtype(self.x.dtype).kind in "iub":
            return
        for start, chunk in zip(range(0, self.samples, self.chunk), self.chunks(), strict=True):
            # A sum is finite only where all are: one pass without a mask. Where it is not, look closer.
            if np.isfinite(chunk.sum()):
                continue
            bad = ~np.isfinite(chunk)
            if bad.any():
                row, channel = (int(i[0]) for i in bad.nonzero())
                what = "NaN" if np.isnan(chunk[row, channel]) else "infinity"
                called = f"{channel} ({self.names[channel]})" if self.names else str(channel)
                raise InputError(
                    f"{name}: {what} in row {start + row}, channel {called} (no NaN or infinity is allowed); "
                    "cut those samples out or interpolate them"
                )

    def moments(self) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, "d d"]]:
        """The mean and the covariance (divided by n), in two passes, so that a large offset costs no digits."""
        mean = np.zeros(self.channels)
        for chunk in self.chunks():
            mean += chunk.sum(0) / self.samples
        covariance = np.zeros((self.channels, self.channels))
        for chunk in self.chunks():
            centred = chunk - mean
            covariance += centred.T @ centred
        return mean, covariance / self.samples
