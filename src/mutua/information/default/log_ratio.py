"""The critic of the default estimator: a Gaussian's log ratio plus what a separable network adds to it.

Several are trained as one (one for each fold of a cross-fit): every parameter carries a leading axis of folds,
so that a step is a few batched matrix products instead of many small ones.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor, nn
from torch.nn.functional import silu

from mutua.information.estimators.gaussian import Canonical
from mutua.types import InnerProduct

__all__ = ["LogRatio", "Stacked", "narrow", "wide"]

Views = Float[Tensor, "f columns q"]


def wide(folds: int, columns: int) -> Views:
    """What a network sees of a side: every column."""
    return torch.eye(columns).expand(folds, columns, columns)


def narrow(directions: Sequence[ndarray], columns: int) -> Views:
    """What a network sees of a side: a few canonical directions of its d leading columns, and the other columns.

    `directions` are (d, k) each, k differing from fold to fold; the missing ones are columns of zeros.

    With many columns and few rows a network of all of them learns noise; where the dependence lives near the
    directions that correlate, this one learns it.
    """
    most = max(one.shape[1] for one in directions)
    d = directions[0].shape[0]
    views = torch.zeros(len(directions), columns, most + columns - d)
    for f, one in enumerate(directions):
        views[f, :d, : one.shape[1]] = torch.from_numpy(one)
    views[:, d:, most:] = torch.eye(columns - d)
    return views


class Stacked(nn.Module):
    """f MLPs of the same sizes, SiLU between layers, as one: (f, n, sizes[0]) -> (f, n, sizes[-1])."""

    def __init__(self, folds: int, sizes: Sequence[int], generator: torch.Generator, last: float = 1.0) -> None:
        super().__init__()
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for depth, (a, b) in enumerate(pairwise(sizes), 1):
            bound = (last if depth == len(sizes) - 1 else 1.0) / math.sqrt(a)
            self.weights.append(nn.Parameter((torch.rand(folds, a, b, generator=generator) * 2 - 1) * bound))
            self.biases.append(nn.Parameter(torch.zeros(folds, 1, b)))

    def forward(self, x: Float[Tensor, "f n a"]) -> Float[Tensor, "f n b"]:
        for depth, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, silu(x) if depth else x, weight)
        return x


# Of a canonical correlation: the terms of a ratio beyond (6.9 nats a direction) cancel to noise in float32.
LARGEST = math.sqrt(1 - 1e-6)
# Of a canonical variate or an input of a network, which have unit variance on training rows. Where columns there
# are nearly collinear (pixels at an edge, almost always 0 together), a direction divides by next to nothing, and a
# held-out row in which they part would be thousands of deviations out, and its score millions of nats.
FARTHEST = 12.0


class LogRatio(InnerProduct):
    """T(x, y) = log r_G(x, y) + <phi(x), psi(y)> + a(x) + b(y), for f folds at once.

    r_G is the Gaussian ratio of the fold's training rows, fixed (1 where its `Canonical` has no correlations);
    phi, psi, a and b are networks of fixed linear views of the columns. It is one inner product, of

        left  = [phi(x)/sqrt(e), rho u / (1 - rho^2), a(x) - sum rho^2 u^2 / 2(1 - rho^2) + c, 1]
        right = [psi(y), v, 1, b(y) - sum rho^2 v^2 / 2(1 - rho^2)].

    psi and a start near zero, so training starts at the Gaussian, and stops there where nothing does better.

    Args:
        found: one a fold; its directions multiply the leading columns of x and y.
        x_views, y_views: (f, columns, q), what the networks see: `wide` or `narrow`.
    """

    def __init__(
        self,
        found: Sequence[Canonical],
        x_views: Float[Tensor, "f dx qx"],
        y_views: Float[Tensor, "f dy qy"],
        width: int,
        depth: int,
        embedding: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.x_views: Tensor
        self.y_views: Tensor
        self.directions_x: Tensor
        self.directions_y: Tensor
        self.slope: Tensor
        self.curvature: Tensor
        self.constant: Tensor
        folds = len(found)
        most = max((len(one.correlations) for one in found), default=0)
        rho = torch.zeros(folds, 1, most, dtype=torch.float64)
        left = torch.zeros(folds, len(found[0].left), most)
        right = torch.zeros(folds, len(found[0].right), most)
        for f, one in enumerate(found):
            k = len(one.correlations)
            rho[f, 0, :k] = torch.from_numpy(one.correlations).clamp(-LARGEST, LARGEST)
            left[f, :, :k] = torch.from_numpy(one.left)
            right[f, :, :k] = torch.from_numpy(one.right)
        squared = rho**2
        self.register_buffer("x_views", x_views.contiguous())
        self.register_buffer("y_views", y_views.contiguous())
        self.register_buffer("directions_x", left)
        self.register_buffer("directions_y", right)
        self.register_buffer("slope", (rho / (1 - squared)).float())
        self.register_buffer("curvature", (0.5 * squared / (1 - squared)).float())
        self.register_buffer("constant", -0.5 * torch.log1p(-squared).sum(-1, keepdim=True).float())  # (f, 1, 1)
        self.embedding = embedding
        hidden = [width] * depth
        self.phi = Stacked(folds, [x_views.shape[-1], *hidden, embedding + 1], generator)
        self.psi = Stacked(folds, [y_views.shape[-1], *hidden, embedding + 1], generator, last=0.1)
        with torch.no_grad():
            self.phi.weights[-1][..., -1] *= 0.1

    def _gaussian(self, x: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
        variates = (x[..., : directions.shape[1]] @ directions).clamp(-FARTHEST, FARTHEST)  # (f, n, k)
        return variates, (self.curvature * variates * variates).sum(-1, keepdim=True)

    def left(self, x: Float[Tensor, "f n dx"]) -> Float[Tensor, "f n k"]:
        phi = self.phi((x @ self.x_views).clamp(-FARTHEST, FARTHEST))  # (f, n, e + 1)
        u, bend = self._gaussian(x, self.directions_x)
        own = phi[..., self.embedding :] - bend + self.constant  # (f, n, 1)
        scaled = phi[..., : self.embedding] / math.sqrt(self.embedding)
        return torch.cat([scaled, u * self.slope, own, torch.ones_like(own)], -1)

    def right(self, y: Float[Tensor, "f m dy"]) -> Float[Tensor, "f m k"]:
        psi = self.psi((y @ self.y_views).clamp(-FARTHEST, FARTHEST))  # (f, m, e + 1)
        v, bend = self._gaussian(y, self.directions_y)
        own = psi[..., self.embedding :] - bend  # (f, m, 1)
        return torch.cat([psi[..., : self.embedding], v, torch.ones_like(own), own], -1)

    def fold(self, k: int, state: Mapping[str, Tensor] | None = None) -> LogRatio:
        """A copy that holds fold k alone; with `state`, under those parameters instead of its own."""
        one = copy.deepcopy(self)
        with torch.no_grad():
            for name, parameter in one.named_parameters():
                parameter.data = (parameter if state is None else state[name])[k : k + 1].clone()
            for buffer in one.buffers():
                buffer.data = buffer[k : k + 1].clone()
        return one
