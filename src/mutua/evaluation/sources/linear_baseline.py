"""The linear baseline of methods that see u: linear sources, each with a scale of its own in every segment.

What a nonlinear model's held-out score is compared with, by `mutua.evaluation.beats_linear`: log p(x | u) for a
likelihood, log p(u | x) for a contrast that tells segments apart.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Int64
from scipy.special import logsumexp
from scipy.stats import norm

from mutua.types import InputError

__all__ = ["modulated_log_posterior", "modulated_log_prob"]


def modulated_log_prob(
    train: Float[np.ndarray, "m d"],
    train_index: Int64[np.ndarray, " m"],
    sources: Float[np.ndarray, "n k"],
    index: Int64[np.ndarray, " n"],
) -> Float[np.ndarray, " n"]:
    """log p(s | u) in nats of rows, sources independent given u with a scale for each segment, fitted on `train`.

    Each source is Laplace or Gaussian, whichever has the larger likelihood on `train`. For log p(x | u) of the
    linear model s = W x add log |det W|. A segment that `train` lacks has the scale of all rows together.

    Raises `InputError` where the columns differ.
    """
    log_prob = _by_segment(train, train_index, sources, int(max(train_index.max(), index.max())) + 1)
    return log_prob[np.arange(len(index)), index]


def modulated_log_posterior(
    train: Float[np.ndarray, "m d"],
    train_index: Int64[np.ndarray, " m"],
    sources: Float[np.ndarray, "n k"],
    index: Int64[np.ndarray, " n"],
) -> Float[np.ndarray, " n"]:
    """log p(u | s) in nats of rows under the same model, with p(u) each segment's share of `train`.

    This is the linear baseline of a contrast that tells segments apart: what the sources of linear ICA know of u.

    Raises `InputError` where the columns differ, or `index` has a segment that `train` lacks.
    """
    count = int(max(train_index.max(), index.max())) + 1
    rows = np.bincount(train_index, minlength=count)
    if not rows[np.unique(index)].all():
        raise InputError(f"index: segment {int(np.setdiff1d(index, train_index)[0])} is not in the training rows")
    with np.errstate(divide="ignore"):
        prior = np.log(rows / rows.sum())
    joint = _by_segment(train, train_index, sources, count) + prior  # (n, count)
    return joint[np.arange(len(index)), index] - np.asarray(logsumexp(joint, axis=1))


def _by_segment(
    train: Float[np.ndarray, "m d"],
    train_index: Int64[np.ndarray, " m"],
    sources: Float[np.ndarray, "n k"],
    count: int,
) -> Float[np.ndarray, "n count"]:
    """log p(s | u) of every row under every segment."""
    if train.shape[1] != sources.shape[1]:
        raise InputError(f"sources: {sources.shape[1]} columns, {train.shape[1]} in training; give the same")
    centre = train.mean(0)
    rows = np.bincount(train_index, minlength=count)
    share = np.maximum(rows, 1)
    total = np.zeros((len(sources), count))
    for i in range(train.shape[1]):
        s, t = train[:, i] - centre[i], sources[:, i] - centre[i]
        absolute = np.bincount(train_index, np.abs(s), count) / share
        square = np.bincount(train_index, s**2, count) / share
        # A floor, so that silence has a density; rows of a lacking segment take the whole recording's scale.
        absolute = np.where(rows > 0, absolute, np.abs(s).mean()) + 1e-6 * np.abs(s).mean()
        square = np.where(rows > 0, square, (s**2).mean()) + 1e-6 * (s**2).mean()
        # Likelihoods at their maximum: -log 2b - 1 and -log sqrt(2 pi v) - 1/2, times the rows of each segment.
        laplace = -(rows * np.log(2 * math.e * absolute)).sum()
        gaussian = -0.5 * (rows * np.log(2 * math.pi * math.e * square)).sum()
        if laplace > gaussian:
            total -= np.log(2 * absolute) + np.abs(t)[:, None] / absolute
        else:
            total += norm.logpdf(t[:, None], scale=np.sqrt(square))
    return total
