"""The Hilbert-Schmidt independence criterion of ranks, with a permutation test: is anything of y in x?"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from mutua.types import InputError

__all__ = ["hsic", "hsic_test"]

_TERMS, _WIDTH, _BLOCK = 12, 0.1, 64


def hsic(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> float:
    """HSIC = tr(K H L H) / n^2 of the ranks of x and y in (0, 1), H = I - 1/n, under the heat kernel on [0, 1]:

        k(a, b) = sum_{j = 1..12} exp(-(0.1 pi j)^2 / 2) cos(pi j a) cos(pi j b),

    a Gaussian of width 0.1, reflected at the ends. In its features HSIC is the sum of 12 x 12 squared covariances,
    so that n^2 numbers are never held.

    Paper: Gretton et al., A kernel statistical test of independence (2008).
    """
    return float(np.square(_features(x).T @ _features(y) / len(x)).sum())


def hsic_test(
    x: Float[np.ndarray, " n"], y: Float[np.ndarray, " m"], *, permutations: int = 999, seed: int = 0
) -> float:
    """p-value of independence by random pairings of the rows: exact, whatever the distributions of x and y.

    Rows must be independent of each other. Monotone maps of x or y change nothing.

    Raises `InputError` for fewer than 10 rows or different lengths.
    """
    if len(x) != len(y) or len(x) < 10:
        raise InputError(f"hsic_test: {len(x)} and {len(y)} rows; give the same rows of both, at least 10")
    rng = np.random.default_rng(seed)
    a, b = _features(x), _features(y)
    observed = np.square(a.T @ b).sum()
    reached = 0
    for start in range(0, permutations, _BLOCK):
        orders = rng.permuted(np.tile(np.arange(len(x)), (min(_BLOCK, permutations - start), 1)), axis=1)
        others = np.square(a.T @ b[orders]).sum((1, 2))
        # Sums of the same terms in another order differ by rounding: a hair of tolerance.
        reached += int((others >= observed * (1 - 1e-12)).sum())
    return (1 + reached) / (1 + permutations)


def _features(x: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n 12"]:
    """Features whose products are the kernel, centred."""
    grade = (rankdata(x) - 0.5) / len(x)
    j = np.arange(1, _TERMS + 1)
    features = np.exp(-0.25 * (_WIDTH * np.pi * j) ** 2) * np.cos(np.pi * j * grade[:, None])  # (n, 12)
    return features - features.mean(0)
