"""The base of optimizers that are written here."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

__all__ = ["ByTensor"]


class ByTensor(Optimizer):
    """Moves each parameter that has a gradient by itself: subclasses say how, in `move`."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self.move_all([w for w in group["params"] if w.grad is not None], group)
        return loss

    def move_all(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        """Change the weights of a group in place along their gradients."""
        for w in weights:
            self.move(w, group)

    def move(self, w: Tensor, group: dict[str, Any]) -> None:
        """Change w in place along w.grad, with the settings of its group."""
        raise NotImplementedError
