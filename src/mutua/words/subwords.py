"""Character n-grams as parts of words, so that a word that was never seen has a vector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from mutua.kernels.words.cbow import Groups, ngram_groups
from mutua.types import InputError

__all__ = ["Subwords"]


@dataclass(frozen=True)
class Subwords:
    """The n-grams of `<word>` of `shortest` to `longest` characters, hashed into `buckets` rows, as in fastText.

    A word's vector is the mean of its own row and its n-grams' rows; an unseen word's that of its n-grams alone.

    Paper: Bojanowski et al. 2017, Enriching Word Vectors with Subword Information, arXiv:1607.04606.
    """

    shortest: int = 3
    longest: int = 6
    buckets: int = 2_000_000

    def __post_init__(self) -> None:
        if not 1 <= self.shortest <= self.longest:
            raise InputError(f"subwords: n-grams of {self.shortest} to {self.longest} characters; use 1 or more")
        if self.buckets < 1:
            raise InputError(f"subwords: {self.buckets} buckets; use at least 1, fastText uses 2,000,000")

    def groups(self, words: list[str], first: int) -> Groups:
        """Rows of each word: its own and, from row `first` on, its n-grams'."""
        return ngram_groups(words, self.shortest, self.longest, self.buckets, first)

    def vector(self, ngrams: Float32[np.ndarray, "buckets d"], word: str) -> Float32[np.ndarray, " d"] | None:
        """The mean of a word's n-grams; None for a word too short to have one."""
        rows = ngram_groups([word], self.shortest, self.longest, self.buckets, 0, own=False).rows
        return ngrams[rows].mean(0) if len(rows) else None
