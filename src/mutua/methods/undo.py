"""Auto-encoding transformations: what was done to the one image that made the other?"""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn.functional import mse_loss

from mutua.encoders import Staged, Wrapped
from mutua.kernels.devices.copies import to_device
from mutua.methods.arguments import at_least, one_of, shares
from mutua.objectives import head_mlp
from mutua.ranks import mine, world
from mutua.types import InputError, Method, Step, wide
from mutua.views import ColourJitter
from mutua.views.image.transformed import Transformed
from mutua.views.image.warp import Affine, Projective, Warp

__all__ = ["Undo", "undo"]


class Undo(Method):
    """mean (head(encode(x), encode(t(x))) - theta)^2, theta the parameters of t, standardised: 1 is chance.

    Logged is `explained`, 1 - loss in percent: R^2.

    Args:
        encoder: of images; what is kept.
        pairs: makes x and t(x) of images, and theta. Parameters that never vary are left out.
        hidden: units of the head's hidden layer; 0 for none.
    """

    caption = "Each row is one example and the pair that the encoder sees: a window of it, the same transformed."
    mean: Tensor
    deviation: Tensor

    def __init__(self, encoder: Staged | Wrapped, pairs: Transformed, hidden: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.pairs = pairs
        known = pairs.parameters(pairs.draw(4096, encoder.spec.shape, Generator().manual_seed(0)))
        if not (varying := [k for k, column in enumerate(known.T) if float(column.std()) > 1e-4]):
            raise InputError("warp, colour: nothing is done to images; make one of their ranges wider than 0")
        self.varying = varying
        self.register_buffer("mean", known[:, varying].mean(0))
        self.register_buffer("deviation", known[:, varying].std(0))
        self.head = head_mlp(2 * encoder.width, *[hidden] * bool(hidden), len(varying))

    def _draw(self, batch: Tensor, generator: Generator) -> dict[str, Any]:
        return mine(self.pairs.draw(len(batch) * world(), tuple(batch.shape[1:]), generator))

    def step(self, batch: Tensor, generator: Generator) -> Step:
        drawn = self._draw(batch, generator)
        theta = to_device(self.pairs.parameters(drawn)[:, self.varying], batch.device)
        codes = self.encoder(torch.cat(self.pairs.pair(batch, drawn))).flatten(1).chunk(2)
        told = wide(self.head(torch.cat(codes, 1)))  # (n, k)
        loss = mse_loss(told, ((theta - self.mean) / self.deviation).to(told.dtype))
        return Step(loss, {"explained": 100 * (1 - loss.detach())})

    def shown(self, batch: Tensor, generator: Generator) -> dict[str, Tensor]:
        before, after = self.pairs.pair(batch, self._draw(batch, generator))
        return {"original": batch, "window": before, "transformed": after}

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x).flatten(1)


def undo(
    encoder: Staged | Wrapped,
    *,
    warp: str = "affine",
    rotation: float = 180.0,
    translation: float = 0.2,
    scale: tuple[float, float] | None = None,
    shear: float = 30.0,
    corners: float = 0.125,
    colour: float = 0.0,
    border: str = "inside",
    content: str = "images",
    hidden: int = 0,
) -> Undo:
    """From an image and the same transformed, both encoded, the transformation's parameters are told.

    The authors transform the whole image and fill what is outside with grey, whose outline then is the answer.
    Here both images are seen through a window that no map leads out of, and both are resampled. The wider the
    maps' ranges, the smaller it is: the published affine ones leave a third of the side.

    Args:
        encoder: The network to train, which is what is kept.
        warp: Family of maps: affine, projective or none.
        rotation: Degrees up to which an affine map turns, either way; a projective one turns by quarters.
        translation: Share of the shorter side by up to which an affine map moves, along each axis.
        scale: Smallest and largest scale; as published, .7 to 1.3 for affine and .8 to 1.2 for projective maps.
        shear: Degrees up to which an affine map shears, either way.
        corners: Share of the side by up to which a projective map moves each corner, along each axis.
        colour: Strength of changes of brightness and contrast, and of saturation and hue in RGB; 0 for none.
        border: What is shown: inside, a window that never leaves the image, or grey, all of it, as published.
        content: What is transformed: images, or noise, a control whose result shows what the border gives away.
        hidden: Units of a hidden layer of the head; 0 for none, as published.

    Paper: Zhang, Qi, Wang and Luo 2019, AET vs. AED: Unsupervised Representation Learning by Auto-Encoding
    Transformations rather than Data, arXiv:1901.04596.
    """
    one_of(("affine", "projective", "none"), warp=warp)
    at_least(0, hidden=hidden)
    shares(colour=colour)
    family: Warp | None = None
    if warp == "affine":
        low, high = scale or (0.7, 1.3)
        family = Affine(rotation, translation, (low, high), shear, border)
    elif warp == "projective":
        low, high = scale or (0.8, 1.2)
        family = Projective(corners, (low, high), border=border)
    if family is not None:
        family.check_shape(encoder.spec.shape)
    rgb = encoder.spec.shape[0] == 3
    jitter = ColourJitter(0.8 * colour, 0.8 * colour, 0.8 * colour * rgb, 0.2 * colour * rgb, p=1.0)
    return Undo(encoder, Transformed(family, jitter if colour else None, content), hidden)
