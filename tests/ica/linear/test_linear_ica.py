"""`LinearICA` as an estimator: scikit-learn's contract, the model equation, bad input."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from mutua.evaluation.sources.mcc import amari_distance, matched, mcc
from mutua.ica import SOLVERS, Laplace, LinearICA, Mixture, Sech, SubGaussian
from mutua.ica.linear.stochastic import covariant, online
from mutua.types import InputError


@parametrize_with_checks([LinearICA(), LinearICA(solver="covariant", max_iter=30)])
def test_contract_of_scikit_learn(estimator, check) -> None:
    check(estimator)


def mixed(n: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Recording, sources and mixing: three super-Gaussian sources, one sub-Gaussian, an offset."""
    rng = np.random.default_rng(seed)
    s = np.stack([rng.laplace(size=n), rng.uniform(-1, 1, n), rng.standard_t(3, n), rng.laplace(size=n) ** 3], 1)
    s = (s - s.mean(0)) / s.std(0)
    a = rng.normal(size=(4, 4))
    return s @ a.T + [5.0, -100.0, 0.0, 1.0], s, a


@pytest.mark.parametrize(
    ("settings", "least", "most"),
    [
        ({"solver": "newton"}, 0.999, 0.01),
        ({"solver": "online", "learning_rate": 0.1}, 0.999, 0.02),
        ({"solver": "covariant", "learning_rate": 0.02}, 0.999, 0.02),
    ],
)
def test_sources_are_recovered(settings: dict, least: float, most: float) -> None:
    x, s, a = mixed()
    ica = LinearICA(**settings).fit(x)
    assert ica.converged_
    assert mcc(s, ica.transform(x)) > least
    assert amari_distance(ica.components_, a) < most


def test_model_equation_order_sign_and_scale() -> None:
    x, _, _ = mixed()
    ica = LinearICA().fit(x)
    s = ica.transform(x)
    np.testing.assert_allclose(s @ ica.mixing_.T + ica.mean_, x, atol=1e-9)
    np.testing.assert_allclose(ica.inverse_transform(s), x, atol=1e-9)
    np.testing.assert_allclose(ica.unmixing_ @ ica.whitening_, ica.components_)
    np.testing.assert_allclose(s.std(0), 1)
    explained = np.square(ica.mixing_).sum(0)
    np.testing.assert_allclose(ica.explained_variance_, explained)
    assert (np.diff(explained) <= 0).all()
    assert (ica.mixing_[np.abs(ica.mixing_).argmax(0), range(4)] > 0).all()


@pytest.mark.parametrize("density", ["auto", "sech", Laplace(0.2), Mixture((0.3, 0.7), (-1.0, 0.5), (0.5, 1.0))])
@pytest.mark.parametrize("unit_variance", [True, False])
def test_likelihood_and_the_stationary_point(density, unit_variance: bool) -> None:
    x, _, _ = mixed()
    ica = LinearICA(density=density, unit_variance=unit_variance).fit(x)
    s = ica.transform(x)
    by_hand = np.log(abs(np.linalg.det(ica.components_))) + sum(
        density.log_prob(column) for density, column in zip(ica.densities_, s.T, strict=True)
    )
    np.testing.assert_allclose(ica.score_samples(x), by_hand)
    assert ica.score(x) == pytest.approx(by_hand.mean())
    assert ica.log_likelihood_ == pytest.approx(by_hand.mean())
    # Stationary: E[phi_i(s_i) s_j] = -1 where i = j, else 0.
    phi = np.stack([density.score(column) for density, column in zip(ica.densities_, s.T, strict=True)], 1)
    off = phi.T @ s / len(s) * s.std(0)[:, None] / s.std(0)
    np.testing.assert_allclose(off, -np.eye(4), atol=1e-6)


def test_equivariance() -> None:
    x, _, _ = mixed()
    other = x @ np.random.default_rng(9).normal(size=(4, 4)) * 1e-6 + 3
    first, second = (LinearICA(density="sech", random_state=seed).fit(data) for seed, data in ((0, x), (1, other)))
    found = matched(first.transform(x), second.transform(other))
    np.testing.assert_allclose(np.abs(found.correlation), 1, atol=1e-9)


def test_a_rotation_of_the_start_changes_nothing_and_a_seed_repeats() -> None:
    x, _, _ = mixed()
    first, again, other = (LinearICA(random_state=seed).fit(x).components_ for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(first, other, rtol=1e-4, atol=1e-4)


def test_auto_tells_super_from_sub_gaussian_and_margins_tell_a_gaussian() -> None:
    rng = np.random.default_rng(5)
    s = np.stack([rng.uniform(-1, 1, 20000), rng.laplace(size=20000), rng.normal(size=20000)], 1)
    x = s @ rng.normal(size=(3, 3))
    ica = LinearICA().fit(x)
    uniform, laplace, gaussian = matched(s, ica.transform(x)).estimate
    assert isinstance(ica.densities_[uniform].base, SubGaussian)
    assert isinstance(ica.densities_[laplace].base, Laplace)
    assert ica.gaussian_margin_[gaussian] < 0.005
    assert min(ica.gaussian_margin_[uniform], ica.gaussian_margin_[laplace]) > 0.03


def test_many_sub_gaussian_sources() -> None:
    rng = np.random.default_rng(7)
    s = rng.uniform(-1, 1, (10000, 6))
    x = s @ rng.normal(size=(6, 6))
    assert mcc(s, LinearICA().fit_transform(x)) > 0.999
    assert mcc(s, LinearICA(density="sech").fit_transform(x)) < 0.9


def test_half_precision_does_not_overflow() -> None:
    x = mixed(4000)[0].astype(np.float16)  # sums to -400,000, past the largest float16
    expected = LinearICA().fit(x.astype(float))
    np.testing.assert_array_equal(LinearICA().fit(x).components_, expected.components_)
    np.testing.assert_array_equal(expected.transform(x), expected.transform(x.astype(float)))


def test_fewer_components_than_channels() -> None:
    rng = np.random.default_rng(6)
    s = rng.laplace(size=(5000, 3))
    a = rng.normal(size=(10, 3))
    x = s @ a.T + 1e-3 * rng.normal(size=(5000, 10))
    ica = LinearICA(3).fit(x)
    assert ica.components_.shape == (3, 10)
    assert mcc(s, ica.transform(x)) > 0.998
    np.testing.assert_allclose(ica.inverse_transform(ica.transform(x)), x, atol=0.01)
    # The density is of the coordinates in the subspace: the same in any orthonormal basis of it.
    basis = np.linalg.qr(ica.mixing_)[0]
    small = LinearICA().fit(x @ basis)
    assert ica.score(x) == pytest.approx(small.score(x @ basis), abs=1e-6)


def test_removing_components() -> None:
    x, s, a = mixed()
    ica = LinearICA().fit(x)
    artefact = int(matched(s, ica.transform(x)).estimate[2])
    clean = ica.remove(x, [artefact])
    np.testing.assert_allclose(
        clean, x - ica.transform(x)[:, [artefact]] @ ica.mixing_[:, [artefact]].T, atol=1e-9
    )
    truth = x - s[:, [2]] @ a[:, [2]].T
    assert (clean - truth).std() < 0.1 * (x - truth).std()
    np.testing.assert_array_equal(ica.remove(x, []), x)
    with pytest.raises(InputError, match="numbered 0 to 3"):
        ica.remove(x, [4])


def test_larger_than_memory(tmp_path) -> None:
    x, _, _ = mixed(40000)
    x = np.round(x * 300).astype(np.int16)  # beyond +-180 squares overflow 16 bits
    x.tofile(tmp_path / "recording")
    mapped = np.memmap(tmp_path / "recording", np.int16, "r", shape=x.shape)
    held, streamed = LinearICA().fit(x.astype(float)), LinearICA(memory_bytes=0).fit(mapped)
    np.testing.assert_allclose(streamed.components_, held.components_, rtol=1e-5, atol=1e-9)
    pieces = list(streamed.transform_chunks(mapped))
    assert len(pieces) > 1
    np.testing.assert_allclose(np.concatenate(pieces), held.transform(x), atol=1e-4)
    assert held.transform(x).dtype == np.float64
    assert held.transform(x.astype(np.float32)).dtype == np.float32


def test_stream() -> None:
    x, s, a = mixed(40000)
    whole = LinearICA().fit(x)
    for solver in SOLVERS:
        ica = LinearICA(solver=solver)
        for batch in np.split(x, 40):
            ica.partial_fit(batch)
        # One pass of the plain gradient is far from the maximum; the quasi-Newton stream is near to it.
        most = 1.1 * amari_distance(whole.components_, a) if solver == "newton" else 0.06
        assert amari_distance(ica.components_, a) < most
        assert mcc(s, ica.transform(x)) > 0.98
        np.testing.assert_allclose(ica.mean_, x.mean(0), atol=1e-9)
        if solver == "newton":
            assert ica.score(x) == pytest.approx(whole.score(x), abs=0.05)
    with pytest.raises(ValueError, match="3 features"):
        ica.partial_fit(x[:, :3])


@pytest.mark.parametrize("whiten", [True, False])
def test_without_whitening_the_maximum_is_the_same(whiten: bool) -> None:
    x, _, _ = mixed()
    ica, plain = LinearICA(density="sech"), LinearICA(density="sech", whiten=False)
    np.testing.assert_allclose(plain.fit(x).components_, ica.fit(x).components_, rtol=1e-4, atol=1e-5)
    correlated = plain.whitening_ @ np.cov(x.T) @ plain.whitening_.T
    assert np.abs(correlated - np.eye(4)).max() > 0.1
    with pytest.raises(InputError, match="whiten=True"):
        LinearICA(2, whiten=False).fit(x)


def test_dependent_channels_are_named() -> None:
    x, _, _ = mixed()
    bad = np.column_stack([x, np.full(len(x), 0.1), -2 * x[:, 1], x[:, 0] + x[:, 3]])
    with pytest.raises(InputError) as caught:
        LinearICA().fit(bad)
    words = str(caught.value)
    assert "7 components asked for, but only 4 of 7" in words
    assert "channel 4 is constant" in words
    assert "channel 5 is a copy of channel 1" in words
    assert "channels 0, 3, 6 are linearly dependent" in words
    assert "\n" not in words
    for ica in (LinearICA(reduce_rank=True), LinearICA(4)):
        sources = ica.fit(bad).transform(bad)
        assert sources.shape[1] == 4
        assert mcc(LinearICA().fit_transform(x), sources) > 0.999
        np.testing.assert_allclose(ica.inverse_transform(sources), bad, atol=1e-8)
    named = pd.DataFrame(bad[:, [0, 4]], columns=["Fz", "Cz"])
    with pytest.raises(InputError, match=r"channel 1 \(Cz\) is constant"):
        LinearICA().fit(named)
    with pytest.raises(InputError, match="only 0 of 2"):
        LinearICA(reduce_rank=True).fit(np.ones((10, 2)))


def test_channels_in_very_different_units() -> None:
    x, s, _ = mixed()
    ica = LinearICA().fit(x * [1e-9, 1.0, 1e6, 1e-3])
    assert mcc(s, ica.transform(x * [1e-9, 1.0, 1e6, 1e-3])) > 0.999


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"solver": "quasi"}, "covariant, newton, online"),
        ({"density": "gauss"}, "no 'gauss'"),
        ({"density": ["sech"]}, "a list of 1 for 4"),
        ({"density": object()}, "has no log_prob"),
        ({"n_components": 0}, "n_components: 0"),
        ({"n_components": 5}, "5 of 4 channels"),
        ({"tol": -1.0}, "tol: -1.0"),
        ({"max_iter": 2.5}, "max_iter: 2.5"),
    ],
)
def test_settings_out_of_range(change: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        LinearICA(**change).fit(mixed(100)[0])


def test_bad_recordings() -> None:
    x, _, _ = mixed(3000)
    for value, word in ((np.nan, "NaN"), (-np.inf, "infinity")):
        bad = x.copy()
        bad[2345, 2] = value
        for method in (LinearICA().fit, LinearICA().fit(x).transform):
            with pytest.raises(InputError, match=f"{word} in row 2345, channel 2"):
                method(bad)
    with pytest.raises(InputError, match="only 3 of 4 channels are independent: 4 samples less their mean"):
        LinearICA().fit(x[:4])
    with pytest.raises(InputError, match="5 columns, but the model has 4"):
        LinearICA().fit(x).inverse_transform(np.ones((3, 5)))


def test_not_converged_is_said() -> None:
    x, _, _ = mixed()
    with pytest.warns(ConvergenceWarning, match="raise max_iter"):
        ica = LinearICA(max_iter=2).fit(x)
    assert not ica.converged_
    assert ica.gradient_ > 1e-7


def test_one_step_of_each_algorithm_is_the_lecture_s() -> None:
    w, x = np.array([[2.0, 1.0], [0.0, 1.0]]), np.array([[0.5, -1.0]])
    z = -np.tanh(w @ x[0])
    expected = np.linalg.inv(w.T) + np.outer(z, x[0])
    np.testing.assert_allclose(online(w, x, [Sech()] * 2), expected)
    np.testing.assert_allclose(covariant(w, x, [Sech()] * 2), expected @ w.T @ w)


def test_pandas_out() -> None:
    x, _, _ = mixed(500)
    frame = pd.DataFrame(x, columns=list("abcd"), index=range(7, 507))
    out = LinearICA().set_output(transform="pandas").fit_transform(frame)
    assert out.columns.tolist() == ["linearica0", "linearica1", "linearica2", "linearica3"]
    assert out.index.equals(frame.index)


class Raw:
    """What `LinearICA` knows of MNE's Raw and Epochs."""

    def __init__(self, data: np.ndarray) -> None:
        self._data, self.info = data, {"sfreq": 100.0}

    def get_data(self) -> np.ndarray:
        return self._data

    def copy(self) -> Raw:
        return Raw(self._data.copy())


@pytest.mark.parametrize("epochs", [False, True])
def test_mne_like_objects(epochs: bool) -> None:
    x, _, _ = mixed(2000)
    data = x.reshape(10, 200, 4).transpose(0, 2, 1) if epochs else x.T
    ica = LinearICA().fit(Raw(data))
    np.testing.assert_allclose(ica.components_, LinearICA().fit(x).components_)
    clean = ica.remove(Raw(data), [1])
    expected = ica.remove(x, [1])
    found = clean.get_data().transpose(0, 2, 1).reshape(-1, 4) if epochs else clean.get_data().T
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize(
    ("components", "away"),
    [
        (1, [1]),
        (np.int32(2), [2]),
        ([True, False, False, True], [0, 3]),
        (np.array([False] * 4), []),
        ({3, 0}, [0, 3]),
    ],
)
def test_remove_takes_a_number_several_or_a_mask(components: object, away: list[int]) -> None:
    x, _, _ = mixed(1000)
    ica = LinearICA().fit(x)
    s = ica.transform(x)
    s[:, away] = 0
    np.testing.assert_allclose(ica.remove(x, components), ica.inverse_transform(s))


@pytest.mark.parametrize("components", [4, -1, [0.5], [True, False], "0", [[0]], None, [None], "ab"])
def test_remove_refuses_what_is_no_component(components: object) -> None:
    x, _, _ = mixed(1000)
    with pytest.raises(InputError, match=r"^components: "):
        LinearICA().fit(x).remove(x, components)


def test_swapped_axes_are_refused_before_anything_of_channels_squared() -> None:
    x = np.zeros((16, 200_000))  # channels x channels would be 298 GiB
    x[0] = np.arange(200_000)
    with pytest.raises(InputError, match="are channels and times swapped"):
        LinearICA().fit(x)


def test_an_average_reference_is_named() -> None:
    x, _, _ = mixed(2000)
    with pytest.raises(InputError, match=r"all channels add up to nothing, as after an average reference.*=3"):
        LinearICA().fit(x - x.mean(1, keepdims=True))


@pytest.mark.parametrize("unit", [1, 0.1, 2.0**-15])
def test_rounding_is_no_component(unit: float) -> None:
    x, _, _ = mixed(4000)
    x = 40 * (x - x.mean(1, keepdims=True))
    rounded = np.round(x) * unit if unit != 1 else np.round(x).astype(np.int16)
    with pytest.warns(UserWarning, match=r"1 of 4 directions of X vary no more than the rounding.*n_components=3"):
        ica = LinearICA().fit(rounded)
    told = ica.report(rounded)
    assert told.tables[0].records()[3]["verdict"].startswith("no source")
    assert "use density='auto'" not in " ".join(told.words)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        LinearICA(3).fit(rounded)
        LinearICA(max_iter=500).fit(np.round(40 * mixed(4000)[0]))  # rounded, and of full rank
