"""Causal contexts: what stands at a place sums up the pieces up to it, and none after it.

Pieces are (n, d, t, *lines): t is the order, and lines, such as the columns of a grid, stand side by side. What is
real comes first: padding ends an example, so that nothing real has seen it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from mutua.encoders.frames import ChannelNorm
from mutua.encoders.staged import Masking
from mutua.types import InputError, names

__all__ = ["CONTEXTS", "ContextName", "Convolutions", "Downwards", "Nothing", "Recurrent", "context"]

ContextName = Literal["gru", "convolutions", "none"]


class Recurrent(Masking):
    """A gated recurrent unit along the order, each line by itself: (n, d, t, *lines) to (n, units, t, *lines).

    Paper: Cho et al. 2014, arXiv:1406.1078.
    """

    def __init__(self, width: int, units: int) -> None:
        super().__init__()
        self.gru = nn.GRU(width, units, batch_first=True)

    def forward(
        self, z: Float[Tensor, "n d t *lines"], mask: Bool[Tensor, "n t"] | None
    ) -> tuple[Float[Tensor, "n h t *lines"], Bool[Tensor, "n t"] | None]:
        lines = z.flatten(3) if z.ndim > 3 else z[..., None]  # (n, d, t, l)
        n, d, t, count = lines.shape
        found, _ = self.gru(lines.permute(0, 3, 2, 1).reshape(n * count, t, d))  # (n l, t, h)
        c = found.reshape(n, count, t, -1).permute(0, 3, 2, 1)  # (n, h, t, l)
        return _blank(c.reshape(n, -1, *z.shape[2:]), mask), mask


class _Before(nn.Module):
    """c + convolution(ReLU(norm(convolution(c)))) of kernel 2, dilated: a place and one `dilation` before it."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.first = nn.Conv1d(width, width, 2, dilation=dilation, bias=False)
        self.norm = ChannelNorm(width)
        self.second = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(F.relu(self.norm(self.first(F.pad(x, (self.dilation, 0)))))))


class Convolutions(Masking):
    """Masked convolutions in time, dilations 1, 2, 4, 8: each place sees itself and 15 before it.

    (n, d, t) to (n, units, t). Paper: van den Oord et al. 2016, WaveNet, arXiv:1609.03499, for the dilations.
    """

    def __init__(self, width: int, units: int, blocks: int = 4) -> None:
        super().__init__()
        self.first = nn.Conv1d(width, units, 1)
        self.blocks = nn.Sequential(*(_Before(units, 2**k) for k in range(blocks)))

    def forward(self, z: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return _blank(self.blocks(self.first(_blank(z, mask))), mask), mask


class _Above(nn.Module):
    """c + 1x1(ReLU(2x1(pad a row on top(1x3(ReLU(1x1(c))))))): a row, and the one above it."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, inner, 1)
        self.beside = nn.Conv2d(inner, inner, (1, 3), padding=(0, 1))
        self.above = nn.Conv2d(inner, inner, (2, 1))
        self.last = nn.Conv2d(inner, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.beside(F.relu(self.first(x)))
        return x + self.last(F.relu(self.above(F.pad(inner, (0, 0, 1, 0)))))


class Downwards(Masking):
    """Masked convolutions over a grid (n, d, rows, columns) to (n, units, rows, columns).

    A place sees its own row and those above it, five at most, and as many columns to each side.

    Paper: Hénaff et al. 2020, arXiv:1905.09272, appendix; van den Oord et al. 2016, PixelCNN, arXiv:1601.06759.
    """

    def __init__(self, width: int, units: int, blocks: int = 5) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, units, 1)
        self.blocks = nn.Sequential(*(_Above(units, units) for _ in range(blocks)))

    def forward(self, z: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return F.relu(self.blocks(self.first(z))), mask


class Nothing(Masking):
    """No context: each piece stands for itself."""

    def __init__(self, width: int, units: int) -> None:
        super().__init__()

    def forward(self, z: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return _blank(z, mask), mask


CONTEXTS: dict[tuple[ContextName, int], Callable[[int, int], Masking]] = {
    ("gru", 1): Recurrent,
    ("gru", 2): Recurrent,
    ("convolutions", 1): Convolutions,
    ("convolutions", 2): Downwards,
    ("none", 1): Nothing,
    ("none", 2): Nothing,
}
"""Name, and along how many axes pieces lie (1 for an order, 2 for a grid), to what makes it of two widths."""


def context(name: ContextName, width: int, units: int, axes: int = 1) -> Masking:
    """A context by name, of pieces of `width`. Raises `InputError` for another name."""
    if (name, axes) not in CONTEXTS:
        raise InputError(f"context: {name!r} is none of {names({each for each, _ in CONTEXTS})}")
    return CONTEXTS[name, axes](width, units)


def _blank(x: Tensor, mask: Tensor | None) -> Tensor:
    """x with zeros for padding."""
    return x if mask is None else x * mask.reshape(len(mask), 1, -1, *[1] * (x.ndim - 3)).to(x.dtype)
