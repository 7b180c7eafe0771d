"""How well sources were recovered, where the truth is known: Amari distance and mean correlation coefficient."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata

from mutua.types import InputError

__all__ = ["Matching", "amari_distance", "held_out_r2", "matched", "mcc", "pearson", "spearman", "weak_mcc"]

Correlation = Callable[[np.ndarray, np.ndarray], np.ndarray]


def amari_distance(unmixing: ArrayLike, mixing: ArrayLike) -> float:
    """How far P = unmixing @ mixing is from a scaled permutation; 0 where it is one, at most 1.

        [sum_i (sum_j |p_ij| / max_j |p_ij| - 1) + sum_j (sum_i |p_ij| / max_i |p_ij| - 1)] / (2 d (d - 1))

    unmixing is (d, c) and mixing (c, d). Unchanged when rows of the unmixing or columns of the mixing are permuted
    or rescaled by one number; rows rescaled each by its own number change the second sum, so give sources of unit
    variance. A single source has distance 0.

    Other definitions: some divide by 2 d (at most d - 1 then), and picard's function squares the entries.

    Raises `InputError` where shapes do not fit, an entry is NaN or infinite, or P has a row or column of zeros (a
    source that is in no estimate, an estimate of none).

    >>> amari_distance([[0.0, 2.0], [-1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]])
    0.0

    Paper: Amari, Cichocki and Yang, A new learning algorithm for blind signal separation (1996).
    """
    w, a = np.asarray(unmixing, float), np.asarray(mixing, float)
    if w.ndim != 2 or a.ndim != 2 or w.shape != a.shape[::-1]:
        raise InputError(
            f"amari_distance: an unmixing of {w.shape} and a mixing of {a.shape}; give (d, c) and (c, d), as many "
            "estimates as sources"
        )
    p = np.abs(w @ a)  # (d, d)
    if not np.isfinite(p).all():
        raise InputError("amari_distance: unmixing @ mixing has NaN or infinity; check both matrices")
    d = len(p)
    if d == 1:
        return 0.0
    rows, columns = p.max(1), p.max(0)
    if not (rows.all() and columns.all()):
        where = f"row {int(rows.argmin())}" if not rows.all() else f"column {int(columns.argmin())}"
        raise InputError(f"amari_distance: {where} of unmixing @ mixing is zero; each source needs an estimate")
    spread = (p.sum(1) / rows - 1).sum() + (p.sum(0) / columns - 1).sum()
    return float(spread / (2 * d * (d - 1)))


def pearson(sources: Float[np.ndarray, "n k"], estimates: Float[np.ndarray, "n m"]) -> Float[np.ndarray, "k m"]:
    """Pearson's correlation of every source with every estimate; 0 where a column is constant."""

    def standard(x: Float[np.ndarray, "n q"]) -> Float[np.ndarray, "n q"]:
        largest = np.abs(x).max(0)
        # The rounding of a mean is no variation.
        centred = x - x.mean(0)
        centred = np.where(np.abs(centred).max(0) > 1e-12 * largest, centred, 0.0)
        norm = np.sqrt(np.square(centred).sum(0))
        return centred / np.where(norm > 0, norm, 1.0)

    return np.clip(standard(sources).T @ standard(estimates), -1.0, 1.0)


def spearman(sources: Float[np.ndarray, "n k"], estimates: Float[np.ndarray, "n m"]) -> Float[np.ndarray, "k m"]:
    """Spearman's rank correlation, ties sharing their mean rank; 0 where a column is constant."""
    return pearson(rankdata(sources, axis=0), rankdata(estimates, axis=0))


class Matching(NamedTuple):
    """Which estimate is which source.

    `estimate` (k,): the column of the estimates, -1 where a source has none. `correlation` (k,): signed, 0 where
    there is none.
    """

    estimate: Int64[np.ndarray, " k"]
    correlation: Float[np.ndarray, " k"]


def matched(sources: ArrayLike, estimates: ArrayLike, correlation: Correlation = pearson) -> Matching:
    """The one-to-one assignment of estimates (n, m) to sources (n, k) with the largest sum of |correlation|.

    With fewer estimates than sources some have none; with more, some estimates are left over.

    Raises `InputError` for what `mcc` refuses.
    """
    s, e = _columns(sources, "sources"), _columns(estimates, "estimates")
    if len(s) != len(e):
        raise InputError(f"estimates: {len(e)} samples for {len(s)} of the sources; give the same samples of both")
    if len(s) < 2:
        raise InputError(f"sources: {len(s)} sample; a correlation needs at least two")
    constant = np.flatnonzero(np.ptp(s, axis=0) == 0)
    if len(constant):
        raise InputError(
            f"sources: column {int(constant[0])} is constant and correlates with nothing; leave it out"
        )
    table = correlation(s, e)  # (k, m)
    rows, columns = linear_sum_assignment(-np.abs(table))
    estimate = np.full(s.shape[1], -1, np.int64)
    found = np.zeros(s.shape[1])
    estimate[rows], found[rows] = columns, table[rows, columns]
    return Matching(estimate, found)


def mcc(sources: ArrayLike, estimates: ArrayLike, correlation: Correlation = pearson) -> float:
    """The strong mean correlation coefficient: mean over sources of |correlation| under the best assignment.

    Sources (n, k) and estimates (n, m) are taken as they are. A source that is left without an estimate counts 0,
    so that fewer estimates than sources can reach m/k at most; a constant estimate correlates 0 with everything.
    `correlation` is `pearson` (estimates up to sign, scale and shift) or `spearman` (up to a monotone function).

    By chance it is not 0: independent noise of n samples has about sqrt(2 log(k m) / n). Give samples that the
    estimator was not fitted on.

    Raises `InputError` for a constant source (named), NaN or infinity, fewer than two samples, or different
    numbers of samples.

    Paper: Hyvarinen and Morioka, Unsupervised feature extraction by time-contrastive learning (2016).
    """
    return float(np.abs(matched(sources, estimates, correlation).correlation).mean())


def weak_mcc(
    train_sources: ArrayLike,
    train_estimates: ArrayLike,
    sources: ArrayLike,
    estimates: ArrayLike,
    correlation: Correlation = pearson,
) -> float:
    """Mean over sources of |correlation| after a linear map: identified up to an affine transformation.

    The map (and shift) from estimates to sources is least squares on the training samples, of least norm where
    they leave it free; it is applied to the other samples, and the correlation is of each source with its own
    prediction. A source whose prediction is constant there counts 0.

    Raises `InputError` for what `mcc` refuses, and where training and test differ in their columns.
    """
    test_s, predicted = _predicted(train_sources, train_estimates, sources, estimates)
    return float(np.abs(np.diag(correlation(test_s, predicted))).mean())


def held_out_r2(
    train_sources: ArrayLike, train_estimates: ArrayLike, sources: ArrayLike, estimates: ArrayLike
) -> Float[np.ndarray, " k"]:
    """R2 of each source predicted from the estimates by least squares, on samples that the map was not fitted on:

        R2_i = 1 - sum_t (s_ti - f_i(estimates_t))^2 / sum_t (s_ti - mean_i)^2,

    the mean taken over the test samples. 1 where the source is an affine function of the estimates, 0 where they
    tell no more than its mean, below 0 where the prediction is worse. The map is that of `weak_mcc`; its mean over
    sources is the usual figure.

    Raises `InputError` as `weak_mcc` does.
    """
    test_s, predicted = _predicted(train_sources, train_estimates, sources, estimates)
    left = np.square(test_s - predicted).sum(0)
    return 1 - left / np.square(test_s - test_s.mean(0)).sum(0)


def _predicted(
    train_sources: ArrayLike, train_estimates: ArrayLike, sources: ArrayLike, estimates: ArrayLike
) -> tuple[Float[np.ndarray, "n k"], Float[np.ndarray, "n k"]]:
    """The test sources, and what least squares on the training samples makes of the test estimates."""
    s, e = _columns(train_sources, "train_sources"), _columns(train_estimates, "train_estimates")
    test_s, test_e = _columns(sources, "sources"), _columns(estimates, "estimates")
    if s.shape[1] != test_s.shape[1] or e.shape[1] != test_e.shape[1]:
        raise InputError(
            f"columns: {s.shape[1]} sources and {e.shape[1]} estimates to train, {test_s.shape[1]} and "
            f"{test_e.shape[1]} to test; give the same columns of both"
        )
    if len(s) != len(e):
        raise InputError(f"train_estimates: {len(e)} samples for {len(s)} of train_sources; give the same samples")
    matched(test_s, test_e)  # lengths, constant sources
    mean_s, mean_e = s.mean(0), e.mean(0)
    coefficients, *_ = np.linalg.lstsq(e - mean_e, s - mean_s, rcond=None)  # (m, k)
    return test_s, (test_e - mean_e) @ coefficients + mean_s  # (n, k)


def _columns(values: ArrayLike, name: str) -> Float[np.ndarray, "n k"]:
    """(n, k) in float64; one dimension is one column."""
    x = np.asarray(values, float)
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or x.shape[1] == 0:
        raise InputError(f"{name}: shape {np.shape(values)}; give samples by columns, (n, k)")
    if not np.isfinite(x).all():
        row = int(np.argwhere(~np.isfinite(x))[0, 0])
        raise InputError(f"{name}: NaN or infinity in row {row}; leave such rows out")
    return x
