"""A corpus whose words are neighbours across connector words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int32, Int64

from mutua.kernels.words.connectors import put_back, taken_out
from mutua.words.corpus import room

__all__ = ["Linked"]

# Tokens taken at once where memory must not grow with all of them.
_BLOCK = 1 << 22


class Linked:
    """Tokens without connectors; each is called by another number as the first of a pair if connectors follow it.

    Without connectors, the tokens themselves: they are then changed in place.

    Args:
        corpus: word numbers, BREAK between sentences.
        words: what each number spells.
        connectors: words that may stand between two words of a phrase.
        folder: where a large corpus is kept meanwhile.

    Attributes:
        tokens, starts: for `count_bigrams`. From v on, starts are numbers of (word, run of connectors).
    """

    def __init__(
        self,
        corpus: Int32[np.ndarray, " n"],
        words: Sequence[str],
        connectors: Collection[str],
        folder: Path | None = None,
    ) -> None:
        self.words, self.corpus = words, corpus
        self.links = [i for i, word in enumerate(words) if word in connectors] if len(connectors) else []
        self.tokens, self.starts, self.connectors_seen = corpus, None, 0
        if not self.links:
            return
        v = len(words)
        connector = np.full(v, -1, np.int32)
        connector[self.links] = np.arange(len(self.links))
        tokens, after = room(len(corpus) + 1, folder), room(len(corpus) + 1, folder)
        n, self.runs = taken_out(corpus, connector, tokens, after)
        self.tokens, self.after = tokens[:n], after[:n]
        self.connectors_seen = len(np.unique(self.runs.last[1:]))
        # Pairs of a word and the run after it, numbered in their order.
        self.keys = np.zeros(0, np.int64)
        for start in range(0, n, _BLOCK):
            self.keys = np.union1d(self.keys, self._keys(start)[1])
        self.starts = room(n, folder)
        self.starts[:] = self.tokens
        for start in range(0, n, _BLOCK):
            linked, keys = self._keys(start)
            self.starts[start + linked] = v + np.searchsorted(self.keys, keys)

    def _keys(self, start: int) -> tuple[Int64[np.ndarray, " l"], Int64[np.ndarray, " l"]]:
        """Where in the block from `start` on connectors follow a word, and the pairs of that word and its run."""
        tokens, after = self.tokens[start : start + _BLOCK], self.after[start : start + _BLOCK]
        linked = np.flatnonzero((after > 0) & (tokens >= 0))
        return linked, (tokens[linked].astype(np.int64) << 32) | after[linked]

    def word_of(self, start: Int64[np.ndarray, " p"]) -> Int64[np.ndarray, " p"]:
        """The word of a start."""
        if self.starts is None:
            return start
        v = len(self.words)
        return np.where(start < v, start, np.append(self.keys >> 32, 0)[np.maximum(start - v, -1)])

    def spelled(self, start: int) -> list[str]:
        """The word of a start, and the connectors after it."""
        if start < len(self.words):
            return [self.words[start]]
        word, run = divmod(int(self.keys[start - len(self.words)]), 1 << 32)
        return [self.words[word], *(self.words[self.links[c]] for c in self.runs.spelled(run))]

    def number(self, start: Sequence[int]) -> int:
        """The number of a word and the connectors after it, given by their numbers; -2: not there."""
        word, *links = start
        if not links:
            return word
        if self.starts is None:
            return -2
        run, place = 0, {number: c for c, number in enumerate(self.links)}
        for link in links:
            run = int(self.runs.next[run, place[link]])
            if run == 0:
                return -2
        at = int(np.searchsorted(self.keys, (word << 32) | run))
        return len(self.words) + at if self.keys[at : at + 1].tolist() == [(word << 32) | run] else -2

    def joined(
        self,
        join: Callable[..., int],
        left: Int64[np.ndarray, " p"],
        right: Int64[np.ndarray, " p"],
        joined: Int32[np.ndarray, " p"],
        scores: Float64[np.ndarray, " p"],
    ) -> Int32[np.ndarray, " m"]:
        """The tokens with pairs joined and connectors of no pair back in their places. Changes the corpus."""
        if self.starts is None:
            return self.tokens[: join(self.tokens, left, right, joined, scores)]
        n = join(self.tokens, left, right, joined, scores, self.starts, self.after)
        number = np.array(self.links, np.int32)
        return self.corpus[: put_back(self.tokens[:n], self.after[:n], self.runs, number, self.corpus)]
