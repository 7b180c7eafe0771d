"""Where text comes from: a file, several, lines, or lists of tokens."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from typing import Any

from mutua.data.text.files import PathLike, pieces, pieces_of_lines
from mutua.data.text.tokens import Tokenizer, Words
from mutua.types import InputError

__all__ = ["Source", "lines_of", "named", "opened", "read_sentences"]

Source = PathLike | Iterable[Any]
"""A text file (plain, gzip, bzip2, xz or zst), several, lines, or lists of tokens."""


def named(source: Source) -> str:
    """What messages call it: the file, or the first of several."""
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    if isinstance(source, (list, tuple)) and source and isinstance(source[0], os.PathLike):
        return os.fspath(source[0]) + (f" and {len(source) - 1} more" if source[1:] else "")
    return "corpus"


def read_sentences(
    source: Source, tokenizer: Tokenizer | None = None, *, errors: str = "strict", encoding: str = "utf-8"
) -> Iterator[list[str]]:
    """The token lists of a source, one after another; nothing is held. Arguments as in `read_corpus`."""
    tokenizer = Words() if tokenizer is None else tokenizer
    text, lists = opened(source, errors, encoding)
    if text is None:
        yield from map(list, lists)
        return
    for line in lines_of(text):
        yield list(tokenizer(line))


def opened(
    source: Source, errors: str = "strict", encoding: str = "utf-8"
) -> tuple[Iterator[bytes] | None, Iterable[Any]]:
    """The text of a source, or None and its lists of tokens."""
    if isinstance(source, (str, os.PathLike)):
        if not os.path.isfile(source):
            shown = os.fspath(source)
            shown = shown if len(shown) < 80 else shown[:77] + "..."
            seen = "a folder, not a file" if os.path.isdir(source) else "no such file"
            raise InputError(f"{shown!r}: {seen}; give a path, an iterable of lines, or lists of tokens")
        return pieces(source, errors, encoding), ()
    try:
        items = iter(source)
    except TypeError:
        raise InputError(
            f"corpus: {type(source).__name__}; give a path, an iterable of lines, or lists of tokens"
        ) from None
    first = next(items, None)
    items = itertools.chain([] if first is None else [first], items)
    if isinstance(first, os.PathLike):
        return itertools.chain.from_iterable(_separate(path, errors, encoding) for path in items), ()
    if isinstance(first, str) and len(first) < 256 and os.path.isfile(first):
        raise InputError(
            f"corpus: its first line {first!r} names a file; give Path({first!r}) to read that, or lists of tokens"
        )
    if first is None or isinstance(first, str):
        return pieces_of_lines(items), ()
    return None, items


def _separate(path: PathLike, errors: str, encoding: str) -> Iterator[bytes]:
    yield from pieces(path, errors, encoding)
    yield b"\n"


def lines_of(text: Iterable[bytes]) -> Iterator[str]:
    """The lines of a text that comes in pieces of UTF-8, without their newlines."""
    rest: list[bytes] = []  # of a line that goes on in the next piece
    for piece in text:
        first, *lines = piece.split(b"\n")
        rest.append(first)
        if lines:
            *whole, last = [b"".join(rest), *lines]
            rest = [last]
            for line in whole:
                yield line.decode("utf-8")
    if any(rest):
        yield b"".join(rest).decode("utf-8")
