"""Laws of every published mixture: its mixing inverts exactly, seeds are independent, its sources are as said."""

import numpy as np
import pytest

from mutua.data.sources import (
    SOURCES,
    LeakyReLU,
    TanhLinear,
    held_out,
    held_out_segments,
    icebeem_mixing,
    tcl_mixing,
)
from mutua.types import InputError

SMALL = {
    "segment": {"segments": 12, "per_segment": 200},
    "time": {"n": 4000},
    "past": {"n": 4001},
}


def small(name, seed=0, **more):
    return SOURCES[name](seed, **SMALL[SOURCES[name].u], **more)


@pytest.mark.parametrize("name", SOURCES)
def test_the_mixing_is_known_and_inverts(name):
    m = small(name)
    assert m.x.shape == m.s.shape
    assert len(m.u) == len(m.x)
    np.testing.assert_allclose(m.mixing(m.s), m.x, atol=1e-12)
    np.testing.assert_allclose(m.mixing.inverse(m.mixing(m.s)), m.s, atol=1e-8)


@pytest.mark.parametrize("name", SOURCES)
def test_the_log_determinant_is_that_of_the_jacobian_by_differences(name):
    m = small(name)
    d, step = m.s.shape[1], 1e-6
    rows = m.s[:5]
    # Away from a leaky ReLU's kink: it has no derivative there, so differences on both sides must agree.
    up = np.stack([(m.mixing(rows + step * e) - m.x[:5]) / step for e in np.eye(d)], 2)
    down = np.stack([(m.x[:5] - m.mixing(rows - step * e)) / step for e in np.eye(d)], 2)
    smooth = np.abs(up - down).max((1, 2)) < 1e-3
    assert smooth.any()
    expected = np.linalg.slogdet((up + down) / 2)[1]
    np.testing.assert_allclose(m.mixing.log_det(rows)[smooth], expected[smooth], atol=1e-4)


@pytest.mark.parametrize("name", SOURCES)
def test_a_seed_gives_the_same_and_another_seed_another(name):
    one, two, other = small(name), small(name), small(name, 1)
    np.testing.assert_array_equal(one.x, two.x)
    assert np.abs(np.corrcoef(one.s[:, 0], other.s[:, 0])[0, 1]) < 0.1
    assert not np.allclose(one.mixing(one.s[:10]), other.mixing(one.s[:10]))


@pytest.mark.parametrize("name", SOURCES)
def test_fresh_samples_are_of_the_same_system_and_unseen_of_another(name):
    m = small(name)
    fresh, unseen = m.fresh(0), m.unseen(0)
    for again in (fresh, unseen, m.fresh(1), unseen.fresh(0)):
        assert again.mixing is m.mixing
        assert np.abs(np.corrcoef(again.s[:, 0], m.s[:, 0])[0, 1]) < 0.1
        np.testing.assert_allclose(again.mixing(again.s), again.x)
    np.testing.assert_array_equal(fresh.x, small(name).fresh(0).x)
    if SOURCES[name].u == "segment":
        np.testing.assert_array_equal(fresh.u, m.u)

        def scales(mixture):
            return np.stack([mixture.s[mixture.u == k].std(0) for k in range(12)]).ravel()

        assert np.corrcoef(scales(m), scales(fresh))[0, 1] > 0.95
        assert np.corrcoef(scales(m), scales(unseen))[0, 1] < 0.5


@pytest.mark.parametrize("name", SOURCES)
def test_sources_are_uncorrelated_and_centred(name):
    s = small(name).s
    s = s / s.std(0)
    assert np.abs(s.mean(0)).max() < 0.15
    assert np.abs(np.corrcoef(s.T) - np.eye(s.shape[1])).max() < 0.15


@pytest.mark.parametrize("name", SOURCES)
def test_rows_held_out(name):
    m = small(name)
    train, test = held_out(m, 0, 0.25)
    assert not set(train) & set(test)
    assert len(train) + len(test) == len(m.x)
    assert len(test) == round(0.25 * len(m.x))
    if SOURCES[name].u == "segment":
        assert np.bincount(m.u[test]).tolist() == [50] * 12
        train, test = held_out_segments(m, 0, 0.25)
        assert len(np.unique(m.u[test])) == 3
        assert not set(m.u[train]) & set(m.u[test])
    else:
        assert train.max() < test.min()  # rows depend on their neighbours
        with pytest.raises(InputError, match="u is no segment"):
            held_out_segments(m, 0)


@pytest.mark.parametrize("name", SOURCES)
def test_sizes_are_checked(name):
    for size in SMALL[SOURCES[name].u]:
        with pytest.raises(InputError):
            SOURCES[name](0, **{**SMALL[SOURCES[name].u], size: 0})
    with pytest.raises(InputError, match="seed: -1"):
        small(name, -1)


def test_numbers_of_samples_are_not_below_zero():
    m = small("tcl")
    for ask, name in ((m.fresh, "fresh"), (m.unseen, "unseen")):
        for number in (-1, 0.5):
            with pytest.raises(InputError, match=f"{name}: {number}; give a whole number of 0 or more"):
                ask(number)
    for ask in (held_out, held_out_segments):
        with pytest.raises(InputError, match="seed: -1"):
            ask(m, -1)


def test_a_share_that_leaves_no_rows_is_refused():
    for name in ("tcl", "pcl"):
        with pytest.raises(InputError, match="leaves none to test on"):
            held_out(small(name), 0, 0.0001)
    with pytest.raises(InputError, match="leaves none to train on"):
        held_out(small("tcl"), 0, 0.9999)


def test_maps_that_fold_and_sources_that_are_not_stationary_are_refused():
    for slope in (-0.5, 0.0, np.nan):
        for make in (
            lambda slope: tcl_mixing(2, 2, slope=slope),
            lambda slope: icebeem_mixing(2, 2, slope=slope),
            LeakyReLU,
            TanhLinear,
        ):
            with pytest.raises(InputError, match=f"slope: {slope}"):
                make(slope)
    for rho in (1.2, 1.0, -1.0):
        with pytest.raises(InputError, match=f"rho: {rho}; give a number between -1 and 1"):
            SOURCES["pcl"](0, n=100, rho=rho)
