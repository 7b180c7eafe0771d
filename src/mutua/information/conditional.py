"""Conditional information, and the information between all columns of a table."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from mutua.information.default.estimate import EXACT, mutual_information
from mutua.information.estimators.counts import histogram_miller_madow
from mutua.information.estimators.ksg import ksg_mixed
from mutua.information.result import MutualInformationResult
from mutua.information.variables import Discrete, Variable, columns_of, variable
from mutua.types import InputError

__all__ = ["conditional_mutual_information", "pairwise"]

# Between categories, in deviations: no neighbour is of another one while there are any of the same.
_APART = 1e3


def conditional_mutual_information(
    x: Any,
    y: Any,
    z: Any,
    *,
    effort: str = "default",
    discrete_x: Discrete = None,
    discrete_y: Discrete = None,
    discrete_z: Discrete = None,
    serial: bool | None = None,
    seed: int = 0,
) -> MutualInformationResult:
    """I(X; Y | Z) = I(X; (Y, Z)) - I(X; Z), in nats: what y says of x that z doesn't.

    Both terms are estimated on the same folds. The interval adds theirs in quadrature, which is wide: the terms
    share their rows, and much of their error. `lower` is 0, as a difference of lower limits is none, and `p_value`
    is nan: shuffling pairs tests independence, not conditional independence.

    Args and errors as `mutual_information`'s; z as x and y. Raises `InputError` where z determines x.

    Paper: Cover and Thomas 2006, Elements of Information Theory, theorem 2.5.2 (the chain rule).
    """
    given = variable(z, "z", discrete_z)
    read_x, read_y = variable(x, "x", discrete_x), variable(y, "y", discrete_y)
    if not len(read_x) == len(read_y) == len(given):
        raise InputError(
            f"x, y and z have {len(read_x):,}, {len(read_y):,} and {len(given):,} rows: "
            "give as many of each, row by row"
        )
    both, kinds = _beside(read_y, given)
    of_both = mutual_information(
        x, both, effort=effort, serial=serial, seed=seed, discrete_x=discrete_x, discrete_y=kinds
    )
    of_z = mutual_information(
        x, z, effort=effort, serial=serial, seed=seed, discrete_x=discrete_x, discrete_y=discrete_z
    )
    if not math.isfinite(of_z.value):
        raise InputError(
            "z: a combination of its columns gives one of x's, so that I(X; Z) is infinite and I(X; Y | Z) not to "
            "be had as a difference; leave that column out of z"
        )
    if not math.isfinite(of_both.value):
        low = max(0.0, of_both.interval[0] - of_z.interval[1])
        return replace(of_both, interval=(low, math.inf), lower=0.0, p_value=math.nan)
    value = max(of_both.value - of_z.value, 0.0)
    half = math.hypot(*((one.interval[1] - one.interval[0]) / 2 for one in (of_both, of_z)))
    return MutualInformationResult(
        value=value,
        interval=(max(0.0, value - half), value + half),
        lower=0.0,
        p_value=math.nan,
        n=of_both.n,
        estimator=f"difference of two: {of_both.estimator}",
        diagnostics=tuple(dict.fromkeys([*of_both.diagnostics, *of_z.diagnostics])),
        readings={"I(X; Y, Z)": of_both.value, "I(X; Z)": of_z.value},
    )


def _beside(y: Variable, z: Variable) -> tuple[ndarray, list[bool]]:
    """The columns of y and z side by side, and which of them hold categories."""
    parts, kinds = [], []
    for read in (y, z):
        parts.append(read.continuous)
        kinds += [False] * read.continuous.shape[1]
        if read.codes is not None:
            parts.append(read.codes[:, None].astype(float))
            kinds.append(True)
    return np.hstack(parts), kinds


def pairwise(
    table: Any, *, discrete: Discrete = None, k: int = 3, most: int = 10_000, seed: int = 0
) -> Float[ndarray, "d d"]:
    """I between every two columns of a table, in nats: (d, d), symmetric, nan on the diagonal.

    Nearest neighbours (`ksg_mixed`, k of them) on columns at Gaussian quantiles: fast and nearly unbiased for two
    columns, at any shape of relation. Of more than `most` rows a random sample is used. For two groups of columns,
    or for an interval, use `mutual_information`.

    `discrete` says which columns hold categories (None: by type).

    Raises `InputError` for what `mutual_information` raises it for, and for fewer than two columns.

    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=2000)
    >>> pairwise(np.stack([a, a**2 + 0.1 * rng.normal(size=2000), rng.normal(size=2000)], 1)).round(1)[0, 1:]
    array([2., 0.])
    """
    columns = _each(table, discrete)
    n, d = len(columns[0]), len(columns)
    if d < 2:
        raise InputError(f"table: {d} column(s), and pairs need two; give (rows, columns)")
    for name, number, least in (("k", k, 1), ("most", most, 10), ("seed", seed, 0)):
        if not isinstance(number, int | np.integer) or number < least:
            raise InputError(f"{name}: {number!r}; use a whole number of at least {least}")
    rows = np.arange(n) if n <= most else np.sort(np.random.default_rng(seed).choice(n, most, replace=False))
    found = np.full((d, d), np.nan)
    for i in range(d):
        for j in range(i):
            found[i, j] = found[j, i] = _pair(columns[i], columns[j], rows, k)
    return found


def _pair(a: Variable, b: Variable, rows: ndarray, k: int) -> float:
    """Counts for two columns of categories, infinite for two that give each other exactly, else neighbours."""
    if a.codes is not None and b.codes is not None:
        return max(0.0, histogram_miller_madow(a.codes[rows], b.codes[rows]))
    x, y = (
        _APART * one.codes[:, None].astype(float) if one.codes is not None else one.continuous for one in (a, b)
    )
    if a.codes is None and b.codes is None:
        u, v = a.recorded[:, 0], b.recorded[:, 0]
        if len(np.unique(u)) == len(u) and abs(float(u @ v)) / len(u) > EXACT:
            return math.inf
    return max(0.0, ksg_mixed(x[rows], y[rows], k))


def _each(table: Any, discrete: Discrete) -> list[Variable]:
    columns = columns_of(table, "table")
    kinds = [discrete] * len(columns) if discrete is None or isinstance(discrete, bool) else list(discrete)
    if len(kinds) != len(columns):
        raise InputError(f"discrete: {len(kinds)} answers for {len(columns)} columns; give one a column")
    return [
        variable(column, f"table, column {column.title}", kind)
        for column, kind in zip(columns, kinds, strict=True)
    ]
