"""Studies at a preset, kept as records: `python -m bench studies NAME ...`.

Each is run as `mutua study run NAME --preset PRESET` runs it; with `--kept FOLDER` the results that this command
has left in FOLDER/NAME are taken instead, and nothing is run.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from bench.record import Log, keep
from mutua.cli import main as mutua
from mutua.studies import STUDIES
from mutua.types import Table


def main(args: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench studies", description=__doc__)
    parser.add_argument("names", nargs="+", choices=sorted(STUDIES))
    parser.add_argument("--preset", default="cpu")
    parser.add_argument("--kept", type=Path, help="where results are already")
    told = parser.parse_args(args)
    for name in told.names:
        log = Log()
        if told.kept is not None:
            _record(name, json.loads((told.kept / name / "result.json").read_text()), log)
            continue
        with tempfile.TemporaryDirectory() as folder:
            if mutua(["study", "run", name, "--preset", told.preset, "--out", folder]):
                raise SystemExit(f"studies: {name} failed")
            log(f"{name} ran")
            _record(name, json.loads((Path(folder) / "result.json").read_text()), log)


def _record(name: str, result: dict[str, Any], log: Log) -> None:
    preset, seconds = result["settings"]["preset"], result["seconds"]
    again = f"`mutua study run {name} --preset {preset}`, {seconds:,.0f} s."
    tables = [Table(**table) for table in result["tables"]]
    words = [again, *result["words"]]
    keep(
        f"study_{name}", result["title"], tables, log, words, result["settings"], f"python -m bench studies {name}"
    )
