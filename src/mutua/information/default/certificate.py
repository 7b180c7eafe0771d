"""How much information there is at least: InfoNCE in disjoint blocks of rows no critic has seen."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from scipy.stats import t as student
from torch import Tensor

__all__ = ["blocks_of", "lower_limit", "smoothed_infonce"]

FLOOR = 0.05


def smoothed_infonce(matrix: Float[Tensor, "*b k k"]) -> Float[Tensor, "*b"]:
    """InfoNCE of blocks, with a floor: log K + mean_i log[(1 - e) softmax_i(T)_i + e/K], e = 0.05, in nats.

    The predictor of the partner is mixed with a guess, so no row can say less than log e: one wild
    score can't spoil a block. Any predictor gives a lower bound (log K less its cross-entropy), so this is one
    too, unbiased on rows the critic was not trained on, and never above log K. Rows and columns are both read,
    and averaged.

    Paper: van den Oord et al. 2018, arXiv:1807.03748; Poole et al. 2019, arXiv:1905.06922.
    """
    k = matrix.shape[-1]
    joint = matrix.diagonal(dim1=-2, dim2=-1)  # (*b, k)
    share = torch.stack([(joint - matrix.logsumexp(axis)).exp() for axis in (-1, -2)])  # (2, *b, k)
    return math.log(k) + torch.log((1 - FLOOR) * share + FLOOR / k).mean((0, -1))


def blocks_of(expected: float, n: int) -> int:
    """A block size for n rows: large enough for the information expected, small enough for thirty blocks.

    The ceiling log K should clear the expectation by a nat; it is chosen before the held-out rows are looked at.
    """
    wanted = math.exp(min(expected, 20.0) + 1.0)
    return int(max(2, min(max(32.0, wanted), n / 30)))


def lower_limit(readings: Float[Tensor, " m"], confidence: float = 0.95) -> float:
    """The one-sided lower confidence limit of the readings' expectation, by Student's t; never below 0.

    The readings are bounded averages over disjoint rows, so their mean is nearly normal from some thirty of them.
    The expectation is itself below the information, whatever the critic.
    """
    m = len(readings)
    if m < 2:
        return 0.0
    spread = float(readings.std()) / math.sqrt(m)
    return max(0.0, float(readings.mean()) - float(student.ppf(confidence, m - 1)) * spread)
