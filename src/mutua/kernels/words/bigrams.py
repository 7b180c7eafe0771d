"""Counting pairs of neighbours in a corpus of integers, exactly and in bounded memory, and joining them."""

from __future__ import annotations

from typing import NamedTuple, no_type_check

import numba
import numpy as np
from jaxtyping import Float64, Int32, Int64

from mutua.kernels.words.sampling import mixed
from mutua.kernels.words.simd import prefetch
from mutua.kernels.words.skipgram import BREAK

__all__ = ["Bigrams", "count_bigrams", "join_best", "join_left"]

# Tokens whose pairs are counted at once, and places in the table for the distinct ones among them.
_TOKENS, _SLOTS = 1 << 23, 1 << 22
_AHEAD = 32
_RUN = 4096


class Bigrams(NamedTuple):
    """Pairs that occur often enough: words left[i], right[i], counts[i] times; `distinct`: pairs there are."""

    left: Int64[np.ndarray, " p"]
    right: Int64[np.ndarray, " p"]
    counts: Int64[np.ndarray, " p"]
    distinct: int


@numba.njit(cache=True, inline="always")
@no_type_check
def _key(a, b):
    return (np.uint64(a) << np.uint64(32)) | np.uint64(b)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _count_part(starts, tokens, part, parts, table):
    """Counts of pairs (starts[i], tokens[i + 1]) whose hash falls to this part; -1: the table is too small.

    Its rows: key, count. Key 0 is a free place. Places are asked for some pairs ahead: what is waited for is
    memory.
    """
    mask, distinct, base = np.uint64(len(table) - 1), 0, np.uint64(table.ctypes.data)
    most = len(table) // 4 * 3
    ahead, places = np.empty(_AHEAD, np.uint64), np.empty(_AHEAD, np.uint64)
    i, n = 0, len(tokens) - 1
    while i < n:
        waiting = 0
        while i < n and waiting < _AHEAD:
            a, b = starts[i], tokens[i + 1]
            i += 1
            if min(a, b) == BREAK:
                continue
            key = _key(a, b) + np.uint64(1)
            code = mixed(key)
            if np.int64(code >> np.uint64(40)) & (parts - 1) == part:
                slot = code & mask
                prefetch(base + slot * np.uint64(16), 1)
                ahead[waiting], places[waiting] = key, slot
                waiting += 1
        for w in range(waiting):
            key, slot = ahead[w], places[w]
            while table[slot, 0] != key and table[slot, 0] != 0:
                slot = (slot + np.uint64(1)) & mask
            if table[slot, 0] == 0:
                if distinct == most:
                    return -1
                table[slot, 0] = key
                distinct += 1
            table[slot, 1] += np.uint64(1)
    return distinct


def count_bigrams(
    tokens: Int32[np.ndarray, " n"], min_count: int, starts: Int32[np.ndarray, " n"] | None = None
) -> Bigrams:
    """Pairs of neighbours that occur `min_count` times or more, and how many distinct pairs there are.

    starts: what a token is called as the first of a pair, where that is not what it is called as the second.

    Exact. The corpus is passed once for each few million tokens it has, each time for another part of the pairs,
    so that memory does not grow with the corpus.
    """
    parts, slots = 1, _SLOTS
    while len(tokens) > parts * _TOKENS:
        parts *= 2
    found, distinct, part = [], 0, 0
    table = np.zeros((slots, 2), np.uint64)
    while part < parts:
        n = _count_part(tokens if starts is None else starts, tokens, part, parts, table)
        if n < 0:
            slots *= 2
            table = np.zeros((slots, 2), np.uint64)
            continue
        distinct += n
        often = table[table[:, 1] >= max(min_count, 1)]
        found.append((often[:, 0] - np.uint64(1), often[:, 1].astype(np.int64)))
        table[:] = 0
        part += 1
    key = np.concatenate([key for key, _ in found])
    order = np.argsort(key)  # whatever the parts
    key = key[order]
    left, right = (key >> np.uint64(32)).astype(np.int64), (key & np.uint64(0xFFFFFFFF)).astype(np.int64)
    return Bigrams(left, right, np.concatenate([count for _, count in found])[order], distinct)


@numba.njit(cache=True)
@no_type_check
def _table(left, right):
    size = 16
    while size < 2 * len(left):
        size *= 2
    keys, values = np.zeros(size, np.uint64), np.zeros(size, np.int64)
    mask = np.uint64(size - 1)
    for p in range(len(left)):
        key = _key(left[p], right[p]) + np.uint64(1)
        slot = mixed(key) & mask
        while keys[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        keys[slot], values[slot] = key, p
    return keys, values


@numba.njit(cache=True, inline="always")
@no_type_check
def _find(keys, values, a, b):
    if min(a, b) == BREAK:
        return -1
    key = _key(a, b) + np.uint64(1)
    mask = np.uint64(len(keys) - 1)
    slot = mixed(key) & mask
    while keys[slot] != 0:
        if keys[slot] == key:
            return values[slot]
        slot = (slot + np.uint64(1)) & mask
    return -1


@numba.njit(cache=True, nogil=True)
@no_type_check
def _join_left(starts, tokens, after, keys, values, joined):
    n = i = 0
    while i < len(tokens):
        p = _find(keys, values, starts[i], tokens[i + 1]) if i + 1 < len(tokens) else -1
        tokens[n] = tokens[i] if p < 0 else joined[p]
        i += 1 if p < 0 else 2
        if len(after):
            after[n] = after[i - 1]
        n += 1
    return n


@numba.njit(cache=True, nogil=True)
@no_type_check
def _join_best(starts, tokens, after, keys, values, joined, scores):
    pair, best = np.empty(_RUN, np.int64), np.empty(_RUN + 1)
    taken = np.empty(_RUN, np.bool_)
    n = i = 0
    while i < len(tokens):
        size = 0  # candidates (i, i+1), (i+1, i+2), ... one after another
        while size < _RUN and i + size + 1 < len(tokens):
            p = _find(keys, values, starts[i + size], tokens[i + size + 1])
            if p < 0:
                break
            pair[size] = p
            size += 1
        # best[j]: the largest sum of scores of pairs that do not overlap, among the first j.
        best[0] = 0.0
        for j in range(size):
            best[j + 1] = max(best[j], (best[j - 1] if j else 0.0) + scores[pair[j]])
        taken[:size] = False
        j = size
        while j > 0:
            if best[j] > best[j - 1]:
                taken[j - 1] = True
                j -= 1
            j -= 1
        j = 0
        while j <= size:  # the run has size + 1 words
            if j < size and taken[j]:
                tokens[n] = joined[pair[j]]
                j += 2
            else:
                tokens[n] = tokens[i + j]
                j += 1
            if len(after):
                after[n] = after[i + j - 1]
            n += 1
        i += size + 1
    return n


def join_left(
    tokens: Int32[np.ndarray, " n"],
    left: Int64[np.ndarray, " p"],
    right: Int64[np.ndarray, " p"],
    joined: Int32[np.ndarray, " p"],
    scores: Float64[np.ndarray, " p"],
    starts: Int32[np.ndarray, " n"] | None = None,
    after: Int32[np.ndarray, " m"] | None = None,
) -> int:
    """Replace pairs by `joined`, in place, each as soon as it is met: of "a b c", a_b is taken before b_c.

    Returns how many tokens are left. So do word2phrase and gensim. `starts` as in `count_bigrams`; `after`: what
    follows each token, moved with it.
    """
    starts = tokens if starts is None else starts
    after = np.zeros(0, np.int32) if after is None else after
    return int(_join_left(starts, tokens, after, *_table(left, right), joined))


def join_best(
    tokens: Int32[np.ndarray, " n"],
    left: Int64[np.ndarray, " p"],
    right: Int64[np.ndarray, " p"],
    joined: Int32[np.ndarray, " p"],
    scores: Float64[np.ndarray, " p"],
    starts: Int32[np.ndarray, " n"] | None = None,
    after: Int32[np.ndarray, " m"] | None = None,
) -> int:
    """Replace pairs by `joined`, in place: where pairs overlap, those with the largest sum of scores.

    Returns how many tokens are left. `starts` and `after` as in `join_left`.
    """
    starts = tokens if starts is None else starts
    after = np.zeros(0, np.int32) if after is None else after
    return int(_join_best(starts, tokens, after, *_table(left, right), joined, scores))
