"""What runs gensim and mutua on the same text, each in a process of its own, and makes that text."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mutua.words import Words, read_sentences

__all__ = ["SETTINGS", "Peers", "prepared"]

SETTINGS = {"vector_size": 100, "window": 5, "negatives": 5, "sample": 1e-4, "min_count": 5}

# Each runs in a process of its own, so that its CPU time and its largest memory are its own; what is imported and
# compiled (or read from numba's cache) before the clock starts is not counted, but in "first call".
COMMON = """
import json, resource, sys, threading, time
def clock():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime + used.ru_stime
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
def anonymous():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))
# The largest memory that no file backs, looked at every hundredth of a second.
class Watch(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.before = self.most = anonymous()
        self.start()
    def run(self):
        while True:
            self.most = max(self.most, anonymous())
            time.sleep(0.01)
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
from mutua.words import CBOW, Phrases, Subwords, Whitespace, Word2Vec, by_vocabulary, read_corpus, write_binary
settings = {key: value for key, value in ask["settings"].items() if key != "min_count"}
model_of = CBOW if ask["cbow"] else Word2Vec
if ask["subwords"]:
    settings["subwords"] = Subwords(buckets=ask["subwords"])
first = [["a", "b", "c"]] * 20
if ask["task"] == "phrases":
    timed("first call", lambda: Phrases([0.0], min_count=1).fit(["a b c"] * 20))
    before, watch = peak(), Watch()
    phrases = Phrases([ask["threshold"]], scale=by_vocabulary, tokenizer=Whitespace())
    timed("phrases", lambda: phrases.fit(ask["path"]))
    said["found"] = sorted("_".join(pair) for pair in phrases.phrases_[0])
else:
    timed("first call", lambda: model_of(**settings, epochs=1).fit(["a b c"] * 20))
    before, watch = peak(), Watch()
    corpus = timed("vocabulary", lambda: read_corpus(ask["path"], Whitespace()))
    model = model_of(**settings, epochs=ask["epochs"], n_jobs=ask["threads"], random_state=ask["seed"])
    timed("train", lambda: model.fit(corpus))
    said["anonymous"] = watch.most - watch.before
    said["words"], said["loss"], said["vocabulary size"] = corpus.total, model.loss_[-1], len(model.vectors_)
    said["own"] = peak() - before
    write_binary(model.vectors_, ask["out"])
    write_binary(model.summed(), ask["out"].removesuffix(".bin") + ".summed.bin")
said["peak"] = peak()
said.setdefault("own", peak() - before)
print(json.dumps(said))
"""
)
THEIRS = (
    COMMON
    + """
import gensim
import numpy as np
from gensim.models import FastText, KeyedVectors, Phrases, Word2Vec
from gensim.models.word2vec import LineSentence
before, watch = peak(), Watch()
if ask["task"] == "phrases":
    phrases = timed("phrases", lambda: Phrases(LineSentence(ask["path"]), min_count=5, threshold=ask["threshold"]))
    found = timed("export", phrases.export_phrases)
    said["phrases"] += said["export"]
    said["phrases wall"] += said["export wall"]
    said["found"] = sorted(found)
else:
    s = ask["settings"]
    more = {"bucket": ask["subwords"]} if ask["subwords"] else {}
    model = (FastText if more else Word2Vec)(vector_size=s["vector_size"], window=s["window"],
        negative=s["negatives"], sample=s["sample"], min_count=s["min_count"], alpha=s.get("learning_rate", 0.025),
        sg=0 if ask["cbow"] else 1, workers=ask["threads"], epochs=ask["epochs"], seed=ask["seed"], **more)
    lines = LineSentence(ask["path"])
    timed("vocabulary", lambda: model.build_vocab(lines))
    counted = {"total_examples": model.corpus_count, "total_words": model.corpus_total_words}
    timed("train", lambda: model.train(lines, epochs=ask["epochs"], **counted))
    said["anonymous"] = watch.most - watch.before
    said["words"] = model.corpus_total_words
    said["own"] = peak() - before
    model.wv.save_word2vec_format(ask["out"], binary=True)
    if not more:
        both = KeyedVectors(s["vector_size"])
        sums = model.wv.vectors + model.syn1neg
        both.add_vectors(model.wv.index_to_key, sums - sums.mean(0))
        both.save_word2vec_format(ask["out"].removesuffix(".bin") + ".summed.bin", binary=True)
said["peak"], said["version"] = peak(), gensim.__version__
said.setdefault("own", peak() - before)
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
               "cbow": False, "subwords": 0,
               "out": str(self.folder / f"{program}.bin"), **more}  # fmt: skip
        interpreter, code = self.programs[program]
        # With one BLAS thread: the matrix products of either are small.
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


def prepared(data: Path, paths: dict[Path, int]) -> None:
    """The first words of the corpus, as many as asked for, as text: a paragraph a line, words parted by spaces."""
    files = {path: path.with_suffix(".part").open("w", encoding="utf-8") for path in paths}
    tokenizer, n = Words(), 0
    for paragraph in _paragraphs(data):
        # gensim takes a word with _ for a phrase it has found.
        words = tokenizer(" ".join(paragraph).replace("_", " "))
        n += len(words)
        for path, file in files.items():
            if n <= paths[path]:
                file.write(" ".join(words) + "\n")
        if n > max(paths.values()):
            break
    for path, file in files.items():
        file.close()
        path.with_suffix(".part").rename(path)
