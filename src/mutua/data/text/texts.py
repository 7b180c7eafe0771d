"""Texts as examples: sentences or documents, their words as numbers, and their labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from torch import Tensor

from mutua.data.examples import Held, row_numbers
from mutua.data.labels import Labels
from mutua.data.text.vocabulary import Vocabulary
from mutua.types import InputError, Spec

__all__ = ["Texts", "texts_of", "usual_length"]

# Of the texts held whole by the usual length, and the longest that it is.
_WHOLE, _LONGEST = 0.99, 512


@dataclass(frozen=True, eq=False, repr=False)
class Texts(Held):
    """n texts, each as the numbers of its first words: `take` gives int32 (k, tokens), 0 where a text has ended.

    Args:
        sentences: the texts as they were read.
        vocabulary: what the numbers mean.
    """

    sentences: tuple[str, ...] = ()
    vocabulary: Vocabulary = field(default_factory=lambda: Vocabulary(()))

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.sentences) != len(self.values):
            raise InputError(f"sentences: {len(self.sentences)} for {len(self.values)} rows; give one each")

    def sentence(self, i: int) -> str:
        """Text number i as it was read."""
        return self.sentences[i]

    def subset(self, index: Tensor | np.ndarray | Sequence[int]) -> Texts:
        """The texts in rows `index`, in its order, with their labels and names, under the same vocabulary."""
        rows = row_numbers(index, len(self))
        sentences = tuple(self.sentences[i] for i in rows)
        return replace(self, values=self.values[rows], sentences=sentences, **self._some(rows))  # type: ignore[arg-type]

    def under(self, vocabulary: Vocabulary, tokens: int | None = None) -> Texts:
        """The same texts as numbers of another vocabulary, such as that of the part that is trained on."""
        tokens = self.spec.shape[0] if tokens is None else tokens
        values = vocabulary.encoded(self.sentences, tokens)
        return replace(self, spec=Spec("text", (tokens,), "int32"), values=values, vocabulary=vocabulary)


def usual_length(texts: Sequence[str], vocabulary: Vocabulary) -> int:
    """Words that 99 in 100 of the texts have at most, 512 at most."""
    lengths = [len(vocabulary.numbers(text)) for text in texts]
    return int(min(np.quantile(lengths, _WHOLE, method="higher"), _LONGEST))


def texts_of(
    sentences: Sequence[str],
    vocabulary: Vocabulary,
    tokens: int,
    *,
    targets: Mapping[str, Labels] | None = None,
    names: tuple[str, ...] | None = None,
    source: str = "texts",
) -> Texts:
    """`Texts` of sentences under a vocabulary; `source` says how many are cropped, alike, or without a word."""
    if tokens < 1:
        raise InputError(f"tokens: {tokens}; give a number of words of at least 1")
    lengths = [len(list(vocabulary.tokenizer(text))) for text in sentences]
    notes = [f"{len(sentences):,} texts"]
    for n, what in (
        (len(sentences) - len(Counter(sentences)), "duplicates"),
        (sum(length > tokens for length in lengths), f"cropped to {tokens} words"),
        (sum(length == 0 for length in lengths), "without a word"),
    ):
        notes += [f"{n:,} {what}"] * (n > 0)
    return Texts(
        Spec("text", (tokens,), "int32"),
        targets or {},
        names,
        f"{source} ({', '.join(notes)})",
        values=vocabulary.encoded(sentences, tokens),
        sentences=tuple(sentences),
        vocabulary=vocabulary,
    )
