"""Small methods and data for the tests of training."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from mutua.types import Method, Step


class Numbers:
    """Rows of d normal numbers."""

    def __init__(self, n: int = 40, d: int = 4) -> None:
        self.values = torch.randn(n, d, generator=Generator().manual_seed(3))

    def __len__(self) -> int:
        return len(self.values)

    def take(self, index: Tensor) -> Tensor:
        return self.values[index]


class Toy(Method):
    """Has a bit of all that a checkpoint must hold: batch norm, dropout, a queue, noise of the generator."""

    def __init__(self, d: int = 4, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layers = (nn.Linear(d, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3), nn.Linear(6, 3))
            self.encoder = nn.Sequential(*layers)
            self.register_buffer("queue", torch.randn(8, 3))

    def step(self, batch: Tensor, generator: Generator) -> Step:
        noisy = batch + 0.1 * torch.randn(batch.shape, generator=generator)
        z = self.encoder(noisy)
        assert isinstance(self.queue, Tensor)
        loss = (z @ self.queue.T).logsumexp(1).mean() + (z - batch[:, :3]).square().mean()
        with torch.no_grad():
            self.queue = torch.cat([self.queue[len(z) :], z[-8:]]) if len(z) < 8 else z[-8:].clone()
        return Step(loss, {"norm": z.detach().norm(dim=1).mean()})

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x)


class Regression(Method):
    """Mean squared error of a linear map to the first column: gradients that a hand can compute."""

    def __init__(self, d: int = 4) -> None:
        super().__init__()
        self.linear = nn.Linear(d, 1)
        nn.init.constant_(self.linear.weight, 0.5)
        nn.init.constant_(self.linear.bias, 0.1)

    def step(self, batch: Tensor, generator: Generator) -> Step:
        return Step((self.linear(batch)[:, 0] - batch[:, 0]).square().mean())

    def encode(self, x: Tensor) -> Tensor:
        return self.linear(x)


def same(a: nn.Module, b: nn.Module) -> bool:
    """Whether every weight and buffer is equal, bit for bit."""
    left, right = a.state_dict(), b.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)
