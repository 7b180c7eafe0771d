"""Word embeddings and phrases beside gensim's, on the same text: speed, quality, memory, and how cost grows."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from bench.record import Log, keep
from mutua.types import Table
from mutua.words import Words, accuracy_table, answer, read_binary, read_pairs, read_questions, read_sentences
from mutua.words import similarity_table as similarities

SIZES = {"1 M": 1_000_000, "5 M": 5_000_000, "25 M": 25_000_000}
SETTINGS = {"vector_size": 100, "window": 5, "negatives": 5, "sample": 1e-4, "min_count": 5}

# Each runs in a process of its own, so that its CPU time and its largest memory are its own; what is imported and
# compiled (or read from numba's cache) before the clock starts is not counted, but in "first call".
COMMON = """
import json, resource, sys, time
def clock():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime + used.ru_stime
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
ask = json.loads(sys.argv[1])
said = {}
def timed(name, run):
    wall, cpu = clock()
    result = run()
    wall2, cpu2 = clock()
    said[name], said[name + " wall"] = cpu2 - cpu, wall2 - wall
    return result
"""
OURS = (
    COMMON
    + """
from mutua.words import Phrases, Whitespace, Word2Vec, by_vocabulary, join_left, read_corpus, write_binary
settings = {key: value for key, value in ask["settings"].items() if key != "min_count"}
first = [["a", "b", "c"]] * 20
if ask["task"] == "phrases":
    timed("first call", lambda: Phrases([0.0], min_count=1).fit(["a b c"] * 20))
    before = peak()
    phrases = Phrases([ask["threshold"]], scale=by_vocabulary, tokenizer=Whitespace())
    timed("phrases", lambda: phrases.fit(ask["path"]))
    said["found"] = sorted("_".join(pair) for pair in phrases.phrases_[0])
else:
    timed("first call", lambda: Word2Vec(**settings, epochs=1).fit(["a b c"] * 20))
    before = peak()
    corpus = timed("vocabulary", lambda: read_corpus(ask["path"], Whitespace()))
    model = Word2Vec(**settings, epochs=ask["epochs"], n_jobs=ask["threads"], random_state=ask["seed"])
    timed("train", lambda: model.fit(corpus))
    said["words"], said["loss"] = corpus.total, model.loss_[-1]
    write_binary(model.vectors_, ask["out"])
said["peak"], said["own"] = peak(), peak() - before
print(json.dumps(said))
"""
)
THEIRS = (
    COMMON
    + """
import gensim
from gensim.models import Phrases, Word2Vec
from gensim.models.word2vec import LineSentence
before = peak()
if ask["task"] == "phrases":
    phrases = timed("phrases", lambda: Phrases(LineSentence(ask["path"]), min_count=5, threshold=ask["threshold"]))
    found = timed("export", phrases.export_phrases)
    said["phrases"] += said["export"]
    said["phrases wall"] += said["export wall"]
    said["found"] = sorted(found)
else:
    s = ask["settings"]
    model = Word2Vec(vector_size=s["vector_size"], window=s["window"], negative=s["negatives"], sample=s["sample"],
        min_count=s["min_count"], sg=1, workers=ask["threads"], epochs=ask["epochs"], seed=ask["seed"])
    lines = LineSentence(ask["path"])
    timed("vocabulary", lambda: model.build_vocab(lines))
    timed("train", lambda: model.train(lines, total_examples=model.corpus_count, epochs=ask["epochs"]))
    said["words"] = model.corpus_total_words
    model.wv.save_word2vec_format(ask["out"], binary=True)
said["peak"], said["own"], said["version"] = peak(), peak() - before, gensim.__version__
print(json.dumps(said))
"""
)


class Peers:
    """Runs a task in a fresh process of either program."""

    def __init__(self, gensim: str | None, folder: Path) -> None:
        self.programs = {"mutua": (sys.executable, OURS)}
        if gensim:
            self.programs["gensim"] = (gensim, THEIRS)
        self.folder = folder

    def __call__(self, program: str, task: str, path: Path, env: dict[str, str] | None = None, **more: Any) -> Any:
        ask = {"task": task, "path": str(path), "settings": SETTINGS, "epochs": 1, "threads": 1, "seed": 0,
               "out": str(self.folder / f"{program}.bin"), **more}  # fmt: skip
        interpreter, code = self.programs[program]
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        done = subprocess.run(
            [interpreter, "-c", code, json.dumps(ask)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **one, **(env or {})},
        )
        if done.returncode:
            raise SystemExit(f"words: {program} failed: {done.stderr.strip().splitlines()[-1]}")
        return json.loads(done.stdout.splitlines()[-1])


def _paragraphs(data: Path) -> Iterator[list[str]]:
    """Paragraphs of the articles, lower-cased words; headings of articles left out."""
    for words in read_sentences(data / "text" / "enwiki2014_long.txt.xz", str.split):
        if words and words[0] != "=":
            yield words


def prepared(data: Path, folder: Path) -> dict[str, Path]:
    """The first million words and so on of the corpus as text: a paragraph a line, words parted by spaces."""
    paths = {name: folder / f"{size}.txt" for name, size in SIZES.items()}
    files = {name: path.open("w", encoding="utf-8") for name, path in paths.items()}
    tokenizer, n = Words(), 0
    for paragraph in _paragraphs(data):
        # gensim takes a word with _ for a phrase it has found.
        words = tokenizer(" ".join(paragraph).replace("_", " "))
        n += len(words)
        for name, file in files.items():
            if n <= SIZES[name]:
                file.write(" ".join(words) + "\n")
        if n > max(SIZES.values()):
            break
    for file in files.values():
        file.close()
    return paths


def _speed(peers: Peers, path: Path, rounds: int, log: Log) -> Table:
    rows = []
    found: dict[tuple[str, int], list[dict[str, float]]] = {}
    for round_ in range(rounds):
        for threads in (1, 2):
            for program in peers.programs:
                said = peers(program, "fit", path, threads=threads, seed=round_)
                found.setdefault((program, threads), []).append(said)
                log(f"{program}, {threads} thread(s): vocabulary {said['vocabulary']:.2f} CPU s, "
                    f"train {said['train']:.2f} CPU s, {said['train wall']:.2f} s")  # fmt: skip
    for (program, threads), said in found.items():
        words = said[0]["words"]
        rows.append(
            [
                program,
                threads,
                median(one["vocabulary"] for one in said),
                median(words / one["train"] / 1e3 for one in said),
                median(words / one["train wall"] / 1e3 for one in said),
                median(one["own"] for one in said),
                median(one.get("first call", 0.0) for one in said),
            ]
        )
    columns = [
        "program",
        "threads",
        "vocabulary CPU s",
        "k words a CPU s",
        "k words a s",
        "MB",
        "first call CPU s",
    ]
    note = (
        f"One epoch; medians of {rounds} rounds, the programs in turn. Vocabulary: reading and counting. MB: "
        "largest memory less what the imports took. First call: a fit of 20 lines, numba's cache filled."
    )
    return Table(f"Speed, {words:,} words", columns, rows, note)


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
        rows.append([name, words, *cost, said["own"]])
    columns = ["corpus", "words", "reading ns a word", "training ns a word", "MB"]
    return Table("Cost by tokens", columns, rows, "One epoch, one thread, CPU time.")


def main(args: list[str]) -> None:
    """Tables on the Wikipedia articles of MUTUA_DATA."""
    parser = argparse.ArgumentParser(prog="python -m bench words", description=__doc__)
    parser.add_argument("--gensim", help="a Python interpreter that has gensim")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--phrases-on", default="25 M", choices=SIZES)
    given = parser.parse_args(args)
    data = Path(os.environ.get("MUTUA_DATA", ""))
    if not (data / "text").is_dir():
        raise SystemExit("words: MUTUA_DATA names no folder with text; set it to the real data sets")
    log = Log()
    with tempfile.TemporaryDirectory() as folder:
        paths = prepared(data, Path(folder))
        log("corpus written")
        peers = Peers(given.gensim, Path(folder))
        cold = peers("mutua", "fit", paths["1 M"], env={"NUMBA_CACHE_DIR": str(Path(folder) / "cache")})
        log(f"first call with an empty cache: {cold['first call']:.1f} CPU s")
        tables = [
            _speed(peers, paths["5 M"], given.rounds, log),
            _growth(peers, paths, log),
            _phrases(peers, paths[given.phrases_on], given.rounds, log),
            _quality(peers, paths["5 M"], data, given.seeds, given.epochs, log),
        ]
        version = peers("gensim", "fit", paths["1 M"])["version"] if given.gensim else None
    words = [
        "Paragraphs of Wikipedia articles, lower-cased, one a line, words parted by spaces: the same file for "
        "both programs, which read it themselves. Skip-gram, "
        f"D = {SETTINGS['vector_size']}, W = {SETTINGS['window']}, K = {SETTINGS['negatives']}, "
        f"sample {SETTINGS['sample']:g}, words of at least {SETTINGS['min_count']} occurrences."
        f" gensim {version}. Words: all that were read. Compiling with an empty cache takes "
        f"{cold['first call']:.1f} CPU s, once."
    ]
    keep("words", "Word embeddings", tables, log, words, {**SETTINGS, **vars(given)})


if __name__ == "__main__":
    main(sys.argv[1:])
