"""PCL on autoregressive sources."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mutua.data.sources import pcl_mixture
from mutua.evaluation import mcc, spearman
from mutua.ica import PCL, LinearICA
from mutua.types import InputError

QUICK: dict[str, Any] = {"hidden_layer_sizes": (12, 12), "max_iter": 700, "batch_size": 128, "device": "cpu"}


@pytest.mark.parametrize("critic", ["absolute", "learned"])
def test_it_finds_sources_better_than_linear_ica(critic: str) -> None:
    mixture = pcl_mixture(1, d=2, n=4000, layers=2)
    model = PCL(critic=critic, baseline=False, n_init=1, **QUICK).fit(mixture.x)
    fresh = mixture.fresh(0)
    linear = mcc(fresh.s, LinearICA().fit(mixture.x).transform(fresh.x), spearman)
    found = mcc(fresh.s, model.transform(fresh.x), spearman)
    assert found > 0.97 > linear + 0.01


def test_no_pair_joins_two_recordings() -> None:
    x = np.random.default_rng(0).standard_normal((30, 2))
    model = PCL(lag=2, validation_fraction=0, n_init=1, **QUICK | {"max_iter": 1}).fit(x)
    z = model._whitened(x).float()
    pairs = model._pairs(z, np.repeat([4, 9], 15), fitted=True)
    assert len(pairs) == 26
    assert (pairs.x[0] == z[2]).all()
    assert (pairs.u[0] == z[0]).all()
    assert (pairs.x[13] == z[17]).all()
    one = model._pairs(z, np.zeros(30, int), fitted=True)
    assert (one.x == model._pairs(z, None, fitted=True).x).all()


@pytest.mark.parametrize(
    ("setting", "u", "says"),
    [
        ({"contrast": ("infonce", "mi")}, None, "contrast: "),
        ({"lag": 29}, None, "lag: 29 for 30 rows"),
        ({}, np.arange(30), "u: 0 pairs"),
        ({}, np.linspace(0, 1, 30), "u: a vector"),
    ],
)
def test_bad_input_of_pcl(setting: dict[str, Any], u: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        PCL(**setting).fit(np.random.default_rng(0).standard_normal((30, 2)), u)


def test_of_several_contrasts_the_held_out_one_is_kept() -> None:
    mixture = pcl_mixture(1, d=2, n=2000, layers=2)
    few = QUICK | {"max_iter": 200}
    model = PCL(contrast=("infonce", "logistic"), baseline=False, n_init=2, **few).fit(mixture.x)
    alone = PCL(contrast="infonce", baseline=False, n_init=1, **few).fit(mixture.x)
    assert model.contrasts_[0] == alone.contrasts_[0] > model.contrasts_[1]
    np.testing.assert_array_equal(model.transform(mixture.x[:5]), alone.transform(mixture.x[:5]))
