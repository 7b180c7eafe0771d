"""Colours as classes: bins of the plane of a and b, how rare each is, a colour from a distribution over them."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, interpolate, layer_norm

from mutua.encoders.lab import from_lab, gamut, to_lab
from mutua.types import InputError, Rows, wide
from mutua.views import as_dtype, as_float

__all__ = ["ColourBins", "Places", "recoloured"]

GREY = 5.0
"""An image of which |a| and |b| nowhere exceed this has no colours to learn from."""


def recoloured(images: Tensor, ab: Float[Tensor, "n 2 h w"]) -> Tensor:
    """The images' own lightness in other colours, enlarged to their size."""
    lab = to_lab(as_float(images))
    ab = interpolate(ab.to(lab.dtype), lab.shape[2:], mode="bilinear", align_corners=False)
    return as_dtype(from_lab(torch.cat([lab[:, :1], ab], 1)), images.dtype)


class Places(nn.Module):
    """k numbers at each place: of the map there, and of all the image, whose scale is taken out, for nothing else
    holds it while the encoder learns. Where `zero`, they start at 0, and so pass no gradient on at first."""

    def __init__(self, channels: int, width: int, k: int, zero: bool = False) -> None:
        super().__init__()
        self.here, self.everywhere = nn.Conv2d(channels, k, 1), nn.Linear(width, k, bias=False)
        for parameter in self.parameters() if zero else ():
            nn.init.zeros_(parameter)

    def forward(self, maps: Tensor, whole: Tensor) -> Float[Tensor, "n k h w"]:
        return wide(self.here(maps)) + wide(self.everywhere(layer_norm(whole, whole.shape[1:])))[..., None, None]


class ColourBins(nn.Module):
    """Bins of a and b that sRGB reaches, and the weight of each, w ~ 1 / ((1 - mix) p + mix / Q), E_p[w] = 1.

    p, how often each of the Q bins occurs in the training images, smoothed, is read off up to 4,096 of them by
    `calibrate`; until then all weights are 1. They are buffers, kept with the weights of the network.

    Args:
        size: height and width of the maps of colour that are told: means over the image's pixels.
        mix: share of the uniform distribution; 1 for equal weights.
        grid: step between bins.
        sigma: of the Gaussians by which a colour is shared among bins, and p smoothed.
        neighbours: bins that a colour is shared among.

    Paper: Zhang, Isola and Efros 2016, Colorful Image Colorization, arXiv:1603.08511, sections 2.1 to 2.3.
    """

    centres: Tensor
    prior: Tensor
    weight: Tensor
    settled: Tensor

    def __init__(
        self, size: tuple[int, ...], mix: float = 0.5, grid: float = 10.0, sigma: float = 5.0, neighbours: int = 5
    ) -> None:
        super().__init__()
        if not 1 <= neighbours <= 50:
            raise InputError(f"neighbours: {neighbours}; give 1 to 50 bins")
        self.size, self.mix, self.sigma, self.neighbours = size, mix, sigma, neighbours
        centres = gamut(grid)
        self.register_buffer("centres", centres.clone())
        self.register_buffer("prior", torch.full((len(centres),), 1 / len(centres)))
        self.register_buffer("weight", torch.ones(len(centres)))
        self.register_buffer("settled", torch.zeros((), dtype=torch.bool))

    def colours(self, images: Tensor) -> tuple[Float[Tensor, "n 2 h w"], Bool[Tensor, " n"]]:
        """(Means of a and b over the pixels under each place of the map, whether an image has colours at all)."""
        ab = to_lab(as_float(images))[:, 1:]
        return adaptive_avg_pool2d(ab, (self.size[0], self.size[1])), (ab.abs() > GREY).flatten(1).any(1)

    def shared(self, ab: Float[Tensor, "n 2 h w"]) -> tuple[Int[Tensor, "n k h w"], Float[Tensor, "n k h w"]]:
        """The nearest bins of each colour, the nearest first, and its share in each."""
        apart = torch.cdist(ab.flatten(2).mT, self.centres.to(ab.dtype).expand(len(ab), -1, -1))  # (n, h w, Q)
        near = apart.topk(self.neighbours, largest=False)
        share = torch.softmax(-(near.values**2) / (2 * self.sigma**2), -1)
        return tuple(x.mT.unflatten(2, ab.shape[2:]) for x in (near.indices, share))  # type: ignore[return-value]

    def unweighted(self, logits: Float[Tensor, "n q h w"]) -> Float[Tensor, "n q h w"]:
        """log p of the bins as they occur: trained with weights, p is that times w, which is undone."""
        return (logits - self.weight.log()[:, None, None]).log_softmax(1)

    def annealed(self, logits: Float[Tensor, "n q h w"], temperature: float) -> Float[Tensor, "n 2 h w"]:
        """The mean of a and b under softmax(log p / T): T = 1 is p's own mean, which is dull; T = 0 its mode."""
        if temperature:
            p = (logits.log_softmax(1) / temperature).softmax(1)
        else:
            p = torch.zeros_like(logits).scatter_(1, logits.argmax(1, keepdim=True), 1)
        return torch.einsum("nqhw,qc->nchw", p, self.centres.to(p.dtype))

    @torch.no_grad()
    def calibrate(self, rows: Rows, most: int = 4096) -> None:
        """Read off how often each bin occurs, once. Raises `InputError` where all images looked at are grey."""
        if self.settled:
            return
        counts = torch.zeros(len(self.centres), dtype=torch.float64)
        index = torch.linspace(0, len(rows) - 1, min(len(rows), most)).long()
        for part in index.split(256):
            taken = rows.take(part)
            ab, coloured = self.colours(taken[0] if isinstance(taken, (tuple, list)) else taken)
            if coloured.any():
                counts += self.shared(ab[coloured])[0][:, 0].flatten().bincount(minlength=len(counts))
        if not counts.any():
            raise InputError(
                f"data: none of {len(index):,} images has colours (|a| or |b| above {GREY:g}); give coloured ones"
            )
        self.settle(counts / counts.sum())

    def settle(self, share: Float[Tensor, " q"]) -> None:
        """Set how often each bin occurs, and the weights that follow."""
        kernel = torch.softmax(-(torch.cdist(self.centres, self.centres).double() ** 2) / (2 * self.sigma**2), 1)
        smooth = share.double() @ kernel
        weight = 1 / ((1 - self.mix) * smooth + self.mix / len(smooth))
        self.prior.copy_(smooth)
        self.weight.copy_(weight / (smooth * weight).sum())
        self.settled.fill_(True)
