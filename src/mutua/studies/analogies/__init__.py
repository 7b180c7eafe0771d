"""The lecture's table of analogies: newspapers, teams, airlines and executives, with what could not be asked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mutua.studies import LOGGER
from mutua.studies.analogies.asked import Asked, asked, shares_figure, together
from mutua.types import InputError, Result, Table
from mutua.words import Corpus, Phrases, Section, Vectors, Word2Vec, occurrences, read_corpus, read_questions
from mutua.words.analogies import pair_interval, wilson

__all__ = ["PRESETS", "Config", "run"]


@dataclass(frozen=True)
class Config:
    """The text, the questions, and how vectors are learned.

    Args:
        corpus: A text file, plain or packed; empty: the Wikipedia articles in the folder that MUTUA_DATA names.
        phrase_questions: Analogies of phrases, words joined by _; empty: questions-phrases.txt in that folder.
        word_questions: Analogies of words; empty: questions-words.txt in that folder.
        thresholds: Scores from which words are joined, one a pass.
        vector_size: Numbers of a vector.
        window: Words to either side, at most.
        negatives: Noise words beside each pair.
        epochs: Passes over the text.
        min_count: Leave out words and phrases that are rarer.
        sample: Thin words more frequent than this.
        learning_rate: At first; it falls linearly.
        top: The k of top-k.
        seeds: Fits, each under a seed of its own.
        threads: For learning; with one, a seed gives the same vectors again.
    """

    corpus: str = ""
    phrase_questions: str = ""
    word_questions: str = ""
    thresholds: tuple[float, ...] = (200.0, 100.0)
    vector_size: int = 100
    window: int = 5
    negatives: int = 5
    epochs: int = 5
    min_count: int = 5
    sample: float = 1e-4
    learning_rate: float = 0.05
    top: int = 5
    seeds: int = 2
    threads: int = 1


PRESETS = {
    "cpu": Config(),
    "full": Config(vector_size=300, window=10, negatives=10, epochs=15, sample=1e-5, seeds=3, threads=2),
}

# Sections of the phrase questions by the names that the lecture gives them.
LECTURE = {
    "newspapers": "Newspapers",
    "ice_hockey": "NHL teams",
    "basketball": "NBA teams",
    "airlines": "Airlines",
    "people-companies": "Company executives",
}
EXAMPLES = (
    "New_York New_York_Times Baltimore Baltimore_Sun",
    "San_Jose San_Jose_Mercury_News Cincinnati Cincinnati_Enquirer",
    "Boston Boston_Bruins Montreal Montreal_Canadiens",
    "Phoenix Phoenix_Coyotes Nashville Nashville_Predators",
    "Detroit Detroit_Pistons Toronto Toronto_Raptors",
    "Oakland Golden_State_Warriors Memphis Memphis_Grizzlies",
    "Austria Austrian_Airlines Spain Spainair",
    "Belgium Brussels_Airlines Greece Aegean_Airlines",
    "Steve_Ballmer Microsoft Larry_Page Google",
    "Samuel_J._Palmisano IBM Werner_Vogels Amazon",
)


def run(config: Config) -> Result:
    """Join phrases, learn vectors, and ask the questions of the word2vec tools: a is to b as c is to what?

    Paper: Mikolov et al. 2013, Distributed Representations of Words and Phrases and their Compositionality,
    arXiv:1310.4546, table 2; Levy and Goldberg 2014, Linguistic Regularities in Sparse and Explicit Word
    Representations, CoNLL; Linzen 2016, Issues in evaluating semantic spaces using word analogies,
    arXiv:1606.07736.
    """
    if config.seeds < 1 or config.top < 1:
        raise InputError(f"seeds={config.seeds}, top={config.top}; give at least 1 of each")
    phrase_sections = read_questions(_path(config.phrase_questions, "phrase_questions", "questions-phrases.txt"))
    word_sections = read_questions(_path(config.word_questions, "word_questions", "questions-words.txt"))
    plain = read_corpus(_path(config.corpus, "corpus", "enwiki2014_long.txt.xz"), min_count=1)
    LOGGER.info("%s words read", f"{plain.total:,}")
    there = [_askable(plain, section, config.min_count) for section in phrase_sections]
    words_there = [_askable(plain, section, config.min_count) for section in word_sections]
    joined = Phrases(config.thresholds, min_count=config.min_count).fit_transform(plain)
    del plain
    LOGGER.info("%s phrases joined", f"{sum(1 for word in joined.words if '_' in word):,}")
    models: list[Vectors] = []
    for seed in range(config.seeds):
        model = Word2Vec(
            config.vector_size,
            window=config.window,
            negatives=config.negatives,
            epochs=config.epochs,
            min_count=config.min_count,
            sample=config.sample,
            learning_rate=config.learning_rate,
            n_jobs=config.threads,
            random_state=seed,
        ).fit(joined)
        models.append(model.vectors_)
        LOGGER.info("seed %d: loss %.4f", seed, model.loss_[-1])
    titles = [LECTURE.get(section.name, section.name) for section in phrase_sections]
    phrases, words = asked(models, phrase_sections, config.top), asked(models, word_sections, config.top)
    tables = [
        _table("Phrases", titles, phrases, config, there),
        _table("Words", [section.name for section in word_sections], words, config, words_there),
        _examples(models[0], config.top),
    ]
    known, questions = sum(len(one.correct) for one in phrases), sum(one.asked for one in phrases)
    total = together(phrases)
    everywhere = together(words)
    said = [
        f"Of {questions:,} questions about phrases all four terms stand in the text {config.min_count} times or "
        f"more in {sum(there):,}; {known:,} could be asked, their terms being single words or having been joined.",
        f"Of those asked, {_percent(total.correct)} % are answered right by the first word and "
        f"{_percent(total.near)} % by one of the first {config.top}; words: {_percent(everywhere.correct)} % and "
        f"{_percent(everywhere.near)} % of {len(everywhere.correct):,}.",
        f"The nearest neighbour of c alone, a and b unheeded, is right in {_percent(total.neighbour)} % of "
        f"phrases and {_percent(everywhere.neighbour)} % of words: so much needs no analogy.",
        "Few pairs make many questions, and those that share a pair are right or wrong together: the interval "
        "over pairs is the honest one.",
    ]
    caption = (
        f"Answered right by the first word, with the 95 % interval over pairs; top {config.top} (hollow); the "
        "nearest neighbour of c alone (cross). Beside each name: questions asked."
    )
    shown = list(zip(titles, phrases, strict=True))
    shown += list(zip((section.name for section in word_sections), words, strict=True))
    settings = {**asdict(config), "words": joined.total}
    return Result("Analogies of words and phrases", tables, {caption: shares_figure(shown)}, said, settings)


def _path(given: str, name: str, default: str) -> Path:
    """The file of that name, or the one in MUTUA_DATA. Raises `InputError` where it is not there."""
    folder = os.environ.get("MUTUA_DATA", "")
    if not given and not folder:
        raise InputError(
            f"{name}: no file named, and MUTUA_DATA is not set; name one, or set it to the data's folder"
        )
    path = Path(given) if given else Path(folder) / "text" / default
    if not path.is_file():
        raise InputError(f"{path}: no such file; name another with {name}")
    return path


def _table(
    title: str, names: Sequence[str], parts: Sequence[Asked], config: Config, there: Sequence[int]
) -> Table:
    rows = [_row(name, one, n) for name, one, n in zip(names, parts, there, strict=True)]
    rows.append(_row("all", together(parts), sum(there)))
    columns = [
        "section", "questions", "in text", "asked", "asked %", "right %", "95 %", "95 %, pairs",
        f"top {config.top}", "3CosMul", "near c",
    ]  # fmt: skip
    note = (
        f"In text: all four terms stand there {config.min_count} times or more. Asked: all four have a vector. "
        f"Right: 3CosAdd, the first word, of those asked; mean and deviation of {config.seeds} fits. 95 %: "
        "Wilson's interval, as if questions were drawn apart; pairs: by drawing anew the pairs of words that "
        "questions share. Near c: the nearest neighbour of c, the control that heeds neither a nor b. All words "
        "are searched, case folded."
    )
    return Table(title, columns, rows, note)


def _row(name: str, one: Asked, there: int) -> list[Any]:
    n = len(one.correct)
    row: list[Any] = [name, one.asked, there, n, 100 * n / max(one.asked, 1)]
    if not n:
        return [*row, *[None] * 6]
    right = (100 * float(np.mean(one.by_seed)), 100 * float(np.std(one.by_seed, ddof=1 if one.by_seed[1:] else 0)))
    spans = wilson(round(float(one.correct.sum())), n), pair_interval(one.correct, one.pairs)
    shares = [100 * float(value.mean()) for value in (one.near, one.product, one.neighbour)]
    return [*row, right, *(f"{100 * low:.1f}–{100 * high:.1f}" for low, high in spans), *shares]


def _percent(values: Float[np.ndarray, " n"]) -> str:
    return f"{100 * values.mean():.1f}" if len(values) else "–"


def _examples(vectors: Vectors, k: int) -> Table:
    """The lecture's own rows."""
    spelled = {word.casefold(): word for word in reversed(vectors.words)}
    rows = []
    for line in EXAMPLES:
        terms = [spelled.get(word.casefold()) for word in line.split()]
        a, b, c, d = (word.replace("_", " ") for word in line.split())
        missing = [word for word, term in zip((a, b, c, d), terms, strict=True) if term is None]
        said = f"unknown: {', '.join(missing)}"
        if not missing:
            found = [word for word, _ in vectors.analogy(str(terms[0]), str(terms[1]), str(terms[2]), k)]
            said = ", ".join(word.replace("_", " ") for word in found)
        rows.append([f"{a} : {b}", c, d, said])
    note = f"The first {k} words by 3CosAdd, under the first seed."
    return Table("The lecture's examples", ["a : b", "c", "d in the lecture", "found"], rows, note)


def _askable(corpus: Corpus, section: Section, min_count: int) -> int:
    """Questions all four terms of which stand in the text often enough."""
    counts = occurrences(corpus, [term for question in section.questions for term in question])
    return sum(min(counts[term] for term in question) >= min_count for question in section.questions)
