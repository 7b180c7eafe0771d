"""Denoising autoencoders: what was it before it was spoiled?"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from mutua.encoders import Staged, Wrapped, decoder
from mutua.methods.arguments import at_least, deepest, one_of
from mutua.objectives import Reconstructive
from mutua.types import Batch, InputError
from mutua.views.corrupt import CORRUPTIONS, Corruption, GaussianNoise, SaltAndPepper

__all__ = ["Denoising", "denoising"]


class Denoising(Reconstructive):
    """Mean squared error of the example restored from a spoiled one, over all its numbers.

    With Gaussian noise the best denoiser is the posterior mean, r(y) = E[x | y], and Tweedie's formula gives the
    score of the density of spoiled examples: (r(y) - y) / sigma^2 = grad log p_sigma(y), exactly, for any sigma.
    """

    names: ClassVar[tuple[str, str]] = ("spoiled", "restored")
    corruption: Corruption

    def denoised(self, y: Batch) -> Tensor:
        """r(y): images in [0, 1], or rows in the units of their columns."""
        made = self.decoder(self.encoder.read(y, (self.depth,))[self.depth])
        if self.columns is not None:
            return made * self.columns.scale + self.columns.mean
        return (made + 1) / 2

    def score(self, y: Tensor) -> Tensor:
        """(r(y) - y) / sigma^2 of floats, an estimate of the gradient of the log density of spoiled examples.

        Raises `InputError` where the noise is not Gaussian: elsewhere it estimates nothing.

        Paper: Vincent 2011, A Connection Between Score Matching and Denoising Autoencoders, Neural Computation 23;
        Alain and Bengio 2014, arXiv:1211.4246.
        """
        if not isinstance(self.corruption, GaussianNoise) or not self.corruption.sigma:
            raise InputError(f"noise: {self.corruption} gives no score; train with noise='gaussian' above 0")
        scale = 1.0 if self.columns is None else self.columns.scale
        return (self.denoised(y) - y) / (self.corruption.sigma * scale) ** 2


def denoising(
    encoder: Staged | Wrapped, *, noise: str = "masking", level: float = 0.25, width: int = 64
) -> Denoising:
    """An example is spoiled, number by number, and the encoder's features must give it back as it was.

    Images are spoiled in [0, 1]; columns of a table when standardised, so that a masked one is its mean, and salt
    and pepper are two deviations from it. A missing column stays missing, and is not asked for.

    Args:
        encoder: The network to train, which is what is kept.
        noise: What spoils: masking sets numbers to 0, gaussian adds to them, salt_and_pepper sets them to an end.
        level: Share of the numbers, or the noise's standard deviation.
        width: Channels of the decoder at half the image's size, or a quarter of its hidden units for rows.

    Paper: Vincent, Larochelle, Bengio and Manzagol 2008, Extracting and Composing Robust Features with Denoising
    Autoencoders, ICML; Gaussian noise, salt and pepper of Vincent et al. 2010, JMLR 11; the score in Alain and
    Bengio 2014, arXiv:1211.4246. Squared error throughout; the papers have cross-entropy on pixels, tied weights.
    """
    one_of(CORRUPTIONS, noise=noise)
    at_least(1, width=width)
    corruption = CORRUPTIONS[noise](level)
    if not level:
        raise InputError("level: 0 spoils nothing, and copying would be learned; give a number above 0")
    if encoder.spec.kind == "table" and isinstance(corruption, SaltAndPepper):
        corruption = SaltAndPepper(level, low=-2.0, high=2.0)
    depth = deepest(encoder)
    restorer = decoder(encoder.shapes[depth], encoder.spec.shape, width=width)
    return Denoising(encoder, restorer, corruption, depth=depth, only_hidden=False)
