"""A whole model in one file: what was learned, what it was learned with, and where its random numbers stand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save as packed
from sklearn.utils import check_random_state

from mutua.data.store import writing
from mutua.data.text.files import PathLike
from mutua.data.text.tokens import Whitespace, Words
from mutua.kernels.words.simd import aligned
from mutua.types import InputError
from mutua.words.safetensors_format import spelled_in, unpacked, word_tensors
from mutua.words.subwords import Subwords
from mutua.words.vectors import named_file

__all__ = ["load_into", "save"]

# Settings that are no plain values: written in a way of their own, or left out.
_APART = ("subwords", "tokenizer", "random_state", "folder", "on_epoch")
_TOKENIZERS: dict[str, type[Words] | type[Whitespace]] = {"Words": Words, "Whitespace": Whitespace}


def save(model: Any, path: PathLike) -> None:
    """Write a fitted `Word2Vec` or `CBOW` to a safetensors file, which `load_vectors` reads as vectors too."""
    kind, state, position, *gauss = model._random.get_state()
    settings = {
        name: value.item() if isinstance(value, np.generic) else value  # a grid search gives numpy's numbers
        for name, value in model.get_params(deep=False).items()
        if name not in _APART
    }
    tokenizer, subwords, seed = model.tokenizer, model.subwords, model.random_state
    known = isinstance(tokenizer, (Words, Whitespace))
    about = {
        "class": type(model).__name__,
        "settings": settings,
        "subwords": None if subwords is None else [subwords.shortest, subwords.longest, subwords.buckets],
        "tokenizer": [type(tokenizer).__name__, tokenizer.lower] if known else tokenizer and "a function",
        "random_state": int(seed) if isinstance(seed, (int, np.integer)) else None,
        "loss": model.loss_,
        "total": model.total_,
        "random": [kind, position, *gauss],
    }
    d = model.vector_size
    tensors = word_tensors(model.vectors_)
    tensors |= {"outputs": np.ascontiguousarray(model.outputs_[:, :d]), "random": np.asarray(state)}
    if subwords is not None:  # words' vectors are then means of these
        tensors["inputs"] = np.ascontiguousarray(model.inputs_[:, :d])
    with writing(Path(path)) as file:
        file.write(packed(tensors, {"mutua.words.model": json.dumps(about)}))


def load_into(kinds: dict[str, Any], path: PathLike, tokenizer: Any = None) -> Any:
    """The model that `save` wrote: `partial_fit` goes on as if it had never been put away.

    Raises InputError for a file that is damaged or holds something else, and where the tokenizer was a function
    and none is given.
    """
    path = Path(path)
    about, tensors = unpacked(path)
    if not about:
        raise InputError(f"{path}: holds no model; load_vectors reads vectors, Word2Vec.save writes models")
    if about["tokenizer"] == "a function" and tokenizer is None:
        raise InputError(f"{path}: was learned with a tokenizer of its own; give it again with tokenizer=")
    if isinstance(about["tokenizer"], list) and tokenizer is None:
        tokenizer = _TOKENIZERS[about["tokenizer"][0]](about["tokenizer"][1])
    model = kinds[about["class"]](
        **about["settings"],
        subwords=about["subwords"] and Subwords(*about["subwords"]),
        tokenizer=tokenizer,
        random_state=about["random_state"],
    )
    model._random = check_random_state(None)
    kind, position, *gauss = about["random"]
    model._random.set_state((kind, tensors["random"], position, *gauss))
    model.words_, model.counts_, model.total_ = spelled_in(path, tensors), tensors["counts"], about["total"]
    model.loss_, model.interrupted_ = about["loss"], False
    model._n_words, model._subwords = len(model.words_), model.subwords
    model.inputs_ = _padded(tensors.get("inputs", tensors["vectors"]))
    model.outputs_ = _padded(tensors["outputs"])
    with named_file(path):
        model.vectors_ = model._finished()
    return model


def _padded(rows: np.ndarray) -> np.ndarray:
    made = aligned(*rows.shape)
    made[:, : rows.shape[1]] = rows
    return made
