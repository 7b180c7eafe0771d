"""`mutua data` and `mutua methods`: what there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tyro.conf import Positional

from mutua.cli.output import say, show, tables_json
from mutua.data import table
from mutua.encoders import ENCODERS
from mutua.methods import METHODS
from mutua.report import papers
from mutua.runs import defaults
from mutua.types import Table

__all__ = ["Data", "Methods"]


@dataclass(frozen=True)
class Data:
    """List the data sets known by name, and whether they are here.

    Args:
        what: ls.
        json: Print JSON instead of a table.
    """

    what: Positional[Literal["ls"]] = "ls"
    json: bool = False

    def __call__(self) -> None:
        _print(table(), self.json)


@dataclass(frozen=True)
class Methods:
    """List the methods, their settings and papers.

    Args:
        json: Print JSON instead of a table.
    """

    json: bool = False

    def __call__(self) -> None:
        rows = []
        for name, published in METHODS.items():
            settings = ", ".join(f"{key}={value}" for key, value in defaults(name).items())
            rows.append([name, published.about, settings, "; ".join(papers(published.compose))])
        note = f"Encoders: {', '.join(ENCODERS)}, timm:NAME, hf:NAME. All arguments: mutua train METHOD --help."
        _print(Table("Methods", ["method", "what", "settings", "paper"], rows, note), self.json)


def _print(found: Table, as_json: bool) -> None:
    if as_json:
        say(tables_json([found])[0], "", True)
    else:
        show([found])
