"""How well a task's classes are told, which bounds what is learned: the one unit, nats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor
from torch.nn.functional import cross_entropy

__all__ = ["Telling", "Told", "entropy", "told"]


@dataclass(frozen=True)
class Told:
    """What a method said of labels that are known, of n examples with one label or more each.

        I(label; input) >= H(label) - E[-log q(label | input)], with equality where q is the posterior

    Args:
        losses: -log q(label | input) in nats, the mean over each example's labels.
        right: the share of each example's labels that q thought the likeliest.
        labels: how often each class was the label; soft labels count by their shares.
        entropy: H(label) in nats, where the task draws its labels from a known law; else it is that of `labels`.

    Paper: Barber and Agakov 2003, The IM Algorithm: A Variational Approach to Information Maximization.
    """

    losses: Float[Tensor, " n"]
    right: Float[Tensor, " n"]
    labels: Float[Tensor, " classes"]
    entropy: float | None = None


@runtime_checkable
class Telling(Protocol):
    """A method that predicts classes, so that what it learned has a unit. `Predictive` is one."""

    def told(self, batch: Any, generator: Generator) -> Told:
        """What it says of the labels that the generator draws of a batch of examples."""
        ...


def entropy(labels: Float[Tensor, " classes"]) -> Float[Tensor, ""]:
    """-sum_k p_k log p_k in nats, p the share of each class.

    >>> round(float(entropy(torch.tensor([5.0, 5.0, 0.0]))), 4)
    0.6931
    """
    return torch.special.entr(labels / labels.sum()).sum()


def told(
    logits: Float[Tensor, "m classes"], labels: Int[Tensor, " m"], n: int, known: float | None = None
) -> Told:
    """`Told` of logits. Label r is of example r mod n, as puzzles lay them out.

    Args:
        n: examples, each with m / n labels.
        known: H(label), where the task's law gives it.
    """
    losses = cross_entropy(logits.float(), labels, reduction="none")  # (m,)
    right = (logits.argmax(1) == labels).float()
    # No bincount: it makes the host wait for CUDA.
    counts = torch.zeros(logits.shape[1], device=logits.device).index_add_(0, labels, torch.ones_like(right))
    return Told(losses.view(-1, n).mean(0), right.view(-1, n).mean(0), counts, known)
