"""Vectors in safetensors files, alone or in a whole model."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as packed

from mutua.data.store import reason, writing
from mutua.data.text.files import PathLike
from mutua.types import InputError
from mutua.words.subwords import Subwords
from mutua.words.vectors import Vectors, named_file

__all__ = ["read_safetensors", "spelled_in", "unpacked", "word_tensors", "write_safetensors"]


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


def unpacked(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
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
    with named_file(path):
        return Vectors(words, tensors["vectors"], tensors.get("counts"), unseen, source=path.name)
