"""From W in whitened coordinates to named components: their order, sign and scale, and the mixing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mutua.estimators.whitening import Whitening
from mutua.ica.linear.densities import Density, Scaled

__all__ = ["Components", "canonical"]


@dataclass(frozen=True)
class Components:
    """s = unmixing z = components (x - mean), and x near to mixing s + mean."""

    unmixing: Float[np.ndarray, "k k"]
    components: Float[np.ndarray, "k d"]
    mixing: Float[np.ndarray, "d k"]
    densities: list[Density]
    explained_variance: Float[np.ndarray, " k"]
    gaussian_margin: Float[np.ndarray, " k"]
    order: np.ndarray
    log_volume: float
    log_likelihood: float


def canonical(
    w: Float[np.ndarray, "k k"],
    white: Whitening,
    covariance: Float[np.ndarray, "k k"],
    densities: Sequence[Density],
    log_prob: Float[np.ndarray, " k"],
    *,
    unit_variance: bool,
    order: np.ndarray | None = None,
) -> Components:
    """Order, sign and scale, which the likelihood leaves free.

    Order: by the variance a component adds to the recording, summed over channels, most first. Sign: the largest
    entry of its column of the mixing is positive. Scale: variance 1 with `unit_variance`, else the scale its
    density has. The densities follow, so that the likelihood stays.

    Args:
        covariance: of the whitened recording z.
        log_prob: mean log density of each component, as W has them.
        order: an order to keep, of an earlier call.
    """
    variance = np.einsum("ij,jk,ik->i", w, covariance, w)  # (k,)
    mixing = white.inverse @ np.linalg.inv(w)  # (d, k)
    explained = variance * np.square(mixing).sum(0)
    if order is None:
        order = np.argsort(-explained, kind="stable")
    largest = np.abs(mixing).argmax(0)
    sign = np.where(mixing[largest, np.arange(len(w))] < 0, -1.0, 1.0)
    scale = sign * np.sqrt(variance) if unit_variance else sign  # y = scale s
    unmixing = (w / scale[:, None])[order]
    components = unmixing @ white.matrix
    # sqrt(det C C^T): how a volume in the subspace of the components grows to one of sources.
    log_volume = 0.5 * float(np.linalg.slogdet(components @ components.T)[1])
    margin = log_prob + 0.5 * np.log(2 * math.pi * math.e * variance)
    return Components(
        unmixing=unmixing,
        components=components,
        mixing=(mixing * scale)[:, order],
        densities=[densities[i] if scale[i] == 1 else Scaled(densities[i], float(scale[i])) for i in order],
        explained_variance=explained[order],
        gaussian_margin=margin[order],
        order=order,
        log_volume=log_volume,
        log_likelihood=log_volume + float((log_prob + np.log(np.abs(scale))).sum()),
    )
