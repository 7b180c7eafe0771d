"""AuxIVA: the objective falls, rooms are unmixed, blocks meet without a seam."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from mutua.evaluation.sources.si_sdr import matched_si_sdr
from mutua.ica.separation.auxiva import AuxIVA, auxiva
from mutua.types import InputError


def bursts(n: int, k: int, seed: int) -> np.ndarray:
    """Sources whose loudness comes and goes, as voices do, (n, k)."""
    rng = np.random.default_rng(seed)
    loud = np.exp(1.5 * rng.normal(size=(-(-n // 1600), k)))
    return rng.normal(size=(n, k)) * np.repeat(loud, 1600, 0)[:n]


def room(k: int, taps: int, seed: int) -> np.ndarray:
    """Impulse responses, (mics, sources, taps): a direct path, delayed, and decaying echoes."""
    rng = np.random.default_rng(seed)
    t = np.arange(taps)
    h = np.zeros((k, k, taps))
    for i in range(k):
        for j in range(k):
            delay = 3 if i == j else 8 + int(rng.integers(4))
            h[i, j] = (t > delay) * rng.normal(size=taps) * np.exp(-(t - delay) / (taps / 6)) * 0.2
            h[i, j, delay] = 1.0 if i == j else 0.7
    return h


def images(sources: np.ndarray, h: np.ndarray) -> np.ndarray:
    """What every microphone hears of every source, (mics, sources, n)."""
    n = len(sources)
    return np.stack([[np.convolve(s, one)[:n] for s, one in zip(sources.T, row, strict=True)] for row in h])


def improvement(heard: np.ndarray, frame: int) -> np.ndarray:
    x = heard.sum(1).T  # (n, mics)
    y = AuxIVA(frame).fit(x).transform(x)
    truth = heard[0].T
    before, _ = matched_si_sdr(truth, np.repeat(x[:, :1], truth.shape[1], 1))
    return matched_si_sdr(truth, y)[0] - before


@pytest.mark.parametrize("k", [2, 3])
def test_a_room_of_echoes_is_unmixed(k: int) -> None:
    assert improvement(images(bursts(60_000, k, 0), room(k, 120, 1)), 1024).min() > 8


@pytest.mark.data
def test_two_real_voices_in_a_room_of_echoes(real_data: Path) -> None:
    names = ("speech_198-209-0000", "speech_3436-172162-0000")
    waves = [soundfile.read(real_data / "audio" / f"{name}.ogg")[0][:160_000] for name in names]
    assert improvement(images(np.stack(waves, 1), room(2, 400, 0)), 1024).min() > 4


def test_a_simulated_room_is_unmixed() -> None:
    pyroomacoustics = pytest.importorskip("pyroomacoustics", reason="pyroomacoustics is not installed")
    rate = 16_000
    absorption, order = pyroomacoustics.inverse_sabine(0.15, [5, 4, 3])
    shoebox = pyroomacoustics.ShoeBox(
        [5, 4, 3], fs=rate, materials=pyroomacoustics.Material(absorption), max_order=order
    )
    sources = bursts(80_000, 2, 0)
    for place, wave in zip(([1.5, 3.0, 1.5], [3.5, 3.0, 1.5]), sources.T, strict=True):
        shoebox.add_source(place, signal=wave)
    shoebox.add_microphone_array(np.array([[2.4, 2.6], [1.5, 1.5], [1.4, 1.4]]))
    heard = shoebox.simulate(return_premix=True).swapaxes(0, 1)[:, :, :80_000]
    assert improvement(heard, 2048).min() > 6


def test_the_objective_never_rises() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(9, 3, 200)) + 1j * rng.normal(size=(9, 3, 200))
    x = x * np.exp(rng.normal(size=(1, 3, 200)))
    mixing = rng.normal(size=(9, 3, 3)) + 1j * rng.normal(size=(9, 3, 3))
    w, objective = auxiva(mixing @ x, 15)
    assert max(np.diff(objective)) < 1e-10
    found = np.abs(w @ mixing)  # (f, 3, 3)
    assert (np.sort(found, -1)[..., -1] / np.sort(found, -1)[..., -2]).min() > 3
    # One permutation for all frequencies is what vectors are for.
    assert (found.argmax(-1) == found.argmax(-1)[0]).all()


def test_sources_add_up_to_the_reference_microphone_and_blocks_have_no_seam() -> None:
    x = images(bursts(20_000, 2, 3), room(2, 30, 4)).sum(1).T
    iva = AuxIVA(64, n_iter=3, reference=1).fit(x)
    chunks = list(iva.transform_chunks(x))
    assert len(chunks) > 3
    np.testing.assert_allclose(np.concatenate(chunks).sum(1), x[:, 1], atol=1e-9)
    # The middle of the first block's edge, made in one piece instead.
    seam = len(chunks[0])
    whole = np.concatenate(list(iva.transform_chunks(x[seam - 640 : seam + 640])))
    np.testing.assert_allclose(np.concatenate(chunks)[seam - 400 : seam + 400], whole[240:1040], atol=1e-9)


def test_a_long_recording_is_fitted_on_some_of_its_frames() -> None:
    x = images(bursts(150_000, 2, 5), room(2, 16, 6)).sum(1).T
    iva = AuxIVA(32, n_iter=2).fit(x)
    assert iva._sampled(x, 150_000 // 16 - 1).shape == (17, 2, 4000)
    assert np.isfinite(iva.unmixing_).all()


def test_too_short_or_alone() -> None:
    with pytest.raises(InputError, match="at least 10 frames"):
        AuxIVA(1024).fit(np.zeros((3000, 2)))
    with pytest.raises(InputError, match="two microphones"):
        AuxIVA(64).fit(np.ones((3000, 1)))
