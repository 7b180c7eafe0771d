"""A density by its name or as the user's own object, its derivatives held to finite differences."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from mutua.ica.linear.densities import DENSITIES, Density
from mutua.types import InputError, names

__all__ = ["check_density", "density_of"]


def density_of(choice: Any) -> Density:
    """The density that a name or an object stands for; an object's derivatives are checked.

    Raises `InputError` for a name that is not in `DENSITIES` and for what `check_density` refuses.
    """
    if isinstance(choice, str):
        if choice not in DENSITIES:
            raise InputError(f"density: no {choice!r}; use auto, {names(DENSITIES)}, or an object of your own")
        return DENSITIES[choice]()
    if type(choice) not in DENSITIES.values():
        check_density(choice)
    return choice


def check_density(density: Any, points: Sequence[float] | None = None) -> None:
    """Hold `score` and `score_derivative` to central differences of `log_prob` and `score`.

    The points are 200 on [-5, 5] unless given; a deviation d of a value v passes where d <= 1e-4 (1 + |v|).
    Raises `InputError` where a function is missing, is not elementwise, gives NaN or infinity, or deviates; the
    text has the largest deviation. Warns (`UserWarning`) where exp(log_prob) does not integrate to 1 within 1 %
    on +-1000: the fit is the same, but its likelihood does not compare with others.
    """
    where = f"density {type(density).__name__}"
    missing = [name for name in ("log_prob", "score", "score_derivative") if not hasattr(density, name)]
    if missing:
        raise InputError(f"{where}: has no {', '.join(missing)}; define the three functions of an array")
    a = np.linspace(-5, 5, 200) if points is None else np.asarray(points, float)  # no point at 0: corners
    h = 1e-5
    pairs = (("score", "log_prob"), ("score_derivative", "score"))
    for name, of in pairs:
        found = np.asarray(getattr(density, name)(a), float)
        values = getattr(density, of)
        expected = (np.asarray(values(a + h), float) - np.asarray(values(a - h), float)) / (2 * h)
        if found.shape != a.shape or expected.shape != a.shape:
            raise InputError(f"{where}: {name} or {of} of {a.shape} values gives another shape; work elementwise")
        if not (np.isfinite(found).all() and np.isfinite(expected).all()):
            raise InputError(f"{where}: {name} or {of} is NaN or infinite on [-5, 5]; make it finite there")
        excess = np.abs(found - expected) / (1 + np.abs(expected))
        worst = int(excess.argmax())
        if excess[worst] > 1e-4:
            raise InputError(
                f"{where}: {name} is {found[worst]:.6g} at {a[worst]:.3g} where finite differences of {of} give "
                f"{expected[worst]:.6g} (deviation {abs(found[worst] - expected[worst]):.3g}); mend {name}"
            )
    grid = np.sinh(np.linspace(-np.arcsinh(1000), np.arcsinh(1000), 20001))
    total = float(np.trapezoid(np.exp(np.asarray(density.log_prob(grid), float)), grid))
    if not abs(total - 1) < 0.01:
        warnings.warn(
            f"{where}: exp(log_prob) integrates to {total:.4g}, not 1: its likelihoods do not compare",
            UserWarning,
            stacklevel=2,
        )
