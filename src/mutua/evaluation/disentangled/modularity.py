"""Modularity (each code tells of one factor) and explicitness (a linear classifier reads each value of a
factor)."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import rankdata

from mutua.evaluation.disentangled.given import Given, adjusted_information, equal_mass, equal_width, information
from mutua.evaluation.probes.many_heads import solve_many

__all__ = ["explicitness", "explicitness_mended", "modularity", "modularity_mended"]


def modularity(data: Given, seed: int = 0, *, bins: int = 20) -> dict[str, float]:
    """Mean over all codes of 1 - (sum of I^2 over factors - max I^2) / (max I^2 (k - 1)); 0 for a code that tells
    none.

    What it can reach: 1, by the true factors. But noise beside them reads .66 to .72 each, and a dead code 0:
    silence costs more than noise. A random rotation of the factors still reads .79. One outlier makes its code
    tell nothing.

    Paper: Ridgeway and Mozer 2018, Learning Deep Disentangled Embeddings with the F-Statistic Loss,
    arXiv:1802.05312; as coded by Locatello et al. 2019, arXiv:1811.12359.
    """
    return {"modularity": float(_per_code(information(equal_width(data.codes, bins), data.factors)).mean())}


def modularity_mended(data: Given, seed: int = 0, *, bins: int = 20) -> dict[str, float]:
    """The same with equal-mass bins and information less what binning alone reads, each code weighted by its
    information: what tells nothing counts nothing, be it noise or dead."""
    gain, _ = adjusted_information(equal_mass(data.codes, bins), data.factors, seed)
    weight = gain.max(1)
    total = weight.sum()
    return {"modularity": float((_per_code(gain) * weight).sum() / total) if total > 0 else 0.0}


def _per_code(found: Float[np.ndarray, "d k"]) -> Float[np.ndarray, " d"]:
    square = np.square(found)
    most = square.max(1)
    rest = (square.sum(1) - most) / (np.where(most > 0, most, 1.0) * (square.shape[1] - 1))
    return np.where(most > 0, 1 - rest, 0.0)


def explicitness(data: Given, seed: int = 0) -> dict[str, float]:
    """Mean over factors of the area under the ROC curve of logistic regression (C = 1, standardised codes), each
    value against the rest, the mean over values; on a third of the rows held out, and on those learned from.

    What it can reach: 1; chance is .5, so that .5 is the worst and .75 half way. It says nothing of single codes.
    An outlier shrinks the others of its column; dead codes change nothing.

    Paper: Ridgeway and Mozer 2018, arXiv:1802.05312; as coded by Locatello et al. 2019, arXiv:1811.12359.
    """
    learned, judged = data.split(seed)
    mean, spread = learned.codes.mean(0), learned.codes.std(0)
    spread = np.where(spread > 0, spread, 1.0)
    x, other = ((part.codes - mean) / spread for part in (learned, judged))
    found = [_areas(x, learned.factors[:, j], other, judged.factors[:, j]) for j in range(data.factors.shape[1])]
    return {"explicitness": float(np.mean([b for _, b in found])), "train": float(np.mean([a for a, _ in found]))}


def explicitness_mended(data: Given, seed: int = 0) -> dict[str, float]:
    """2 AUC - 1, of ranks of the living codes: 0 is chance, and an outlier is one rank."""
    data = data.living()
    ranks = rankdata(data.codes, axis=0) / len(data.codes)
    found = explicitness(Given(ranks, data.factors), seed)
    return {"explicitness": 2 * found["explicitness"] - 1}


def _areas(x: np.ndarray, y: np.ndarray, other: np.ndarray, other_y: np.ndarray) -> tuple[float, float]:
    values, codes = np.unique(y, return_inverse=True)
    heads = solve_many(
        torch.from_numpy(x)[None], torch.from_numpy(codes)[None], len(values), torch.ones(1), tol=1e-6
    )
    scores = [heads.log_probs(torch.from_numpy(part)[None])[0, 0].exp().numpy() for part in (x, other)]
    return _area(scores[0], y, values), _area(scores[1], other_y, values)


def _area(chance: np.ndarray, y: np.ndarray, values: np.ndarray) -> float:
    """Mean over the values that occur (and not always) of the area under the curve, ties counted half."""
    ranks, areas = rankdata(chance, axis=0), []
    for column, value in enumerate(values):
        own = y == value
        a, b = int(own.sum()), int((~own).sum())
        if a and b:
            areas.append((ranks[own, column].sum() - a * (a + 1) / 2) / (a * b))
    return float(np.mean(areas))
