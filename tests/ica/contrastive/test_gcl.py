"""GCL with each kind of u."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mutua.data.sources import gcl_past_mixture, gcl_segment_mixture, gcl_time_mixture
from mutua.evaluation import mcc, spearman
from mutua.ica import GCL, LinearICA
from mutua.ica.contrastive.contrasts import CONTRASTS, given_nats
from mutua.ica.contrastive.pairs import Pairs
from mutua.types import InputError

QUICK: dict[str, Any] = {
    "hidden_layer_sizes": (12, 12),
    "max_iter": 800,
    "batch_size": 128,
    "n_init": 1,
    "device": "cpu",
}


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (gcl_segment_mixture, {"segments": 32, "per_segment": 128}),
        (gcl_time_mixture, {"n": 4096}),
        (gcl_past_mixture, {"n": 4096}),
    ],
)
def test_it_finds_sources_that_linear_ica_does_not(make: Any, settings: dict[str, int]) -> None:
    mixture = make(1, d=2, layers=2, **settings)
    statistics = "innovation" if make is gcl_past_mixture else "scales"
    model = GCL(statistics=statistics, **QUICK).fit(mixture.x, mixture.u)
    fresh = mixture.fresh(0)
    linear = LinearICA().fit(mixture.x)
    found = mcc(fresh.s, model.transform(fresh.x), spearman)
    assert found > 0.97
    assert found > mcc(fresh.s, linear.transform(fresh.x), spearman) + 0.02
    assert model.comparison_ is not None
    assert model.comparison_.better


def test_a_single_statistic_is_unmixed_by_linear_ica() -> None:
    mixture = gcl_segment_mixture(1, d=2, segments=24, per_segment=128, layers=1)
    model = GCL(statistics="absolute", baseline=False, **QUICK | {"hidden_layer_sizes": (), "max_iter": 800}).fit(
        mixture.x, mixture.u
    )
    assert mcc(np.abs(mixture.s), model.transform(mixture.x)) > 0.97
    plain = GCL(
        statistics="absolute", unmix=False, baseline=False, **QUICK | {"hidden_layer_sizes": (), "max_iter": 800}
    )
    plain.fit(mixture.x, mixture.u)
    assert (plain.transform(mixture.x) == plain.features(mixture.x)).all()
    assert np.allclose(plain.features(mixture.x), model.features(mixture.x))


def test_read_by_hand() -> None:
    mixture = gcl_time_mixture(0, d=2, n=300, layers=1)
    model = GCL(statistics="learned", baseline=False, **QUICK | {"max_iter": 5}).fit(mixture.x, mixture.u)
    pairs = model._pairs(model._whitened(mixture.x).float(), mixture.u, fitted=True)
    method = model._model.double()
    pairs = Pairs(pairs.x.double(), pairs.u.double())
    with torch.no_grad():
        scores = np.array(
            [
                [
                    float(method.critic(method.encoder(pairs.x[i : i + 1]), method.other(pairs.u[j : j + 1])))
                    for j in range(20)
                ]
                for i in range(20)
            ]
        )
    by_hand = np.diag(scores) - np.log(np.exp(scores).mean(1))
    few = Pairs(pairs.x[:20], pairs.u[:20])
    assert np.allclose(given_nats(method, few).numpy(), by_hand)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"contrast": "mi"}, "contrast: 'mi'; use one of infonce, jsd, logistic"),
        ({"contrast": "nce"}, "contrast: 'nce' is called 'logistic' now"),
        ({"contrast": ()}, "contrast: "),
        ({"u_layer_sizes": (0,)}, "u_layer_sizes: "),
        ({"unmix": True}, "unmix: True needs"),
    ],
)
def test_settings_out_of_range_of_gcl(setting: dict[str, Any], says: str) -> None:
    x = np.random.default_rng(0).standard_normal((50, 2))
    with pytest.raises(InputError, match=says):
        GCL(**setting).fit(x, np.arange(50) // 10)


@pytest.mark.filterwarnings("ignore:contrast:FutureWarning")
@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize("statistics", ["absolute", "square", "moments", "scales", "learned", "innovation"])
def test_every_choice_learns(contrast: str, statistics: str) -> None:
    mixture = gcl_segment_mixture(0, d=2, segments=10, per_segment=100, layers=1)
    model = GCL(statistics=statistics, contrast=contrast, baseline=False, **QUICK | {"max_iter": 200})
    nats = model.fit(mixture.x, mixture.u).contrasts_[0]
    # Scales are modulated, and innovations are about means: those can't see it.
    assert np.isfinite(nats)
    if statistics != "innovation" and contrast == "infonce":
        assert nats > 0.1


def test_scores_that_swallow_the_logarithm_are_ties() -> None:
    """A critic that diverged says 1e22 of every pair: no row is told from another."""
    pairs = Pairs(torch.ones(300, 2), torch.zeros(300, 1))
    method = SimpleNamespace(
        critic=SimpleNamespace(matrix=lambda h, v: torch.full((len(h), len(v)), 1e22)),
        encoder=nn.Identity(),
        other=nn.Identity(),
    )
    assert np.allclose(given_nats(method, pairs).numpy(), 0)


def test_more_statistics_need_more_segments() -> None:
    mixture = gcl_segment_mixture(0, segments=6, per_segment=60, d=3, layers=1)
    for statistics, needed in (("moments", 7), ("scales", 7), ("absolute", 4)):
        model = GCL(statistics=statistics, baseline=False, **QUICK | {"max_iter": 5})
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(mixture.x, mixture.u)
        assert any("needs at least 7" in str(one.message) for one in caught) == (needed == 7)
        assert model.variability_ is not None
        assert model.variability_.needed == needed
