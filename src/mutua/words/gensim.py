"""gensim's `KeyedVectors` as objects, and its words for what has another name here."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float32

from mutua.words.vectors import Vectors

__all__ = ["from_gensim", "to_gensim"]


def to_gensim(vectors: Vectors) -> Any:
    """gensim's `KeyedVectors` with the same words, vectors and counts."""
    from gensim.models import KeyedVectors

    made = KeyedVectors(vectors.matrix.shape[1])
    made.add_vectors(vectors.words, np.ascontiguousarray(vectors.matrix))
    if vectors.counts is not None:
        for word, n in zip(vectors.words, vectors.counts.tolist(), strict=True):
            made.set_vecattr(word, "count", n)
    return made


def from_gensim(keyed: Any) -> Vectors:
    """`Vectors` of gensim's `KeyedVectors`, or of a model that has them as `wv`; FastText's keep their n-grams.

    Counts n, n - 1, ..., 1 are left out: gensim invents them for files that have none.
    """
    keyed = getattr(keyed, "wv", keyed)
    words = list(keyed.index_to_key)
    try:
        counts = np.array([keyed.get_vecattr(word, "count") for word in words], np.int64)
    except (KeyError, AttributeError, TypeError):
        counts = None
    if counts is not None and np.array_equal(counts, np.arange(len(counts), 0, -1)):
        counts = None
    unseen = partial(_from_ngrams, keyed) if hasattr(keyed, "vectors_ngrams") else None
    return Vectors(words, np.asarray(keyed.vectors, np.float32), counts, unseen, source="gensim")


def _from_ngrams(keyed: Any, word: str) -> Float32[np.ndarray, " d"] | None:
    try:
        return np.asarray(keyed.get_vector(word), np.float32)
    except KeyError:  # too short to have an n-gram
        return None
