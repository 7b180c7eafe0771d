"""The linear probes: logistic regression and SVM, their penalty chosen on held-out rows of train."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mutua.data.splits import stratified
from mutua.evaluation.probes.linear_heads import Head, Loss, gram, logistic, reduced, solve, squared_hinge
from mutua.evaluation.probes.score import Moments, Score, check, moments, percent_right

__all__ = ["FEW", "GRID", "favoured", "linear", "svm"]

GRID = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
"""The values of C tried, from the strongest penalty on."""

FEW = 5_000
"""Below so many rows one validation split is too coarse: five are averaged."""


def favoured(read: Callable[[float], tuple[int, float]]) -> float:
    """The C of `GRID` that is right most often on rows held out; of equals that of the lowest loss there.

    Of few separable rows every C may be right, and the strongest penalties are then no better than they look:
    without the loss to tell them apart, they would be taken.

    Stops once two in a row were worse than the best: the weakest penalties are the slowest to fit.

    Args:
        read: C to (how many held-out rows are right, the loss there); called from the strongest penalty on.
    """
    best, most, least, worse = GRID[0], -1, 0.0, 0
    for C in GRID:
        right, lost = read(C)
        worse = worse + 1 if right < most else 0
        if right > most or (right == most and lost < least):
            best, most, least = C, right, lost
        if worse == 2:
            break
    return best


def _chosen(x: Tensor, y: np.ndarray, classes: int, loss: Loss, product: Tensor, seed: int) -> float:
    """`favoured` by heads of a loss, each begun from that of the C before."""
    codes = torch.from_numpy(y).to(x.device)
    parts = []
    for split in range(5 if len(x) < FEW else 1):
        rest, out = stratified(y, 0.1, seed + split)
        fit, held = torch.from_numpy(rest).to(x.device), torch.from_numpy(out).to(x.device)
        parts.append((x[fit], codes[fit], product - gram(x[held]), x[held], codes[held]))
    heads: list[Head | None] = [None] * len(parts)

    def read(C: float) -> tuple[int, float]:
        right, lost = 0, 0.0
        for i, (fit_x, fit_y, fit_product, held_x, held_y) in enumerate(parts):
            head = heads[i] = solve(fit_x, fit_y, classes, loss, C, fit_product, heads[i])
            right += int((head.predict(held_x) == held_y).sum())
            lost += float(loss(head.scores(held_x), held_y)[0])
        return right, lost

    return favoured(read)


def _linear(
    loss: Loss,
    name: str,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    seed: int,
    C: float | None,
    statistics: Moments | None,
    device: torch.device | str,
) -> Score:
    (train_x, train_y), (test_x, test_y) = train, test
    classes = check(train_x, train_y, test_x, test_y)
    codes = np.searchsorted(classes, train_y)
    if C is None:
        stratified(train_y, 0.1, seed)  # names the class that has one example
    mean, scale = statistics if statistics is not None else moments(train_x)
    scaled = np.subtract(train_x, mean, dtype=np.float32)
    scaled /= scale
    x, basis = reduced(torch.from_numpy(scaled).to(device))
    product = gram(x)
    how = "given"
    if C is None:
        C = _chosen(x, codes, len(classes), loss, product, seed)
        how = f"chosen of {GRID[0]:g} to {GRID[-1]:g} on a tenth of train held out"
        how += ", five such splits averaged" if len(x) < FEW else ""
        how += ", then refit on all of train"
    head = solve(x, torch.from_numpy(codes).to(device), len(classes), loss, C, product)
    scaled_weight = head.weight if basis is None else basis @ head.weight
    # The standardisation goes into the weights, so that test features need no copy.
    weight = (scaled_weight.cpu().double() / torch.from_numpy(scale)[:, None]).numpy()
    bias = head.bias.cpu().double().numpy() - mean @ weight
    scores = np.concatenate([test_x[i : i + 4096] @ weight for i in range(0, len(test_x), 4096)]) + bias
    accuracy = percent_right(classes[scores.argmax(1)], test_y)
    return Score(accuracy, {"C": C}, f"{name} on standardised features, C {how}")


def linear(
    train_x: np.ndarray,
    train_y: np.ndarray,
    test_x: np.ndarray,
    test_y: np.ndarray,
    seed: int,
    *,
    C: float | None = None,
    statistics: Moments | None = None,
    device: torch.device | str = "cpu",
) -> Score:
    """Multinomial logistic regression with an L2 penalty, on features standardised by train's statistics.

        sum_i -log softmax(W' x_i + b)[y_i]  +  |W|^2 / (2 C)

    Args:
        C: chosen of `GRID` on a tenth of train by default, then refit on all of train.
        statistics: mean and deviation to standardise by, where more rows without labels are at hand.
    """
    name = "multinomial logistic regression (L2)"
    return _linear(logistic, name, (train_x, train_y), (test_x, test_y), seed, C, statistics, device)


def svm(
    train_x: np.ndarray,
    train_y: np.ndarray,
    test_x: np.ndarray,
    test_y: np.ndarray,
    seed: int,
    *,
    C: float | None = None,
    statistics: Moments | None = None,
    device: torch.device | str = "cpu",
) -> Score:
    """Linear SVM, one class against the rest, on standardised features.

        sum_i max(0, 1 - y_i (w' x_i + b))^2  +  |w|^2 / (2 C)   for each class

    This is scikit-learn's LinearSVC with its squared hinge, but that b is not penalised. Arguments as `linear`.
    """
    name = "linear SVM (squared hinge, one against the rest)"
    return _linear(squared_hinge, name, (train_x, train_y), (test_x, test_y), seed, C, statistics, device)
