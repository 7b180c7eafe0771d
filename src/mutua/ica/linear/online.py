"""What `partial_fit` carries from batch to batch: running moments and a stochastic step of each solver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mutua.estimators.newton import block_step
from mutua.estimators.whitening import Whitening
from mutua.ica.linear.densities import Density
from mutua.ica.linear.likelihood import objective
from mutua.ica.linear.stochastic import Change, pass_over

__all__ = ["Stream", "advance", "started"]

# A relative step past this is cut, as in mutua.ica.linear.stochastic.
_LONGEST = 0.3


@dataclass
class Stream:
    """W in the whitened coordinates of the first batch, and running means over the samples seen."""

    w: Float[np.ndarray, "k k"]
    white: Whitening
    densities: list[Density]
    seen: int
    taken: int
    curvature: Float[np.ndarray, "k k"]
    covariance: Float[np.ndarray, "k k"]
    log_prob: Float[np.ndarray, " k"]
    mean: Float[np.ndarray, " d"]


def advance(
    stream: Stream, x: Float[np.ndarray, "n d"], change: Change | None, *, learning_rate: float, batch_size: int
) -> None:
    """One batch. `change` None takes the quasi-Newton step W <- (I - r H^-1 G) W, r = n / (samples seen).

    G is the batch's relative gradient and H the running block Hessian: with that rate W is, to first order, as
    near to the true unmixing as the maximum of the likelihood over all that was seen.
    """
    n = len(x)
    rate = n / (stream.seen + n)
    stream.mean = stream.mean + rate * (x.mean(0) - stream.mean)
    z = (x - stream.mean) @ stream.white.matrix.T  # (n, k)
    stream.covariance = stream.covariance + rate * (z.T @ z / n - stream.covariance)
    state = objective(lambda: iter((z,)), stream.densities)(stream.w)
    stream.curvature = stream.curvature + rate * (state.curvature - stream.curvature)
    stream.log_prob = stream.log_prob + rate * (state.log_prob - stream.log_prob)
    if change is None:
        step = -rate * block_step(state.gradient, stream.curvature)
        step *= min(1.0, _LONGEST / max(float(np.abs(step).max()), 1e-300))
        stream.w = stream.w + step @ stream.w
        stream.taken += 1
    else:
        # The rate falls as 1/t after the first thousand steps.
        stream.w, stream.taken = pass_over(
            stream.w,
            z,
            stream.densities,
            change,
            lambda t: learning_rate / (1 + t / 1000),
            batch_size=batch_size,
            taken=stream.taken,
        )
    stream.seen += n


def started(
    w: Float[np.ndarray, "k k"], white: Whitening, densities: Sequence[Density], z: Float[np.ndarray, "n k"]
) -> Stream:
    """The stream after its first batch, whitened z, was fitted."""
    state = objective(lambda: iter((z,)), densities)(w)
    return Stream(
        w=w,
        white=white,
        densities=list(densities),
        seen=len(z),
        taken=0,
        curvature=state.curvature,
        covariance=z.T @ z / len(z),
        log_prob=state.log_prob,
        mean=white.mean,
    )
