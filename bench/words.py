"""Word embeddings and phrases beside gensim's, on the same text: speed, quality, memory, and how cost grows."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from bench.record import Log, keep
from bench.words_peers import SETTINGS, Peers, prepared
from mutua.types import Table
from mutua.words import accuracy_table, answer, read_binary, read_pairs, read_questions
from mutua.words import similarity_table as similarities

SIZES = {"1 M": 1_000_000, "5 M": 5_000_000, "25 M": 25_000_000}


def _speed(peers: Peers, path: Path, rounds: int, log: Log) -> list[Table]:
    found: dict[tuple[str, int], list[dict[str, float]]] = {}
    loads = []
    for round_ in range(rounds):
        for threads in (1, 2):
            for program in peers.programs:
                loads.append(os.getloadavg()[0])
                said = peers(program, "fit", path, threads=threads, seed=round_)
                found.setdefault((program, threads), []).append(said)
                log(
                    f"{program}, {threads} thread(s): vocabulary {said['vocabulary']:.2f} CPU s, train "
                    f"{said['train']:.2f} CPU s, {said['train wall']:.2f} s, load {loads[-1]:.1f}"
                )
    words = found["mutua", 1][0]["words"]
    rows = [
        [
            program,
            threads,
            median(one["vocabulary"] for one in said),
            median(words / one["train"] / 1e3 for one in said),
            median(words / one["train wall"] / 1e3 for one in said),
            median(one["anonymous"] for one in said),
            median(one["own"] for one in said),
            median(one.get("first call", 0.0) for one in said),
        ]
        for (program, threads), said in found.items()
    ]
    columns = [
        "program", "threads", "vocabulary CPU s", "k words a CPU s", "k words a s", "MB", "MB with mapped files",
        "first call CPU s",
    ]  # fmt: skip
    note = (
        f"One epoch; medians of {rounds} rounds, the programs in turn; the machine's two cores were shared, with "
        f"{median(loads):.1f} other processes running or waiting in the median, so that wall time says less than "
        "CPU time. Vocabulary: reading and counting. MB: largest memory less what the imports took. First call: a "
        "fit of 20 lines, numba's cache filled."
    )
    tables = [Table(f"Speed, {words:,} words", columns, rows, note)]
    if "gensim" in peers.programs:
        ratios = [
            [
                threads,
                *(
                    median(
                        theirs[part] / ours[part]
                        for ours, theirs in zip(found["mutua", threads], found["gensim", threads], strict=True)
                    )
                    for part in ("vocabulary", "train", "train wall", "anonymous")
                ),
            ]
            for threads in (1, 2)
        ]
        names = ["threads", "reading, CPU", "training, CPU", "training, wall", "memory"]
        tables.append(
            Table("gensim's cost over mutua's", names, ratios, f"Medians of {rounds} ratios of a round.")
        )
    return tables


def _quality(peers: Peers, path: Path, data: Path, seeds: int, epochs: int, log: Log) -> Table:
    questions = read_questions(data / "text" / "questions-words.txt")
    pairs = {"WS-353": read_pairs(data / "text" / "wordsim" / "EN-WS-353-ALL.txt")}
    scores: dict[str, list[list[float]]] = {program: [] for program in peers.programs}
    for seed in range(seeds):
        for program in peers.programs:
            said = peers(program, "fit", path, epochs=epochs, seed=seed)
            vectors = read_binary(peers.folder / f"{program}.bin")
            rows = {row[0]: row for row in accuracy_table(answer(vectors, questions)).rows}
            rho = similarities(vectors, pairs).rows[0][-1]
            score = [rows[name][4] for name in ("all", "semantic", "syntactic")] + [
                rho,
                said["train"],
                rows["all"][3],
            ]
            scores[program].append(score)
            log(f"{program}, seed {seed}: {', '.join(f'{s:.2f}' for s in score)}")
    rows_ = []
    for program, found in scores.items():
        columns_ = list(zip(*found, strict=True))
        error = stdev(columns_[0]) / len(found) ** 0.5 if len(found) > 1 else 0.0
        rows_.append([program, columns_[5][0], mean(columns_[0]), error, *map(mean, columns_[1:5])])
    columns = ["program", "coverage %", "accuracy %", "standard error", "semantic %", "syntactic %", "WS-353",
               "train CPU s"]  # fmt: skip
    note = (
        f"{epochs} epochs, one thread, mean of {seeds} seeds; all 19,544 questions, 3CosAdd, all words searched; "
        "the standard error is of the accuracy over seeds. WS-353: Spearman correlation."
    )
    return Table("Quality at equal settings", columns, rows_, note)


def _phrases(peers: Peers, path: Path, rounds: int, log: Log) -> Table:
    found: dict[str, list[dict[str, Any]]] = {program: [] for program in peers.programs}
    for _ in range(rounds):
        for program in peers.programs:
            said = peers(program, "phrases", path, threshold=10.0)
            found[program].append(said)
            log(f"{program}: phrases {said['phrases']:.2f} CPU s, {said['own']:.0f} MB, {len(said['found']):,}")
    ours = set(found["mutua"][0]["found"])
    rows = []
    for program, said in found.items():
        theirs = set(said[0]["found"])
        rows.append(
            [
                program,
                median(one["phrases"] for one in said),
                median(one["own"] for one in said),
                median(one["peak"] for one in said),
                len(theirs),
                len(theirs & ours),
            ]
        )
    columns = ["program", "CPU s", "MB", "MB with imports", "phrases", "of them mutua's"]
    note = (
        f"One pass from the text file, threshold 10, scaled by the vocabulary; medians of {rounds} rounds in turn."
    )
    return Table("Phrases", columns, rows, note)


def _growth(peers: Peers, paths: dict[str, Path], log: Log) -> Table:
    rows = []
    for name, path in paths.items():
        said = peers("mutua", "fit", path)
        log(f"{name}: {said}")
        words = said["words"]
        cost = [1e9 * said[part] / words for part in ("vocabulary", "train")]
        vocabulary = said["vocabulary size"]
        rows.append([name, words, vocabulary, *cost, said["anonymous"], said["own"]])
    columns = [
        "corpus", "words", "vocabulary", "reading ns a word", "training ns a word", "MB", "MB with mapped files",
    ]  # fmt: skip
    note = "One epoch, one thread, CPU time. MB as above: a corpus of over 8 million words lies in a mapped file."
    return Table("Cost by tokens", columns, rows, note)


def kept_tables(path: Path, measure: Callable[[], list[Table]]) -> list[Table]:
    """The tables in this file, or measured now and written there."""
    if not path.exists():
        path.write_text(json.dumps([asdict(table) for table in measure()]))
    return [Table(**one) for one in json.loads(path.read_text())]


def main(args: list[str]) -> None:
    """Tables on the Wikipedia articles of MUTUA_DATA."""
    parser = argparse.ArgumentParser(prog="python -m bench words", description=__doc__)
    parser.add_argument("--gensim", help="a Python interpreter that has gensim")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--phrases-on", default="25 M", choices=SIZES)
    parser.add_argument("--work", type=Path, help="a folder for what is measured; goes on from it")
    given = parser.parse_args(args)
    data = Path(os.environ.get("MUTUA_DATA", ""))
    if not (data / "text").is_dir():
        raise SystemExit("words: MUTUA_DATA names no folder with text; set it to the real data sets")
    log = Log()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.work or Path(temporary)
        paths = {name: folder / f"{size}.txt" for name, size in SIZES.items()}
        if not all(path.exists() for path in paths.values()):
            prepared(data, {paths[name]: size for name, size in SIZES.items()})
        log("corpus written")
        peers = Peers(given.gensim, folder)

        def first_call() -> list[Table]:
            with tempfile.TemporaryDirectory() as cache:
                said = peers("mutua", "fit", paths["1 M"], env={"NUMBA_CACHE_DIR": cache})
            note = "CPU seconds of a fit of 20 lines where numba's cache is empty: once on a machine."
            return [Table("Compiling", ["CPU s"], [[said["first call"]]], note)]

        parts: dict[str, Callable[[], list[Table]]] = {
            "compiling": first_call,
            "speed": lambda: _speed(peers, paths["5 M"], given.rounds, log),
            "growth": lambda: [_growth(peers, paths, log)],
            "phrases": lambda: [_phrases(peers, paths[given.phrases_on], given.rounds, log)],
            "quality": lambda: [_quality(peers, paths["5 M"], data, given.seeds, given.epochs, log)],
        }
        tables = [table for name, part in parts.items() for table in kept_tables(folder / f"{name}.json", part)]
        version = peers("gensim", "fit", paths["1 M"])["version"] if given.gensim else None
    words = [
        "Paragraphs of Wikipedia articles, lower-cased, one a line, words parted by spaces: the same file for "
        "both programs, which read it themselves. Skip-gram, "
        f"D = {SETTINGS['vector_size']}, W = {SETTINGS['window']}, K = {SETTINGS['negatives']}, "
        f"sample {SETTINGS['sample']:g}, words of at least {SETTINGS['min_count']} occurrences."
        f" gensim {version}. Words: all that were read."
    ]
    keep("words", "Word embeddings", tables, log, words, {**SETTINGS, **vars(given)})


if __name__ == "__main__":
    main(sys.argv[1:])
