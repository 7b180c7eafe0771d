"""The state of a training, saved whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mutua.data.store import replacing
from mutua.types import InputError

__all__ = ["NAME", "Checkpoint", "load", "save"]

NAME = "checkpoint.pt"
_FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """Everything that the rest of a training depends on.

    `step` steps are done. There is no random state: what is random in a step is a function of the seed and of
    the step's number. `about` says whose training it is.
    """

    step: int
    method: Mapping[str, Tensor]
    optimizer: Mapping[str, Any]
    average: Mapping[str, Tensor]
    scaler: Mapping[str, Any]
    about: Mapping[str, Any] = field(default_factory=dict)


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write the checkpoint beside `path`, then let it take its place. The old one survives a failure.

    Raises `InputError` naming the file where it cannot be written.
    """
    try:
        with replacing(path) as file:
            torch.save({"format": _FORMAT, **vars(checkpoint)}, file)
    except (OSError, RuntimeError) as error:  # torch turns a full disk into a RuntimeError
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:200]
        kept = "the checkpoint before it is kept" if path.exists() else "no checkpoint was made before it"
        raise InputError(f"{path}: cannot be written ({reason}); {kept}; free space and resume") from error


def load(
    path: Path, method: nn.Module, about: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
) -> Checkpoint:
    """Read a checkpoint that fits this method. What it doesn't say of itself, for it is older than that, it has
    from `defaults`.

    Raises `InputError` naming the file where it cannot be read, is of another method or data, or has weights of
    other shapes.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        version = state.pop("format")
        checkpoint = Checkpoint(**state)
        for name, value in vars(checkpoint).items():
            if not isinstance(value, int if name == "step" else Mapping):
                raise TypeError(f"{name} is a {type(value).__name__}")
    except FileNotFoundError:
        raise InputError(f"{path}: there is no checkpoint; train without resuming") from None
    except Exception as error:  # what torch raises on broken bytes is of many kinds
        reason = (" ".join(str(error).split()) or type(error).__name__)[:120]
        raise InputError(f"{path}: is no checkpoint of mutua ({reason}); remove it to start anew") from error
    if version != _FORMAT:
        raise InputError(f"{path}: has format {version} and {_FORMAT} is read here; use the version it is of")
    for name, mine in about.items():
        theirs = checkpoint.about.get(name, (defaults or {}).get(name))
        if name == "data":  # of examples that have a fingerprint, from the version on that writes it
            if theirs not in (None, mine):
                raise InputError(f"{path}: is of other data than these; resume with those it was trained on")
        elif theirs != mine:
            raise InputError(f"{path}: is of {name} {theirs!r}, not {mine!r}; resume with its settings")
    expected = method.state_dict()
    if missing := sorted(set(expected) ^ set(checkpoint.method)):
        raise InputError(f"{path}: is of another method or encoder ({missing[0]!r} differs); resume its own")
    for name, value in expected.items():
        if value.shape != checkpoint.method[name].shape:
            raise InputError(
                f"{path}: {name} has shape {tuple(checkpoint.method[name].shape)} there and "
                f"{tuple(value.shape)} here; resume with the same encoder and settings"
            )
    return checkpoint
