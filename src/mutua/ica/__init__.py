"""Independent component analysis: linear by maximum likelihood, nonlinear by contrast or by a flow."""

from __future__ import annotations

from mutua.estimators.base import Estimator
from mutua.ica.contrastive.gcl import GCL
from mutua.ica.contrastive.pcl import PCL
from mutua.ica.contrastive.tcl import TCL
from mutua.ica.flow import FlowICA
from mutua.ica.linear.densities import (
    DENSITIES,
    Density,
    Laplace,
    Mixture,
    Scaled,
    Sech,
    Student,
    SubGaussian,
)
from mutua.ica.linear.density_checks import check_density
from mutua.ica.linear.model import SOLVERS, LinearICA
from mutua.ica.trust.interference import expected_interference
from mutua.ica.trust.nongaussianity import nongaussianity
from mutua.ica.trust.report import report

__all__ = [
    "DENSITIES",
    "ESTIMATORS",
    "GCL",
    "PCL",
    "SOLVERS",
    "TCL",
    "Density",
    "FlowICA",
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

ESTIMATORS: dict[str, type[Estimator]] = {
    "LinearICA": LinearICA,
    "TCL": TCL,
    "GCL": GCL,
    "PCL": PCL,
    "FlowICA": FlowICA,
}
"""Name to class. What each is in a line, and its paper: `ESTIMATORS[name].about()`, `.paper()`."""
