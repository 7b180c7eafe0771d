"""A corpus as an array of word numbers: read once, kept in memory or, when large, in a file mapped into it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int32, Int64

from mutua.data.store import reason
from mutua.data.text.files import checked_reading
from mutua.data.text.sources import Source, lines_of, named, opened
from mutua.data.text.tokens import Tokenizer, Whitespace, Words
from mutua.kernels.words.skipgram import BREAK
from mutua.kernels.words.tokenize import WordTable, compact, count_into
from mutua.types import InputError

__all__ = ["Corpus", "read_corpus"]

# Tokens kept in memory, of four bytes; more go to a file.
_IN_MEMORY = 1 << 23


@dataclass(frozen=True)
class Corpus:
    """Sentences of word numbers.

    Attributes:
        tokens: the words in order, BREAK (-1) between sentences. Rare words are left out.
        words: the word of each number, from the most frequent on.
        counts: how often each occurs.
        total: words read, rare ones too.
    """

    tokens: Int32[np.ndarray, " n"]
    words: list[str]
    counts: Int64[np.ndarray, " v"]
    total: int

    def sentences(self) -> Iterator[list[str]]:
        """The sentences as lists of words, without the rare."""
        held: list[str] = []
        for start in range(0, len(self.tokens), 1 << 16):
            for token in self.tokens[start : start + (1 << 16)].tolist():
                if token == BREAK:
                    if held:
                        yield held
                    held = []
                else:
                    held.append(self.words[token])
        if held:
            yield held

    def restricted(self, words: list[str], counts: Int64[np.ndarray, " v"], folder: Path | None = None) -> Corpus:
        """The same sentences under another numbering, without words it lacks. Mapped from a file when large."""
        index = {word: i for i, word in enumerate(words)}
        number = np.array([index.get(word, BREAK) for word in self.words], np.int32)
        tokens = copied(self.tokens, folder)
        return replace(self, tokens=tokens[: compact(tokens, number)], words=words, counts=counts)

    def frequent(self, min_count: int, max_words: int | None = None, folder: Path | None = None) -> Corpus:
        """The same sentences without words that occur fewer than `min_count` times, most frequent first."""
        order = np.argsort(-self.counts, kind="stable")
        order = order[self.counts[order] >= min_count][:max_words]
        if not len(order):
            raise _too_rare("corpus", self.counts, min_count)
        if np.array_equal(order, np.arange(len(self.counts))):
            return self
        return self.restricted([self.words[i] for i in order.tolist()], self.counts[order], folder)


def room(n: int, folder: Path | None = None) -> Int32[np.ndarray, " n"]:
    """Room for n tokens: in memory, or in a file without a name that goes when it is let go."""
    if n <= _IN_MEMORY:
        return np.empty(n, np.int32)
    try:
        return np.asarray(np.memmap(tempfile.TemporaryFile(dir=folder), np.int32, "w+", shape=(n,)))
    except OSError as error:
        raise _no_room(folder, error) from None


def copied(tokens: Int32[np.ndarray, " n"], folder: Path | None = None) -> Int32[np.ndarray, " n"]:
    """The same tokens in `room` of their own."""
    made = room(len(tokens), folder)
    made[:] = tokens
    return made


def _no_room(folder: Path | None, error: OSError) -> InputError:
    place = folder or tempfile.gettempdir()
    return InputError(f"folder: {place} cannot hold the corpus ({reason(error)}); name another")


def _too_rare(name: str, counts: Int64[np.ndarray, " v"], min_count: int) -> InputError:
    return InputError(
        f"{name}: no word of {len(counts):,} occurs {min_count} times (the most frequent {counts.max()}); lower "
        "min_count"
    )


def read_corpus(
    source: Source,
    tokenizer: Tokenizer | None = None,
    *,
    min_count: int = 5,
    max_words: int | None = None,
    errors: str = "strict",
    encoding: str = "utf-8",
    folder: Path | None = None,
) -> Corpus:
    """Read `source` in one pass.

    A line of text is a sentence, of whatever length. Words that occur fewer than `min_count` times are left out
    as if they had not stood there.

    Args:
        source: a path or several; an iterable of lines; or an iterable of lists of tokens, used as they are.
        tokenizer: `Words()` by default; `Whitespace()`; or any function from a line to its tokens, called line
            by line in Python.
        max_words: keep this many of the most frequent at most.
        errors: what to do with bytes that are no text: "strict" raises, "replace" or "ignore" goes on.
        encoding: of files, by Python's names.
        folder: where a large corpus is kept while it is in use; the system's place for temporary files.

    Raises:
        InputError: not UTF-8 (line and byte are named), no words at all, or none that is frequent enough.
    """
    checked_reading(errors, encoding)
    tokenizer = Words() if tokenizer is None else tokenizer
    spool = _Spool(folder)
    spell = _fill(spool, source, tokenizer, errors, encoding)
    tokens, counts = spool.tokens(), spool.counts
    if not counts.sum():
        raise InputError(f"{named(source)}: no words; give text, one sentence a line, or lists of tokens")
    # A stable sort: of words as frequent, the one met first comes first.
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] >= min_count][:max_words]
    if not len(order):
        raise _too_rare(named(source), counts, min_count)
    number = np.full(len(counts), BREAK, np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    n = compact(tokens, number)
    return Corpus(tokens[:n], spell(order), counts[order], int(counts.sum()))


def _fill(
    spool: _Spool, source: Source, tokenizer: Tokenizer, errors: str, encoding: str
) -> Callable[..., list[str]]:
    """Word numbers of the source into the spool, in order of first sight; returns what spells the numbers."""
    text, lists = opened(source, errors, encoding)
    if text is None:
        return _fill_lists(spool, lists)
    if not isinstance(tokenizer, (Words, Whitespace)):
        return _fill_lists(spool, (tokenizer(line) for line in lines_of(text)))
    table = WordTable(*tokenizer.tables())
    for numbers in table.stream(text):
        spool.add(numbers)
    return table.spelled


class _Numbering(dict[str, int]):
    """Numbers words as they are met."""

    def __missing__(self, word: Any) -> int:
        if not isinstance(word, str):
            raise InputError(f"corpus: a token {word!r} of {type(word).__name__}; tokens are strings")
        self[word] = number = len(self)
        return number


def _fill_lists(spool: _Spool, sentences: Iterable[Iterable[str]]) -> Callable[..., list[str]]:
    number = _Numbering()
    held: list[int] = []
    for sentence in sentences:
        if isinstance(sentence, (str, bytes)) or not isinstance(sentence, Iterable):
            raise InputError(
                f"corpus: {sentence!r:.60} among lists of tokens; give lists of tokens alone, or lines alone"
            )
        held.extend(map(number.__getitem__, sentence))
        held.append(BREAK)
        if len(held) > 1 << 18:
            spool.add(np.array(held, np.int32))
            held = []
    spool.add(np.array(held, np.int32))
    words = list(number)
    return lambda order: [words[i] for i in order.tolist()]


class _Spool:
    """Numbers as they come: in memory first, then in a file without a name that goes when it is let go."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.held = np.empty(1 << 16, np.int32)
        self.n_held = 0
        self.n = 0
        self.file: Any = None
        self.room = np.zeros(1 << 16, np.int64)

    def add(self, block: Int32[np.ndarray, " b"]) -> None:
        if len(block) and block.max() >= len(self.room):
            self.room = np.concatenate([self.room, np.zeros(max(len(self.room), int(block.max()) + 1), np.int64)])
        count_into(block, self.room)
        n = self.n_held + len(block)
        if n > len(self.held):
            # Where it stands: the system moves a large array without a copy, so that it is never held twice.
            self.held.resize(n + n // 4, refcheck=False)
        self.held[self.n_held : n] = block
        self.n_held = n
        self.n += len(block)
        if n > _IN_MEMORY:
            self._spill()

    @property
    def counts(self) -> Int64[np.ndarray, " v"]:
        """How often each number came; every number up to the last came once at least."""
        return self.room[: np.count_nonzero(self.room)]

    def _spill(self) -> None:
        try:
            if self.file is None:
                self.file = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115
            self.file.write(self.held[: self.n_held].data)
            self.file.flush()
        except OSError as error:
            raise _no_room(self.folder, error) from None
        self.n_held = 0

    def tokens(self) -> Int32[np.ndarray, " n"]:
        if self.file is None:
            self.held.resize(self.n, refcheck=False)
            return self.held
        self._spill()
        self.held = np.empty(0, np.int32)
        return np.asarray(np.memmap(self.file, np.int32, "r+", shape=(self.n,)))
