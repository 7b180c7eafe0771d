"""Margins: mutual information does not see monotone maps of single columns, so they are taken out first.

I(f(X); g(Y)) = I(X; Y) for invertible f and g. Ranking each column and giving it Gaussian quantiles is such a
map (on a sample, up to ties): heavy tails, bounds and units are gone before anything is fitted, and an estimate
becomes the same for x, exp(x) and asinh(x). Only margins are looked at, never which x came with which y, so a
permutation test after it is still exact.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import ndtr, ndtri, stdtrit
from scipy.stats import rankdata

__all__ = ["gaussianised", "radii"]

TAILS = (1.0, 3.0)


def gaussianised(values: Float[ndarray, "n d"]) -> Float[ndarray, "n d"]:
    """Each column by its ranks on Gaussian quantiles: z = Phi^-1((rank - 1/2)/n). Ties share their mean rank."""
    ranks = rankdata(values, axis=0)  # (n, d)
    return ndtri((ranks - 0.5) / len(values))


def radii(z: Float[ndarray, "n d"]) -> Float[ndarray, "n 3"]:
    """How far out a row of Gaussianised columns lies, on three scales, each standardised.

    |z|^2, and log(1 + |t|^2/nu) where t are the columns with margins of Student's t, nu = 1 and 3. Heavy-tailed
    and spherical dependence is a function of such radii (a multivariate t has the density of a power of
    1 + |t|^2/nu), which a network finds slowly from the coordinates alone.
    """
    squared = (z * z).sum(1)  # (n,)
    far = [np.log1p((stdtrit(nu, ndtr(z)) ** 2).sum(1) / nu) for nu in TAILS]
    stacked = np.stack([squared, *far], 1)  # (n, 3)
    return (stacked - stacked.mean(0)) / np.maximum(stacked.std(0), 1e-12)
