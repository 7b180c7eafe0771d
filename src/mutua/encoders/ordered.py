"""Encoders whose examples fall into pieces that have an order: frames, rows, cells of a grid, sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

from mutua.encoders.context import ContextName, context
from mutua.encoders.frames import Frames, Moments, Standardise
from mutua.encoders.sound import Blocks, halvings
from mutua.encoders.staged import Masking, Staged
from mutua.types import Batch, InputError, Spec

__all__ = ["Average", "Level", "Ordered", "Pieces", "rows_ahead", "wave_ahead"]


@dataclass(frozen=True)
class Pieces:
    """Pieces of n examples, t in order on each of `lines`, the context at each, and which are real (all, if
    None)."""

    z: Float[Tensor, "n lines t d"]
    c: Float[Tensor, "n lines t h"]
    mask: Bool[Tensor, "n t"] | None = None


class Ordered(Staged):
    """Pieces, their causal context, and one vector of all: depths pieces, context, pool.

    Args:
        pieces: a prepared batch to (n, d, t, *lines), each piece from a part of the input alone.
        context: of pieces, causal along t, to (n, h, t, *lines).
        pool: of what `pooled` names, to (n, width).
        spec: what one example is.
        field: steps of the input that a piece sees.
        hop: steps from the begin of a piece to that of the next.
        pooled: pieces, or context.
    """

    def __init__(
        self,
        pieces: Masking,
        context: Masking,
        pool: Masking,
        spec: Spec,
        field: int,
        hop: int,
        pooled: str = "context",
    ) -> None:
        self.field, self.hop, self.pooled = field, hop, pooled
        super().__init__({"pieces": pieces, "context": context, "pool": pool}, spec)

    @property
    def clean(self) -> int:
        """The first horizon k at which piece t + k has no step of the input in common with piece t:
        ceil(field / hop)."""
        return math.ceil(self.field / self.hop)

    @property
    def count(self) -> int:
        """Pieces in order that an example of the spec has."""
        return self.shapes["pieces"][1]

    def ahead(self, batch: Batch) -> Pieces:
        """The pieces of a batch, and their contexts."""
        read = self.read_masked(batch, ("pieces", "context"))
        (z, mask), (c, _) = read["pieces"], read["context"]
        return Pieces(in_lines(z), in_lines(c), mask)

    def read_masked(self, batch: Batch, depths: Sequence[str]) -> dict[str, tuple[Tensor, Tensor | None]]:
        found = super().read_masked(batch, tuple({*depths, self.pooled} - {"pool"})) if depths else {}
        if "pool" in depths:
            found["pool"] = self.passed("pool", *found[self.pooled])
        return {name: found[name] for name in depths}


def in_lines(x: Float[Tensor, "n d t *lines"]) -> Float[Tensor, "n l t d"]:
    """Each line's pieces in a row."""
    x = x.flatten(3) if x.ndim > 3 else x[..., None]  # (n, d, t, l)
    return x.permute(0, 3, 2, 1)


class Average(Masking):
    """Mean over all places: (n, d, ...) to (n, d), of examples without padding."""

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return x.flatten(2).mean(-1), mask


class Level(Masking):
    """Each recording over its root mean square, taken over what is real of all channels; silence stays silence.

    The level is taken as a property of the recording, as if its file had been scaled: no gradient goes through it.
    """

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        power = x.detach().square().mean(1)  # (n, t)
        real = power.shape[1] if mask is None else mask.sum(1, keepdim=True)
        power = power if mask is None else power * mask
        level = (power.sum(1, keepdim=True) / real).sqrt().clamp(min=1e-5)
        x = x / level[:, None]
        return (x if mask is None else x * mask[:, None]), mask


class _Rows(Masking):
    """Standardised columns (n, c, t), then two layers of `Frames` on each row by itself."""

    def __init__(self, columns: int, width: int) -> None:
        super().__init__()
        self.standardise = Standardise(columns, axis=2)
        self.layers = Frames(columns, width, (1, 1), (1, 1))

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return self.layers(self.standardise(x), mask)


def wave_ahead(spec: Spec, width: int = 64, units: int = 64, over: ContextName = "gru") -> Ordered:
    """Frames of raw samples, one every 10 ms, and their context: contrastive predictive coding's encoder.

    Depths: pieces (width maps), context (units maps), pool (2 units features: mean and deviation of the context).
    Convolutions of kernels 10, 8, 4, 4, 4 and strides 5, 4, 2, 2, 2 at 16 kHz, one fewer at 8 kHz; layer norm over
    channels, no batch norm; each recording is brought to one level first. The paper has width 512 and units 256.

    Paper: van den Oord, Li and Vinyals 2018, arXiv:1807.03748, section 3.1.
    """
    count = halvings(spec)
    frames = Frames(spec.shape[0], width, (10, 8, *[4] * count), (5, 4, *[2] * count))
    if spec.shape[1] < frames.field:
        raise InputError(
            f"length: {spec.shape[1]} samples, and this encoder sees {frames.field} at once; give longer"
        )
    return _with_context(Blocks(Level(), frames), width, units, over, spec, frames.field, frames.hop)


def rows_ahead(spec: Spec, width: int = 64, units: int = 64, over: ContextName = "gru") -> Ordered:
    """Rows of a series, each encoded by itself, and their context. Depths: pieces, context, pool.

    Paper: van den Oord, Li and Vinyals 2018, arXiv:1807.03748.
    """
    return _with_context(_Rows(spec.shape[1], width), width, units, over, spec, 1, 1)


def _with_context(
    pieces: Masking, width: int, units: int, over: ContextName, spec: Spec, field: int, hop: int
) -> Ordered:
    return Ordered(pieces, context(over, width, units), Moments(), spec, field, hop)
