"""Images as grids of overlapping patches, each encoded by itself, read downwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn import functional as F

from mutua.encoders.context import ContextName, context
from mutua.encoders.inputs import prepared, side
from mutua.encoders.ordered import Average, Ordered, Pieces, in_lines
from mutua.encoders.staged import Masking
from mutua.types import InputError, Spec, names

__all__ = ["NORMS", "Grid", "grid_ahead"]

NormName = Literal["layer", "batch", "none"]

NORMS: dict[NormName, Callable[[int], nn.Module]] = {
    "layer": lambda width: nn.GroupNorm(1, width),
    "batch": nn.BatchNorm2d,
    "none": lambda width: nn.Identity(),
}
"""Of patches. Batch norm ties the patches of a batch together, so that scores tell of other things than
patches: it is here to be compared with."""


class _Residual(nn.Module):
    """x + convolution(ReLU(norm(convolution(ReLU(norm(x)))))), half as large where `stride` is 2."""

    def __init__(self, inputs: int, width: int, stride: int, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.norm, self.again = norm(inputs), norm(width)
        self.first = nn.Conv2d(inputs, width, 3, stride, 1)
        self.second = nn.Conv2d(width, width, 3, 1, 1)
        same = inputs == width and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, width, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.first(F.relu(self.norm(x)))
        return self.shortcut(x) + self.second(F.relu(self.again(inner)))


class Patches(Masking):
    """Prepared images (n, c, h, w) to the codes of their patches (n, d, rows, columns)."""

    def __init__(self, channels: int, patch: int, hop: int, width: int, blocks: int, norm: NormName) -> None:
        super().__init__()
        self.patch, self.hop = patch, hop
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, 1, 1)]
        inputs = width
        for stage in range(2):
            for block in range(blocks):
                layers.append(_Residual(inputs, width << (stage + 1), 1 if block else 2, NORMS[norm]))
                inputs = width << (stage + 1)
        self.layers = nn.Sequential(*layers, NORMS[norm](inputs), nn.ReLU())

    def cut(self, images: Shaped[Tensor, "n c h w"]) -> Shaped[Tensor, "n r q c p p"]:
        """The patches, row by row: cell (i, j) begins hop i down and hop j right."""
        return images.unfold(2, self.patch, self.hop).unfold(3, self.patch, self.hop).permute(0, 2, 3, 1, 4, 5)

    def codes(self, patches: Float[Tensor, "n r q c p p"]) -> Float[Tensor, "n d r q"]:
        """Mean over each patch's map."""
        n, rows, columns = patches.shape[:3]
        return self.layers(patches.flatten(0, 2)).mean((2, 3)).reshape(n, rows, columns, -1).permute(0, 3, 1, 2)

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return self.codes(self.cut(x)), mask


class Grid(Ordered):
    """`Ordered` whose pieces are cells of a grid in rows from above, on as many lines as there are columns."""

    def cut(self, images: Shaped[Tensor, "n c h w"]) -> Shaped[Tensor, "m c p p"]:
        """All patches of the images as images of their own, image by image, row by row."""
        self.check(images)
        return self._patches.cut(images).flatten(0, 2).contiguous()

    @property
    def _patches(self) -> Patches:
        patches = self.stages["pieces"]
        assert isinstance(patches, Patches)
        return patches

    def codes(self, patches: Shaped[Tensor, "m c p p"]) -> Float[Tensor, "n d r q"]:
        """Codes of patches as `cut` gives them, changed or not."""
        _, rows, columns = self.shapes["pieces"]
        return self._patches.codes(prepared(patches, self.spec).unflatten(0, (-1, rows, columns)))

    def turned(self, codes: Float[Tensor, "n d r q"], quarters: int) -> Pieces:
        """Pieces and contexts of the grid turned by quarter turns: what was below lies at another side."""
        z = torch.rot90(codes, quarters, (2, 3))
        c, _ = self.passed("context", z, None)
        return Pieces(in_lines(z), in_lines(c), None)


def grid_ahead(
    spec: Spec,
    width: int = 32,
    blocks: int = 1,
    units: int = 64,
    norm: NormName = "layer",
    over: ContextName = "convolutions",
) -> Grid:
    """A small residual network on each of 7 x 7 patches that overlap by half, and masked convolutions downwards.

    Depths: pieces (4 width maps of 7 x 7), context (units maps), pool (4 width features, the mean over patches:
    the context is for training). A patch has a quarter of the side, 8 px of 32, and begins half a patch after
    the one before: row + 2 is the first that shares no pixel. Where the side is no multiple of 8 there are some
    more cells.

    Papers: van den Oord, Li and Vinyals 2018, arXiv:1807.03748, section 3.3; Hénaff et al. 2020, arXiv:1905.09272.
    """
    if norm not in NORMS:
        raise InputError(f"norm: {norm!r} is none of {names(NORMS)}")
    size = side(spec)
    if size < 8:
        raise InputError(f"size: images of {size} px, and a grid of 7 x 7 patches needs 8; give larger ones")
    patch = size // 4
    hop = patch // 2
    pieces = Patches(spec.shape[0], patch, hop, width, blocks, norm)
    return Grid(pieces, context(over, 4 * width, units, axes=2), Average(), spec, patch, hop, pooled="pieces")
