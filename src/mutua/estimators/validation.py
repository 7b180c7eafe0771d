"""Parameters of estimators, held to what is declared of them.

    _constraints = {"n_init": whole(1), "learning_rate": positive, "network": choice(NETWORKS)}

A value that is none is refused in one line: `n_init: 0; use a whole number of at least 1`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from mutua.types import InputError, names

__all__ = [
    "Constraint",
    "any_state",
    "check",
    "choice",
    "device_name",
    "flag",
    "generator_of",
    "nonnegative",
    "optional",
    "or_word",
    "positive",
    "seed",
    "several",
    "share",
    "whole",
]


@dataclass(frozen=True)
class Constraint:
    """What a parameter may be, and that in words."""

    holds: Callable[[Any], bool]
    words: str

    def check(self, name: str, value: Any) -> None:
        """Raise `InputError` where the value is none of it."""
        if not self.holds(value):
            raise InputError(f"{name}: {value!r}; use {self.words}")


def check(constraints: Mapping[str, Constraint], values: Mapping[str, Any]) -> None:
    """Raise `InputError` for the first value that is not what was declared, naming it and what it may be."""
    for name, constraint in constraints.items():
        constraint.check(name, values[name])


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_)) and math.isfinite(value)


def whole(least: int, most: int | None = None) -> Constraint:
    """A whole number of at least `least`, at most `most`."""
    top = math.inf if most is None else most
    words = f"a whole number of at least {least}" if most is None else f"a whole number from {least} to {most:,}"
    return Constraint(lambda value: _is_whole(value) and least <= value <= top, words)


def choice(options: Iterable[str]) -> Constraint:
    """One of some names."""
    known = list(options)
    return Constraint(lambda value: isinstance(value, str) and value in known, f"one of {names(known)}")


def optional(constraint: Constraint) -> Constraint:
    """That, or None."""
    return Constraint(lambda value: value is None or constraint.holds(value), f"{constraint.words}, or None")


def or_word(constraint: Constraint, *words: str) -> Constraint:
    """That, or a word with a meaning of its own."""
    return Constraint(
        lambda value: (isinstance(value, str) and value in words) or constraint.holds(value),
        f"{constraint.words}, or {names(map(repr, words))}",
    )


def several(constraint: Constraint) -> Constraint:
    """A sequence of such, perhaps empty."""

    def holds(value: Any) -> bool:
        return isinstance(value, Sequence) and not isinstance(value, str) and all(map(constraint.holds, value))

    return Constraint(holds, f"a sequence, each {constraint.words}")


positive = Constraint(lambda value: _is_number(value) and value > 0, "a finite number above 0")
nonnegative = Constraint(lambda value: _is_number(value) and value >= 0, "a finite number of at least 0")
share = Constraint(lambda value: _is_number(value) and 0 <= value < 1, "a share of the rows in [0, 1)")
flag = Constraint(lambda value: isinstance(value, (bool, np.bool_)), "True or False")
seed = whole(0, 2**32 - 1)
device_name = Constraint(lambda value: isinstance(value, str), "'auto', 'cpu', 'cuda' or another device's name")


def _is_state(value: Any) -> bool:
    try:
        check_random_state(value)
    except (TypeError, ValueError):
        return False
    return True


any_state = Constraint(_is_state, "a whole number from 0 to 4,294,967,295, or None")


def generator_of(state: Any) -> np.random.RandomState:
    """The generator of a `random_state` as scikit-learn has it. Raises `InputError` where it is none."""
    any_state.check("random_state", state)
    return check_random_state(state)
