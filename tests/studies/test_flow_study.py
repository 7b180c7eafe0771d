"""The study of FlowICA, very small."""

import numpy as np
import pytest

from mutua.data.sources import ivae_mixture
from mutua.ica.flow import FlowICA
from mutua.studies import study
from mutua.studies.nonlinear.flow import METHODS, Config, measured, run
from mutua.types import InputError


def test_it_runs_and_says_what_u_adds() -> None:
    result = run(Config(segments=8, per_segment=100, n_sources=3, data_sets=2, max_iter=40, restarts=1))
    assert [row[0] for row in result.tables[0].rows] == list(METHODS)
    values = np.array([row[2] for row in result.tables[0].rows])
    assert ((values > 0.2) & (values <= 1)).all()
    assert "u adds" in result.words[0]
    assert all(text.startswith("<") for text in result.figures.values())


def test_the_past_has_no_u() -> None:
    mixture = ivae_mixture(0, segments=8, per_segment=100, d=3)
    flow = FlowICA(past=True, max_iter=20, n_init=1, finalists=1, device="cpu")
    assert measured("FlowICA", mixture, 0, flow).nats is not None


def test_presets_and_refusals() -> None:
    assert set(study("flow-ica").PRESETS) == {"cpu", "full"}
    with pytest.raises(InputError, match="data_sets"):
        run(Config(data_sets=0))
