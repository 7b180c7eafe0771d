"""The make "coupling": blocks of a linear layer and an affine coupling whose scale and shift a network makes.

    z = W x + b,   y_1 = z_1,   y_2 = z_2 exp(2 tanh(a(z_1))) + t(z_1),   (a, t)(z) = B tanh(A z + c) + e

with z_1 the first half of z. Nothing here is elementwise, as the layers of the published mixtures are: what it
finds it does not owe to being of the generator's form.

Paper: Dinh, Sohl-Dickstein and Bengio, Density estimation using Real NVP (2017).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mutua.ica.flow.base import Parted, orthogonal
from mutua.types import InputError

__all__ = ["Coupled"]

_MOST = 2.0


class Coupled(Parted):
    """`blocks` blocks with networks of `hidden` units, and a last linear layer, in d >= 2 channels."""

    def __init__(self, d: int, blocks: int, hidden: int = 64) -> None:
        if d < 2:
            raise InputError(f"make: a coupling needs two channels at least, and there is {d}; use make='layers'")
        self.d, self.blocks, self.hidden, self.cut = d, blocks, hidden, d // 2
        self.linear = blocks + 1
        rest = d - self.cut
        self.shapes = [
            (blocks + 1, d, d),
            (blocks + 1, d),
            (blocks, hidden, self.cut),
            (blocks, hidden),
            (blocks, 2 * rest, hidden),
            (blocks, 2 * rest),
        ]

    def start(self, rng: np.random.Generator) -> Float[np.ndarray, " size"]:
        """Random orthogonal layers and small couplings."""
        theta = np.zeros(self.size, np.float32)
        weight, _, inner, offset, outer, _ = self.parts(theta)
        orthogonal(weight, rng)
        inner[:] = rng.standard_normal(inner.shape) / math.sqrt(self.cut)
        offset[:] = rng.standard_normal(offset.shape)
        outer[:] = 0.1 * rng.standard_normal(outer.shape) / math.sqrt(self.hidden)
        return theta

    def forward(self, theta: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Sources (n, d) and log|det ds/dx| (n,)."""
        weight, bias, inner, offset, outer, last = self.parts(theta)
        log_det = torch.linalg.slogdet(weight)[1].sum().expand(len(x))
        for at in range(self.blocks):
            z = torch.addmm(bias[at], x, weight[at].T)
            held, moved = z[:, : self.cut], z[:, self.cut :]
            units = torch.tanh(torch.addmm(offset[at], held, inner[at].T))
            scale, shift = torch.addmm(last[at], units, outer[at].T).chunk(2, 1)
            scale = _MOST * torch.tanh(scale)
            x = torch.cat([held, moved * scale.exp() + shift], 1)
            log_det = log_det + scale.sum(1)
        return torch.addmm(bias[-1], x, weight[-1].T), log_det

    def inverse(self, theta: Float[np.ndarray, " size"], s: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        weight, bias, inner, offset, outer, last = self.parts(theta.astype(np.float64))
        x = np.linalg.solve(weight[-1], s.T - bias[-1][:, None]).T
        for at in reversed(range(self.blocks)):
            held, moved = x[:, : self.cut], x[:, self.cut :]
            made = np.tanh(held @ inner[at].T + offset[at]) @ outer[at].T + last[at]
            scale, shift = np.split(made, 2, 1)
            z = np.hstack([held, (moved - shift) * np.exp(-_MOST * np.tanh(scale))])
            x = np.linalg.solve(weight[at], z.T - bias[at][:, None]).T
        return np.ascontiguousarray(x)
