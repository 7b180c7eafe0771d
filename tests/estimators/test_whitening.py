"""Whitening and standardising: there, back, and what is said of channels that have no direction of their own."""

import numpy as np
import pytest

from mutua.estimators.whitening import Whitening, standardised, whitening
from mutua.types import InputError

X = np.random.default_rng(0).normal(size=(500, 2)) @ [[1.0, 0.3, 2.0], [0.0, 1.0, -1.0]]
X = X + np.random.default_rng(1).normal(size=X.shape) * [0.5, 0.1, 0.2] + 3.0


def of(x: np.ndarray, **more: object) -> Whitening:
    return whitening(x.mean(0), np.cov(x.T, bias=True), None, **more)


def test_rows_come_back_and_volumes_are_those_of_the_map() -> None:
    for made in (standardised(X), of(X)):
        np.testing.assert_allclose(made.back(made(X)), X)
        assert made.log_det == pytest.approx(np.linalg.slogdet(made.matrix)[1])
    np.testing.assert_allclose(np.cov(of(X)(X).T, bias=True), np.eye(3), atol=1e-8)
    np.testing.assert_allclose(np.cov(standardised(X)(X).T, bias=True).diagonal(), 1)


def test_arrays_make_it_again_or_are_refused() -> None:
    made = of(X)
    again = Whitening.of_arrays(made.arrays(), 3)
    np.testing.assert_array_equal(again(X), made(X))
    with pytest.raises(ValueError, match="not of 4 features"):
        Whitening.of_arrays(made.arrays(), 4)
    with pytest.raises(KeyError):
        Whitening.of_arrays({}, 3)


def test_a_copied_channel_is_named_with_what_can_be_done() -> None:
    with pytest.raises(InputError, match=r"only 3 of 4 .*copy of channel 0.*or whiten=False$"):
        of(X[:, [0, 1, 2, 0]], otherwise="whiten=False")
