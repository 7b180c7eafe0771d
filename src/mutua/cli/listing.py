"""`mutua data` and `mutua methods`: what there is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from mutua.cli.output import say, show, tables_json
from mutua.types import InputError, Table

__all__ = ["Data", "Methods"]


@dataclass(frozen=True)
class Data:
    """List the data sets known by name, and whether they are here; or say what films hold.

    mutua data; mutua data show clips/.

    Args:
        what: ls lists; show says what each film of a folder holds: seconds, frames, duplicates, cuts, bars, sound.
        place: Of show: a film, or a folder of them.
        skip_bad: Of show: leave out films that cannot be read, and count them.
        json: Print JSON instead of a table.
    """

    what: Positional[Literal["ls", "show"]] = "ls"
    place: Positional[Path | None] = None
    skip_bad: bool = False
    json: bool = False

    def __call__(self) -> None:
        from mutua.data import datasets

        if self.what == "show":
            from mutua.data.video.shown import clips_table

            if self.place is None:
                raise InputError("show: of nothing; name a folder of films, as mutua data show clips/")
            _print(clips_table(self.place, self.skip_bad), self.json)
            return
        if self.place is not None:
            raise InputError(f"{self.place}: ls lists data sets known by name; for films say mutua data show")
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
