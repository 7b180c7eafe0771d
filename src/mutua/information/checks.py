"""Checks that an estimate ought to pass whatever the truth is: laws of information, on the data at hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from mutua.information.default.estimate import mutual_information
from mutua.information.default.serial import block_length
from mutua.information.result import MutualInformationResult
from mutua.information.variables import Discrete, Variable, variable
from mutua.types import InputError, Table

__all__ = ["self_checks"]

LEAST = 80
PASSES, WARNS = "passes", "warns"

Columns = tuple[Float[ndarray, "_ _"], list[bool]]
"""Columns of one side, and which of them hold categories."""


def self_checks(
    x: Any,
    y: Any,
    *,
    effort: str = "quick",
    discrete_x: Discrete = None,
    discrete_y: Discrete = None,
    whole: MutualInformationResult | None = None,
    seed: int = 0,
    told: Callable[[str], None] | None = None,
) -> Table:
    """Does the default estimator keep the laws of mutual information on these data? A row for each law, in nats.

    - extrapolation: the value at n, n/2 and n/4 rows is fitted by a + b/n; it should be near a already.
    - data processing: I(X; Y) >= I(g(X); Y). g keeps the half of x's columns that correlate most with y, or cuts a
      single column at its quartiles.
    - additivity: with one half of the rows beside the other, I((X1, X2); (Y1, Y2)) is the sum of the halves'.

    Extrapolation passes within 0.05 nats or 15 %, the others where what was seen differs from the law by no more
    than the estimates' intervals in quadrature. That says the estimator is consistent, not that it is right: one
    that is blind to a relation keeps all three.

    Args:
        whole: the estimate on all rows, where there is one.
        told: hears what is being done.
        others: as of `mutual_information`. Six estimates are made.

    Raises `InputError` for fewer than 80 rows, and as `mutual_information` does.

    Paper: Song and Ermon 2020, Understanding the Limitations of Variational Mutual Information Estimators,
    arXiv:1910.06222, section 6.2 (data processing and additivity as tests).
    """
    a, b = variable(x, "x", discrete_x), variable(y, "y", discrete_y)
    if len(a) != len(b):
        raise InputError(f"x has {len(a):,} rows and y has {len(b):,}: give pairs, row by row")
    if len(a) < LEAST:
        raise InputError(f"x, y: {len(a)} rows; the checks divide them by four and need at least {LEAST}")
    left, right = _columns(a), _columns(b)
    say = told or (lambda words: None)

    def estimated(words: str, one: Columns, other: Columns) -> MutualInformationResult:
        say(words)
        return mutual_information(
            one[0],
            other[0],
            effort=effort,
            discrete_x=one[1],
            discrete_y=other[1],
            permutations=19,
            seed=seed,
        )

    whole = whole or estimated("all rows", left, right)
    if not math.isfinite(whole.value):
        raise InputError(
            "x, y: the information is infinite, so there is nothing to check; add the noise of measurement"
        )
    n, rng = len(a), np.random.default_rng(seed)
    first, second = _dealt(left[0], right[0], 2, rng)
    quarter, other = _dealt(left[0], right[0], 4, rng)[:2]
    halves = [estimated("half of the rows", _rows(left, part), _rows(right, part)) for part in (first, second)]
    fewer = [
        estimated("a quarter of the rows", _rows(left, part), _rows(right, part)) for part in (quarter, other)
    ]
    g, words = _coarse(left, right)
    coarse = estimated("a coarser x", g, right)
    stacked = estimated(
        "halves side by side",
        *((np.hstack([side[0][first], side[0][second]]), side[1] * 2) for side in (left, right)),
    )
    rows = [
        _extrapolation(n, whole, halves, fewer),
        _processing(whole, coarse, words),
        _additivity(halves, stacked),
    ]
    note = "Consistent is not yet right: an estimator that is blind to a relation keeps these laws too."
    return Table("Laws of information", ["check", "law, nats", "seen, nats", "verdict", "what to do"], rows, note)


def _extrapolation(
    n: int,
    whole: MutualInformationResult,
    halves: Sequence[MutualInformationResult],
    fewer: Sequence[MutualInformationResult],
) -> list[str]:
    """Least squares of the values on 1/n, weighted by the rows; the intercept is the value at infinity."""
    values = np.array([whole.value, *(one.value for one in halves), *(one.value for one in fewer)])
    inverse = np.array([1, 2, 2, 4, 4]) / n
    spread = np.sqrt(inverse)
    design = np.stack([np.ones(5), inverse], 1) / spread[:, None]  # (5, 2)
    limit = float(np.linalg.lstsq(design, values / spread, rcond=None)[0][0])
    limit = max(limit, 0.0)
    of_halves, of_fewer = (float(np.mean([one.value for one in part])) for part in (halves, fewer))
    seen = f"{of_fewer:.3f}, {of_halves:.3f}, {whole.value:.3f} at n/4, n/2, n"
    if abs(limit - whole.value) <= max(0.05, 0.15 * whole.value):
        return ["extrapolation", f"{limit:.3f} as n grows", seen, PASSES, "nothing"]
    way = "rises" if limit > whole.value else "falls"
    return [
        "extrapolation",
        f"{limit:.3f} as n grows",
        seen,
        WARNS,
        f"the value still {way} with the rows: collect more, or use fewer columns",
    ]


def _processing(whole: MutualInformationResult, coarse: MutualInformationResult, words: str) -> list[str]:
    kept = coarse.value - whole.value <= math.hypot(_half(whole), _half(coarse))
    return [
        "data processing",
        f"at most {whole.value:.3f}",
        f"{coarse.value:.3f} with {words}",
        PASSES if kept else WARNS,
        "nothing" if kept else "part of x says more than all of it: leave out columns, or effort='thorough'",
    ]


def _additivity(halves: Sequence[MutualInformationResult], stacked: MutualInformationResult) -> list[str]:
    total = sum(one.value for one in halves)
    kept = abs(stacked.value - total) <= math.hypot(_half(stacked), *map(_half, halves))
    what = (
        "information gets lost as columns are added: take the value as 'at least', or use fewer columns"
        if stacked.value < total
        else "noise is read as information: more rows, or fewer columns"
    )
    return [
        "additivity",
        f"{total:.3f}, sum of the halves",
        f"{stacked.value:.3f} side by side",
        PASSES if kept else WARNS,
        "nothing" if kept else what,
    ]


def _half(result: MutualInformationResult) -> float:
    return max(0.02, 0.5 * (result.interval[1] - result.interval[0]))


def _columns(side: Variable) -> Columns:
    if side.codes is None:
        return side.continuous, [False] * side.continuous.shape[1]
    both = np.hstack([side.continuous, side.codes[:, None].astype(float)])
    return both, [False] * side.continuous.shape[1] + [True]


def _rows(side: Columns, rows: Int[ndarray, " m"]) -> Columns:
    return side[0][rows], side[1]


def _dealt(
    x: Float[ndarray, "n dx"], y: Float[ndarray, "n dy"], parts: int, rng: np.random.Generator
) -> list[Int[ndarray, " m"]]:
    """Parts of the rows, of equal size; rows that depend on their neighbours are dealt in runs, kept in order."""
    block = block_length(x, y)
    runs = len(x) // block // parts * parts
    if runs < parts:
        block, runs = 1, len(x) // parts * parts
    dealt = rng.permutation(runs).reshape(parts, -1)
    return [(np.sort(part)[:, None] * block + np.arange(block)).reshape(-1) for part in dealt]


def _coarse(x: Columns, y: Columns) -> tuple[Columns, str]:
    """A function of x that keeps what is easiest to see: half of its columns, or the quartiles of its only one."""
    values, kinds = x
    d = values.shape[1]
    if d == 1:
        merged = (
            values[:, 0] // 2
            if kinds[0]
            else np.searchsorted(np.quantile(values[:, 0], [0.25, 0.5, 0.75]), values[:, 0])
        )
        if len(np.unique(merged)) < 2:
            merged = values[:, 0]
        return (merged[:, None].astype(float), [True]), "neighbouring classes merged" if kinds[
            0
        ] else "x at its quartiles"
    score = np.max(
        [_correlations(f(values), g(y[0])) for f in (np.abs, np.asarray) for g in (np.abs, np.asarray)], 0
    )
    kept = np.sort(np.argsort(-score)[: (d + 1) // 2])
    return (values[:, kept], [kinds[k] for k in kept]), f"{len(kept)} of x's {d} columns"


def _correlations(x: Float[ndarray, "n dx"], y: Float[ndarray, "n dy"]) -> Float[ndarray, " dx"]:
    """The largest absolute correlation of each column of x with one of y."""
    a, b = ((z - z.mean(0)) / np.maximum(z.std(0), 1e-12) for z in (x, y))
    return np.abs(a.T @ b / len(x)).max(1)
