"""What a probe is, what it returns, and the checks all probes share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from mutua.evaluation.features import check_features
from mutua.types import InputError

__all__ = ["Moments", "Probe", "Score", "check", "moments", "percent_right"]


@dataclass(frozen=True)
class Score:
    """Accuracy on test in percent, the settings chosen, and in words how it was taken."""

    accuracy: float
    settings: Mapping[str, float] = field(default_factory=dict)
    protocol: str = ""


@runtime_checkable
class Probe(Protocol):
    def __call__(
        self,
        train_x: np.ndarray,
        train_y: np.ndarray,
        test_x: np.ndarray,
        test_y: np.ndarray,
        seed: int,
        *,
        device: torch.device | str = "cpu",
    ) -> Score: ...


def check(train_x: np.ndarray, train_y: np.ndarray, test_x: np.ndarray, test_y: np.ndarray) -> np.ndarray:
    """The classes of train, ascending, once the four fit together."""
    check_features(train_x, "train features")
    check_features(test_x, "test features")
    if train_x.shape[1] != test_x.shape[1]:
        raise InputError(
            f"test features: {test_x.shape[1]} columns where train has {train_x.shape[1]}; use one encoder"
        )
    for name, x, y in (("train", train_x, train_y), ("test", test_x, test_y)):
        if y.shape != (len(x),) or not np.issubdtype(y.dtype, np.integer):
            raise InputError(
                f"{name} labels: {y.dtype} of shape {y.shape} for {len(x)} rows; one whole number a row"
            )
    classes = np.unique(train_y)
    if len(classes) < 2:
        raise InputError(f"train labels: only class {classes[0]}; a probe needs at least two classes")
    return classes


def percent_right(predicted: np.ndarray, truth: np.ndarray) -> float:
    """How many of the predictions are the truth, in percent."""
    return 100.0 * float((predicted == truth).mean())


Moments = tuple[np.ndarray, np.ndarray]
"""Mean and standard deviation of each column."""


def moments(x: np.ndarray) -> Moments:
    """Mean and standard deviation of each column, float32 (d,); the deviation 1 where constant."""
    total = np.zeros(x.shape[1])
    for start in range(0, len(x), 4096):
        total += x[start : start + 4096].sum(0, dtype=np.float64)
    mean = total / len(x)
    square = np.zeros(x.shape[1])
    for start in range(0, len(x), 4096):
        square += np.square(x[start : start + 4096] - mean).sum(0)
    deviation = np.sqrt(square / len(x))
    deviation[deviation < 1e-6 * np.maximum(1e-6, np.abs(mean))] = 1
    return mean.astype(np.float32), deviation.astype(np.float32)
