"""Vectors in files: word2vec's text and binary formats, safetensors, and gensim's `KeyedVectors` as objects."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as packed

from mutua.data.store import reason, writing
from mutua.types import InputError
from mutua.words.checks import checked_count
from mutua.words.files import ERRORS, PathLike, reading
from mutua.words.subwords import Subwords
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


def _limited(n: int, limit: int | None) -> int:
    if limit is None:
        return n
    checked_count("limit", limit)
    return min(n, limit)


def _ended(more: bytes, path: Path, n: int) -> None:
    """Nothing may follow the rows that the first line told of."""
    if more:
        raise InputError(f"{path}: holds more than the {n:,} words it says; correct its first line, or set limit")


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
        there, d = _header(file, path)
        n = _limited(there, limit)

        def rows() -> Iterator[tuple[bytes, Any]]:
            for row in range(n):
                line = file.readline()
                if not line.strip():
                    raise _cut_short(path, row, there)
                if not line.endswith(b"\n"):  # its last number may have lost digits
                    raise InputError(
                        f"{path}: line {row + 2:,} does not end; it was cut short, or else end it with a new line"
                    )
                word, *values = line.rstrip(b" \r\n").rsplit(
                    b" ", d
                )  # from the right: some tools write words with spaces
                try:
                    vector = np.array(values, np.float32)
                except ValueError:
                    vector = np.zeros(0, np.float32)
                if len(vector) != d:
                    raise InputError(
                        f"{path}: line {row + 2:,} has not {d} numbers; it was cut short, or is no text"
                    )
                yield word, vector
            if n == there:
                _ended(file.readline().strip(), path, there)

        return _collected(rows(), path, n, d, errors)


def read_binary(path: PathLike, *, limit: int | None = None, errors: str = "strict") -> Vectors:
    """word2vec's binary format: a line "n d", then a word: "word ", d float32 (little-endian). May be compressed.

    Args and raises as `read_text`.
    """
    path = Path(path)
    with reading(path) as file:
        there, d = _header(file, path)
        n = _limited(there, limit)

        def rows() -> Iterator[tuple[bytes, Any]]:
            data, position = b"", 0
            for row in range(n):
                space = data.find(b" ", position)
                while space < 0 or len(data) < space + 1 + 4 * d:
                    more = file.read(1 << 22)
                    if not more or (space < 0 and len(data) - position > 1 << 20):
                        raise _cut_short(path, row, there)
                    data, position = data[position:] + more, 0
                    space = data.find(b" ")
                yield data[position:space].lstrip(b"\n"), np.frombuffer(data, "<f4", d, space + 1)
                position = space + 1 + 4 * d
            if n == there:
                _ended((data[position:] + file.read(64)).strip(b"\n"), path, there)

        return _collected(rows(), path, n, d, errors)


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


def write_safetensors(vectors: Vectors, path: PathLike) -> None:
    """Tensors "vectors" (v, d), "words" (UTF-8, one after another), "ends" (v,) of each, and "counts" if known."""
    with writing(Path(path)) as file:
        file.write(packed(word_tensors(vectors), {"format": json.dumps({"mutua.words": 1})}))


def word_tensors(vectors: Vectors) -> dict[str, np.ndarray]:
    """The tensors of `write_safetensors`."""
    spelled = [word.encode("utf-8", "surrogatepass") for word in vectors.words]
    tensors = {
        "vectors": np.ascontiguousarray(vectors.matrix),
        "words": np.frombuffer(b"".join(spelled), np.uint8),
        "ends": np.cumsum([len(word) for word in spelled], dtype=np.int64),
    }
    if vectors.counts is not None:
        tensors["counts"] = np.ascontiguousarray(vectors.counts)
    return tensors


def words_of(tensors: dict[str, np.ndarray]) -> list[str]:
    """The words in them. Raises ValueError where they are not what `word_tensors` made."""
    text, ends = tensors["words"].tobytes(), tensors["ends"].tolist()
    if len(ends) != len(tensors["vectors"]) or any(len(rows) != len(ends) for rows in _beside(tensors)):
        raise ValueError(f"{len(tensors['vectors']):,} vectors for {len(ends):,} words")
    if sorted(ends) != ends or (ends[-1] if ends else 0) != len(text):
        raise ValueError("ends of words that are not in order")
    return [text[start:end].decode("utf-8", "surrogatepass") for start, end in zip([0, *ends], ends, strict=False)]


def _beside(tensors: dict[str, np.ndarray]) -> list[np.ndarray]:
    return [tensors[name] for name in ("counts", "outputs") if name in tensors]


def unpacked(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a safetensors file says of a whole model (nothing where it holds vectors alone), and its tensors."""
    try:
        with safe_open(path, "numpy") as file:
            about = json.loads((file.metadata() or {}).get("mutua.words.model", "{}"))
            return about, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or reason(error)}); check the path") from None
    except (SafetensorError, ValueError) as error:
        raise InputError(f"{path}: cut short, or no safetensors ({reason(error)}); write it again") from None


def spelled_in(path: Path, tensors: dict[str, np.ndarray]) -> list[str]:
    """`words_of`, for the tensors of a file. Raises InputError naming it."""
    try:
        return words_of(tensors)
    except (ValueError, KeyError) as error:
        raise InputError(f"{path}: damaged ({reason(error)}); write it again") from None


def read_safetensors(path: PathLike) -> Vectors:
    """What `write_safetensors` wrote, or the vectors of a model that `Word2Vec.save` wrote.

    The model's n-grams are read too: unseen words have vectors then. Raises InputError for a file that is cut
    short or holds something else.
    """
    path = Path(path)
    about, tensors = unpacked(path)
    if not {"vectors", "words", "ends"} <= tensors.keys():
        raise InputError(f"{path}: holds {', '.join(sorted(tensors))}, not vectors, words and ends")
    words, unseen = spelled_in(path, tensors), None
    if about.get("subwords") and "inputs" in tensors:
        unseen = partial(Subwords(*about["subwords"]).vector, tensors["inputs"][len(words) :])
    return Vectors(words, tensors["vectors"], tensors.get("counts"), unseen)


def load_vectors(path: PathLike, *, limit: int | None = None, errors: str = "strict") -> Vectors:
    """Vectors in any of the formats, told apart by what is in the file."""
    path = Path(path)
    with reading(path) as file:
        start = file.read(1 << 16)
    # A safetensors file begins with the length of its header, eight bytes, of which the last are 0.
    if start[8:9] == b"{" and start[6:8] == b"\0\0":
        return _first(read_safetensors(path), limit)
    head, _, rest = start.partition(b"\n")
    return (read_text if _is_text(head, rest.partition(b"\n")[0]) else read_binary)(
        path, limit=limit, errors=errors
    )


def _first(vectors: Vectors, limit: int | None) -> Vectors:
    n = _limited(len(vectors), limit)
    if n == len(vectors):
        return vectors
    counts = None if vectors.counts is None else vectors.counts[:n]
    return Vectors(vectors.words[:n], vectors.matrix[:n], counts)


def _is_text(head: bytes, line: bytes) -> bool:
    """Whether a line is "word x_1 ... x_d", with d from the line before; it may be cut short."""
    try:
        d = int(head.split()[1])
        numbers = line.rstrip(b" \r").rsplit(b" ", d)[1:]
        np.array(numbers, np.float32)
    except (ValueError, IndexError):
        # A row that is cut short, of text: no byte that text has not.
        return not set(line) & {*range(9), *range(14, 32)} and line.count(b" ") > 1
    return bool(numbers)


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
    """`Vectors` of gensim's `KeyedVectors`, or of a model that has them as `wv`; FastText's keep their n-grams."""
    keyed = getattr(keyed, "wv", keyed)
    words = list(keyed.index_to_key)
    try:
        counts = np.array([keyed.get_vecattr(word, "count") for word in words], np.int64)
    except (KeyError, AttributeError, TypeError):
        counts = None
    unseen = partial(_from_ngrams, keyed) if hasattr(keyed, "vectors_ngrams") else None
    return Vectors(words, np.asarray(keyed.vectors, np.float32), counts, unseen)


def _from_ngrams(keyed: Any, word: str) -> Float32[np.ndarray, " d"] | None:
    try:
        return np.asarray(keyed.get_vector(word), np.float32)
    except KeyError:  # too short to have an n-gram
        return None
