"""Module paths of the version before, which keep importing for this one version with a `DeprecationWarning`.

A path that is now a package of the same name (`mutua.ica.linear`) is found without it: there the package gives the
module's names by `names_of`. To be deleted with version 0.2.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["MOVED", "names_of", "watch"]

_BY_PACKAGE: dict[str, dict[str, str]] = {
    "bounds": {
        "classification": "bounds",
        "clipped": "bounds.smile",
        "multisample": "bounds",
        "variational": "bounds",
    },
    "critics": {"families": "critics.exponential_family", "inner": "critics", "sums": "critics.component_sum"},
    "data": {
        "auxiliary": "estimators.auxiliary",
        "kept": "estimators.files",
        **{
            name: f"data.image.{name}"
            for name in [
                "arrays",
                "cifar",
                "compact",
                "datasets",
                "decode",
                "embedded",
                "folder",
                "idx",
                "images",
                "streamed",
            ]
        },
    },
    "evaluation": {
        "control": "evaluation.controls.untrained",
        "curves": "evaluation.probes.few_labels",
        "duplicates": "evaluation.unlabelled.duplicates",
        "linear_heads": "evaluation.probes.linear_heads",
        "linear_probes": "evaluation.probes.linear_probes",
        "nonlinear": "evaluation.sources.evidence",
        "rdc": "evaluation.sources.rdc",
        "score": "evaluation.probes.score",
        "separation": "evaluation.sources.si_sdr",
        "supervised": "evaluation.controls.supervised",
        "unlabelled_table": "evaluation.unlabelled.table",
        "variability": "evaluation.sources.variability",
    },
    "generative": {
        "autoencoding": "generative.vae_base",
        "base": "generative.linear_gaussian",
        "elbo": "objectives.elbo",
    },
    "ica": {
        "audio": "data.sound.files",
        "wav": "data.sound.wav",
        "auxiva": "ica.separation.auxiva",
        "unmixing": "ica.separation.unmix",
        "blocks": "ica.trust.block_bootstrap",
        "diagnostics": "ica.trust.report",
        "gaussianity": "ica.trust.nongaussianity",
        "interference": "ica.trust.interference",
        "stability": "ica.trust.stability",
        "verdicts": "ica.trust.verdicts",
        "choosing": "ica.linear.density_selection",
        "densities": "ica.linear.densities",
        "density_checks": "ica.linear.density_checks",
        "fitting": "ica.linear.fit",
        "gradient": "ica.linear.stochastic",
        "mne": "ica.linear.mne",
        "modulated": "estimators.nonstationary",
        "newton": "estimators.newton",
        "objective": "ica.linear.likelihood",
        "recording": "ica.linear.recording",
        "sources": "ica.linear.ordering",
        "stream": "ica.linear.online",
        "whitening": "estimators.whitening",
        "contrasts": "ica.contrastive.contrasts",
        "descent": "ica.contrastive.descent",
        "gcl": "ica.contrastive.gcl",
        "kept": "estimators.files",
        "learned": "ica.contrastive.base",
        "networks": "ica.contrastive.networks",
        "pairs": "ica.contrastive.pairs",
        "pcl": "ica.contrastive.pcl",
        "tcl": "ica.contrastive.tcl",
        "muon": "training.muon",
    },
    "information": {
        "barber_agakov": "information.estimators.barber_agakov",
        "baseline": "information.estimators.tuba_baseline",
        "gaussian": "information.estimators.gaussian",
        "mine": "information.estimators.mine",
        "nearest": "information.estimators.ksg",
        "neural": "information.estimators.neural",
        "plain": "information.estimators.classical",
        "upper": "information.estimators.club",
        "certificate": "information.default.certificate",
        "crossfit": "information.default.cross_fit",
        "diagnostics": "information.default.doubts",
        "estimate": "information.default.estimate",
        "folds": "information.default.folds",
        "margins": "information.default.copula",
        "permutation": "information.default.permutation",
        "ratio": "information.default.log_ratio",
        "reading": "information.default.sinkhorn",
        "serial": "information.default.serial",
    },
    "words": {"files": "data.text.files", "tokens": "data.text.tokens"},
    "views": {
        name: f"views.image.{name}"
        for name in ["blur", "colour", "crop", "fused", "jitter", "published", "resample", "rotation", "shift"]
    },
}

MOVED: dict[str, str] = {
    f"mutua.{package}.{old}": f"mutua.{new}"
    for package, moves in _BY_PACKAGE.items()
    for old, new in moves.items()
}
"""Old path to new. The new one is a package where a file was parted into one file a name."""


class _Both(ModuleType):
    """A moved module whose name in its package is now a function's (`mutua.data.folder`).

    Importing the old path binds the name to what was imported: this still answers as the function did.
    """

    def __init__(self, module: ModuleType, function: Callable[..., Any]) -> None:
        super().__init__(module.__name__, module.__doc__)
        self.__dict__.update(vars(module))
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)


class _Finder(MetaPathFinder, Loader):
    """Last in line, so that it hears only of modules that are in no file."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        return ModuleSpec(fullname, self) if fullname in MOVED else None

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        old, new = module.__name__, MOVED[module.__name__]
        # The import system's own frames are not counted: this points at the line that imports.
        warnings.warn(f"{old} is now {new}; the old path goes with version 0.2", DeprecationWarning, stacklevel=2)
        moved = importlib.import_module(new)
        package, _, name = old.rpartition(".")
        taken = getattr(importlib.import_module(package), name, None)
        sys.modules[old] = moved if taken is None or isinstance(taken, ModuleType) else _Both(moved, taken)


def watch() -> None:
    """Have old paths found from now on."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())


def names_of(package: str, module: str, names: Sequence[str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package that took the name of a module: it gives the names that were there."""

    def get(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        new = f"{package}.{module}"
        warnings.warn(
            f"{package}.{name} is now in {new}; the old path goes with version 0.2",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(importlib.import_module(new), name)

    return get
