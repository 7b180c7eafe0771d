"""Vectors by name: what was learned of words, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int64
from numpy.typing import ArrayLike

from mutua.types import InputError
from mutua.words.checks import checked_count
from mutua.words.gensim_names import VECTORS, knows, named_here
from mutua.words.objectives import cos_mul
from mutua.words.spelling import near_spellings

__all__ = ["UnknownWord", "Vectors", "folded", "named_file", "top"]

Unseen = Callable[[str], Float32[np.ndarray, " d"] | None]

# Rows scored at once: with a hundred queries, some tens of megabytes of scores.
_ROWS = 1 << 16
_SCORES = 1 << 24
# A vector's length is a float32 too.
_LONGEST = float(np.finfo(np.float32).max)
# Columns taken together where the largest of a row are sought.
_STRIDES = 64


def top(
    matrix: Float32[np.ndarray, "v d"], queries: Float32[np.ndarray, "q d"], k: int
) -> tuple[Int64[np.ndarray, "q k"], Float32[np.ndarray, "q k"]]:
    """The k rows of `matrix` with the largest inner product with each query, best first, and those products.

    Exact, block by block: memory does not grow with the product of the two sizes.
    """
    k = min(k, len(matrix))
    index, score = np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float32)
    step = max(1, _SCORES // min(_ROWS, len(matrix)))
    for start in range(0, len(queries), step):
        some = queries[start : start + step]
        best_index = np.zeros((len(some), 0), np.int64)
        best = np.zeros((len(some), 0), np.float32)
        for row in range(0, len(matrix), _ROWS):
            scores = some @ matrix[row : row + _ROWS].T  # (q, rows)
            chosen = _largest(scores, k)  # (q, k)
            best = np.concatenate([best, np.take_along_axis(scores, chosen, 1)], 1)
            best_index = np.concatenate([best_index, chosen + row], 1)
            order = np.lexsort((best_index, -best))[:, :k]
            best, best_index = np.take_along_axis(best, order, 1), np.take_along_axis(best_index, order, 1)
        index[start : start + step], score[start : start + step] = best_index, best
    return index, score


def _largest(scores: Float32[np.ndarray, "q n"], k: int) -> Int64[np.ndarray, "q k"]:
    """Columns of the k largest of each row, in no order; all of them where there are fewer."""
    q, n = scores.shape
    if n <= k:
        return np.broadcast_to(np.arange(n), scores.shape)
    if n % _STRIDES or n < 4 * k * _STRIDES:
        return np.argpartition(scores, n - k, axis=1)[:, n - k :]
    # The k largest lie in the k groups whose maxima are largest, and maxima cost a fraction of partitioning all.
    step = n // _STRIDES
    maxima = scores.reshape(q, _STRIDES, step).max(1)  # (q, step)
    group = np.argpartition(maxima, step - k, axis=1)[:, step - k :]  # (q, k)
    column = (group[:, None] + step * np.arange(_STRIDES)[:, None]).reshape(q, -1)  # (q, strides k)
    best = np.argpartition(np.take_along_axis(scores, column, 1), column.shape[1] - k, axis=1)
    return np.take_along_axis(column, best[:, column.shape[1] - k :], 1)


class Vectors(Mapping[str, Float32[np.ndarray, " d"]]):
    """Words and their vectors: a mapping, with searches by cosine.

    Args:
        words: distinct, most frequent first where frequency is known.
        matrix: (v, d), one row a word. Kept, not copied, where it is float32.
        counts: how often each word occurred, if known.
        unseen: gives a vector to a word that is not among `words`, or None.
        source: where they come from, for printing beside what they say.

    Raises `InputError` where words are not distinct strings, one a row, and where a row has a NaN or an infinity:
    such a row would be everyone's neighbour.

    >>> vectors = Vectors(["up", "high", "down"], np.array([[1, 0.1], [1, 0.2], [-1, 0.1]], np.float32))
    >>> vectors.most_similar("up", k=1)[0][0]
    'high'
    >>> "low" in vectors, len(vectors)
    (False, 3)
    """

    def __init__(
        self,
        words: Sequence[str],
        matrix: ArrayLike,
        counts: Int64[np.ndarray, " v"] | None = None,
        unseen: Unseen | None = None,
        source: str = "",
    ) -> None:
        self.words = list(words)
        self.matrix = _matrix(matrix)
        self.counts = counts
        self.unseen = unseen
        self.source = source
        self.index = {word: i for i, word in enumerate(map(_string, self.words))}
        if len(self.index) != len(self.words):
            twice = next(word for i, word in enumerate(self.words) if self.index[word] != i)
            raise InputError(f"words: {twice!r} stands there twice; give each word one vector")
        for name, rows in (("vectors", self.matrix), ("counts", self.counts)):
            if rows is not None and len(rows) != len(self.words):
                raise InputError(f"{name}: {len(rows):,} rows for {len(self.words):,} words; give one a word")
        bad = np.flatnonzero(~(_squares(self.matrix) <= _LONGEST**2))
        if len(bad):
            more = f" and {len(bad) - 1:,} more" if len(bad) > 1 else ""
            raise InputError(
                f"vectors: NaN or infinity in the row of {self.words[bad[0]]!r}{more}; leave such words out"
            )

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.index

    def __getitem__(self, word: Any) -> Float32[np.ndarray, " d"]:
        """The vector of a word. Raises `UnknownWord`, a KeyError and an InputError, with near spellings."""
        if not isinstance(word, str):
            raise UnknownWord(word, ())
        i = self.index.get(word)
        if i is not None:
            return self.matrix[i]
        made = self.unseen(word) if self.unseen is not None else None
        if made is None:
            raise UnknownWord(word, near_spellings(word, self.index))
        return made

    def __repr__(self) -> str:
        return f"Vectors({len(self):,} words, d={self.matrix.shape[1]})"

    def __getattr__(self, name: str) -> Any:
        raise named_here(self, name, VECTORS)

    @cached_property
    def units(self) -> Float32[np.ndarray, "v d"]:
        """The vectors at unit length."""
        return _unit(self.matrix)

    def unit(self, word: Any) -> Float32[np.ndarray, " d"]:
        """One vector at unit length."""
        return _unit(self[word][None])[0]

    def nearest(
        self, queries: Float32[np.ndarray, "q d"], k: int = 10
    ) -> tuple[Int64[np.ndarray, "q k"], Float32[np.ndarray, "q k"]]:
        """Row numbers of the k words nearest each query by cosine, and the cosines. Exact."""
        checked_count("k", k)
        queries, d = np.asarray(queries), self.matrix.shape[1]
        if queries.ndim != 2 or queries.shape[1] != d or queries.dtype.kind not in "fiu":
            raise InputError(
                f"queries: {queries.dtype} of shape {queries.shape}; give numbers (q, {d}), a row a query"
            )
        queries = queries.astype(np.float32, copy=False)
        if not (_squares(queries) <= _LONGEST**2).all():
            raise InputError("queries: NaN or infinity among them; leave such rows out")
        return top(self.units, _unit(queries), k)

    @knows({"topn": "k", "restrict_vocab": "limit of load_vectors"})
    def most_similar(
        self, positive: str | Sequence[str], negative: str | Sequence[str] = (), k: int = 10
    ) -> list[tuple[str, float]]:
        """The k words nearest the mean of the unit vectors of `positive` minus those of `negative`, by cosine.

        The words asked about are left out.
        """
        plus, minus = _listed(positive, "positive"), _listed(negative, "negative")
        if not plus + minus:
            raise InputError("most_similar: no word given; name one at least")
        checked_count("k", k)
        query = sum(self.unit(word) for word in plus) - sum((self.unit(word) for word in minus), np.zeros(1))
        index, score = self.nearest(np.asarray(query, np.float32)[None], k + len(plus) + len(minus))
        asked = {*plus, *minus}
        found = [(self.words[i], s) for i, s in zip(index[0].tolist(), score[0].tolist(), strict=True)]
        return [(word, s) for word, s in found if word not in asked][:k]

    def analogy(self, a: str, b: str, c: str, k: int = 10) -> list[tuple[str, float]]:
        """What is to c as b is to a: the words nearest b - a + c (3CosAdd).

        Paper: Mikolov, Yih and Zweig 2013, Linguistic Regularities in Continuous Space Word Representations.
        """
        return self.most_similar([b, c], [a], k)

    def analogy_cosmul(self, a: str, b: str, c: str, k: int = 10) -> list[tuple[str, float]]:
        """As `analogy`, by 3CosMul: s(x, b) s(x, c) / (s(x, a) + 0.001), s = (1 + cos)/2.

        No one term that is large drowns the others.

        Paper: Levy and Goldberg 2014, Linguistic Regularities in Sparse and Explicit Word Representations.
        """
        checked_count("k", k)
        asked = np.stack([self.unit(word) for word in (a, b, c)])  # (3, d)
        scores = cos_mul(*(self.units @ asked.T).T)  # (v,)
        scores[[self.index[word] for word in (a, b, c) if word in self.index]] = -np.inf
        found = np.argsort(-scores, kind="stable")[: min(k, int(np.isfinite(scores).sum()))]
        return [(self.words[i], float(scores[i])) for i in found.tolist()]

    def similarity(self, a: str, b: str) -> float:
        """The cosine of two words."""
        return float(self.unit(a) @ self.unit(b))

    def similarities(
        self, rows: Sequence[str], columns: Sequence[str] | None = None
    ) -> Float32[np.ndarray, "rows columns"]:
        """Cosines of all pairs; of `rows` among themselves where no columns are given."""
        left = self._units_of(rows, "similarities")
        return left @ (left if columns is None else self._units_of(columns, "similarities")).T

    def doesnt_match(self, words: Sequence[str]) -> str:
        """The word farthest, by cosine, from the mean of the unit vectors of all."""
        rows = self._units_of(words, "doesnt_match")
        if len(rows) < 3:
            raise InputError(f"doesnt_match: {len(rows)} words leave no odd one out; give three at least")
        return list(words)[int(np.argmin(rows @ rows.mean(0)))]

    def _units_of(self, words: Any, name: str) -> Float32[np.ndarray, "n d"]:
        if isinstance(words, str):
            mend = "; the cosine of two words is similarity(a, b)" if name == "similarities" else ""
            raise InputError(f"{name}: {words[:40]!r} is one string; give a list of words{mend}")
        if not isinstance(words, (Sequence, np.ndarray, set, frozenset)):
            raise InputError(f"{name}: {words!r:.60} is no list; give a list of words")
        if not len(words):
            raise InputError(f"{name}: no words; give a list of words")
        pair = next((word for word in words if isinstance(word, (tuple, list))), None)
        if pair is not None:
            raise InputError(
                f"{name}: {pair!r:.60} is no word; give words alone, or ask similarity(a, b) of a pair"
            )
        return np.stack([self.unit(word) for word in words])


class UnknownWord(InputError, KeyError):
    """A word that has no vector."""

    def __init__(self, word: object, near: Sequence[str]) -> None:
        if not isinstance(word, str):
            self.line = f"{word!r:.60} is a {type(word).__name__}, no word; give a string"
            super().__init__(self.line)
            return
        word = word if len(word) <= 40 else word[:40] + "..."
        hint = f"did you mean {', '.join(near)}?" if near else "no word is spelled like it; check its case"
        self.line = f"{word!r} is not in the vocabulary; {hint}"
        super().__init__(self.line)

    def __str__(self) -> str:
        return self.line


def folded(vectors: Vectors, limit: int | None, fold: bool) -> dict[str, int]:
    """Rows by word; with `fold`, whatever their case, the first of those that differ in case alone."""
    index: dict[str, int] = {}
    for i, word in enumerate(vectors.words[:limit]):
        index.setdefault(word.casefold() if fold else word, i)
    return index


@contextmanager
def named_file(path: PathLike[str]) -> Iterator[None]:
    """Let an `InputError` about vectors name the file that they were read from."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _listed(words: Any, name: str) -> list[Any]:
    """One word, or several, as a list."""
    if isinstance(words, str):
        return [words]
    if not isinstance(words, Iterable):
        raise InputError(f"{name}: {words!r:.60} is no word; give one, or a list of words")
    return list(words)


def _string(word: object) -> str:
    if not isinstance(word, str):
        raise InputError(f"words: {word!r:.60} is a {type(word).__name__}; words are strings")
    return word


def _matrix(matrix: Any) -> Float32[np.ndarray, "v d"]:
    if np.ma.isMaskedArray(matrix):
        raise InputError("vectors: a masked array; fill or leave out what is masked")
    rows = np.asarray(matrix)
    if rows.ndim != 2 or rows.dtype.kind not in "fiu":
        raise InputError(f"vectors: {rows.dtype} of shape {rows.shape}; give numbers (v, d), a row a word")
    return rows.astype(np.float32, copy=False)


def _squares(rows: Float32[np.ndarray, "n d"]) -> Float64[np.ndarray, " n"]:
    """Squared lengths, in float64: no vector of float32 is too small or too large for them."""
    return np.einsum("nd,nd->n", rows, rows, dtype=np.float64)


def _unit(rows: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, "n d"]:
    length = np.sqrt(_squares(rows))[:, None].astype(np.float32)
    return rows / np.where(length > 0, length, np.float32(1))
