"""Text: folders of documents, files of lines, tables of labelled sentences, lists of strings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Generator

from mutua.data.examples import Examples
from mutua.data.kinds.base import Access, Kind
from mutua.data.reading import Reading
from mutua.data.text.reading import read_texts
from mutua.data.text.texts import Texts
from mutua.types import Batch, Rows, Spec

__all__ = ["TEXT"]

_MOST = 4096
"""Words and pairs of the raw control: dense vectors of all would fill the memory."""


def _load(place: Path, split: str, reading: Reading, access: Access) -> Examples:
    return read_texts(place, split, tokens=reading.tokens)


def _held(data: Any, reading: Reading, access: Access) -> Examples:
    return data if isinstance(data, Texts) else read_texts(data, tokens=reading.tokens)


def _written(batch: Batch) -> list[str]:
    """Each text's words as their numbers, in a line: what a vectorizer counts."""
    return [" ".join(str(word) for word in row if word) for row in batch.tolist()]


def _raw(train: Rows) -> Callable[[Batch], np.ndarray]:
    """(1 + log count) idf of words and pairs side by side, of unit length; those of the training texts alone."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # seconds to import

    vectorizer = TfidfVectorizer(
        token_pattern=r"\S+", ngram_range=(1, 2), sublinear_tf=True, max_features=_MOST, dtype=np.float32
    )
    lines = [line for rows in torch.arange(len(train)).split(4096) for line in _written(train.take(rows))]
    vectorizer.fit(lines)
    return lambda batch: vectorizer.transform(_written(batch)).toarray()


def _sample(spec: Spec, n: int, generator: Generator) -> Batch:
    """Sentences of two topics, ended by zeros."""
    (tokens,) = spec.shape
    topic = torch.randint(2, (n, 1), generator=generator)
    words = 2 + 10 * topic + torch.randint(10, (n, tokens), generator=generator)
    length = torch.randint(max(tokens // 2, 1), tokens + 1, (n, 1), generator=generator)
    return (words * (torch.arange(tokens) < length)).int()


TEXT = Kind(
    name="text",
    plural="texts",
    takes=frozenset({"tokens"}),
    suffixes=frozenset({".txt", ".jsonl", ".ndjson"}),
    load=_load,
    held=_held,
    reading=lambda spec: Reading("text", tokens=spec.shape[0]),
    raw_name=f"tf-idf of one and two words, {_MOST:,} at most",
    raw=_raw,
    pictures=lambda batch, spec: None,
    small=Spec("text", (12,), "int32"),
    sample=_sample,
    words=lambda examples: list(examples.sentences) if isinstance(examples, Texts) else None,
)
