"""`mutua words fit`, `nearest`, `analogy` and `eval`."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg, subcommand

import mutua  # whose words are imported when they are first spoken of: their help does without
from mutua.cli.output import say, show, status, tables_json
from mutua.data.store import checked_place
from mutua.data.text.files import checked_reading
from mutua.types import InputError, Table

if TYPE_CHECKING:
    import mutua.words

__all__ = ["Embeddings"]

Errors = Literal["strict", "replace", "ignore"]

WRITERS = {
    ".safetensors": "write_safetensors",
    ".bin": "write_binary",
    ".txt": "write_text",
    ".vec": "write_text",
}
"""Ending of a file to the function of `mutua.words` that writes it."""


@dataclass(frozen=True)
class Fit:
    """Learn word vectors from text files, plain or packed (gz, xz, zst).

    Args:
        files: The text; a line is a unit across whose end no window reaches.
        out: File to write: .safetensors, .bin (word2vec's binary format), .txt or .vec (its text format).
        size: Numbers of a vector.
        window: Words to either side, at most.
        negatives: Noise words beside each pair.
        epochs: Passes over the text.
        min_count: Leave out words that are rarer.
        max_words: Keep this many of the most frequent words at most.
        sample: Thin words more frequent than this; 0 keeps all.
        learning_rate: At first; it falls linearly.
        cbow: Predict a word from the mean of its neighbours instead of each neighbour from the word.
        subwords: Vectors of character n-grams too, so that rare words share what they are made of. Ask the file of
            --model for words that were never seen.
        phrases: Join frequent pairs into words first (new_york), in two passes.
        thresholds: With phrases: the score above which a pair is joined, one number a pass; 200 100 by default.
        connectors: With phrases: let "of", "the" and the like stand within one (bank_of_america).
        summed: Write the sum of each word's own vector and its context vector, less the mean of all: answers more
            analogies where the learning rate is high.
        model: Write the whole model too, to this .safetensors file: Word2Vec.load reads it, partial_fit goes on.
        cased: Keep capitals apart.
        whitespace: Words are what blanks part, rather than Unicode's words.
        errors: What to do with bytes that are no text.
        encoding: Of the files, such as cp1252 or utf-16.
        threads: How many, -1 for all cores; one by default, which with a seed gives the same vectors again.
        seed: Of the first vectors and all draws.
        json: Print JSON instead of words.
    """

    files: Positional[tuple[Path, ...]]
    out: Annotated[Path, arg(aliases=["-o"])] = Path("words.safetensors")
    size: int = 100
    window: int = 5
    negatives: int = 5
    epochs: int = 5
    min_count: int = 5
    max_words: int | None = None
    sample: float = 1e-3
    learning_rate: float = 0.025
    cbow: bool = False
    subwords: bool = False
    phrases: bool = False
    thresholds: tuple[float, ...] | None = None
    connectors: bool = False
    summed: bool = False
    model: Path | None = None
    cased: bool = False
    whitespace: bool = False
    errors: Errors = "strict"
    encoding: str = "utf-8"
    threads: int | None = None
    seed: int = 0
    json: bool = False

    def __call__(self) -> None:
        if self.out.suffix not in WRITERS:
            raise InputError(f"{self.out}: an ending unknown to vectors; use one of {', '.join(WRITERS)}")
        if self.model is not None and self.model.suffix != ".safetensors":
            raise InputError(f"{self.model}: a whole model is written to a .safetensors file; name one")
        if self.connectors and not self.phrases:
            raise InputError("connectors: nothing to connect; give --phrases too")
        if not self.files:
            raise InputError("files: none; name the text to learn from")
        for path in self.files:
            if not path.is_file():
                raise InputError(f"{path}: {'a folder; name files' if path.is_dir() else 'no such file'}")
        if self.thresholds is not None and not self.phrases:
            raise InputError("thresholds: of no phrases; give --phrases too")
        start = time.monotonic()
        model = (mutua.words.CBOW if self.cbow else mutua.words.Word2Vec)(
            self.size,
            window=self.window,
            negatives=self.negatives,
            epochs=self.epochs,
            min_count=self.min_count,
            max_words=self.max_words,
            sample=self.sample,
            learning_rate=self.learning_rate,
            subwords=mutua.words.Subwords() if self.subwords else None,
            n_jobs=self.threads,
            random_state=self.seed,
            on_epoch=lambda done, loss: status(f"epoch {done} of {self.epochs}, loss {loss:.4f}"),
        )
        # Before a long reading.
        mutua.words.checks.checked_settings(model)
        checked_reading(self.errors, self.encoding)
        checked_place(self.out)
        if self.model is not None:
            checked_place(self.model)
        corpus = self._read()
        status(f"read in {time.monotonic() - start:.1f} s")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # said below
            model.fit(corpus)
        notes = [] if model.interrupted_ else mutua.words.doubts.doubts(model)
        for note in notes:
            status(note)
        if model.interrupted_:
            status(f"stopped in epoch {len(model.loss_) + 1} of {self.epochs}; what was learned is written")
        write: Callable[[mutua.words.Vectors, Path], None] = getattr(mutua.words, WRITERS[self.out.suffix])
        write(model.summed() if self.summed else model.vectors_, self.out)
        if self.model is not None:
            model.save(self.model)
        seconds = time.monotonic() - start
        words = len(model.vectors_)
        say(
            {
                "out": str(self.out),
                "words": words,
                "size": self.size,
                "loss": model.loss_,
                "interrupted": model.interrupted_,
                "seconds": seconds,
                "notes": notes,
            },
            f"{self.out}: {words:,} words of {self.size} numbers, {seconds:.1f} s. "
            f"Ask it: mutua words nearest {self.out} WORD",
            self.json,
        )
        if model.interrupted_:
            raise KeyboardInterrupt

    def _read(self) -> mutua.words.Corpus:
        tokenizer = (
            mutua.words.Whitespace(lower=not self.cased)
            if self.whitespace
            else mutua.words.Words(lower=not self.cased)
        )
        if not self.phrases:
            return mutua.words.read_corpus(
                self.files,
                tokenizer,
                min_count=self.min_count,
                max_words=self.max_words,
                errors=self.errors,
                encoding=self.encoding,
            )
        connectors = mutua.words.CONNECTORS if self.connectors else ()
        phrases = mutua.words.Phrases(
            self.thresholds or (200.0, 100.0),
            min_count=self.min_count,
            tokenizer=tokenizer,
            connector_words=connectors,
            errors=self.errors,
            encoding=self.encoding,
        )
        return phrases.fit_transform(self.files)


@dataclass(frozen=True)
class Nearest:
    """The words nearest a word, by cosine.

    Args:
        vectors: A file of vectors, in any of the formats.
        words: The word; of several, those nearest their mean.
        k: How many.
        errors: What to do with words of the file that are no UTF-8.
        json: Print JSON instead of a table.
    """

    vectors: Positional[Path]
    words: Positional[tuple[str, ...]]
    k: int = 10
    errors: Errors = "strict"
    json: bool = False

    def __call__(self) -> None:
        _print(_vectors(self).most_similar(self.words, k=self.k), f"Nearest {' '.join(self.words)}", self)


@dataclass(frozen=True)
class Analogy:
    """What is to c as b is to a: the words nearest b - a + c.

    Args:
        vectors: A file of vectors, in any of the formats.
        words: a b c, as in: berlin germany paris.
        k: How many.
        multiply: 3CosMul instead of 3CosAdd: no one term outweighs the others.
        errors: What to do with words of the file that are no UTF-8.
        json: Print JSON instead of a table.
    """

    vectors: Positional[Path]
    words: Positional[tuple[str, ...]]
    k: int = 10
    multiply: bool = False
    errors: Errors = "strict"
    json: bool = False

    def __call__(self) -> None:
        three = " ".join(self.words).split()
        if len(three) != 3:
            raise InputError(f"words: {len(three)} of them; an analogy takes three, as in: berlin germany paris")
        a, b, c = three
        vectors = _vectors(self)
        seek = vectors.analogy_cosmul if self.multiply else vectors.analogy
        _print(
            seek(a, b, c, self.k), f"{b} is to {a} as ... to {c}", self, "3CosMul" if self.multiply else "cosine"
        )


@dataclass(frozen=True)
class Eval:
    """How good vectors are: analogies by section, and people's judgement of pairs of words.

    Args:
        vectors: A file of vectors, in any of the formats.
        questions: Question files of the word2vec tools.
        pairs: Files of two words and a number a line, such as WordSim-353, SimLex-999 and MEN.
        k: An answer counts among so many of the best.
        multiply: 3CosMul instead of 3CosAdd.
        limit: Seek among so many of the first words only.
        errors: What to do with words of the file that are no UTF-8.
        json: Print JSON instead of tables.
    """

    vectors: Positional[Path]
    questions: tuple[Path, ...] = ()
    pairs: tuple[Path, ...] = ()
    k: int = 1
    multiply: bool = False
    limit: int | None = None
    errors: Errors = "strict"
    json: bool = False

    def __call__(self) -> None:
        if not self.questions and not self.pairs:
            raise InputError("questions: none, and no pairs; give --questions FILE or --pairs FILE")
        vectors = _vectors(self)
        objective = mutua.words.cos_mul if self.multiply else mutua.words.cos_add
        tables = [
            mutua.words.accuracy_table(
                mutua.words.answer(
                    vectors, mutua.words.read_questions(path), k=self.k, objective=objective, limit=self.limit
                ),
                path.name,
            )
            for path in self.questions
        ]
        if self.pairs:
            tables.append(
                mutua.words.similarity_table(
                    vectors, {path.name: mutua.words.read_pairs(path) for path in self.pairs}
                )
            )
        if self.json:
            say(tables_json(tables), "", True)
        else:
            show(tables)


@dataclass(frozen=True)
class Embeddings:
    """Word vectors: learn them from text, ask them, judge them.

    Args:
        what: fit, nearest, analogy or eval.
    """

    what: (
        Annotated[Fit, subcommand("fit")]
        | Annotated[Nearest, subcommand("nearest")]
        | Annotated[Analogy, subcommand("analogy")]
        | Annotated[Eval, subcommand("eval")]
    )

    def __call__(self) -> None:
        self.what()


def _vectors(verb: Nearest | Analogy | Eval) -> mutua.words.Vectors:
    vectors = mutua.words.load_vectors(verb.vectors, errors=verb.errors)
    if vectors.source != verb.vectors.name:
        status(vectors.source)
    return vectors


def _print(found: list[tuple[str, float]], title: str, verb: Nearest | Analogy, score: str = "cosine") -> None:
    table = Table(title, ["word", score], [[word, cosine] for word, cosine in found])
    if verb.json:
        say(table.records(), "", True)
    else:
        show([table])
