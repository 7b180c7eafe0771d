"""Nonlinear ICA by exact maximum likelihood of an invertible network."""

from __future__ import annotations

from mutua.ica.flow.makes import MAKES
from mutua.ica.flow.model import FlowICA

__all__ = ["MAKES", "FlowICA"]
