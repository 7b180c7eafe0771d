"""The linear SVM with the simple hinge, solved until a gap says that it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64

from mutua.data.splits import stratified
from mutua.evaluation.probes.linear_probes import FEW, GRID, favoured
from mutua.evaluation.probes.score import Moments, Score, check, moments, percent_right
from mutua.types import InputError

__all__ = ["Machine", "fit_hinge", "hinge"]

_WHOLE = 10
"""Passes over pairs that move, to one over all."""


@dataclass(frozen=True)
class Machine:
    """A linear classifier, and how near its objective is to the least there is.

    `gap` bounds (objective - least) / objective, of all classes together; `passes` over the data it took.
    """

    weight: Float[np.ndarray, "k d"]
    bias: Float[np.ndarray, " k"]
    alpha: Float[np.ndarray, "n k"]
    objective: float
    gap: float
    passes: int

    def scores(self, x: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "m k"]:
        return x @ self.weight.T + self.bias


def fit_hinge(
    x: Float[np.ndarray, "n d"],
    codes: Int64[np.ndarray, " n"],
    classes: int,
    C: float,
    *,
    tolerance: float = 1e-3,
    most: int = 1000,
    start: Float[np.ndarray, "n k"] | None = None,
    seed: int = 0,
) -> Machine:
    """Minimise (|w|^2 + b^2)/2 + C sum_i max(0, 1 - y_i (w'x_i + b)) for each class against the rest.

    This is scikit-learn's LinearSVC(loss="hinge"), whose b is penalised too, solved to a relative duality gap.

    Args:
        x: float32 rows, standardised.
        tolerance: of the gap, as `Machine.gap` is meant.
        most: passes over the data, after which it is left as it is.
        start: alpha to begin from, as of another C scaled to this one.
    """
    n = len(x)
    random = np.random.RandomState(seed)
    box = np.float32(C)
    alpha = np.zeros((n, classes), np.float32) if start is None else np.clip(start, 0, box).astype(np.float32)
    squares = np.einsum("ij,ij->i", x, x) + np.float32(1)
    sign = np.full((n, classes), -1, np.float32)
    sign[np.arange(n), codes] = 1
    active = np.ones((n, classes), np.bool_)
    weight, bias = _weights(x, alpha * sign)
    from mutua.kernels.probes.hinge import sweep  # numba takes a second to import

    margin, passes = np.float32(np.inf), 0
    while True:
        for turn in range(_WHOLE):
            rows = random.permutation(n if turn == 0 else np.flatnonzero(active.any(1)))
            if turn == 0:
                active[:] = True
            elif not len(rows):
                break
            worst = sweep(x, codes, alpha, weight, bias, squares, rows.astype(np.int64), box, active, margin)
            margin = np.float32(max(worst, 1e-6))
            passes += 1
            if worst < tolerance / 10:
                break
        weight, bias = _weights(x, alpha * sign)  # float32 sums of many small moves drift
        slack = np.maximum(1 - sign * (x @ weight.T + bias), 0)
        quadratic = 0.5 * float((weight.astype(np.float64) ** 2).sum() + (bias.astype(np.float64) ** 2).sum())
        objective = quadratic + C * float(slack.sum(dtype=np.float64))
        gap = (objective + quadratic - float(alpha.sum(dtype=np.float64))) / max(objective, 1e-30)
        if gap <= tolerance or passes >= most:
            return Machine(weight, bias, alpha, objective, gap, passes)


def _weights(x: np.ndarray, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    weight = np.ascontiguousarray((x.T @ coefficients).T)  # (k, d)
    return weight, coefficients.sum(0, dtype=np.float64).astype(np.float32)


def _chosen(x: np.ndarray, y: np.ndarray, classes: int, seed: int) -> float:
    """`favoured` by machines solved roughly, each begun from that of the C before."""
    parts = []
    for split in range(5 if len(x) < FEW else 1):
        rest, out = stratified(y, 0.1, seed + split)
        parts.append((np.ascontiguousarray(x[rest]), y[rest], x[out], y[out]))
    before: list[tuple[float, np.ndarray] | None] = [None] * len(parts)

    def read(C: float) -> tuple[int, float]:
        right, lost = 0, 0.0
        for i, (fit_x, fit_y, held_x, held_y) in enumerate(parts):
            known = before[i]
            start = None if known is None else known[1] * np.float32(C / known[0])
            found = fit_hinge(fit_x, fit_y, classes, C, tolerance=1e-2, most=200, start=start, seed=seed)
            before[i] = C, found.alpha
            scores = found.scores(held_x)
            sign = np.where(held_y[:, None] == np.arange(classes), 1, -1)
            right += int((scores.argmax(1) == held_y).sum())
            lost += float(np.maximum(1 - sign * scores, 0).sum())
        return right, lost

    return favoured(read)


def hinge(
    train_x: np.ndarray,
    train_y: np.ndarray,
    test_x: np.ndarray,
    test_y: np.ndarray,
    seed: int,
    *,
    C: float | None = None,
    tolerance: float = 1e-3,
    statistics: Moments | None = None,
    device: torch.device | str = "cpu",
) -> Score:
    """Linear SVM with the simple hinge, one class against the rest, on standardised features, until it has
    converged.

        sum_i max(0, 1 - y_i (w' x_i + b))  +  (|w|^2 + b^2) / (2 C)   for each class

    The published SVM figures of Deep InfoMax's table deviate by up to 7 points over runs on the same features,
    which a convex problem that was solved doesn't. Runs on the CPU whatever the device.

    Args:
        C: chosen of `GRID` on a tenth of train by default, then refit on all of train.
        tolerance: duality gap over the objective, up to which it is solved.
        statistics: mean and deviation to standardise by, where more rows without labels are at hand.

    Paper: Hsieh et al. 2008, A dual coordinate descent method for large-scale linear SVM, ICML.
    """
    classes = check(train_x, train_y, test_x, test_y)
    if not 0 < tolerance < 1:
        raise InputError(f"tolerance: {tolerance}; give a share of the objective, in (0, 1)")
    codes = np.searchsorted(classes, train_y).astype(np.int64)
    if C is None:
        stratified(train_y, 0.1, seed)  # names the class that has one example
    mean, scale = statistics if statistics is not None else moments(train_x)
    x = np.subtract(train_x, mean, dtype=np.float32)
    x /= scale
    how = "given"
    if C is None:
        C = _chosen(x, codes, len(classes), seed)
        how = f"chosen of {GRID[0]:g} to {GRID[-1]:g} on a tenth of train held out, then refit on all of train"
    found = fit_hinge(x, codes, len(classes), C, tolerance=tolerance, seed=seed)
    parts = [test_x[i : i + 4096] for i in range(0, len(test_x), 4096)]
    scores = np.concatenate([found.scores((part - mean) / scale) for part in parts])
    accuracy = percent_right(classes[scores.argmax(1)], test_y)
    return Score(
        accuracy,
        {"C": C, "gap": found.gap, "passes": found.passes},
        "linear SVM (simple hinge, one against the rest) on standardised features, solved to a gap of "
        f"{tolerance:g}, C {how}",
    )
