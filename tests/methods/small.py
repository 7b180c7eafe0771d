"""Every method of the catalogue at every kind of data that it takes, as small as the laws need."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator

from mutua import runs
from mutua.methods import METHODS
from mutua.types import Batch, Method, Spec

# To be KINDS[kind].small and the smallest encoder that takes the kind, once `data.KINDS` is there.
SPECS = {"image": Spec("image", (3, 16, 16), "uint8")}
ENCODER = {"image": "dim32"}

PAIRS = [(name, kind) for name, published in METHODS.items() for kind in sorted(published.takes & SPECS.keys())]
"""(Method, kind of data) for every kind whose default encoder is here: all kinds, once they are."""


def composed(name: str, kind: str = "image", spec: Spec | None = None, seed: int = 0, **settings: Any) -> Method:
    """The method with its small settings, around a small encoder of the kind."""
    spec = spec or SPECS[kind]
    recipe = runs.Recipe(
        name, ENCODER[kind], spec.shape[0], spec.shape[1], {**METHODS[name].small, **settings}, seed
    )
    return runs.compose(recipe)


def sample(spec: Spec, n: int, generator: Generator | None = None) -> Batch:
    """n examples of a spec. To be `KINDS[spec.kind].sample`."""
    generator = generator or Generator().manual_seed(4)
    return torch.randint(0, 256, (n, *spec.shape), dtype=torch.uint8, generator=generator)
