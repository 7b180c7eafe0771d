"""Generative models of the lecture: what a linear one can identify, and what it cannot."""

from __future__ import annotations

from mutua.estimators.base import Estimator
from mutua.generative.ambiguity import Ambiguity, ambiguity
from mutua.generative.factor_analysis import FactorAnalysis
from mutua.generative.ivae import IVAE
from mutua.generative.linear_gaussian import LinearGaussian, Posterior
from mutua.generative.ppca import ProbabilisticPCA
from mutua.generative.vae import VAE, BetaVAE

__all__ = [
    "ESTIMATORS",
    "IVAE",
    "VAE",
    "Ambiguity",
    "BetaVAE",
    "FactorAnalysis",
    "LinearGaussian",
    "Posterior",
    "ProbabilisticPCA",
    "ambiguity",
]

ESTIMATORS: dict[str, type[Estimator]] = {
    "ProbabilisticPCA": ProbabilisticPCA,
    "FactorAnalysis": FactorAnalysis,
    "VAE": VAE,
    "BetaVAE": BetaVAE,
    "IVAE": IVAE,
}
"""Name to class. What each is in a line, and its paper: `ESTIMATORS[name].about()`, `.paper()`."""
