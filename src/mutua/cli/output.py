"""What the verbs print: tables and words for people on standard output, or JSON for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from numbers import Integral, Real
from typing import Any

import numpy as np

from mutua.types import Table

__all__ = ["say", "show", "status", "tables_json"]


def tables_json(tables: Sequence[Table]) -> list[dict[str, Any]]:
    """Tables as plain values."""
    return [asdict(table) for table in tables]


def show(tables: Sequence[Table]) -> None:
    """Tables on the terminal."""
    # Here, so that a verb's help imports neither the report nor what draws its figures.
    from rich.console import Console

    from mutua.report import terminal

    console = Console()
    if not console.is_terminal:
        console = Console(width=130)
    for table in tables:
        console.print(terminal(table))


def say(content: Any, words: str, as_json: bool) -> None:
    """`content` as JSON, or `words`."""
    print(json.dumps(_plain(content), indent=2) if as_json else words)


def _plain(content: Any) -> Any:
    """What JSON has: numbers are numbers whatever their type; NaN and infinities, which it lacks, are null;
    anything else is its text."""
    if isinstance(content, (bool, np.bool_)):
        return bool(content)
    if isinstance(content, Integral):
        return int(content)
    if isinstance(content, Real):
        return float(content) if math.isfinite(content) else None
    if isinstance(content, Mapping):
        return {str(key): _plain(value) for key, value in content.items()}
    if isinstance(content, np.ndarray):
        return _plain(content.tolist())
    if isinstance(content, (list, tuple, set, frozenset)):
        return [_plain(value) for value in content]
    return content if content is None or isinstance(content, str) else str(content)


def status(words: str) -> None:
    """A line on standard error about what is being done."""
    print(f"  {words}", file=sys.stderr, flush=True)
