"""A small vision transformer, which may be shown some patches of an image alone, and a decoder of its patches."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from mutua.encoders.frames import ChannelNorm
from mutua.encoders.inputs import prepared
from mutua.encoders.staged import Staged
from mutua.types import InputError, Spec

__all__ = ["PatchDecoder", "VisionTransformer", "fitting_patch", "places", "vit"]


def places(rows: int, columns: int, width: int) -> Float[Tensor, "d rows columns"]:
    """Sines and cosines of each place: a quarter of the channels each of row and column, wave lengths from 2 pi to
    20,000 pi cells.

    Paper: Vaswani et al. 2017, arXiv:1706.03762, section 3.5, along both axes as He et al. 2022 have it.
    """
    rates = 10_000.0 ** -(torch.arange(width // 4) / (width // 4))
    waves = []
    for count, shape in ((rows, (-1, rows, 1)), (columns, (-1, 1, columns))):
        angle = torch.outer(rates, torch.arange(count).float()).view(shape)
        waves += [angle.sin().expand(-1, rows, columns), angle.cos().expand(-1, rows, columns)]
    return torch.cat(waves)


class _Patches(nn.Module):
    """Each patch to `width` channels, and where it stands."""

    at: Tensor

    def __init__(self, channels: int, patch: int, width: int, rows: int, columns: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, width, patch, patch)
        nn.init.xavier_uniform_(self.project.weight.view(width, -1))
        self.register_buffer("at", places(rows, columns, width), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.project(x) + self.at


class Block(nn.Module):
    """Attention between places, then a perceptron at each; norms stand before them, (n, d, ...) goes in and out.

    Paper: Dosovitskiy et al. 2021, An Image is Worth 16x16 Words, arXiv:2010.11929.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ask, self.answer = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.perceptron = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Float[Tensor, "n d *place"]) -> Float[Tensor, "n d *place"]:
        tokens = x.flatten(2).mT  # (n, t, d)
        n, t, d = tokens.shape
        parts = self.ask(self.first(tokens)).view(n, t, 3, self.heads, d // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # (n, heads, t, d / heads) each
        found = scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.answer(found.transpose(1, 2).reshape(n, t, d))
        tokens = tokens + self.perceptron(self.second(tokens))
        return tokens.mT.reshape(x.shape)


class VisionTransformer(Staged):
    """Patches, blocks, a norm, and the mean over places. Depths: patches, block1 .., norm, mean."""

    def __init__(self, spec: Spec, patch: int, width: int, layers: int, heads: int) -> None:
        channels, height, wide = spec.shape
        if patch < 1 or height % patch or wide % patch:
            raise InputError(f"patch: {patch} px do not tile {height} x {wide}; give a divisor of both sides")
        if width % (4 * heads):
            raise InputError(f"width: {width} for {heads} heads; give a multiple of {4 * heads}")
        self.patch = patch
        grid = (height // patch, wide // patch)
        super().__init__(
            {
                "patches": _Patches(channels, patch, width, *grid),
                **{f"block{k + 1}": Block(width, heads) for k in range(layers)},
                "norm": ChannelNorm(width),
                "mean": nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            },
            spec,
        )

    def of_visible(
        self, images: Tensor, hidden: Bool[Tensor, "n h w"]
    ) -> tuple[Float[Tensor, "n k d"], Int[Tensor, "n k"]]:
        """Features at "norm" of the patches that are not hidden, from those alone, and the number of each.

        Every image must have the same number of visible patches, and each patch be hidden whole or not at all.
        """
        grid = hidden[:, :: self.patch, :: self.patch].flatten(1)  # (n, t)
        kept = grid.to(torch.uint8).argsort(dim=1, stable=True)[:, : int((~grid[0]).sum())]  # (n, k)
        x = self.stages["patches"](prepared(images, self.spec)).flatten(2)  # (n, d, t)
        x = x.gather(2, kept[:, None].expand(-1, x.shape[1], -1))
        for name in self.depths[1:-1]:
            x = self.stages[name](x)
        return x.mT, kept


class PatchDecoder(nn.Module):
    """Features of visible patches to all pixels: hidden places hold one learned vector, blocks look at all.

    Args:
        encoder: what gives the features.
        width, layers: of the blocks; 0 for half of the encoder's width and a third of its blocks, rounded up.

    Paper: He et al. 2022, Masked Autoencoders Are Scalable Vision Learners, arXiv:2111.06377, whose decoder is 512
    wide and has 8 blocks beside an encoder of 1024 and 24.
    """

    at: Tensor

    def __init__(self, encoder: VisionTransformer, width: int, layers: int, heads: int = 4) -> None:
        super().__init__()
        d, rows, columns = encoder.shapes["norm"]
        width = width or -(-d // (8 * heads)) * 4 * heads
        layers = layers or -(-sum(name.startswith("block") for name in encoder.depths) // 3)
        if width % (4 * heads):
            raise InputError(f"width: {width} of the decoder's blocks; give a multiple of {4 * heads}")
        channels = encoder.channels
        self.start = nn.Linear(d, width)
        self.hidden = nn.Parameter(0.02 * torch.randn(width))
        self.register_buffer("at", places(rows, columns, width), persistent=False)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)), ChannelNorm(width))
        self.pixels = nn.Sequential(
            nn.Conv2d(width, channels * encoder.patch**2, 1), nn.PixelShuffle(encoder.patch)
        )

    def forward(self, features: Float[Tensor, "n k d"], kept: Int[Tensor, "n k"]) -> Float[Tensor, "n c h w"]:
        seen = self.start(features)
        width, rows, columns = self.at.shape
        x = self.hidden.to(seen.dtype).expand(len(seen), rows * columns, width)
        x = x.scatter(1, kept[..., None].expand(-1, -1, width), seen).mT
        return self.pixels(self.blocks(x.unflatten(2, (rows, columns)) + self.at))


def vit(spec: Spec, patch: int = 0, width: int = 192, layers: int = 6, heads: int = 3) -> VisionTransformer:
    """A vision transformer of `layers` blocks, of ViT-Tiny's width. Layer norm only: no image moves another's.

    Args:
        spec: of the images; their sides may differ.
        patch: side of a patch in pixels; 0 for `fitting_patch`, 64 patches for images of 32 px.
        width, layers, heads: of the blocks.

    Paper: Dosovitskiy et al. 2021, An Image is Worth 16x16 Words, arXiv:2010.11929; fixed places as in He et al.
    2022, arXiv:2111.06377, and the mean over places in the place of a class token.
    """
    return VisionTransformer(spec, patch or fitting_patch(*spec.shape[1:]), width, layers, heads)


def fitting_patch(height: int, width: int) -> int:
    """The least divisor of both sides that is an eighth of the shorter side and 2 px, or 16 px.

    >>> [fitting_patch(side, side) for side in (8, 28, 32, 64, 224)]
    [2, 4, 4, 8, 16]
    """
    both = math.gcd(height, width)
    least = min(16, max(2, min(height, width) / 8))
    return next((side for side in range(1, both) if both % side == 0 and side >= least), both)
