"""Analogies at each program's own best settings, chosen on half of the questions and tested on the other half."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from bench.record import Log, keep
from bench.words_peers import Peers, prepared
from mutua.types import Table
from mutua.words import Section, accuracy_table, answer, read_binary, read_questions

WORDS = 2_000_000
FIXED = {"vector_size": 100, "negatives": 5, "sample": 1e-4, "min_count": 5}
# First all of these, then the best of them again with more epochs: as many trials for each program.
GRID = [{"window": window, "learning_rate": rate} for window in (5, 10) for rate in (0.025, 0.05, 0.1)]
EPOCHS, MORE = 5, 10
PARTS = ("all", "semantic", "syntactic")


def halves(sections: list[Section], seed: int = 0) -> tuple[list[Section], list[Section]]:
    """Half of the questions of each section, and the other half."""
    random, first, second = np.random.default_rng(seed), [], []
    for section in sections:
        order = random.permutation(len(section.questions)).tolist()
        for half, some in ((first, order[::2]), (second, order[1::2])):
            half.append(Section(section.name, [section.questions[i] for i in some]))
    return first, second


class Trials:
    """Fits and their scores, each kept in a file of its own: what was measured is not measured again."""

    def __init__(self, peers: Peers, path: Path, folder: Path, questions: list[Section], log: Log) -> None:
        self.peers, self.path, self.folder, self.log = peers, path, folder, log
        self.dev, self.test = halves(questions)

    def __call__(self, program: str, epochs: int, seed: int, settings: dict[str, Any]) -> dict[str, Any]:
        name = "-".join(map(str, (program, epochs, seed, *settings.values())))
        kept = self.folder / f"{name}.json"
        if not kept.exists():
            out = self.folder / f"{name}.bin"
            said = self.peers(
                program, "fit", self.path, settings={**FIXED, **settings}, epochs=epochs, seed=seed, out=str(out)
            )
            found = {"train": said["train"]}
            for reading, file in (("words", out), ("summed", out.with_suffix(".summed.bin"))):
                vectors = read_binary(file)
                for half, sections in (("dev", self.dev), ("test", self.test)):
                    rows = {row[0]: row for row in accuracy_table(answer(vectors, sections)).rows}
                    found[f"{half} {reading}"] = [rows[part][4] for part in PARTS]
                    found[f"{half} asked"] = rows["all"][2]
                file.unlink()
            kept.write_text(json.dumps(found))
        found = json.loads(kept.read_text())
        self.log(
            f"{name}: dev {found['dev words'][0]:.2f}, summed {found['dev summed'][0]:.2f}; "
            f"{found['train']:.0f} CPU s"
        )
        return found


def main(args: list[str]) -> None:
    """Tables on the first words of the Wikipedia articles of MUTUA_DATA."""
    parser = argparse.ArgumentParser(prog="python -m bench words_best", description=__doc__)
    parser.add_argument("--gensim", required=True, help="a Python interpreter that has gensim")
    parser.add_argument("--work", type=Path, required=True, help="a folder for what is measured; goes on from it")
    parser.add_argument("--only", choices=["mutua", "gensim"], help="measure one program's trials, no record")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args(args)
    data, log = Path(os.environ.get("MUTUA_DATA", "")), Log()
    if not (data / "text").is_dir():
        raise SystemExit("words_best: MUTUA_DATA names no folder with text; set it to the real data sets")
    given.work.mkdir(parents=True, exist_ok=True)
    path = given.work / "text.txt"
    if not path.exists():
        prepared(data, {path: WORDS})
    peers = Peers(given.gensim, given.work)
    trials = Trials(peers, path, given.work, read_questions(data / "text" / "questions-words.txt"), log)
    tried: list[list[Any]] = []
    tested: list[list[Any]] = []
    for program in [given.only] if given.only else ["mutua", "gensim"]:
        found = [(trials(program, EPOCHS, 0, settings), EPOCHS, settings) for settings in GRID]
        readings = ("words", "summed") if program == "mutua" else ("words",)

        def score(one: tuple[dict[str, Any], int, Any], readings: tuple[str, ...] = readings) -> float:
            return max(one[0][f"dev {reading}"][0] for reading in readings)

        best = max(found, key=score)[2]
        found.append((trials(program, MORE, 0, best), MORE, best))
        tried += [
            [program, epochs, *settings.values(), one["dev words"][0], one["dev summed"][0], one["train"]]
            for one, epochs, settings in found
        ]
        _, epochs, best = max(found, key=score)
        runs = [trials(program, epochs, seed, best) for seed in range(1, given.seeds + 1)]
        for reading in ("words", "summed"):
            label = f"{program}, x + y centred" + (" by hand" if program == "gensim" else "")
            parts = list(zip(*(run[f"test {reading}"] for run in runs), strict=True))
            error = stdev(parts[0]) / len(runs) ** 0.5 if len(runs) > 1 else 0.0
            tested.append(
                [program if reading == "words" else label, epochs, *best.values(), runs[0]["test asked"],
                 mean(parts[0]), error, mean(parts[1]), mean(parts[2]), mean(run["train"] for run in runs)]
            )  # fmt: skip
    if given.only:
        return
    settings = ["epochs", "window", "learning rate"]
    tables = [
        Table(
            "Tested on the other half",
            [
                "program",
                *settings,
                "asked",
                "accuracy %",
                "standard error",
                "semantic %",
                "syntactic %",
                "train CPU s",
            ],
            tested,
            f"3CosAdd, all words searched, mean of {given.seeds} seeds that were not used to choose. gensim gives "
            "x; its row 'by hand' adds its syn1neg and takes the mean away, as `Word2Vec.summed` does.",
        ),
        Table(
            "Tried on one half",
            ["program", *settings, "accuracy %, x", "accuracy %, x + y centred", "train CPU s"],
            tried,
            "One seed, one thread. mutua's best is chosen over both readings, gensim's over x.",
        ),
    ]
    words = [
        f"The first {WORDS:,} words of the articles, paragraphs lower-cased. Half of the questions of each "
        f"section, drawn once, chooses: six settings at {EPOCHS} epochs, then the best of them at {MORE}, for "
        "each program. D = 100, 5 noise words, sample 1e-4, words of at least 5 occurrences."
    ]
    keep("words_best", "Analogies at each program's best", tables, log, words, {**FIXED, "seeds": given.seeds})


if __name__ == "__main__":
    main(sys.argv[1:])
