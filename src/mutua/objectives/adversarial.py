"""Two players in one step: a discriminator, and what it cannot tell from the real."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import softplus

__all__ = ["players"]


def players(
    discriminator: nn.Module, real: Float[Tensor, "n ..."], fake: Float[Tensor, "n ..."]
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """(What the maker of `fake` lowers, what the discriminator D lowers), in nats.

        maker: -E log s(D(fake));  discriminator: -E log s(D(real)) - E log s(-D(fake))

    Both come of one call: the discriminator's loss sees fakes cut from their maker, the maker's sees the
    discriminator's weights as constants, so one backward pass of the sum gives each player its own gradient. That
    is simultaneous gradient descent.

    Paper: Goodfellow et al. 2014, Generative Adversarial Networks, arXiv:1406.2661, with the maker's loss of its
    section 3 that does not saturate.
    """
    frozen = {name: value.detach() for name, value in discriminator.named_parameters()}
    fooled = functional_call(discriminator, frozen, (fake,)).float()
    told, made = discriminator(real.detach()).float(), discriminator(fake.detach()).float()
    return softplus(-fooled).mean(), softplus(-told).mean() + softplus(made).mean()
