"""Recordings of MNE: which channels and samples a fit sees, and what comes back as it was."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from mutua.ica import LinearICA, expected_interference
from mutua.types import InputError

NAMES = ["A", "B", "C", "D"]
RNG = np.random.default_rng(0)
X = RNG.laplace(size=(3000, 4)) @ RNG.normal(size=(4, 4)).T


class Raw:
    """What `LinearICA` knows of MNE's Raw."""

    def __init__(
        self, data: np.ndarray, names: Sequence[str], kinds: Sequence[str] | None = None, bads: Sequence[str] = ()
    ) -> None:
        self._data, self.ch_names, self.kinds = data, list(names), list(kinds or ["eeg"] * len(names))
        self.info = {"sfreq": 100.0, "bads": list(bads)}
        self.bad: slice = slice(0, 0)

    def get_data(self, reject_by_annotation: str | None = None) -> np.ndarray:
        kept = np.ones(self._data.shape[-1], bool)
        kept[self.bad] = reject_by_annotation is None
        return self._data[..., kept].copy()

    def get_channel_types(self) -> list[str]:
        return self.kinds

    def copy(self) -> Raw:
        return copy.deepcopy(self)


def with_others(x: np.ndarray) -> Raw:
    """The channels of x among a trigger, an EOG and a bad channel of NaN."""
    trigger = np.zeros(len(x))
    trigger[::100] = 5.0
    data = np.stack([x[:, 0], trigger, x[:, 1], np.full(len(x), np.nan), x[:, 2], x[:, 0] ** 2, x[:, 3]])
    kinds = ["eeg", "stim", "eeg", "eeg", "eeg", "eog", "eeg"]
    return Raw(data, ["A", "STI", "B", "flat", "C", "EOG", "D"], kinds, ["flat"])


def test_data_channels_alone_are_fitted_and_others_stay_as_they_were() -> None:
    raw, plain = with_others(X), LinearICA().fit(X)
    ica = LinearICA().fit(raw)
    np.testing.assert_allclose(ica.components_, plain.components_)
    assert list(ica.feature_names_in_) == NAMES
    clean = ica.remove(raw, [0]).get_data()
    np.testing.assert_array_equal(clean[[1, 3, 5]], raw.get_data()[[1, 3, 5]])
    np.testing.assert_allclose(clean[[0, 2, 4, 6]].T, plain.remove(X, [0]))
    assert ica.score(raw) == pytest.approx(plain.score(X))
    np.testing.assert_allclose(expected_interference(ica, raw), expected_interference(plain, X))


def test_channels_are_told_by_name(tmp_path: Any) -> None:
    ica = LinearICA().fit(Raw(X.T, NAMES))
    ica.save(tmp_path / "ica.safetensors")
    for model in (ica, LinearICA.load(tmp_path / "ica.safetensors")):
        turned = model.remove(Raw(X.T[::-1], NAMES[::-1]), [1]).get_data()
        np.testing.assert_allclose(turned[::-1].T, LinearICA().fit(X).remove(X, [1]))
        with pytest.raises(InputError, match="no channel D, which the model was fitted on"):
            model.remove(Raw(X.T, ["A", "B", "C", "E"]), [1])


def test_what_is_annotated_bad_is_not_fitted_but_is_cleaned() -> None:
    x = X.copy()
    x[1000:1200] = 1e3 * RNG.normal(size=(200, 4))
    raw, kept = Raw(x.T, NAMES), np.r_[0:1000, 1200:3000]
    raw.bad = slice(1000, 1200)
    ica, plain = LinearICA().fit(raw), LinearICA().fit(x[kept])
    np.testing.assert_allclose(ica.components_, plain.components_)
    assert ica.score(raw) == pytest.approx(plain.score(x[kept]))
    np.testing.assert_allclose(ica.remove(raw, [2]).get_data().T, plain.remove(x, [2]))
    assert len(ica.score_samples(raw)) == len(x)


@pytest.mark.parametrize(
    ("kinds", "settings", "words"),
    [
        (["stim", "eog", "misc", "misc"], {}, "no data channels .*there are eog, misc, stim"),
        (
            ["eeg", "eeg", "mag", "mag"],
            {"n_components": 2},
            "channels of eeg and mag, whose units can't be compared",
        ),
    ],
)
def test_refusals(kinds: list[str], settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        LinearICA(**settings).fit(Raw(X.T, NAMES, kinds))


def test_a_value_that_is_no_number_is_told_by_the_channel() -> None:
    x = X.copy()
    x[7, 2] = np.nan
    with pytest.raises(InputError, match=r"NaN in row 7, channel 2 \(C\)"):
        LinearICA().fit(Raw(x.T, NAMES))


@pytest.mark.parametrize("kind", ["raw", "epochs", "evoked"])
def test_mne_itself(kind: str) -> None:
    mne = pytest.importorskip("mne")
    info = mne.create_info([*NAMES, "STI"], 100.0, ["eeg"] * 4 + ["stim"])
    data = np.concatenate([X, np.arange(3000)[:, None]], 1).T
    made: dict[str, Any] = {
        "raw": lambda: mne.io.RawArray(data, info, verbose="error"),
        "epochs": lambda: mne.EpochsArray(data.reshape(5, 30, 100).transpose(1, 0, 2), info, verbose="error"),
        "evoked": lambda: mne.EvokedArray(data, info, tmin=-0.1, verbose="error"),
    }
    there = made[kind]()
    ica, plain = LinearICA().fit(there), LinearICA().fit(X)
    np.testing.assert_allclose(ica.components_, plain.components_)
    flat = (lambda a: a.transpose(1, 0, 2).reshape(a.shape[1], -1)) if kind == "epochs" else (lambda a: a)
    clean = flat(ica.remove(there, [0]).get_data())
    np.testing.assert_allclose(clean[:4].T, plain.remove(X, [0]))
    np.testing.assert_array_equal(clean[4], data[4])
    sources = ica.transform(there)
    np.testing.assert_allclose(flat(sources.get_data()).T, plain.transform(X))
    assert sources.times[0] == there.times[0]
    if kind == "raw":
        there.set_annotations(mne.Annotations([5.0], [10.0], ["BAD_moved"]))
        kept = np.r_[0:500, 1500:3000]
        np.testing.assert_allclose(LinearICA().fit(there).components_, LinearICA().fit(X[kept]).components_)
