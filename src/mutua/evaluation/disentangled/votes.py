"""The BetaVAE and FactorVAE scores: votes on which factor was held fixed."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int64

from mutua.evaluation.disentangled.given import Given
from mutua.evaluation.probes.many_heads import solve_many

__all__ = ["beta_vae_mended", "beta_vae_score", "factor_vae_mended", "factor_vae_score"]

_PIECE = 2000


def beta_vae_score(
    data: Given, seed: int = 0, *, train: int = 10_000, test: int = 5_000, pairs: int = 64
) -> dict[str, float]:
    """Accuracy with which logistic regression (C = 1) tells a factor by mean |z - z'| of 64 pairs that share its
    value.

    Published code renders pairs; here they are drawn from the rows given, which is the same where these are many.

    What it can reach: 1, and soon: a VAE of an hour does. Chance is 1/k. It uses any number of codes at once, so
    that a rotated code scores 1 too. A dead code adds nothing; an outlier adds to the pairs it is in.

    Paper: Higgins et al. 2017, beta-VAE; as coded by Locatello et al. 2019, arXiv:1811.12359.
    """
    rng = np.random.default_rng(seed)
    x, y = _differences(data, rng, train, pairs)
    other, truth = _differences(data, rng, test, pairs)
    k = data.factors.shape[1]
    C = torch.ones(1)
    heads = solve_many(torch.from_numpy(x)[None], torch.from_numpy(y)[None], k, C, steps=2000, tol=1e-5)
    found = [heads.log_probs(torch.from_numpy(part)[None])[0, 0].argmax(1).numpy() for part in (x, other)]
    return {"BetaVAE": float((found[1] == truth).mean()), "train": float((found[0] == y).mean())}


def beta_vae_mended(data: Given, seed: int = 0) -> dict[str, float]:
    """Of standardised living codes, whose unit is then no matter for the penalty, from 0 for chance to 1."""
    data = data.living()
    codes = (data.codes - data.codes.mean(0)) / data.codes.std(0)
    found = beta_vae_score(Given(codes, data.factors), seed, train=3_000, test=3_000)
    k = data.factors.shape[1]
    return {"BetaVAE": max((found["BetaVAE"] - 1 / k) / (1 - 1 / k), 0.0)}


def factor_vae_score(
    data: Given, seed: int = 0, *, train: int = 10_000, test: int = 5_000, points: int = 64, least: float = 0.05
) -> dict[str, float]:
    """Accuracy of a majority vote: of 64 points that share a factor's value, which code has the least variance
    over its variance in all? Each code votes for the factor it was drawn for most often.

    Published code renders the points; here they are drawn from the rows given. Codes of a deviation under .05 are
    left out, as the published study was configured (its function's default is 0, and is another score); 0 where
    all are.

    What it can reach: 1; chance is about 1/k. One outlier makes its code's variance, and so its votes.

    Paper: Kim and Mnih 2018, Disentangling by Factorising, arXiv:1802.05983; as coded by Locatello et al. 2019,
    arXiv:1811.12359.
    """
    variance = data.codes.var(0, ddof=1)
    active = np.sqrt(variance) >= least
    if not active.any():
        return {"FactorVAE": 0.0, "train": 0.0}
    return _voted(data.codes[:, active], data.factors, seed, train, test, points, variance[active])


def factor_vae_mended(data: Given, seed: int = 0) -> dict[str, float]:
    """Of living codes, at any unit, each by its mean distance from the median in place of the variance, and from 0
    for chance."""
    codes = data.living().codes
    k = data.factors.shape[1]
    found = _voted(codes, data.factors, seed, 3_000, 3_000, 64, None)
    return {"FactorVAE": max((found["FactorVAE"] - 1 / k) / (1 - 1 / k), 0.0)}


def _voted(
    codes: np.ndarray,
    factors: np.ndarray,
    seed: int,
    train: int,
    test: int,
    points: int,
    variance: np.ndarray | None,
) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    whole = np.maximum(np.abs(codes - np.median(codes, 0)).mean(0), 1e-300)
    tables = []
    for many in (train, test):
        table = np.zeros((factors.shape[1], codes.shape[1]), np.int64)
        for piece in range(0, many, _PIECE):
            fixed, rows = _sharing(factors, rng, min(_PIECE, many - piece), points)
            part = codes[rows]  # (m, points, d)
            if variance is not None:
                spread = part.var(1, ddof=1) / variance
            else:
                spread = np.abs(part - np.median(part, 1, keepdims=True)).mean(1) / whole
            np.add.at(table, (fixed, spread.argmin(1)), 1)
        tables.append(table)
    winner, column = tables[0].argmax(0), np.arange(codes.shape[1])
    right = [float(table[winner, column].sum() / table.sum()) for table in tables]
    return {"FactorVAE": right[1], "train": right[0]}


def _sharing(
    factors: Int64[np.ndarray, "n k"], rng: np.random.Generator, many: int, points: int
) -> tuple[Int64[np.ndarray, " m"], Int64[np.ndarray, "m p"]]:
    """A factor drawn for each of `many`, and the numbers of `points` rows that share its value with a row
    drawn."""
    fixed = rng.integers(factors.shape[1], size=many)
    first = rng.integers(len(factors), size=many)
    rows = np.empty((many, points), np.int64)
    for j in range(factors.shape[1]):
        order = np.argsort(factors[:, j], kind="stable")
        counts = np.bincount(factors[:, j])
        start = np.cumsum(counts) - counts
        own = np.flatnonzero(fixed == j)
        value = factors[first[own], j]
        place = (rng.random((len(own), points)) * counts[value][:, None]).astype(np.int64)
        rows[own] = order[start[value][:, None] + place]
    return fixed, rows


def _differences(
    data: Given, rng: np.random.Generator, many: int, pairs: int
) -> tuple[Float[np.ndarray, "m d"], Int64[np.ndarray, " m"]]:
    """Mean |z - z'| of pairs that share the value of a factor, another value each pair, and the factor."""
    n, k = data.factors.shape
    fixed = rng.integers(k, size=many)
    found = np.empty((many, data.codes.shape[1]))
    for piece in range(0, many, _PIECE):
        part = fixed[piece : piece + _PIECE]
        rows = rng.integers(n, size=(len(part), pairs))
        partner = np.empty_like(rows)
        for j in range(k):
            order = np.argsort(data.factors[:, j], kind="stable")
            counts = np.bincount(data.factors[:, j])
            start = np.cumsum(counts) - counts
            value = data.factors[rows[part == j], j]
            partner[part == j] = order[start[value] + (rng.random(value.shape) * counts[value]).astype(np.int64)]
        found[piece : piece + _PIECE] = np.abs(data.codes[rows] - data.codes[partner]).mean(1)
    return found, fixed
