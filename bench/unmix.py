"""The cocktail party on real recordings: SI-SDR improvement of LinearICA beside FastICA and picard.

Voices: a folder of WAV files, such as that of Debian's packages asterisk-core-sounds-{en,fr,es}-wav, given with
--voices; and the recordings in audio/ of MUTUA_DATA.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from scipy.signal import resample_poly
from sklearn.decomposition import FastICA
from threadpoolctl import threadpool_limits

from bench.ica import TOL, Fit, Picard, _timed
from bench.record import Log, keep
from mutua.evaluation.sources.si_sdr import matched_si_sdr, si_sdr
from mutua.ica import LinearICA
from mutua.ica.separation.unmix import sharper
from mutua.types import Table

RATE = 8000
LEAST_SECONDS, MOST_SECONDS = 6.0, 30.0
WORST_CONDITION = 10.0
COUNTS = (2, 3, 4)
LEAST = 20.0
# Choices are numbered; the blocks of 20 ms and their floor were chosen while looking at the first twenty.
FIRST = 20


def recordings(voices: Path | None) -> dict[str, np.ndarray]:
    """Names to waves at 8 kHz, one channel, at least six seconds long."""
    paths = sorted(voices.rglob("*.wav")) if voices else []
    data = os.environ.get("MUTUA_DATA")
    if data:
        paths += sorted((Path(data) / "audio").glob("*.ogg"))
    found = {}
    for path in paths:
        if path.parent.name == "silence":  # asterisk's pauses: nobody speaks
            continue
        wave, rate = soundfile.read(path, always_2d=True)
        if len(wave) < LEAST_SECONDS * rate:
            continue
        mono = wave[: int(MOST_SECONDS * rate), 0]
        mono = resample_poly(mono, RATE, rate) if rate != RATE else mono
        found[f"{path.parent.name}/{path.stem}"] = mono / np.abs(mono).max()
    if len(found) < max(COUNTS):
        raise SystemExit("unmix: name a folder of WAV files with --voices, or set MUTUA_DATA")
    return found


def chosen(waves: dict[str, np.ndarray], k: int, seed: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """k recordings, cut to the shortest (n, k) at unit variance, and a mixing of condition number below 10.

    Folders (a voice each) are drawn first, so that the many files of one speaker don't crowd out the others.
    """
    rng = np.random.default_rng([k, seed])
    folders = sorted({name.split("/")[0] for name in waves})
    names: list[str] = []
    while len(names) < k:
        folder = folders[rng.integers(len(folders))]
        inside = [name for name in waves if name.startswith(folder + "/") and name not in names]
        if inside:
            names.append(inside[rng.integers(len(inside))])
    n = min(len(waves[name]) for name in names)
    s = np.stack([waves[name][:n] for name in names], 1)
    while np.linalg.cond(mixing := rng.normal(size=(k, k))) > WORST_CONDITION:
        pass
    return names, s / s.std(0), mixing


def improvement(s: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """SI-SDR of each source's estimate over that of the microphone which hears the source best, in dB."""
    heard = [[si_sdr(source, microphone) for microphone in x.T] for source in s.T]  # (k, mics)
    before = np.max(heard, axis=1)
    return matched_si_sdr(s, y)[0] - before


def uncorrelated(s: np.ndarray) -> np.ndarray:
    """The uncorrelated signals nearest to the sources: a yardstick for methods that whiten."""
    s = s - s.mean(0)
    values, vectors = np.linalg.eigh(s.T @ s / len(s))
    return s @ (vectors / np.sqrt(values)) @ vectors.T


def main(args: list[str]) -> None:
    """A table for 2, 3 and 4 recordings, and one of all choices."""
    parser = argparse.ArgumentParser(prog="python -m bench unmix", description=__doc__)
    parser.add_argument("--voices", type=Path, help="a folder of WAV files, searched throughout")
    parser.add_argument("--picard", help="a Python interpreter that has python-picard")
    parser.add_argument("--choices", type=int, default=20, help="of recordings, for each number of sources")
    given = parser.parse_args(args)
    log = Log()
    waves = recordings(given.voices)
    log(f"{len(waves)} recordings")
    tables, words, rows = [], [], []
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        methods: dict[str, Fit] = {
            "mutua": _sharper,
            "LinearICA": _timed(lambda seed: LinearICA(random_state=seed)),
            "LinearICA, 1/cosh": _timed(lambda seed: LinearICA(density="sech", random_state=seed)),
            "FastICA": _timed(lambda seed: FastICA(whiten_solver="eigh", random_state=seed)),
        }
        if given.picard:
            picard = Picard(given.picard, Path(folder))
            methods["picard ML"] = picard
            words.append(f"python-picard {picard.version}, ortho=False, tol={TOL}.")
        for k in COUNTS:
            found: dict[str, list[np.ndarray]] = {name: [] for name in (*methods, "uncorrelated")}
            for choice in range(FIRST, FIRST + given.choices):
                names, s, mixing = chosen(waves, k, choice)
                x = s @ mixing.T
                for name, fit in methods.items():
                    found[name].append(improvement(s, x, (x - x.mean(0)) @ fit(x, choice)[1].T))
                found["uncorrelated"].append(improvement(s, x, uncorrelated(s)))
                means = {name: float(values[-1].mean()) for name, values in found.items()}
                correlation = float(np.abs(np.corrcoef(s.T) - np.eye(k)).max())
                rows.append([k, ", ".join(names), len(s) / RATE, correlation, *means.values()])
                least = float(found["mutua"][-1].min())
                if least < LEAST:
                    bound = float(found["uncorrelated"][-1][found["mutua"][-1].argmin()])
                    words.append(
                        f"Under {LEAST:g} dB: {names[int(found['mutua'][-1].argmin())]} of {', '.join(names)}, "
                        f"{least:.2f} dB; the sources correlate {correlation:.3f} in these {len(s) / RATE:.1f} s, "
                        f"and the nearest uncorrelated signals have {bound:.2f} dB there."
                    )
                log(f"{k}: {means}")
            tables.append(_table(k, found))
    columns = ["sources", "recordings", "seconds", "correlation", *methods, "uncorrelated"]
    tables.append(Table("Each choice: mean improvement over its sources, dB", columns, rows))
    for name in list(methods)[1:]:
        at = columns.index(name)
        behind = [row[columns.index("mutua")] - row[at] for row in rows]
        words.append(
            f"mutua beside {name}: {np.median(behind):+.2f} dB in the median, "
            f"{min(behind):+.2f} at worst; within 0.1 dB or above on {sum(one > -0.1 for one in behind)} of "
            f"{len(behind)} choices."
        )
    words.append(
        "mutua: what `mutua unmix` does, LinearICA with changing loudness where that is expected to leave less of "
        "the other sources."
    )
    words.append(
        "Improvement: SI-SDR of the estimate less that of the microphone which hears the source best. Recordings "
        f"are cut to the shortest of a choice (6 to 30 s) at {RATE} Hz; mixings are Gaussian with a condition "
        "number below 10. 'uncorrelated': the uncorrelated signals nearest to the true sources in total squared "
        "error, for real sources are a little correlated in a finite sample ('correlation': the largest of the "
        "choice). For methods that whiten (FastICA) it is a yardstick, which luck passes on one source or other; "
        "maximum likelihood isn't held to it."
    )
    settings = {"first": FIRST, "choices": given.choices, "recordings": len(waves), "rate": RATE}
    keep("unmix", "Unmixing real recordings", tables, log, words, settings)


def _sharper(x: np.ndarray, seed: int) -> tuple[float, np.ndarray]:
    start = time.process_time()
    ica = sharper(x, RATE, random_state=seed)
    return time.process_time() - start, ica.components_


def _table(k: int, found: dict[str, list[np.ndarray]]) -> Table:
    rows: list[list[Any]] = []
    for name, values in found.items():
        means = [float(one.mean()) for one in values]
        rows.append([name, float(np.median(means)), min(means), float(np.min(values))])
    columns = ["method", "median", "least of the means", "least of any source"]
    return Table(f"{k} recordings: SI-SDR improvement, dB, over {len(means)} choices", columns, rows)


if __name__ == "__main__":
    main(sys.argv[1:])
