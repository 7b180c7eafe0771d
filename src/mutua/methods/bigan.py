"""BiGAN: a generator and an encoder learn each other's inverse from a discriminator of pairs."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from mutua.encoders import Staged, Wrapped
from mutua.methods.arguments import at_least
from mutua.methods.autoencoder import Autoencoder
from mutua.objectives import Pixels
from mutua.objectives.adversary import Adversary, Watch
from mutua.objectives.best_part import BestPart
from mutua.ranks import gather, total, world
from mutua.types import Batch, Step

__all__ = ["BiGAN", "PairDiscriminator", "bigan"]

ALIVE = 0.1
"""Nats of the discriminator's loss, on average over a part of the training, below which the part isn't chosen."""


class PairDiscriminator(nn.Module):
    """D(x, z): the image through strided convolutions to 256 numbers, those beside the code through 512 and 128.

    Leaky ReLUs of slope .2, no norm. 4x4 convolutions of stride 2 until a side is 4 px or less, from `width`
    channels doubling to four times as many."""

    def __init__(self, image: tuple[int, ...], latent: int, width: int = 64) -> None:
        super().__init__()
        channels, height, wide = image
        layers: list[nn.Module] = []
        outputs = width
        while min(height, wide) > 4:
            layers += [nn.Conv2d(channels, outputs, 4, 2, 1), nn.LeakyReLU(0.2)]
            channels, outputs, height, wide = outputs, min(2 * outputs, 4 * width), height // 2, wide // 2
        units = 4 * width
        self.image = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(channels * height * wide, units), nn.LeakyReLU(0.2)
        )
        self.pair = nn.Sequential(
            nn.Linear(units + latent, 8 * width),
            nn.LeakyReLU(0.2),
            nn.Linear(8 * width, 2 * width),
            nn.LeakyReLU(0.2),
            nn.Linear(2 * width, 1),
        )

    def forward(self, x: Float[Tensor, "n c h w"], z: Float[Tensor, "n k"]) -> Float[Tensor, "n 1"]:
        return self.pair(torch.cat([self.image(x), z], 1))


class BiGAN(Autoencoder):
    """A discriminator of pairs tells (x, encoder(x)) from (generator(z), z), z uniform in [-1, 1]; both fool it.

    Logs: `discriminator`, its loss in nats, 1.386 where it can't tell; `ratio`, |x - G(E(x))| over |x -
    G(E(x'))|, x' another image: 1 where codes say nothing of images. Training ends with the networks of the
    part, of twenty, whose mean ratio is lowest among those where the discriminator's loss was above .1 nats: a
    rule without labels."""

    def __init__(
        self, encoder: Staged | Wrapped, latent: int | None, pixels: Pixels, width: int, parts: int
    ) -> None:
        super().__init__(encoder, latent, pixels, width)
        self.adversary = Adversary(PairDiscriminator(encoder.spec.shape, self.latent, width))
        self.watch = Watch()
        self.best = BestPart(self._networks(), parts)

    def _networks(self) -> nn.ModuleList:
        return nn.ModuleList([self.encoder, self.code, self.decoder])

    def prior(self, n: int, generator: Generator) -> Float[Tensor, "n k"]:
        """Uniform in [-1, 1]."""
        return 2 * torch.rand(n, self.latent, generator=generator) - 1

    def step(self, batch: Batch, generator: Generator) -> Step:
        x, codes = self.images(batch), self.codes(batch)
        z = self.drawn(codes, generator)
        made = self.pixels.mean(self.decoder(z))
        game = self.adversary.play((x, codes), (made, z))
        self.watch.note(game.telling)
        ratio = self._ratio(x, codes)
        self.best.note(ratio, total(game.telling.detach()) / world() - ALIVE)
        logs = {"discriminator": game.telling.detach(), "fooling": game.fooling.detach(), "ratio": ratio}
        return Step(game.fooling + game.telling, logs)

    @torch.no_grad()
    def _ratio(self, x: Tensor, codes: Tensor) -> Float[Tensor, ""]:
        """`ratio` of every fourth example of the batch, or of all where they are few."""
        every = 4 if len(x) * world() >= 16 else 1
        mode = self.decoder.training
        self.decoder.eval()  # its running statistics are of what it generates
        again = self.pixels.mean(self.decoder(codes.detach()[::every]))
        self.decoder.train(mode)
        x, again = gather(x[::every]), gather(again.to(x.dtype))
        return (x - again).abs().mean() / (x - again.roll(1, 0)).abs().mean().clamp_min(1e-12)

    def stepped(self, step: int, steps: int) -> None:
        self.watch.stepped(step)
        self.best.stepped(self._networks(), step, steps)


def bigan(
    encoder: Staged | Wrapped,
    *,
    latent: int | None = None,
    low: float = -1.0,
    high: float = 1.0,
    width: int = 64,
    parts: int = 20,
) -> BiGAN:
    """An encoder and a generator fool a discriminator of pairs of image and code, and so invert each other.

    Both take the loss with swapped labels, as published: the saturating form of later versions stalls.

    Args:
        encoder: The network to train, of images, which is what is kept.
        latent: Numbers of a code; by default the encoder's output is the code.
        low, high: What black and white are to generator and discriminator.
        width: Channels of the generator's last hidden layer, and of the discriminator's first.
        parts: The training is cut into so many, one of which is chosen without labels.

    Paper: Donahue, Krahenbuhl and Darrell 2017, Adversarial feature learning, arXiv:1605.09782; Dumoulin et al.
    2017, Adversarially learned inference, arXiv:1606.00704; the discriminator is of the code of Deep InfoMax's
    author."""
    at_least(1, parts=parts)
    return BiGAN(encoder, latent, Pixels("gaussian", math.sqrt(0.5), low, high), width, parts)
