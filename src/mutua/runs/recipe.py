"""What a method was made of, as plain values: enough to make it again."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import nn

from mutua import encoders
from mutua.methods import METHODS
from mutua.types import InputError, Method, names

__all__ = ["CUSTOM", "Recipe", "compose", "defaults"]

CUSTOM = "custom"
"""The encoder's name in the recipe of a run that trained a module of the user's own."""

_KINDS = {"method": str, "encoder": str, "channels": int, "size": int, "settings": dict, "seed": int}


@dataclass(frozen=True)
class Recipe:
    """A method by name, its settings, its encoder by name, and the images it takes.

    `settings` holds only what differs from the defaults of the method's function: signatures are the only source
    of defaults. `seed` is that of the weights it starts from.
    """

    method: str
    encoder: str
    channels: int
    size: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def read(text: str, where: str) -> Recipe:
        """From JSON; `where` is named in the `InputError` for text that is no recipe."""
        try:
            content = json.loads(text)
            for name, kind in _KINDS.items():
                if not isinstance(content.get(name, kind()), kind):
                    raise TypeError(f"{name} is {content[name]!r}")
            return Recipe(**content)
        except (ValueError, TypeError, AttributeError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{where}: holds no recipe of mutua ({reason}); it is of another program") from error


def defaults(method: str) -> dict[str, Any]:
    """The settings of a method's function and their defaults."""
    if method not in METHODS:
        raise InputError(f"method: {method!r} is none of {names(METHODS)}")
    parameters = inspect.signature(METHODS[method].compose).parameters
    return {name: p.default for name, p in parameters.items() if p.default is not inspect.Parameter.empty}


def compose(recipe: Recipe, encoder: nn.Module | None = None) -> Method:
    """The method of a recipe, with fresh weights of its seed, around `encoder` or one built by its name."""
    known = defaults(recipe.method)
    if unknown := set(recipe.settings) - set(known):
        raise InputError(f"settings: {recipe.method} has no {names(unknown)}; it has {', '.join(known)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return METHODS[recipe.method].compose(network(recipe, encoder), **recipe.settings)


def network(recipe: Recipe, encoder: nn.Module | None = None) -> nn.Module:
    """The encoder of a recipe: the one given, or one built by its name."""
    if recipe.encoder != CUSTOM:
        return encoders.build(recipe.encoder, recipe.channels, recipe.size) if encoder is None else encoder
    if encoder is None:
        raise InputError("encoder: the run trained a module of your own; hand it back, as load(run, encoder=net)")
    if isinstance(encoder, (encoders.Staged, encoders.Wrapped)):
        return encoder
    return encoders.Wrapped(encoder, recipe.channels, recipe.size)
