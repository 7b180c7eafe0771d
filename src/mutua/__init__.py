"""Representations, mutual information and sources from data without labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mutua.information import MutualInformation, mutual_information
    from mutua.runs import load

__all__ = ["MutualInformation", "load", "mutual_information"]


def __getattr__(name: str) -> Any:
    # On demand, so that importing a floor of the package imports only the floors below it.
    if name == "load":
        from mutua.runs import load

        return load
    if name in ("MutualInformation", "mutual_information"):
        from mutua import information

        return getattr(information, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
