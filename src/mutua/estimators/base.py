"""What every estimator is: parameters checked as declared, fits that leave the old one where they fail, files.

A subclass is a dataclass whose fields are its parameters (`@dataclass(eq=False, repr=False)`), so that each stands
with its default in one place, and declares

    _constraints        what each parameter may be
    _plain, _arrays     the fitted attributes that a file keeps as they are
    _pack, _unpack      those that have parts

The annotations of parameters are Any: scikit-learn sets anything, and wants it judged in fit.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from mutua.estimators.files import misfit, read_estimator, write_estimator
from mutua.estimators.validation import Constraint, check
from mutua.types import InputError

__all__ = ["Estimator"]

Kind = TypeVar("Kind", bound="Estimator")


class Estimator(BaseEstimator):
    """The base of all estimators: see the module."""

    indeterminacy: ClassVar[str] = ""
    """What the theory leaves open of what is found, even with infinite data."""

    _constraints: ClassVar[Mapping[str, Constraint]] = {}
    _renamed: ClassVar[Mapping[str, str]] = {}
    """Words that parameters had, and those that they have."""
    _plain: ClassVar[Sequence[str]] = ()
    _arrays: ClassVar[Sequence[str]] = ()

    def __new__(cls: type[Kind], *_args: Any, **parameters: Any) -> Kind:
        cls._refuse_old(parameters)
        return super().__new__(cls)

    def set_params(self, **params: Any) -> Any:
        """scikit-learn's. Raises `InputError` for a word that a parameter no longer has, naming the new one."""
        self._refuse_old(params)
        return super().set_params(**params)

    @classmethod
    def _refuse_old(cls, parameters: Mapping[str, Any]) -> None:
        for old in parameters:
            if old in cls._renamed:
                raise InputError(f"{cls.__name__}: {old} is called {cls._renamed[old]} now; use that word")

    @classmethod
    def about(cls) -> str:
        """What it is, in the first sentence of its docstring."""
        first = (inspect.getdoc(cls) or "").split("\n\n")[0]
        return " ".join(first.split())

    @classmethod
    def paper(cls) -> str:
        """Where it was published, by its docstring."""
        found = re.search(r"^Paper: (.+)\Z", inspect.getdoc(cls) or "", re.M | re.S)
        return " ".join(found[1].split()) if found else ""

    # --- fitting ----------------------------------------------------------------------------------------------

    def _check(self) -> None:
        """Raise `InputError` for the first parameter that can't be used."""
        check(self._constraints, self.get_params(deep=False))

    @contextmanager
    def _refit(self) -> Iterator[None]:
        """Around a fit: parameters are checked before, and where it fails all is as it was."""
        before = dict(self.__dict__)
        try:
            self._check()
            self._as_fitted = self.get_params(deep=False)
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    # --- files ------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator as safetensors, without pickle, whole or not at all.

        Raises `InputError` for parameters that are no plain values, and where it can't be written.
        """
        check_is_fitted(self)
        settings, arrays = self._pack()
        settings = {
            # As fitted, whatever set_params has said since.
            "parameters": {name: self._plain_of(value) for name, value in self._as_fitted.items()},
            "n_features": getattr(self, "n_features_in_", None),
            "names": list(map(str, getattr(self, "feature_names_in_", ()))),
            **{name: getattr(self, name) for name in self._plain},
            **settings,
        }
        arrays |= {name: getattr(self, name) for name in self._arrays}
        write_estimator(path, type(self).__name__, settings, arrays)

    @classmethod
    def load(cls: type[Kind], path: str | Path) -> Kind:
        """A fitted estimator that `save` wrote; on the CPU where its device is not here.

        Raises `InputError` naming the file where it is none, or its parts don't fit together.
        """
        version, settings, arrays = read_estimator(path, cls.__name__)
        try:
            if version == 1:
                settings, arrays = cls._of_first_format(settings, arrays)
            return cls._rebuilt(settings, arrays)
        except (KeyError, TypeError, ValueError, RuntimeError, IndexError, AttributeError) as error:
            raise misfit(path, error) from None

    @classmethod
    def _rebuilt(cls: type[Kind], settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Kind:
        self = cls(**cls._parameters_of(settings["parameters"]))
        self._check()
        self._as_fitted = self.get_params(deep=False)
        if settings["n_features"] is not None:
            self.n_features_in_ = settings["n_features"]
        if settings["names"]:
            self.feature_names_in_ = np.array(settings["names"], object)
        for name in self._plain:
            setattr(self, name, settings[name])
        for name in self._arrays:
            setattr(self, name, arrays[name])
        self._unpack(settings, arrays)
        return self

    def _pack(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Plain values and arrays of the attributes that have parts."""
        return {}, {}

    def _unpack(self, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Undo `_pack`. KeyError, ValueError and their kin say that the file is damaged."""

    @classmethod
    def _plain_of(cls, parameter: Any) -> Any:
        """A parameter as a file has it: a generator is not what was drawn from it."""
        return None if isinstance(parameter, np.random.RandomState) else parameter

    @classmethod
    def _parameters_of(cls, kept: dict[str, Any]) -> dict[str, Any]:
        """Parameters as they were given, of those in a file: JSON has no tuples."""
        return {name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()}

    @classmethod
    def _of_first_format(
        cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """A file of release 0.1 as one is written today."""
        raise ValueError(f"no {cls.__name__} was in files of format 1")
