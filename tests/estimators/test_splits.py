"""Rows that are held out: every row on one side, of each class alike, neighbours together."""

import math

import numpy as np
import pytest

from mutua.estimators.splits import drawn_rows, last_rows


@pytest.mark.parametrize("index", [None, np.repeat(np.arange(4), 25), np.arange(100) % 7])
def test_the_last_of_every_class_or_runs_of_neighbours(index: np.ndarray | None) -> None:
    train, test = last_rows(index, 100, 0.2)
    assert sorted([*train, *test]) == list(range(100))
    if index is None:
        assert list(test) == [row for row in range(100) if row % 10 >= 8]
        return
    for k in np.unique(index):
        rows = np.flatnonzero(index == k)
        assert list(rows[len(rows) - math.ceil(len(rows) / 5) :]) == [row for row in test if index[row] == k]


def test_drawn_rows_are_of_every_class_and_never_all_of_one() -> None:
    index = np.r_[np.zeros(40, int), np.ones(20, int), 2]
    train, test = drawn_rows(index, 61, 0.25, np.random.default_rng(0))
    assert sorted([*train, *test]) == list(range(61))
    assert np.bincount(index[test], minlength=3).tolist() == [10, 5, 0]
    assert list(test) == sorted(test)
    assert list(test[index[test] == 0]) != list(range(10))
    other = drawn_rows(None, 61, 0.25, np.random.default_rng(1))
    assert [len(rows) for rows in other] == [46, 15]
    assert [len(rows) for rows in drawn_rows(np.arange(5), 5, 0.1, np.random.default_rng(1))] == [4, 1]
