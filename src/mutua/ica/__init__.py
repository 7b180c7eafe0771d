"""Independent component analysis: linear by maximum likelihood, nonlinear by contrast."""

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
from mutua.ica.flow import FlowICA
from mutua.ica.gaussianity import nongaussianity
from mutua.ica.gcl import GCL
from mutua.ica.interference import expected_interference
from mutua.ica.linear import SOLVERS, LinearICA
from mutua.ica.pcl import PCL
from mutua.ica.tcl import TCL

__all__ = [
    "DENSITIES",
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
