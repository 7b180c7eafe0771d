"""SI-SDR and BSS Eval: closed forms, permutations, degenerate inputs."""

from __future__ import annotations

import numpy as np
import pytest

from mutua.evaluation.sources.si_sdr import bss_eval, matched_si_sdr, si_sdr
from mutua.types import InputError


def test_si_sdr_is_that_of_the_correlation() -> None:
    rng = np.random.default_rng(0)
    s = rng.laplace(size=5000)
    e = 0.3 * s + 0.1 * rng.normal(size=5000) + 7
    r = np.corrcoef(s, e)[0, 1]
    assert si_sdr(s, e) == pytest.approx(10 * np.log10(r**2 / (1 - r**2)), abs=1e-9)
    assert si_sdr(s, -1e6 * e) == pytest.approx(si_sdr(s, e), abs=1e-9)


def test_si_sdr_of_noise_that_is_orthogonal_is_its_energy_ratio() -> None:
    s, noise = np.tile([1.0, -1.0, 1.0, -1.0], 10), np.tile([1.0, 1.0, -1.0, -1.0], 10)
    for decibel in (-20, 0, 35):
        assert si_sdr(s, s + 10 ** (-decibel / 20) * noise) == pytest.approx(decibel, abs=1e-9)
    assert si_sdr(s, s) == np.inf or si_sdr(s, s) > 200
    assert si_sdr(s, noise) < -150
    assert si_sdr(s, np.full(40, 3.0)) == -np.inf


def test_sources_find_their_estimates() -> None:
    rng = np.random.default_rng(1)
    s = rng.laplace(size=(2000, 3))
    e = np.stack([-s[:, 2], rng.normal(size=2000), 2 * s[:, 0] + 0.01 * s[:, 1], s[:, 1]], 1)
    value, estimate = matched_si_sdr(s, e + 1e-3 * rng.normal(size=e.shape))
    assert estimate.tolist() == [2, 3, 0]
    assert value.min() > 35
    value, estimate = matched_si_sdr(s, e[:, :1])
    assert estimate.tolist() == [-1, -1, 0]
    assert np.isneginf(value[:2]).all()


def test_degenerate_inputs_are_named() -> None:
    rng = np.random.default_rng(2)
    s = rng.normal(size=(100, 2))
    with pytest.raises(InputError, match="column 1 is constant"):
        matched_si_sdr(np.stack([s[:, 0], np.ones(100)], 1), s)
    with pytest.raises(InputError, match="99 samples for 100"):
        si_sdr(s[:, 0], s[:99, 0])
    with pytest.raises(InputError, match="row 3"):
        si_sdr(np.where(np.arange(100) == 3, np.nan, s[:, 0]), s[:, 0])
    with pytest.raises(InputError, match="use matched_si_sdr"):
        si_sdr(s, s)
    with pytest.raises(InputError, match="shape"):
        si_sdr(np.zeros(0), np.zeros(0))
    with pytest.raises(InputError, match="one estimate each"):
        bss_eval(s, s[:, :1])
    with pytest.raises(InputError, match="filters of 512"):
        bss_eval(s, s)
    with pytest.raises(InputError, match="estimates: column 0 is silent"):
        bss_eval(s, s * [0, 1], filter_length=4)


def test_bss_eval_forgives_a_filter_and_finds_the_permutation() -> None:
    pytest.importorskip("fast_bss_eval", reason="the extra mutua[bss] is not installed")
    rng = np.random.default_rng(3)
    s = rng.normal(size=(8000, 2))
    filtered = np.stack([np.convolve(x, [1.0, 0.5, -0.2])[:8000] for x in s.T], 1)
    found = bss_eval(s, filtered[:, ::-1] + 0.1 * s, filter_length=32)
    assert found.estimate.tolist() == [1, 0]
    # Interference of power 0.01 against 1 + 0.25 + 0.04 (and 0.1 of the own source, filtered, at most).
    assert np.abs(found.sir - 10 * np.log10(1.29 / 0.01)).max() < 1.0
    assert matched_si_sdr(s, filtered)[0].max() < 10


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "fast_bss_eval", None)
    s = np.random.default_rng(4).normal(size=(100, 2))
    with pytest.raises(InputError, match=r"mutua\[bss\]"):
        bss_eval(s, s, filter_length=4)


def test_scales_whose_squares_are_no_numbers() -> None:
    s, e = np.random.default_rng(0).normal(size=(2, 100))
    for scale in (1e150, 1e-150, 1e300):
        assert si_sdr(scale * s, e / scale) == pytest.approx(si_sdr(s, e))
    with pytest.raises(InputError, match=r"^source: no array of numbers"):
        si_sdr(["a", "b"], [1.0, 2.0])
