"""Recordings as sources of a known nonlinear mixture; the real ones are spoken digits, a speaker each."""

import numpy as np
import pytest

from mutua.data.sources import held_out, ivae_mixing, voices_mixture
from mutua.evaluation import mcc
from mutua.evaluation.sources.variability import variability_of_scales
from mutua.types import InputError


def test_recordings_are_cut_standardised_mixed_and_known():
    rng = np.random.default_rng(0)
    recordings = [3 + rng.laplace(size=500), 10 * rng.laplace(size=400), rng.normal(size=450).astype(np.float32)]
    m = voices_mixture(recordings, 0, segments=8)
    assert m.x.shape == (400, 3)
    np.testing.assert_allclose(m.s.std(0), 1)
    assert np.corrcoef(m.s[:, 0], recordings[0][:400])[0, 1] == pytest.approx(1)
    np.testing.assert_allclose(m.mixing(m.s), m.x)
    np.testing.assert_allclose(m.mixing.inverse(m.x), m.s, atol=1e-8)
    assert np.bincount(m.u).tolist() == [50] * 8
    np.testing.assert_array_equal(m.x, voices_mixture(recordings, 0, segments=8).x)
    other = voices_mixture(recordings, 1, segments=8, layers=3, mixing=ivae_mixing)
    assert len(other.mixing.layers) == 5
    np.testing.assert_allclose(other.mixing.inverse(other.x), other.s, atol=1e-8)


def test_recordings_that_cannot_be_used_are_one_line():
    good = np.sin(np.arange(100.0))
    bad = good.copy()
    bad[3] = np.nan
    for recordings, line in (
        ([good], "recordings: 1; a mixture takes at least two"),
        ([good, np.zeros(100)], "number 1 is silent in its first 100 samples"),
        ([good, np.stack([good, good])], r"number 1 has shape \(2, 100\)"),
        ([bad, good], "number 0 has NaN"),
        ([good, np.ones(0)], "silent in its first 0"),
    ):
        with pytest.raises(InputError, match=line):
            voices_mixture(recordings, 0, segments=2)
    with pytest.raises(InputError, match="seed: -1"):
        voices_mixture([good, good], -1, segments=2)
    with pytest.raises(InputError, match="segments: 101 of 100 rows"):
        voices_mixture([good, good], 0, segments=101)
    with pytest.raises(InputError, match="can't be drawn again"):
        voices_mixture([good, bad[4:]], 0, segments=2).fresh(0)


@pytest.mark.data
def test_loudness_of_real_voices_modulates_them_all(real_data):
    with np.load(real_data / "audio" / "fsdd.npz", allow_pickle=False) as digits:
        audio, offset, speaker = digits["audio"], digits["offset"], digits["speaker"]
    voices = [
        np.concatenate([audio[offset[i] : offset[i + 1]] for i in np.flatnonzero(speaker == k)[:80]])
        for k in (0, 1, 2, 3, 5)
    ]
    m = voices_mixture(voices, 0, segments=128)
    assert variability_of_scales(m.s, m.u).met
    np.testing.assert_allclose(m.mixing.inverse(m.x), m.s, atol=1e-8)
    _, test = held_out(m, 0)
    assert mcc(m.s[test], m.x[test]) < 0.8
