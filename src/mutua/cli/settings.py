"""Command-line arguments made of a method's function, its published plan, and what every training takes."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import docstring_parser
import tyro

from mutua.data import Reading
from mutua.methods import METHODS, Published
from mutua.training import Plan

__all__ = ["Chosen", "arguments", "chosen"]


@dataclasses.dataclass(frozen=True)
class Chosen:
    """What a command line of `mutua train METHOD` says."""

    method: str
    settings: Mapping[str, Any]
    plan: Plan
    data: str
    out: Path | None
    encoder: str | None
    split: str
    reading: Reading
    skip_bad: bool
    cache: Path | None
    tensorboard: bool
    json: bool


_COMMON: dict[str, tuple[Any, Any, str]] = {
    "data": (
        str,
        dataclasses.MISSING,
        "Name of a data set (`mutua data`), or a folder or file of images, recordings, series or rows.",
    ),
    "out": (Path | None, None, "Folder of the run; runs/METHOD-DATA by default."),
    "encoder": (str | None, None, "Name of the network (`mutua methods` lists them), timm:NAME or hf:NAME."),
    "split": (str, "train", "Part of the data to learn from: train, test or all."),
    "reading": (Reading, Reading(), ""),
    "skip_bad": (bool, False, "Leave out files that cannot be read, and count them."),
    "cache": (
        Path | None,
        None,
        "Folder to keep a folder's decoded images in, memory-mapped, for the next run; without it they stay in "
        "memory, beyond a gibibyte in the platform's cache.",
    ),
    "tensorboard": (bool, False, "Write TensorBoard's files too."),
    "json": (bool, False, "Print JSON instead of words."),
}


def _helps(thing: Any) -> dict[str, str]:
    parsed = docstring_parser.parse(inspect.getdoc(thing) or "")
    found: dict[str, str] = {}
    for param in parsed.params:
        for name in param.arg_name.split(","):  # "alpha, beta: weights of the two"
            found[name.strip()] = " ".join((param.description or "").split())
    return found


def _field(name: str, kind: Any, default: Any, words: str) -> tuple[str, Any, Any]:
    if kind is Reading:  # its own docstring explains its fields
        return name, kind, dataclasses.field(default=default)
    annotated = Annotated[kind, tyro.conf.arg(help=words)]
    if default is dataclasses.MISSING:
        return name, annotated, dataclasses.field()
    return name, annotated, dataclasses.field(default=default)


def arguments(name: str, published: Published) -> type:
    """A dataclass whose fields are the arguments of `mutua train NAME`."""
    fields = []
    usual = " or ".join(f"{made} for {kind}" for kind, made in published.encoder.items())
    for key, (kind, default, words) in _COMMON.items():
        fields.append(_field(key, kind, default, f"{words} By default {usual}." if key == "encoder" else words))
    hints, helps = get_type_hints(published.compose), _helps(published.compose)
    for key, parameter in inspect.signature(published.compose).parameters.items():
        if parameter.default is not inspect.Parameter.empty:
            fields.append(_field(key, hints[key], parameter.default, helps[key]))
    hints, helps = get_type_hints(Plan), _helps(Plan)
    for one in dataclasses.fields(Plan):
        fields.append(_field(one.name, hints[one.name], getattr(published.plan, one.name), helps[one.name]))
    made = dataclasses.make_dataclass(f"Train_{name}", fields, frozen=True, kw_only=True)
    made.__doc__ = (inspect.getdoc(published.compose) or "").split("\n\nArgs:")[0]
    return made


def chosen(parsed: Any) -> Chosen:
    """What an instance of such a dataclass says; only settings that differ from the defaults are kept."""
    name = type(parsed).__name__.removeprefix("Train_")
    compose = METHODS[name].compose
    values = {one.name: getattr(parsed, one.name) for one in dataclasses.fields(parsed)}
    settings = {
        key: values[key]
        for key, parameter in inspect.signature(compose).parameters.items()
        if key in values and key != "encoder" and values[key] != parameter.default
    }
    plan = Plan(**{one.name: values[one.name] for one in dataclasses.fields(Plan)})
    return Chosen(method=name, settings=settings, plan=plan, **{key: values[key] for key in _COMMON})
