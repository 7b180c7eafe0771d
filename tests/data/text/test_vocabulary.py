"""Words as numbers, texts as rows of them, and the control of counted words."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mutua.data.examples import Examples
from mutua.data.labels import Labels
from mutua.data.text.bag_of_words import bag_of_words
from mutua.data.text.texts import Texts, texts_of, usual_length
from mutua.data.text.vocabulary import PADDING, UNKNOWN, Vocabulary
from mutua.types import InputError, Spec
from mutua.words import Whitespace, read_corpus

SENTENCES = ["The cat sat.", "the DOG, the cat", "...", "a bird"]


def some(sentences: list[str] = SENTENCES, tokens: int = 3, **more: object) -> Texts:
    return texts_of(sentences, Vocabulary.of(sentences), tokens, **more)


def test_numbers_by_count_then_by_the_alphabet() -> None:
    vocabulary = Vocabulary.of(SENTENCES)
    assert vocabulary.words == ("the", "cat", "a", "bird", "dog", "sat")
    assert Vocabulary.of(SENTENCES[::-1]) == vocabulary
    assert len(vocabulary) == 8
    assert Vocabulary.of(SENTENCES, min_count=2, max_words=1).words == ("the",)
    assert set(vocabulary.words) == set(read_corpus(SENTENCES, min_count=1).words)  # one tokenizer
    assert Vocabulary.of(["A b."], Whitespace()).words == ("A", "b.")


def test_rows_are_padded_cropped_and_never_empty() -> None:
    vocabulary = Vocabulary.of(SENTENCES)
    rows = vocabulary.encoded([*SENTENCES, "the unseen cat sat"], 3)
    assert rows.dtype == np.int32
    assert rows.tolist() == [[2, 3, 7], [2, 6, 2], [UNKNOWN, PADDING, PADDING], [4, 5, PADDING], [2, UNKNOWN, 3]]
    assert vocabulary.spelled(rows[4]) == ["the", "?", "cat"]
    assert vocabulary.spelled(rows[2]) == ["?"]
    assert usual_length(["a b"] * 199 + ["a b c d"], vocabulary) == 2
    assert usual_length(["a b"] * 9 + ["a b c d"], vocabulary) == 4
    with pytest.raises(InputError, match="twice"):
        Vocabulary(("a", "a"))


def test_texts_are_examples() -> None:
    labels = Labels(np.array([0, 1, 0, 1]), ("cat", "dog"))
    texts = some(targets={"animal": labels}, names=tuple("wxyz"), source="test")
    assert isinstance(texts, Examples)
    assert texts.spec == Spec("text", (3,), "int32")
    assert (len(texts), texts.labels.tolist(), texts.classes) == (4, [0, 1, 0, 1], ("cat", "dog"))
    taken = texts.take(torch.tensor([3, 0]))
    assert taken.dtype == torch.int32
    assert taken.tolist() == [[4, 5, 0], [2, 3, 7]]
    texts.spec.check(taken)
    few = texts.subset([3, 0])
    assert (few.sentence(0), few.names, few.labels.tolist()) == ("a bird", ("z", "w"), [1, 0])
    assert few.take(torch.tensor([0, 1])).equal(taken)
    other = texts.under(Vocabulary(("bird",)), 2)
    assert other.take(torch.tensor([3])).tolist() == [[1, 2]]
    assert other.spec.shape == (2,)
    assert texts.source == "test (4 texts, 1 cropped to 3 words, 1 without a word)"
    assert "2 duplicates" in some(["a", "a", "b", "a"]).source
    for make in (lambda: some(tokens=0), lambda: some(names=("w",)), lambda: some().subset([9])):
        with pytest.raises(InputError):
            make()


def test_counted_words_know_nothing_of_the_test_part() -> None:
    train, test = some(["good film", "bad film", "bad bad plot"]), some(["unheard film", "bad plot", "zzz"])
    rows, others = bag_of_words(train, test)
    assert rows.shape == (3, 8)  # bad, film, good, plot; good film, bad film, bad bad, bad plot
    assert others.shape == (3, 8)
    alone = bag_of_words(train)[0]
    np.testing.assert_array_equal(rows.toarray(), alone.toarray())
    np.testing.assert_allclose(np.linalg.norm(rows.toarray(), axis=1), 1, rtol=1e-6)
    assert others[2].nnz == 0
    assert others[0].nnz == 1
    # By hand, "good film": idf(good) = idf(good film) = 1 + log(4/2), idf(film) = 1 + log(4/3).
    rare, common = 1 + np.log(2), 1 + np.log(4 / 3)
    row = np.sort(rows[0].toarray()[rows[0].toarray() > 0])
    np.testing.assert_allclose(row, np.array([common, rare, rare]) / np.hypot(common, rare * 2**0.5), rtol=1e-5)
    with pytest.raises(InputError, match="no words in its texts"):
        bag_of_words(texts_of(["..."], Vocabulary(()), 3))
