"""The adversarial autoencoder: a second player makes codes look like draws from a prior."""

from __future__ import annotations

import math

from torch import Generator, nn

from mutua.encoders import Staged, Wrapped
from mutua.methods.arguments import at_least
from mutua.methods.autoencoder import Autoencoder
from mutua.objectives import Pixels
from mutua.objectives.adversary import Adversary, Watch, balanced, energy_distance
from mutua.ranks import gather
from mutua.types import Batch, InputError, Step

__all__ = ["AAE", "aae"]


class AAE(Autoencoder):
    """|x - decoder(code)|^2 summed over pixels, and the loss of fooling a discriminator that tells codes from
    N(0, I).

    `balance` is the ratio of the two losses' gradients at the codes, in norm over the batch: the fooling loss
    has no other weight. Logs: `mismatch`, the energy distance of codes and prior (0 where they are one
    distribution, 1 where they are apart), and `discriminator`, its loss in nats, 1.386 where it can't tell."""

    def __init__(
        self, encoder: Staged | Wrapped, latent: int | None, pixels: Pixels, width: int, balance: float, units: int
    ) -> None:
        super().__init__(encoder, latent, pixels, width)
        if not 0 < balance < math.inf:
            raise InputError(
                f"balance: {balance}; give the prior's gradient over the reconstruction's, above 0 and finite"
            )
        at_least(1, units=units)
        self.balance = balance
        self.prior_player = Adversary(
            nn.Sequential(
                nn.Linear(self.latent, units), nn.ReLU(), nn.Linear(units, units), nn.ReLU(), nn.Linear(units, 1)
            )
        )
        self.watch = Watch()

    def step(self, batch: Batch, generator: Generator) -> Step:
        codes = self.codes(batch)
        wanted = self.drawn(codes, generator)
        to_pixels, to_prior = balanced(codes, self.balance)
        raw, x = self.decoder(to_pixels), self.images(batch)
        error = (x - self.pixels.mean(raw)).square().flatten(1).sum(1).mean()
        game = self.prior_player.play(wanted, to_prior)
        self.watch.note(game.telling)
        logs = {
            "squared_error": error.detach(),
            "prior": game.fooling.detach(),
            "discriminator": game.telling.detach(),
            "mismatch": energy_distance(gather(codes.detach()), gather(wanted)),
        }
        return Step(error + game.fooling + game.telling, logs)

    def stepped(self, step: int, steps: int) -> None:
        self.watch.stepped(step)


def aae(
    encoder: Staged | Wrapped,
    *,
    balance: float = 1.0,
    latent: int | None = None,
    low: float = -1.0,
    high: float = 1.0,
    width: int = 64,
    units: int = 200,
) -> AAE:
    """Finds images again from codes that a discriminator can't tell from draws of a standard normal.

    Public versions weigh the two losses 10^5-fold apart, by means where others have sums; here they are weighed
    by their gradients at the codes.

    Args:
        encoder: The network to train, of images, which is what is kept.
        balance: Norm of the prior's gradient at the codes, over the reconstruction's.
        latent: Numbers of a code; by default the encoder's output is the code.
        low, high: What black and white are to the decoder.
        width: Channels of the decoder's last hidden layer.
        units: Units of each of the discriminator's two hidden layers.

    Paper: Makhzani, Shlens, Jaitly, Goodfellow and Frey 2016, Adversarial autoencoders, arXiv:1511.05644; the
    discriminator 200-200 is of the code of Deep InfoMax's author, arXiv:1808.06670.
    """
    return AAE(encoder, latent, Pixels("gaussian", math.sqrt(0.5), low, high), width, balance, units)
