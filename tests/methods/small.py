"""Every method of the catalogue at every kind of data that it takes, as small as the laws need."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor

from mutua import runs
from mutua.data import KINDS
from mutua.methods import METHODS
from mutua.types import Batch, Method, Spec

SPECS = {name: kind.small for name, kind in KINDS.items()}
ENCODER = {"image": "dim32"}
"""Smaller than the usual one of the kind, which is taken elsewhere."""

PAIRS = [(name, kind) for name, published in METHODS.items() for kind in sorted(published.takes)]
"""(Method, kind of data), every one there is."""


def composed(name: str, kind: str = "image", spec: Spec | None = None, seed: int = 0, **settings: Any) -> Method:
    """The method with its small settings, around a small encoder of the kind."""
    encoder = ENCODER.get(kind, METHODS[name].encoder[kind])
    recipe = runs.Recipe(name, encoder, spec or SPECS[kind], {**METHODS[name].small, **settings}, seed)
    return runs.compose(recipe)


def sample(spec: Spec, n: int, generator: Generator | None = None) -> Batch:
    """n examples of a spec."""
    return KINDS[spec.kind].sample(spec, n, generator or Generator().manual_seed(4))


def in_double(batch: Tensor) -> Tensor:
    """Examples as floats in double precision: bytes over 255, 16 bits over 32,768."""
    return batch.double() / {torch.uint8: 255, torch.int16: 32768}.get(batch.dtype, 1)
