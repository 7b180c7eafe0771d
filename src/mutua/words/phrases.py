"""Phrases: words that stand together far more often than chance would have it become one token."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int32, Int64
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from mutua.data.text.sources import Source, read_sentences
from mutua.data.text.tokens import Tokenizer
from mutua.kernels.words.bigrams import count_bigrams, join_best, join_left
from mutua.kernels.words.skipgram import BREAK
from mutua.types import InputError
from mutua.words.corpus import Corpus, copied, read_corpus
from mutua.words.linked import Linked

__all__ = ["CONNECTORS", "Phrases", "Tally", "by_total", "by_vocabulary", "join_best", "join_left"]


@dataclass(frozen=True)
class Tally:
    """What was counted: words in all, distinct words, distinct pairs of neighbours."""

    total: int
    words: int
    bigrams: int


def by_total(tally: Tally) -> float:
    """Scale by the number of words of the corpus, as the C program word2phrase does."""
    return float(tally.total)


def by_vocabulary(tally: Tally) -> float:
    """Scale by the number of distinct words and bigrams together, as gensim does."""
    return float(tally.words + tally.bigrams)


Join = Callable[
    [
        Int32[np.ndarray, " n"],
        Int64[np.ndarray, " p"],
        Int64[np.ndarray, " p"],
        Int32[np.ndarray, " p"],
        Float64[np.ndarray, " p"],
        Int32[np.ndarray, " n"] | None,
        Int32[np.ndarray, " n"] | None,
    ],
    int,
]
"""`join_left` or `join_best`, or what has their signature."""

CONNECTORS = frozenset(
    ("a", "an", "the", "for", "of", "with", "without", "at", "from", "to", "in", "on", "by", "and", "or")
)
"""English articles, prepositions and conjunctions, for `connector_words`: the list that gensim has."""

# Sentences that `transform` works on at once.
_SENTENCES = 1000


class Phrases(TransformerMixin, BaseEstimator):
    """Join neighbours a, b to a_b where their score is above a threshold; pass after pass, phrases grow.

        score(a, b) = (n_ab - discount) / (n_a n_b) * scale

    With `connector_words`, words between which only connectors stand are neighbours too, and are joined with them
    (bank_of_america); n_ab counts a and b with these connectors between, and no phrase begins or ends with one.

    Args:
        thresholds: one a pass; lower from pass to pass. They depend on the scale: 200 then 100 is the C program's
            demonstration, by total; gensim's one pass has 10, by vocabulary.
        min_count: pairs and words that occur fewer times are never joined.
        discount: keeps rare pairs from scoring high; `min_count` by default, as in both programs.
        scale: `by_total` or `by_vocabulary`, or another function of a `Tally`.
        join: `join_left` takes the first pair met, as both programs do; `join_best` the best of those overlapping.
        connector_words: words that may stand within a phrase, as `CONNECTORS`; none by default.
        joiner: stands between joined words.
        tokenizer, errors, encoding, folder: as in `read_corpus`.

    Attributes:
        phrases_: for each pass, the pairs (a, b) joined and their scores; connectors stand between, (a, of, b).
        tallies_: for each pass, what was counted.

    Paper: Mikolov et al. 2013, Distributed Representations of Words and Phrases and their Compositionality,
    arXiv:1310.4546, section 4.

    >>> text = ["new york was big", "he likes new york", "a new car", "york is old"] * 5
    >>> phrases = Phrases([1.0], min_count=5).fit(text)
    >>> sorted(phrases.phrases_[0])
    [('new', 'york')]
    >>> list(phrases.transform(["in new york"]))
    [['in', 'new_york']]
    """

    def __init__(
        self,
        thresholds: Sequence[float] = (200.0, 100.0),
        *,
        min_count: int = 5,
        discount: float | None = None,
        scale: Callable[[Tally], float] = by_total,
        join: Join = join_left,
        connector_words: Collection[str] = (),
        joiner: str = "_",
        tokenizer: Tokenizer | None = None,
        errors: str = "strict",
        encoding: str = "utf-8",
        folder: Path | None = None,
    ) -> None:
        self.thresholds = thresholds
        self.min_count = min_count
        self.discount = discount
        self.scale = scale
        self.join = join
        self.connector_words = connector_words
        self.joiner = joiner
        self.tokenizer = tokenizer
        self.errors = errors
        self.encoding = encoding
        self.folder = folder

    def fit(self, X: Source | Corpus, y: object = None) -> Phrases:
        """Learn phrases from a text file or several, lines, lists of tokens, or a `Corpus` of all its words."""
        self._learn(X, last=False)
        return self

    def fit_transform(self, X: Source | Corpus, y: object = None) -> Corpus:  # type: ignore[override]
        """Learn phrases, and return the corpus with its phrases joined, ready for `Word2Vec.fit`."""
        return self._learn(X, last=True)

    def transform(self, X: Source) -> Iterator[list[str]]:
        """Sentences with their phrases joined, one after another: X is streamed."""
        check_is_fitted(self, "phrases_")
        pairs = [_Joined(found, self.joiner, self.connector_words) for found in self.phrases_ if found]
        sentences = read_sentences(X, self.tokenizer, errors=self.errors, encoding=self.encoding)
        while batch := list(itertools.islice(sentences, _SENTENCES)):
            for some in pairs:
                batch = some.joined(batch, self.join)
            yield from batch

    def _learn(self, X: Source | Corpus, last: bool) -> Corpus:
        self._check()
        if isinstance(X, Corpus):
            corpus = replace(X, tokens=copied(X.tokens, self.folder))
        else:
            corpus = read_corpus(
                X,
                self.tokenizer,
                min_count=1,
                errors=self.errors,
                encoding=self.encoding,
                folder=self.folder,
            )
        self.phrases_: list[dict[tuple[str, ...], float]] = []
        self.tallies_: list[Tally] = []
        for i, threshold in enumerate(self.thresholds):
            joins = last or i + 1 < len(self.thresholds)
            corpus = self._pass(corpus, threshold, joins)
        return corpus

    def _pass(self, corpus: Corpus, threshold: float, joins: bool) -> Corpus:
        discount = self.min_count if self.discount is None else self.discount
        words, counts = corpus.words, corpus.counts
        linked = Linked(corpus.tokens, words, self.connector_words, self.folder)
        bigrams = count_bigrams(linked.tokens, self.min_count, linked.starts)
        total, distinct = int(counts.sum()), int((counts > 0).sum()) - linked.connectors_seen
        tally = Tally(total, distinct, bigrams.distinct)
        n_a, n_b = counts[linked.word_of(bigrams.left)].astype(float), counts[bigrams.right].astype(float)
        # In gensim's order of operations: a score at the threshold is decided by the last bit.
        score = (bigrams.counts - discount) / (n_a * n_b) * self.scale(tally)
        chosen = np.flatnonzero(score > threshold)
        left, right, score = bigrams.left[chosen], bigrams.right[chosen], score[chosen]
        pairs = [(*linked.spelled(a), words[b]) for a, b in zip(left.tolist(), right.tolist(), strict=True)]
        self.phrases_.append(dict(zip(pairs, score.tolist(), strict=True)))
        self.tallies_.append(tally)
        if not joins or not pairs:
            return corpus
        # a_b and c may make what a and b_c make: one phrase, one number.
        number = {word: i for i, word in enumerate(words)}
        joined = [number.setdefault(self.joiner.join(pair), len(number)) for pair in pairs]
        tokens = linked.joined(self.join, left, right, np.array(joined, np.int32), score)
        found = sum(
            np.bincount(tokens[start : start + (1 << 22)] + 1, minlength=len(number) + 1)[1:]
            for start in range(0, len(tokens), 1 << 22)
        )
        return Corpus(tokens, list(number), np.asarray(found, np.int64), corpus.total)

    def _check(self) -> None:
        if not len(self.thresholds):
            raise InputError("thresholds: none; give one a pass, for example [200, 100]")
        if self.min_count < 1:
            raise InputError(f"min_count: {self.min_count!r}; use a whole number of at least 1")
        if isinstance(self.connector_words, str):
            raise InputError(f"connector_words: {self.connector_words!r} is one string; give a list of words")


class _Joined:
    """Phrases found in one pass, for joining lists of strings."""

    def __init__(self, found: dict[tuple[str, ...], float], joiner: str, connectors: Collection[str]) -> None:
        self.joiner, self.connectors = joiner, connectors
        words = dict.fromkeys(itertools.chain(connectors, itertools.chain.from_iterable(found)))
        self.words = [*words, ""]  # the last stands for any word of no phrase
        self.number = {word: i for i, word in enumerate(words)}
        self.scores = np.array(list(found.values()), float)
        self.found = list(found)

    def joined(self, sentences: list[list[str]], join: Join) -> list[list[str]]:
        # A joined pair has a negative number below BREAK.
        other = len(self.number)
        words = [word for sentence in sentences for word in (*sentence, None)]
        numbers = [BREAK if word is None else self.number.get(word, other) for word in words]
        tokens = np.array(numbers, np.int32)
        linked = Linked(tokens, self.words, self.connectors)
        marks = BREAK - 1 - np.arange(len(self.found), dtype=np.int32)
        number = self.number
        places = [linked.number([number[word] for word in phrase[:-1]]) for phrase in self.found]
        left = np.array(places, np.int64)
        right = np.array([number[phrase[-1]] for phrase in self.found], np.int64)
        found: list[list[str]] = [[]]
        at = 0
        for token in linked.joined(join, left, right, marks, self.scores).tolist():
            if token == BREAK:
                found.append([])
            elif token < BREAK:
                phrase = self.found[BREAK - 1 - token]
                found[-1].append(self.joiner.join(phrase))
                at += len(phrase) - 1
            else:
                found[-1].append(words[at] or "")
            at += 1
        return found[:-1]
