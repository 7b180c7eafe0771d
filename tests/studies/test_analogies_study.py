"""The lecture's table of analogies on a text whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mutua.studies import analogies
from mutua.studies.analogies import Config
from mutua.studies.analogies.asked import asked, together
from mutua.types import InputError
from mutua.words import Section, Vectors

CITIES = ["Boston", "Detroit", "Toronto", "New York"]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    random = np.random.default_rng(0)
    lines = []
    fillers = [f"f{i}" for i in range(30)]
    for _ in range(1500):
        i, (a, b) = int(random.integers(4)), random.choice(fillers, 2)
        colour = ["red", "green", "blue", "grey"][i]
        lines.append(f"{a} {CITIES[i]} Sun {b}" if random.random() < 0.5 else f"{a} {CITIES[i]} {b} {colour}")
    (tmp_path / "text").write_text("\n".join(lines))
    terms = [(c.replace(" ", "_"), f"{c.replace(' ', '_')}_Sun") for c in CITIES]
    questions = [f"{a} {b} {c} {d}" for a, b in terms for c, d in terms if a != c]
    (tmp_path / "phrases").write_text(
        ": newspapers\n" + "\n".join(questions) + "\n: airlines\nAustria Lauda Spain Iberia"
    )
    (tmp_path / "words").write_text(": colours\nboston red detroit green\ndetroit green boston red\n")
    return {
        "corpus": str(tmp_path / "text"),
        "phrase_questions": str(tmp_path / "phrases"),
        "word_questions": str(tmp_path / "words"),
    }


def test_tables_of_a_small_text(files: dict[str, str]) -> None:
    result = analogies.run(Config(**files, thresholds=(1.5, 0.7), vector_size=8, epochs=2, sample=0.0, top=3))
    phrases, words, examples = result.tables
    papers, airlines, every = phrases.records()
    assert (papers["section"], papers["questions"], papers["in text"]) == ("Newspapers", 12, 12)
    assert airlines["section"] == "Airlines"
    assert (airlines["asked"], airlines["in text"], airlines["right %"]) == (0, 0, None)
    assert every["questions"] == 13
    assert every["asked"] == papers["asked"] > 0
    assert words.records()[-1]["asked"] == 2
    assert len(examples.rows) == 10
    assert "unknown: Steve Ballmer" in examples.rows[8][-1]
    ((caption, svg),) = result.figures.items()
    assert "Newspapers" in svg
    assert "interval" in caption
    assert "Of 13 questions about phrases" in result.words[0]
    assert result.settings["top"] == 3


def test_shares_are_means_over_models() -> None:
    x = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1.1], [-1, 0.2, 0.3]], np.float32)
    names = ["man", "king", "woman", "queen", "pear"]
    good, bad = Vectors(names, x), Vectors(names, x[[0, 1, 2, 4, 3]])
    section = Section("s", [("man", "king", "woman", "Queen"), ("man", "king", "woman", "duke")])
    (one,) = asked([good, bad], [section], k=2)
    assert (one.asked, one.correct.tolist(), one.by_seed) == (2, [0.5], (1.0, 0.0))
    assert one.near.tolist() == [1.0]  # of two words left, both are among the first two
    assert one.pairs.tolist() == [[0, 1]]
    both = together([one, one])
    assert both.pairs.tolist() == [[0, 1], [2, 3]]
    assert (both.asked, both.by_seed) == (4, (1.0, 0.0))


def test_refused(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="seeds=0"):
        analogies.run(Config(**files, seeds=0))
    with pytest.raises(InputError, match="nowhere: no such file; name another with corpus"):
        analogies.run(Config(**{**files, "corpus": "nowhere"}))
    monkeypatch.delenv("MUTUA_DATA", raising=False)
    with pytest.raises(InputError, match="MUTUA_DATA is not set"):
        analogies.run(Config())
