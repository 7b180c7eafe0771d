"""A flow whose forward pass is written in torch, and whose way back is autograd's: any make, any device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

__all__ = ["Torched"]

Forward = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""theta (size,) and x (n, d) to sources (n, d) and log|det ds/dx| (n,)."""
Start = Callable[[np.random.Generator], np.ndarray]
Inverse = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Torched:
    """A `Make` of a forward pass in torch on `device`."""

    def __init__(
        self, d: int, size: int, linear: int, start: Start, forward: Forward, inverse: Inverse, device: str
    ) -> None:
        self.d, self.size, self.linear, self.device = d, size, linear, device
        self._start, self._forward, self._inverse = start, forward, inverse
        self._rows: tuple[np.ndarray, Tensor] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_rows": None}  # the training rows are no state

    def start(self, rng: np.random.Generator) -> Float[np.ndarray, " size"]:
        return self._start(rng)

    def inverse(self, theta: Float[np.ndarray, " size"], s: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        return self._inverse(theta, s)

    def run(
        self, theta: Float[np.ndarray, " size"], x: Float[np.ndarray, "m d"], rows: Int64[np.ndarray, " n"]
    ) -> TorchedPass:
        if self._rows is None or self._rows[0] is not x:
            self._rows = (x, torch.as_tensor(x, device=self.device))  # sent to the device once
        kept = self._rows[1]
        parameters = torch.as_tensor(theta, dtype=kept.dtype, device=self.device).requires_grad_()
        with torch.enable_grad():
            sources, log_det = self._forward(parameters, kept[torch.as_tensor(rows, device=self.device)])
        return TorchedPass(parameters, sources, log_det)


class TorchedPass:
    """Rows that went through `Torched`, with their graph."""

    def __init__(self, theta: Tensor, sources: Tensor, log_det: Tensor) -> None:
        self._theta, self._out, self._log_det = theta, sources, log_det
        self.sources: Float[np.ndarray, "d n"] = np.ascontiguousarray(sources.detach().cpu().numpy().T)

    def log_det(self) -> Float[np.ndarray, " n"]:
        return self._log_det.detach().cpu().numpy().astype(np.float64)

    def back(self, score: Float[np.ndarray, "d n"]) -> Float[np.ndarray, " size"]:
        pull = torch.as_tensor(score.T, dtype=self._out.dtype, device=self._out.device)
        loss = ((self._out * pull).sum() - self._log_det.sum()) / len(self._out)
        (gradient,) = torch.autograd.grad(loss, self._theta)
        return gradient.cpu().numpy()
