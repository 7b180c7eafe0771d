"""What a method was made of, as plain values: enough to make it again."""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Mapping
from dataclasses import InitVar, asdict, dataclass, field
from typing import Any

import torch
from torch import nn

from mutua import encoders
from mutua.data import KINDS
from mutua.encoders import image_spec
from mutua.methods import METHODS
from mutua.types import InputError, Method, Spec, names

__all__ = ["CUSTOM", "FORMAT", "Recipe", "bare", "check_fit", "compose", "defaults", "network"]

CUSTOM = "custom"
"""The encoder's name in the recipe of a run that trained a module of the user's own."""

FORMAT = 2
"""Raised when recipes are written otherwise. 1 had the channels and size of square images instead of a spec."""

_NO_SPEC = Spec("image", (1, 1, 1), "uint8")
_TYPES = {"method": str, "encoder": str, "spec": dict, "settings": dict, "seed": int}


@dataclass(frozen=True)
class Recipe:
    """A method by name, its settings, its encoder by name, and what one example is.

    `settings` holds only what differs from the defaults of the method's function: signatures are the only source
    of defaults. `seed` is that of the weights it starts from.

    `channels` and `size`, of square images, are how a spec was given before there were other kinds; they go with
    version 0.2, and warn.
    """

    method: str
    encoder: str
    spec: Spec = _NO_SPEC
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    channels: InitVar[int | None] = None
    size: InitVar[int | None] = None

    def __post_init__(self, channels: int | None, size: int | None) -> None:
        if channels is not None and size is not None and self.spec is _NO_SPEC:
            warnings.warn(
                f"Recipe: channels and size are a spec now: spec=encoders.image_spec({channels}, {size})",
                DeprecationWarning,
                stacklevel=3,
            )
            object.__setattr__(self, "spec", image_spec(channels, size))
        elif self.spec is _NO_SPEC or channels is not None or size is not None:
            raise InputError("spec: none, or channels and size beside it; give what one example is, as a Spec")

    def plain(self) -> dict[str, Any]:
        """As plain values, with the number of their format."""
        return {"format": FORMAT, **asdict(self)}

    def text(self) -> str:
        """As JSON."""
        return json.dumps(self.plain(), sort_keys=True)

    @staticmethod
    def read(text: str, where: str) -> Recipe:
        """From JSON; `where` is named in the `InputError` for text that is no recipe, or of a newer format."""
        try:
            content = json.loads(text)
            number = content.pop("format", 1)
            if isinstance(number, int) and number > FORMAT:
                raise InputError(
                    f"{where}: is of format {number}, and this version reads up to {FORMAT}; update mutua"
                )
            if number == 1:
                channels, size = content.pop("channels"), content.pop("size")
                if not (isinstance(channels, int) and isinstance(size, int)):
                    raise TypeError(f"channels and size are {channels!r} and {size!r}")
                content["spec"] = asdict(image_spec(channels, size))
            for name, kind in _TYPES.items():
                if not isinstance(content.get(name, kind()), kind):
                    raise TypeError(f"{name} is {content[name]!r}")
            spec = content["spec"]
            return Recipe(**{**content, "spec": Spec(**{**spec, "shape": tuple(spec["shape"])})})
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            if isinstance(error, InputError) and "is of format" in str(error):
                raise
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
    published = METHODS[recipe.method]
    if recipe.spec.kind not in published.takes:
        others = [name for name, other in METHODS.items() if recipe.spec.kind in other.takes]
        mend = f"use {names(others)}" if others else "no method does yet"
        raise InputError(
            f"method: {recipe.method} takes {names(published.takes)}, and the data are {recipe.spec.kind}; {mend}"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return published.compose(network(recipe, encoder), **recipe.settings)


def network(recipe: Recipe, encoder: nn.Module | None = None) -> nn.Module:
    """The encoder of a recipe: the one given, or one built by its name; around it what reads whole examples where
    the method learns from tiles of them."""
    within = METHODS[recipe.method].within

    def make(spec: Spec) -> encoders.Readable:
        if encoder is None:
            return encoders.build(recipe.encoder, spec)
        return encoder if isinstance(encoder, encoders.Readable) else encoders.Wrapped(encoder, spec)

    if recipe.encoder == CUSTOM and encoder is None:
        raise InputError("encoder: the run trained a module of your own; hand it back, as load(run, encoder=net)")
    if isinstance(encoder, encoders.Tiled) or (encoder is not None and recipe.encoder != CUSTOM):
        return encoder
    if within is None:
        return make(recipe.spec)
    return within(make, recipe.spec, {**defaults(recipe.method), **recipe.settings})


def bare(network: nn.Module, recipe: Recipe) -> nn.Module:
    """The network whose weights are kept: without what reads whole examples by tiles, a user's own as it was."""
    inner = network.encoder if isinstance(network, encoders.Tiled) else network
    return inner.module if recipe.encoder == CUSTOM and isinstance(inner, encoders.Wrapped) else inner


def check_fit(recipe: Recipe, examples: Any, name: str) -> None:
    """Raise `InputError` where the examples are not what the recipe is for."""
    want, seen = recipe.spec, _spec_of(examples, name)
    if want.kind != seen.kind:
        raise InputError(
            f"{name}: the run takes {KINDS[want.kind].plural}, and these are {KINDS[seen.kind].plural}; give data "
            "of its kind"
        )
    if (want.shape, want.rate, want.sound, want.words) != (seen.shape, seen.rate, seen.sound, seen.words):
        said = KINDS[want.kind].reading(want).said().items()
        options = " ".join(f"--{option} {value}" for option, value in said if option != "kind")
        raise InputError(f"{name}: {seen} where the run takes {want}; read the data with {options}")


def _spec_of(examples: Any, name: str) -> Spec:
    """What one of the examples is; of rows of a user's own that say their shape alone, images."""
    found = getattr(examples, "spec", None)
    if isinstance(found, Spec):
        return found
    shape = getattr(examples, "shape", ())
    if len(shape) != 4:
        raise InputError(f"{name}: {type(examples).__name__} doesn't say what one example is; give it a spec")
    return Spec("image", tuple(shape[1:]), "uint8")
