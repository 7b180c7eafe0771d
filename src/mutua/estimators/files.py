"""Fitted estimators in files: tensors as safetensors, settings as JSON in the header. No pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as packed

from mutua.data.store import reason, replacing
from mutua.types import InputError, Result, Table

__all__ = ["FORMAT", "misfit", "read_estimator", "result_of", "write_estimator"]

FORMAT = 2
"""Of files written here. Format 1 is release 0.1's, which is read too."""


def write_estimator(
    path: str | Path, kind: str, settings: Mapping[str, Any], tensors: Mapping[str, np.ndarray | torch.Tensor]
) -> None:
    """Write a fitted estimator of class `kind`: plain settings (None, bool, int, float, str, lists and dicts of
    them) and arrays. Whole or not at all.

    Raises `InputError` where a setting is no plain value, an array is of strings or objects, or the file can't be
    written.
    """
    path = Path(path)
    try:
        about = json.dumps({"format": FORMAT, "kind": kind, "settings": _plain(settings, "settings")})
    except ValueError as error:
        raise InputError(f"{path}: {reason(error)}") from None
    arrays = {}
    for name, value in tensors.items():
        array = np.asarray(value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value)
        if array.dtype.kind not in "biuf":
            raise InputError(f"{path}: {name} is of type {array.dtype}; keep numbers, and labels as settings")
        arrays[name] = np.ascontiguousarray(array).reshape(array.shape)
    try:
        with replacing(path) as file:
            file.write(packed(arrays, {"mutua": about}))
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({reason(error)}); choose another place") from error


def read_estimator(path: str | Path, kind: str) -> tuple[int, dict[str, Any], dict[str, np.ndarray]]:
    """The format, settings and arrays that `write_estimator` wrote for the class `kind`.

    Raises `InputError` naming the file: not there, cut short, of something else, of another class or version.
    """
    path = Path(path)
    try:
        with safe_open(path, framework="np") as file:
            about = json.loads((file.metadata() or {})["mutua"])
            version, found, settings = about["format"], about["kind"], dict(about["settings"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; give the path that save() wrote") from None
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path}: cut short, or no estimator of mutua ({reason(error)}); save it again") from None
    if version not in range(1, FORMAT + 1):
        raise InputError(f"{path}: has format {version} and 1 to {FORMAT} are read here; use the version it is of")
    if found != kind:
        raise InputError(f"{path}: holds a {found}, not a {kind}; use {found}.load")
    return version, settings, arrays


def misfit(path: str | Path, error: Exception) -> InputError:
    """What to raise where the parts of a file were read but make no estimator: of another shape, or missing."""
    seen = f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())[:120]
    return InputError(f"{path}: its parts don't fit together ({seen or type(error).__name__}); save it again")


def result_of(told: Mapping[str, Any]) -> Result:
    """A result of its `asdict`, as a file has it."""
    return Result(**{**told, "tables": [Table(**table) for table in told["tables"]]})


def _plain(value: Any, name: str) -> Any:
    """The value as JSON holds it: NumPy's scalars and tuples become Python's own."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return _plain(value.item(), name)
    if isinstance(value, np.ndarray):
        return _plain(value.tolist(), name)
    if isinstance(value, Mapping):
        return {str(key): _plain(one, f"{name}[{key!r}]") for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one, f"{name}[{i}]") for i, one in enumerate(value)]
    raise ValueError(f"{name} is a {type(value).__name__}; only plain values can be kept")
