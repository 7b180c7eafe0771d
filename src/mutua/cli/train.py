"""`mutua train METHOD` and `mutua resume RUN`."""

from __future__ import annotations

import dataclasses
import functools
import json
import operator
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro
from lightning_fabric.loggers.logger import Logger
from tyro.conf import Positional

from mutua import runs
from mutua.cli.devices import check_accelerator
from mutua.cli.output import say
from mutua.cli.settings import arguments, chosen
from mutua.data import Images, load
from mutua.data.image.images import GIBIBYTE
from mutua.methods import METHODS
from mutua.ranks import rank
from mutua.types import InputError

__all__ = ["Resume", "Train", "square"]

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
    """Learn an encoder from images without labels."""

    method: _Methods

    def __call__(self) -> None:
        args = chosen(self.method)
        check_accelerator(args.plan.accelerator)
        images = _learned_from(args.data, args.split, args.size, args.skip_bad, args.cache)
        recipe = runs.Recipe(
            args.method, args.encoder, images.shape[0], images.shape[1], args.settings, args.plan.seed
        )
        folder = args.out or Path("runs") / f"{args.method}-{_plain(args.data)}"
        data = {"name": args.data, "split": args.split, "size": args.size, "skip_bad": args.skip_bad}
        runs.train(
            recipe,
            images,
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
        images = _learned_from(
            data["name"],
            data.get("split", "train"),
            data.get("size"),
            bool(data.get("skip_bad")),
            self.cache,
        )
        recipe = runs.Recipe.read(json.dumps(config["recipe"]), str(self.run))
        runs.train(
            recipe,
            images,
            plan,
            self.run,
            resume=True,
            loggers=_loggers(self.tensorboard, self.run),
            progress=True,
        )
        _done(self.run, self.json)


def _learned_from(data: str, split: str, size: int | None, skip_bad: bool, cache: Path | None) -> Images:
    """The images, a folder's decoded while training goes on: into a kept file where a cache is named."""
    in_memory = GIBIBYTE if cache is None else 0
    found = load(data, split, size=size, skip_bad=skip_bad, cache=cache, in_memory=in_memory, at_once=False)
    return square(found, data)


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


def square(images: Images, name: str) -> Images:
    """The images, refused where they are not square: encoders and rotations need them so."""
    _, height, width = images.shape
    if height != width:
        raise InputError(
            f"{name}: images of {height} x {width}; make them square with --size {min(height, width)}"
        )
    return images


def _plain(name: Any) -> str:
    """A folder's name made of a data set's."""
    return re.sub(r"[^\w.-]+", "-", Path(str(name)).name or "data").strip("-.") or "data"
