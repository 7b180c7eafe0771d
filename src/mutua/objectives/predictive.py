"""Learning by prediction: the label is what was done to the input, so nobody had to give one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn
from torch.nn.functional import embedding_bag, linear, pad

from mutua.objectives.batches import length
from mutua.objectives.telling import Told, entropy, told
from mutua.types import Batch, Method, Step

__all__ = ["Predictive", "Puzzle", "Puzzled"]


class Puzzled(NamedTuple):
    """What a puzzle makes of n examples.

    Args:
        inputs: what the encoder sees, m of them.
        labels: classes, k of them; label r is of example r mod n.
        parts: which inputs each label is told from, their vectors side by side; by default the r-th label from the
            r-th input. So pieces of an example are encoded once, however many pairs or orders are made of them.
    """

    inputs: Batch
    labels: Int[Tensor, " k"]
    parts: Int[Tensor, "k p"] | None = None


Puzzle = Callable[[Any, Generator], tuple[Any, ...]]
"""A batch of n examples to inputs and the class of each, as `Puzzled` or a tuple of its parts: what was done to an
example, or whatever else is to be told. Where it has an `entropy`, that is H(label) in nats by the task's own law;
where it has `shown(batch, generator)`, that is what a page shows of it."""


def _of_parts(head: nn.Module, z: Float[Tensor, "m d"], parts: Int[Tensor, "k p"]) -> Float[Tensor, "k classes"]:
    """head of the vectors of each label's parts, side by side."""
    if len(parts) > len(z) and isinstance(head, nn.Sequential) and isinstance(first := head[0], nn.Linear):
        # W [z_1, z_2] = W_1 z_1 + W_2 z_2: fewer inputs than labels pass through W, and their outputs are added.
        count = parts.shape[1]
        weight = first.weight.unflatten(1, (count, -1)).transpose(0, 1).flatten(0, 1)  # (p h, d)
        bias = None if first.bias is None else pad(first.bias, (0, (count - 1) * len(first.bias)))  # once a label
        each = linear(z, weight, bias).view(len(z) * count, -1)  # row i p + j: W_j z_i
        rows = parts * count + torch.arange(count, device=parts.device)
        return head[1:](embedding_bag(rows, each, mode="sum"))
    # index_select, whose backward pass adds rows; that of indexing sorts them first.
    return head(z.index_select(0, parts.flatten()).unflatten(0, parts.shape).flatten(1))  # of (k, p d)


class Predictive(Method):
    """Cross-entropy of telling the puzzle's classes from the encoder's output.

        loss = -mean_r log softmax(head([z_i, i in parts_r]))[label_r],  z = encoder(x),
        (x, label, parts) = puzzle(batch)

    Logs `accuracy`, percent of the batch, and `nats`, H(label) - loss, a bound on the information that the inputs
    give of the label. On examples not learned from, that is what the task taught: `mutua.evaluation.nats_learned`.

    Args:
        encoder: inputs to vectors (n, d); what is kept.
        head: (k, p d) to logits (k, classes), thrown away after training.
        puzzle: makes inputs and their classes of a batch.
    """

    def __init__(self, encoder: nn.Module, head: nn.Module, puzzle: Puzzle) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.puzzle = puzzle

    def _logits(self, batch: Any, generator: Generator) -> tuple[Float[Tensor, "k classes"], Int[Tensor, " k"]]:
        inputs, labels, parts = Puzzled(*self.puzzle(batch, generator))
        z = self.encoder(inputs).flatten(1)  # (m, d)
        return (self.head(z) if parts is None else _of_parts(self.head, z, parts)).float(), labels

    def step(self, batch: Any, generator: Generator) -> Step:
        found, labels = self._logits(batch, generator)
        says = told(found, labels, length(batch), getattr(self.puzzle, "entropy", None))
        loss = says.losses.mean()
        most = entropy(says.labels) if says.entropy is None else says.entropy
        return Step(loss, {"accuracy": 100 * says.right.mean(), "nats": most - loss.detach()})

    def told(self, batch: Any, generator: Generator) -> Told:
        """What it says of the labels that the generator draws, of each example of the batch."""
        return told(*self._logits(batch, generator), length(batch), getattr(self.puzzle, "entropy", None))

    def shown(self, batch: Batch, generator: Generator) -> dict[str, Batch]:
        if (shown := getattr(self.puzzle, "shown", None)) is not None:
            return {"original": batch, **shown(batch, generator)}
        inputs, labels, _ = Puzzled(*self.puzzle(batch, generator))
        found = {f"class {int(k)}": inputs[labels == k] for k in labels.unique()}
        return {"original": batch, **{name: of for name, of in found.items() if len(of) == len(batch)}}

    def encode(self, x: Batch) -> Tensor:
        return self.encoder(x).flatten(1)
