"""The interventional robustness score."""

from __future__ import annotations

import numpy as np

from mutua.evaluation.disentangled.given import Given

__all__ = ["irs", "irs_mended"]


def irs(data: Given, seed: int = 0, *, quantile: float = 0.99) -> dict[str, float]:
    """Mean over codes, weighted by D, of max over factors of 1 - (mean over values v of q |z - E[z | v]|) / D,

    q the 99th percentile and D = max |z - E z|. Factors are those given, as whole numbers; codes of variance 0 are
    left out, and the score is 0 where all are.

    What it can reach: 1, where a value fixes the code. One outlier: D is its, and the code reads nearly 1 and has
    nearly all the weight. A binary factor that only shifts a code scores as does a noisy one.

    Paper: Suter, Miladinovic, Schoelkopf and Bauer 2019, Robustly Disentangled Causal Mechanisms,
    arXiv:1811.00007; as coded by Locatello et al. 2019, arXiv:1811.12359.
    """
    codes = data.codes[:, data.codes.var(0) > 0]
    if not codes.any():
        return {"IRS": 0.0}
    most = np.abs(codes - codes.mean(0)).max(0)
    best = (1 - _deviations(codes, data.factors, quantile) / most[:, None]).max(1)
    return {"IRS": float(np.average(best, weights=most))}


def irs_mended(data: Given, seed: int = 0, *, quantile: float = 0.99) -> dict[str, float]:
    """The same from medians, D the same quantile of |z - median| over all rows, and each living code weighted
    alike: an outlier is one row of many, and a code of a larger unit counts no more. Below 0 is 0."""
    codes = data.living().codes
    most = np.quantile(np.abs(codes - np.median(codes, axis=0)), quantile, axis=0, method="lower")
    off = _deviations(codes, data.factors, quantile, robust=True)
    best = (1 - off / np.maximum(most, 1e-300)[:, None]).max(1)
    return {"IRS": float(np.maximum(best, 0).mean())}


def _deviations(codes: np.ndarray, factors: np.ndarray, quantile: float, robust: bool = False) -> np.ndarray:
    """Mean over the values of each factor of the quantile of |z - E[z | value]|, (d, k).

    robust: from medians, and of few rows the quantile below: one between two rows would have some of the last.
    """
    found = np.zeros((codes.shape[1], factors.shape[1]))
    for j, column in enumerate(factors.T):
        order = np.argsort(column, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(column[order])) + 1)
        for rows in groups:
            part = codes[rows]
            off = np.abs(part - (np.median(part, 0) if robust else part.mean(0)))
            method = "lower" if robust else "linear"
            found[:, j] += np.quantile(off, quantile, axis=0, method=method) / len(groups)  # type: ignore[call-overload]
    return found
