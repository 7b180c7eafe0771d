"""`mutua train METHOD` and `mutua resume RUN`."""

from __future__ import annotations

import dataclasses
import functools
import json
import operator
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from tyro.conf import Positional

from mutua import runs
from mutua.cli.devices import check_accelerator
from mutua.cli.output import say, status
from mutua.cli.reading import recorded_reading, square
from mutua.cli.settings import arguments, chosen
from mutua.data import DATASETS, KINDS, Access, Examples, Reading, read
from mutua.data.image.images import GIBIBYTE
from mutua.data.loading import kind_of
from mutua.encoders import ENCODERS
from mutua.methods import METHODS
from mutua.ranks import rank
from mutua.types import InputError

if TYPE_CHECKING:
    from lightning_fabric.loggers.logger import Logger

__all__ = ["Resume", "Train"]

# Of a catalogue, so that a new method has its command line by being listed.
_Methods: Any = functools.reduce(
    operator.or_,
    [
        Annotated[arguments(name, published), tyro.conf.subcommand(name, description=published.about)]
        for name, published in METHODS.items()
    ],
)


@dataclasses.dataclass(frozen=True)
class Train:
    """Learn an encoder from data without labels."""

    method: _Methods

    def __call__(self) -> None:
        args = chosen(self.method)
        check_accelerator(args.plan.accelerator)
        reading = _as_usual(args.data, args.reading, args.method)
        examples = _learned_from(args.data, args.split, reading, args.skip_bad, args.cache, args.method)
        recipe = runs.Recipe(
            args.method,
            args.encoder or _usual(args.method, examples.spec.kind),
            examples.spec,
            args.settings,
            args.plan.seed,
        )
        folder = args.out or Path("runs") / f"{args.method}-{_plain(args.data)}"
        data = {
            "name": _lasting(args.data),
            "split": args.split,
            "reading": reading.said(),
            "skip_bad": args.skip_bad,
        }
        status(f"{args.method}: {len(examples):,} {KINDS[examples.spec.kind].plural} of {examples.spec}")
        if examples.source:
            status(examples.source)
        runs.train(
            recipe,
            examples,
            args.plan,
            folder,
            data=data,
            loggers=_loggers(args.tensorboard, folder),
            progress=True,
        )
        _done(folder, args.json)


@dataclasses.dataclass(frozen=True)
class Resume:
    """Go on with a training that was stopped: it ends with the weights it would have had.

    Args:
        run: Folder of the run.
        cache: Folder to keep a folder's decoded images in, as of train.
        tensorboard: Write TensorBoard's files too.
        json: Print JSON instead of words.
    """

    run: Positional[Path]
    cache: Path | None = None
    tensorboard: bool = False
    json: bool = False

    def __call__(self) -> None:
        config, plan = runs.config(self.run), runs.plan_of(self.run)
        check_accelerator(plan.accelerator)
        data = config["data"]
        if data.get("name") is None:
            raise InputError(f"{self.run}: was trained on data handed over in Python; resume it there")
        recipe = runs.Recipe.read(json.dumps(config["recipe"]), str(self.run))
        examples = _learned_from(
            data["name"],
            data.get("split", "train"),
            recorded_reading(data),
            bool(data.get("skip_bad")),
            self.cache,
            recipe.method,
        )
        runs.train(
            recipe,
            examples,
            plan,
            self.run,
            resume=True,
            loggers=_loggers(self.tensorboard, self.run),
            progress=True,
        )
        _done(self.run, self.json)


def _usual(method: str, kind: str) -> str:
    """The encoder that a method is usually trained with on such data; any that takes them where it takes none."""
    fitting = [name for name, network in ENCODERS.items() if kind in network.takes]
    return METHODS[method].encoder.get(kind) or next(iter(fitting), next(iter(ENCODERS)))


def _as_usual(data: str, reading: Reading, method: str) -> Reading:
    """The reading, and what it leaves unsaid as the method reads data of that kind."""
    usual = METHODS[method].reading
    if not usual or (data not in DATASETS and not Path(data).exists()):
        return reading
    kind = reading.kind or (DATASETS[data].kind if data in DATASETS else kind_of(Path(data)))
    return Reading.of({**usual.get(kind, {}), **reading.said()})


def _lasting(name: str) -> str:
    """A path that holds from other folders too; the name of a data set as it is."""
    return name if name in DATASETS else str(Path(name).absolute())


def _learned_from(
    data: str, split: str, reading: Reading, skip_bad: bool, cache: Path | None, method: str
) -> Examples:
    """The examples, a folder's images decoded while training goes on: into a kept file where a cache is named."""
    access = Access(skip_bad, cache, GIBIBYTE if cache is None else 0, at_once=False)
    return square(read(data, split, reading, access), data, method)


def _loggers(tensorboard: bool, folder: Path) -> Sequence[Logger]:
    if not tensorboard:
        return ()
    try:
        from lightning_fabric.loggers import TensorBoardLogger

        return (TensorBoardLogger(folder, name="tensorboard", version=""),)
    except ImportError as error:
        raise InputError("tensorboard: needs a package; pip install 'mutua[tensorboard]'") from error


def _done(folder: Path, as_json: bool) -> None:
    if rank() == 0:
        say(
            {"run": str(folder), "encoder": str(folder / "encoder.safetensors")},
            f"{folder}: trained. Next: mutua evaluate {folder}, mutua report {folder}",
            as_json,
        )


def _plain(name: Any) -> str:
    """A folder's name made of a data set's."""
    return re.sub(r"[^\w.-]+", "-", Path(str(name)).name or "data").strip("-.") or "data"
