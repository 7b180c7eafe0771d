"""Networks as they were in the best part of a training, by a rule that needs no labels."""

from __future__ import annotations

import copy

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutua.types import InputError

__all__ = ["BestPart"]


class BestPart(nn.Module):
    """Training is cut into `parts` equal ones; the networks are kept as they were at the end of the part whose
    figure was lowest on average, of those that are allowed; after the last step they are that again.

    For games, whose last step is no better than another. Copies and sums are frozen parameters and buffers, so
    that a checkpoint holds them. Where no part was allowed the networks stay as they are.

    Args:
        networks: what is kept.
        parts: of a training.
    """

    sums: Float[Tensor, 3]
    best: Float[Tensor, 2]

    def __init__(self, networks: nn.Module, parts: int = 20) -> None:
        super().__init__()
        if parts < 1:
            raise InputError(f"parts: {parts}; cut the training into 1 or more")
        self.parts = parts
        self.copies = copy.deepcopy(networks).requires_grad_(False)
        self.register_buffer("sums", torch.zeros(3))  # of figures, of allowances, their number
        self.register_buffer("best", torch.tensor([torch.inf, -1.0]))  # the figure, the part
        self.waiting: list[tuple[Tensor, Tensor]] = []

    def note(self, figure: Tensor, allowance: Tensor) -> None:
        """Hand in a batch's figure, and what must be positive on average for its part to be allowed."""
        if self.training:
            self.waiting.append((figure.detach(), allowance.detach()))

    @torch.no_grad()
    def stepped(self, networks: nn.Module, step: int, steps: int) -> None:
        """What was handed in counts; at the end of a part the networks are kept, at the end of all put back."""
        for figure, allowance in self.waiting:
            self.sums += torch.stack([figure, allowance, torch.ones_like(figure)]).to(self.sums)
        self.waiting = []
        part = step * self.parts // steps
        if (step + 1) * self.parts // steps == part and step + 1 < steps:
            return
        figure, allowance, count = self.sums.tolist()
        self.sums.zero_()
        if count and allowance > 0 and figure / count < float(self.best[0]):
            self.best.copy_(torch.tensor([figure / count, float(part)]))
            _copy(networks, self.copies)
        if step + 1 == steps and float(self.best[1]) >= 0:
            _copy(self.copies, networks)


def _copy(source: nn.Module, target: nn.Module) -> None:
    for a, b in zip(target.state_dict().values(), source.state_dict().values(), strict=True):
        a.copy_(b)
