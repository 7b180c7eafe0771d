"""The make "layers": square linear layers and monotone maps between them, each unit with a map of its own.

    f(h) = e h + sum_k [p_k (u + r)/2 + q_k (u - r)/2],  u = h - m_k,  r = sqrt(u^2 + c_k^2)

with e, p_k, q_k, c_k > 0 held as logarithms: f' = e + sum_k [p_k (1 + u/r)/2 + q_k (1 - u/r)/2] > e. Each term is
a slope that goes from q_k to p_k at the knee m_k, over a width c_k; c_k -> 0 is a leaky ReLU.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from mutua.ica.flow.base import Parted, orthogonal
from mutua.kernels.ica.flow import Layers, Passed, backward, forward, room

__all__ = ["Layered", "plain", "torch_layers"]


class Layered(Parted):
    """`maps` monotone maps of `knees` knees between maps + 1 linear layers, in d channels."""

    def __init__(self, d: int, maps: int, knees: int) -> None:
        self.d, self.maps, self.knees = d, maps, knees
        self.shapes = [(maps + 1, d, d), (maps + 1, d), (maps, d), *[(maps, d, knees)] * 4]
        self.linear = maps + 1
        self._room: Passed | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Scratch arrays are no state: memory-mapped, as joblib unpickles them, they couldn't be written.
        return {**vars(self), "_room": None}

    def start(self, rng: np.random.Generator) -> Float[np.ndarray, " size"]:
        """Random orthogonal layers; maps that are the identity, with knees over the whitened range."""
        theta = np.zeros(self.size, np.float32)
        weight, _, base, up, down, knee, width = self.parts(theta)
        orthogonal(weight, rng)
        base[:] = math.log(0.1)
        up[:] = down[:] = math.log(0.9 / self.knees)
        knee[:] = np.linspace(-1.5, 1.5, self.knees) if self.knees > 1 else 0.0
        width[:] = math.log(0.7)
        return theta

    def run(
        self, theta: Float[np.ndarray, " size"], x: Float[np.ndarray, "m d"], rows: Int64[np.ndarray, " n"]
    ) -> LayeredPass:
        theta = theta.astype(x.dtype, copy=False)
        layers = plain(self, theta)
        kept = self._room
        if kept is None or kept.sources.shape[1] != len(rows) or kept.sources.dtype != x.dtype:
            kept = self._room = room(layers, len(rows))
        return LayeredPass(self, theta, layers, forward(layers, x, rows, kept))

    def inverse(self, theta: Float[np.ndarray, " size"], s: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        layers = plain(self, theta.astype(np.float64))
        z = s.T.astype(np.float64)
        for at in range(self.maps, -1, -1):
            z = np.linalg.solve(layers.weight[at], z - layers.bias[at][:, None])
            if at:
                z = _unbent(layers, at - 1, z)
        return np.ascontiguousarray(z.T)


class LayeredPass:
    """Rows that went through `Layered`."""

    def __init__(self, make: Layered, theta: np.ndarray, layers: Layers, passed: Passed) -> None:
        self._make, self._theta, self._layers, self._passed = make, theta, layers, passed

    @property
    def sources(self) -> Float[np.ndarray, "d n"]:
        return self._passed.sources

    def log_det(self) -> Float[np.ndarray, " n"]:
        volume = np.linalg.slogdet(self._layers.weight.astype(np.float64))[1].sum()
        return volume + np.log(self._passed.first).sum((0, 1), dtype=np.float64)

    def back(self, score: Float[np.ndarray, "d n"]) -> Float[np.ndarray, " size"]:
        found = backward(self._layers, self._passed, score)
        one = 1 / score.shape[1]
        gradient = np.empty_like(self._theta)
        _, _, base, up, down, _, _ = self._make.parts(self._theta)
        weight, bias, g_base, g_up, g_down, knee, width = self._make.parts(gradient)
        weight[:] = one * found.weight - np.linalg.inv(self._layers.weight).transpose(0, 2, 1)
        bias[:] = one * found.bias
        g_base[:] = one * found.slope * np.exp(base)
        slope = found.slope[..., None]
        g_up[:] = 0.5 * one * np.exp(up) * (slope + found.jump)
        g_down[:] = 0.5 * one * np.exp(down) * (slope - found.jump)
        knee[:] = one * found.knee
        width[:] = one * found.width * self._layers.width
        return gradient


def plain(make: Layered, theta: Float[np.ndarray, " size"]) -> Layers:
    """The parameters as the kernel takes them: a = e + sum (p + q)/2, D = (p - q)/2 (the shifts go with the bias
    of the next layer)."""
    weight, bias, base, up, down, knee, width = make.parts(theta)
    p, q = np.exp(up), np.exp(down)
    half = theta.dtype.type(0.5)
    return Layers(weight, bias, np.exp(base) + half * (p + q).sum(-1), half * (p - q), knee, np.exp(width))


def torch_layers(make: Layered, theta: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Sources (n, d) and log|det ds/dx| (n,) by torch: the slow twin of the kernel, and what CUDA runs."""
    weight, bias, base, up, down, knee, width = make.parts(theta)
    p, q, c = up.exp(), down.exp(), width.exp()
    slope, jump = base.exp() + 0.5 * (p + q).sum(-1), 0.5 * (p - q)
    log_det = torch.linalg.slogdet(weight)[1].sum().expand(len(x))
    for at in range(make.maps):
        h = x @ weight[at].T + bias[at]  # (n, d)
        u = h[..., None] - knee[at]  # (n, d, k)
        r = (u**2 + c[at] ** 2).sqrt()
        x = slope[at] * h + (jump[at] * r).sum(-1)
        log_det = log_det + (slope[at] + (jump[at] * u / r).sum(-1)).log().sum(-1)
    return x @ weight[-1].T + bias[-1], log_det


def _unbent(layers: Layers, at: int, z: Float[np.ndarray, "d n"]) -> Float[np.ndarray, "d n"]:
    """h with f(h) = z: Newton's steps, halving the bracket instead where one leaves it."""
    a, jump, knee, width = (part[at][..., None] for part in layers[2:])
    least = a - np.abs(jump).sum(1)  # (d, 1), below every slope

    def bent(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, slope = a * h, np.broadcast_to(a, h.shape).copy()
        for k in range(jump.shape[1]):
            u = h - knee[:, k]
            r = np.sqrt(u**2 + width[:, k] ** 2)
            value += jump[:, k] * r
            slope += jump[:, k] * u / r
        return value, slope

    h = np.zeros_like(z)
    reach = np.abs(bent(h)[0] - z) / least * (1 + 1e-12)
    low, high = -reach, reach
    for _ in range(200):
        value, slope = bent(h)
        low, high = np.where(value <= z, h, low), np.where(value >= z, h, high)
        step = h - (value - z) / slope
        new = np.where((step > low) & (step < high), step, 0.5 * (low + high))
        moved = np.abs(new - h) / (1 + np.abs(h))
        h = new
        if moved.max(initial=0.0) <= 4e-16:
            break
    return h
