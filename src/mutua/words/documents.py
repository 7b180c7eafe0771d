"""Vectors of documents: weighted means of word vectors, without what all documents share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Float32, Float64
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from mutua.data.text.sources import Source, read_sentences
from mutua.data.text.tokens import Tokenizer, Words
from mutua.types import InputError
from mutua.words.corpus import Corpus
from mutua.words.vectors import Unseen, Vectors

__all__ = ["DocumentVectors", "document_means"]


def _tokenized(
    documents: Source | Corpus, tokenizer: Tokenizer | None, errors: str, encoding: str
) -> Iterator[Iterable[str]]:
    tokenizer = Words() if tokenizer is None else tokenizer
    if isinstance(documents, Corpus):
        documents = documents.sentences()
    elif isinstance(documents, os.PathLike) or (isinstance(documents, str) and os.path.isfile(documents)):
        documents = read_sentences(documents, tokenizer, errors=errors, encoding=encoding)
    elif isinstance(documents, str):
        raise InputError(
            f"documents: {str(documents)[:60]!r} is one string; give a list of texts or of token lists, or a file"
        )
    for document in documents:
        yield tokenizer(document) if isinstance(document, str) else document


def document_means(
    vectors: Vectors,
    documents: Source | Corpus,
    tokenizer: Tokenizer | None = None,
    weights: Float64[np.ndarray, " v"] | None = None,
    *,
    errors: str = "strict",
    encoding: str = "utf-8",
) -> Float32[np.ndarray, "n d"]:
    """sum_w weight_w x_w / n over the n words of each document that have a vector; zeros where none has.

    Args:
        documents: texts, or lists of tokens; a file's lines; or the sentences of a `Corpus`.
        weights: of each word of `vectors`; 1 by default.
        errors, encoding: of a file, as in `read_corpus`.
    """
    index, rows = vectors.index, []
    zeros = np.zeros(vectors.matrix.shape[1], np.float32)
    for tokens in map(list, _tokenized(documents, tokenizer, errors, encoding)):
        known = [index[token] for token in tokens if token in index]
        made = [] if vectors.unseen is None else _made(vectors.unseen, [t for t in tokens if t not in index])
        n = len(known) + len(made)
        if not n:
            rows.append(zeros)
            continue
        share = np.ones(len(known)) if weights is None else weights[known]
        # A word never seen has p = 0, and so weight 1.
        rows.append(((share @ vectors.matrix[known] + sum(made, zeros)) / n).astype(np.float32))
    return np.stack(rows) if rows else np.zeros((0, len(zeros)), np.float32)


def _made(unseen: Unseen, tokens: list[str]) -> list[Float32[np.ndarray, " d"]]:
    return [vector for vector in map(unseen, tokens) if vector is not None]


class DocumentVectors(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Smooth inverse frequency: means of word vectors with weights a/(a + p(w)), their first components removed.

        v = sum_w a/(a + p(w)) x_w / n,   v <- v - U U^T v,   U the first right singular vectors of all v

    U is found on the documents given to `fit`. Words without a vector count for nothing; where `vectors` give one
    to unseen words, those have p = 0.

    Args:
        vectors: of words, with counts.
        smoothing: a; smaller weighs rare words more.
        components: how many directions to remove; 0 for none.
        tokenizer: for texts, not for lists of tokens.

    Paper: Arora, Liang and Ma 2017, A Simple but Tough-to-Beat Baseline for Sentence Embeddings, ICLR.
    """

    def __init__(
        self,
        vectors: Vectors,
        *,
        smoothing: float = 1e-3,
        components: int = 1,
        tokenizer: Tokenizer | None = None,
    ) -> None:
        self.vectors = vectors
        self.smoothing = smoothing
        self.components = components
        self.tokenizer = tokenizer

    def fit(self, X: Source, y: object = None) -> DocumentVectors:
        """Find the directions that the documents share."""
        if self.vectors.counts is None:
            raise InputError(
                "DocumentVectors: the vectors have no counts to weigh words by; fit them here, or set counts"
            )
        if not self.vectors.counts.sum() > 0 or self.vectors.counts.min() < 0:
            raise InputError("DocumentVectors: the vectors' counts are no counts; fit them here, or set counts")
        if not self.smoothing > 0:
            raise InputError(f"smoothing: {self.smoothing}; use a positive number, 1e-3 in the paper")
        p = self.vectors.counts / self.vectors.counts.sum()
        self.weights_ = self.smoothing / (self.smoothing + p)
        means = self._means(X)
        if self.components and not len(means):
            raise InputError("documents: none to find what they share; give some, or set components=0")
        self.components_ = np.linalg.svd(means, full_matrices=False)[2][: self.components]  # (components, d)
        return self

    def transform(self, X: Source) -> Float32[np.ndarray, "n d"]:
        """Vectors of documents (texts, or lists of tokens)."""
        check_is_fitted(self, "components_")
        means = self._means(X)
        return means - means @ self.components_.T @ self.components_

    def _means(self, X: Source) -> Float32[np.ndarray, "n d"]:
        return document_means(self.vectors, X, self.tokenizer, self.weights_)

    @property
    def _n_features_out(self) -> int:
        return self.vectors.matrix.shape[1]
