"""Canonical correlations, what is left of them on fresh rows, and the information of a Gaussian."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.cross_decomposition import CCA

from mutua.data.known import known
from mutua.information.estimators.gaussian import canonical, gaussian_information, shrunk
from mutua.types import InputError


def test_correlations_are_scikit_learns() -> None:
    x, y = known("multinormal-dense-3-3-0.5").sample(500, 0)
    y[:, 0] += x[:, 1]
    u, v = CCA(3, max_iter=5000, tol=1e-12).fit_transform(x, y)
    wanted = [np.corrcoef(u[:, k], v[:, k])[0, 1] for k in range(3)]
    found = canonical(x, y)
    assert np.allclose(found.correlations, wanted, atol=1e-6)
    variates = np.corrcoef(x @ found.left, y @ found.right, rowvar=False)
    assert np.allclose(variates[:3, 3:], np.diag(found.correlations), atol=1e-9)
    assert np.allclose(variates[:3, :3], np.eye(3), atol=1e-9)


def test_a_rank_deficient_side_loses_its_empty_directions() -> None:
    x, y = known("multinormal-sparse-2-2-2-2.0").sample(300, 0)
    doubled = np.hstack([x, x[:, :1]])
    assert np.allclose(canonical(doubled, y).information, canonical(x, y).information)


def test_more_columns_than_rows_by_the_smaller_side() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 60))
    y = x[:, :2] + 0.1 * rng.normal(size=(40, 2))
    found = canonical(x, y, most=5)
    _, vectors = np.linalg.eigh(np.cov(x, rowvar=False, bias=True))
    main = x @ vectors[:, -5:]
    assert np.allclose(found.correlations, canonical(main, y).correlations, atol=1e-8)


def test_shrinking_drops_noise_and_lowers_the_rest() -> None:
    rng = np.random.default_rng(0)
    n, d = 200, 20
    truth = 0.5 * np.log(1 + 1.5**2)
    raw, kept = [], []
    for _ in range(30):
        x, noise = rng.normal(size=(n, d)), rng.normal(size=(n, d))
        assert len(shrunk(canonical(x, noise), n).correlations) == 0
        noise[:, 0] += 1.5 * x[:, 0]
        found = canonical(x, noise)
        after = shrunk(found, n)
        assert len(after.correlations) == 1
        raw.append(-0.5 * np.log1p(-(found.correlations[0] ** 2)))
        kept.append(after.information)
    assert abs(np.mean(kept) - truth) < 0.03
    assert np.mean(raw) - truth > 0.1


def test_the_gaussian_estimate_is_unbiased() -> None:
    pair = known("multinormal-dense-5-5-0.5")
    found = [gaussian_information(*pair.sample(60, seed)) for seed in range(300)]
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - pair.information) < 4 * error
    # Without the correction sixty rows would read more than 0.2 nats high.
    plain = [canonical(*pair.sample(60, seed)).information for seed in range(300)]
    assert np.mean(plain) > pair.information + 0.2


def test_fewer_rows_than_columns_is_refused() -> None:
    x, y = known("multinormal-dense-5-5-0.5").sample(10, 0)
    with pytest.raises(InputError, match="10 rows for 10 columns"):
        gaussian_information(x, y)


def test_columns_lists_and_tensors_are_taken() -> None:
    x, y = known("1v1-normal-0.75").sample(60, 0)
    wanted = gaussian_information(x, y)
    assert gaussian_information(x[:, 0], y[:, 0]) == wanted
    assert gaussian_information(x.tolist(), y[:, 0].tolist()) == wanted
    assert gaussian_information(torch.tensor(x, requires_grad=True), torch.tensor(y)) == wanted


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.arange(9.0), "x has 9 rows and y has 10"),
        (np.where(np.arange(10) == 4, np.nan, np.arange(10)), "x: NaN or infinity in row 4"),
        (list("abcdefghij"), "give real numbers"),
        (2.0, "a single float"),
        (np.ones(10), "linear combination"),
    ],
)
def test_what_cannot_be_used_is_one_line(x: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        gaussian_information(x, np.arange(10) % 3)
