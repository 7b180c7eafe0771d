"""A run's folder: what was done, how it went, and the encoder that came of it.

config.json           recipe, plan, data, versions
metrics.csv           a row every few steps
examples.json         marks and names of the examples it learned from
checkpoint.pt         the state of the training, to resume from
encoder.safetensors   the weights, and the recipe to rebuild the network
evaluation.json       tables of `mutua evaluate`
report.html           the page
"""

from __future__ import annotations

import json
import platform
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lightning_fabric.loggers.logger import Logger
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from mutua import encoders
from mutua.data import Examples
from mutua.data.fingerprints import Recorded, difference, fingerprint_of
from mutua.data.store import replacing
from mutua.ranks import rank
from mutua.runs.recipe import CUSTOM, Recipe, check_fit, compose, network
from mutua.training import Plan, fit
from mutua.training.checkpoint import load as load_checkpoint
from mutua.types import InputError, Method

__all__ = [
    "CHECKPOINT",
    "CONFIG",
    "ENCODER",
    "EVALUATION",
    "REPORT",
    "config",
    "keep",
    "learned_from",
    "load",
    "method_of",
    "plan_of",
    "recipe_in",
    "recipe_of",
    "train",
    "write",
]

EXAMPLES = "examples.json"
CONFIG, ENCODER, EVALUATION, REPORT = "config.json", "encoder.safetensors", "evaluation.json", "report.html"
CHECKPOINT = "checkpoint.pt"


def write(path: Path, content: bytes | str) -> None:
    """Write a file whole or not at all. Raises `InputError` naming it where it cannot be written."""
    try:
        with replacing(path) as file:
            file.write(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); free space, or write elsewhere"
        ) from error


def train(
    recipe: Recipe,
    examples: Examples,
    plan: Plan,
    folder: Path | str,
    *,
    encoder: nn.Module | None = None,
    data: Mapping[str, Any] | None = None,
    resume: bool = False,
    loggers: Sequence[Logger] = (),
    progress: bool = False,
) -> Method:
    """Train the method of a recipe and keep it in a folder.

    Args:
        recipe: what to train.
        examples: to learn from; their labels are not looked at.
        plan: how.
        folder: made where it is missing. A finished run in it is not overwritten.
        encoder: a module of the user's own, where the recipe's encoder is "custom".
        data: how `examples` were loaded, to be recorded, so that an evaluation finds them again.
        resume: go on from the folder's checkpoint. Other examples than those it was made with are refused, and
            what changed is named; a warning says where that can't be told.
        loggers, progress: see `mutua.training.fit`.

    Raises:
        InputError: a run in the way, another run's checkpoint, and whatever `fit` raises.
    """
    folder = Path(folder)
    check_fit(recipe, examples, "data")
    if resume:
        found = recipe_in(folder)
        if found.text() != recipe.text():
            raise InputError(f"{folder}: is a run of another recipe ({found.text()}); resume it with its own")
        _check_same(folder, examples)
    elif rank() == 0 and any((folder / name).exists() for name in (CHECKPOINT, ENCODER)):
        raise InputError(f"{folder}: there is a run in it already; name another folder, or resume it")
    method = compose(recipe, encoder)
    if rank() == 0 and not resume:
        recorded = Recorded.of(examples)
        write(folder / CONFIG, _config(recipe, plan, examples, data or {}, recorded))
        if recorded is not None:
            write(folder / EXAMPLES, recorded.text())
    fit(method, examples, plan, folder=folder, resume=resume, loggers=loggers, progress=progress)
    if rank() == 0:
        keep(folder / ENCODER, method, recipe)
    return method


def keep(path: Path, method: Method, recipe: Recipe) -> None:
    """Write the encoder's weights as safetensors, with the recipe to rebuild it from."""
    module = method.get_submodule("encoder")
    if recipe.encoder == CUSTOM and isinstance(module, encoders.Wrapped):
        module = module.module
    weights = {name: value.detach().cpu().contiguous().clone() for name, value in module.state_dict().items()}
    write(path, save(weights, {"mutua": recipe.text()}))


def learned_from(folder: Path) -> Recorded | None:
    """The examples that a run learned from; None where it doesn't say, as those of earlier versions."""
    path = folder / EXAMPLES
    try:
        return Recorded.read(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); remove it, and examples are not compared") from error


def _check_same(folder: Path, examples: Examples) -> None:
    """Raise `InputError` where a run learned from other examples than these."""
    before, now = learned_from(folder), Recorded.of(examples)
    if now is None:
        return
    if before is None:
        message = f"{folder}: does not say which data it learned from; whether they are the same is not checked"
        warnings.warn(message, stacklevel=3)
    elif changed := difference(before, now):
        mend = "resume with the data it was trained on, or train anew in another folder"
        raise InputError(f"{folder}: its data have changed, {changed}; {mend}")


def _config(
    recipe: Recipe, plan: Plan, examples: Examples, data: Mapping[str, Any], recorded: Recorded | None
) -> str:
    versions = {name: version(name) for name in ("mutua", "torch", "numpy")}
    content = {
        "recipe": recipe.plain(),
        "plan": asdict(plan),
        "data": {
            **data,
            "source": examples.source,
            "examples": len(examples),
            "fingerprint": None if recorded is None else fingerprint_of(recorded.marks),
        },
        "versions": {**versions, "python": platform.python_version()},
    }
    return json.dumps(content, indent=2) + "\n"


def config(folder: Path | str) -> dict[str, Any]:
    """The content of a run's config.json."""
    path = Path(folder) / CONFIG
    if not Path(folder).is_dir():
        raise InputError(f"{folder}: no such run; `mutua train` makes one")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{folder}: is no run, it has no {CONFIG}; name a folder that `mutua train` made"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); train again in another folder") from error
    parts = ("recipe", "plan", "data")
    if not isinstance(content, dict) or not all(isinstance(content.get(part), dict) for part in parts):
        raise InputError(f"{path}: is no config of mutua; name a folder that `mutua train` made")
    return content


def plan_of(folder: Path | str) -> Plan:
    """The plan of a run's folder."""
    try:
        return Plan(**config(folder)["plan"])
    except TypeError as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{Path(folder) / CONFIG}: holds no plan of mutua ({reason}); use the version that made it"
        ) from error


def recipe_of(run: Path | str) -> Recipe:
    """The recipe of a run's folder, or of an encoder's file."""
    path = _weights(Path(run))
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path}: cannot be read as safetensors ({error}); train again, or fetch it again"
        ) from error
    if "mutua" not in metadata:
        raise InputError(f"{path}: was not made by mutua, it holds no recipe; load it with safetensors itself")
    return Recipe.read(metadata["mutua"], str(path))


def load(run: Path | str, encoder: nn.Module | None = None) -> nn.Module:
    """The trained encoder of a run: a batch of the kind it learned from to vectors (n, d); in eval mode.

    Args:
        run: the run's folder, or its encoder.safetensors.
        encoder: the module to put the weights in, where the run trained one of the user's own.

    Raises `InputError` naming the file where there is none, it is not whole, or its weights have other shapes.

    >>> import mutua
    >>> mutua.load("runs/none")
    Traceback (most recent call last):
    ...
    mutua.types.InputError: runs/none: no such run; `mutua train` makes one
    """
    path = _weights(Path(run))
    recipe = recipe_of(path)
    built = network(recipe, encoder)
    target = built.module if recipe.encoder == CUSTOM and isinstance(built, encoders.Wrapped) else built
    with safe_open(path, "pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    expected = target.state_dict()
    if differ := sorted(set(expected) ^ set(weights)):
        raise InputError(f"{path}: is of another network ({differ[0]!r} differs); load it into its own")
    for name, value in expected.items():
        if value.shape != weights[name].shape:
            there, here = tuple(weights[name].shape), tuple(value.shape)
            raise InputError(
                f"{path}: {name} has shape {there} there and {here} here; load it into its own network"
            )
    target.load_state_dict(weights)
    return built.eval()


def method_of(run: Path | str, examples: int, encoder: nn.Module | None = None) -> Method:
    """The whole method of a run as its checkpoint has it, decoders and discriminators too; in eval mode.

    Args:
        run: the run's folder.
        examples: how many it learned from.
        encoder: the module to put the weights in, where the run trained one of the user's own.

    A training that averaged its weights has those of its last step here, not their average.
    Raises `InputError` where there is no checkpoint, or it doesn't fit.
    """
    run = Path(run)
    method = compose(recipe_in(run), encoder)
    method.learns_from(examples)
    method.load_state_dict(dict(load_checkpoint(run / CHECKPOINT, method, {}).method))
    return method.eval()


def recipe_in(run: Path) -> Recipe:
    """The recipe that a run's folder says it trains, finished or not."""
    return Recipe.read(json.dumps(config(run)["recipe"]), str(run / CONFIG))


def _weights(run: Path) -> Path:
    if run.is_file():
        return run
    if not run.is_dir():
        raise InputError(f"{run}: no such run; `mutua train` makes one")
    path = run / ENCODER
    if path.exists():
        return path
    if (run / CHECKPOINT).exists():
        raise InputError(f"{run}: its training has not finished; go on with `mutua resume {run}`")
    raise InputError(f"{run}: has no {ENCODER}; train it first, with `mutua train`")
