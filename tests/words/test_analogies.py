"""Analogies and word similarity on vectors whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from mutua.types import InputError
from mutua.words import (
    Section,
    Vectors,
    accuracy_table,
    analogies,
    answer,
    cos_add,
    cos_mul,
    occurrences,
    read_corpus,
    read_pairs,
    read_questions,
    similarity_table,
)
from mutua.words.analogies import pair_interval, wilson


def some(v: int = 40, d: int = 6) -> Vectors:
    return Vectors([f"w{i}" for i in range(v)], np.random.default_rng(0).normal(size=(v, d)).astype(np.float32))


@pytest.mark.parametrize("objective", [cos_add, cos_mul])
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("at_once", [1 << 24, 100])
def test_answers_are_the_definition(objective, k: int, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analogies, "_SCORES", at_once)
    them, random = some(), np.random.default_rng(1)
    x = them.matrix / np.linalg.norm(them.matrix, axis=1)[:, None]
    quads = [random.choice(40, 4, replace=False).tolist() for _ in range(100)]
    for quad in quads[:50]:  # half of them have the answer that a search gives
        a, b, c, _ = quad
        if objective is cos_add:
            score = x @ (x[b] - x[a] + x[c])
        else:
            s = (1 + x @ x.T) / 2
            score = s[b] * s[c] / (s[a] + 1e-3)
        score[[a, b, c]] = -np.inf
        quad[3] = int(np.argsort(-score)[k - 1])
    questions = [tuple(f"w{i}" for i in quad) for quad in quads]
    (found,) = answer(them, [Section("all", questions)], k=k, objective=objective)
    assert found.correct[:50].all()
    assert found.correct[50:].sum() < 20
    assert (found.asked, found.known) == (100, 100)


def test_case_coverage_and_limits() -> None:
    x = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1.1], [1, 1, 1]], np.float32)
    them = Vectors(["man", "KING", "Woman", "king", "queen"], x)
    section = Section("one", [("Man", "King", "woman", "Queen"), ("man", "king", "woman", "duke")])
    (found,) = answer(them, [section])
    assert (found.asked, found.known, found.correct.tolist()) == (2, 1, [True])
    assert answer(them, [section], fold=False)[0].known == 0
    assert answer(them, [section], limit=4)[0].known == 0
    # An answer that is one of the question's own words cannot be found.
    assert not answer(them, [Section("", [("man", "KING", "woman", "king")])])[0].correct.any()


def test_table_by_section() -> None:
    them = some()
    sections = [Section("capital", [("w0", "w1", "w2", "w3")]), Section("gram1", [("w0", "w1", "w2", "no")])]
    table = accuracy_table(answer(them, sections))
    assert [row[0] for row in table.rows] == ["capital", "gram1", "all", "semantic", "syntactic"]
    assert table.rows[2][1:4] == [2, 1, 50]
    assert table.rows[1][4] is None
    low, high = wilson(50, 100)
    assert (low, high) == (pytest.approx(0.4038, abs=1e-4), pytest.approx(0.5962, abs=1e-4))
    assert wilson(0, 0) == (0, 1)


def test_pairs_that_questions_share_widen_the_interval() -> None:
    """All questions of 200 pairs, each used once with the next, are as if independent; of 8 pairs not."""
    random = np.random.default_rng(0)
    apart = np.arange(400).reshape(-1, 2)
    right = (random.random(200) < 0.4).astype(float)
    low, high = pair_interval(right, apart)
    assert (low, high) == (pytest.approx(wilson(int(right.sum()), 200)[0], abs=0.06), pytest.approx(
        wilson(int(right.sum()), 200)[1], abs=0.06))  # fmt: skip
    pairs = np.array([(i, j) for i in range(8) for j in range(8) if i != j])
    good = pairs[:, 1] < 3  # right where the second pair is one of three
    shared_low, shared_high = pair_interval(good.astype(float), pairs)
    one_low, one_high = wilson(int(good.sum()), len(good))
    assert shared_high - shared_low > 1.8 * (one_high - one_low)
    assert pair_interval(np.zeros(6), pairs[:6]) == wilson(0, int(pairs[:6].max()) + 1)
    assert pair_interval(np.zeros(0), np.zeros((0, 2), np.int64)) == (0, 1)


def test_occurrences_are_pythons() -> None:
    text = ["New York is new; new york new york", "york new", "Samuel J. Palmisano", "palmisano samuel j"]
    found = occurrences(
        read_corpus(text, min_count=1), ["New_York", "new", "Samuel_J._Palmisano", "is_old", "York_New", ""]
    )
    assert found == {"New_York": 3, "new": 5, "Samuel_J._Palmisano": 1, "is_old": 0, "York_New": 2, "": 0}


def test_question_files(tmp_path: Path) -> None:
    path = tmp_path / "questions.txt"
    path.write_text(": one two\nA b C d\n\n: three\n a b c d \nq_r b c d\n")
    sections = read_questions(path)
    assert [(section.name, len(section.questions)) for section in sections] == [("one two", 1), ("three", 2)]
    assert sections[0].questions[0] == ("A", "b", "C", "d")
    for text, named in (("a b c\n", "line 1 has 3 words"), (": empty\n", "no questions")):
        path.write_text(text)
        with pytest.raises(InputError, match=named):
            read_questions(path)


def test_similarity(tmp_path: Path) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text("# note\nWord 1\tWord 2\tHuman\nw0\tW1\t3.5\nw2\tw3\t9\nw4\tw5\t1\nw6\tnone\t2\n")
    pairs = read_pairs(path)
    assert pairs[0] == ("w0", "W1", 3.5)
    them = some()
    row = similarity_table(them, {"set": pairs}).rows[0]
    ours = [them.similarity(f"w{i}", f"w{i + 1}") for i in (0, 2, 4)]
    assert row == ["set", 4, 3, 75, pytest.approx(spearmanr(ours, [3.5, 9, 1]).statistic)]
    path.write_text("a,b,1\n")
    assert read_pairs(path) == [("a", "b", 1.0)]
    path.write_text("nothing\n")
    with pytest.raises(InputError, match="no pairs"):
        read_pairs(path)


def test_judgements_as_their_authors_publish_them(tmp_path: Path) -> None:
    path = tmp_path / "pairs"
    for text, found, said in (
        (
            "word1\tword2\tPOS\tSimLex999\told\tnew\nold\tnew\tA\t1.58\t2.7\nx\ty\tN\t9.2\t1.7\n",
            [1.58, 9.2],
            "SimLex",
        ),
        ("take\tremove\tV\t6.81\tSYNONYMS\nwalk\ttrail\tV\t4.81\tNONE\n", [6.81, 4.81], "SimLex"),
        ("sun-n sunlight-n 50.0\nrun-v fast-j 9\n", [50, 9], "as in MEN"),
        ("Word 1,Word 2,Human (mean)\nlove,sex,6.77\n", [6.77], "commas"),
        ("cord;smile;0,02\nrooster;voyage;3\n", [0.02, 3], "decimal commas"),
        ("squishing\tsquirt\t5.88\t7\t6\n", [5.88], "parted by tabs"),
    ):
        path.write_text(text)
        pairs = read_pairs(path)
        assert [judged for _, _, judged in pairs] == found
        assert said in pairs.format
    path.write_text("sun-n sunlight-n 50.0\n")
    assert read_pairs(path) == [("sun", "sunlight", 50)]
    for text, named in (
        ("a b 1\nc d ?\n", r"line 2: '\?' where"),
        ("a\tb\t1\nc\td\n", "line 2: 'c d' where"),
        ("a b 1\nc d nan\n", "line 2: 'nan' where"),
        ("a,b,1\nc,,2\n", "line 2"),
        ("w1 w2 score\na b none\nc d 1\n", "line 2"),
        ("heading of a table\n", "no pairs"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=named) as caught:
            read_pairs(path)
        assert "\n" not in str(caught.value)


@pytest.mark.data
def test_the_tools_question_files(real_data: Path) -> None:
    words = read_questions(real_data / "text" / "questions-words.txt")
    assert sum(len(section.questions) for section in words) == 19_544
    assert len(words) == 14
    phrases = read_questions(real_data / "text" / "questions-phrases.txt")
    assert sum(len(section.questions) for section in phrases) == 3218
    assert len(read_pairs(real_data / "text" / "wordsim" / "EN-WS-353-ALL.txt")) == 353
