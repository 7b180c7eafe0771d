"""Critics that factorise into left(x) and right(y): N passes for an N x N matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from mutua.types import InnerProduct, InputError, wide

__all__ = ["Bilinear", "Cosine", "Dot", "Separable", "mlp"]


def mlp(sizes: Sequence[int], activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Linear layers of the given sizes with the activation between them, none at the end."""
    layers: list[nn.Module] = []
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b), activation()]
    return nn.Sequential(*layers[:-1])


class Dot(InnerProduct):
    """T(x, y) = <x, y>: word2vec's critic. Nothing to learn; the encoders do all the work.

    Paper: Mikolov et al. 2013, arXiv:1310.4546.
    """

    def left(self, x: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
        return x

    def right(self, y: Float[Tensor, "*m d"]) -> Float[Tensor, "*m d"]:
        return y

    def both(self, x: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
        return x


class Cosine(InnerProduct):
    """T(x, y) = <x, y> / (|x| |y| temperature): SimCLR's critic.

    `learn=True` makes the temperature a parameter (its log is what is stored, so it stays positive).

    Paper: Chen et al. 2020, arXiv:2002.05709; Radford et al. 2021, arXiv:2103.00020, for the learned one.
    """

    def __init__(self, temperature: float = 0.5, learn: bool = False) -> None:
        super().__init__()
        if not temperature > 0:
            raise InputError(f"temperature: {temperature} must be positive; SimCLR uses 0.1 to 0.5")
        log_temperature = torch.tensor(math.log(temperature))
        if learn:
            self.log_temperature = nn.Parameter(log_temperature)
        else:
            self.register_buffer("log_temperature", log_temperature)

    def left(self, x: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
        return (_unit(x) * torch.exp(-self.log_temperature)).to(x.dtype)

    def right(self, y: Float[Tensor, "*m d"]) -> Float[Tensor, "*m d"]:
        return _unit(y).to(y.dtype)

    def both(self, x: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
        return (_unit(x) * torch.exp(-self.log_temperature / 2)).to(x.dtype)

    def extra_repr(self) -> str:
        return f"temperature={self.log_temperature.exp().item():.3g}"


def _unit(x: Tensor) -> Tensor:
    """x / |x| in float32 at least: a norm of 8 bits would make all of a row's scores as wrong."""
    return normalize(wide(x), dim=-1)


class Bilinear(InnerProduct):
    """T(x, y) = x^T W y: CPC's critic, one W for each horizon there.

    Paper: van den Oord et al. 2018, arXiv:1807.03748, equation 3.
    """

    def __init__(self, dx: int, dy: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(dx, dy) / math.sqrt(dx * dy))

    def left(self, x: Float[Tensor, "*n dx"]) -> Float[Tensor, "*n dy"]:
        return x @ self.weight

    def right(self, y: Float[Tensor, "*m dy"]) -> Float[Tensor, "*m dy"]:
        return y

    def extra_repr(self) -> str:
        return "dx={}, dy={}".format(*self.weight.shape)


class Separable(InnerProduct):
    """T(x, y) = <phi(x), psi(y)>, phi and psi MLPs.

    With `skip`, a linear map of each input is added to its network, so that a linear relation is there from
    the first step. It flatters Gaussian tests: report without it too.

    Paper: Tschannen et al. 2020, arXiv:1907.13625; Song and Ermon 2020, arXiv:1910.06222, for the sizes.
    """

    def __init__(
        self,
        dx: int,
        dy: int,
        width: int = 256,
        depth: int = 2,
        embedding: int = 32,
        skip: bool = False,
        activation: type[nn.Module] = nn.ReLU,
    ) -> None:
        super().__init__()
        self.phi = mlp([dx, *[width] * depth, embedding], activation)
        self.psi = mlp([dy, *[width] * depth, embedding], activation)
        self.phi_skip = nn.Linear(dx, embedding, bias=False) if skip else None
        self.psi_skip = nn.Linear(dy, embedding, bias=False) if skip else None

    def left(self, x: Float[Tensor, "*n dx"]) -> Float[Tensor, "*n k"]:
        return self.phi(x) if self.phi_skip is None else self.phi(x) + self.phi_skip(x)

    def right(self, y: Float[Tensor, "*m dy"]) -> Float[Tensor, "*m k"]:
        return self.psi(y) if self.psi_skip is None else self.psi(y) + self.psi_skip(y)
