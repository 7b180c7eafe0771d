"""Words as numbers: which words are known, and texts as rows of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Int32

from mutua.data.text.tokens import Tokenizer, Words
from mutua.types import InputError

__all__ = ["PADDING", "UNKNOWN", "Vocabulary"]

PADDING, UNKNOWN = 0, 1


@dataclass(frozen=True, repr=False)
class Vocabulary:
    """Words by number: 0 is padding, 1 an unknown word, the rest from the most frequent on.

    Args:
        words: the known words, of numbers 2, 3, ...
        tokenizer: what a word is; that of `mutua.words` by default.

    >>> vocabulary = Vocabulary.of(["a cat", "a dog", "a cat"], min_count=2)
    >>> vocabulary.encoded(["A cat!", "the cat sat"], 4)
    array([[2, 3, 0, 0],
           [1, 3, 1, 0]], dtype=int32)
    """

    words: tuple[str, ...]
    tokenizer: Tokenizer = field(default_factory=Words)

    def __post_init__(self) -> None:
        number = {word: i for i, word in enumerate(self.words, 2)}
        if len(number) != len(self.words):
            raise InputError("vocabulary: a word stands there twice; give each word once")
        object.__setattr__(self, "_number", number)

    @staticmethod
    def of(
        texts: Iterable[str],
        tokenizer: Tokenizer | None = None,
        *,
        min_count: int = 1,
        max_words: int | None = None,
    ) -> Vocabulary:
        """The words that occur `min_count` times in the texts, `max_words` of the most frequent at most."""
        tokenizer = Words() if tokenizer is None else tokenizer
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(tokenizer(text))
        # By count, then by the alphabet: the order of the texts has no part in it.
        known = sorted(
            (word for word, n in counts.items() if n >= min_count), key=lambda word: (-counts[word], word)
        )
        return Vocabulary(tuple(known[:max_words]), tokenizer)

    def __len__(self) -> int:
        """How many numbers there are, those of padding and of unknown words among them."""
        return len(self.words) + 2

    def __repr__(self) -> str:
        return f"Vocabulary({len(self.words):,} words)"

    def numbers(self, text: str) -> list[int]:
        """The numbers of a text's words; of a text without words, one unknown word."""
        number: dict[str, int] = self._number  # type: ignore[attr-defined]
        return [number.get(word, UNKNOWN) for word in self.tokenizer(text)] or [UNKNOWN]

    def encoded(self, texts: Sequence[str], tokens: int) -> Int32[np.ndarray, "n tokens"]:
        """The first `tokens` words of each text, padded at its end."""
        rows = np.full((len(texts), tokens), PADDING, np.int32)
        for row, text in zip(rows, texts, strict=True):
            numbers = self.numbers(text)[:tokens]
            row[: len(numbers)] = numbers
        return rows

    def spelled(self, numbers: Iterable[Any]) -> list[str]:
        """The words of these numbers, without padding; an unknown word is "?"."""
        return ["?" if i == UNKNOWN else self.words[i - 2] for i in map(int, numbers) if i != PADDING]
