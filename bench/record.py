"""A record: what was measured, on what, with what, by which command."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from mutua.data.store import replacing
from mutua.report.text import formatted_columns
from mutua.types import Table

__all__ = ["FOLDER", "Log", "keep"]

FOLDER = Path(__file__).parent / "records"


class Log:
    """Lines printed as they come and kept for the record, each with the seconds since the start."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.lines: list[str] = []

    def __call__(self, words: str) -> None:
        line = f"{time.monotonic() - self.start:8.1f} s  {words}"
        self.lines.append(line)
        print(line, file=sys.stderr, flush=True)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _commit() -> str:
    """Of the checkout; a copy that is none is told by the environment variable MUTUA_COMMIT."""
    command = ["git", "describe", "--always", "--dirty"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        found = ""
    return found or os.environ.get("MUTUA_COMMIT", "unknown")


def machine() -> dict[str, Any]:
    """What the measurement ran on and with."""
    return {
        "processor": f"{_processor()} ({torch.backends.cpu.get_cpu_capability()})",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "numpy", "scikit-learn", "mutua")},
        "commit": _commit(),
    }


def keep(
    name: str,
    title: str,
    tables: Sequence[Table],
    log: Log,
    words: Sequence[str],
    settings: Mapping[str, Any],
    command: str | None = None,
) -> None:
    """Write NAME.json and NAME.md beside the other records; `command` makes them, else that of their name."""
    content = {
        "title": title,
        "command": command or f"python -m bench {name}",
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "settings": settings,
        "words": list(words),
        "tables": [asdict(table) for table in tables],
        "log": log.lines,
    }
    about = f"`{content['command']}`, {content['date']}; {one_line(content['machine'])}."
    parts = [f"# {title}", "", about, ""]
    for paragraph in words:
        parts += [paragraph, ""]
    for table in tables:
        parts += [f"## {table.title}", "", *_markdown(table), "", table.note, ""]
    FOLDER.mkdir(exist_ok=True)
    for suffix, text in ((".json", json.dumps(content, indent=1, default=str) + "\n"), (".md", "\n".join(parts))):
        with replacing(FOLDER / f"{name}{suffix}") as file:
            file.write(text.encode())


def one_line(found: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in found.items() if value is not None)


def _markdown(table: Table) -> list[str]:
    columns = formatted_columns(table)
    rows = zip(*(texts for texts, _ in columns), strict=True)
    return [
        "| " + " | ".join(map(str, table.columns)) + " |",
        "|" + "|".join(" ---: " if numeric else " --- " for _, numeric in columns) + "|",
        *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows),
    ]
