"""What the verbs print: tables and words for people on standard output, or JSON for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

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
    print(json.dumps(_plain(content), indent=2, default=str) if as_json else words)


def _plain(content: Any) -> Any:
    """Without NaN and infinities, which are no JSON: null stands for them."""
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_plain(value) for value in content]
    return content


def status(words: str) -> None:
    """A line on standard error about what is being done."""
    print(f"  {words}", file=sys.stderr, flush=True)
