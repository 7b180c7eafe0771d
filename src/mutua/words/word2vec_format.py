"""word2vec's text and binary formats, and GloVe's, which is the text without its first line."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from mutua.data.store import writing
from mutua.data.text.files import PathLike, checked_reading, reading
from mutua.types import InputError
from mutua.words.checks import checked_count
from mutua.words.vectors import Vectors, named_file

__all__ = ["limited", "numbers_after_a_word", "read_binary", "read_text", "write_binary", "write_text"]

# Words of a file that does not say how many it holds, at first.
_ROOM = 1 << 14
# Beyond this no number of a word's vector lies; letters taken for a float32 do.
_LARGEST = 1e18

Rows = Iterator[tuple[bytes, Float32[np.ndarray, " d"]]]


def _header(line: bytes, path: Path) -> tuple[int, int] | None:
    """The numbers of words and of dimensions, of a first line that has them."""
    try:
        n, d = (int(part) for part in line.split())
    except ValueError:
        return None
    if n < 1 or d < 1:
        raise InputError(f"{path}: says it holds {n} words of {d} dimensions; write it again")
    return n, d


def numbers_after_a_word(line: bytes) -> int:
    """How many numbers a line ends with, after one word at least; 0 where it does not end with any."""
    parts = line.rstrip(b" \r\n").split(b" ")
    found = 0
    for part in reversed(parts[1:]):
        try:
            float(part)
        except ValueError:
            break
        found += 1
    return found


def _cut_short(path: Path, found: int, n: int) -> InputError:
    return InputError(f"{path}: ends after {found:,} of {n:,} words; it was cut short, fetch or write it again")


def limited(n: int, limit: int | None) -> int:
    """n, or `limit` where that is smaller. Raises InputError for a limit that is no number of words."""
    if limit is None:
        return n
    checked_count("limit", limit)
    return min(n, limit)


def _ended(more: bytes, path: Path, n: int) -> None:
    """Nothing may follow the rows that the first line told of."""
    if more:
        raise InputError(f"{path}: holds more than the {n:,} words it says; correct its first line, or set limit")


def _spelled(word: bytes, path: Path, row: int, errors: str, doubt: str) -> str:
    try:
        spelled = word.decode("utf-8", errors)
    except UnicodeDecodeError:
        raise InputError(
            f"{path}: word {row:,} ({word[:40]!r}) is not UTF-8; {doubt}use errors='replace'"
        ) from None
    if not spelled:
        raise InputError(f"{path}: word {row:,} ({word[:40]!r}) is empty in UTF-8; use errors='replace'")
    return spelled


def _collected(
    rows: Rows, path: Path, n: int | None, d: int, errors: str, source: str, doubt: str = ""
) -> Vectors:
    """Vectors of `rows`, n of them where that is known; a word that stands there twice keeps its first."""
    try:
        matrix = np.empty((_ROOM if n is None else n, d), np.float32)
    except (MemoryError, ValueError):
        raise InputError(f"{path}: says it holds {n:,} words of {d:,} dimensions, more than fits memory") from None
    words: dict[str, int] = {}
    for row, (word, vector) in enumerate(rows):
        spelled = _spelled(word, path, row, errors, doubt)
        if spelled not in words:
            if len(words) == len(matrix):
                matrix = np.concatenate([matrix, np.empty_like(matrix)])
            matrix[len(words)] = vector
            words[spelled] = row
    if len(matrix) > 2 * len(words):
        matrix = matrix[: len(words)].copy()
    with named_file(path):
        return Vectors(list(words), matrix[: len(words)], source=source)


def read_text(path: PathLike, *, limit: int | None = None, errors: str = "strict") -> Vectors:
    """word2vec's text format: a line "n d", then a line "word x_1 ... x_d" a word. May be compressed.

    GloVe's files, which have no first line, are read with d from their first word's; `source` of the vectors
    says so.

    Args:
        limit: read this many words at most, from the first (in most files, the most frequent) on.
        errors: what to do with words that are no UTF-8: "strict", "replace" or "ignore".

    Raises InputError for a file that is cut short or says other than it holds, and for words that are empty or
    whose numbers have a NaN or an infinity.
    """
    checked_reading(errors, "utf-8")
    path = Path(path)
    with reading(path) as file:
        first = file.readline()
        said = _header(first, path)
        if said is not None:
            there, d = said
            n = limited(there, limit)
            rows = _lines(file, path, n, there, d)
            return _collected(rows, path, n, d, errors, path.name)
        d = numbers_after_a_word(first)
        if not d:
            shown = first[:40].decode("utf-8", "replace").strip()
            raise InputError(
                f"{path}: begins with {shown!r}, neither 'WORDS DIMENSIONS' nor a word and its numbers; "
                "give a file of vectors in text"
            )
        most = None if limit is None else limited(limit, limit)
        source = f"{path.name} (no first line 'WORDS DIMENSIONS', as GloVe's: {d} dimensions by its first word)"
        return _collected(_lines_without_header(first, file, path, most, d), path, most, d, errors, source)


def _lines(file: io.BufferedIOBase, path: Path, n: int, there: int, d: int) -> Rows:
    for row in range(n):
        line = file.readline()
        if not line.strip():
            raise _cut_short(path, row, there)
        yield _line(line, path, row + 2, d)
    if n == there:
        _ended(file.readline().strip(), path, there)


def _lines_without_header(first: bytes, file: io.BufferedIOBase, path: Path, limit: int | None, d: int) -> Rows:
    number, line = 1, first
    while line.strip() and (limit is None or number <= limit):
        yield _line(line, path, number, d)
        number, line = number + 1, file.readline()
    if line and not line.strip():
        _blank(file, path, number)


def _blank(file: io.BufferedIOBase, path: Path, number: int) -> None:
    if any(line.strip() for line in file):
        raise InputError(f"{path}: line {number:,} is empty and others follow; take it out")


def _line(line: bytes, path: Path, number: int, d: int) -> tuple[bytes, Float32[np.ndarray, " d"]]:
    if not line.endswith(b"\n"):  # its last number may have lost digits
        raise InputError(f"{path}: line {number:,} does not end; it was cut short, or else end it with a new line")
    # From the right: some tools write words with spaces.
    word, *values = line.rstrip(b" \r\n").rsplit(b" ", d)
    try:
        vector = np.array(values, np.float32)
    except ValueError:
        vector = np.zeros(0, np.float32)
    if len(vector) != d:
        raise InputError(f"{path}: line {number:,} has not {d} numbers; it was cut short, or is no text")
    if not word:
        raise InputError(f"{path}: line {number:,} has no word before its {d} numbers; take the line out")
    return word, vector


def read_binary(path: PathLike, *, limit: int | None = None, errors: str = "strict") -> Vectors:
    """word2vec's binary format: a line "n d", then a word: "word ", d float32 (little-endian). May be compressed.

    A space ends a word, so a word with a space in it cuts what follows in the wrong places. That is refused by
    what gives it away: words that are empty or hold control characters, vectors that do not all end alike, and
    numbers that are letters. Args and other refusals as in `read_text`.
    """
    checked_reading(errors, "utf-8")
    path = Path(path)
    with reading(path) as file:
        line = file.readline(200)
        said = _header(line, path)
        if said is None:
            shown = line[:40].decode("utf-8", "replace").strip()
            raise InputError(
                f"{path}: begins with {shown!r}, not with the numbers of words and dimensions; give a "
                "file of vectors"
            )
        there, d = said
        n = limited(there, limit)
        doubt = "if words have spaces in them it was cut in the wrong place, and else "
        return _collected(_packed(file, path, n, there, d), path, n, d, errors, path.name, doubt)


def _packed(file: io.BufferedIOBase, path: Path, n: int, there: int, d: int) -> Rows:
    data, position = b"", 0
    lines = False  # whether a new line ends each vector: the C program's do, gensim's don't
    for row in range(n):
        space = data.find(b" ", position)
        while space < 0 or len(data) < space + 1 + 4 * d:
            more = file.read(1 << 22)
            if not more or (space < 0 and len(data) - position > 1 << 20):
                raise _cut_short(path, row, there)
            data, position = data[position:] + more, 0
            space = data.find(b" ")
        word, vector = data[position:space], np.frombuffer(data, "<f4", d, space + 1)
        ended, word = word.startswith(b"\n"), word.removeprefix(b"\n")
        if row == 1:
            lines = ended
        if (row and ended != lines) or not word or _CONTROL.intersection(word) or np.abs(vector).max() > _LARGEST:
            raise InputError(
                f"{path}: word {row:,} ({word[:20]!r}) was cut in the wrong place: it or one before it is empty "
                "or has a space in it, which the binary format cannot hold; write it in text or safetensors"
            )
        yield word, vector
        position = space + 1 + 4 * d
    if n == there:
        _ended((data[position:] + file.read(64)).strip(b"\n"), path, there)


# Bytes that no word has.
_CONTROL = frozenset([*range(32), 127])


def _writable(vectors: Vectors) -> None:
    for word in vectors:
        if not word or any(c.isspace() for c in word):
            raise InputError(f"{word!r}: word2vec's formats part words by spaces; write safetensors instead")
        if not word.isascii() and any("\ud800" <= c <= "\udfff" for c in word):
            raise InputError(f"{word!r}: has no UTF-8 (a lone surrogate); write safetensors instead")


def write_text(vectors: Vectors, path: PathLike) -> None:
    """word2vec's text format. Numbers are written so that they are read back exactly."""
    _writable(vectors)
    with writing(Path(path)) as file:
        file.write(f"{len(vectors)} {vectors.matrix.shape[1]}\n".encode())
        for word, row in zip(vectors.words, vectors.matrix, strict=True):
            file.write(f"{word} {' '.join(map(str, row))}\n".encode())


def write_binary(vectors: Vectors, path: PathLike) -> None:
    """word2vec's binary format."""
    _writable(vectors)
    with writing(Path(path)) as file:
        file.write(f"{len(vectors)} {vectors.matrix.shape[1]}\n".encode())
        for word, row in zip(vectors.words, vectors.matrix, strict=True):
            file.write(word.encode() + b" " + row.astype("<f4").tobytes() + b"\n")
