"""A bijection trained against a linear classifier that is fitted to its minimum again and again."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from mutua.encoders import Couplings
from mutua.evaluation.probes.many_heads import solve_many
from mutua.studies.information_and_use.halves import Halves
from mutua.training import Plan, descend, shuffled_batches

__all__ = ["fitted_classifier", "spoil"]


def spoil(flow: Couplings, data: Halves, *, steps: int, refit: int, rate: float, batch: int, seed: int) -> None:
    """Bring the classifier's probabilities of the upper half's code to even ones, by Adam, in place.

    The loss is cross-entropy to the uniform label, as published. Published code takes ten steps of the classifier
    for each of the encoder, at a hundred times its rate; at other ratios the two chase each other. Here the
    classifier is at its minimum after every `refit` steps.
    """
    labels = torch.from_numpy(data.labels)
    classes = int(data.labels.max()) + 1
    generator = Generator().manual_seed(seed)
    for start in range(0, steps, refit):
        head = fitted_classifier(flow, data, labels, classes)

        def objective(rows: Tensor, head: nn.Linear = head) -> Tensor:
            return -F.log_softmax(head(flow(data.upper[rows])), 1).mean()

        many = min(refit, steps - start)
        plan = Plan(epochs=many, optimizer="adam", lr=rate, weight_decay=0.0, schedule="constant")
        descend(objective, flow.parameters(), shuffled_batches(len(labels), batch, generator), plan)


def fitted_classifier(flow: nn.Module, data: Halves, labels: Tensor, classes: int, rows: int = 5_000) -> nn.Linear:
    """A linear classifier of the code of the first rows, fitted to the minimum at C = 1 on standardised
    columns."""
    with torch.no_grad():
        z = flow(data.upper[:rows])
    mean, spread = z.mean(0), z.std(0).clamp_min(1e-3)
    heads = solve_many(
        ((z - mean) / spread)[None], labels[None, :rows], classes, torch.tensor([1.0]), steps=200, tol=1e-3
    )
    head = nn.Linear(z.shape[1], classes)
    weight = heads.weight[0, 0].T / spread
    with torch.no_grad():
        head.weight.copy_(weight)
        head.bias.copy_(heads.bias[0, 0] - weight @ mean)
    return head.requires_grad_(False)
