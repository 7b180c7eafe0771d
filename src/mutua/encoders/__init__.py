"""Networks that turn images into vectors, read at named depths."""

from __future__ import annotations

from collections.abc import Callable

from mutua.encoders.dim import dim32, dim64
from mutua.encoders.resnet import group_norm, resnet, resnet18, resnet34, resnet50
from mutua.encoders.staged import Staged, pixels
from mutua.encoders.wrapped import Wrapped, from_hf, from_timm
from mutua.types import InputError, names

__all__ = [
    "ENCODERS",
    "Staged",
    "Wrapped",
    "build",
    "dim32",
    "dim64",
    "from_hf",
    "from_timm",
    "group_norm",
    "pixels",
    "resnet",
    "resnet18",
    "resnet34",
    "resnet50",
]

ENCODERS: dict[str, Callable[[int, int], Staged]] = {
    "dim32": dim32,
    "dim64": dim64,
    "resnet18": resnet18,
    "resnet34": resnet34,
    "resnet50": resnet50,
    "resnet18-groupnorm": lambda channels, size: resnet18(channels, size, norm=group_norm),
}

_FOREIGN: dict[str, Callable[[str, int, int], Wrapped]] = {"timm": from_timm, "hf": from_hf}


def build(name: str, channels: int, size: int) -> Staged | Wrapped:
    """An encoder by name: one of `ENCODERS`, `timm:NAME` or `hf:NAME`."""
    family, colon, rest = name.partition(":")
    if colon and family in _FOREIGN:
        return _FOREIGN[family](rest, channels, size)
    if name not in ENCODERS:
        raise InputError(f"encoder: {name!r} is none of {names(ENCODERS)}, timm:NAME, hf:NAME")
    return ENCODERS[name](channels, size)
