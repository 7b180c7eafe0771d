"""The separated attribute predictability score."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from mutua.evaluation.disentangled.given import Given, equal_mass, top_two

__all__ = ["balanced_svms", "sap", "sap_mended"]


def sap(data: Given, seed: int = 0) -> dict[str, float]:
    """Mean over factors of (the best accuracy of one code - the second), of a linear SVM on that code alone:
    squared hinge, C = .01, classes weighted to be balanced, one value against the rest; accuracy on a third of the
    rows held out.

    What it can reach: a linear map of one code separates two values of many: with the true factors as codes it is
    far below 1. A dead code still has the accuracy of one value, about 1/levels, so that the second place is never
    0. An outlier takes its code's map along. Accuracy is not balanced although the weights are.

    Paper: Kumar, Sattigeri and Balakrishnan 2018, Variational Inference of Disentangled Latent Concepts,
    arXiv:1711.00848; as coded by Locatello et al. 2019, arXiv:1811.12359 (factors as classes).
    """
    learned, judged = data.split(seed)
    scores = np.empty((data.codes.shape[1], data.factors.shape[1]))
    for j in range(scores.shape[1]):
        values, codes = np.unique(learned.factors[:, j], return_inverse=True)
        for i in range(len(scores)):
            weight, bias = balanced_svms(learned.codes[:, i], codes.astype(np.int64))
            margins = np.outer(judged.codes[:, i], weight) + bias
            found = (margins[:, 0] > 0).astype(int) if len(values) == 2 else margins.argmax(1)
            scores[i, j] = (values[found] == judged.factors[:, j]).mean()
    return {"SAP": float(top_two(scores).mean())}


def sap_mended(data: Given, seed: int = 0, *, bins: int = 20) -> dict[str, float]:
    """Each living code's accuracy by the commonest value in each of its equal-mass bins, the mean over values
    (balanced), from 0 for chance to 1: nonlinear in the code, an outlier is one row, and what tells nothing reads
    about 0."""
    data = data.living()
    cut = equal_mass(data.codes, bins)
    train = np.random.RandomState(seed).permutation(len(cut)) % 3 > 0
    scores = np.empty((cut.shape[1], data.factors.shape[1]))
    for j, factor in enumerate(data.factors.T):
        levels = int(factor.max()) + 1
        share = np.bincount(factor, minlength=levels)
        for i, column in enumerate(cut.T):
            table = np.zeros((column.max() + 1, levels))
            np.add.at(table, (column[train], factor[train]), 1.0)
            found = (table / np.maximum(share, 1)).argmax(1)[column[~train]]
            right = np.bincount(factor[~train], found == factor[~train], levels)
            many = np.bincount(factor[~train], minlength=levels)
            balanced = (right[many > 0] / many[many > 0]).mean()
            scores[i, j] = max((balanced - 1 / levels) / (1 - 1 / levels), 0.0)
    return {"SAP": float(top_two(scores).mean())}


def balanced_svms(
    x: Float[np.ndarray, " n"], codes: Int64[np.ndarray, " n"], C: float = 0.01, steps: int = 100
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Weights and biases of each value against the rest on one column (of two values, of the second alone):

        minimise (w^2 + b^2)/2 + C sum_i c_i max(0, 1 - y_i (w x_i + b))^2

    by Newton's steps in two variables, halved until the loss falls: LinearSVC's problem to its minimum. c_i = n /
    (k n_v) for the rows of value v, and 1 for the rest, which liblinear doesn't weight; of two values both are
    weighted.
    """
    k, n = int(codes.max()) + 1, len(x)
    values = np.arange(k) if k > 2 else np.array([1])
    own = codes[None, :] == values[:, None]  # (k, n)
    y = np.where(own, 1.0, -1.0)
    many = own.sum(1, keepdims=True)
    rest = 1.0 if k > 2 else n / (2 * (n - many))
    cost = C * np.where(own, n / (k * many), rest)
    w, b = np.zeros(len(values)), np.zeros(len(values))

    def lost(w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        slack = np.maximum(1 - y * (np.outer(w, x) + b[:, None]), 0.0)
        return 0.5 * (w**2 + b**2) + (cost * slack**2).sum(1), slack

    value, slack = lost(w, b)
    for _ in range(steps):
        push = -2 * cost * y * slack  # (k, n)
        active = 2 * cost * (slack > 0)
        gw, gb = w + push @ x, b + push.sum(1)
        if max(np.abs(gw).max(), np.abs(gb).max()) < 1e-10 * (1 + np.abs(x).max()):
            break
        ww, wb, bb = 1 + active @ (x * x), active @ x, 1 + active.sum(1)
        det = ww * bb - wb**2
        dw, db = -(bb * gw - wb * gb) / det, -(ww * gb - wb * gw) / det
        t = np.ones(len(w))
        for _ in range(30):
            new, new_slack = lost(w + t * dw, b + t * db)
            worse = new > value + 1e-14 * np.abs(value)
            if not worse.any():
                break
            t = np.where(worse, t / 2, t)
        w, b, value, slack = w + t * dw, b + t * db, new, new_slack
    return w, b
