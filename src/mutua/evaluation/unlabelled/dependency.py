"""How much the columns of a representation depend on each other."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn
from torch.nn.functional import softplus

from mutua.evaluation.features import check_features
from mutua.training import Plan, descend, shuffled_batches
from mutua.types import InputError

__all__ = ["dependency", "shuffled_columns"]


def shuffled_columns(y: Float[Tensor, "n d"], generator: Generator) -> Float[Tensor, "n d"]:
    """Each column's values in an order of their own: rows drawn from the product of the margins."""
    keys = torch.rand(y.shape, generator=generator).argsort(0).to(y.device)
    return y.gather(0, keys)


def dependency(
    features: Float[np.ndarray, "n d"],
    *,
    hidden: int = 256,
    steps: int = 500,
    batch: int = 256,
    rate: float = 1e-3,
    seed: int = 0,
) -> float:
    """Total correlation KL(p(y) || prod_j p(y_j)) of features' columns in nats, as a network tells: a lower bound.

    A network of two hidden layers learns by logistic loss to tell rows from rows whose columns were shuffled
    each by itself, on two thirds of the rows; of the others Donsker and Varadhan's bound is read. Columns are
    standardised. What the network can't tell isn't counted; of few rows held out a large value is noise, as that
    bound's variance grows with exp of its value.

    Raises `InputError` for fewer than 30 rows, or one column.

    Paper: the neural dependency measure of Hjelm et al. 2019, arXiv:1808.06670, section 4.
    """
    check_features(features, "features")
    n, d = features.shape
    if n < 30 or d < 2:
        raise InputError(f"features: {n} rows of {d} columns; give 30 rows and 2 columns at least")
    generator = Generator().manual_seed(seed)
    scale = features.std(0)
    y = torch.from_numpy(((features - features.mean(0)) / np.where(scale > 0, scale, 1)).astype(np.float32))
    y = y[torch.randperm(n, generator=generator)]
    learn, judge = y[: 2 * n // 3], y[2 * n // 3 :]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = nn.Sequential(
            nn.Linear(d, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1)
        )

    def loss(rows: Tensor) -> Tensor:
        real = learn[rows]
        scores = net(torch.cat([real, shuffled_columns(real, generator)]))
        return softplus(-scores[: len(rows)]).mean() + softplus(scores[len(rows) :]).mean()

    plan = Plan(epochs=steps, optimizer="adam", lr=rate, weight_decay=0.0)
    descend(loss, net.parameters(), shuffled_batches(len(learn), batch, generator), plan)
    with torch.no_grad():
        joint = net(judge).mean()
        product = torch.stack([net(shuffled_columns(judge, generator)) for _ in range(8)]).flatten()
        return float(joint - torch.logsumexp(product, 0) + np.log(len(product)))
