"""A whole model in a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mutua.types import InputError
from mutua.words import Whitespace, Word2Vec, load_vectors, write_safetensors
from words.small_text import KINDS, topical


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_put_away_goes_on_as_if_it_had_not_been(kind: str, tmp_path: Path) -> None:
    model = KINDS[kind](epochs=2, tokenizer=Whitespace(lower=True)).fit(topical(200))
    path = tmp_path / "model.safetensors"
    model.save(path)
    loaded = Word2Vec.load(path)
    assert type(loaded) is type(model)
    assert loaded.get_params() == model.get_params()
    assert loaded.loss_ == model.loss_
    assert loaded.total_ == model.total_
    np.testing.assert_array_equal(loaded.vectors_.matrix, model.vectors_.matrix)
    np.testing.assert_array_equal(loaded.summed().matrix, model.summed().matrix)
    more = [*topical(200, seed=1), *[["new", "ant1", "ant2"]] * 6]
    for _ in range(2):
        loaded.partial_fit(more)
        model.partial_fit(more)
    assert "new" in loaded.vectors_
    assert loaded.words_ == model.words_
    np.testing.assert_array_equal(loaded.counts_, model.counts_)
    np.testing.assert_array_equal(loaded.vectors_.matrix, model.vectors_.matrix)
    np.testing.assert_array_equal(loaded.outputs_, model.outputs_)
    # As vectors alone, the file is like any other.
    np.testing.assert_array_equal(load_vectors(path)["ant1"], Word2Vec.load(path).vectors_["ant1"])
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


def test_models_that_cannot_be_loaded(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model = KINDS["skip-gram"](epochs=1, tokenizer=str.split).fit(["a b c"] * 9)
    model.save(path)
    assert Word2Vec.load(path, tokenizer=str.split).tokenizer is str.split
    whole = path.read_bytes()
    write_safetensors(model.vectors_, tmp_path / "vectors.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(whole[:-9])
    for name, said in (
        ("model", "tokenizer="),
        ("vectors", "holds no model"),
        ("cut", "cut short"),
        ("no", "read"),
    ):
        with pytest.raises(InputError, match=said) as caught:
            Word2Vec.load(tmp_path / f"{name}.safetensors")
        assert "\n" not in str(caught.value)
        assert name in str(caught.value)


def test_summed_is_the_sum_less_its_mean() -> None:
    model = KINDS["skip-gram"](epochs=2).fit(topical(200))
    found = model.summed()
    expected = model.inputs_[:, :12] + model.outputs_[:, :12]
    np.testing.assert_allclose(found.matrix, expected - expected.mean(0), atol=1e-6)
    assert found.words == model.words_


def test_numbers_of_numpy_are_saved(tmp_path: Path) -> None:
    model = Word2Vec(2, epochs=1).fit(["a b c"] * 9)
    model.set_params(vector_size=np.int64(2), epochs=np.int64(1), sample=np.float32(0))
    model.save(tmp_path / "m")
    assert Word2Vec.load(tmp_path / "m").get_params()["vector_size"] == 2
    with pytest.raises(InputError, match="cannot be written"):
        model.save(tmp_path)
