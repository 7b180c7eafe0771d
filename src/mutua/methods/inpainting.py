"""Context encoders: what was in the hole?"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from mutua.encoders import Staged, Wrapped, decoder
from mutua.methods.arguments import at_least, deepest, one_of
from mutua.objectives import Adversary, Reconstructive
from mutua.types import InputError, Step, wide
from mutua.views.image.masks import MASKS, Mask

__all__ = ["Inpainting", "discriminator", "inpainting"]


def discriminator(channels: int, height: int, width: int, units: int) -> nn.Sequential:
    """Images to one logit: 4x4 convolutions of stride 2 with leaky ReLU, doubling `units` down to 4 px, no norm
    (that of the paper reads the batch)."""
    layers: list[nn.Module] = []
    inputs, outputs = channels, units
    while min(height, width) >= 4 and (not layers or max(height, width) > 4):
        layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(0.2)]
        inputs, outputs, height, width = outputs, min(2 * outputs, 8 * units), height // 2, width // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(inputs * height * width, 1))


class Inpainting(Reconstructive):
    """(1 - a) mean squared error on hidden pixels + a times what a discriminator D makes of them.

    D is shown the region alone, all else being 0, so that no seam with what surrounds it gives it away; it is not
    shown the rest of the image, and the filler has no noise of its own. See `mutua.objectives.Adversary`.
    """

    names: ClassVar[tuple[str, str]] = ("hole", "filling")

    def __init__(
        self,
        encoder: Staged | Wrapped,
        filler: nn.Module,
        mask: Mask,
        *,
        depth: str,
        adversary: Adversary | None,
        adversarial: float,
    ) -> None:
        super().__init__(encoder, filler, mask, depth=depth, only_hidden=True)
        self.adversary = adversary
        self.adversarial = adversarial

    def judge(self, made: Tensor, batch: Tensor, seen: Tensor, weight: Tensor) -> Step:
        step = super().judge(made, batch, seen, weight)
        if self.adversary is None:
            return step
        fooled, told = self.adversary.play(self.target(batch) * weight, wide(made) * weight)
        loss = (1 - self.adversarial) * step.loss + self.adversarial * fooled + told
        logs = {"error": step.loss.detach(), "fooled": fooled.detach(), "discriminator": told.detach()}
        return Step(loss, {**step.logs, **logs})


def inpainting(
    encoder: Staged | Wrapped, *, mask: str = "regions", adversarial: float = 0.001, width: int = 64
) -> Inpainting:
    """Part of an image is hidden, and the encoder's features of the rest must say what was there.

    The loss is on hidden pixels alone: on all, most of it would be copying. Each image has a hole of its own; the
    authors' code has one for a batch. The features are decoded at the deepest layer below which nothing is
    learned: a residual network's last map, Deep InfoMax's Y.

    Args:
        encoder: The network to train, which is what is kept.
        mask: What is hidden: regions of free form, the paper's choice for features; blocks, up to a quarter of the
            image; patches, three quarters; or the centre.
        adversarial: Weight a of the discriminator's judgement, beside 1 - a of the squared error; 0 leaves it out.
        width: Channels of the decoder and the discriminator at half the image's size.

    Paper: Pathak, Krähenbühl, Donahue, Darrell and Efros 2016, Context Encoders: Feature Learning by Inpainting,
    arXiv:1604.07379. Its channel-wise layer and the hole's border of 4 px, which weighs ten times, are left out.
    """
    one_of(MASKS, mask=mask)
    at_least(1, width=width)
    if not 0 <= adversarial < 1:
        raise InputError(f"adversarial: {adversarial} is no weight; give 0 or more, and less than 1")
    channels, *size = shape = encoder.spec.shape
    depth = deepest(encoder)
    hole = MASKS[mask]()
    hole.check_shape(shape)
    return Inpainting(
        encoder,
        decoder(encoder.shapes[depth], shape, width=width),
        hole,
        depth=depth,
        adversary=Adversary(discriminator(channels, size[0], size[1], width)) if adversarial else None,
        adversarial=adversarial,
    )
