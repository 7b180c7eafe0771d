"""Learning by prediction: the label is what was done to the input, so nobody had to give one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jaxtyping import Int
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy

from mutua.types import Method, Step

__all__ = ["Predictive", "Puzzle"]

Puzzle = Callable[[Any, Generator], tuple[Tensor, Int[Tensor, " n"]]]
"""A batch to inputs (n, ...) and the class of each: what was done to it, or whatever else is to be told."""


class Predictive(Method):
    """Cross-entropy of telling the puzzle's classes from the encoder's output.

        loss = -mean_i log softmax(head(encode(x_i)))[label_i],  (x, label) = puzzle(batch)

    Args:
        encoder: inputs to vectors (n, d); what is kept.
        head: (n, d) to logits (n, classes), thrown away after training.
        puzzle: makes inputs and their classes of a batch.
    """

    def __init__(self, encoder: nn.Module, head: nn.Module, puzzle: Puzzle) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.puzzle = puzzle

    def step(self, batch: Any, generator: Generator) -> Step:
        inputs, labels = self.puzzle(batch, generator)  # (n, ...), (n,)
        logits = self.head(self.encoder(inputs).flatten(1)).float()  # (n, classes)
        right = (logits.detach().argmax(1) == labels).float().mean()
        return Step(cross_entropy(logits, labels), {"accuracy": 100 * right})

    def shown(self, images: Tensor, generator: Generator) -> dict[str, Tensor]:
        inputs, labels = self.puzzle(images, generator)
        found = {f"class {int(k)}": inputs[labels == k] for k in labels.unique()}
        return {"original": images, **{name: of for name, of in found.items() if len(of) == len(images)}}

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x).flatten(1)
