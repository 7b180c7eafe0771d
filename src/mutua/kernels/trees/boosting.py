"""Gradient-boosted trees of classes, as scikit-learn's GradientBoostingClassifier() fits them, its twin in the
tests.

100 stages of one tree a class, depth 3, rate 0.1, all rows and columns, splits by Friedman's improvement, leaves
by one Newton step of the multinomial (of two classes: binomial) loss. scikit-learn sorts the rows of each node
anew; here each column is sorted once, and one pass over it finds the best split of all nodes of a level.
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float, Int64

__all__ = ["boosted"]

_GAP = np.float32(1e-7)  # values nearer than that are not split between
_DEPTH = 3
_LEAVES = 2**_DEPTH


def boosted(
    x: Float[np.ndarray, "n d"],
    codes: Int64[np.ndarray, " n"],
    other: Float[np.ndarray, "m d"],
    stages: int = 100,
    rate: float = 0.1,
) -> tuple[Float[np.ndarray, " d"], Int64[np.ndarray, " n"], Int64[np.ndarray, " m"]]:
    """(Importances of the columns, classes predicted for x, and for other rows).

    Importances are the summed decrease of squared error by a column's splits, over all trees, to a sum of 1; all 0
    where nothing is split. Of splits that are equally good the first column's is taken, where scikit-learn draws
    one.

    Args:
        codes: 0 to k - 1, each at least once, k >= 2.
    """
    k = int(codes.max()) + 1
    share = np.bincount(codes, minlength=k) / len(codes)
    x32, other32 = np.ascontiguousarray(x, np.float32), np.ascontiguousarray(other, np.float32)
    order = np.ascontiguousarray(np.argsort(x32, axis=0, kind="stable").T.astype(np.int32))
    if k == 2:
        start = np.array([np.log(share[1] / share[0])])
    else:
        start = np.log(share) - np.log(share).mean()
    gain, raw, raw_other = _boost(x32, order, codes, other32, k, start, stages, rate)
    total = gain.sum()
    if k == 2:
        found = [(values[:, 0] >= 0).astype(np.int64) for values in (raw, raw_other)]
    else:
        found = [values.argmax(1) for values in (raw, raw_other)]
    return gain / total if total > 0 else gain, found[0], found[1]


@numba.njit(cache=True)
@no_type_check
def _boost(x, order, codes, other, k, start, stages, rate):
    n, d = x.shape
    trees = len(start)
    raw, raw_other = np.empty((n, trees)), np.empty((len(other), trees))
    raw[:] = start
    raw_other[:] = start
    chance, residual = np.empty((trees, n)), np.empty(n)
    gain = np.zeros(d)
    node = np.empty(n, np.int8)
    feature = np.empty(_LEAVES - 1, np.int64)
    threshold = np.empty(_LEAVES - 1, np.float64)
    for _ in range(stages):
        for i in range(n):
            if trees == 1:
                chance[0, i] = 1 / (1 + np.exp(-raw[i, 0]))
            else:
                most, total = raw[i].max(), 0.0
                for c in range(trees):
                    chance[c, i] = np.exp(raw[i, c] - most)
                    total += chance[c, i]
                for c in range(trees):
                    chance[c, i] /= total
        for c in range(trees):
            own = 1 if trees == 1 else c
            for i in range(n):
                residual[i] = (1.0 if codes[i] == own else 0.0) - chance[c, i]
            _grow(x, order, residual, node, feature, threshold, gain)
            above, below, counts = np.zeros(_LEAVES), np.zeros(_LEAVES), np.zeros(_LEAVES)
            for i in range(n):
                p = chance[c, i]
                above[node[i]] += residual[i]
                below[node[i]] += p * (1 - p)
                counts[node[i]] += 1
            for leaf in range(_LEAVES):
                step = 0.0
                if counts[leaf] > 0 and below[leaf] / counts[leaf] > 1e-150:
                    step = above[leaf] / below[leaf]
                    if trees > 1:
                        step *= (k - 1) / k
                above[leaf] = rate * step
            for i in range(n):
                raw[i, c] += above[node[i]]
            for i in range(len(other)):
                at = 0
                for _ in range(_DEPTH):
                    right = feature[at] >= 0 and other[i, feature[at]] > threshold[at]
                    at = 2 * at + (2 if right else 1)
                raw_other[i, c] += above[at - (_LEAVES - 1)]
    return gain, raw, raw_other


@numba.njit(cache=True)
@no_type_check
def _grow(x, order, residual, node, feature, threshold, gain):
    """A tree: `node` becomes each row's leaf, `feature` (-1 where a node isn't split) and `threshold` a heap."""
    n, d = x.shape
    node[:] = 0
    feature[:] = -1
    threshold[:] = 0.0
    for level in range(_DEPTH):
        wide, first = 2**level, 2**level - 1
        total, square, count = np.zeros(wide), np.zeros(wide), np.zeros(wide)
        for i in range(n):
            total[node[i]] += residual[i]
            square[node[i]] += residual[i] * residual[i]
            count[node[i]] += 1
        best = np.full(wide, -np.inf)
        open_ = np.zeros(wide, np.bool_)
        for at in range(wide):
            if count[at] >= 2:
                open_[at] = square[at] / count[at] - (total[at] / count[at]) ** 2 > 2.220446049250313e-16
        left, seen, last = np.empty(wide), np.empty(wide), np.empty(wide, np.float32)
        for f in range(d):
            left[:] = 0.0
            seen[:] = 0.0
            for j in range(n):
                i = order[f, j]
                at = node[i]
                if not open_[at]:
                    continue
                value = x[i, f]
                if seen[at] > 0 and value > last[at] + _GAP:
                    rest = count[at] - seen[at]
                    apart = rest * left[at] - seen[at] * (total[at] - left[at])
                    improvement = apart * apart / (seen[at] * rest)
                    if improvement > best[at]:
                        best[at] = improvement
                        feature[first + at] = f
                        middle = np.float64(last[at]) / 2 + np.float64(value) / 2
                        threshold[first + at] = np.float64(last[at]) if middle == value else middle
                left[at] += residual[i]
                seen[at] += 1
                last[at] = value
        for at in range(wide):
            if feature[first + at] >= 0:
                gain[feature[first + at]] += best[at] / count[at]
        for i in range(n):
            at = node[i]
            f = feature[first + at]
            right = f >= 0 and x[i, f] > threshold[first + at]
            node[i] = 2 * at + (1 if right else 0)
