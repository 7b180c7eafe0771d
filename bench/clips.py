"""Windows of films, 64 px, 16 frames with their second of sound, beside decord's and PyAV's documented loops."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.record import Log, keep
from mutua.data.video.clips import survey
from mutua.types import Table

FRAMES, SIZE, SOUND = 16, 64, 16_000


def asked(python: str, peer: str, plan: dict[str, Any]) -> dict[str, float]:
    """CPU seconds a window, and peak bytes, of a peer in a process of its own."""
    command = [python, str(Path(__file__).with_name("clips_peers.py")), peer, json.dumps(plan)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])


def main(args: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench clips", description=__doc__)
    parser.add_argument("--peers", help="a Python that has decord; without it PyAV's loop alone is run beside")
    parser.add_argument("--windows", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    told = parser.parse_args(args)
    peers = {"mutua": sys.executable, "pyav": sys.executable, **({"decord": told.peers} if told.peers else {})}
    folder, log, rows = Path(os.environ["MUTUA_DATA"]) / "video", Log(), []
    for path in sorted(folder.iterdir()):
        clip = survey(path)
        if not clip.heard:
            continue
        starts = np.random.RandomState(0).randint(0, clip.frames(clip.rate) - FRAMES - 1, told.windows).tolist()
        plan = {
            "path": str(path), "frames": FRAMES, "rate": clip.rate, "starts": starts, "size": SIZE, "sound": SOUND,
            "aspect": clip.width / clip.height,
        }  # fmt: skip
        apart = {}
        with tempfile.TemporaryDirectory() as place:
            for peer, python in peers.items():  # of their own size: nothing but the decoder
                asked(python, peer, {**plan, "size": 0, "starts": starts[:4], "keep": f"{place}/{peer}.npz"})
            own = np.load(f"{place}/mutua.npz")["frames"].astype(int)
            for peer in peers:
                apart[peer] = int(np.abs(np.load(f"{place}/{peer}.npz")["frames"] - own).max())
        found: dict[str, list[dict[str, float]]] = {peer: [] for peer in peers}
        for _ in range(told.repeats):  # one after another, so that what else the machine does meets all
            for peer, python in peers.items():
                found[peer].append(asked(python, peer, plan))
        spent = {peer: median(one["cpu"] for one in each) for peer, each in found.items()}
        for peer in peers:
            peak = max(one["peak"] for one in found[peer]) / 2**20
            rows.append([path.name, peer, apart[peer], 1000 * spent[peer], spent[peer] / spent["mutua"], peak])
        log(f"{path.name}: {spent}")
    table = Table(
        "Windows of films",
        ["film", "reader", "levels apart", "CPU ms a window", "times mutua's", "peak, MiB"],
        rows,
        f"Windows of {FRAMES} frames of {SIZE} px at random places, with their sound at {SOUND:,} Hz; one thread; "
        f"medians of {told.repeats} runs. Levels apart: of frames of their own size, from mutua's, at most.",
    )
    words = ["Frames of all readers are compared first, at the films' own size, where only decoders differ."]
    keep("clips", "Windows of films", [table], log, words, vars(told))
