"""Every method of the catalogue at every kind of data that it takes, as small as the laws need."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Generator, Tensor

from mutua import runs
from mutua.data.kinds import KINDS
from mutua.encoders import ENCODERS
from mutua.methods import METHODS
from mutua.objectives.batches import length, part
from mutua.types import Batch, Method, Spec, parted

PAIRS = [(name, kind) for name, published in METHODS.items() for kind in sorted(published.takes)]
"""(Method, kind of data)."""

OWN = {"cpc", "colorization", "correspondence", "arrow"}
"""Methods that learn with encoders made for them alone."""

SPECS = {kind: KINDS[kind].small for _, kind in PAIRS} | {
    "text": Spec("text", (6, 8), "int32", masked=True, words=24)  # sentences, which methods of texts take
}


def spec_of(name: str, kind: str) -> Spec:
    """What a method's examples of a kind are, as small as the laws need."""
    if name == "correspondence":
        return replace(SPECS[kind], sound=4000.0)
    return SPECS[kind]


def composed(name: str, kind: str = "image", spec: Spec | None = None, seed: int = 0, **settings: Any) -> Method:
    """The method with its small settings, around its own encoder where it needs that, else the first of the
    kind."""
    kind = spec.kind if spec else kind
    first = next(each for each, network in ENCODERS.items() if kind in network.takes)
    encoder = METHODS[name].encoder[kind] if name in OWN else first
    return runs.compose(
        runs.Recipe(name, encoder, spec or spec_of(name, kind), {**METHODS[name].small, **settings}, seed)
    )


def sample(spec: Spec, n: int, generator: Generator | None = None) -> Batch:
    """n examples of a spec."""
    return KINDS[spec.kind].sample(spec, n, generator or Generator().manual_seed(4))


def precise(batch: Batch) -> Batch:
    """The examples in double precision, whole numbers as shares of their range."""
    x, mask = parted(batch)
    if x.dtype == torch.int32:  # numbers of words
        return batch
    if isinstance(batch, dict) and "sound" in batch:
        return {**batch, "x": x.double() / 255, "sound": batch["sound"].double()}
    full = {torch.uint8: 255.0, torch.int16: 32768.0}.get(x.dtype, 1.0)
    return x.double() / full if mask is None else {"x": x.double() / full, "mask": mask}


class Held:
    """Rows of a batch."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def __len__(self) -> int:
        return length(self.batch)

    def take(self, index: Tensor) -> Batch:
        return part(self.batch, index)
