"""The study of voices: on made recordings small and wrong, on real ones once."""

import numpy as np
import pytest
import soundfile

from mutua.studies.nonlinear.voices import METHODS, Config, mixtures, piece, run
from mutua.types import InputError

TINY = Config(segments=16, flow_iter=30, contrast_iter=30, restarts=1)


@pytest.fixture
def recordings(tmp_path):
    """Three sound files, each its own loudness in every tenth of a second."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(3):
        loudness = np.repeat(rng.uniform(0.02, 0.3, 20), 100)
        paths.append(tmp_path / f"{number}.wav")
        soundfile.write(paths[-1], loudness * rng.laplace(size=2000).clip(-3, 3) / 3, 8000)
    return tuple(map(str, paths))


def test_it_runs_on_recordings_and_says_what_u_adds(recordings):
    result = run(Config(recordings, segments=16, flow_iter=30, contrast_iter=30, restarts=1, mixtures=2))
    rows = result.tables[0].rows
    assert [row[0] for row in rows] == list(METHODS)
    assert all(0.2 < row[3] <= row[1] <= 1 for row in rows)
    assert "3 recordings, 2,000 samples" in result.tables[0].note
    assert "u ignored" in result.words[1]


def test_what_cannot_be_heard_is_one_line(recordings, monkeypatch, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        mixtures(Config((*recordings, "none.wav")))
    with pytest.raises(InputError, match="mixtures=0"):
        mixtures(Config(recordings, mixtures=0))
    monkeypatch.delenv("MUTUA_DATA", raising=False)
    with pytest.raises(InputError, match="MUTUA_DATA is not there"):
        mixtures(Config())
    monkeypatch.setenv("MUTUA_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"fsdd\.npz is not there"):
        mixtures(Config())


@pytest.mark.data
def test_loudness_helps_on_real_voices(real_data, monkeypatch):
    monkeypatch.setenv("MUTUA_DATA", str(real_data))
    with pytest.raises(InputError, match="voices=7; give 2 to 6"):
        mixtures(Config(voices=7))
    (mixture,) = mixtures(Config())
    assert mixture.x.shape[1] == 5
    plain, told = (piece(Config(), method, mixture, 0).pearson for method in ("raw x", "LinearICA"))
    assert plain < told < 0.95
