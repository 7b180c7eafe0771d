"""The way back: from what an encoder made of an example to an example."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutua.types import InputError

__all__ = ["Decoder", "decoder", "decoder_mlp"]

Norm = Callable[[int], nn.Module]


def _halved(height: int, width: int, times: int) -> tuple[int, int]:
    """Sides after so many convolutions of stride 2, rounded up."""
    return -(-height // 2**times), -(-width // 2**times)


class _Sized(nn.Module):
    """The first rows and columns of a map: an odd side is one less than twice the half it came from."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, x: Tensor) -> Tensor:
        return x[..., : self.height, : self.width]

    def extra_repr(self) -> str:
        return f"{self.height}, {self.width}"


class Decoder(nn.Sequential):
    """Features of one example's shape (d,) or (c, h, w) to images (C, H, W) of any real values.

        map at H / 2^k  ->  (ReLU, 4x4 transposed convolution of stride 2) k times  ->  C channels at H

    Each layer doubles both sides and halves the channels, as a strided encoder does the other way round: at
    H / 2^j there are width 2^(j - 1) channels, at most eight times `width`. A kernel of twice the stride lays
    equally many taps on each pixel, so that no checkerboard is built in. The last layer has neither norm nor
    activation.

    Args:
        features: shape of one example's features, of a vector or a map.
        image: (channels, height, width) of what is made; height and width may differ, and be odd.
        width: channels of the last hidden layer, at half the image's size.
        norm: channels to a norm after each hidden layer; batch norm by default. `nn.Identity` leaves it out.
        smallest: side that a vector is first spread over, at least.

    A map whose sides are none of those on the way is brought to the nearest smaller by pooling.

    Raises `InputError` where a shape is neither.

    Paper: Radford, Metz and Chintala 2016, Unsupervised Representation Learning with Deep Convolutional Generative
    Adversarial Networks, arXiv:1511.06434; Pathak et al. 2016, Context Encoders, arXiv:1604.07379.

    >>> Decoder((64,), (3, 20, 15))(torch.zeros(2, 64)).shape
    torch.Size([2, 3, 20, 15])
    >>> Decoder((128, 8, 8), (2, 32, 32))(torch.zeros(2, 128, 8, 8)).shape
    torch.Size([2, 2, 32, 32])
    """

    def __init__(
        self,
        features: Sequence[int],
        image: Sequence[int],
        *,
        width: int = 64,
        norm: Norm = nn.BatchNorm2d,
        smallest: int = 4,
    ) -> None:
        if len(features) not in (1, 3) or len(image) != 3 or min(*features, *image, width, smallest) < 1:
            raise InputError(
                f"decoder: features {tuple(features)} to {tuple(image)}, width {width}; give a vector's (d,) or a "
                "map's (c, h, w), an image's (c, h, w), and 1 or more of each"
            )
        channels, height, wide = image
        sides = features[1:] if len(features) == 3 else (smallest, smallest)
        times = 0
        while all(a > b for a, b in zip(_halved(height, wide, times), sides, strict=True)):
            times += 1
        if len(features) == 1 and times and min(_halved(height, wide, times)) < smallest:
            times -= 1  # a vector is spread over `smallest` at least
        at = _halved(height, wide, times)

        def of(level: int) -> int:
            """Channels at 1 / 2^level of the image."""
            return min(8, 2 ** (level - 1)) * width if level else channels

        start = of(times) if times else width
        layers: list[nn.Module] = []
        if len(features) == 1:
            layers += [nn.Linear(features[0], start * at[0] * at[1], bias=False), nn.Unflatten(1, (start, *at))]
        else:
            layers += [] if tuple(sides) == at else [nn.AdaptiveAvgPool2d(at)]
            layers += [nn.Conv2d(features[0], start, 3, padding=1, bias=False)]
        layers += [norm(start), nn.ReLU()]
        for level in range(times - 1, -1, -1):
            outputs = of(level)
            layers += [nn.ConvTranspose2d(of(level + 1), outputs, 4, 2, 1, bias=not level)]
            layers += [_Sized(*_halved(height, wide, level))]
            layers += [norm(outputs), nn.ReLU()] if level else []
        if not times:
            layers += [nn.Conv2d(start, channels, 3, padding=1)]
        super().__init__(*layers)

    def forward(self, x: Float[Tensor, "n ..."]) -> Float[Tensor, "n c h w"]:
        return super().forward(x)


def decoder_mlp(features: int, columns: int, hidden: int = 256) -> nn.Sequential:
    """Vectors (n, features) to rows (n, columns): one hidden layer, as rows of a table have them."""
    if min(features, columns, hidden) < 1:
        raise InputError(f"decoder: {features} features to {columns} columns by {hidden}; give 1 or more of each")
    return nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, columns))


def decoder(features: Sequence[int], example: Sequence[int], *, width: int = 64) -> nn.Module:
    """What makes an example of an encoder's features: a `Decoder` of images, `decoder_mlp` of rows.

    Args:
        features: shape of one example at the depth that is decoded, as `Readable.shapes` has it.
        example: shape of what is made, (c, h, w) or (columns,).
        width: channels at half the image's size, or a quarter of the hidden units.

    >>> decoder((64,), (5,))(torch.zeros(2, 64)).shape
    torch.Size([2, 5])
    """
    if len(example) == 1:
        return decoder_mlp(torch.Size(features).numel(), example[0], 4 * width)
    return Decoder(features, example, width=width)
