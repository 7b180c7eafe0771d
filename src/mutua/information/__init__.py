"""Mutual information between samples: one call, the estimators behind it, and what to believe of them."""

from mutua.information.conditional import conditional_mutual_information, pairwise
from mutua.information.default import EFFORTS
from mutua.information.discrete import histogram, histogram_miller_madow
from mutua.information.estimate import MutualInformation, mutual_information
from mutua.information.estimators import ESTIMATORS, Estimator
from mutua.information.gaussian import gaussian_information
from mutua.information.nearest import ksg, ksg_mixed
from mutua.information.result import MutualInformationResult

__all__ = [
    "EFFORTS",
    "ESTIMATORS",
    "Estimator",
    "MutualInformation",
    "MutualInformationResult",
    "conditional_mutual_information",
    "gaussian_information",
    "histogram",
    "histogram_miller_madow",
    "ksg",
    "ksg_mixed",
    "mutual_information",
    "pairwise",
]
