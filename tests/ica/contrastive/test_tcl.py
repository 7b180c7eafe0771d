"""TCL, and what all contrastive estimators share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from mutua.data.sources import Mixture, gcl_segment_mixture, tcl_mixture
from mutua.evaluation import mcc
from mutua.ica import GCL, TCL, LinearICA
from mutua.types import InputError

QUICK: dict[str, Any] = {
    "hidden_layer_sizes": (12, 12),
    "max_iter": 1200,
    "batch_size": 256,
    "n_init": 1,
    "device": "cpu",
}


@pytest.fixture(scope="module")
def mixture() -> Mixture:
    return tcl_mixture(2, d=3, segments=64, per_segment=256, layers=2)


@pytest.fixture(scope="module")
def fitted(mixture: Mixture) -> TCL:
    return TCL(**QUICK | {"n_init": 2}).fit(mixture.x, mixture.u)


def test_it_finds_the_magnitudes_of_sources_that_linear_ica_does_not(mixture: Mixture, fitted: TCL) -> None:
    fresh = mixture.fresh(0)
    found = mcc(np.abs(fresh.s), fitted.transform(fresh.x))
    linear = LinearICA().fit(mixture.x).transform(fresh.x)
    assert found > 0.97
    assert found > mcc(np.abs(fresh.s), np.abs(linear)) + 0.02
    # Its long tail is above, as that of |s|.
    assert (np.power(fitted.transform(fresh.x), 3).mean(0) > 0).all()


def test_the_score_is_above_chance_and_is_the_mean_over_rows(mixture: Mixture, fitted: TCL) -> None:
    fresh = mixture.fresh(0)
    score = fitted.score(fresh.x, fresh.u)
    assert score == pytest.approx(fitted.contrasts_.max(), abs=0.1)
    assert fitted.score(fresh.x, np.roll(fresh.u, 9999)) < 0 < score < np.log(64)


def test_the_score_by_hand(mixture: Mixture, fitted: TCL) -> None:
    rows = mixture.x[::100]
    h = fitted.features(rows)
    head = fitted._model.head[1]
    logits = np.sqrt(h * h + 1e-3) @ head.weight.detach().numpy().T + head.bias.detach().numpy()
    told = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    by_hand = told[np.arange(len(rows)), mixture.u[::100]] + np.log(64)
    assert fitted.score(rows, mixture.u[::100]) == pytest.approx(by_hand.mean(), abs=1e-4)


def test_the_report_says_what_was_checked(fitted: TCL) -> None:
    result = fitted.report()
    words = " ".join(result.words)
    assert "All 3 checks made speak for the 3 components" in words
    assert "signs of sources not at all" in words
    assert fitted.agreement_ is not None
    assert fitted.agreement_.mean > 0.9


def test_torch_in_is_numpy_out_and_labels_may_be_names(mixture: Mixture) -> None:
    quick = QUICK | {"max_iter": 20, "baseline": False}
    plain = TCL(**quick).fit(mixture.x, mixture.u)
    names = np.array([f"s{k:02d}" for k in mixture.u])
    other = TCL(**quick).fit(torch.from_numpy(mixture.x), names)
    assert np.allclose(plain.transform(mixture.x), other.transform(torch.from_numpy(mixture.x)))
    with pytest.raises(InputError, match="nowhere in row 0 was not among the 64 classes"):
        other.score(mixture.x[:2], np.array(["nowhere", "s00"]))


def test_bad_input_is_one_clear_error(mixture: Mixture) -> None:
    x, u = mixture.x.copy(), mixture.u
    model = TCL(**QUICK)
    with pytest.raises(InputError, match="every row has the same value"):
        model.fit(x, np.zeros(len(x), int))
    with pytest.raises(InputError, match="for 16384 rows"):
        model.fit(x, u[:-1])
    with pytest.raises(InputError, match="u: a vector; TCL tells segments apart"):
        model.fit(x, np.linspace(0, 1, len(x)))
    with pytest.raises(InputError, match="has 3 rows for 3 channels"):
        model.fit(x[:30], np.arange(30) // 3)
    constant = x.copy()
    constant[:, 1] = 2
    with pytest.raises(InputError, match="channel 1 is constant"):
        model.fit(constant, u)
    x[7, 2] = np.nan
    with pytest.raises(InputError, match="NaN or infinity in row 7, channel 2"):
        model.fit(x, u)


def test_no_u_is_cut_into_segments_with_a_warning(mixture: Mixture) -> None:
    with pytest.warns(UserWarning, match="into 64 equal segments"):
        cut = TCL(**QUICK | {"max_iter": 20, "baseline": False}, segments=64).fit(mixture.x)
    given = TCL(**QUICK | {"max_iter": 20, "baseline": False}).fit(mixture.x, mixture.u)
    assert (cut.transform(mixture.x) == given.transform(mixture.x)).all()


def test_too_few_segments_warn(mixture: Mixture) -> None:
    with pytest.warns(UserWarning, match="needs at least 4"):
        TCL(**QUICK | {"max_iter": 5, "baseline": False}).fit(mixture.x, mixture.u // 32)


def test_nothing_nonlinear_to_find_warns() -> None:
    rng = np.random.default_rng(0)
    with pytest.warns(UserWarning, match="nonlinear model is"):
        TCL(**QUICK | {"max_iter": 300}).fit(rng.standard_normal((2000, 3)), np.arange(2000) // 200)


def test_training_that_diverges_names_the_step(mixture: Mixture) -> None:
    with pytest.raises(InputError, match=r"(loss|weights): not finite at step \d+; lower learning_rate"):
        TCL(**QUICK | {"learning_rate": 1e30}).fit(mixture.x, mixture.u)


def test_more_channels_than_sources() -> None:
    mixture = tcl_mixture(0, d=2, segments=24, per_segment=128, layers=1)
    rng = np.random.default_rng(0)
    x = np.hstack([mixture.x, 0.5 * mixture.x @ rng.standard_normal((2, 2)) + rng.standard_normal((3072, 2))])
    few = QUICK | {"max_iter": 800, "hidden_layer_sizes": (), "baseline": False}
    model = TCL("auto", **few).fit(x, mixture.u)
    assert model.n_components_ == 2
    assert sorted(model.tried_) == [1, 2, 4]
    assert "by number of components" in " ".join(model.report().words)


def test_chance_is_said_and_absurdity_refused() -> None:
    rng = np.random.default_rng(0)
    x, u = rng.standard_normal((600, 3)), np.arange(600) // 100
    with pytest.warns(UserWarning, match="no more than chance"):
        TCL(**QUICK | {"max_iter": 400}, baseline=False).fit(x, u)
    mixture = gcl_segment_mixture(0, segments=8, per_segment=100, d=3, layers=2)
    with pytest.raises(InputError, match=r"diverged: -.* nats a row on rows held out"):
        GCL(**QUICK | {"max_iter": 100, "learning_rate": 30.0}, baseline=False).fit(mixture.x, mixture.u)


def test_rows_far_beyond_the_fitted_are_refused(mixture: Mixture, fitted: TCL) -> None:
    far = mixture.x[:9].copy()
    far[3] *= 1e50
    for ask in (fitted.transform, fitted.features, lambda x: fitted.score(x, mixture.u[:9])):
        with pytest.raises(InputError, match="X: row 3 is beyond"):
            ask(far)


def test_evidence_is_of_what_transform_gives() -> None:
    """Of three sources one is not modulated: the verdict names the column of `transform` that it is."""
    rng = np.random.default_rng(3)
    u = np.repeat(np.arange(40), 100)
    s = rng.laplace(size=(4000, 3)) * np.exp(rng.normal(size=(40, 3)) * [1, 0, 1])[u]
    x = s @ rng.normal(size=(3, 3))
    model = TCL(**QUICK | {"hidden_layer_sizes": (), "max_iter": 1500, "n_init": 2}, baseline=False).fit(x, u)
    still = np.abs(np.corrcoef(model.transform(x).T, np.abs(s).T)[:3, 4]).argmax()
    assert model.variability_ is not None
    assert np.abs(model.variability_.weakest).argmax() == still
    assert model.agreement_ is not None
