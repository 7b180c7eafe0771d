"""A running average of the weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

__all__ = ["Average"]


class Average:
    """w' <- d w' + (1 - d) w after every step, of all floating parameters and buffers; nothing where d = 0.

    Paper: Polyak and Juditsky 1992, Acceleration of stochastic approximation by averaging.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module = module
        self.decay = decay
        self.state: dict[str, Tensor] = {}
        if decay:
            self.state = {name: value.clone() for name, value in self._floats().items()}

    def _floats(self) -> dict[str, Tensor]:
        state = self.module.state_dict()
        return {name: value.detach() for name, value in state.items() if value.is_floating_point()}

    @torch.no_grad()
    def update(self) -> None:
        if self.decay:
            now = self._floats()
            for name, value in self.state.items():
                # Under mixed precision a buffer may have become one of bfloat16: the average stays what it was.
                value.lerp_(now[name].to(value.dtype), 1 - self.decay)

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        for name, value in self.state.items():
            value.copy_(state[name])

    @torch.no_grad()
    def apply(self) -> None:
        """Put the average in the place of the weights."""
        if self.decay:
            for name, value in self._floats().items():
                value.copy_(self.state[name])
