"""What a fit says of itself, and what it leaves alone."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mutua.types import InputError
from mutua.words import Vectors, Word2Vec
from mutua.words.doubts import doubts, mean_cosine
from words.small_text import KINDS, topical


def test_mean_cosine_is_the_definition() -> None:
    units = Vectors(list("abcde"), np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)).units
    cosines = units @ units.T
    assert mean_cosine(units) == pytest.approx(cosines[~np.eye(5, dtype=bool)].mean(), abs=1e-6)
    assert mean_cosine(units[:2]) == 0


def test_a_fit_that_has_learned_nothing_says_so_and_what_helps() -> None:
    text = topical(30)
    with pytest.warns(UserWarning, match=r"parallel.*more text, learning_rate=0.1, epochs=50"):
        Word2Vec(random_state=0, sample=0).fit(text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Word2Vec(random_state=0, sample=0, learning_rate=0.1, epochs=50).fit(text)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_that_has_learned_says_nothing(kind: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        KINDS[kind]().fit(topical())


@pytest.mark.parametrize(
    ("loss", "total", "said"),
    [
        ([2.6, 2.416, 2.439], 1_441_098, "from 2.416 in epoch 2 to 2.439"),
        ([2.6, 2.416, 2.439], 1000, None),  # sampling alone does as much
        ([2.6, 2.5, 2.4], 1_441_098, None),
        ([2.6, 2.416, 2.420], 1_441_098, None),
    ],
)
def test_a_loss_that_rises_late(loss: list[float], total: int, said: str | None) -> None:
    vectors = Vectors(list("abcd"), np.eye(4, dtype=np.float32))
    model = SimpleNamespace(
        vectors_=vectors, loss_=loss, total_=total, learning_rate=0.025, final_rate=1e-4, epochs=3
    )
    found = doubts(model)
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_handed_out_stay_as_they_were(kind: str) -> None:
    model = KINDS[kind](epochs=2).fit(topical(60))
    before, words = model.vectors_, list(model.vectors_)
    matrix, units, counts = before.matrix.copy(), before.units.copy(), before.counts.copy()
    part = before.unseen("antx").copy() if before.unseen else None
    model.partial_fit(topical(60, seed=1))
    np.testing.assert_array_equal(before.matrix, matrix)
    np.testing.assert_array_equal(before.units, units)
    np.testing.assert_array_equal(before.counts, counts)
    assert list(before) == words
    assert part is None or (before.unseen("antx") == part).all()
    assert not np.array_equal(model.vectors_.matrix, matrix)
    fresh = Vectors(model.words_, model.vectors_.matrix.copy())
    np.testing.assert_array_equal(model.vectors_.units, fresh.units)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_that_fails_leaves_the_last(kind: str) -> None:
    model, again = KINDS[kind](epochs=2).fit(topical(60)), KINDS[kind](epochs=2).fit(topical(60))
    for fail in (
        lambda: model.fit(["alone"]),
        lambda: model.partial_fit([["alone"]]),
        lambda: model.set_params(learning_rate=1e30).partial_fit(topical(60, seed=1)),
    ):
        with pytest.raises(InputError):
            fail()
        model.set_params(learning_rate=0.1)
        np.testing.assert_array_equal(model.vectors_.matrix, again.vectors_.matrix)
    model.partial_fit(topical(60, seed=1))
    again.partial_fit(topical(60, seed=1))
    np.testing.assert_array_equal(model.vectors_.matrix, again.vectors_.matrix)
    assert model.loss_ == again.loss_


def test_text_in_another_encoding_is_fitted_and_transformed(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text("café crème\ncrème café\n" * 9, encoding="cp1252")
    model = Word2Vec(4, sample=0, random_state=0, encoding="cp1252")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(path)
    assert sorted(model.vectors_) == ["café", "crème"]
    assert np.abs(model.transform(path)).min(1).all()
