"""Disentanglement, completeness, informativeness."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from mutua.evaluation.disentangled.given import Given

__all__ = ["dci", "dci_mended", "disentanglement_completeness"]


def dci(data: Given, seed: int = 0) -> dict[str, float]:
    """From importances R (d, k) of codes for factors, by boosted trees that classify each factor:

        D = sum_i w_i (1 - H_k(R_i. / sum)),  w_i = row sums / all,     C the same of columns, entropies in base d,

    and the accuracy on rows held out (a third) and learned from, which the published code calls an error. The
    trees are scikit-learn's GradientBoostingClassifier with its defaults: a class a value, also of ordered
    positions.

    What it can reach: 1. Trees see only order: an outlier changes nothing. A dead code has importance 0, hence
    weight 0 in D; in C it adds 1 to the base of the logarithm, so that dead codes raise C.

    Paper: Eastwood and Williams 2018, A Framework for the Quantitative Evaluation of Disentangled Representations;
    as coded by Locatello et al. 2019, arXiv:1811.12359.
    """
    importance, train, test, _ = _importances(data, seed)
    d, c = disentanglement_completeness(importance)
    return {
        "disentanglement": d,
        "completeness": c,
        "informativeness": float(test.mean()),
        "train": float(train.mean()),
    }


def dci_mended(data: Given, seed: int = 0) -> dict[str, float]:
    """Of living codes alone; each factor weighted alike in D, by what is read of it, and informativeness from 0,
    what the commonest value is right, to 1. A factor that is not read above chance has no part in D and C."""
    importance, _, test, chance = _importances(data.living(), seed)
    read = np.maximum((test - chance) / np.maximum(1 - chance, 1e-12), 0.0)
    if read.sum() == 0:
        return {"disentanglement": 0.0, "completeness": 0.0, "informativeness": 0.0}
    d, c = disentanglement_completeness(importance * read)
    return {"disentanglement": d, "completeness": c, "informativeness": float(read.mean())}


def disentanglement_completeness(importance: Float[np.ndarray, "d k"]) -> tuple[float, float]:
    """D and C of a table of importances, each entry 1e-11 more within the entropies, as published."""

    def mean(table: np.ndarray) -> float:
        share = (table + 1e-11) / (table + 1e-11).sum(1, keepdims=True)
        if table.shape[1] < 2:
            return 1.0
        score = 1 + (share * np.log(share)).sum(1) / np.log(table.shape[1])
        weight = table if table.sum() > 0 else np.ones_like(table)
        return float((score * weight.sum(1)).sum() / weight.sum())

    return mean(importance), mean(importance.T)


def _importances(data: Given, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Importances (d, k), accuracy on rows learned from and held out, and of the commonest value there, (k,)
    each."""
    learned, judged = data.split(seed)
    k = data.factors.shape[1]
    importance, scores = np.zeros((data.codes.shape[1], k)), np.zeros((3, k))
    from mutua.kernels.trees.boosting import boosted  # numba takes a second to import

    for j in range(k):
        values, codes = np.unique(learned.factors[:, j], return_inverse=True)
        truth = judged.factors[:, j]
        if len(values) < 2:
            scores[:, j] = 1.0
            continue
        importance[:, j], own, other = boosted(learned.codes, codes.astype(np.int64), judged.codes)
        common = values[np.bincount(codes).argmax()]
        scores[:, j] = (own == codes).mean(), (values[other] == truth).mean(), (truth == common).mean()
    return importance, scores[0], scores[1], scores[2]
