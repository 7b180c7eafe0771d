"""Barber and Agakov's bound: the entropy of y, less what a learned conditional leaves unexplained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Shaped
from torch import Tensor

from mutua.information.estimators.catalogue import ESTIMATORS
from mutua.information.estimators.club import likelihood
from mutua.information.estimators.ksg import entropy as nearest_entropy
from mutua.information.estimators.neural import NeuralEstimate, neural_estimate
from mutua.types import Scores

__all__ = ["barber_agakov"]


def barber_agakov(
    x: Shaped[np.ndarray | Tensor, "n ..."],
    y: Shaped[np.ndarray | Tensor, "m ..."],
    entropy: float | None = None,
    *,
    folds: int = 3,
    steps: int = 3000,
    lr: float = 5e-4,
    seed: int = 0,
) -> NeuralEstimate:
    """BA: H(Y) + E_p log q(y|x), in nats; q a Gaussian with learned mean and variance, cross-fitted.

    With the differential entropy of y *given* it is a lower bound, unbiased at a fixed q, tight where
    q(y|x) = p(y|x). Where it is not given it is *estimated* by nearest neighbours (`nearest.entropy`), and the
    reading is a bound only up to that estimate's error, which grows with the columns of y.

    Args:
        x, y: paired rows, (n,) or (n, d), y continuous.
        entropy: H(Y) in nats, for y in the units given.
        folds, steps, lr, seed: as of `neural_estimate`.

    Raises `InputError` as `neural_estimate` does, and for y with ties where its entropy must be estimated.

    Paper: Barber and Agakov 2003, The IM algorithm; Poole et al. 2019, arXiv:1905.06922, section 2.1.
    """
    known = nearest_entropy(np.asarray(y)) if entropy is None else float(entropy)

    def read(scores: Scores) -> Tensor:
        return known + likelihood(scores)

    name = "barber_agakov"
    return neural_estimate(
        replace(ESTIMATORS["club"], name=name, read=read, side="lower"),
        x,
        y,
        folds=folds,
        steps=steps,
        lr=lr,
        seed=seed,
    )
