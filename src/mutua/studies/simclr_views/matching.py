"""Which views belong together, told from the histograms of their pixels alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from scipy.stats import t as student
from torch import Generator, Tensor, nn

from mutua.bounds import infonce, infonce_loss
from mutua.critics import Dot
from mutua.scores import paired
from mutua.training import Plan, descend
from mutua.types import Critic, InnerProduct, View

__all__ = ["Reading", "histograms", "nearest", "read", "trained", "views_of"]


@dataclass(frozen=True)
class Reading:
    """Of batches of K pairs: means, with halves of their 95 % intervals over batches (Student's t).

    Args:
        size: K, views among which each one's mate is looked for.
        batches: read.
        top1: share of views whose mate scores highest.
        nats: InfoNCE.
    """

    size: int
    batches: int
    top1: float
    top1_half: float
    nats: float
    nats_half: float


def histograms(images: UInt8[Tensor, "n c h w"], bins: int) -> Float[Tensor, "n k"]:
    """Square roots of the shares of pixels in each bin of each channel, k = c bins, as one vector of length 1.

    The inner product of two is the mean over channels of the Bhattacharyya coefficient sum_b sqrt(p_b q_b).
    """
    n, c = images.shape[:2]
    code = (images.flatten(2).long() * bins) // 256 + bins * torch.arange(c).view(1, c, 1)
    counts = torch.zeros(n, c * bins).scatter_add_(1, code.flatten(1), torch.ones(n, code[0].numel()))
    return (counts / counts.sum(1, keepdim=True)).sqrt()


def views_of(
    images: UInt8[Tensor, "n c h w"], view: View, bins: int, generator: Generator
) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"]]:
    """Histograms of two views of each image."""
    first, second = (histograms(view(images, generator), bins) for _ in range(2))
    return first, second


class Nearest(Dot):
    """T(x, y) = <x, y> / temperature of root histograms: the nearest in Hellinger distance scores highest.

    Paper: Bhattacharyya 1943, Bulletin of the Calcutta Mathematical Society 35:99.
    """

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def left(self, x: Float[Tensor, "*n k"]) -> Float[Tensor, "*n k"]:
        return x / self.temperature

    def right(self, y: Float[Tensor, "*m k"]) -> Float[Tensor, "*m k"]:
        return y


def nearest(a: Float[Tensor, "n k"], b: Float[Tensor, "n k"], size: int) -> Nearest:
    """The matcher at the temperature of the highest InfoNCE on these pairs, which are not those it is read on."""
    grid = np.geomspace(0.002, 1.0, 28)
    return max((Nearest(float(t)) for t in grid), key=lambda critic: read(critic, a, b, size).nats)


class Learned(InnerProduct):
    """T(x, y) = <e(x), e(y)> / temperature, e(x) = x + MLP(x), the MLP's last layer 0 at first.

    It starts as the `Nearest` of that temperature, so that training adds to what the nearest finds.
    """

    def __init__(self, columns: int, temperature: float) -> None:
        super().__init__()
        last = nn.Linear(256, columns)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.net = nn.Sequential(nn.Linear(columns, 256), nn.ReLU(), last)
        self.log_temperature = nn.Parameter(torch.tensor(math.log(temperature)))

    def left(self, x: Float[Tensor, "*n k"]) -> Float[Tensor, "*n k"]:
        return self.right(x) * torch.exp(-self.log_temperature)

    def right(self, y: Float[Tensor, "*m k"]) -> Float[Tensor, "*m k"]:
        return y + self.net(y)


def trained(
    start: Nearest,
    images: UInt8[Tensor, "n c h w"],
    view: View,
    bins: int,
    size: int,
    steps: int,
    rate: float,
    seed: int,
) -> Learned:
    """A critic of root histograms, from `start` on trained by InfoNCE on fresh views of batches of images."""
    torch.manual_seed(seed)
    critic = Learned(images.shape[1] * bins, start.temperature)

    def batches() -> Iterator[Tensor]:
        generator = Generator().manual_seed(seed)
        while True:
            for rows in torch.randperm(len(images), generator=generator).split(size):
                if len(rows) == size:
                    yield torch.stack(views_of(images[rows], view, bins, generator))

    descend(
        lambda pair: -infonce_loss(paired(critic, pair[0], pair[1])),
        critic.parameters(),
        batches(),
        Plan(epochs=steps, optimizer="adam", lr=rate, weight_decay=0.0, schedule="cosine"),
    )
    critic.eval()
    return critic


@torch.no_grad()
def read(critic: Critic, a: Float[Tensor, "n k"], b: Float[Tensor, "n k"], size: int) -> Reading:
    """Top-1 accuracy and InfoNCE of pairs in batches of `size`; pairs beyond the last whole batch are left out."""
    top1, nats = [], []
    for x, y in zip(a.split(size), b.split(size), strict=True):
        if len(x) == size:
            scores = critic.matrix(x, y)
            # Of equal scores each counts its share, so that a critic that says nothing is at chance.
            best = scores == scores.amax(1, keepdim=True)
            top1.append(float((best.diagonal() / best.sum(1)).mean()))
            nats.append(float(infonce(paired(critic, x, y))))
    return Reading(size, len(top1), *_interval(top1), *_interval(nats))


def _interval(values: Sequence[float]) -> tuple[float, float]:
    n = len(values)
    if n < 2:
        return float(np.mean(values)), math.nan
    return float(np.mean(values)), float(student.ppf(0.975, n - 1) * np.std(values, ddof=1) / math.sqrt(n))
