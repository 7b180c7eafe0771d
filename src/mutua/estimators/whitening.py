"""Whitening by eigendecomposition, and what stands in its way: constant, copied and dependent channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from mutua.types import InputError

__all__ = [
    "RANK_TOLERANCE",
    "Whitening",
    "check_orientation",
    "dependencies",
    "standardised",
    "unwhitened",
    "whitening",
]

# Eigenvalues of the correlation matrix below this share of the largest are no directions: rounding makes them.
RANK_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Whitening:
    """z = matrix (x - mean) has the identity as its covariance; x - mean is nearest to inverse z."""

    mean: Float[np.ndarray, " d"]
    matrix: Float[np.ndarray, "k d"]
    inverse: Float[np.ndarray, "d k"]
    rank: int

    def __call__(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
        """White rows z."""
        return (x - self.mean) @ self.matrix.T

    def back(self, z: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n d"]:
        """The rows nearest to which are white so."""
        return z @ self.inverse.T + self.mean

    @property
    def log_det(self) -> float:
        """log|det matrix|; of fewer directions than channels, of the volumes in their span."""
        return float(np.linalg.slogdet(self.matrix @ self.matrix.T)[1] / 2)

    def arrays(self) -> dict[str, np.ndarray]:
        """For a file."""
        return {"white.mean": self.mean, "white.matrix": self.matrix, "white.inverse": self.inverse}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray], features: int) -> Whitening:
        """What `arrays` gave. Raises `ValueError` where they don't belong to so many features, `KeyError` for one
        that is missing."""
        mean, matrix, inverse = (arrays[f"white.{name}"] for name in ("mean", "matrix", "inverse"))
        k = len(matrix)
        if (mean.shape, matrix.shape, inverse.shape) != ((features,), (k, features), (features, k)):
            raise ValueError(f"the whitening is not of {features} features")
        return cls(mean, matrix, inverse, k)


def standardised(x: Float[np.ndarray, "n d"]) -> Whitening:
    """Each channel to mean 0 and deviation 1, their correlations left as they are."""
    spread = x.std(0)
    return Whitening(x.mean(0), np.diag(1 / spread), np.diag(spread), x.shape[1])


def check_orientation(samples: int, channels: int) -> None:
    """Raise `InputError` where there are no more rows than channels, before anything of channels x channels is
    made.

    (channels, times) is how MNE, picard and EEGLAB have recordings.
    """
    if samples <= channels:
        raise InputError(
            f"X: only {samples - 1} of {channels:,} channels are independent: {samples} samples less their mean "
            f"tell no more than {samples - 1} apart; are channels and times swapped? give X.T, (times, channels)"
        )


def whitening(
    mean: Float[np.ndarray, " d"],
    covariance: Float[np.ndarray, "d d"],
    n_components: int | None,
    *,
    samples: int | None = None,
    reduce_rank: bool = False,
    names: Sequence[str] | None = None,
    otherwise: str = "reduce_rank=True",
) -> Whitening:
    """Principal components, scaled to unit variance: the first `n_components`, or as many as there are.

    Where all directions are kept the eigenvectors are of the correlation matrix, so that channels in very
    different units lose no digits; a smaller number keeps those of most variance, of the covariance matrix.

    Raises `InputError` where more components are asked for than the recording has independent channels, saying
    which channels are constant, copies or combinations of others, or that `samples` are too few; with
    `reduce_rank` it goes on with fewer. `otherwise` is what the message says can be done about it. And where the
    covariance is not finite: X is too large for squares.
    """
    if not np.isfinite(covariance).all():
        raise InputError("X: too large: its covariance overflows; give it in other units")
    deviation = np.sqrt(np.diag(covariance))  # (d,)
    # What is left of a constant channel is the rounding of its mean.
    alive = deviation > 1e-13 * np.maximum(np.abs(mean), np.finfo(float).tiny)
    scale = np.where(alive, deviation, 1.0)
    correlation = np.where(np.outer(alive, alive), covariance / np.outer(scale, scale), 0.0)
    values, vectors = np.linalg.eigh(correlation)  # ascending
    rank = int((values > RANK_TOLERANCE * max(values[-1], 0.0)).sum()) if alive.any() else 0
    wanted = len(mean) if n_components is None else n_components
    if wanted > rank and (not reduce_rank or rank == 0):
        found = "; ".join(dependencies(correlation, alive, names, deviation)) or "no channel varies"
        if samples is not None and samples <= len(mean):
            found = f"{samples} samples less their mean tell no more than {samples - 1} apart"
        raise InputError(
            f"X: {wanted} components asked for, but only {rank} of {len(mean)} channels are independent: {found}; "
            f"drop such channels, or set n_components={rank} or {otherwise}"
        )
    k = min(wanted, rank)
    if k == rank:
        root = np.sqrt(values[-k:][::-1])  # (k,)
        basis = vectors[:, -k:][:, ::-1]  # (d, k)
        matrix, inverse = (basis / root / scale[:, None]).T, basis * root * scale[:, None]
        inverse[~alive], matrix[:, ~alive] = 0.0, 0.0
    else:
        values, vectors = np.linalg.eigh(covariance)
        root, basis = np.sqrt(values[-k:][::-1]), vectors[:, -k:][:, ::-1]
        matrix, inverse = (basis / root).T, basis * root
    return Whitening(mean, matrix, inverse, rank)


def unwhitened(white: Whitening, covariance: Float[np.ndarray, "d d"]) -> Whitening:
    """In place of `white`: one factor for all channels, so that units do not matter and correlations stay.

    Raises `InputError` where `white` drops directions: those cannot be left out without whitening.
    """
    d = len(covariance)
    if len(white.matrix) < d:
        raise InputError(
            f"whiten: False keeps all {d} channels, but only {len(white.matrix)} components are asked for or "
            "independent; use whiten=True"
        )
    scale = float(np.sqrt(np.trace(covariance) / d))
    return Whitening(white.mean, np.eye(d) / scale, np.eye(d) * scale, white.rank)


def dependencies(
    correlation: Float[np.ndarray, "d d"],
    alive: np.ndarray,
    names: Sequence[str] | None = None,
    deviation: Float[np.ndarray, " d"] | None = None,
) -> list[str]:
    """In words: which channels are constant, which are copies, which combine to nothing; with their standard
    deviations also where they add up to nothing."""

    def called(i: Any) -> str:
        return str(i) if names is None else f"{i} ({names[i]})"

    words = [f"channel {called(i)} is constant" for i in np.flatnonzero(~alive)]
    left = list(map(int, np.flatnonzero(alive)))
    copies: dict[int, int] = {}
    for at, i in enumerate(left):
        for j in left[:at]:
            if j not in copies and abs(correlation[i, j]) > 1 - RANK_TOLERANCE:
                copies[i] = j
                words.append(f"channel {called(i)} is a copy of channel {called(j)}, up to scale")
                break
    left = [i for i in left if i not in copies]
    if left:
        values, vectors = np.linalg.eigh(correlation[np.ix_(left, left)])
        null = vectors[:, values <= RANK_TOLERANCE * values[-1]]  # (m, nullity)
        involved = [i for i, row in zip(left, null, strict=True) if np.abs(row).max(initial=0.0) > 1e-4]
        if null.shape[1] == 1 and len(left) > 2 and deviation is not None:
            weights = null[:, 0] / deviation[left]
            if np.ptp(weights) < 1e-3 * np.abs(weights).mean():
                which = "all" if len(left) == len(alive) else f"the other {len(left)}"
                return [*words, f"{which} channels add up to nothing, as after an average reference"]
        if involved:
            words.append(f"channels {', '.join(map(called, involved))} are linearly dependent")
    return words
