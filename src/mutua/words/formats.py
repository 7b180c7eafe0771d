"""Vectors in files: word2vec's text and binary formats, safetensors, and gensim's `KeyedVectors` as objects."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as packed

from mutua.data.store import reason, replacing
from mutua.types import InputError
from mutua.words.files import ERRORS, PathLike, reading
from mutua.words.vectors import Vectors

__all__ = [
    "from_gensim",
    "load_vectors",
    "read_binary",
    "read_safetensors",
    "read_text",
    "to_gensim",
    "write_binary",
    "write_safetensors",
    "write_text",
]


def _header(file: io.BufferedIOBase, path: Path) -> tuple[int, int]:
    line = file.readline(200)
    try:
        n, d = (int(part) for part in line.split())
    except ValueError:
        shown = line[:40].decode("utf-8", "replace").strip()
        raise InputError(f"{path}: begins with {shown!r}, not with the number of words and dimensions") from None
    if n < 1 or d < 1:
        raise InputError(f"{path}: says it holds {n} words of {d} dimensions; write it again")
    return n, d


def _cut_short(path: Path, found: int, n: int) -> InputError:
    return InputError(f"{path}: ends after {found:,} of {n:,} words; it was cut short, fetch or write it again")


def _spelled(word: bytes, path: Path, row: int, errors: str) -> str:
    try:
        return word.decode("utf-8", errors)
    except UnicodeDecodeError:
        raise InputError(f"{path}: word {row:,} is not UTF-8; use errors='replace' or 'ignore'") from None


def _collected(
    rows: Iterator[tuple[bytes, Float32[np.ndarray, " d"]]], path: Path, n: int, d: int, errors: str
) -> Vectors:
    """Vectors of `rows`; a word that stands there twice keeps its first."""
    if errors not in ERRORS:
        raise InputError(f"errors: {errors!r}; use one of {', '.join(ERRORS)}")
    try:
        matrix = np.empty((n, d), np.float32)
    except (MemoryError, ValueError):
        raise InputError(f"{path}: says it holds {n:,} words of {d:,} dimensions, more than fits memory") from None
    words: dict[str, int] = {}
    for row, (word, vector) in enumerate(rows):
        spelled = _spelled(word, path, row, errors)
        if spelled not in words:
            matrix[len(words)] = vector
            words[spelled] = row
    return Vectors(list(words), matrix[: len(words)])


def read_text(path: PathLike, *, limit: int | None = None, errors: str = "strict") -> Vectors:
    """word2vec's text format: a line "n d", then a line "word x_1 ... x_d" a word. May be compressed.

    Args:
        limit: read this many words at most, from the first (in most files, the most frequent) on.
        errors: what to do with words that are no UTF-8: "strict", "replace" or "ignore".

    Raises InputError for a file that is cut short or says other than it holds.
    """
    path = Path(path)
    with reading(path) as file:
        n, d = _header(file, path)
        n = n if limit is None else min(n, limit)

        def rows() -> Iterator[tuple[bytes, Any]]:
            for row in range(n):
                line = file.readline().rstrip(b" \r\n")
                if not line:
                    raise _cut_short(path, row, n)
                word, *values = line.rsplit(b" ", d)  # from the right: some tools write words with spaces
                try:
                    vector = np.array(values, np.float32)
                except ValueError:
                    vector = np.zeros(0, np.float32)
                if len(vector) != d:
                    raise InputError(
                        f"{path}: line {row + 2:,} has not {d} numbers; it was cut short, or is no text"
                    )
                yield word, vector

        return _collected(rows(), path, n, d, errors)


def read_binary(path: PathLike, *, limit: int | None = None, errors: str = "strict") -> Vectors:
    """word2vec's binary format: a line "n d", then a word: "word ", d float32 (little-endian). May be compressed.

    Args and raises as `read_text`.
    """
    path = Path(path)
    with reading(path) as file:
        n, d = _header(file, path)
        n = n if limit is None else min(n, limit)

        def rows() -> Iterator[tuple[bytes, Any]]:
            data, position = b"", 0
            for row in range(n):
                space = data.find(b" ", position)
                while space < 0 or len(data) < space + 1 + 4 * d:
                    more = file.read(1 << 22)
                    if not more or (space < 0 and len(data) - position > 1 << 20):
                        raise _cut_short(path, row, n)
                    data, position = data[position:] + more, 0
                    space = data.find(b" ")
                yield data[position:space].lstrip(b"\n"), np.frombuffer(data, "<f4", d, space + 1)
                position = space + 1 + 4 * d

        return _collected(rows(), path, n, d, errors)


def _writable(vectors: Vectors) -> None:
    for word in vectors:
        if not word or any(c.isspace() for c in word):
            raise InputError(f"{word!r}: word2vec's formats part words by spaces; write safetensors instead")


def write_text(vectors: Vectors, path: PathLike) -> None:
    """word2vec's text format. Numbers are written so that they are read back exactly."""
    _writable(vectors)
    with replacing(Path(path)) as file:
        file.write(f"{len(vectors)} {vectors.matrix.shape[1]}\n".encode())
        for word, row in zip(vectors.words, vectors.matrix, strict=True):
            file.write(f"{word} {' '.join(map(str, row))}\n".encode())


def write_binary(vectors: Vectors, path: PathLike) -> None:
    """word2vec's binary format."""
    _writable(vectors)
    with replacing(Path(path)) as file:
        file.write(f"{len(vectors)} {vectors.matrix.shape[1]}\n".encode())
        for word, row in zip(vectors.words, vectors.matrix, strict=True):
            file.write(word.encode() + b" " + row.astype("<f4").tobytes() + b"\n")


def write_safetensors(vectors: Vectors, path: PathLike) -> None:
    """Tensors "vectors" (v, d), "words" (UTF-8, one after another), "ends" (v,) of each, and "counts" if known."""
    with replacing(Path(path)) as file:
        file.write(packed(word_tensors(vectors), {"format": json.dumps({"mutua.words": 1})}))


def word_tensors(vectors: Vectors) -> dict[str, np.ndarray]:
    """The tensors of `write_safetensors`."""
    spelled = [word.encode() for word in vectors.words]
    tensors = {
        "vectors": np.ascontiguousarray(vectors.matrix),
        "words": np.frombuffer(b"".join(spelled), np.uint8),
        "ends": np.cumsum([len(word) for word in spelled], dtype=np.int64),
    }
    if vectors.counts is not None:
        tensors["counts"] = np.ascontiguousarray(vectors.counts)
    return tensors


def words_of(tensors: dict[str, np.ndarray]) -> list[str]:
    """The words in them."""
    text, ends = tensors["words"].tobytes(), tensors["ends"].tolist()
    return [text[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]


def read_safetensors(path: PathLike) -> Vectors:
    """What `write_safetensors` wrote. Raises InputError for a file that is cut short or holds something else."""
    path = Path(path)
    try:
        tensors = load_file(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or reason(error)}); check the path") from None
    except SafetensorError as error:
        raise InputError(f"{path}: cut short, or no safetensors ({reason(error)}); write it again") from None
    if not {"vectors", "words", "ends"} <= tensors.keys():
        raise InputError(f"{path}: holds {', '.join(sorted(tensors))}, not vectors, words and ends")
    return Vectors(words_of(tensors), tensors["vectors"], tensors.get("counts"))


def load_vectors(path: PathLike, *, limit: int | None = None, errors: str = "strict") -> Vectors:
    """Vectors in any of the formats, told apart by what is in the file."""
    path = Path(path)
    with reading(path) as file:
        start = file.read(1 << 16)
    if start[8:9] == b"{":
        return read_safetensors(path)
    line = start.split(b"\n", 1)[-1].split(b"\n", 1)[0]
    text = not set(line) & {*range(9), *range(14, 32)} and line.count(b" ") > 1
    return (read_text if text else read_binary)(path, limit=limit, errors=errors)


def to_gensim(vectors: Vectors) -> Any:
    """gensim's `KeyedVectors` with the same words, vectors and counts."""
    from gensim.models import KeyedVectors

    made = KeyedVectors(vectors.matrix.shape[1])
    made.add_vectors(vectors.words, np.ascontiguousarray(vectors.matrix))
    if vectors.counts is not None:
        for word, n in zip(vectors.words, vectors.counts.tolist(), strict=True):
            made.set_vecattr(word, "count", n)
    return made


def from_gensim(keyed: Any) -> Vectors:
    """`Vectors` of gensim's `KeyedVectors` (or of anything with its `index_to_key`, `vectors`, `get_vecattr`)."""
    words = list(keyed.index_to_key)
    try:
        counts = np.array([keyed.get_vecattr(word, "count") for word in words], np.int64)
    except (KeyError, AttributeError, TypeError):
        counts = None
    return Vectors(words, np.asarray(keyed.vectors, np.float32), counts)
