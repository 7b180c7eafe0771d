"""InfoM, InfoE, InfoC: modularity, explicitness and compactness in shares of information."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float, Int64
from scipy.special import digamma

from mutua.evaluation.disentangled.given import Given, adjusted_information, entropy, equal_mass
from mutua.evaluation.probes.many_heads import solve_many

__all__ = ["infomec", "infomec_mended", "neighbour_information"]


def infomec(data: Given, seed: int = 0, *, k: int = 10) -> dict[str, float]:
    """With N_ij = I(code i; factor j) / H(factor j) by nearest neighbours, over A active codes and S factors:

        InfoM = (mean over active codes of max_j N / sum_j N - 1/S) / (1 - 1/S)
        InfoC = (mean over factors of max_i N / sum_i N - 1/A) / (1 - 1/A)
        InfoE = mean over factors of 1 - H_V(factor | codes) / H_V(factor),  V unpenalised logistic regression,

    classes balanced, fitted and read on the same rows. Active: a range over a twentieth of the largest.

    What it can reach: 1. With one active code InfoC is 1 by definition here (published: 0/0). One outlier makes
    its code's range, and can silence all others. An inactive code has no part in InfoM and InfoC; a code without
    any information counts 0 in InfoM (published: NaN). Two published variants differ: ranges by 20 and 10
    neighbours, or by 8 and 3.

    Paper: Hsu, Dorrell, Whittington, Wu and Finn 2023, Disentanglement via Latent Quantization, arXiv:2305.18378.
    """
    spread = np.ptp(data.codes, axis=0)
    active = spread > spread.max() / 20
    standard = (data.codes - data.codes.mean(0)) / np.where(spread > 0, data.codes.std(0), 1.0)
    found = np.stack([_information(standard[:, active], factor, k) for factor in data.factors.T], 1)  # (A, S)
    full = np.array([entropy(factor) for factor in data.factors.T])
    m, c = _shares(found / full)
    e = [_explained(standard, factor, balanced=True) for factor in data.factors.T]
    return {"InfoM": m, "InfoC": c, "InfoE": float(np.mean(e))}


def infomec_mended(data: Given, seed: int = 0) -> dict[str, float]:
    """Active: all living codes, each weighted in InfoM by what it tells; information by equal-mass bins less what
    binning alone reads; InfoE on a third of the rows held out, of classes as they are."""
    data = data.living()
    gain, full = adjusted_information(equal_mass(data.codes), data.factors, seed)
    share = gain / full
    m, c = _shares(share, weighted=True)
    learned, judged = data.split(seed)
    mean, spread = learned.codes.mean(0), learned.codes.std(0)
    spread = np.where(spread > 0, spread, 1.0)
    x, other = ((part.codes - mean) / spread for part in (learned, judged))
    e = [
        _explained(x, learned.factors[:, j], balanced=False, judged=(other, judged.factors[:, j]))
        for j in range(data.factors.shape[1])
    ]
    return {"InfoM": m, "InfoC": c, "InfoE": float(np.mean(e))}


def _shares(found: Float[np.ndarray, "a s"], weighted: bool = False) -> tuple[float, float]:
    """InfoM and InfoC of a table of information."""

    def mean(table: np.ndarray) -> float:
        """Of rows: the largest's share, from one among all to one alone."""
        many, total = table.shape[1], table.sum(1)
        if many < 2:
            return 1.0
        share = np.where(total > 0, table.max(1) / np.where(total > 0, total, 1.0), 1 / many)
        weight = total if weighted and total.sum() > 0 else np.ones(len(total))
        return float(((np.average(share, weights=weight)) - 1 / many) / (1 - 1 / many))

    return mean(found), mean(found.T)


def _information(
    codes: Float[np.ndarray, "n d"], factor: Int64[np.ndarray, " n"], k: int
) -> Float[np.ndarray, " d"]:
    return np.array([neighbour_information(column, factor, k) for column in codes.T])


def neighbour_information(x: Float[np.ndarray, " n"], factor: Int64[np.ndarray, " n"], k: int) -> float:
    """I(x; factor) in nats: psi(n) + E[psi(k) - psi(n_v) - psi(m)], m the rows nearer than the k-th of the same
    value, at least 0; values that occur once are left out. scikit-learn's mutual_info_classif of one column, by
    sorting.

    Paper: Ross 2014, Mutual Information between Discrete and Continuous Data Sets.
    """
    counts = np.bincount(factor)
    keep = counts[factor] > 1
    x, factor = x[keep], factor[keep]
    n = len(x)
    radius, near, many = np.empty(n), np.empty(n), np.empty(n)
    for value in np.unique(factor):
        rows = np.flatnonzero(factor == value)
        rows = rows[np.argsort(x[rows], kind="stable")]
        points, c = x[rows], len(rows)
        least = min(k, c - 1)
        # The k nearest of a sorted point are a run that has it: the best of k + 1 runs.
        distance = np.full(c, np.inf)
        for left in range(least + 1):
            low, high = np.arange(c) - left, np.arange(c) + least - left
            good = (low >= 0) & (high < c)
            at = np.flatnonzero(good)
            reach = np.maximum(points[at] - points[low[at]], points[high[at]] - points[at])
            distance[at] = np.minimum(distance[at], reach)
        radius[rows], near[rows], many[rows] = np.nextafter(distance, 0), least, c
    ordered = np.sort(x)
    low, high = np.searchsorted(ordered, x - radius, "left"), np.searchsorted(ordered, x + radius, "right")
    # x + radius is rounded, and the k-th neighbour must not come in by that: distances decide.
    high = high - (ordered[high - 1] - x > radius)
    low = low + (x - ordered[low] > radius)
    found = digamma(n) + (digamma(near) - digamma(many) - digamma(np.maximum(high - low, 1))).mean()
    return max(float(found), 0.0)


def _explained(
    x: Float[np.ndarray, "n d"],
    factor: Int64[np.ndarray, " n"],
    *,
    balanced: bool,
    judged: tuple[np.ndarray, np.ndarray] | None = None,
) -> float:
    """1 - H_V(factor | x) / H_V(factor), of logistic regression without a penalty."""
    values, codes = np.unique(factor, return_inverse=True)
    share = np.bincount(codes) / len(codes)
    weights = 1 / (len(values) * share[codes]) if balanced else np.ones(len(codes))
    heads = solve_many(
        torch.from_numpy(x)[None],
        torch.from_numpy(codes)[None],
        len(values),
        torch.tensor([math.inf]),
        weights=torch.from_numpy(weights)[None],
        steps=300,
        tol=1e-6,
    )
    other, truth = (x, codes) if judged is None else (judged[0], np.searchsorted(values, judged[1]))
    logs = heads.log_probs(torch.from_numpy(other)[None])[0, 0].numpy()
    left = -float(logs[np.arange(len(truth)), truth].mean())
    null = np.log(np.full(len(values), 1 / len(values)) if balanced else share)
    return 1 - left / -float(null[truth].mean())
