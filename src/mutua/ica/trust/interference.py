"""How much of the other sources is left in each: told by the recording itself, without the truth.

At the solution the relative gradient G is zero over the whole recording, but not over its parts. By how much the
parts' gradients scatter says how far W is off:

    (m_ij, m_ji) = H_ij^-1 (g_ij, g_ji),    var g = the variance of the parts' gradients / their number,

H_ij the 2 x 2 block of the Hessian. Source j is then in the estimate of i with the power var(m_ij) var_j / var_i.
Parts are long, so that what neighbouring samples share is counted; nothing is assumed of the densities.

Paper: Pham and Garat, Blind separation of mixture of independent sources through a quasi-maximum likelihood
approach (1997), for the variance of the estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted

from mutua.estimators.newton import LEAST_EIGENVALUE, Evaluate, State
from mutua.estimators.nonstationary import loudness, modulated_objective
from mutua.estimators.whitening import Whitening
from mutua.ica.linear.checks import recording_of
from mutua.ica.linear.densities import Scaled
from mutua.ica.linear.likelihood import centred, objective
from mutua.ica.linear.recording import Recording
from mutua.types import InputError

__all__ = ["PIECES", "expected_interference", "interference"]

PIECES = 32
"""Consecutive parts of a recording that are compared."""


def expected_interference(ica: Any, X: Any) -> Float[np.ndarray, " k"]:
    """Of each component of a fitted `LinearICA`, the power of the others left in it, relative to its own.

    X is the recording that was fitted, (n, d), in order of time. 10 log10 of what returns is in dB: -50 says that
    the other sources are heard 50 dB below. Only what the finite recording costs is counted: not reverberation,
    sensor noise, nor sources that follow each other throughout.

    Raises `InputError` for fewer than 64 rows.
    """
    check_is_fitted(ica)
    recording = recording_of(ica, X, reset=False)
    n, k = recording.samples, len(ica.components_)
    if n < 2 * PIECES:
        raise InputError(f"X: {n} rows; give at least {2 * PIECES}, {PIECES} parts of them are compared")
    if k == 1:
        return np.zeros(1)
    white = Whitening(ica.mean_, ica.whitening_, ica.whitening_.T, k)
    variance = np.diag(ica.explained_variance_ / np.square(ica.mixing_).sum(0))  # of the sources
    covariance = np.linalg.inv(ica.unmixing_) @ variance @ np.linalg.inv(ica.unmixing_).T
    if ica.modulation is not None:
        found = loudness(recording.chunks(), recording.samples, white, ica.modulation, ica.memory_bytes)
        pieces = [modulated_objective(part) for part in found.pieces(PIECES)]
        return interference(pieces, modulated_objective(found)(ica.unmixing_), covariance)
    # As the densities have it, y = scale s, whose kernel is compiled.
    scales = np.array([one.scale if isinstance(one, Scaled) else 1.0 for one in ica.densities_])
    densities = [one.base if isinstance(one, Scaled) else one for one in ica.densities_]
    edges = np.linspace(0, n, PIECES + 1).astype(int)
    parts = [Recording(recording.x[a:b]) for a, b in pairwise(edges)]
    matrix = ica.whitening_
    pieces = [
        objective(lambda part=part: centred(part, white), densities, matrix)  # type: ignore[misc]
        for part in parts
    ]
    whole = objective(lambda: centred(recording, white), densities, matrix)
    return interference(pieces, whole(scales[:, None] * ica.unmixing_), covariance)


def interference(
    pieces: Sequence[Evaluate], state: State, covariance: Float[np.ndarray, "k k"]
) -> Float[np.ndarray, " k"]:
    """The expected power of all other sources in each estimate, relative to its own: 10 log10 of it is in dB.

    Args:
        pieces: the loss over each part of the recording, two at least.
        state: at the solution, with the curvature.
        covariance: of what W is applied to.

    Infinite where the Hessian is singular to rounding: a pair that nothing tells apart.
    """
    w, h = state.w, state.curvature
    gradients = np.stack([piece(w, curved=False).gradient for piece in pieces])  # (p, k, k)
    gradients -= gradients.mean(0)
    p = len(gradients)
    scatter = np.einsum("pij,pij->ij", gradients, gradients) / (p * (p - 1))  # (k, k), var g_ij
    across = np.einsum("pij,pji->ij", gradients, gradients) / (p * (p - 1))  # covariance of g_ij and g_ji
    determinant = h * h.T - 1
    least = 0.5 * (h + h.T - np.sqrt((h - h.T) ** 2 + 4))
    # The first row of the inverse block is (h_ji, -1) / determinant.
    with np.errstate(divide="ignore", invalid="ignore"):
        error = (h.T**2 * scatter - 2 * h.T * across + scatter.T) / determinant**2
    error = np.where(least > LEAST_EIGENVALUE * 1e-2, error, np.inf)
    variance = np.einsum("ij,jk,ik->i", w, covariance, w)
    power = error * variance[None, :] / variance[:, None]
    np.fill_diagonal(power, 0.0)
    return power.sum(1)
