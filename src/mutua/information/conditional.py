"""Conditional information: what y says of x that z doesn't."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from mutua.information.default.direct import direct
from mutua.information.default.estimate import check_settings, mutual_information
from mutua.information.default.few import FEW_ROWS, readable, result_of
from mutua.information.default.score_test import score_test
from mutua.information.default.serial import order_of_rows
from mutua.information.discrete import counted_given
from mutua.information.result import MutualInformationResult
from mutua.information.variables import Discrete, Variable, paired, variable
from mutua.types import InputError

__all__ = ["conditional_mutual_information"]

LEAF = 20
"""Rows of a neighbourhood of z, in which permutations stay."""
EXPLAINED = 1e-6
"""Deviation of what z leaves of a column, over its own, below which z determines it."""


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
    drop_missing: bool = False,
    permutations: int = 999,
    seed: int = 0,
) -> MutualInformationResult:
    """I(X; Y | Z), in nats.

    With X' = X - m(Z), and Y' alike, m a regression of normal scores on z (polynomials, and indicators of
    categories),

        I(X; Y | Z) = I(X'; (Y', Z)) - I(X'; Z),

    whatever m is, since X' and Z give X; and where m is good the last term is near 0, so that no large numbers are
    taken from each other. The interval is the first term's, with the second's in quadrature. The p-value permutes
    X' among rows of nearly the same z (`score_test`): exact where z is categories, and as good as the
    neighbourhoods of 20 rows are elsewhere. Where all three are categories they are counted, and with fewer than
    150 rows I(X'; Y') is read without a network. Where x and y both hold categories but z is a quantity, X' is X.
    `lower` is 0.

    Args and errors as `mutual_information`'s; z as x and y. Raises `InputError` where z determines x or y.

    Paper: Cover and Thomas 2006, Elements of Information Theory, theorem 2.5.2 (the chain rule); Runge 2018,
    Conditional independence testing based on a nearest-neighbor estimator, arXiv:1709.01447 (local permutation).
    """
    check_settings(effort, serial, permutations, seed)
    (of_x, of_y, of_z), notes = paired({"x": x, "y": y, "z": z}, drop_missing)
    a, b, c = variable(of_x, "x", discrete_x), variable(of_y, "y", discrete_y), variable(of_z, "z", discrete_z)
    block, words = order_of_rows(a, b, serial)
    notes += [*a.notes, *b.notes, *c.notes, *words]
    if a.discrete and b.discrete and c.discrete:
        return counted_given(a, b, c, block=block, permutations=permutations, seed=seed, notes=notes)
    if a.parts and not b.parts:
        a, b = b, a
    design = _functions(c)
    rest, other = _without(a, design, "x"), _without(b, design, "y")
    groups = _neighbourhoods(c)
    p_value = score_test(rest, other, permutations, block, seed, groups if block == 1 else None)
    if len(a) // block < FEW_ROWS and readable(rest, other):
        found = direct(rest, other, seed)
        return replace(
            result_of(found, rest, other, block, p_value, notes), estimator="partial Gaussian and neighbours"
        )
    left, kinds = _stacked(rest)
    right, right_kinds = _stacked(other)
    given, given_kinds = _stacked(c)
    estimate = partial(
        mutual_information,
        left,
        effort=effort,
        discrete_x=kinds,
        serial=serial if block == 1 else True,
        permutations=19,
        seed=seed,
    )
    of_both = estimate(np.hstack([right, given]), discrete_y=[*right_kinds, *given_kinds])
    if not math.isfinite(of_both.value):
        return replace(of_both, lower=0.0, p_value=math.nan, diagnostics=tuple(notes) + of_both.diagnostics)
    of_given = estimate(given, discrete_y=given_kinds)
    taken = of_given.value if of_given.p_value <= 0.05 else 0.0
    value = max(of_both.value - taken, 0.0)
    low, high = (abs(end - of_both.value) for end in of_both.interval)
    more = 0.5 * (of_given.interval[1] - of_given.interval[0]) if taken else 0.0
    doubts = [one for one in of_both.diagnostics if one.startswith(("nearest", "the critics", "the folds"))]
    return MutualInformationResult(
        value=value,
        interval=(
            0.0 if p_value > 0.05 else max(0.0, value - math.hypot(low, more)),
            value + math.hypot(high, more),
        ),
        lower=0.0,
        p_value=p_value,
        n=len(a),
        estimator="cross-fitted log ratio, given z",
        diagnostics=tuple(dict.fromkeys([*notes, *doubts])),
        readings={"I(X'; Y', Z)": of_both.value, "I(X'; Z)": of_given.value},
    )


def _functions(z: Variable) -> Float[ndarray, "n k"]:
    """What x and y are regressed on: polynomials of z's normal scores, their products, indicators; no more than a
    tenth of the rows."""
    n, s = len(z), z.continuous
    parts = [np.ones((n, 1)), s, z.labels]
    if s.shape[1] <= 8:
        parts += [s**2, s**3]
    if s.shape[1] <= 4:
        parts += [(s[:, i] * s[:, j])[:, None] for i in range(s.shape[1]) for j in range(i)]
    most = max(n // 10, 2)
    stacked = np.hstack(parts)
    if stacked.shape[1] <= most:
        return stacked
    u, _, _ = np.linalg.svd(stacked[:, 1:] - stacked[:, 1:].mean(0), full_matrices=False)
    return np.hstack([parts[0], u[:, : most - 1]])


def _without(side: Variable, design: Float[ndarray, "n k"], name: str) -> Variable:
    """The continuous columns less what `design` gives of them; classes as they are."""
    if not side.values.shape[1]:
        return side
    fitted = design @ np.linalg.lstsq(design, side.continuous, rcond=None)[0]
    left = side.continuous - fitted
    gone = left.std(0) < EXPLAINED * side.continuous.std(0)
    if gone.any():
        raise InputError(
            f"z: a combination of its columns gives one of {name}'s, so nothing is left for the other side to "
            "say; leave "
            "that column out of z"
        )
    return Variable(left, side.parts, ())


def _stacked(side: Variable) -> tuple[Float[ndarray, "n d"], list[bool]]:
    parts = [side.values, *(code[:, None].astype(float) for code in side.parts)]
    return np.hstack(parts), [False] * side.values.shape[1] + [True] * len(side.parts)


def _neighbourhoods(z: Variable) -> Int[ndarray, " n"]:
    """Classes of rows of nearly the same z: its categories, halved at medians of its columns to 20 rows or so."""
    groups = np.zeros(len(z), np.int64) if z.codes is None else z.codes.copy()
    if not z.values.shape[1]:
        return groups
    found, number = np.empty(len(z), np.int64), 0
    waiting = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    while waiting:
        rows = waiting.pop()
        spread = np.ptp(z.continuous[rows], axis=0)
        if len(rows) < 2 * LEAF or spread.max() == 0:
            found[rows] = number
            number += 1
            continue
        column = z.continuous[rows, int(spread.argmax())]
        order = np.argsort(column, kind="stable")
        waiting += [rows[order[: len(rows) // 2]], rows[order[len(rows) // 2 :]]]
    return found
