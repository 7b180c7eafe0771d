"""Linear independent component analysis by maximum likelihood."""

from __future__ import annotations

from mutua.ica.densities import (
    DENSITIES,
    Density,
    Laplace,
    Mixture,
    Scaled,
    Sech,
    Student,
    SubGaussian,
)
from mutua.ica.density_checks import check_density
from mutua.ica.diagnostics import report
from mutua.ica.gaussianity import nongaussianity
from mutua.ica.interference import expected_interference
from mutua.ica.linear import SOLVERS, LinearICA

__all__ = [
    "DENSITIES",
    "SOLVERS",
    "Density",
    "Laplace",
    "LinearICA",
    "Mixture",
    "Scaled",
    "Sech",
    "Student",
    "SubGaussian",
    "check_density",
    "expected_interference",
    "nongaussianity",
    "report",
]
