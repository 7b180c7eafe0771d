"""Masked prediction: most patches of an image from the few that are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from mutua.encoders import PatchDecoder, Staged, VisionTransformer, Wrapped, decoder, fitting_patch
from mutua.kernels.devices.copies import to_device
from mutua.methods.arguments import at_least, deepest
from mutua.objectives import Reconstructive
from mutua.types import InputError
from mutua.views.image.masks import PatchMask

__all__ = ["Masked", "masked", "normalised"]


def _moments(images: Float[Tensor, "n c h w"], patch: int) -> tuple[Tensor, Tensor, Tensor]:
    """(Patches (n, c p^2, rows, columns), mean and deviation over all numbers of each, (n, 1, rows, columns))."""
    patches = pixel_unshuffle(images, patch)
    return patches, patches.mean(1, keepdim=True), (patches.var(1, keepdim=True) + 1e-6).sqrt()


def normalised(images: Float[Tensor, "n c h w"], patch: int) -> Float[Tensor, "n c h w"]:
    """(x - mean) / deviation of each square of `patch` pixels, over its pixels and channels together.

    Paper: He et al. 2022, arXiv:2111.06377, section 3 (variance plus 1e-6, divided by one less than the numbers).
    """
    patches, mean, deviation = _moments(images, patch)
    return pixel_shuffle((patches - mean) / deviation, patch)


class Masked(Reconstructive):
    """Mean squared error on hidden patches, of pixels or of pixels normalised within their patch.

    A vision transformer is shown the visible patches alone, and its decoder puts one learned vector in the place
    of hidden ones; any other encoder is shown the image with hidden patches filled by the mean of the visible.
    Normalised targets have mean 0, so there `explained` is 1 - error / mean square of the target.
    """

    names: ClassVar[tuple[str, str]] = ("shown", "filling")
    corruption: PatchMask

    def __init__(
        self, encoder: Staged | Wrapped, filler: nn.Module, mask: PatchMask, *, depth: str, normalise: bool
    ) -> None:
        super().__init__(encoder, filler, mask, depth=depth, only_hidden=True)
        self.normalise = normalise

    def target(self, batch: Tensor) -> Tensor:
        pixels = super().target(batch)
        return normalised(pixels, self.corruption.patch) if self.normalise else pixels

    def made(self, batch: Tensor, seen: Tensor, drawn: Mapping[str, Any]) -> Tensor:
        if isinstance(self.decoder, PatchDecoder):
            assert isinstance(self.encoder, VisionTransformer)
            return self.decoder(*self.encoder.of_visible(seen, to_device(drawn["hidden"], seen.device)))
        return super().made(batch, seen, drawn)

    def start(self, seen: Tensor, target: Tensor) -> Tensor:
        return torch.zeros_like(target) if self.normalise else super().start(seen, target)

    def restored(self, target: Tensor, batch: Tensor) -> Tensor:
        """In pixels: each patch is lent its own mean and deviation, which normalised targets don't ask for."""
        if not self.normalise:
            return super().restored(target, batch)
        patch = self.corruption.patch
        _, mean, deviation = _moments(super().target(batch), patch)
        return super().restored(pixel_shuffle(pixel_unshuffle(target, patch) * deviation + mean, patch), batch)


def masked(
    encoder: Staged | Wrapped,
    *,
    share: float = 0.75,
    patch: int = 0,
    normalise: bool = True,
    width: int = 0,
    layers: int = 0,
) -> Masked:
    """Most patches of an image are hidden, and those that are shown must say what they hold.

    Args:
        encoder: The network to train, which is what is kept: vit, which sees visible patches alone, or any other.
        share: Of the patches that are hidden, chosen anew for each image.
        patch: Side of a patch in pixels, which divides both sides of the image; 0 for the transformer's own, or
            the least divisor that is an eighth of the shorter side.
        normalise: Whether pixels are told as deviations from the patch's own mean, in its own deviation.
        width: Of the decoder's blocks for vit, 0 for half of its own; for others the most channels of the
            decoder, 0 for 64.
        layers: Blocks of the decoder for vit; 0 for a third of its own. As published: 512 and 8 for 1024 and 24.

    Paper: He, Chen, Xie, Li, Dollár and Girshick 2022, Masked Autoencoders Are Scalable Vision Learners,
    arXiv:2111.06377.
    """
    at_least(0, patch=patch, width=width, layers=layers)
    shape, depth = encoder.spec.shape, deepest(encoder)
    transformer = isinstance(encoder, VisionTransformer)
    own = encoder.patch if isinstance(encoder, VisionTransformer) else fitting_patch(*shape[1:])
    side = patch or own
    if any(length % side for length in shape[1:]) or (transformer and side != own):
        mend = f"give its own, {own}" if transformer else f"give a divisor of both sides, such as {own}"
        raise InputError(f"patch: {side} px at {shape[1]} x {shape[2]} px; {mend}, or leave it at 0")
    if normalise and side**2 * shape[0] < 2:
        raise InputError("normalise: a patch of one number has no deviation; give larger patches, or images")
    mask = PatchMask(side, share)
    mask.check_shape(shape)
    filler: nn.Module
    if isinstance(encoder, VisionTransformer):
        filler = PatchDecoder(encoder, width, layers)
    else:
        filler = decoder(encoder.shapes[depth], shape, width=width or 64)
    return Masked(encoder, filler, mask, depth=depth, normalise=normalise)
