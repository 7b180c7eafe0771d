"""Continuous bag of words and subword vectors beside gensim's CBOW and FastText: words a second, and quality."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from bench.record import Log, keep
from bench.words_peers import SETTINGS, Peers, prepared
from mutua.types import Table
from mutua.words import accuracy_table, answer, read_binary, read_pairs, read_questions, similarity_table

# Name, whether contexts predict the word, rows for n-grams (0: none).
BUCKETS = 200_000
KINDS = (("CBOW", True, 0), ("skip-gram, n-grams", False, BUCKETS), ("CBOW, n-grams", True, BUCKETS))


def main(args: list[str]) -> None:
    """A table on the first words of the Wikipedia articles of MUTUA_DATA."""
    parser = argparse.ArgumentParser(prog="python -m bench words_kinds", description=__doc__)
    parser.add_argument("--gensim", required=True, help="a Python interpreter that has gensim")
    parser.add_argument("--words", type=int, default=1_000_000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=2)
    given = parser.parse_args(args)
    data, log = Path(os.environ.get("MUTUA_DATA", "")), Log()
    if not (data / "text").is_dir():
        raise SystemExit("words_kinds: MUTUA_DATA names no folder with text; set it to the real data sets")
    questions = read_questions(data / "text" / "questions-words.txt")
    pairs = {"WS-353": read_pairs(data / "text" / "wordsim" / "EN-WS-353-ALL.txt")}
    rows: list[list[Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "text.txt"
        prepared(data, {path: given.words})
        peers = Peers(given.gensim, folder)
        for kind, cbow, subwords in KINDS:
            found: dict[str, list[list[float]]] = {program: [] for program in peers.programs}
            for seed in range(given.seeds):
                for program, scores in found.items():
                    said = peers(
                        program, "fit", path, epochs=given.epochs, seed=seed, cbow=cbow, subwords=subwords
                    )
                    vectors = read_binary(folder / f"{program}.bin")
                    parts = {row[0]: row[4] for row in accuracy_table(answer(vectors, questions)).rows}
                    rho = similarity_table(vectors, pairs).rows[0][-1]
                    speed = given.epochs * said["words"] / said["train"] / 1e3
                    scores.append([speed, parts["all"], parts["semantic"], parts["syntactic"], 100 * rho])
                    log(f"{kind}, {program}, seed {seed}: {', '.join(f'{s:.2f}' for s in scores[-1])}")
            for program, scores in found.items():
                columns = list(zip(*scores, strict=True))
                error = stdev(columns[1]) / len(scores) ** 0.5 if len(scores) > 1 else 0.0
                rows.append([kind, program, *map(mean, columns[:2]), error, *map(mean, columns[2:])])
    table = Table(
        "CBOW and n-grams",
        ["kind", "program", "k words a CPU s", "accuracy %", "standard error", "semantic %", "syntactic %",
         "WS-353, 100 rho"],
        rows,
        f"{given.epochs} epochs, one thread, mean of {given.seeds} seeds; all analogies of known words, 3CosAdd.",
    )  # fmt: skip
    words = [
        f"The first {given.words:,} words of the articles. D = {SETTINGS['vector_size']}, "
        f"W = {SETTINGS['window']}, K = {SETTINGS['negatives']}, sample {SETTINGS['sample']:g}, learning rate "
        f"0.025; n-grams of 3 to 6 characters in {BUCKETS:,} rows (gensim's FastText has them too).",
        "In skip-gram with n-grams gensim divides the sum of a word's rows, its own and its n-grams', by the "
        "number of its n-grams, where fastText and mutua take the mean: h is longer there, by half for a word of "
        "two n-grams, as with a higher learning rate. With gensim's division mutua read 12.97 % (seed 0; 11.47 % "
        "with the mean).",
    ]
    keep("words_kinds", "CBOW and subword vectors", [table], log, words, {**SETTINGS, **vars(given)})


if __name__ == "__main__":
    main(sys.argv[1:])
