"""The sound form of `cpc` beside facebookresearch/CPC_audio's encoder, context and criterion, at its widths."""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import median

from bench.cpc_peers import SETTINGS, asked
from bench.record import Log, keep
from mutua.types import Table


def main(args: list[str]) -> None:
    """Equal numbers on equal weights first; then steps, interleaved."""
    parser = argparse.ArgumentParser(prog="python -m bench cpc", description=__doc__)
    parser.add_argument("--peer", type=Path, required=True, help="a checkout of facebookresearch/CPC_audio")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=5, help="steps timed in a round")
    chosen = parser.parse_args(args)
    log = Log()
    same = asked("same", chosen.peer)
    log(f"on equal weights and negatives, largest differences: {same}")
    if max(same.values()) > 1e-6:
        raise SystemExit(f"cpc: the two do not compute the same ({same}); speed says nothing")
    frames = SETTINGS["samples"] // 160 - 2
    everyone = int(SETTINGS["batch"] * frames)
    ways = {
        "CPC_audio": ("CPC_audio", 0),
        "mutua, 128 candidates": ("mutua", 128),
        f"mutua, all {everyone:,} frames": ("mutua", 0),
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for round_ in range(chosen.rounds):
        for name, (program, candidates) in ways.items():
            found[name].append(asked(program, chosen.peer, candidates=candidates, count=chosen.count))
            log(f"round {round_ + 1}, {name}: {found[name][-1]}")
    rows = []
    for name, taken in found.items():
        step = median(one["step"] for one in taken)
        times = median(a["step"] / b["step"] for a, b in zip(found["CPC_audio"], taken, strict=True))
        rows.append([name, 1000 * step, times, median(one["memory"] for one in taken)])
    note = (
        f"One thread; CPU time of a training step (forward, backward, Adam), medians of {chosen.rounds} rounds of "
        f"{chosen.count} steps, the programs in turn, each in a process of its own. {SETTINGS['batch']} windows "
        "of "
        f"{SETTINGS['samples']:,} samples at 16 kHz, five convolutions of {SETTINGS['width']}, layer norm over "
        f"channels, GRU {SETTINGS['units']}, {SETTINGS['steps']} linear predictors. CPC_audio draws 128 "
        "negatives for "
        "each frame by itself, and may draw the positive; ours draws 128 for all frames of a step, or takes all. "
        "MB: largest memory beyond what stood before the first step. Checked first, in double precision: on equal "
        f"weights and negatives losses differ by {same['losses']:.1g}, gradients by {same['gradients']:.1g} of "
        "themselves."
    )
    columns = ["program", "ms a step", "times CPC_audio", "MB"]
    words = [f"{row[0]}: {row[2]:.2f} times CPC_audio's steps, {row[3]:.0f} MB." for row in rows]
    table = Table("A training step", columns, rows, note)
    settings = {"rounds": chosen.rounds, "count": chosen.count}
    keep("cpc", "Contrastive predictive coding of sound: speed", [table], log, words, settings)
