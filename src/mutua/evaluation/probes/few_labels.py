"""Few-label curves: accuracy against the number of labels a class, over several draws of the labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mutua.evaluation.probes.catalogue import knn
from mutua.evaluation.probes.linear_probes import linear
from mutua.evaluation.probes.score import Moments, Score, check, moments
from mutua.types import InputError, names

__all__ = ["FEW_LABEL_PROBES", "LABELS_PER_CLASS", "Curve", "draw", "few_labels"]

LABELS_PER_CLASS = (1, 5, 10, 100)

FewLabelProbe = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int, Moments, torch.device | str], Score]


def _one_nearest(
    train_x: np.ndarray,
    train_y: np.ndarray,
    test_x: np.ndarray,
    test_y: np.ndarray,
    seed: int,
    statistics: Moments,
    device: torch.device | str,
) -> Score:
    return knn(train_x, train_y, test_x, test_y, seed, k=1, device=device)


def _nearest(
    train_x: np.ndarray,
    train_y: np.ndarray,
    test_x: np.ndarray,
    test_y: np.ndarray,
    seed: int,
    statistics: Moments,
    device: torch.device | str,
) -> Score:
    return knn(train_x, train_y, test_x, test_y, seed, device=device)


def _logistic(
    train_x: np.ndarray,
    train_y: np.ndarray,
    test_x: np.ndarray,
    test_y: np.ndarray,
    seed: int,
    statistics: Moments,
    device: torch.device | str,
) -> Score:
    # With one label a class nothing can be held out: C stays at 1.
    C = 1.0 if np.unique(train_y, return_counts=True)[1].min() < 2 else None
    return linear(train_x, train_y, test_x, test_y, seed, C=C, statistics=statistics, device=device)


FEW_LABEL_PROBES: dict[str, FewLabelProbe] = {"1-nn": _one_nearest, "knn": _nearest, "linear": _logistic}

PROTOCOL = (
    "Labels are drawn at random, the same number of every class and the same draws for every row; mean and "
    "standard deviation over {draws} draws, on all of test. Features are standardised by all of train, "
    "whose other labels are not used."
)
C_OF_LINEAR = " C of linear is chosen within the labels drawn, and 1 with one label a class."


@dataclass(frozen=True)
class Curve:
    """Probe to labels a class to (mean, standard deviation) of the accuracy in percent; the protocol in words."""

    values: Mapping[str, Mapping[int, tuple[float, float]]]
    note: str


def draw(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """`count` row numbers of every class, ascending; the same for a seed on every machine.

    Draws of one seed are nested: the rows for a smaller count are among those for a larger one.
    """
    order = np.random.RandomState(seed).permutation(len(labels))
    rows = [order[labels[order] == label][:count] for label in np.unique(labels)]
    return np.sort(np.concatenate(rows))


def few_labels(
    train_x: np.ndarray,
    train_y: np.ndarray,
    test_x: np.ndarray,
    test_y: np.ndarray,
    *,
    labels_per_class: Sequence[int] = LABELS_PER_CLASS,
    draws: int = 5,
    seed: int = 0,
    probes: Sequence[str] = ("1-nn", "linear"),
    device: torch.device | str = "cpu",
) -> Curve:
    """Accuracy of probes trained on 1, 5, 10, 100 labels a class. Draw i of every curve with one seed is the same.

    Numbers of labels that the smallest class does not have are left out, and the note says so.
    The standard deviation is over draws, with draws - 1 below; 0 where there is one draw.
    """
    check(train_x, train_y, test_x, test_y)
    if unknown := set(probes) - set(FEW_LABEL_PROBES):
        raise InputError(f"probes: {names(unknown)} is none of {names(FEW_LABEL_PROBES)} for few labels")
    if draws < 1 or any(count < 1 for count in labels_per_class):
        raise InputError(
            f"labels_per_class: {tuple(labels_per_class)} in {draws} draws; give numbers of 1 or more"
        )
    smallest = int(np.unique(train_y, return_counts=True)[1].min())
    counts = [count for count in labels_per_class if count <= smallest]
    left_out = [str(count) for count in labels_per_class if count > smallest]
    statistics = moments(train_x)
    found: dict[str, dict[int, list[float]]] = {name: {count: [] for count in counts} for name in probes}
    for count in counts:
        for i in range(draws):
            rows = draw(train_y, count, seed + i)
            x, y = train_x[rows], train_y[rows]
            for name in probes:
                score = FEW_LABEL_PROBES[name](x, y, test_x, test_y, seed + i, statistics, device)
                found[name][count].append(score.accuracy)
    note = PROTOCOL.format(draws=draws) + (C_OF_LINEAR if "linear" in probes else "")
    if left_out:
        note += f" Left out: {', '.join(left_out)} labels a class, as the smallest class has {smallest}."
    values = {
        name: {
            count: (float(np.mean(a)), float(np.std(a, ddof=1)) if draws > 1 else 0.0)
            for count, a in by_count.items()
        }
        for name, by_count in found.items()
    }
    return Curve(values, note)
