"""Files of vectors, told apart by what is in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mutua.data.text.files import PathLike, reading
from mutua.types import InputError
from mutua.words.safetensors_format import read_safetensors
from mutua.words.vectors import Vectors
from mutua.words.word2vec_format import limited, read_binary, read_text

__all__ = ["load_vectors"]

# What files of other programs begin with, and what to do with them.
_FOREIGN = {
    b"\x80": "a pickle, as gensim's save() writes (.kv, .model), which runs code when read; in gensim, "
    "KeyedVectors.load it, then give it to from_gensim or save_word2vec_format it",
    b"\xba\x16\x4f\x2f": "fastText's own model; its .vec file is read, or gensim's load_facebook_vectors and "
    "from_gensim",
    b"PK\x03\x04": "a zip archive; unpack it",
    b"\x93NUMPY": "a NumPy array without words, as gensim keeps beside a .kv file; in gensim, KeyedVectors.load "
    "that, then give it to from_gensim",
    b"\x89HDF": "an HDF5 file; give vectors in text, word2vec's binary format or safetensors",
}


def load_vectors(path: PathLike, *, limit: int | None = None, errors: str = "strict") -> Vectors:
    """Vectors in any of the formats, told apart by what is in the file."""
    path = Path(path)
    with reading(path) as file:
        start = file.read(1 << 16)
    if not start:
        raise InputError(f"{path}: is empty; fetch or write it again")
    for begins, kind in _FOREIGN.items():
        if start.startswith(begins):
            raise InputError(f"{path}: {kind}")
    # A safetensors file begins with the length of its header, eight bytes, of which the last are 0.
    if start[8:9] == b"{" and start[6:8] == b"\0\0":
        return _first(read_safetensors(path), limit)
    head, _, rest = start.partition(b"\n")
    line = rest.partition(b"\n")[0]
    # A header is two numbers, whatever follows: words alone, or a word and its numbers, are text.
    text = _is_text(head, line) if len(head.split()) == 2 else b"\0" not in start
    return (read_text if text else read_binary)(path, limit=limit, errors=errors)


def _first(vectors: Vectors, limit: int | None) -> Vectors:
    n = limited(len(vectors), limit)
    if n == len(vectors):
        return vectors
    counts = None if vectors.counts is None else vectors.counts[:n]
    return Vectors(vectors.words[:n], vectors.matrix[:n], counts, source=vectors.source)


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
