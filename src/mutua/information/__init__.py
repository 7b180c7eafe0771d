"""Mutual information between samples: one call, the estimators behind it, and what to believe of them."""

from mutua.information.conditional import conditional_mutual_information
from mutua.information.default.estimate import MutualInformation, mutual_information
from mutua.information.default.evidence import EFFORTS
from mutua.information.estimators.catalogue import ESTIMATORS, Estimator
from mutua.information.estimators.counts import histogram, histogram_miller_madow
from mutua.information.estimators.gaussian import gaussian_information
from mutua.information.estimators.ksg import ksg, ksg_mixed
from mutua.information.pairwise import against, pairs, pairwise
from mutua.information.result import MutualInformationResult

__all__ = [
    "EFFORTS",
    "ESTIMATORS",
    "Estimator",
    "MutualInformation",
    "MutualInformationResult",
    "against",
    "conditional_mutual_information",
    "gaussian_information",
    "histogram",
    "histogram_miller_madow",
    "ksg",
    "ksg_mixed",
    "mutual_information",
    "pairs",
    "pairwise",
]
