"""gensim's names for what has another name here: whoever uses them is told ours, in one line."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from mutua.types import InputError

__all__ = ["MODEL", "MODEL_ARGUMENTS", "VECTORS", "UnknownName", "knows", "named_here"]

Function = TypeVar("Function", bound=Callable[..., Any])

MODEL_ARGUMENTS = {
    "sentences": "fit(X)",
    "corpus_file": "fit(X), X a path",
    "size": "vector_size",
    "alpha": "learning_rate",
    "min_alpha": "final_rate",
    "negative": "negatives",
    "ns_exponent": "power",
    "iter": "epochs",
    "workers": "n_jobs",
    "seed": "random_state",
    "max_vocab_size": "max_words",
    "max_final_vocab": "max_words",
    "sg": "Word2Vec, which is skip-gram, or CBOW",
    "cbow_mean": "CBOW, which takes the mean",
    "hs": "negatives: hierarchical softmax is not here",
    "callbacks": "on_epoch",
    "compute_loss": "loss_, which every fit has",
    "min_n": "subwords=Subwords(shortest, longest, buckets)",
    "max_n": "subwords=Subwords(shortest, longest, buckets)",
    "bucket": "subwords=Subwords(shortest, longest, buckets)",
}

MODEL = {
    "wv": "vectors_",
    "build_vocab": "fit",
    "train": "fit, or partial_fit to go on",
    "get_latest_training_loss": "loss_",
}

VECTORS = {
    "index_to_key": "words",
    "key_to_index": "index",
    "vectors": "matrix",
    "vector_size": "matrix.shape[1]",
    "get_vector": "vectors[word]",
    "get_normed_vectors": "units",
    "get_vecattr": "counts",
    "most_similar_cosmul": "analogy_cosmul",
    "similar_by_word": "most_similar",
    "similar_by_vector": "nearest",
    "distance": "1 - similarity",
    "n_similarity": "similarities",
    "evaluate_word_analogies": "mutua.words.answer",
    "evaluate_word_pairs": "mutua.words.similarity_table",
    "save": "mutua.words.write_safetensors",
    "save_word2vec_format": "mutua.words.write_text or write_binary",
    "load_word2vec_format": "mutua.words.load_vectors",
}


class UnknownName(InputError, AttributeError):
    """An attribute that gensim has under this name."""


def named_here(owner: object, name: str, names: dict[str, str]) -> AttributeError:
    """What to raise for an attribute that `owner` has not."""
    kind = type(owner).__name__
    if name in names:
        return UnknownName(f"{kind}.{name}: gensim's name; here it is {names[name]}")
    return AttributeError(f"{kind!r} object has no attribute {name!r}")


def knows(names: dict[str, str]) -> Callable[[Function], Function]:
    """Let a function answer gensim's keywords with the names here. Its signature stays what it is."""

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def call(*args: Any, **given: Any) -> Any:
            for name in given:
                if name in names:
                    raise InputError(f"{name}: gensim's name; here it is {names[name]}")
            return function(*args, **given)

        return cast(Function, call)

    return decorate
