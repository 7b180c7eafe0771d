"""What every method with a decoder shares: codes, the way back to pixels, and what a page shows of both."""

from __future__ import annotations

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from mutua.encoders import Staged, Wrapped, decoder
from mutua.encoders.inputs import prepared
from mutua.kernels.devices.copies import to_device
from mutua.objectives import Pixels
from mutua.ranks import mine, world
from mutua.types import Batch, InputError, Method, wide

__all__ = ["Autoencoder", "mirror"]


def mirror(encoder: Staged | Wrapped, latent: int, width: int) -> nn.Module:
    """A decoder from `latent` numbers to the images that the encoder takes.

    Raises `InputError` where it takes no images: there is no way back from vectors to those yet.
    """
    if encoder.spec.kind != "image":
        raise InputError(
            f"encoder: {type(encoder).__name__} takes {encoder.spec.kind}, and a decoder mirrors encoders of "
            "images alone; give one of those, such as dim32"
        )
    return decoder((latent,), encoder.spec.shape, width=width)


class Autoencoder(Method):
    """x -> code -> x again. A subclass says in `step` what is wanted of the two.

        code = encoder(x), or a linear map of it where `latent` is another number than its width

    Args:
        encoder: the network that is kept; what `encode` gives is its output, whatever the code is.
        latent: numbers of a code; None for as many as the encoder gives.
        pixels: what a pixel is to the decoder.
        width: channels of the decoder's last hidden layer.
    """

    of_weights: ClassVar[bool] = True
    heading: ClassVar[str] = "Examples and what the decoder makes of codes"
    caption: ClassVar[str] = (
        "Each row: an example, the decoder's image of its code, of the point halfway to the next example's code, "
        "and of a draw from the prior."
    )

    def __init__(self, encoder: Staged | Wrapped, latent: int | None, pixels: Pixels, width: int) -> None:
        super().__init__()
        if latent is not None and latent < 1:
            raise InputError(f"latent: {latent} numbers hold nothing; give 1 or more")
        if width < 1:
            raise InputError(f"width: {width} channels of the decoder; give 1 or more")
        self.encoder = encoder
        self.latent = latent or encoder.width
        self.code: nn.Module = nn.Identity() if latent is None else nn.Linear(encoder.width, latent)
        self.decoder = mirror(encoder, self.latent, width)
        self.pixels = pixels

    # --- parts of a step ---

    def images(self, batch: Batch) -> Float[Tensor, "n c h w"]:
        """The examples as pixels in the decoder's range."""
        examples, _ = self.encoder.check(batch)
        return self.pixels.of(prepared(examples, self.encoder.spec))

    def codes(self, batch: Batch) -> Float[Tensor, "n k"]:
        """The code of each example, without noise."""
        return self.code(self.encoder(batch).flatten(1))

    def prior(self, n: int, generator: Generator) -> Float[Tensor, "n k"]:
        """n codes as they are wanted: standard normal. Drawn on the CPU."""
        return torch.randn(n, self.latent, generator=generator)

    def drawn(self, like: Float[Tensor, "n k"], generator: Generator) -> Float[Tensor, "n k"]:
        """`prior` for this rank's examples, where `like` lies."""
        noise = mine(self.prior(len(like) * world(), generator))
        return to_device(noise, like.device).to(wide(like).dtype)

    def squared_error(self, x: Tensor, raw: Tensor) -> Float[Tensor, ""]:
        """Mean over examples of the sum over pixels, in the decoder's range; without gradient."""
        return (wide(x) - self.pixels.mean(raw.detach())).square().flatten(1).sum(1).mean()

    # --- what comes of it ---

    @torch.no_grad()
    def reconstruct(self, batch: Batch) -> Float[Tensor, "n c h w"]:
        """The decoder's image of each example's code, in [0, 1]."""
        return self.pixels.shown(self.decoder(self.codes(batch)))

    @torch.no_grad()
    def sample(self, n: int, generator: Generator) -> Float[Tensor, "n c h w"]:
        """The decoder's images of n draws from the prior, in [0, 1]."""
        device = next(self.decoder.parameters()).device
        return self.pixels.shown(self.decoder(self.prior(n, generator).to(device)))

    @torch.no_grad()
    def interpolate(self, batch: Batch, others: Batch, share: float = 0.5) -> Float[Tensor, "n c h w"]:
        """The decoder's image of the point that divides each two examples' codes, in [0, 1]."""
        return self.pixels.shown(self.decoder(torch.lerp(self.codes(batch), self.codes(others), share)))

    def shown(self, batch: Batch, generator: Generator) -> dict[str, Batch]:
        """The examples, and what the decoder makes of them, between them, and of draws from the prior."""
        mode = self.training
        self.eval()
        found = {
            "reconstruction": self.reconstruct(batch),
            "halfway to the next": self.interpolate(batch, batch.roll(-1, 0)),
            "sample": self.sample(len(batch), generator),
        }
        self.train(mode)
        return {"original": batch, **{name: (255 * x).round().to(torch.uint8) for name, x in found.items()}}

    def encode(self, x: Batch) -> Tensor:
        return self.encoder(x).flatten(1)
