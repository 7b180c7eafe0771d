"""Which rows a fit learns from, and which are held out to choose and judge by."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Int64

__all__ = ["drawn_rows", "last_rows"]

Split = tuple[Int64[np.ndarray, " train"], Int64[np.ndarray, " test"]]

# Runs of neighbouring rows that are held out, where rows depend on their neighbours.
_RUNS = 10


def last_rows(index: Int64[np.ndarray, " n"] | None, n: int, share: float) -> Split:
    """Rows to train on and to judge by, ascending: of each class its last `share`, or ten runs of neighbours.

    Rows are not drawn one by one: neighbours in a recording are alike, and would tell of each other.
    """
    test = np.zeros(n, bool)
    if index is not None:
        order = np.argsort(index, kind="stable")
        place, counts = _places(index[order])
        test[order] = place >= counts - np.minimum(np.ceil(share * counts), counts - 1)
    else:
        # No more runs than rows that are wanted.
        for rows in np.array_split(np.arange(n), max(1, min(_RUNS, int(share * n)))):
            test[rows[len(rows) - min(math.ceil(share * len(rows)), len(rows) - 1) :]] = True
    return np.flatnonzero(~test), np.flatnonzero(test)


def drawn_rows(index: Int64[np.ndarray, " n"] | None, n: int, share: float, rng: np.random.Generator) -> Split:
    """Rows to train on and to judge by, ascending: `share` of all drawn at random, of each class alike.

    A class of one row is learned from: nothing else says what it is like.
    """
    rows = rng.permutation(n)
    test = np.zeros(n, bool)
    if index is None:
        test[rows[: max(1, round(share * n))]] = True
    else:
        order = rows[np.argsort(index[rows], kind="stable")]
        place, counts = _places(index[order])
        test[order] = place < np.minimum(np.round(share * counts), counts - 1)
        if not test.any():
            test[rows[0]] = n > 1
    return np.flatnonzero(~test), np.flatnonzero(test)


def _places(index: Int64[np.ndarray, " n"]) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """Of classes in ascending order: each row's place in its class, and the rows of its class."""
    counts = np.bincount(index)
    return np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts), counts[index]
