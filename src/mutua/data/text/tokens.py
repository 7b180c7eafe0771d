"""What a word is: tokenisers as tables over code points, so that text can be read without Python.

A tokeniser is any function from a string to its tokens. `Words` and `Whitespace` are two that the compiled
reader knows; others are called on each line.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Int32, UInt8

__all__ = ["Tokenizer", "Whitespace", "Words"]

Tokenizer = Callable[[str], Iterable[str]]

Tables = tuple[UInt8[np.ndarray, " points"], Int32[np.ndarray, " points"]]


@dataclass(frozen=True)
class Words:
    """Maximal runs of letters, digits, marks and underscores, of any script (Unicode categories L, M, N and _).

    `lower` puts each letter into lower case, one character for one (İ becomes i; final sigma is σ).
    """

    lower: bool = True

    def __call__(self, text: str) -> list[str]:
        return _split(text, self)

    def tables(self) -> Tables:
        """Whether each code point is part of a word, and what stands for it."""
        return _word_members(), _lowered(self.lower)


@dataclass(frozen=True)
class Whitespace:
    """Maximal runs of anything but white space: for text that is tokenised already."""

    lower: bool = False

    def __call__(self, text: str) -> list[str]:
        return _split(text, self)

    def tables(self) -> Tables:
        """Whether each code point is part of a word, and what stands for it."""
        return _solid_members(), _lowered(self.lower)


def _split(text: str, tokenizer: Words | Whitespace) -> list[str]:
    # str.translate with the characters of this text alone: its table is a dict.
    member, lower = tokenizer.tables()
    table = {ord(c): int(lower[ord(c)]) if member[ord(c)] else " " for c in set(text)}
    return [word for word in text.translate(table).split(" ") if word]


@lru_cache(maxsize=1)
def _word_members() -> UInt8[np.ndarray, " points"]:
    member = np.zeros(sys.maxunicode + 1, np.uint8)
    # Planes 4 to 13 are empty, and 15 and 16 private; of plane 14 only the variation selectors are marks.
    for point in (*range(0x40000), *range(0xE0100, 0xE01F0)):
        character = chr(point)
        member[point] = character.isalnum() or unicodedata.category(character)[0] in "LMN"
    member[ord("_")] = 1
    return member


@lru_cache(maxsize=1)
def _solid_members() -> UInt8[np.ndarray, " points"]:
    member = np.ones(sys.maxunicode + 1, np.uint8)
    member[[point for point in range(0x10000) if chr(point).isspace()]] = 0
    return member


@lru_cache(maxsize=2)
def _lowered(lower: bool) -> Int32[np.ndarray, " points"]:
    points = np.arange(sys.maxunicode + 1, dtype=np.int32)
    if lower:
        for point, character in enumerate(map(chr, range(0x20000))):  # no letter has two cases beyond
            if not character.islower():
                points[point] = ord(character.lower()[0])
    return points
