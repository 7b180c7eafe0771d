"""Negative sampling where the input is a mean of rows: continuous bag of words, and words with their n-grams.

Paper: Mikolov et al. 2013, arXiv:1301.3781; Bojanowski et al. 2017, Enriching Word Vectors with Subword
Information, arXiv:1607.04606.
"""

from __future__ import annotations

import math
from typing import NamedTuple, no_type_check

import numba
import numpy as np
from jaxtyping import Float32, Int32, Int64, UInt8

from mutua.kernels.words.sampling import draw, mixed, noise_word
from mutua.kernels.words.simd import axpy, tile_scores
from mutua.kernels.words.skipgram import BREAK, Noise, Seen, fill_kept, losses

__all__ = ["Groups", "bag_of_words", "compose", "ngram_groups", "slow_bag_step", "subword_skipgram"]

_BLOCK = 4096
_NOTHING = -87.0


class Groups(NamedTuple):
    """Rows that make up each word: `rows[ends[w] : ends[w + 1]]`, the word's own first."""

    ends: Int64[np.ndarray, " v_and_1"]
    rows: Int32[np.ndarray, " g"]


@numba.njit(cache=True, nogil=True, fastmath={"contract", "nsz", "arcp"}, error_model="numpy")
@no_type_check
def _pass(
    tokens, start, stop, window, negatives, keep, threshold, other, inputs, outputs, ends, rows, rate, fall, key,
    ended, of_contexts,
):  # fmt: skip
    width = inputs.shape[1]
    bytes_of_row = np.uint64(4 * width)
    many, k = 2 * window, negatives + 1
    input_base, output_base = np.uint64(inputs.ctypes.data), np.uint64(outputs.ctypes.data)
    word, place = np.empty(_BLOCK + many + 2, np.int32), np.empty(_BLOCK + many + 2, np.int64)
    most = k if of_contexts else many * k
    o, drawn = np.empty(most + 1, np.uint64), np.empty(most + 1, np.int64)
    t = np.empty(most + 1, np.float32)
    scratch = np.zeros((4, width), np.float32)  # zeros, the mean h, its change, and that by one pair
    empty = np.uint64(scratch.ctypes.data)
    h, dh = empty + bytes_of_row, empty + np.uint64(2) * bytes_of_row
    change = dh + bytes_of_row
    loss, pairs, tokens_passed = 0.0, 0, 0
    near = np.empty(many + 1, np.int64)
    for block in range(start, stop, _BLOCK):
        if ended[0]:
            break
        end = min(block + _BLOCK, stop)
        step = np.float32(rate - fall * block)
        n, first, last = fill_kept(tokens, keep, key, block, end, window, word, place)
        for centre in range(first, last):
            if word[centre] == BREAK:
                continue
            bits = draw(key, place[centre])
            reach = np.int64(((bits & np.uint64(0xFFFF)) * np.uint64(window)) >> np.uint64(16)) + 1
            m = 0
            for j in range(centre - 1, max(centre - reach, 0) - 1, -1):
                if word[j] == BREAK:
                    break
                near[m] = word[j]
                m += 1
            for j in range(centre + 1, min(centre + reach + 1, n)):
                if word[j] == BREAK:
                    break
                near[m] = word[j]
                m += 1
            if m == 0:
                continue
            # Either the contexts are the input and the centre the output, or the other way round.
            if not of_contexts:
                near[m] = word[centre]
            bag_first, bag_last = (0, m) if of_contexts else (m, m + 1)
            positives = 1 if of_contexts else m
            for p in range(positives):
                drawn[p * k] = word[centre] if of_contexts else near[p]
                for j in range(1, k):
                    drawn[p * k + j] = noise_word(mixed(bits + np.uint64(p * k + j)), threshold, other)
            total = positives * k
            for j in range(total):
                o[j] = output_base + np.uint64(drawn[j]) * bytes_of_row
            o[total] = empty
            scratch[1:] = 0
            size = 0
            for i in range(bag_first, bag_last):
                for r in range(ends[near[i]], ends[near[i] + 1]):
                    axpy(np.float32(1), input_base + np.uint64(rows[r]) * bytes_of_row, h, width)
                    size += 1
            share = np.float32(1) / np.float32(size)
            for d in range(width):
                scratch[1, d] *= share
            # Pair after pair, each from where h stands after the one before.
            for p in range(positives):
                at = p * k
                for j in range(at, at + k, 2):
                    second = o[j + 1] if j + 1 < at + k else empty
                    t[j - at], t[j - at + 1], _, _ = tile_scores(h, empty, o[j], second, width)
                t[0] = -t[0]
                for j in range(1, k):
                    if drawn[at + j] == drawn[at]:
                        t[j] = _NOTHING
                if k % 2:
                    t[k] = _NOTHING
                for j in range(0, k, 64):
                    above, product = losses(t[j : min(j + 64, k)])
                    loss += above + math.log(np.float64(product))
                if p:
                    scratch[3] = 0
                for j in range(k):
                    t[j] *= step if j == 0 else -step
                    axpy(t[j], o[at + j], change, width)
                for j in range(k):
                    axpy(t[j], h, o[at + j], width)
                axpy(np.float32(1), change, h, width)
                axpy(np.float32(1), change, dh, width)
            pairs += positives
            for i in range(bag_first, bag_last):
                for r in range(ends[near[i]], ends[near[i] + 1]):
                    axpy(np.float32(1), dh, input_base + np.uint64(rows[r]) * bytes_of_row, width)
        tokens_passed += end - block
    return loss, pairs, tokens_passed


def bag_of_words(
    tokens: Int32[np.ndarray, " n"],
    start: int,
    stop: int,
    inputs: Float32[np.ndarray, "r d"],
    outputs: Float32[np.ndarray, "v d"],
    noise: Noise,
    *,
    groups: Groups,
    window: int,
    negatives: int,
    rate: float,
    fall: float,
    key: np.uint64,
    ended: UInt8[np.ndarray, " one"],
) -> Seen:
    """As `kernels.skipgram.skipgram`, but h, the mean of the rows of all context words, predicts the centre w:

        -log s(<h, outputs[w]>) - sum_j log s(-<h, outputs[n_j]>)

    Each row of the mean moves by the whole gradient of h, so that h moves as far as a row alone would: so do
    word2vec's C program, gensim and fastText.
    """
    arguments = (window, negatives, *noise, inputs, outputs, *groups, rate, fall, key, ended)
    return Seen(*_pass(tokens, start, stop, *arguments, True))


def subword_skipgram(
    tokens: Int32[np.ndarray, " n"],
    start: int,
    stop: int,
    inputs: Float32[np.ndarray, "r d"],
    outputs: Float32[np.ndarray, "v d"],
    noise: Noise,
    *,
    groups: Groups,
    window: int,
    negatives: int,
    rate: float,
    fall: float,
    key: np.uint64,
    ended: UInt8[np.ndarray, " one"],
) -> Seen:
    """h, the mean of the rows of the centre, predicts each context word c, against K noise words of its own:

        sum_c -log s(<h, outputs[c]>) - sum_j log s(-<h, outputs[n_cj]>)

    One context after the other: h moves with each. Each row moves by the whole gradient of h, as in
    `bag_of_words`. Contexts taken at once answer somewhat fewer analogies.
    """
    arguments = (window, negatives, *noise, inputs, outputs, *groups, rate, fall, key, ended)
    return Seen(*_pass(tokens, start, stop, *arguments, False))


def slow_bag_step(
    inputs: Float32[np.ndarray, "r d"],
    outputs: Float32[np.ndarray, "v d"],
    bag: list[int],
    targets: list[list[int]],
    rate: float,
) -> float:
    """One step by the definition: `bag` are the rows of h; of each list of `targets` the first is joint.

    One list after the other, h moving with each.
    """
    h = inputs[bag].astype(float).mean(0)  # (d,)
    moved, loss = np.zeros_like(h), 0.0
    for target, *drawn in targets:
        dh, do = np.zeros_like(h), np.zeros(outputs.shape)
        for word, label in [(target, 1.0), *((word, 0.0) for word in drawn if word != target)]:
            s = float(h @ outputs[word])
            error = rate * (label - 1 / (1 + math.exp(-s)))
            dh += error * outputs[word]
            do[word] += error * h
            loss += float(np.logaddexp(0, -s if label else s))
        outputs += do.astype(np.float32)
        h, moved = h + dh, moved + dh
    np.add.at(inputs, bag, moved.astype(np.float32))
    return loss


@numba.njit(cache=True, nogil=True)
@no_type_check
def compose(inputs, ends, rows, out):
    """out[w] = mean of the rows of word w."""
    for w in range(len(ends) - 1):
        out[w] = 0
        for r in range(ends[w], ends[w + 1]):
            out[w] += inputs[rows[r]]
        out[w] /= max(ends[w + 1] - ends[w], 1)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _ngrams(text, word_ends, shortest, longest, buckets, first, own, ends, rows, fill):
    total = 0
    for w in range(len(word_ends) - 1):
        start, stop = word_ends[w], word_ends[w + 1]
        if own:
            if fill:
                rows[total] = w
            total += 1
        for i in range(start, stop):
            if text[i] & 0xC0 == 0x80:
                continue
            code, j, size = np.uint32(2166136261), i, 0
            while j < stop and size < longest:
                while True:
                    # fastText reads bytes as signed.
                    byte = np.uint32(np.int32(np.int8(text[j])))
                    code = np.uint32((code ^ byte) * np.uint32(16777619))
                    j += 1
                    if j == stop or text[j] & 0xC0 != 0x80:
                        break
                size += 1
                # One character alone is left out where it is the mark of the word's beginning or end.
                if size >= shortest and not (size == 1 and (i == start or j == stop)):
                    if fill:
                        rows[total] = first + np.int64(code) % buckets
                    total += 1
        ends[w + 1] = total
    return total


def ngram_groups(
    words: list[str], shortest: int, longest: int, buckets: int, first: int, own: bool = True
) -> Groups:
    """fastText's character n-grams of `<word>`, hashed (32-bit FNV-1a) into `buckets` rows from `first` on.

    own: whether row w itself belongs to word w.
    """
    spelled = [f"<{word}>".encode("utf-8", "replace") for word in words]
    text = np.frombuffer(b"".join(spelled), np.uint8)
    word_ends = np.concatenate([[0], np.cumsum([len(word) for word in spelled])]).astype(np.int64)
    ends, rows = np.zeros(len(words) + 1, np.int64), np.zeros(0, np.int32)
    arguments = (text, word_ends, shortest, longest, buckets, first, own, ends)
    rows = np.zeros(_ngrams(*arguments, rows, False), np.int32)
    _ngrams(*arguments, rows, True)
    return Groups(ends, rows)
