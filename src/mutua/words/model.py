"""Word embeddings by negative sampling, with scikit-learn's conventions."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from mutua.data.text.files import PathLike
from mutua.data.text.sources import Source
from mutua.data.text.tokens import Tokenizer
from mutua.kernels.words.cbow import Groups, compose, subword_skipgram
from mutua.kernels.words.simd import aligned, all_finite
from mutua.kernels.words.skipgram import skipgram
from mutua.types import InputError
from mutua.words.checks import checked_settings
from mutua.words.corpus import Corpus, read_corpus
from mutua.words.documents import document_means
from mutua.words.doubts import doubts
from mutua.words.gensim_names import MODEL, MODEL_ARGUMENTS, knows, named_here
from mutua.words.passes import Kernel, effective_n_jobs, has_neighbours, noise_of, passes
from mutua.words.restoring import restoring
from mutua.words.saving import load_into, save
from mutua.words.subwords import Subwords
from mutua.words.vectors import Vectors

__all__ = ["Word2Vec"]


class Word2Vec(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Skip-gram with negative sampling: tell p(w, c) of neighbouring words from p(w) p(c)^power.

        loss = -log s(<x_c, y_w>) - sum_k log s(-<x_c, y_k>),   s the sigmoid, k noise words

    the logistic objective of `mutua.bounds` with the critic `Dot`; at its optimum <x_c, y_w> is
    log p(w, c)/p(w)p(c) - log K where power is 1. The K noise words are shared by the contexts of a window.

    Args:
        vector_size: D.
        window: words to either side at most; each window draws its reach from 1..window.
        negatives: K.
        epochs: passes over the corpus.
        min_count: rarer words are left out.
        max_words: keep this many of the most frequent words at most.
        sample: t of the thinning of frequent words (`noise_of`); 0 keeps all.
        power: of the counts, for noise.
        learning_rate: falls linearly over all epochs to `final_rate`.
        subwords: give each word its character n-grams too, so that unseen words have a vector.
        tokenizer: for text, not for lists of tokens: `Words()` by default, `Whitespace()`, or a function.
        errors: what to do with bytes that are no text: "strict", "replace" or "ignore".
        encoding: of files, by Python's names.
        n_jobs: threads, which share the vectors without locks. One thread and a seed give the same result again.
        random_state: of the first vectors and all draws.
        folder: where a large corpus is kept while it is in use; the system's place for temporary files.
        on_epoch: called with the epochs done and the mean loss of the last.

    Attributes:
        vectors_: the words' vectors, a `Vectors`.
        counts_: how often each word occurred.
        loss_: mean loss of a pair (in CBOW, of a window), in nats, epoch by epoch.
        total_: words read.
        interrupted_: whether Ctrl-C ended it: what was learned until then is kept.

    Paper: Mikolov et al. 2013, Distributed Representations of Words and Phrases and their Compositionality,
    arXiv:1310.4546; Levy and Goldberg 2014, Neural Word Embedding as Implicit Matrix Factorization.

    >>> text = ["the cat sat on the mat", "the dog sat on the rug"] * 200
    >>> model = Word2Vec(vector_size=8, sample=0, random_state=0).fit(text)
    >>> sorted(model.vectors_)
    ['cat', 'dog', 'mat', 'on', 'rug', 'sat', 'the']
    >>> model.transform(["the cat", "a dog"]).shape
    (2, 8)
    """

    @knows(MODEL_ARGUMENTS)
    def __init__(
        self,
        vector_size: int = 100,
        *,
        window: int = 5,
        negatives: int = 5,
        epochs: int = 5,
        min_count: int = 5,
        max_words: int | None = None,
        sample: float = 1e-3,
        power: float = 0.75,
        learning_rate: float = 0.025,
        final_rate: float = 1e-4,
        subwords: Subwords | None = None,
        tokenizer: Tokenizer | None = None,
        errors: str = "strict",
        encoding: str = "utf-8",
        n_jobs: int | None = None,
        random_state: Any = None,
        folder: Path | None = None,
        on_epoch: Callable[[int, float], None] | None = None,
    ) -> None:
        self.vector_size = vector_size
        self.window = window
        self.negatives = negatives
        self.epochs = epochs
        self.min_count = min_count
        self.max_words = max_words
        self.sample = sample
        self.power = power
        self.learning_rate = learning_rate
        self.final_rate = final_rate
        self.subwords = subwords
        self.tokenizer = tokenizer
        self.errors = errors
        self.encoding = encoding
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.folder = folder
        self.on_epoch = on_epoch

    def __getattr__(self, name: str) -> Any:
        raise named_here(self, name, MODEL)

    @knows(MODEL_ARGUMENTS)
    def fit(self, X: Source | Corpus, y: object = None) -> Word2Vec:
        """Learn from a text file or several, lines, lists of tokens, or a `Corpus`.

        Ctrl-C ends it early, with a warning, and keeps what was learned. A fit that fails leaves the last one.
        Warns where the vectors do not tell words apart yet, and where the loss rose in the last epochs.

        Raises InputError for settings out of range and for a corpus that `read_corpus` refuses.
        """
        with restoring(self):
            self._start(X)
            self._learn(self._corpus, self.epochs, self.learning_rate, self.final_rate)
        if not self.interrupted_:
            for words in doubts(self):
                warnings.warn(words, stacklevel=2)
        return self

    def partial_fit(self, X: Source | Corpus, y: object = None) -> Word2Vec:
        """One more pass, over other text, at the first learning rate. New words that are frequent enough join.

        A word joins where this text alone has it `min_count` times. `vectors_` of before stay as they were, for
        whoever holds them.
        """
        with restoring(self):
            if not hasattr(self, "vectors_"):
                self._start(X)
            else:
                self._check_learned()
                self._extend(X if isinstance(X, Corpus) else self._read(X, 1))
            self._learn(self._corpus, 1, self.learning_rate, self.learning_rate)
        return self

    def fit_transform(self, X: Source | Corpus, y: object = None) -> Float32[np.ndarray, "n d"]:  # type: ignore[override]
        """`fit`, then the mean vector of the words of each line. An iterator is held as a list meanwhile."""
        held = list(X) if isinstance(X, Iterator) else X
        return self.fit(held).transform(held)

    def transform(self, X: Source | Corpus) -> Float32[np.ndarray, "n d"]:
        """The mean vector of the words of each line, list of tokens or line of a file; zeros where none is known.

        With `subwords`, words that were never seen count too.

        `mutua.words.DocumentVectors` weighs words and removes what all documents share.
        """
        check_is_fitted(self, "vectors_")
        return document_means(self.vectors_, X, self.tokenizer, errors=self.errors, encoding=self.encoding)

    def summed(self) -> Vectors:
        """x_w + y_w of each word, less their mean over all words: a word's own vector and that of its company.

        Words are then near that stand in like places, or beside each other. At high learning rates it answers
        more analogies than x_w alone, which is `vectors_` (measured by `python -m bench words_best`).

        Paper: Levy, Goldberg and Dagan 2015, Improving Distributional Similarity with Lessons Learned from Word
        Embeddings, TACL; Mu and Viswanath 2018, All-but-the-Top, arXiv:1702.01417.
        """
        check_is_fitted(self, "vectors_")
        sums = self.vectors_.matrix + self.outputs_[:, : self.vectors_.matrix.shape[1]]
        return Vectors(self.words_, sums - sums.mean(0), self.counts_)

    def save(self, path: PathLike) -> None:
        """Write the whole model to a safetensors file, whole or not at all: `load`, then `partial_fit`, goes on.

        A tokenizer that is a function, `folder` and `on_epoch` are not written.
        """
        check_is_fitted(self, "vectors_")
        save(self, path)

    @staticmethod
    def load(path: PathLike, tokenizer: Tokenizer | None = None) -> Word2Vec:
        """The model that `save` wrote, a `Word2Vec` or a `CBOW`.

        tokenizer: instead of the one it was learned with; needed where that was a function.
        """
        from mutua.words.cbow import CBOW

        return load_into({"Word2Vec": Word2Vec, "CBOW": CBOW}, path, tokenizer)

    @property
    def _n_features_out(self) -> int:
        return self.vector_size

    def _read(self, X: Source, min_count: int) -> Corpus:
        return read_corpus(
            X,
            self.tokenizer,
            min_count=min_count,
            max_words=self.max_words,
            errors=self.errors,
            encoding=self.encoding,
            folder=self.folder,
        )

    def _start(self, X: Source | Corpus) -> None:
        checked_settings(self)
        if isinstance(X, Corpus):
            self._corpus = X.frequent(self.min_count, self.max_words, self.folder)
        else:
            self._corpus = self._read(X, self.min_count)
        _check_neighbours(self._corpus)
        self._random = check_random_state(self.random_state)
        n = len(self._corpus.words)
        self._n_words, self._subwords = n, self.subwords
        extra = self.subwords.buckets if self.subwords else 0
        try:
            self.inputs_, self.outputs_ = self._drawn(n + extra), aligned(n, self.vector_size)
        except (MemoryError, ValueError):
            raise InputError(
                f"vector_size: {n + extra:,} rows of {self.vector_size:,} numbers do not fit memory; "
                "use fewer, or raise min_count"
            ) from None
        self.loss_: list[float] = []
        self.words_, self.counts_, self.total_ = self._corpus.words, self._corpus.counts, self._corpus.total

    def _check_learned(self) -> None:
        """Settings may change between calls, but not what the vectors are."""
        checked_settings(self)
        d = self.vectors_.matrix.shape[1]
        if self.vector_size != d:
            raise InputError(f"vector_size: {self.vector_size}, but {d} was learned; set it back, or fit anew")
        if self.subwords != self._subwords:
            raise InputError(
                f"subwords: {self.subwords}, but {self._subwords} were learned; set it back, or fit anew"
            )

    def _extend(self, corpus: Corpus) -> None:
        """Take in the words of another corpus, and renumber it."""
        _check_neighbours(corpus)
        place = {word: i for i, word in enumerate(self.words_)}
        found = list(zip(corpus.words, corpus.counts.tolist(), strict=True))
        new = [word for word, n in found if n >= self.min_count and word not in place]
        place.update({word: len(place) + i for i, word in enumerate(new)})
        counts = np.concatenate([self.counts_, np.zeros(len(new), np.int64)])
        for word, n in found:
            if word in place:
                counts[place[word]] += n
        old, n = self._n_words, len(place)
        self.words_, self.counts_, self.total_ = list(place), counts, self.total_ + corpus.total
        self._n_words = n
        # Anew even where no word joins: the rows of before are those of vectors that were handed out.
        inputs, outputs = aligned(n + len(self.inputs_) - old, self.vector_size), aligned(n, self.vector_size)
        inputs[:old], inputs[old:n] = self.inputs_[:old], self._drawn(len(new)) if new else 0
        inputs[n:], outputs[:old] = self.inputs_[old:], self.outputs_
        self.inputs_, self.outputs_ = inputs, outputs
        self._corpus = corpus.restricted(self.words_, counts, self.folder)

    def _drawn(self, n: int) -> Float32[np.ndarray, "n d_padded"]:
        """First vectors: uniform in +-1/D, as gensim's (the +-0.5/D of the C program is measurably worse)."""
        rows, d = aligned(n, self.vector_size), self.vector_size
        random = np.random.default_rng(self._random.randint(2**31))
        for start in range(0, n, 1 << 16):
            part = rows[start : start + (1 << 16), :d]
            part[:] = (random.random(part.shape, np.float32) * 2 - 1) / d
        return rows

    def _kernel(self) -> Kernel:
        """The compiled pass; what each word is made of is `_groups`."""
        if self.subwords is None:
            return skipgram
        return partial(subword_skipgram, groups=self._groups())

    def _groups(self) -> Groups:
        if self.subwords is None:
            return Groups(np.arange(self._n_words + 1), np.arange(self._n_words, dtype=np.int32))
        return self.subwords.groups(self.words_, self._n_words)

    def _learn(self, corpus: Corpus, epochs: int, first: float, last: float) -> None:
        """Epochs over `corpus` at a rate that falls from `first` to `last`; then the vectors words have."""
        kernel = partial(
            self._kernel(),
            inputs=self.inputs_,
            outputs=self.outputs_,
            noise=noise_of(self.counts_, self.sample, self.power),
            window=self.window,
            negatives=self.negatives,
        )
        self.interrupted_ = False
        seed = int(self._random.randint(2**31))
        try:
            for loss in passes(kernel, corpus.tokens, epochs, first, last, seed, effective_n_jobs(self.n_jobs)):
                if not (math.isfinite(loss) and all_finite(self.inputs_) and all_finite(self.outputs_)):
                    raise InputError(
                        f"learning_rate: {first}: the vectors grew without bound in epoch {len(self.loss_) + 1}; "
                        "use a smaller one (0.025 to 0.1 are usual) and fit anew"
                    )
                self.loss_ = [*self.loss_, loss]
                if self.on_epoch is not None:
                    self.on_epoch(len(self.loss_), loss)
        except KeyboardInterrupt:
            self.interrupted_ = True
            warnings.warn(f"{type(self).__name__}: interrupted; what was learned is kept", stacklevel=3)
        del self._corpus
        self.vectors_ = self._finished()

    def _finished(self) -> Vectors:
        d = self.vector_size
        if self.subwords is None:
            return Vectors(self.words_, self.inputs_[:, :d], self.counts_)
        groups = self._groups()
        matrix = np.empty((self._n_words, self.inputs_.shape[1]), np.float32)
        compose(self.inputs_, groups.ends, groups.rows, matrix)
        ngrams = self.inputs_[self._n_words :, :d]
        return Vectors(self.words_, matrix[:, :d], self.counts_, unseen=partial(self.subwords.vector, ngrams))


def _check_neighbours(corpus: Corpus) -> None:
    if not has_neighbours(corpus.tokens):
        raise InputError(
            "corpus: no word stands beside another; a string is a line, a list of strings is a sentence of tokens"
        )
