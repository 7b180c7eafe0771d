"""Learning by restoring: part of an example is hidden or spoiled, and what it was is to be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from mutua.encoders import Staged, Standardise, Wrapped, evaluating
from mutua.encoders.inputs import prepared
from mutua.kernels.devices.copies import to_device
from mutua.objectives.siamese import drawn_of, viewed
from mutua.types import Batch, Method, Step, wide
from mutua.views import Transform, as_dtype, as_float

__all__ = ["Reconstructive", "square_error"]


def square_error(
    made: Float[Tensor, "n ..."], target: Float[Tensor, "n ..."], weight: Float[Tensor, "n ..."]
) -> Float[Tensor, " n"]:
    """sum_j w_j (made_j - target_j)^2 / sum_j w_j of each example, in float32 at least; 0 where all w are 0."""
    weight = weight.expand_as(target)
    square = (wide(made) - target).square() * weight
    return square.flatten(1).sum(1) / weight.flatten(1).sum(1).clamp(min=torch.finfo(weight.dtype).tiny)


class Reconstructive(Method):
    """Mean squared error of what the decoder makes of a spoiled example.

        loss = mean_i sum_j w_ij (decode(encode(spoil(x_i)))_j - t(x_i)_j)^2 / sum_j w_ij

    t are pixels in [-1, 1], or standardised columns. Every example counts alike, whatever part of it is hidden, so
    the loss of several ranks is the mean of theirs. Logged is `explained`, in percent: 1 - error / error of what
    the encoder was shown (the mean of the visible pixels where pixels are hidden, the noise where it is noisy).

    Args:
        encoder: of images or rows; what is kept.
        decoder: its features at `depth` to an example.
        corruption: spoils examples; where it draws `hidden`, the parts that it hid.
        depth: of the encoder, which is decoded.
        only_hidden: whether w is 1 on hidden parts and 0 elsewhere, or 1 everywhere. A missing column has none.
    """

    of_weights = True
    heading = "What was hidden or spoiled, and what was made of it"
    caption = "Each row is one example: as it is, as the encoder was shown it, and what it then was taken for."
    names: ClassVar[tuple[str, str]] = ("spoiled", "restored")
    """What a page calls what the encoder saw, and what was made of it."""

    def __init__(
        self,
        encoder: Staged | Wrapped,
        decoder: nn.Module,
        corruption: Transform,
        *,
        depth: str,
        only_hidden: bool,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.corruption = corruption
        self.depth = depth
        self.only_hidden = only_hidden
        columns = encoder.spec.shape[0] if encoder.spec.kind == "table" else 0
        self.columns = Standardise(columns, axis=1) if columns else None

    def target(self, batch: Batch) -> Float[Tensor, "n ..."]:
        """What is to be told of whole examples."""
        return prepared(batch, self.encoder.spec) if self.columns is None else self.columns(batch)

    def restored(self, target: Float[Tensor, "n ..."], batch: Batch) -> Batch:
        """What was told, as examples like those of the batch."""
        if self.columns is not None:
            return target * self.columns.scale + self.columns.mean
        return as_dtype(((target + 1) / 2).clamp(0, 1), batch.dtype)

    def start(self, seen: Batch, target: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        """What one tells who has learned nothing, and takes what is shown for what was."""
        return self.target(seen)

    def draw(self, batch: Batch, generator: Generator) -> dict[str, Any]:
        """What is spoiled of this rank's examples."""
        return drawn_of(self.corruption, batch, generator)

    def spoil(self, batch: Batch, drawn: Mapping[str, Any]) -> Batch:
        """What the encoder is shown."""
        if self.columns is None:
            return viewed(self.corruption, batch if "hidden" in drawn else as_float(batch), drawn)
        spoiled = self.restored(viewed(self.corruption, self.columns(batch), drawn), batch)
        return torch.where(batch.isnan(), batch, spoiled)

    def weight(self, batch: Batch, drawn: Mapping[str, Any]) -> Float[Tensor, "n ..."]:
        """How much each number of the target counts; its shape is that of the target, or broadcasts to it."""
        if self.only_hidden:
            hidden = to_device(drawn["hidden"], batch.device)[:, None]  # (n, 1, h, w)
            return hidden.to(torch.float64 if batch.dtype == torch.float64 else torch.float32)
        if self.columns is not None:
            return (~batch.isnan()).to(batch.dtype)
        return torch.ones_like(as_float(batch))

    def made(self, batch: Batch, seen: Batch, drawn: Mapping[str, Any]) -> Float[Tensor, "n ..."]:
        """What is told of the examples, from what is seen of them."""
        return self.decoder(self.encoder.read(seen, (self.depth,))[self.depth])

    def step(self, batch: Batch, generator: Generator) -> Step:
        drawn = self.draw(batch, generator)
        seen = self.spoil(batch, drawn)
        return self.judge(self.made(batch, seen, drawn), batch, seen, self.weight(batch, drawn))

    def judge(self, made: Tensor, batch: Batch, seen: Batch, weight: Tensor) -> Step:
        """The loss of what was made."""
        target = self.target(batch)
        error = square_error(made, target, weight).mean()
        start = square_error(self.start(seen, target), target, weight).mean()
        return Step(error, {"explained": 100 * (1 - error.detach() / start.clamp(min=1e-12))})

    @torch.no_grad()
    def shown(self, batch: Batch, generator: Generator) -> dict[str, Batch]:
        with evaluating(self):
            drawn = self.draw(batch, generator)
            seen = self.spoil(batch, drawn)
            made = self.restored(self.made(batch, seen, drawn), batch)
        if self.only_hidden:
            made = torch.where(self.weight(batch, drawn) > 0, made, batch)
        first, second = self.names
        return {"original": batch, first: seen, second: made}

    def encode(self, x: Batch) -> Tensor:
        return self.encoder(x).flatten(1)
