"""The compiled pass against its slow twin."""

from __future__ import annotations

import numpy as np
import pytest

from mutua.ica.linear.densities import Laplace, Sech, Student, SubGaussian
from mutua.kernels.ica.linear import _exp, moments, slow_moments

DENSITIES = [Sech(), Sech(3.0), Laplace(0.2), Student(4.0), SubGaussian(), SubGaussian(1.7), Laplace()]


@pytest.mark.parametrize("n", [1, 63, 64, 1023, 2500])
@pytest.mark.parametrize(("kind", "tolerance"), [(np.float32, 2e-5), (np.float64, 1e-12)])
def test_kernel_is_its_twin(n: int, kind: type, tolerance: float) -> None:
    rng = np.random.default_rng(n)
    k = len(DENSITIES)
    z = (3 * rng.standard_t(3, size=(n, k + 2))).astype(kind)
    z[0, 0], z[-1, 1] = 60, -300  # tanh saturates, exp underflows
    w = rng.normal(size=(k, k + 2)) / 3
    known = [density.kernel for density in DENSITIES]
    codes, parameters = np.array([c for c, _, _ in known]), np.array([p for _, p, _ in known])
    fast = moments(z, w, codes, parameters)
    y = w.astype(kind).astype(float) @ z.T.astype(float)
    slow = slow_moments(y, DENSITIES)
    constants = n * np.array([constant for _, _, constant in known])
    for found, expected in zip(fast._replace(log_prob=fast.log_prob + constants), slow, strict=True):
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())
    flat = moments(z, w, codes, parameters, curved=False)
    np.testing.assert_array_equal(flat.gradient, fast.gradient)
    assert not flat.curvature.any()
    assert not slow_moments(y, DENSITIES, curved=False).curvature.any()


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_exp(kind: type) -> None:
    x = -np.concatenate([np.linspace(0, 2, 501), np.linspace(2, 80, 501)]).astype(kind)
    found = np.array([float(_exp(value)) for value in x])
    np.testing.assert_allclose(found, np.exp(x.astype(float)), rtol=4 * np.finfo(kind).eps)


def test_an_integer_array_is_refused() -> None:
    with pytest.raises(TypeError, match="int64"):
        moments.__wrapped__(np.ones((3, 2), int), np.eye(2), np.zeros(2, int), np.ones(2))
