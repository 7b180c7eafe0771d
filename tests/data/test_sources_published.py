"""The published settings, number by number: distributions, scales, matrices, order of layers."""

import numpy as np
import pytest
from scipy.stats import kurtosis

from mutua.data.sources import (
    LeakyReLU,
    Linear,
    Residual,
    TanhLinear,
    coupling_mixing,
    gcl_past_mixture,
    gcl_time_mixture,
    held_out,
    icebeem_mixture,
    ivae_mixture,
    near_identity_mixing,
    pcl_mixture,
    tcl_mixture,
)
from mutua.data.sources.mixing import conditioned, orthogonal
from mutua.types import InputError


def test_tcl_is_laplace_of_deviation_below_one_under_leaky_relu_between_matrices():
    m = tcl_mixture(0, segments=8, per_segment=4000, layers=3)
    assert m.x.shape == (32000, 20)
    assert [type(layer) for layer in m.mixing.layers] == [Linear, LeakyReLU, Linear, LeakyReLU, Linear]
    assert m.mixing.layers[1].slope == 0.2
    for layer in m.mixing.layers[::2]:
        np.testing.assert_allclose(np.linalg.norm(layer.matrix, axis=0), 1)
    assert not np.allclose(m.mixing.layers[0].matrix, m.mixing.layers[2].matrix)
    deviation = np.stack([m.s[m.u == k].std(0) for k in range(8)]).ravel()
    assert deviation.max() < 1.1
    assert abs(deviation.mean() - 0.5) < 0.1
    assert kurtosis(np.concatenate([(m.s[m.u == k] / m.s[m.u == k].std(0)).ravel() for k in range(8)])) > 2.5


def test_ivae_is_gaussian_and_its_code_shares_one_matrix():
    m = ivae_mixture(0)
    assert m.x.shape == (40000, 5)
    assert [type(layer) for layer in m.mixing.layers] == [Linear, TanhLinear, Linear, TanhLinear, Linear]
    first, second = m.mixing.layers[0].matrix, m.mixing.layers[2].matrix
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1)  # rows: the code multiplies from the left
    assert not np.allclose(first, second)
    shared = ivae_mixture(0, shared_matrix=True).mixing.layers
    np.testing.assert_array_equal(shared[0].matrix, shared[2].matrix)
    np.testing.assert_array_equal(shared[0].matrix, shared[4].matrix)
    deviation = np.stack([m.s[m.u == k].std(0) for k in range(40)])
    assert 0.45 < deviation.min() < deviation.max() < 3.2
    np.testing.assert_allclose(m.mixing.layers[1].forward(np.array([[2.0]])), np.tanh(2.0) + 0.2)


def test_icebeem_bends_the_sources_first_and_rotates_last():
    layers = icebeem_mixture(0, layers=4).mixing.layers
    assert [type(layer) for layer in layers] == [LeakyReLU, Linear] * 3
    np.testing.assert_allclose(layers[1].matrix @ layers[1].matrix.T, np.eye(5), atol=1e-12)
    with pytest.raises(InputError, match="layers: 1"):
        icebeem_mixture(0, layers=1)


def test_pcl_is_autoregressive_with_laplace_innovations():
    m = pcl_mixture(0, d=3, n=2**16)
    np.testing.assert_allclose(m.s.var(0), 1, atol=0.06)
    innovation = m.s[1:] - 0.7 * m.s[:-1]
    np.testing.assert_allclose((m.s[1:] * m.s[:-1]).mean(0), 0.7, atol=0.05)
    assert np.abs((innovation * m.s[:-1]).mean(0)).max() < 0.02
    np.testing.assert_allclose(kurtosis(innovation), 3, atol=0.7)  # Laplace has 3
    np.testing.assert_array_equal(m.u, np.arange(2**16) / 2**16)


def test_past_is_the_row_before():
    m = gcl_past_mixture(0, n=500)
    np.testing.assert_array_equal(m.u[1:], m.x[:-1])
    np.testing.assert_allclose(m.mixing.inverse(m.u)[1:], m.s[:-1], atol=1e-10)
    train, test = held_out(m, 0)
    assert train.max() + 1 == test.min()


def test_time_modulates_smoothly_and_each_source_its_own_way():
    m = gcl_time_mixture(0, n=2**16)
    windows = np.log(m.s.reshape(64, -1, 5).std(1))  # (64, 5)
    assert windows.std(0).min() > 0.4
    neighbours = [np.corrcoef(one[1:], one[:-1])[0, 1] for one in windows.T]
    assert min(neighbours) > 0.8
    assert np.abs(np.corrcoef(windows.T) - np.eye(5)).max() < 0.9


def test_conditioned_matrices_are_under_the_25th_percentile():
    rng = np.random.default_rng(1)
    loose = rng.uniform(-1, 1, (2000, 5, 5))
    loose /= np.linalg.norm(loose, axis=1, keepdims=True)
    limit = np.percentile(np.linalg.cond(loose), 25)
    kept = [np.linalg.cond(conditioned(5, rng)) for _ in range(200)]
    assert max(kept) < 1.1 * limit
    assert max(kept) > 0.8 * limit


def test_orthogonal_matrices_have_no_preferred_sign():
    rng = np.random.default_rng(0)
    drawn = np.stack([orthogonal(3, rng) for _ in range(2000)])
    assert np.abs(drawn.mean(0)).max() < 0.05


def test_maps_that_could_fold_are_refused():
    with pytest.raises(InputError, match="below 1"):
        Residual(np.eye(2), np.eye(2))
    with pytest.raises(InputError, match="strength: 1"):
        near_identity_mixing(3, 1, 1.0)
    with pytest.raises(InputError, match="d: 1"):
        coupling_mixing(1, 1)


def test_tanh_inverts_far_out_and_at_zero():
    layer = TanhLinear()
    x = np.array([[-1e4, -3.0, -1e-9, 0.0, 1e-9, 0.4, 9.0, 1e6]])
    np.testing.assert_allclose(layer.inverse(layer.forward(x)), x, rtol=1e-12, atol=1e-15)


def test_five_layers_of_twenty_still_invert():
    m = tcl_mixture(3, segments=4, per_segment=500, layers=5)
    np.testing.assert_allclose(m.mixing.inverse(m.x), m.s, atol=1e-8)
