"""Words of UTF-8 text to numbers, in one compiled pass over the bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Int32, Int64, UInt8

from mutua.kernels.words.skipgram import BREAK

__all__ = ["WordTable", "compact", "count_into"]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _encode(text, position, final, member, lower, slots, hashes, ends, arena, n_words, out):
    """Numbers of the words of text[position:] into out. Words are told apart by open addressing.

    The word under way is written to the end of `arena`, where it stays if it is new. Returns where it stopped:
    at the end, at a word that the end may have cut, or where the table is full; words known, numbers written.
    """
    mask, used, written = len(slots) - 1, ends[n_words], 0
    n, size, code = len(text), 0, np.uint32(2166136261)
    begun = position
    while position <= n:
        here = position
        if position < n:
            point = np.int32(text[position])
            position += 1
            if point >= 0xC0:
                more = 1 if point < 0xE0 else 2 if point < 0xF0 else 3
                point &= 0x3F >> more
                for _ in range(more):
                    point = (point << 6) | np.int32(text[position] & 0x3F)
                    position += 1
            if member[point]:
                if size == 0:
                    begun = here
                    if n_words == len(hashes):
                        return here, n_words, written
                point = lower[point]
                if point < 0x80:
                    arena[used + size] = point
                    size += 1
                    code = np.uint32((code ^ np.uint32(point)) * np.uint32(16777619))
                else:
                    more = 1 if point < 0x800 else 2 if point < 0x10000 else 3
                    for k in range(more + 1):
                        byte = np.uint32((point >> (6 * (more - k))) & 0x3F) | np.uint32(0x80)
                        if k == 0:
                            byte = np.uint32(point >> (6 * more)) | (
                                np.uint32(0xF00 >> (more + 1)) & np.uint32(0xFF)
                            )
                        arena[used + size] = byte
                        size += 1
                        code = np.uint32((code ^ byte) * np.uint32(16777619))
                continue
        else:
            point = np.int32(0)
            if not final and size:
                return begun, n_words, written
            position += 1
        if size:
            slot = np.int64(code ^ (code >> np.uint32(15))) & mask
            found = -1
            while slots[slot] >= 0:
                word = slots[slot]
                if hashes[word] == code:
                    start = ends[word]
                    if ends[word + 1] - start == size:
                        found = word
                        for k in range(size):
                            if arena[start + k] != arena[used + k]:
                                found = -1
                                break
                        if found >= 0:
                            break
                slot = (slot + 1) & mask
            if found < 0:
                found = n_words
                slots[slot], hashes[found] = found, code
                used += size
                n_words += 1
                ends[n_words] = used
            out[written] = found
            written += 1
            size, code = 0, np.uint32(2166136261)
        if point == 10 and (written == 0 or out[written - 1] != BREAK):
            out[written] = BREAK
            written += 1
    return n, n_words, written


@numba.njit(cache=True)
@no_type_check
def _place(slots, hashes, n_words):
    mask = len(slots) - 1
    for word in range(n_words):
        code = hashes[word]
        slot = np.int64(code ^ (code >> np.uint32(15))) & mask
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = word


@numba.njit(cache=True, nogil=True)
@no_type_check
def count_into(tokens, counts):
    """Add to counts[t] how often t is among `tokens`; BREAK is passed over."""
    for i in range(len(tokens)):
        if tokens[i] != BREAK:
            counts[tokens[i]] += 1


@numba.njit(cache=True, nogil=True)
@no_type_check
def compact(tokens, number):
    """Replace token t by number[t] in place, without those that become BREAK. Returns how many are left.

    BREAK stays, once between sentences that have words.
    """
    n = 0
    for i in range(len(tokens)):
        t = tokens[i]
        t = BREAK if t == BREAK else number[t]
        if t == BREAK and (tokens[i] != BREAK or n == 0 or tokens[n - 1] == BREAK):
            continue
        tokens[n] = t
        n += 1
    return n


class WordTable:
    """Words in the order they were first met, as bytes one after another, and a hash table to find them.

    Args:
        member: whether a code point is part of a word.
        lower: the code point that stands for it.
    """

    def __init__(self, member: UInt8[np.ndarray, " points"], lower: Int32[np.ndarray, " points"]) -> None:
        self.member, self.lower = member, lower
        self.slots = np.full(1 << 17, -1, np.int32)
        self.hashes = np.zeros(1 << 16, np.uint32)
        self.ends = np.zeros((1 << 16) + 1, np.int64)
        self.arena = np.zeros(1 << 20, np.uint8)
        self.n_words = 0

    def encode(self, text: bytes, final: bool) -> tuple[Int32[np.ndarray, " t"], int]:
        """Numbers of the words of a piece of valid UTF-8, BREAK for line ends, and how many bytes they took.

        Unless `final`, a word that touches the end of the piece is left for the next.
        """
        data = np.frombuffer(text, np.uint8)
        out = np.empty(len(data) + 2, np.int32)
        position, parts = 0, []
        while True:
            room = int(self.ends[self.n_words]) + 2 * len(data) + 8
            if room > len(self.arena):
                self.arena = np.concatenate([self.arena, np.zeros(room, np.uint8)])
            position, self.n_words, written = _encode(
                data,
                position,
                final,
                self.member,
                self.lower,
                self.slots,
                self.hashes,
                self.ends,
                self.arena,
                self.n_words,
                out,
            )
            parts.append(out[:written].copy())
            if self.n_words < len(self.hashes):
                return (parts[0] if len(parts) == 1 else np.concatenate(parts)), position
            self._grow()

    def stream(self, pieces: Iterable[bytes]) -> Iterator[Int32[np.ndarray, " t"]]:
        """Numbers of the words of a text that comes in pieces, wherever they are cut."""
        held: list[bytes] = []
        size = wanted = 0
        for piece in pieces:
            held.append(piece)
            size += len(piece)
            if size < wanted:
                continue
            data = b"".join(held)
            numbers, used = self.encode(data, False)
            held, size = [data[used:]], len(data) - used
            wanted = 2 * size  # a word of many pieces is not begun again at each
            yield numbers
        yield self.encode(b"".join(held), True)[0]

    def _grow(self) -> None:
        n = self.n_words
        self.hashes = np.concatenate([self.hashes, np.zeros(n, np.uint32)])
        self.ends = np.concatenate([self.ends, np.zeros(n, np.int64)])
        self.slots = np.full(2 * len(self.slots), -1, np.int32)
        _place(self.slots, self.hashes, n)

    def spelled(self, numbers: Int64[np.ndarray, " k"]) -> list[str]:
        """The words of these numbers."""
        text, ends = self.arena.tobytes(), self.ends
        return [text[ends[i] : ends[i + 1]].decode("utf-8") for i in numbers.tolist()]
