"""`mutua study ls` and `mutua study run NAME`."""

from __future__ import annotations

import functools
import json
import logging
import operator
import re
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, make_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console
from tyro.conf import OmitArgPrefixes, Positional, subcommand

from mutua.cli.output import say, show, status, tables_json
from mutua.studies import LOGGER, STUDIES, study
from mutua.types import InputError, Result, Table, names

__all__ = ["Studies", "chosen_study", "completed"]

PAGE, RECORD = "result.html", "result.json"


@dataclass(frozen=True)
class List:
    """List the studies.

    Args:
        json: Print JSON instead of a table.
    """

    json: bool = False

    def __call__(self) -> None:
        rows = [[name, listed.about] for name, listed in STUDIES.items()]
        note = "Run one: mutua study run NAME. Its settings: mutua study run NAME --help."
        found = Table("Studies", ["study", "what it shows"], rows, note)
        if self.json:
            say(tables_json([found])[0], "", True)
        else:
            show([found])


@dataclass(frozen=True)
class Run:
    """Run a study: tables and words here; a page, figures and JSON in a folder.

    Args:
        name: The study. `mutua study run NAME --help` lists its settings.
    """

    name: Positional[str]

    def __call__(self) -> None:
        raise InputError(f"study: none is called {self.name!r}; choose one of {names(STUDIES)}")


@dataclass(frozen=True)
class Studies:
    """The lecture's tables and figures, measured anew: list the studies, run one.

    Args:
        what: ls, or run.
    """

    what: Annotated[List, subcommand("ls")] | Annotated[Run, subcommand("run")]

    def __call__(self) -> None:
        self.what()


def completed() -> type:
    """`Studies` with each study a word after `run`, for a shell's completion. Imports none of them."""
    named: Any = [
        Annotated[make_dataclass("Named", []), subcommand(name, description=listed.about)]
        for name, listed in STUDIES.items()
    ]
    run = make_dataclass("Run", [("name", functools.reduce(operator.or_, named))])
    kinds: Any = Annotated[List, subcommand("ls")] | Annotated[run, subcommand("run")]
    return make_dataclass("Studies", [("what", kinds)])


@dataclass(frozen=True)
class Chosen:
    """A study and what it is to be run with."""

    name: str
    config: Any
    preset: str
    out: Path | None
    json: bool

    def __call__(self) -> None:
        # Here, and in `keep`, so that help and a list import neither data nor reports.
        from mutua.data.store import checked_place
        from mutua.report import papers

        folder = self.out or Path("runs/studies") / self.name
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder}: is a file; name a folder with --out")
        checked_place(folder / RECORD)
        status(f"{self.name}, preset {self.preset}")
        module, start = study(self.name), time.monotonic()
        with _told():
            result = module.run(self.config)
        record = keep(
            self.name,
            self.preset,
            self.config,
            result,
            folder,
            seconds=time.monotonic() - start,
            references=papers(module.run),
        )
        if self.json:
            say(record, "", True)
            return
        show(result.tables)
        console = Console() if sys.stdout.isatty() else Console(width=110)
        for paragraph in result.words:
            console.print(paragraph, markup=False, highlight=False)
        print(f"\n{folder / PAGE}: open it in a browser")


def keep(
    name: str,
    preset: str,
    config: Any,
    result: Result,
    folder: Path,
    *,
    seconds: float,
    references: Sequence[str] = (),
) -> dict[str, Any]:
    """Write a study's figures, page and record into a folder, each whole or not at all. Returns the record."""
    from mutua.data.store import writing
    from mutua.report import study_page, write

    settings = {"preset": preset, **(asdict(config)), **result.settings}
    files = {caption: f"figure-{i}-{_slug(caption)}.svg" for i, caption in enumerate(result.figures, 1)}
    record = {
        "study": name,
        "title": result.title,
        "words": list(result.words),
        "tables": tables_json(result.tables),
        "figures": {caption: str(folder / file) for caption, file in files.items()},
        "page": str(folder / PAGE),
        "settings": settings,
        "seconds": round(seconds, 1),
    }
    for caption, file in files.items():
        with writing(folder / file) as opened:
            opened.write(result.figures[caption].encode())
    folder.mkdir(parents=True, exist_ok=True)
    html = study_page(
        result, subtitle=f"{_again(name, preset, config)}: {seconds:,.0f} s", papers=references, settings=settings
    )
    write(folder / PAGE, html)
    with writing(folder / RECORD) as opened:
        opened.write((json.dumps(record, indent=1, default=str) + "\n").encode())
    return record


def _again(name: str, preset: str, config: Any) -> str:
    """The command line that runs it so again."""
    base, words = study(name).PRESETS[preset], [f"mutua study run {name} --preset {preset}"]
    for one in fields(config):
        value = getattr(config, one.name)
        if value == getattr(base, one.name):
            continue
        flag = one.name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            given = value if isinstance(value, tuple) else (value,)
            words.append(" ".join([f"--{flag}", *(shlex.quote(str(part)) for part in given)]))
    return " ".join(words)


def chosen_study(args: Sequence[str] | None) -> Chosen | None:
    """The study that a command line runs, or None where it runs none (or one that doesn't exist).

    Read in two steps, so that only the study asked for is imported: its name first, then its settings, whose
    defaults are those of the preset.
    """
    given = list(sys.argv[1:] if args is None else args)
    if given[:2] != ["study", "run"]:
        return None
    name = next((arg for arg in given[2:] if arg in STUDIES), None)
    if name is None:
        return None
    rest = given[2:]
    rest.remove(name)
    presets = study(name).PRESETS
    preset = _preset(rest, presets)
    parsed: Any = tyro.cli(
        _arguments(name, presets, preset),
        prog=f"mutua study run {name}",
        description=STUDIES[name].about,
        args=rest,
        config=(OmitArgPrefixes,),
    )
    return Chosen(name, parsed.config, preset, parsed.out, parsed.json)


def _preset(args: Sequence[str], presets: Mapping[str, Any]) -> str:
    """The preset that the arguments name; one that doesn't exist is left for tyro to refuse."""
    joined = "\0".join(args)
    found = re.search(r"(?:^|\0)--preset[=\0]([^\0]+)", joined)
    return found[1] if found and found[1] in presets else "cpu"


def _arguments(name: str, presets: Mapping[str, Any], preset: str) -> type:
    """A dataclass whose fields are the arguments of `mutua study run NAME`."""
    config = presets[preset]

    def told(kind: Any, words: str) -> Any:
        return Annotated[kind, tyro.conf.arg(help=words)]

    choice: Any = Literal[tuple(presets)]
    return make_dataclass(
        f"Study_{name.replace('-', '_')}",
        [
            ("preset", told(choice, "Where the settings below start from."), field(default=preset)),
            ("out", told(Path | None, f"Folder to write; runs/studies/{name} by default."), field(default=None)),
            ("json", told(bool, "Print JSON instead of words."), field(default=False)),
            ("config", type(config), field(default=config)),
        ],
        frozen=True,
    )


@contextmanager
def _told() -> Iterator[None]:
    """What studies log goes to standard error meanwhile."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            status(record.getMessage())

    handler, level = Lines(), LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(level)


def _slug(text: str) -> str:
    """A file name of a caption's first words."""
    return re.sub(r"[^a-z0-9]+", "-", re.split(r"[.:]", text, maxsplit=1)[0].lower()).strip("-")[:40].strip("-")
