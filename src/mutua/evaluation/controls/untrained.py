"""The control that costs nothing: the same network, untrained."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from mutua.evaluation.features import inputs, placed
from mutua.training import calibrate
from mutua.types import InputError, Rows

__all__ = ["RANDOM", "RANDOM_NOTE", "random_twin"]

RANDOM = "random weights, BN calibrated"
"""What tables call it."""

RANDOM_NOTE = (
    "The random encoder has the statistics of its batch norms set by one pass over the training examples: "
    "untrained networks are judged too low without."
)

Network = TypeVar("Network", bound=nn.Module)


def random_twin(
    build: Callable[[], Network],
    examples: Rows,
    *,
    seed: int = 0,
    batch: int = 512,
    device: torch.device | str = "cpu",
) -> Network:
    """The network that `build` makes, its weights random by `seed`, its batch norms calibrated; in eval mode.

    Fresh batch norms hold mean 0 and variance 1, which is wrong for every layer, and an untrained network is
    then a worse control than it need be. One pass of `examples` with only the batch norms in train mode
    sets their statistics to the averages over all. Columns that the network standardises are calibrated likewise.
    torch's own generator is left as it was.

    Raises `InputError` for fewer than two examples: one has no variance.

    >>> twin = random_twin(lambda: nn.Sequential(nn.Flatten(), nn.BatchNorm1d(1)), _Numbers([1.0, 3.0]))
    >>> twin[1].running_mean.tolist()
    [2.0]
    """
    n = len(examples)
    if n < 2:
        raise InputError(f"examples: {n} cannot set the statistics of batch norm; give at least two")
    place = torch.device(device)
    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        torch.manual_seed(seed)
        network = build()
        calibrate(network, examples)
        network = network.to(place).eval()
        norms = [m for m in network.modules() if isinstance(m, _NormBase) and m.track_running_stats]
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # torch's word for the plain average over batches
            norm.train()
        with torch.no_grad():
            # Pieces of nearly one size, each of two or more, so that they weigh the same.
            for rows in torch.arange(n).tensor_split(-(-n // max(batch, 2))) if norms else ():
                network(placed(inputs(examples.take(rows)), place))
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
    return network.eval()


class _Numbers:
    """Rows of one number each, for the example above."""

    def __init__(self, values: list[float]) -> None:
        self.values = torch.tensor(values)[:, None]

    def __len__(self) -> int:
        return len(self.values)

    def take(self, index: torch.Tensor) -> torch.Tensor:
        return self.values[index]
