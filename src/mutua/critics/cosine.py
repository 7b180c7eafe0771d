"""SimCLR's critic: cosine similarity over a temperature."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from mutua.types import InnerProduct, InputError, wide

__all__ = ["Cosine"]


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
