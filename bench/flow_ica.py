"""FlowICA on the published mixtures, with u ignored, of the other make, and beside linear methods.

A piece is a method on one data set of one setting; pieces that are there are not measured again. `record` writes
what is there: `python -m bench flow_ica [SETTING ...] [record]`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from bench.record import Log, keep
from mutua.data.sources import (
    Mixture,
    gcl_past_mixture,
    gcl_segment_mixture,
    gcl_time_mixture,
    icebeem_mixture,
    ivae_mixture,
    pcl_mixture,
    tcl_mixture,
)
from mutua.data.store import replacing
from mutua.ica.flow import FlowICA
from mutua.studies.nonlinear.flow import COLUMNS, METHODS, Measured, measured, summary
from mutua.types import Table

PLACE = Path("runs/bench/flow_ica")
LINEAR = ("raw x", "PCA", "FastICA", "LinearICA")
FLOWS = (*LINEAR, "FlowICA", "FlowICA, u ignored", "FlowICA, couplings")


@dataclass(frozen=True)
class Setting:
    """A mixture by seed, the flow for it, and which methods are run."""

    make: Callable[[int], Mixture]
    flow: FlowICA
    methods: tuple[str, ...] = FLOWS
    about: str = ""


GAUSSIAN = FlowICA(prior="gaussian", device="cpu")
LAPLACE = FlowICA(device="cpu")
SETTINGS = {
    "ivae": Setting(
        ivae_mixture, GAUSSIAN, tuple(METHODS), "40 segments of 1,000, n = 5, 3 layers, tanh(x) + 0.1 x"
    ),
    **{
        f"tcl-{layers}": Setting(
            partial(tcl_mixture, layers=layers), LAPLACE, about=f"256 segments of 512, n = 20, {layers} layers"
        )
        for layers in (1, 2, 3)
    },
    **{
        f"tcl-{layers}": Setting(
            partial(tcl_mixture, layers=layers),
            FlowICA(layers=6, max_iter=30_000, device="cpu"),
            about=f"256 segments of 512, n = 20, {layers} layers; 30,000 steps",
        )
        for layers in (4, 5)
    },
    "gcl-segment": Setting(gcl_segment_mixture, LAPLACE, about="u = segment, 64 of 512, n = 5, 2 layers"),
    "gcl-time": Setting(gcl_time_mixture, LAPLACE, about="u = time, 32,768 rows, n = 5, 2 layers"),
    "gcl-past": Setting(
        gcl_past_mixture,
        FlowICA(past=True, device="cpu"),
        about="the past as u, 32,768 rows, n = 5, 2 layers",
    ),
    "pcl": Setting(
        pcl_mixture,
        FlowICA(past=True, device="cpu"),
        about="the past as u, 2^18 rows, n = 20, 3 layers",
    ),
    **{
        f"icebeem-{layers}": Setting(
            partial(icebeem_mixture, layers=layers),
            GAUSSIAN,
            about=f"20 segments of 1,000, n = 5, {layers} layers",
        )
        for layers in (2, 4)
    },
}


def main(args: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench flow_ica", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*SETTINGS, "record"])
    parser.add_argument("--seeds", type=int, default=3, help="data sets of each setting")
    parser.add_argument("--methods", nargs="*", choices=METHODS, metavar="METHOD", help="only these, by name")
    told = parser.parse_args(args)
    log, parts = Log(), told.parts or [*SETTINGS, "record"]
    # Seeds outermost, so that what is there at any time is balanced.
    for seed in range(told.seeds):
        for name in (part for part in parts if part != "record"):
            for method in told.methods or SETTINGS[name].methods:
                _piece(name, method, seed, log)
    if "record" in parts:
        _record(log)


def _path(name: str, method: str, seed: int) -> Path:
    return PLACE / f"{name}-{method.replace(', ', '_').replace(' ', '_')}-{seed}.json"


def _piece(name: str, method: str, seed: int, log: Log) -> None:
    path = _path(name, method, seed)
    if path.exists():
        return
    setting = SETTINGS[name]
    found = measured(method, setting.make(seed), seed, setting.flow)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(json.dumps(asdict(found)).encode())
    log(f"{name}, {method}, data set {seed}: MCC {found.pearson:.4f} in {found.seconds:.0f} CPU s")


def _record(log: Log) -> None:
    tables = []
    for name, setting in SETTINGS.items():
        found: dict[str, list[Measured]] = {}
        for method in setting.methods:
            paths = [_path(name, method, seed) for seed in range(100)]
            pieces = [Measured(**json.loads(path.read_text())) for path in paths if path.exists()]
            if pieces:
                found[method] = pieces
        if found:
            note = (
                f"{setting.about}. Each data set has matrices of its own; MCC of held-out rows (mean, deviation, "
                "least), estimates made without u; nats a row held out, given u where it is used; CPU seconds on "
                "one thread, four starts, two finalists and the linear comparison included."
            )
            tables.append(Table(name, list(COLUMNS), summary(found), note))
    words = [
        "Nothing was chosen by the truth: starts are ranked by training likelihood, finalists by held-out "
        "likelihood. A flow of layers like the mixture's finds much of it with u ignored, which is why that row "
        "stands in every table, and why a flow of couplings stands beside it."
    ]
    keep("flow_ica", "FlowICA: exact likelihood on the published mixtures", tables, log, words, {})
