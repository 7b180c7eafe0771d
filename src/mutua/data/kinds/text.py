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
from mutua.data.text.passages import Passages, passages
from mutua.data.text.reading import read_texts
from mutua.data.text.texts import Texts
from mutua.types import Batch, InputError, Rows, Spec, parted

__all__ = ["TEXT"]

_MOST = 4096
"""Words and pairs of the raw control: dense vectors of all would fill the memory."""


def _load(place: Path, split: str, reading: Reading, access: Access) -> Examples:
    if reading.sentences is not None:
        vocabulary = None if reading.vocabulary is None else Path(reading.vocabulary)
        return passages(place, split, reading.sentences, reading.tokens, vocabulary)
    if reading.vocabulary is not None:
        raise InputError("vocabulary: is for documents cut into sentences; say --sentences too, or leave it out")
    return read_texts(place, split, tokens=reading.tokens)


def _held(data: Any, reading: Reading, access: Access) -> Examples:
    return data if isinstance(data, (Texts, Passages)) else read_texts(data, tokens=reading.tokens)


def _written(batch: Batch) -> list[str]:
    """Each text's words as their numbers, in a line: what a vectorizer counts."""
    x, _ = parted(batch)
    return [" ".join(str(word) for word in row if word) for row in x.flatten(1).tolist()]


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
    """Sentences of two topics, ended by zeros; or documents of such sentences."""
    *many, tokens = spec.shape
    topic = torch.randint(2, (n, *[1] * len(spec.shape)), generator=generator)
    words = 2 + 10 * topic + torch.randint(10, (n, *spec.shape), generator=generator)
    length = torch.randint(max(tokens // 2, 1), tokens + 1, (n, *many, 1), generator=generator)
    x = (words * (torch.arange(tokens) < length)).int()
    if not spec.masked:
        return x
    mask = torch.arange(many[0]) < torch.randint(many[0] // 2, many[0] + 1, (n, 1), generator=generator)
    return {"x": x * mask[..., None], "mask": mask}


def _reading(spec: Spec) -> Reading:
    if len(spec.shape) == 1:
        return Reading("text", tokens=spec.shape[0])
    return Reading("text", tokens=spec.shape[1], sentences=spec.shape[0])


def _words(examples: Examples) -> list[str] | None:
    if isinstance(examples, Passages):
        x = examples.take(torch.arange(len(examples)))["x"].flatten(1)
        return [" ".join(examples.vocabulary.spelled(row)) for row in x.tolist()]
    return list(examples.sentences) if isinstance(examples, Texts) else None


TEXT = Kind(
    name="text",
    plural="texts",
    takes=frozenset({"tokens", "sentences", "vocabulary"}),
    suffixes=frozenset({".txt", ".jsonl", ".ndjson"}),
    load=_load,
    held=_held,
    reading=_reading,
    raw_name=f"tf-idf of one and two words, {_MOST:,} at most",
    raw=_raw,
    pictures=lambda batch, spec: None,
    small=Spec("text", (12,), "int32"),
    sample=_sample,
    words=_words,
)
