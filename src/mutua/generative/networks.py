"""Networks of the VAE family: a linear map plus a small smooth perceptron, and the densities p(s | u)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["ACTIVATIONS", "LinearPlus", "PriorOfClass", "PriorOfVector", "StandardPrior", "perceptron"]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "softplus": nn.Softplus,
    "leaky_relu": lambda: nn.LeakyReLU(0.1),
}
"""Name to activation. A hard kink gives no gradient of slopes: the smooth ones train better here."""


def perceptron(inputs: int, outputs: int, sizes: Sequence[int], activation: str) -> nn.Sequential:
    """Hidden layers of so many units, orthogonal weights of gain 1.4; the last starts near zero."""
    parts: list[nn.Module] = []
    width = inputs
    for size in sizes:
        parts += [nn.Linear(width, size), ACTIVATIONS[activation]()]
        width = size
    parts.append(nn.Linear(width, outputs))
    for part in parts:
        if isinstance(part, nn.Linear):
            nn.init.orthogonal_(part.weight, 1.4)
            nn.init.zeros_(part.bias)
    net = nn.Sequential(*parts)
    with torch.no_grad():
        net[-1].weight.mul_(0.05)  # type: ignore[operator]
    return net


class LinearPlus(nn.Module):
    """y = A x + perceptron(x): starts as the linear map A, of which the perceptron is a correction.

    With no hidden layer it is the linear map and a shift.
    """

    def __init__(
        self, matrix: Float[Tensor, "outputs inputs"], sizes: Sequence[int], activation: str, extra: int = 0
    ) -> None:
        """extra: further outputs, of the perceptron alone."""
        super().__init__()
        outputs, inputs = matrix.shape
        self.matrix = nn.Parameter(matrix.clone())
        self.net = perceptron(inputs, outputs + extra, sizes, activation)
        self.outputs = outputs

    def forward(self, x: Float[Tensor, "*n inputs"]) -> Float[Tensor, "*n outputs"]:
        found = self.net(x)
        if found.shape[-1] == self.outputs:
            return found + x @ self.matrix.T
        linear, extra = found.split([self.outputs, found.shape[-1] - self.outputs], -1)
        return torch.cat([linear + x @ self.matrix.T, extra], -1)


class StandardPrior(nn.Module):
    """p(s) of mean 0 and deviation 1, u ignored: the VAE's."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.register_buffer("zero", torch.zeros(1, k), persistent=False)

    def forward(self, u: Tensor) -> tuple[Float[Tensor, "#n k"], Float[Tensor, "#n k"]]:
        return self.zero, self.zero  # type: ignore[return-value]


class PriorOfClass(nn.Module):
    """Location and log-scale of each component in each class, as free parameters; u (n,) numbers the class."""

    def __init__(self, classes: int, k: int, means: bool, rate: float = 3.0) -> None:
        """means: locations are learned, else 0. rate: steps are so many times longer than those of weights."""
        super().__init__()
        self.rate = rate
        self.log_scale = nn.Parameter(torch.zeros(classes, k))
        self.location = nn.Parameter(torch.zeros(classes, k), requires_grad=means)

    def forward(self, u: Tensor) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"]]:
        # Adam's step doesn't know a parameter's scale: what is multiplied moves faster.
        return self.rate * self.location[u], self.rate * self.log_scale[u]


class PriorOfVector(nn.Module):
    """Location and log-scale as a perceptron of the vector u (n, du)."""

    def __init__(self, width: int, k: int, means: bool, sizes: Sequence[int], activation: str) -> None:
        super().__init__()
        self.k = k
        self.means = means
        self.net = perceptron(width, 2 * k if means else k, sizes, activation)

    def forward(self, u: Tensor) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"]]:
        found = self.net(u)
        log_scale = found[:, : self.k]
        return (found[:, self.k :] if self.means else torch.zeros_like(log_scale)), log_scale
