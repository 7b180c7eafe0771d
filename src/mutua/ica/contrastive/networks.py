"""Networks that undo a mixture: from whitened rows to one output a component."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

__all__ = ["NETWORKS", "Bent", "Maxout", "OneHot", "Waves", "bent", "linear", "maxout"]


class Bent(nn.Module):
    """f_i(y) = y + b_i sqrt(y^2 + w_i): a leaky ReLU, or its inverse, with a round corner.

    Its slopes are 1 - b_i far left and 1 + b_i far right, w_i is how wide it bends; both are learned, unit by
    unit. It bends everywhere a little, so every row moves it: a hard corner has a gradient only for slopes.
    """

    def __init__(self, units: int, bend: float = 0.3) -> None:
        super().__init__()
        self.bend = nn.Parameter(torch.full((units,), bend))
        self.log_width = nn.Parameter(torch.zeros(units))

    def forward(self, y: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
        return y + self.bend * torch.sqrt(y * y + self.log_width.exp())


class Maxout(nn.Module):
    """h_j = max(a_j x + b_j, c_j x + d_j), started as leaky ReLUs of slope `leak` behind an orthogonal map.

    Paper: Goodfellow et al. 2013, Maxout Networks, arXiv:1302.4389; the start is ours.
    """

    def __init__(self, inputs: int, outputs: int, leak: float = 0.3) -> None:
        super().__init__()
        self.pieces = nn.Linear(inputs, 2 * outputs)
        with torch.no_grad():
            first = nn.init.orthogonal_(torch.empty(outputs, inputs))
            noise = 0.01 * torch.randn(2 * outputs, inputs)
            self.pieces.weight.copy_(torch.cat([first, leak * first]) + noise)
            self.pieces.bias.zero_()

    def forward(self, x: Float[Tensor, "*n k"]) -> Float[Tensor, "*n d"]:
        first, second = self.pieces(x).chunk(2, -1)
        return torch.maximum(first, second)


def linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear map that starts orthogonal, without a shift: whitened rows stay white, layer after layer."""
    layer = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def bent(inputs: int, outputs: int, sizes: Sequence[int]) -> nn.Sequential:
    """Linear maps with so many `Bent` units between; none is linear. Close to how mixtures of leaky ReLU, or of
    tanh(x) + 0.1 x, are undone, and twice as wide as the data by the estimators' default: of square layers too
    few end where they should."""
    parts: list[nn.Module] = []
    for width in sizes:
        parts += [linear(inputs, width), Bent(width)]
        inputs = width
    return nn.Sequential(*parts, linear(inputs, outputs))


def maxout(inputs: int, outputs: int, sizes: Sequence[int]) -> nn.Sequential:
    """Layers of so many maxout units, each of two, then a linear map.

    Paper: Hyvärinen and Morioka 2016 and 2017: 40 units where there are 20 sources, the last hidden layer 20.
    """
    parts: list[nn.Module] = []
    for width in sizes:
        parts += [Maxout(inputs, width)]
        inputs = width
    return nn.Sequential(*parts, linear(inputs, outputs))


class OneHot(nn.Module):
    """Numbers of classes (n,) to rows of zeros with a 1."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, index: Int64[Tensor, " n"]) -> Float[Tensor, "n k"]:
        return nn.functional.one_hot(index, self.count).float()


class Waves(nn.Module):
    """Columns u to u, sin(k u) and cos(k u), k = 1 .. count: a small network of u alone is slow to learn waves."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, u: Float[Tensor, "n du"]) -> Float[Tensor, "n k"]:
        phases = (u[..., None] * torch.arange(1, self.count + 1, device=u.device)).flatten(-2)  # (n, du count)
        return torch.cat([u, phases.sin(), phases.cos()], -1)


NETWORKS: dict[str, Callable[[int, int, Sequence[int]], nn.Sequential]] = {"bent": bent, "maxout": maxout}
"""Name to a maker of the network, given inputs, outputs and the units between the linear maps."""
