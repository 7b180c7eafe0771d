"""Conditional information, and the information between all columns of a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from mutua.information.estimate import mutual_information
from mutua.information.nearest import ksg_mixed
from mutua.information.result import MutualInformationResult
from mutua.information.variables import Variable, variable
from mutua.types import InputError

__all__ = ["conditional_mutual_information", "pairwise"]

Discrete = bool | Sequence[bool] | None


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

    Args and errors as `mutual_information`'s; z as x and y.

    Paper: Cover and Thomas 2006, Elements of Information Theory, theorem 2.5.2 (the chain rule).
    """
    given = variable(z, "z", discrete_z)
    if not len(np.asarray(x)) == len(np.asarray(y)) == len(given):
        raise InputError(
            f"x, y and z have {len(np.asarray(x)):,}, {len(np.asarray(y)):,} and {len(given):,} rows: "
            "give as many of each, row by row"
        )
    both, kinds = _beside(variable(y, "y", discrete_y), given)
    of_both = mutual_information(
        x, both, effort=effort, serial=serial, seed=seed, discrete_x=discrete_x, discrete_y=kinds
    )
    of_z = mutual_information(
        x, z, effort=effort, serial=serial, seed=seed, discrete_x=discrete_x, discrete_y=discrete_z
    )
    value = max(of_both.value - of_z.value, 0.0) if math.isfinite(of_both.value) else math.inf
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
        raise InputError(f"table: {d} column; pairs need at least two")
    rows = np.arange(n) if n <= most else np.sort(np.random.default_rng(seed).choice(n, most, replace=False))
    found = np.full((d, d), np.nan)
    for i in range(d):
        for j in range(i):
            found[i, j] = found[j, i] = max(0.0, ksg_mixed(columns[i][rows], columns[j][rows], k))
    return found


def _each(table: Any, discrete: Discrete) -> list[ndarray]:
    frame = hasattr(table, "iloc")
    titles = list(table.columns) if frame else list(range(np.asarray(table).shape[1]))
    kinds = [discrete] * len(titles) if discrete is None or isinstance(discrete, bool) else list(discrete)
    if len(kinds) != len(titles):
        raise InputError(f"discrete: {len(kinds)} answers for {len(titles)} columns; give one a column")
    read = [
        variable(table.iloc[:, k] if frame else np.asarray(table)[:, k], f"table, column {title}", kind)
        for k, (title, kind) in enumerate(zip(titles, kinds, strict=True))
    ]
    return [one.continuous if one.codes is None else one.codes[:, None].astype(float) for one in read]
