"""Connector words, as "of" in bank of america: taken out of a corpus of integers, and put back."""

from __future__ import annotations

from typing import NamedTuple, no_type_check

import numba
import numpy as np
from jaxtyping import Int32

from mutua.kernels.words.skipgram import BREAK

__all__ = ["Runs", "put_back", "taken_out"]


class Runs(NamedTuple):
    """Runs of connector words as paths in a tree, numbered from 1; 0 is the empty run.

    next: (runs, connectors), the run that a run becomes by one more. parent, last: a run without its last
    connector, and that connector.
    """

    next: Int32[np.ndarray, "runs c"]
    parent: Int32[np.ndarray, " runs"]
    last: Int32[np.ndarray, " runs"]

    def spelled(self, run: int) -> list[int]:
        """The connectors of a run."""
        found: list[int] = []
        while run:
            found.append(int(self.last[run]))
            run = int(self.parent[run])
        return found[::-1]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _take(tokens, connector, words, after, following, parent, last):
    """Number of words written and of runs known; 0 words where there is no room for another run."""
    n, known = 1, 1
    words[0], after[0] = BREAK, 0  # whose run is what the first sentence begins with
    for i in range(len(tokens)):
        c = -1 if tokens[i] == BREAK else connector[tokens[i]]
        if c < 0:
            words[n], after[n] = tokens[i], 0
            n += 1
            continue
        run = after[n - 1]
        if following[run, c] == 0:
            if known == len(parent):
                return 0, known
            following[run, c], parent[known], last[known] = known, run, c
            known += 1
        after[n - 1] = following[run, c]
    return n, known


def taken_out(
    tokens: Int32[np.ndarray, " n"],
    connector: Int32[np.ndarray, " v"],
    words: Int32[np.ndarray, " n_and_1"],
    after: Int32[np.ndarray, " n_and_1"],
) -> tuple[int, Runs]:
    """Words without connectors into `words`, one BREAK before all, and the run that follows each into `after`.

    connector: the number of each word among connectors, -1 for others. Returns how many words there are.
    """
    size = 1 << 10
    while True:
        following = np.zeros((size, int(connector.max(initial=0)) + 1), np.int32)
        runs = Runs(following, np.zeros(size, np.int32), np.zeros(size, np.int32))
        n, known = _take(tokens, connector, words, after, *runs)
        if n:
            return n, Runs(*(one[:known] for one in runs))
        size *= 4


@numba.njit(cache=True, nogil=True)
@no_type_check
def _put(words, after, parent, last, number, tokens):
    n = 0
    for i in range(len(words)):
        if i:
            tokens[n] = words[i]
            n += 1
        run, size = after[i], 0
        while run:
            run = parent[run]
            size += 1
        run, n = after[i], n + size
        for k in range(size):
            tokens[n - 1 - k] = number[last[run]]
            run = parent[run]
    return n


def put_back(
    words: Int32[np.ndarray, " n"],
    after: Int32[np.ndarray, " n"],
    runs: Runs,
    number: Int32[np.ndarray, " c"],
    tokens: Int32[np.ndarray, " room"],
) -> int:
    """The inverse of `taken_out`, into `tokens`; number: the word of each connector. Returns how many."""
    return int(_put(words, after, runs.parent, runs.last, number, tokens))
