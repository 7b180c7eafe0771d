"""Mutual information on distributions where it is known: the default beside a published package's estimators.

`ours`, `stairs`, `null` and `peers` measure what is missing, a piece at a time; `record` writes what is there.
The peers run under a Python of their own, `--peer PYTHON`, in which `benchmark-mi` is installed
(pip install benchmark-mi jax==0.4.26 jaxlib==0.4.26).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import kstest

from bench.record import Log, keep
from mutua.data.known import known
from mutua.data.store import replacing
from mutua.information import mutual_information
from mutua.types import Table

PLACE = Path("runs/bench/information")
ROWS = 5000
PEERS = ("KSG", "CCA", "InfoNCE", "DV", "NWJ")
GRID = (
    "1v1-normal-0.75",
    "normal_cdf-1v1-normal-0.75",
    "1v1-additive-0.1",
    "1v1-additive-0.75",
    "1v1-bimodal-0.75",
    "wiggly-1v1-normal-0.75",
    "half_cube-1v1-normal-0.75",
    "student-identity-1-1-1",
    "asinh-student-identity-1-1-1",
    "swissroll_x-normal_cdf-1v1-normal-0.75",
    "multinormal-dense-2-2-0.5",
    "multinormal-dense-5-5-0.5",
    "multinormal-dense-25-25-0.5",
    "multinormal-dense-50-50-0.5",
    "multinormal-sparse-3-3-2-2.0",
    "multinormal-sparse-5-5-2-2.0",
    "multinormal-sparse-25-25-2-2.0",
    "student-identity-2-2-1",
    "student-identity-3-3-2",
    "student-identity-5-5-2",
    "asinh-student-identity-5-5-2",
    "normal_cdf-multinormal-sparse-5-5-2-2.0",
    "normal_cdf-multinormal-sparse-25-25-2-2.0",
    "half_cube-multinormal-sparse-25-25-2-2.0",
    "spiral-multinormal-sparse-3-3-2-2.0",
    "spiral-multinormal-sparse-5-5-2-2.0",
    "spiral-multinormal-sparse-25-25-2-2.0",
    "spiral-normal_cdf-multinormal-sparse-5-5-2-2.0",
    "spiral-normal_cdf-multinormal-sparse-25-25-2-2.0",
)
STAIRS = tuple(f"{kind}gaussian-20-{nats}" for kind in ("", "cubic-", "mixed_cubic-") for nats in (2, 6, 10))
# Pairs with no information: x of one seed, y of another.
NULL = (
    "multinormal-dense-5-5-0.5",
    "student-identity-3-3-2",
    "1v1-bimodal-0.75",
    "spiral-multinormal-sparse-3-3-2-2.0",
)
NULLS, NULL_ROWS = 200, 1000
PEER = """
import json, sys, time
import numpy as np
import bmi.estimators as e
with np.load(sys.argv[1]) as data:
    x, y = data["x"], data["y"]
make = {
    "KSG": lambda: e.KSGEnsembleFirstEstimator(neighborhoods=(10,)),
    "CCA": lambda: e.CCAMutualInformationEstimator(),
    "InfoNCE": lambda: e.InfoNCEEstimator(verbose=False),
    "DV": lambda: e.DonskerVaradhanEstimator(verbose=False),
    "NWJ": lambda: e.NWJEstimator(verbose=False),
}[sys.argv[2]]
start = time.process_time()
value = float(make().estimate(x, y))
print(json.dumps({"value": value, "seconds": time.process_time() - start}))
"""


def main(args: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench information", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=["ours", "peers", "stairs", "null", "record"])
    parser.add_argument("--peer", default="python3", help="a Python in which benchmark-mi is installed")
    parser.add_argument("--seeds", type=int, default=1, help="data sets of each distribution, ours")
    told = parser.parse_args(args)
    log, parts = Log(), told.parts or ["ours", "stairs", "null", "peers", "record"]
    # Seeds outermost and in strides, so that what is there at any time is balanced.
    order = [name for start in range(3) for name in GRID[start::3]]
    for seed in range(told.seeds):
        for name in order if "ours" in parts else ():
            _ours(name, ROWS, seed, log)
        for name in STAIRS if "stairs" in parts else ():
            _ours(name, 10_000, seed, log)
    for seed in range(NULLS if "null" in parts else 0):
        _null(NULL[seed % len(NULL)], seed, log)
    for name in order if "peers" in parts else ():
        for peer in PEERS:
            _peer(peer, name, told.peer, log)
    if "record" in parts:
        _record(log)


def _ours(name: str, n: int, seed: int, log: Log) -> None:
    path = PLACE / f"ours-{name}-{n}-{seed}.json"
    if path.exists():
        return
    x, y = known(name).sample(n, seed)
    start, wall = time.process_time(), time.monotonic()
    result = mutual_information(x, y, seed=seed)
    piece = result.as_dict() | {"seconds": time.process_time() - start, "wall": time.monotonic() - wall}
    _save(path, piece)
    log(f"{name}, n {n}, seed {seed}: {result.value:.3f} of {known(name).information:.3f}")


def _null(name: str, seed: int, log: Log) -> None:
    path = PLACE / f"null-{name}-{NULL_ROWS}-{seed}.json"
    if path.exists():
        return
    x, y = known(name).sample(NULL_ROWS, seed)[0], known(name).sample(NULL_ROWS, 10_000 + seed)[1]
    result = mutual_information(x, y, effort="quick", seed=seed)
    _save(path, result.as_dict())
    log(f"{name}, independent, seed {seed}: {result.value:.4f}, p {result.p_value:.3f}")


def _peer(peer: str, name: str, python: str, log: Log) -> None:
    path = PLACE / f"{peer}-{name}-{ROWS}-0.json"
    if path.exists():
        return
    x, y = known(name).sample(ROWS, 0)
    data = PLACE / f"{name}.npz"
    data.parent.mkdir(parents=True, exist_ok=True)
    np.savez(data, x=x, y=y)
    command = [python, "-W", "ignore", "-c", PEER, str(data), peer]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    data.unlink()
    if found.returncode:
        log(f"{peer} on {name} failed: {found.stderr.strip().splitlines()[-1:]}")
        return
    _save(path, json.loads(found.stdout.strip().splitlines()[-1]))
    log(f"{peer} on {name}: {json.loads(path.read_text())['value']:.3f} of {known(name).information:.3f}")


def _save(path: Path, piece: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(json.dumps(piece).encode())


def _pieces(who: str, name: str, n: int) -> list[dict[str, Any]]:
    """One a seed, those that are there."""
    paths = sorted(PLACE.glob(f"{who}-{name}-{n}-*.json"))
    # A name can be the beginning of another one's.
    return [json.loads(path.read_text()) for path in paths if path.stem.rsplit("-", 2)[0] == f"{who}-{name}"]


def _value(pieces: list[dict[str, Any]]) -> float:
    return float(np.mean([float(piece["value"]) for piece in pieces])) if pieces else float("nan")


def _record(log: Log) -> None:
    ours = {name: _pieces("ours", name, ROWS) for name in GRID}
    theirs = {peer: {name: _pieces(peer, name, ROWS) for name in GRID} for peer in PEERS}
    tables = [_grid(ours, theirs), _covered(ours), _over_seeds(ours), _independent(), _stairs()]
    # Only distributions that everyone has measured are compared.
    shared = [name for name in GRID if ours[name] and all(theirs[peer][name] for peer in PEERS)]
    words = ["Not enough measured yet to compare."]
    if shared:
        errors = {
            who: np.mean([abs(_value(found[name][:1]) - known(name).information) for name in shared])
            for who, found in (("mutua", ours), *theirs.items())
        }
        best = min(PEERS, key=lambda peer: errors[peer])
        words = [
            f"Mean absolute error over {len(shared)} distributions, one data set each, in nats: "
            f"mutua {errors['mutua']:.4f}, "
            + ", ".join(f"{peer} {errors[peer]:.4f}" for peer in PEERS)
            + f". The best peer is {best}; the ratio is {errors['mutua'] / errors[best]:.2f}."
        ]
    keep(
        "information",
        "Mutual information where it is known",
        tables,
        log,
        words,
        {"rows": ROWS, "grid": list(GRID)},
    )
    print(json.dumps([asdict(table) for table in tables[1:]], indent=1))


def _grid(ours: dict[str, Any], theirs: dict[str, Any]) -> Table:
    rows: list[list[Any]] = []
    for name in GRID:
        pieces = ours[name]
        first = pieces[0] if pieces else None
        interval = "{:.3f} to {:.3f}".format(*first["interval"]) if first else "–"
        rows.append(
            [
                name,
                known(name).information,
                _value(pieces[:1]),
                interval,
                first["lower"] if first else float("nan"),
                *(_value(theirs[peer][name]) for peer in PEERS),
                first["seconds"] if first else float("nan"),
                *(
                    np.mean([p["seconds"] for p in theirs[peer][name]] or [np.nan])
                    for peer in ("InfoNCE", "DV", "NWJ")
                ),
            ]
        )
    rows = [["–" if isinstance(cell, float) and np.isnan(cell) else cell for cell in row] for row in rows]
    columns = ["distribution", "truth", "mutua", "95 % interval", "at least", *PEERS]
    note = f"nats; n = {ROWS:,}, the same rows for all, one data set. Peers: benchmark-mi. CPU seconds last."
    earlier = sorted({p["from"] for found in theirs.values() for ps in found.values() for p in ps if "from" in p})
    if earlier:
        note += f" The peers' readings are not of the same run: {', '.join(earlier)}."
    return Table("The grid", [*columns, "s, mutua", "s, InfoNCE", "s, DV", "s, NWJ"], rows, note)


def _covered(ours: dict[str, Any]) -> Table:
    runs = [(known(name).information, piece) for name, pieces in ours.items() for piece in pieces]
    inside = [piece["interval"][0] <= truth <= piece["interval"][1] for truth, piece in runs]
    under = [piece["lower"] <= truth for truth, piece in runs]
    width = [(piece["interval"][1] - piece["interval"][0]) / (0.2 * truth + 0.05) for truth, piece in runs]
    row = [
        len(runs),
        100 * float(np.mean(inside)) if runs else float("nan"),
        float(np.median(width)) if runs else float("nan"),
        100 * float(np.mean(under)) if runs else float("nan"),
    ]
    return Table(
        "Intervals",
        ["runs", "% that cover the truth", "median width / (0.2 I + 0.05)", "% of 'at least' under the truth"],
        [row],
        "95 % intervals of the default over the grid, all seeds.",
    )


def _over_seeds(ours: dict[str, Any]) -> Table:
    rows = []
    for name, pieces in ours.items():
        truth = known(name).information
        values = np.array([float(piece["value"]) for piece in pieces])
        inside = sum(piece["interval"][0] <= truth <= piece["interval"][1] for piece in pieces)
        if len(values) > 1:
            error = float(np.abs(values - truth).mean())
            covered = f"{inside} of {len(values)}"
            rows.append([name, truth, values.mean(), values.std(ddof=1), error, 100 * error / truth, covered])
    columns = ["distribution", "truth", "mean", "sd", "mean error", "mean error %", "intervals that cover"]
    return Table("Over data sets", columns, rows, f"nats; the default, n = {ROWS:,}, each data set anew.")


def _independent() -> Table:
    rows = []
    for name in ("all", *NULL):
        pieces = [piece for one in NULL if name in ("all", one) for piece in _pieces("null", one, NULL_ROWS)]
        if not pieces:
            continue
        p = np.array([piece["p_value"] for piece in pieces])
        fit = float(kstest(p, "uniform").pvalue)
        values = np.array([piece["value"] for piece in pieces])
        inside = 100 * float(np.mean([piece["interval"][0] == 0 for piece in pieces]))
        rows.append([name, len(p), *(100 * float(np.mean(p <= a)) for a in (0.01, 0.05, 0.1, 0.5)), fit, inside])
        rows[-1] += [float(values.mean()), float(np.quantile(values, 0.95))]
    shares = [f"% of p ≤ {a}" for a in (0.01, 0.05, 0.1, 0.5)]
    columns = ["margins of", "runs", *shares, "KS p", "% of intervals from 0", "mean", "95 % quantile"]
    note = f"x and y independent, n = {NULL_ROWS:,}, effort quick; the value in nats. KS: of uniform p-values."
    return Table("Under independence", columns, rows, note)


def _stairs() -> Table:
    rows = []
    for name in STAIRS:
        pieces = _pieces("ours", name, 10_000)
        if pieces:
            values = np.array([float(piece["value"]) for piece in pieces])
            truth = known(name).information
            error = 100 * np.abs(values / truth - 1)
            seconds, wall = (float(np.median([piece[key] for piece in pieces])) for key in ("seconds", "wall"))
            deviation = values.std(ddof=1) if len(values) > 1 else float("nan")
            rows.append(
                [name, truth, len(values), values.mean(), deviation, error.mean(), error.max(), seconds, wall]
            )
    columns = [
        "distribution",
        "truth",
        "seeds",
        "mean",
        "sd",
        "mean error %",
        "largest error %",
        "CPU s",
        "wall s",
    ]
    return Table(
        "Staircase, n = 10,000, d = 20", columns, rows, "nats. Time on a machine that did other work too."
    )
