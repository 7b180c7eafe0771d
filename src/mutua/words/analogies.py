"""Analogies: how much of what people know of words the vectors know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64, Integer

from mutua.data.text.files import PathLike, pieces
from mutua.intervals import wilson
from mutua.types import InputError, Table
from mutua.words.checks import checked_count
from mutua.words.objectives import Objective, cos_add, cos_mul
from mutua.words.vectors import Vectors, folded

__all__ = [
    "Answers",
    "Section",
    "accuracy_table",
    "answer",
    "cos_add",
    "cos_mul",
    "pair_interval",
    "ranks",
    "read_questions",
    "wilson",
]

# Words times questions whose cosines are taken together, and of those scored together: what the cache holds.
_SCORES, _CACHED = 1 << 24, 1 << 18


@dataclass(frozen=True)
class Section:
    """Questions "a is to b as c is to d" under one heading."""

    name: str
    questions: Sequence[tuple[str, str, str, str]]


@dataclass(frozen=True)
class Answers:
    """What vectors said to the questions of one section.

    Attributes:
        asked: questions there are. known: those all four words of which have vectors.
        correct: of the known, whether d was among the first k. excess: false where d is missing.
    """

    name: str
    asked: int
    correct: Bool[np.ndarray, " known"]

    @property
    def known(self) -> int:
        return len(self.correct)


def _lines(path: PathLike) -> list[str]:
    return b"".join(pieces(path)).decode("utf-8").splitlines()


def read_questions(path: PathLike) -> list[Section]:
    """Sections of a question file of the word2vec tools: ": name", then four words a line.

    Raises InputError for a line that is neither, and for a file without questions.
    """
    sections: list[tuple[str, list[tuple[str, str, str, str]]]] = []
    for number, line in enumerate(_lines(path), 1):
        parts = line.split()
        if line.startswith(":"):
            sections.append((line[1:].strip(), []))
        elif len(parts) == 4:
            if not sections:
                sections.append((Path(path).stem, []))
            sections[-1][1].append((parts[0], parts[1], parts[2], parts[3]))
        elif parts:
            raise InputError(
                f"{path}: line {number:,} has {len(parts)} words; a question has four, a section ': name'"
            )
    if not any(questions for _, questions in sections):
        raise InputError(f"{path}: no questions; give four words a line, sections headed by ': name'")
    return [Section(name, questions) for name, questions in sections]


def answer(
    vectors: Vectors,
    sections: Iterable[Section],
    *,
    k: int = 1,
    objective: Objective = cos_add,
    fold: bool = True,
    limit: int | None = None,
) -> list[Answers]:
    """Answer each question whose four words are known: is d among the k best words, a, b and c left out?

    Args:
        objective: `cos_add` or `cos_mul`.
        fold: whether words that differ in case alone are one, the most frequent of them.
        limit: seek among this many of the first words only; others count as unknown. It makes questions easier
            and fewer: compare numbers under the same limit.
    """
    checked_count("k", k)
    found = ranks(vectors, sections, objective=objective, fold=fold, limit=limit)
    return [Answers(section.name, len(section.questions), rank < k) for section, rank in found]


def ranks(
    vectors: Vectors,
    sections: Iterable[Section],
    *,
    objective: Objective = cos_add,
    fold: bool = True,
    limit: int | None = None,
) -> list[tuple[Section, Int64[np.ndarray, " known"]]]:
    """How many words come before d in each question whose words are known; a huge number where d is a, b or c.

    With each section, in the order of its questions. Arguments as in `answer`.
    """
    if limit is not None:
        checked_count("limit", limit)
    index = folded(vectors, limit, fold)
    # With `fold` only the first of each case takes part.
    rows = np.fromiter(index.values(), np.int64, len(index))
    units = vectors.units[rows]
    place = {word: i for i, word in enumerate(index)}
    found = []
    for section in sections:
        quads = [[place.get(w.casefold() if fold else w, -1) for w in question] for question in section.questions]
        known = np.array([quad for quad in quads if min(quad) >= 0], np.int64).reshape(-1, 4)
        found.append((section, _ranks(units, known, objective)))
    return found


def _ranks(
    units: Float32[np.ndarray, "v d"], questions: Int64[np.ndarray, "n 4"], objective: Objective
) -> Int64[np.ndarray, " n"]:
    rank = np.zeros(len(questions), np.int64)
    # Section files run over all pairs of few words: each word's cosines are computed once a section.
    terms, at = np.unique(questions[:, :3], return_inverse=True)
    at = at.reshape(-1, 3)
    step, small = max(1, _SCORES // max(len(units), 1)), max(1, _CACHED // max(len(units), 1))
    for start in range(0, len(questions), step):
        part = slice(start, start + step)
        some, inverse = np.unique(at[part], return_inverse=True)
        cosines = units[terms[some]] @ units.T  # (terms, v)
        local = inverse.reshape(-1, 3)
        for first in range(0, len(local), small):
            a, b, c = local[first : first + small].T
            few = slice(start + first, start + first + len(a))
            scores = objective(cosines[a], cosines[b], cosines[c])  # (q, v)
            np.put_along_axis(scores, questions[few, :3], -np.inf, 1)
            target = np.take_along_axis(scores, questions[few, 3:], 1)  # (q, 1)
            # An expected word that is one of the question's own cannot be found.
            rank[few] = np.where(np.isfinite(target[:, 0]), (scores > target).sum(1), np.iinfo(np.int64).max)
    return rank


def pair_interval(
    correct: Float[np.ndarray, " n"], pairs: Integer[np.ndarray, "n 2"], draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of the mean of `correct` where question i is made of two pairs of words, `pairs[i]`.

    Questions that share a pair are right or wrong together, so pairs are drawn anew, with replacement, and each
    question weighs as often as both of its pairs were drawn: percentiles of the weighted mean. Where all answers
    are alike that has no width: then Wilson's, of the pairs.

    Paper: Owen and Eckles 2012, Bootstrapping data arrays of arbitrary order, Annals of Applied Statistics.
    """
    if not len(correct):
        return 0.0, 1.0
    random, n = np.random.default_rng(seed), int(pairs.max()) + 1
    if correct.min() == correct.max():
        return wilson(round(n * float(correct[0])), n)
    means = []
    for _ in range(draws):
        drawn = random.multinomial(n, np.full(n, 1 / n))
        weight = drawn[pairs[:, 0]] * drawn[pairs[:, 1]]
        if weight.any():
            means.append(float(weight @ correct / weight.sum()))
    if not means:
        return 0.0, 1.0
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def accuracy_table(answers: Sequence[Answers], title: str = "Analogies") -> Table:
    """Accuracy by section and in all, with coverage and Wilson intervals beside it."""
    total = Answers("all", sum(one.asked for one in answers), np.concatenate([one.correct for one in answers]))
    parts = [total]
    if any(one.name.startswith("gram") for one in answers):
        for name, grammar in (("semantic", False), ("syntactic", True)):
            some = [one for one in answers if one.name.startswith("gram") == grammar]
            if some:
                parts.append(Answers(name, sum(a.asked for a in some), np.concatenate([a.correct for a in some])))
    rows = []
    for one in [*answers, *parts]:
        correct = int(one.correct.sum())
        low, high = wilson(correct, one.known)
        rows.append(
            [
                one.name,
                one.asked,
                one.known,
                100 * one.known / max(one.asked, 1),
                100 * correct / one.known if one.known else None,
                100 * low,
                100 * high,
                100 * correct / max(one.asked, 1),
            ]
        )
    columns = [
        "section",
        "questions",
        "known",
        "coverage %",
        "accuracy %",
        "95 % from",
        "to",
        "% of all questions",
    ]
    note = (
        "Accuracy of the questions all four words of which have a vector; the last column counts the others wrong."
    )
    return Table(title, columns, rows, note)
