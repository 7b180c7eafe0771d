"""Representations, mutual information and sources from data without labels.

`mutua.catalogue()` lists everything there is, with its paper and how to call it. Submodules are imported when they
are first spoken of: `import mutua` alone imports neither torch nor NumPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mutua import moved

if TYPE_CHECKING:
    from mutua.evaluation import usable_information
    from mutua.index import catalogue
    from mutua.information import MutualInformation, mutual_information
    from mutua.runs import load

__all__ = ["MutualInformation", "__version__", "catalogue", "load", "mutual_information", "usable_information"]

__version__ = "0.1.0"

_EXPORTS = {
    "MutualInformation": "mutua.information",
    "mutual_information": "mutua.information",
    "load": "mutua.runs",
    "usable_information": "mutua.evaluation",
    "catalogue": "mutua.index",
}

_MODULES = (
    "bounds",
    "critics",
    "data",
    "encoders",
    "estimators",
    "evaluation",
    "generative",
    "ica",
    "information",
    "methods",
    "objectives",
    "report",
    "runs",
    "scores",
    "studies",
    "training",
    "types",
    "views",
    "words",
)

moved.watch()


def __getattr__(name: str) -> Any:
    # On demand, so that importing a floor of the package imports only the floors below it.
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"mutua.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES])
