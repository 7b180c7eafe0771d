"""`mutua data` and `mutua methods`: what there is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from tyro.conf import Positional

from mutua.cli.output import say, show, tables_json
from mutua.types import InputError, Table

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
        from mutua.data import datasets

        _print(datasets(), self.json)


@dataclass(frozen=True)
class Methods:
    """List every method, estimator, bound, critic, encoder, view, probe, metric and study, with call and paper.

    mutua methods; mutua methods ksg; mutua methods contrastive ICA.

    Args:
        words: Show only what has all these words in its name, line, paper or other names.
        json: Print JSON instead of a table.
    """

    words: Positional[tuple[str, ...]] = ()
    json: bool = False

    def __call__(self) -> None:
        # Here, since it imports the whole library and the help needs none of it.
        from mutua.index import catalogue

        found = [
            entry
            for entry in catalogue()
            if all(word.lower() in " ".join(asdict(entry).values()).lower() for word in self.words)
        ]
        if not found:
            raise InputError(f"words: nothing has {' and '.join(map(repr, self.words))}; mutua methods lists all")
        rows = [[entry.name, entry.family, entry.about, entry.also, entry.paper, entry.call] for entry in found]
        note = "A paper's settings: mutua train METHOD --help. One word or several choose: mutua methods ksg."
        _print(Table("Methods", ["name", "family", "what", "also", "paper", "call"], rows, note), self.json)


def _print(found: Table, as_json: bool) -> None:
    if as_json:
        say(tables_json([found])[0], "", True)
    else:
        show([found])
