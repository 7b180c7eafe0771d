"""From whatever holds texts to `Texts`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mutua.data.labels import Labels
from mutua.data.splits import SPLITS, part
from mutua.data.text.datasets import rows_of
from mutua.data.text.files import PathLike, checked_reading
from mutua.data.text.records import Records, folder_records, lines_in, plain
from mutua.data.text.tables import jsonl, table
from mutua.data.text.texts import Texts, texts_of, usual_length
from mutua.data.text.tokens import Tokenizer
from mutua.data.text.vocabulary import Vocabulary
from mutua.types import InputError

__all__ = ["Documents", "read_texts"]

Documents = Literal["lines", "paragraphs"]

_MARKS = {".tsv": "\t", ".tab": "\t", ".csv": ","}
_PACKED = {".gz", ".xz", ".bz2", ".zst"}
_COARSE = re.compile(r"([^:\s]+):[^:\s]+")


def read_texts(
    source: PathLike | Sequence[str] | Any,
    split: str = "all",
    *,
    documents: Documents = "lines",
    text: str | None = None,
    target: str | Sequence[str] | None = None,
    tokens: int | None = None,
    min_count: int = 2,
    max_words: int | None = None,
    tokenizer: Tokenizer | None = None,
    like: Texts | None = None,
    errors: str = "strict",
    encoding: str = "utf-8",
) -> Texts:
    """Texts and their labels, of a folder, a file, a list of strings, or a dataset.

    A folder's .txt files are a text each, labelled by the folders they lie in, below train/ and test/ if it has
    them. A .txt file has a text a line, or paragraphs; .tsv and .csv a text and its labels a row; .jsonl an object
    a line; each may be packed (gz, xz, bz2, zst). A dataset of torch or Hugging Face is told by its rows. Labels
    that are all "COARSE:fine", as TREC's, make two targets.

    What comes without parts has a fifth, of every class where there are labels, as its test part. The vocabulary
    and the length are those of the training part, whichever is asked for, so that nothing of the test part gets
    in; of all texts where all are asked for, unless `like` is given.

    Args:
        split: "train", "test" or "all".
        documents: whether a text of a .txt file is a line, or what stands between empty lines ("paragraphs").
        text: name of the column of texts, where it is not usual.
        target: names of the columns of labels; by default those of usual names, () for none.
        tokens: words of a text that are kept; by default as many as 99 in 100 texts have, 512 at most.
        min_count: rarer words are unknown. From 2 on, unknown words are met in training too.
        max_words: know this many of the most frequent words at most.
        tokenizer: what a word is, that of `mutua.words` by default.
        like: texts that were trained on: their vocabulary, length and order of classes are used.
        errors, encoding: of files, as in `mutua.words.read_corpus`.

    Raises `InputError` of one line for what has no text, or texts without labels where others have them, naming
    the line or row.
    """
    if split not in SPLITS:
        raise InputError(f"split: {split!r}; one of {', '.join(SPLITS)}")
    if documents not in ("lines", "paragraphs"):
        raise InputError(f"documents: {documents!r}; one of lines, paragraphs")
    checked_reading(errors, encoding)
    wanted = (target,) if isinstance(target, str) else None if target is None else tuple(target)
    found, name = _read(source, documents, text, wanted, errors, encoding)
    targets = _targets(found, like, name)
    first = next(iter(targets.values()), Labels(np.zeros(0)))
    n = len(found.texts)
    if found.parts is None:
        labels = first.codes if targets else None
        rows, train = (
            part(n, labels, first.classes, one, name) for one in (split, "train" if split != "all" else "all")
        )
    else:
        rows, train = (
            np.array([i for i, one in enumerate(found.parts) if one and wish in ("all", one)])
            for wish in (split, "train")
        )
    if like is None:
        texts = [found.texts[i] for i in train]
        vocabulary = Vocabulary.of(texts, tokenizer, min_count=min_count, max_words=max_words)
        if not vocabulary.words:
            raise InputError(f"{name}: no word occurs {min_count} times in {len(texts):,} texts; lower min_count")
        tokens = usual_length(texts, vocabulary) if tokens is None else tokens
    else:
        vocabulary, tokens = like.vocabulary, like.spec.shape[0] if tokens is None else tokens
    return texts_of(
        [found.texts[i] for i in rows],
        vocabulary,
        tokens,
        targets={one: labels.of(rows) for one, labels in targets.items()},
        names=None if found.names is None else tuple(found.names[i] for i in rows),
        source="; ".join([name, *found.notes]),
    )


def _read(
    source: Any, documents: str, text: str | None, target: Sequence[str] | None, errors: str, encoding: str
) -> tuple[Records, str]:
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        if path.is_dir():
            return folder_records(path, errors, encoding), path.name or str(path)
        if not path.is_file():
            raise InputError(f"{str(path)[:80]!r}: no such file or folder; give a path, or a list of texts")
        ending = next((end.lower() for end in reversed(path.suffixes) if end.lower() not in _PACKED), "")
        lines = lines_in(path, errors, encoding)
        if ending in _MARKS:
            return table(path, lines, _MARKS[ending], text, target), path.name
        if ending in (".jsonl", ".ndjson"):
            return jsonl(path, lines, text, target), path.name
        return plain(path, lines, documents), path.name
    if isinstance(source, Mapping):
        raise InputError(f"texts: splits {', '.join(map(str, source))}; give one of them")
    if not hasattr(source, "__getitem__") or not hasattr(source, "__len__"):
        raise InputError(
            f"texts: {type(source).__name__}; give a path, a list of strings, or a dataset with len()"
        )
    if isinstance(source, (list, tuple)) and all(isinstance(one, str) for one in source):
        empty = next((i for i, one in enumerate(source) if not one.strip()), None)
        if empty is not None or not source:
            raise InputError(f"texts: {'none' if not source else f'number {empty} is empty'}; give texts of words")
        return Records([one.strip() for one in source]), "texts"
    return rows_of(source, text, target), type(source).__name__


def _targets(found: Records, like: Texts | None, name: str) -> dict[str, Labels]:
    """Labels by target; a target of "COARSE:fine" labels is two."""
    spelled = dict(found.targets)
    for target, labels in found.targets.items():
        coarse = [_COARSE.fullmatch(label) for label in labels]
        if all(coarse) and len({match[1] for match in coarse if match}) < len(set(labels)):
            del spelled[target]
            spelled |= {"coarse": [match[1] for match in coarse if match], "fine": labels}
    targets = {}
    for target, labels in spelled.items():
        if len(set(labels)) > max(20, len(labels) / 2):
            raise InputError(
                f"{name}: {target} has {len(set(labels)):,} values in {len(labels):,} rows, which are no classes; "
                "name another target, or () for none"
            )
        known = found.classes.get(target) or _ordered(set(labels))
        if like is not None and target in like.targets:
            before = like.targets[target].classes
            known = (*before, *(one for one in known if one not in before))
        code = {one: k for k, one in enumerate(known)}
        targets[target] = Labels(np.array([code[label] for label in labels], np.int64), tuple(known))
    return targets


def _ordered(classes: set[str]) -> tuple[str, ...]:
    """Numbers by their size, names by the alphabet."""
    if all(re.fullmatch(r"[+-]?\d+", one) for one in classes):
        return tuple(sorted(classes, key=int))
    return tuple(sorted(classes))
