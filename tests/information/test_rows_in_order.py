"""Sorted is no series: rows in the order of a column, and recordings."""

from __future__ import annotations

import numpy as np

from mutua.information.default.serial import order_of_rows
from mutua.information.variables import variable

RNG = np.random.default_rng(0)


def test_rows_sorted_by_class_or_by_a_quantity_are_independent() -> None:
    label = np.repeat([0, 1, 2], 60)
    x = label + RNG.normal(size=180)
    block, words = order_of_rows(variable(x, "x"), variable(label, "y"))
    assert block == 1
    assert "in the order of y" in words[0]
    assert "serial=True" in words[0]
    mixed = RNG.permutation(180)
    assert order_of_rows(variable(x[mixed], "x"), variable(label[mixed], "y")) == (1, [])
    ordered = np.sort(RNG.normal(size=400))
    noisy = 0.7 * ordered + 0.7 * RNG.normal(size=400)
    assert order_of_rows(variable(ordered[::-1].copy(), "x"), variable(noisy[::-1].copy(), "y"))[0] == 1


def test_a_recording_stays_one_whatever_its_labels() -> None:
    walk = np.zeros((600, 2))
    for t in range(1, 600):
        walk[t] = 0.95 * walk[t - 1] + RNG.normal(size=2)
    x, y = (variable(column, name) for column, name in zip(walk.T, "xy", strict=True))
    assert order_of_rows(x, y)[0] > 10
    segment = variable(np.repeat(np.arange(6), 100), "y")
    assert order_of_rows(x, segment)[0] > 1, "within a segment x still depends on its past"
    assert order_of_rows(x, variable(np.arange(600.0), "y"))[0] > 1, "time itself"
    assert order_of_rows(x, y, serial=False) == (1, [])
    assert order_of_rows(*(variable(RNG.normal(size=100), name) for name in "xy"), serial=True)[0] == 2
