"""How many components: by BIC, or by the likelihood of rows held out. Each choice keeps its table of scores."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import KFold

from mutua.generative.gaussian import LOG_2PI, Moments, moments
from mutua.types import InputError, Table

__all__ = ["by_bic", "by_held_out", "ppca_by_bic", "ppca_by_held_out", "ppca_loglike"]

PATIENCE = 3
"""A search that must fit each size stops once so many in a row were worse than the best."""


def parameters(d: int, q: int, noises: int) -> int:
    """Free parameters: the mean, W up to its rotation, the noise (1 or d of them)."""
    return d + d * q - q * (q - 1) // 2 + noises


def ppca_loglike(values: np.ndarray, trace: float, n: int, d: int, sizes: np.ndarray) -> np.ndarray:
    """Total log-likelihood (nats) of PPCA's optimum with each of `sizes` components, from the eigenvalues of S.

        -n/2 [d log 2 pi + sum_{j<=q} log values_j + (d - q) log noise + d],
        noise = (trace - sum_{j<=q} values_j) / (d - q)

    values (k,) descending, at least max(sizes) of them; trace of S; the result has the shape of sizes.
    """
    logs = np.log(values).cumsum()[sizes - 1]
    noise = (trace - values.cumsum()[sizes - 1]) / (d - sizes)
    return -n / 2 * (d * LOG_2PI + logs + (d - sizes) * np.log(noise) + d)


def ppca_by_bic(data: Moments, sizes: Sequence[int]) -> tuple[int, Table]:
    """The size of lowest BIC, all from one eigendecomposition, and the table."""
    values, _ = data.spectrum()
    d, q = len(data.mean), np.array(sizes)
    loglike = ppca_loglike(values, float(data.variance.sum()), data.n, d, q)
    return _by_bic(
        [(int(k), float(value), parameters(d, int(k), 1)) for k, value in zip(q, loglike, strict=True)], data.n
    )


def ppca_by_held_out(X: np.ndarray, sizes: Sequence[int], folds: int, random: Any) -> tuple[int, Table]:
    """The size of highest held-out likelihood: one eigendecomposition a fold gives the curve over all sizes.

    With t = V^T (x - mean), log p(x) of q components is
    -1/2 [d log 2 pi + sum_{j<=q} log values_j + (d - q) log noise + sum_{j<=q} t_j^2 / values_j
          + (|x - mean|^2 - sum_{j<=q} t_j^2) / noise].
    """
    q, d = np.array(sizes), X.shape[1]
    curves = []
    for train, held in _splits(X, folds, random, max(sizes)):
        data = moments(X[train])
        values, vectors = data.spectrum(max(sizes))
        rows = X[held] - data.mean  # (m, d)
        squares = ((rows @ vectors) ** 2).mean(0)  # (k,)
        noise = (data.variance.sum() - values.cumsum()[q - 1]) / (d - q)
        rest = (rows**2).sum(1).mean() - squares.cumsum()[q - 1]
        inside = (np.log(values) + squares / values).cumsum()[q - 1]
        curves.append(-0.5 * (d * LOG_2PI + inside + (d - q) * np.log(noise) + rest / noise))
    return _by_held_out([(int(k), np.array(column)) for k, column in zip(q, np.transpose(curves), strict=True)])


def by_bic(model: Any, X: np.ndarray, sizes: Sequence[int], noises: int) -> tuple[int, Table]:
    """The size of lowest BIC, fitting `model` with each; a row with missing values counts as a row."""
    n, d = X.shape

    def judged(q: int) -> tuple[tuple[int, float, int], float]:
        loglike = float(_fitted(model, X, q).loglike_[-1])
        k = parameters(d, q, noises)
        return (q, loglike, k), -(k * math.log(n) - 2 * loglike)

    return _by_bic(_search(sizes, judged), n)


def by_held_out(model: Any, X: np.ndarray, sizes: Sequence[int], folds: int, random: Any) -> tuple[int, Table]:
    """The size of highest held-out likelihood, fitting `model` with each on each fold's training rows."""
    splits = _splits(X, folds, random, max(sizes))

    def judged(q: int) -> tuple[tuple[int, np.ndarray], float]:
        scores = np.array([_fitted(model, X[train], q).score(X[held]) for train, held in splits])
        return (q, scores), float(scores.mean())

    return _by_held_out(_search(sizes, judged))


def _splits(X: np.ndarray, folds: int, random: Any, most: int) -> list[tuple[np.ndarray, np.ndarray]]:
    if not 2 <= folds <= len(X):
        raise InputError(f"folds={folds} with n_samples={len(X)}; give 2 to n_samples")
    splits = list(KFold(folds, shuffle=True, random_state=random).split(X))
    if (least := min(len(train) for train, _ in splits)) < most + 2:
        raise InputError(f"candidates: {most} components need {most + 2} rows, a fold has {least}; give fewer")
    return splits


def _fitted(model: Any, X: np.ndarray, q: int) -> Any:
    # The warnings that count are those of the size chosen, which is fitted again.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return clone(model).set_params(n_components=q).fit(X)


def _search(sizes: Sequence[int], judged: Callable[[int], tuple[Any, float]]) -> list[Any]:
    rows, best, worse = [], -math.inf, 0
    for q in sizes:
        row, merit = judged(q)
        rows.append(row)
        worse = 0 if merit > best else worse + 1
        best = max(best, merit)
        if worse == PATIENCE:
            break
    return rows


def _by_bic(found: Sequence[tuple[int, float, int]], n: int) -> tuple[int, Table]:
    rows = [(q, loglike, k, k * math.log(n) - 2 * loglike) for q, loglike, k in found]
    best = min(rows, key=lambda row: row[-1])[0]
    note = (
        f"Total log-likelihood in nats on {n} rows; BIC = parameters log n - 2 log-likelihood, lowest at {best}."
    )
    return best, Table("Components by BIC", ["n_components", "log-likelihood", "parameters", "BIC"], rows, note)


def _by_held_out(found: Sequence[tuple[int, np.ndarray]]) -> tuple[int, Table]:
    folds = len(found[0][1])
    rows = [(q, float(v.mean()), float(v.std(ddof=1) / math.sqrt(folds))) for q, v in found]
    best = max(rows, key=lambda row: row[1])[0]
    note = f"Nats a row, mean and standard error over {folds} folds; highest at {best}."
    return best, Table("Components by held-out likelihood", ["n_components", "held out", "error"], rows, note)
