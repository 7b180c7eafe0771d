"""Documents as windows of sentences: which sentences follow each other, in which document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int, Int32
from torch import Tensor

from mutua.data.examples import Described, row_numbers
from mutua.data.labels import Labels
from mutua.data.splits import part_by_name
from mutua.data.text.records import folder_records, lines_in
from mutua.data.text.vocabulary import Vocabulary
from mutua.types import Batch, InputError, Spec

__all__ = ["MOST_TOKENS", "MOST_WORDS", "Passages", "passages", "sentences_of"]

MOST_WORDS, MOST_TOKENS = 20_000, 32
"""The vocabulary, and the words of a sentence that are kept, of contrastive predictive coding of text."""

_END = re.compile(r"""[.!?]+["'”’)\]]*(?=\s+["'“‘(\[]*[A-Z0-9])""")
_SHORT = re.compile(r"(?:^|[\s(\"“'‘])(?:Mr|Mrs|Ms|Dr|St|Messrs|Prof|Rev|Hon|Capt|Col|Gen|Lt|Sgt|vs|No|[A-Z])\.$")


def sentences_of(text: str) -> Iterator[str]:
    """The sentences of a text: they end at . ! or ? (and what closes a quotation) before white space and a capital
    letter or figure, but not after a title or an initial; and at the end of each line.

    >>> list(sentences_of('Mr. Hall said "No!" He left. It was 5 p.m. then.'))
    ['Mr. Hall said "No!"', 'He left.', 'It was 5 p.m. then.']
    """
    for line in text.splitlines():
        begin = 0
        for found in _END.finditer(line):
            if not _SHORT.search(line[begin : found.end()]):
                yield line[begin : found.end()].strip()
                begin = found.end()
        if line[begin:].strip():
            yield line[begin:].strip()


@dataclass(frozen=True, eq=False, repr=False)
class Passages(Described):
    """n windows of sentences that follow each other in one document: {"x": int32 (k, sentences, tokens), "mask":
    (k, sentences)}, 0 where a sentence has ended.

    Args:
        words: the numbers of the words of all sentences, document after document.
        start, count: of each window, its first sentence and how many it has.
        vocabulary: what the numbers mean.
        groups: "document", which each window is of: no label to be told, for the parts have none in common.
    """

    words: Int32[np.ndarray, "all tokens"] = field(default_factory=lambda: np.empty((0, 1), np.int32))
    start: Int[np.ndarray, " n"] = field(default_factory=lambda: np.empty(0, np.int64))
    count: Int[np.ndarray, " n"] = field(default_factory=lambda: np.empty(0, np.int64))
    vocabulary: Vocabulary = field(default_factory=lambda: Vocabulary(()))
    groups: Mapping[str, Labels] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._check()

    def __len__(self) -> int:
        return len(self.start)

    def take(self, index: Tensor) -> Batch:
        """The windows in rows `index`, in its order."""
        rows = row_numbers(index, len(self), none=True)
        places = np.arange(self.spec.shape[0])
        real = places < self.count[rows, None]  # (k, sentences)
        x = self.words[np.where(real, self.start[rows, None] + places, 0)] * real[..., None]
        return {"x": torch.from_numpy(x.astype(np.int32)), "mask": torch.from_numpy(real)}

    def subset(self, index: Tensor | np.ndarray | Sequence[int]) -> Passages:
        """The windows in rows `index`, in its order, under the same vocabulary."""
        rows = row_numbers(index, len(self))
        groups = {name: labels.of(rows) for name, labels in self.groups.items()}
        return replace(self, start=self.start[rows], count=self.count[rows], groups=groups, **self._some(rows))  # type: ignore[arg-type]


def passages(
    source: Path, split: str, sentences: int, tokens: int | None = None, vocabulary: Path | None = None
) -> Passages:
    """Windows of `sentences` sentences of documents, one after another: they never cross a document's end.

    A folder's .txt files are a document each; a file has a document from each line that begins with "= " on, its
    name, or is one. A fifth of the documents, told by their names, is the test part. Words that occur twice in the
    training part, 20,000 at most, are known, unless a file of words, one a line, is given; sentences keep their
    first 32. The group `document` says which document a window is of.

    Raises `InputError` where no document has two sentences, naming the first.
    """
    documents = _documents(source)
    names = [name for name, _ in documents]
    rows = part_by_name(names, None, (), split, str(source)) if len(names) > 1 else np.arange(1)
    train = part_by_name(names, None, (), "train", str(source)) if len(names) > 1 and split != "all" else rows
    found = {row: list(sentences_of(documents[row][1])) for row in {*rows.tolist(), *train.tolist()}}
    if max(len(found[row]) for row in rows) < 2:
        raise InputError(
            f"{source}: {names[rows[0]]} has one sentence, and none has two, so that nothing comes next; give "
            "longer texts"
        )
    if vocabulary is None:
        known = Vocabulary.of((one for row in train for one in found[row]), min_count=2, max_words=MOST_WORDS)
    else:
        known = Vocabulary(tuple(lines_in(vocabulary, "strict", "utf-8")))
    tokens = MOST_TOKENS if tokens is None else tokens
    start, count, of = [], [], []
    first = 0
    for row in rows:
        n = len(found[row])
        if n > 1:
            begins = np.arange(0, n - 1, sentences)  # a last window of one sentence is left out
            start.append(first + begins)
            count.append(np.minimum(n - begins, sentences))
            of.append(np.full(len(begins), row))
        first += n
    whole = np.concatenate(of)
    short = sum(len(found[row]) < 2 for row in rows)
    notes = [f"{len(rows):,} documents", f"{first:,} sentences", f"{len(known):,} words"]
    notes += [f"{short:,} documents of one sentence left out"] * (short > 0)
    return Passages(
        Spec("text", (sentences, tokens), "int32", masked=True, words=len(known)),
        {},
        None,
        f"{source.name} ({', '.join(notes)})",
        words=known.encoded([one for row in rows for one in found[row]], tokens),
        start=np.concatenate(start).astype(np.int64),
        count=np.concatenate(count).astype(np.int64),
        vocabulary=known,
        groups={"document": Labels(whole.astype(np.int64), tuple(names))},
    )


def _documents(source: Path) -> list[tuple[str, str]]:
    """(Name, text) of each."""
    if source.is_dir():
        records = folder_records(source, "strict", "utf-8")
        return list(zip(records.names or [], records.texts, strict=True))
    found: list[tuple[str, list[str]]] = []
    for line in lines_in(source, "strict", "utf-8"):
        if line.startswith("= "):
            found.append((line[2:].strip(), []))
        elif found:
            found[-1][1].append(line)
        elif line.strip():
            found.append((source.name, [line]))
    kept = [(name, "\n".join(lines)) for name, lines in found if any(line.strip() for line in lines)]
    if not kept:
        raise InputError(f"{source}: has no sentence; give a file or folder of texts")
    return kept
