"""The randomised dependence coefficient: against canonical correlations by QR, and cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import qr
from scipy.stats import rankdata

from mutua.evaluation.sources.mcc import mcc
from mutua.evaluation.sources.rdc import rdc, rdc_matrix
from mutua.types import InputError


def _by_qr(x: np.ndarray, y: np.ndarray, features: int, scale: float, seed: int) -> float:
    """As published: features as they are, canonical correlation by pivoted QR as R's cancor has it."""
    rng = np.random.default_rng(seed)
    bases = []
    for v in (x, y):
        ranks = np.column_stack([rankdata(v, method="max") / len(v), np.ones(len(v))])
        phi = np.sin(ranks @ (rng.standard_normal((2, features)) * scale / 2))
        q, r, _ = qr(phi - phi.mean(0), mode="economic", pivoting=True)
        bases.append(q[:, np.abs(np.diag(r)) > 1e-10 * abs(r[0, 0])])
    return float(np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)[0])


@pytest.mark.parametrize("scale", [1 / 6, 3.0])
def test_rdc_is_the_published_definition(scale: float) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=1000)
    y = np.cos(2 * x) + 0.5 * rng.normal(size=1000)
    assert rdc(x, y, scale=scale, repeats=1, random_state=3) == pytest.approx(_by_qr(x, y, 20, scale, 3), abs=0.02)


def test_rdc_sees_dependence_that_correlation_misses_and_not_what_isnt_there() -> None:
    rng = np.random.default_rng(1)
    x, noise = rng.normal(size=(2, 4000))
    assert abs(np.corrcoef(x, x**2)[0, 1]) < 0.1
    assert rdc(x, x**2) > 0.97
    assert rdc(x, noise) < 0.15
    weak, strong = rdc(x, x**2 + 4 * noise), rdc(x, x**2 + noise)
    assert weak < strong < 0.97


def test_rdc_is_unchanged_by_monotone_maps_and_symmetric_in_what_it_sees() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=500)
    y = x + rng.normal(size=500)
    assert rdc(np.exp(x), y**3) == rdc(x, y)
    assert rdc(y, x) == pytest.approx(rdc(x, y), abs=0.05)
    assert rdc(x, np.ones(500)) == 0.0


def test_rdc_of_several_columns() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(2000, 2))
    assert rdc(x, x[:, 0] + x[:, 1]) > 0.9


def test_rdc_matrix_is_rdc_of_pairs_and_serves_mcc() -> None:
    rng = np.random.default_rng(4)
    s = rng.normal(size=(2000, 3))
    found = np.column_stack([s[:, 2] ** 3, np.abs(s[:, 0]), s[:, 1]])
    table = rdc_matrix(s, found)
    for i in range(3):
        for j in range(3):
            assert table[i, j] == pytest.approx(rdc(s[:, i], found[:, j]), abs=0.1)
    assert mcc(s, found, rdc_matrix) > 0.97


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (np.zeros(50), np.zeros(49), "49"),
        (np.arange(30.0), np.arange(30.0), "at least 42"),
        (np.r_[np.nan, np.zeros(99)], np.zeros(100), "row 0"),
        (np.zeros((100, 0)), np.zeros(100), "shape"),
    ],
)
def test_rdc_refuses(x: np.ndarray, y: np.ndarray, words: str) -> None:
    with pytest.raises(InputError, match=words):
        rdc(x, y)
