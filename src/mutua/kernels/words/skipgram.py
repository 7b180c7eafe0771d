"""Skip-gram with negative sampling over a corpus of integers, and its slow twin.

The pairs of a window share the word at its centre and K noise words, so that their scores are one small product
of 2b context rows with K + 1 output rows, and so are both gradients. Paper: Ji et al. 2016, Parallelizing
Word2Vec in Shared and Distributed Memory, arXiv:1604.04661; Mikolov et al. 2013, arXiv:1310.4546.
"""

from __future__ import annotations

import math
from typing import NamedTuple, no_type_check

import numba
import numpy as np
from jaxtyping import Float32, Int32, UInt8, UInt32

from mutua.kernels.words.sampling import draw, mixed, noise_word
from mutua.kernels.words.simd import axpy, prefetch, tile_add, tile_scores

__all__ = ["BREAK", "Noise", "Seen", "fill_kept", "losses", "skipgram", "slow_skipgram", "slow_step"]

# What stands between sentences in a corpus of word numbers.
BREAK = -1
# Tokens between two looks at the learning rate and at whether to stop.
_BLOCK = 4096
# A score that counts for nothing: sigmoid and softplus of it are 0.
_NOTHING = -87.0


class Noise(NamedTuple):
    """What words are kept with and what noise is drawn from.

    keep: probability that an occurrence of a word is used. threshold, other: `alias_table` of the noise.
    """

    keep: Float32[np.ndarray, " v"]
    threshold: UInt32[np.ndarray, " v"]
    other: Int32[np.ndarray, " v"]


class Seen(NamedTuple):
    """Sum of the loss in nats, pairs it was summed over, and corpus tokens passed."""

    loss: float
    pairs: int
    tokens: int


@numba.njit(cache=True, fastmath=True, error_model="numpy")
@no_type_check
def losses(t):
    """t becomes sigmoid(t), in place. Returns the sum of max(t, 0) and the product of 1 + exp(-|t|).

    The sum of softplus(t) is the first plus the log of the second, which 64 values keep within float32.
    """
    above, product = np.float32(0), np.float32(1)
    one, half = np.float32(1), np.float32(0.5)
    for i in range(len(t)):
        x = t[i]
        y = max(-abs(x), np.float32(-87.0))
        m = np.floor(y * np.float32(1.4426950408889634) + half)
        # exp(y) = 2^m exp(r), |r| <= ln(2)/2; ln 2 in two parts, of which the first times m is exact.
        r = (y - m * np.float32(0.693359375)) + m * np.float32(2.12194440e-4)
        p = np.float32(1 / 720) * r + np.float32(1 / 120)
        p = p * r + np.float32(1 / 24)
        p = p * r + np.float32(1 / 6)
        p = p * r + half
        p = p * r + one
        p = p * r + one
        e = p * np.int32((np.int32(m) + np.int32(127)) << np.int32(23)).view(np.float32)
        share = one / (one + e)
        t[i] = share if x > np.float32(0) else e * share
        above += max(x, np.float32(0))
        product *= one + e
    return above, product


@numba.njit(cache=True, inline="always")
@no_type_check
def _is_kept(tokens, keep, key, i):
    return np.float32(draw(key, i) >> np.uint64(40)) * np.float32(2.0**-24) < keep[tokens[i]]


@numba.njit(cache=True)
@no_type_check
def fill_kept(tokens, keep, key, start, stop, window, word, place):
    """Words kept of tokens[start:stop] and of up to `window` on either side, with where they stood.

    BREAK stands between sentences. Returns how many were written, and the range that lies in start:stop.
    """
    found, i = 0, start - 1
    while i >= 0 and found < window and tokens[i] != BREAK:
        if _is_kept(tokens, keep, key, i):
            word[window - 1 - found], place[window - 1 - found] = tokens[i], i
            found += 1
        i -= 1
    for j in range(found):  # to the front
        word[j], place[j] = word[window - found + j], place[window - found + j]
    n = first = found
    for i in range(start, stop):
        if tokens[i] == BREAK:
            if n and word[n - 1] != BREAK:
                word[n], place[n] = BREAK, i
                n += 1
        elif _is_kept(tokens, keep, key, i):
            word[n], place[n] = tokens[i], i
            n += 1
    last, i, found = n, stop, 0
    while i < len(tokens) and found < window and tokens[i] != BREAK:
        if _is_kept(tokens, keep, key, i):
            word[n], place[n] = tokens[i], i
            n += 1
            found += 1
        i += 1
    return n, first, last


@numba.njit(cache=True, nogil=True, fastmath={"contract", "nsz", "arcp"}, error_model="numpy")
@no_type_check
def _pass(tokens, start, stop, window, negatives, keep, threshold, other, inputs, outputs, rate, fall, key, ended):
    width = inputs.shape[1]
    bytes_of_row = np.uint64(4 * width)
    many, k, wide = 2 * window, negatives + 1, (negatives + 2) // 2 * 2
    input_base, output_base = np.uint64(inputs.ctypes.data), np.uint64(outputs.ctypes.data)
    word, place = np.empty(_BLOCK + many + 2, np.int32), np.empty(_BLOCK + many + 2, np.int64)
    # Rows of a window by address, an odd number made even by a row of zeros; their changes.
    x, o = np.empty(many, np.uint64), np.empty(wide, np.uint64)
    changes = np.zeros((many + wide + 2, width), np.float32)
    empty = np.uint64(changes.ctypes.data)
    dx = empty + bytes_of_row
    do = dx + np.uint64(many) * bytes_of_row
    drawn, coming = np.empty(wide, np.int64), np.empty(wide, np.int64)
    t = np.empty(many * wide, np.float32)
    loss, factor, pairs, tokens_passed = 0.0, 1.0, 0, 0
    for block in range(start, stop, _BLOCK):
        if ended[0]:
            break
        end = min(block + _BLOCK, stop)
        step = np.float32(rate - fall * block)
        n, first, last = fill_kept(tokens, keep, key, block, end, window, word, place)
        for c in range(first, last + 1):
            # Noise for the next window is drawn and its rows asked for while this one is worked on.
            drawn, coming = coming, drawn
            if c < last and word[c] != BREAK:
                bits = draw(key, place[c])
                coming[0] = word[c]
                for j in range(1, k):
                    coming[j] = noise_word(mixed(bits + np.uint64(j)), threshold, other)
                for j in range(k):
                    prefetch(output_base + np.uint64(coming[j]) * bytes_of_row, width)
                if c + window < n and word[c + window] != BREAK:
                    prefetch(input_base + np.uint64(word[c + window]) * bytes_of_row, width)
            centre = c - 1
            if centre < first or word[centre] == BREAK:
                continue
            reach = (
                np.int64(((draw(key, place[centre]) & np.uint64(0xFFFF)) * np.uint64(window)) >> np.uint64(16)) + 1
            )
            m = 0
            for j in range(centre - 1, max(centre - reach, 0) - 1, -1):
                if word[j] == BREAK:
                    break
                x[m] = input_base + np.uint64(word[j]) * bytes_of_row
                m += 1
            for j in range(centre + 1, min(centre + reach + 1, n)):
                if word[j] == BREAK:
                    break
                x[m] = input_base + np.uint64(word[j]) * bytes_of_row
                m += 1
            if m == 0:
                continue
            for j in range(k):
                o[j] = output_base + np.uint64(drawn[j]) * bytes_of_row
            if wide > k:
                o[k] = empty
            used = (m + 1) // 2 * 2
            if used > m:
                x[m] = empty
            for i in range(0, used, 2):
                for j in range(0, wide, 2):
                    s00, s01, s10, s11 = tile_scores(x[i], x[i + 1], o[j], o[j + 1], width)
                    at = i * wide + j
                    t[at], t[at + 1], t[at + wide], t[at + wide + 1] = s00, s01, s10, s11
            # t: minus the score of the pair that is joint, the score of those that are not.
            for i in range(m):
                t[i * wide] = -t[i * wide]
            for j in range(1, wide):
                if j == k or drawn[j] == drawn[0]:
                    for i in range(m):
                        t[i * wide + j] = _NOTHING
            if used > m:
                for j in range(wide):
                    t[m * wide + j] = _NOTHING
            for at in range(0, used * wide, 64):
                above, product = losses(t[at : min(at + 64, used * wide)])
                loss += above
                factor *= product
                if factor > 1e200:
                    loss += math.log(factor)
                    factor = 1.0
            pairs += m
            changes[1 : 1 + used] = 0
            changes[1 + many : 1 + many + wide] = 0
            for i in range(0, used, 2):
                for j in range(0, wide, 2):
                    at = i * wide + j
                    sign = step if j == 0 else -step
                    a, b = dx + np.uint64(i) * bytes_of_row, do + np.uint64(j) * bytes_of_row
                    tile_add(
                        x[i], x[i + 1], o[j], o[j + 1], a, a + bytes_of_row, b, b + bytes_of_row,
                        sign * t[at], -step * t[at + 1], sign * t[at + wide], -step * t[at + wide + 1], width,
                    )  # fmt: skip
            for i in range(m):
                axpy(np.float32(1), dx + np.uint64(i) * bytes_of_row, x[i], width)
            for j in range(k):
                axpy(np.float32(1), do + np.uint64(j) * bytes_of_row, o[j], width)
        tokens_passed += end - block
    return loss + math.log(factor), pairs, tokens_passed


def skipgram(
    tokens: Int32[np.ndarray, " n"],
    start: int,
    stop: int,
    inputs: Float32[np.ndarray, "v d"],
    outputs: Float32[np.ndarray, "v d"],
    noise: Noise,
    *,
    window: int,
    negatives: int,
    rate: float,
    fall: float,
    key: np.uint64,
    ended: UInt8[np.ndarray, " one"],
) -> Seen:
    """Train on the windows centred in tokens[start:stop]; `inputs` and `outputs` (of `aligned`) change in place.

    The window around position i reaches a uniform 1..window kept words to either side, never past a BREAK. For
    each context word c of it, with w the centre, n_j the noise words and s the sigmoid, one step down

        -log s(<inputs[c], outputs[w]>) - sum_j log s(-<inputs[c], outputs[n_j]>)

    all steps of a window at once, from where its rows stood. A noise word that is w is left out. The rate is
    rate - fall * i. Stops early once `ended[0]` is set. Other threads may work on the same rows without locks.
    """
    arguments = (window, negatives, *noise, inputs, outputs, rate, fall, key, ended)
    return Seen(*_pass(tokens, start, stop, *arguments))


def slow_step(
    inputs: Float32[np.ndarray, "v d"],
    outputs: Float32[np.ndarray, "v d"],
    contexts: list[int],
    drawn: list[int],
    rate: float,
) -> float:
    """One window by the definition: `drawn` is the centre, then the noise. Returns its loss."""
    s = inputs[contexts].astype(float) @ outputs[drawn].astype(float).T  # (m, k + 1)
    label = np.array([1.0] + [0.0] * (len(drawn) - 1))
    used = np.array([True] + [word != drawn[0] for word in drawn[1:]])
    error = used * (label - 1 / (1 + np.exp(-s)))  # (m, k + 1)
    dx, do = rate * error @ outputs[drawn], rate * error.T @ inputs[contexts]
    np.add.at(inputs, contexts, dx.astype(np.float32))
    np.add.at(outputs, drawn, do.astype(np.float32))
    return float((used * np.logaddexp(0, np.where(label > 0, -s, s))).sum())


def slow_skipgram(
    tokens: Int32[np.ndarray, " n"],
    inputs: Float32[np.ndarray, "v d"],
    outputs: Float32[np.ndarray, "v d"],
    noise: Noise,
    *,
    window: int,
    negatives: int,
    rate: float,
    fall: float,
    key: np.uint64,
) -> Seen:
    """`skipgram` over the whole corpus, window by window in plain numpy, with the same draws."""
    loss, pairs = 0.0, 0
    sentences = np.split(np.arange(len(tokens)), np.flatnonzero(tokens == BREAK))
    for sentence in sentences:
        words = [i for i in sentence.tolist() if tokens[i] != BREAK]
        places = [i for i in words if (int(draw(key, i)) >> 40) * 2.0**-24 < noise.keep[tokens[i]]]
        for c, i in enumerate(places):
            bits = int(draw(key, i))
            reach = 1 + ((bits & 0xFFFF) * window >> 16)
            near = places[max(c - reach, 0) : c] + places[c + 1 : c + reach + 1]
            if not near:
                continue
            seeds = [np.uint64((bits + j) % 2**64) for j in range(1, negatives + 1)]
            others = [int(noise_word(np.uint64(mixed(z)), noise.threshold, noise.other)) for z in seeds]
            step = rate - fall * (i // _BLOCK * _BLOCK)
            drawn = [int(tokens[i]), *others]
            loss += slow_step(inputs, outputs, [int(tokens[j]) for j in near], drawn, step)
            pairs += len(near)
    return Seen(loss, pairs, len(tokens))
