"""The information between all columns of a table, and of every column with one of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from mutua.data.table import Column, Columns, columns_of
from mutua.information.default.direct import direct
from mutua.information.default.estimate import check_settings
from mutua.information.default.few import few_rows
from mutua.information.default.limits import EXACT
from mutua.information.default.serial import order_of_rows
from mutua.information.discrete import counted
from mutua.information.estimators.counts import entropies
from mutua.information.result import MutualInformationResult
from mutua.information.variables import LEAST, Discrete, Variable, variable
from mutua.types import InputError

__all__ = ["Against", "Pairs", "against", "pairs", "pairwise"]


@dataclass(frozen=True)
class Pairs:
    """Information between columns.

    Attributes:
        names: of the d columns.
        values: (d, d) nats, symmetric; nan on the diagonal, and of columns that were left out.
        rows: (d, d) how many rows each value rests on.
        notes: what was left out or should make one doubt, a sentence each.
    """

    names: tuple[str, ...]
    values: Float[ndarray, "d d"]
    rows: Int[ndarray, "d d"]
    notes: tuple[str, ...]


def pairwise(table: Any, *, discrete: Discrete = None, most: int = 10_000, seed: int = 0) -> Float[ndarray, "d d"]:
    """I between every two columns of a table, in nats: (d, d), symmetric, nan on the diagonal. See `pairs`.

    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=2000)
    >>> pairwise(np.stack([a, a**2 + 0.1 * rng.normal(size=2000), rng.normal(size=2000)], 1)).round(1)[0, 1:]
    array([2., 0.])
    """
    return pairs(table, discrete=discrete, most=most, seed=seed).values


def pairs(table: Any, *, discrete: Discrete = None, most: int = 10_000, seed: int = 0) -> Pairs:
    """I between every two columns of a table, in nats, each from the rows in which both have a value.

    Two columns of categories are counted; of others a Gaussian copula is read, and neighbours as far as they are
    more than their own noise (`default.direct`): fast, and near 0 for independent columns, whatever their ties. Of
    more than `most` rows a random sample is used. For groups of columns, an interval or a test use
    `mutual_information`.

    Columns that can't be used (constant, of lists, of as many categories as rows) are left out, which `notes`
    says.

    Args:
        discrete: which columns hold categories; None by type.

    Raises `InputError` for fewer than two columns or ten rows.
    """
    columns = columns_of(table, "table")
    n, d = len(columns), len(columns.columns)
    if d < 2:
        raise InputError(f"table: {d} column(s), and pairs need two; give (rows, columns)")
    if n < LEAST:
        raise InputError(f"table: {n} rows are too few to tell dependence from chance; give at least {LEAST}")
    for name, number, least in (("most", most, 10), ("seed", seed, 0)):
        if not isinstance(number, int | np.integer) or number < least:
            raise InputError(f"{name}: {number!r}; use a whole number of at least {least}")
    kinds = _kinds(discrete, d)
    if n > most:
        columns = columns.take(np.sort(np.random.default_rng(seed).choice(n, most, replace=False)))
    whole, left_out = _readable(columns, kinds)
    values, rows = np.full((d, d), np.nan), np.zeros((d, d), np.int64)
    tight = 0
    for i in range(d):
        for j in range(i):
            if i in left_out or j in left_out:
                continue
            sides = _sides(columns.columns[i], columns.columns[j], whole.get(i), whole.get(j), kinds[i], kinds[j])
            if sides is None:
                continue
            value, copies = _pair(*sides, seed)
            values[i, j] = values[j, i] = value
            rows[i, j] = rows[j, i] = len(sides[0])
            tight += copies > 0
    notes = _notes(columns, left_out)
    if n > most:
        notes.append(f"a random {most:,} of {n:,} rows were read")
    gone = int(((rows < len(columns)) & (rows > 0))[np.tril_indices(d, -1)].sum())
    if gone:
        notes.append(f"of {gone:,} pairs the rows with a missing value were left out, pair by pair")
    if tight:
        notes.append(
            f"in {tight:,} pairs rows stand in tight groups, as near copies do: neighbours were not believed there"
        )
    return Pairs(tuple(columns.names), values, rows, tuple(notes))


@dataclass(frozen=True)
class Against:
    """What one column of a table has to do with the target.

    Attributes:
        name: of the column.
        result: value, interval and p-value, from the rows in which both have a value.
        adjusted: the p-value adjusted for the number of columns: calling all below q related is wrong for a share
        q.
    """

    name: str
    result: MutualInformationResult
    adjusted: float


def against(
    table: Any,
    target: str,
    *,
    discrete: Discrete = None,
    serial: bool | None = None,
    permutations: int = 999,
    most: int = 10_000,
    seed: int = 0,
    told: Callable[[int, int], None] | None = None,
) -> tuple[list[Against], list[str]]:
    """Every column of a table against one, by information, the largest first; and what was left out.

    As `pairs` reads them, with an interval and a permutation test each (`default.score_test`). With d columns at
    least 40 d permutations are drawn, so that a single related column can be told; p-values are adjusted by
    Benjamini and Hochberg.

    Args as `pairs` and `mutual_information`. `told(column, columns)` hears of progress.

    Raises `InputError` for a target that isn't there or can't be used, and for no other column.

    Paper: Benjamini and Hochberg 1995, Controlling the false discovery rate.
    """
    check_settings("default", serial, permutations, seed)
    columns = columns_of(table, "table")
    at = columns.names.index(columns.column(target).name)
    d = len(columns.columns)
    if d < 2:
        raise InputError(f"{columns.source}: has one column, the target; give others to hold against it")
    kinds = _kinds(discrete, d)
    n = len(columns)
    if n > most:
        columns = columns.take(np.sort(np.random.default_rng(seed).choice(n, most, replace=False)))
    y = columns.columns[at]
    present = y if y.missing is None else y.take(~y.missing)
    variable(present, columns.where(y), kinds[at])
    whole, left_out = _readable(columns, kinds)
    permutations = max(permutations, 40 * (d - 1) - 1)
    found: list[tuple[str, MutualInformationResult]] = []
    for k, column in enumerate(columns):
        if told is not None:
            told(k, d)
        if k == at or k in left_out:
            continue
        sides = _sides(column, y, whole.get(k), whole.get(at), kinds[k], kinds[at])
        if sides is None:
            left_out[k] = "fewer than ten rows in which both have a value, or constant there"
            continue
        found.append((column.name, _tested(*sides, serial, permutations, seed)))
    adjusted = _adjusted(np.array([result.p_value for _, result in found]))
    listed = [Against(name, result, float(q)) for (name, result), q in zip(found, adjusted, strict=True)]
    listed.sort(key=lambda one: (-one.result.value, one.result.p_value))
    notes = _notes(columns, left_out)
    if n > most:
        notes.append(f"a random {most:,} of {n:,} rows were read")
    return listed, notes


def _tested(
    x: Variable, y: Variable, serial: bool | None, permutations: int, seed: int
) -> MutualInformationResult:
    block, words = order_of_rows(x, y, serial)
    if x.codes is not None and y.codes is not None:
        return counted(x.codes, y.codes, block=block, permutations=permutations, seed=seed, notes=words)
    return few_rows(x, y, block, permutations, seed, words)


def _adjusted(p: Float[ndarray, " d"]) -> Float[ndarray, " d"]:
    """Benjamini and Hochberg's: min over larger p of p d/rank."""
    p = np.nan_to_num(p, nan=1.0)
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    found = np.empty(len(p))
    found[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return found


def _pair(a: Variable, b: Variable, seed: int) -> tuple[float, float]:
    """The information, and the share of near copies. Infinite for two columns that give each other exactly."""
    if a.codes is not None and b.codes is not None:
        return max(0.0, entropies(a.codes, b.codes)), 0.0
    if not a.discrete and not b.discrete:
        u, v = a.recorded[:, 0], b.recorded[:, 0]
        if a.tied == 0 and abs(float(u @ v)) / len(u) > EXACT:
            return math.inf, 0.0
    found = direct(a, b, seed)
    return found.value, found.copies


def _readable(columns: Columns, kinds: list[bool | None]) -> tuple[dict[int, Variable], dict[int, str]]:
    """The columns of which every row has a value, read once for all; and why others can't be used."""
    whole: dict[int, Variable] = {}
    left_out: dict[int, str] = {}
    for k, column in enumerate(columns):
        present = column if column.missing is None else column.take(~column.missing)
        try:
            read = variable(present, "", kinds[k])
        except InputError as error:
            left_out[k] = str(error).removeprefix(": ")
            continue
        if column.missing is None:
            whole[k] = read
    return whole, left_out


def _sides(
    one: Column,
    other: Column,
    a: Variable | None,
    b: Variable | None,
    kind: bool | None,
    other_kind: bool | None,
) -> tuple[Variable, Variable] | None:
    """Two columns in the rows in which both have a value; None where too few or constant."""
    if a is not None and b is not None:
        return a, b
    rows = np.ones(len(one), bool)
    for column in (one, other):
        if column.missing is not None:
            rows &= ~column.missing
    try:
        return variable(one.take(rows), "", kind), variable(other.take(rows), "", other_kind)
    except InputError:
        return None


def _notes(columns: Columns, left_out: dict[int, str]) -> list[str]:
    notes = [column.name + ": " + column.note for column in columns if column.note]
    why: dict[str, list[str]] = {}
    for k, words in left_out.items():
        why.setdefault(words, []).append(columns.columns[k].name)
    for words, names in why.items():
        listed = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        notes.append(f"left out {listed}: {words}")
    return notes


def _kinds(discrete: Discrete, d: int) -> list[bool | None]:
    if discrete is not None and not isinstance(discrete, (bool, np.bool_, Iterable)):
        raise InputError(f"discrete: {discrete!r:.60}; give True, False or None, or one of them a column")
    kinds = [discrete] * d if discrete is None or isinstance(discrete, (bool, np.bool_)) else list(discrete)
    if len(kinds) != d:
        raise InputError(f"discrete: {len(kinds)} answers for {d} columns; give one a column")
    return kinds
