"""Phrases against the formula in plain Python, pass after pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from mutua.types import InputError
from mutua.words import (
    CONNECTORS,
    Phrases,
    Word2Vec,
    by_total,
    by_vocabulary,
    corpus,
    join_best,
    join_left,
    linked,
)

Text = list[list[str]]


def text(n: int = 3000, seed: int = 0) -> Text:
    random = np.random.default_rng(seed)
    words = [["new", "york", "city"], ["new", "york"], ["red"], ["car"], ["a"], ["the"], ["city"]]
    picks = random.integers(0, len(words), (n, 5))
    return [[word for i in row for word in words[i]] for row in picks]


def slow_pass(sentences: Text, threshold: float, min_count: int, scale: Callable) -> tuple[dict, Text]:
    """The definition, joined from the left."""
    words = Counter(word for sentence in sentences for word in sentence)
    pairs = Counter(pair for sentence in sentences for pair in pairwise(sentence))
    size = sum(words.values()) if scale is by_total else len(words) + len(pairs)
    scores = {
        (a, b): (n - min_count) / (words[a] * words[b]) * size for (a, b), n in pairs.items() if n >= min_count
    }
    found = {pair: score for pair, score in scores.items() if score > threshold}
    joined = []
    for sentence in sentences:
        out, i = [], 0
        while i < len(sentence):
            pair = tuple(sentence[i : i + 2])
            out.append("_".join(pair) if pair in found else sentence[i])
            i += 2 if pair in found else 1
        joined.append(out)
    return found, joined


@pytest.mark.parametrize(("scale", "thresholds"), [(by_total, (3.0, 1.5)), (by_vocabulary, (0.004, 0.002))])
def test_passes_are_the_definition(scale: Callable, thresholds: tuple) -> None:
    sentences = text()
    phrases = Phrases(thresholds, min_count=10, scale=scale)
    corpus = phrases.fit_transform(sentences)
    expected = sentences
    for found, threshold in zip(phrases.phrases_, thresholds, strict=True):
        pairs, expected = slow_pass(expected, threshold, 10, scale)
        assert found == pytest.approx(pairs)
        assert found
    assert list(corpus.sentences()) == expected
    assert dict(zip(corpus.words, corpus.counts.tolist(), strict=True)) == {
        **dict.fromkeys(corpus.words, 0),
        **Counter(word for sentence in expected for word in sentence),
    }
    assert list(phrases.transform(sentences)) == expected
    assert list(Phrases(thresholds, min_count=10, scale=scale).fit(sentences).transform(sentences)) == expected
    assert any("new_york" in word for word in corpus.words)


def test_a_phrase_made_in_two_ways_is_one_word() -> None:
    sentences = [["a", "b", "c"]] * 30 + [["b", "c"]] * 90 + [["x", "y"]] * 300 + [["e"] * 9] * 60
    corpus = Phrases([0.1, 0.1], min_count=5, join=join_best).fit_transform(sentences)
    assert len(set(corpus.words)) == len(corpus.words)
    assert "a_b_c" in corpus.words
    model = Word2Vec(4, epochs=1, random_state=0).fit(corpus)
    assert {word for word in model.vectors_ if "e" not in word} == {"a_b_c", "b_c", "x_y"}


def test_best_rather_than_left() -> None:
    sentences = [["q", "new"]] * 20 + [["new", "york"]] * 50 + [["q", "new", "york"]] * 5 + [["z"]] * 2000
    left = Phrases([1.0], min_count=2, join=join_left).fit(sentences)
    best = Phrases([1.0], min_count=2, join=join_best).fit(sentences)
    assert left.phrases_ == best.phrases_
    assert left.phrases_[0]["q", "new"] < left.phrases_[0]["new", "york"]
    assert next(left.transform([["q", "new", "york"]])) == ["q_new", "york"]
    assert next(best.transform([["q", "new", "york"]])) == ["q", "new_york"]


def test_min_count_and_discount() -> None:
    sentences = [["a", "b"]] * 4 + [["z", "y", "x"]] * 50
    assert ("a", "b") not in Phrases([0.0], min_count=5, discount=0).fit(sentences).phrases_[0]
    found = Phrases([0.0], min_count=4, discount=1).fit(sentences)
    assert found.phrases_[0]["a", "b"] == pytest.approx(3 / 16 * 158)
    assert found.tallies_[0] == type(found.tallies_[0])(158, 5, 3)


def test_refused() -> None:
    for settings in ({"thresholds": ()}, {"min_count": 0}):
        with pytest.raises(InputError):
            Phrases(**settings).fit([["a"]])


def test_gensim_finds_the_same() -> None:
    models = pytest.importorskip("gensim.models")
    sentences = text()
    theirs = models.Phrases(sentences, min_count=10, threshold=0.004).export_phrases()
    ours = Phrases([0.004], min_count=10, scale=by_vocabulary).fit(sentences).phrases_[0]
    assert {"_".join(pair): score for pair, score in ours.items()} == theirs


def link_text(n: int = 2000, seed: int = 0) -> Text:
    random = np.random.default_rng(seed)
    words = [
        ["bank", "of", "america"],
        ["the", "bank"],
        ["of"],
        ["red"],
        ["of", "the"],
        ["america"],
        ["house", "of", "the", "lord"],
    ]
    picks = random.integers(0, len(words), (n, 4))
    return [[word for i in row for word in words[i]] for row in picks]


def slow_linked(sentences: Text, threshold: float, min_count: int, connectors: set) -> tuple[dict, Text]:
    """gensim's definition: candidates run from a word to the next that is no connector."""

    def candidates(sentence: list[str]) -> list[tuple[int, int]]:
        at = [i for i, word in enumerate(sentence) if word not in connectors]
        return list(pairwise(at))

    words = Counter(word for sentence in sentences for word in sentence if word not in connectors)
    pairs = Counter(tuple(s[i : j + 1]) for s in sentences for i, j in candidates(s))
    scores = {
        p: (n - min_count) / (words[p[0]] * words[p[-1]]) * (len(words) + len(pairs))
        for p, n in pairs.items()
        if n >= min_count
    }
    found = {pair: score for pair, score in scores.items() if score > threshold}
    joined = []
    for sentence in sentences:
        ends, out, i = dict(candidates(sentence)), [], 0
        while i < len(sentence):
            j = ends.get(i)
            phrase = j is not None and tuple(sentence[i : j + 1]) in found
            out.append("_".join(sentence[i : j + 1]) if phrase else sentence[i])
            i = j + 1 if phrase else i + 1
        joined.append(out)
    return found, joined


def test_connectors_stand_within_phrases_and_never_at_their_ends() -> None:
    sentences, connectors = link_text(), {"of", "the"}
    thresholds = (0.01, 0.005)
    phrases = Phrases(thresholds, min_count=10, scale=by_vocabulary, connector_words=connectors)
    corpus = phrases.fit_transform(sentences)
    expected = sentences
    for found, threshold in zip(phrases.phrases_, thresholds, strict=True):
        pairs, expected = slow_linked(expected, threshold, 10, connectors)
        assert found == pytest.approx(pairs)
        assert found
    assert list(corpus.sentences()) == expected
    assert list(phrases.transform(sentences)) == expected
    assert ("bank", "of", "america") in phrases.phrases_[0]
    assert next(phrases.transform([["of", "the", "bank", "of", "america", "of"]])) == [
        "of",
        "the",
        "bank_of_america",
        "of",
    ]
    # Connectors between that the text never had there: no phrase.
    assert next(phrases.transform([["bank", "the", "of", "the", "of", "america"]])) == [
        "bank", "the", "of", "the", "of", "america",
    ]  # fmt: skip
    counts = Counter(word for sentence in expected for word in sentence)
    assert {w: n for w, n in zip(corpus.words, corpus.counts.tolist(), strict=True) if n} == counts


def test_a_large_corpus_with_connectors_lies_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"min_count": 10, "scale": by_vocabulary, "connector_words": {"of", "the"}}
    held = Phrases([0.01], **settings).fit_transform(link_text())
    monkeypatch.setattr(corpus, "_IN_MEMORY", 100)
    monkeypatch.setattr(linked, "_BLOCK", 7)
    kept = Phrases([0.01], **settings).fit_transform(link_text())
    np.testing.assert_array_equal(kept.tokens, held.tokens)


def test_connectors_that_the_text_lacks_change_nothing() -> None:
    plain = Phrases([1.0], min_count=10).fit(text())
    linked = Phrases([1.0], min_count=10, connector_words=["zzz"]).fit(text())
    assert plain.phrases_ == linked.phrases_
    assert plain.tallies_ == linked.tallies_
    assert "of" in CONNECTORS
    with pytest.raises(InputError, match="one string"):
        Phrases(connector_words="of the").fit(text())


def test_best_rather_than_left_with_connectors() -> None:
    sentences = [["q", "of", "new"]] * 20 + [["new", "york"]] * 50 + [["q", "of", "new", "york"]] * 5
    sentences += [["z"]] * 2000
    best = Phrases([1.0], min_count=2, join=join_best, connector_words=["of"]).fit(sentences)
    assert next(best.transform([["q", "of", "new", "york", "of"]])) == ["q", "of", "new_york", "of"]
    left = Phrases([1.0], min_count=2, connector_words=["of"]).fit(sentences)
    assert next(left.transform([["q", "of", "new", "york", "of"]])) == ["q_of_new", "york", "of"]


def test_a_token_that_is_a_new_line_is_a_word_like_others() -> None:
    phrases = Phrases([1.0], min_count=5).fit([["new", "york"]] * 20 + [["a", "b"]] * 20)
    assert next(phrases.transform([["x", "\n", "new", "york", "\n"]])) == ["x", "\n", "new_york", "\n"]
