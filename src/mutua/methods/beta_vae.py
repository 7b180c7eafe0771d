"""The VAE of images whose divergence is weighed."""

from __future__ import annotations

from mutua.encoders import Staged, Wrapped
from mutua.methods.vae import ImageVAE
from mutua.objectives import Pixels

__all__ = ["beta_vae"]


def beta_vae(
    encoder: Staged | Wrapped,
    *,
    beta: float = 4.0,
    latent: int | None = None,
    likelihood: str = "gaussian",
    scale: float = 0.5**0.5,
    low: float = -1.0,
    high: float = 1.0,
    width: int = 64,
) -> ImageVAE:
    """Raises E log p(x | z) - beta KL(q(z | x) || N(0, I)), nats an image.

    What beta means is a matter of `scale` and the range: beta / scale^2 is what counts, with pixels in the same
    range.

    Args:
        encoder: The network to train, of images, which is what is kept.
        beta: Weight of the divergence: above 1 presses towards independent latents, 0 is an autoencoder with
            noise.
        latent: Numbers of a code; by default the encoder's output is the posterior's mean.
        likelihood: Density of a pixel about the decoder's: gaussian, laplace or bernoulli.
        scale: Deviation of a pixel about the decoder's, in units of low to high.
        low, high: What black and white are to the decoder; 0 and 1 for bernoulli.
        width: Channels of the decoder's last hidden layer.

    Paper: Higgins et al. 2017, beta-VAE: Learning basic visual concepts with a constrained variational framework,
    ICLR; as a row of Deep InfoMax's table, arXiv:1808.06670.
    """
    return ImageVAE(encoder, latent, Pixels(likelihood, scale, low, high), width, beta)
