"""Halves of digits, encoders of each half trained by a bound, and what probes read of one half's code."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import MinMaxScaler
from torch import Generator, Tensor, nn

from mutua.bounds import infonce, nwj
from mutua.data import load
from mutua.evaluation import knn, usable_information
from mutua.scores import paired
from mutua.training import Plan, descend, shuffled_batches
from mutua.types import Bound, Critic, InputError

__all__ = ["BOUNDS", "Encoders", "Halves", "Probed", "Trained", "halves", "mean_and_spread", "probed", "train"]

BOUNDS: dict[str, Bound] = {"InfoNCE": infonce, "NWJ": nwj}


@dataclass(frozen=True)
class Halves:
    """Upper and lower halves of images, pixels in [0, 1], flat: of training and of test images, with classes."""

    upper: Tensor  # (n, d)
    lower: Tensor
    labels: np.ndarray
    test_upper: Tensor
    test_lower: Tensor
    test_labels: np.ndarray

    @property
    def d(self) -> int:
        return self.upper.shape[1]

    def pair(
        self, rows: Tensor, noise: str, scale: float, generator: Generator, test: bool = False
    ) -> list[Tensor]:
        """Both halves of some images under noise: "none", "independent", or "shared", the same numbers on both."""
        sides = (self.test_upper, self.test_lower) if test else (self.upper, self.lower)
        x, y = (side[rows] for side in sides)
        if noise == "none":
            return [x, y]
        first = torch.randn(x.shape, generator=generator)
        second = first if noise == "shared" else torch.randn(y.shape, generator=generator)
        return [x + scale * first, y + scale * second]


def halves(data: str, train: int, test: int, seed: int) -> Halves:
    """Halves of grey images of a known data set. Raises `InputError` where they have an odd height or no
    labels."""
    parts = []
    for split, most in (("train", train), ("test", test)):
        images = load(data, split)
        x = torch.as_tensor(images.take(torch.arange(len(images)))).float() / 255
        if x.ndim != 4 or x.shape[2] % 2 or images.labels is None:
            raise InputError(f"data: {data} has {tuple(x.shape[1:])}; give labelled images of an even height")
        rows = torch.randperm(len(x), generator=Generator().manual_seed(seed))[:most]
        x = x[rows].mean(1)  # (n, h, w)
        half = x.shape[1] // 2
        parts.append((x[:, :half].flatten(1), x[:, half:].flatten(1), images.labels[rows.numpy()]))
    (a, b, y), (c, d, z) = parts
    return Halves(a, b, y, c, d, z)


Encoders = tuple[nn.Module, nn.Module]
Watch = Callable[[int, "Trained"], None]


@dataclass
class Trained:
    """Two encoders and a critic; the bound's mean over the last training batches, step by step."""

    encoders: Encoders
    critic: Critic
    bound: Bound
    data: Halves
    noise: str = "none"
    scale: float = 0.0
    batch: int = 128
    seen: list[float] = field(default_factory=list)

    def held_out(self, repeats: int = 20) -> float:
        """The bound on pairs of test images, in nats, the mean over batches of the size of training's."""
        generator = Generator().manual_seed(1)
        n = len(self.data.test_upper)
        batches = shuffled_batches(n, self.batch, generator)
        values = []
        with torch.no_grad():
            for rows, _ in zip(batches, range(repeats), strict=False):
                x, y = self.data.pair(rows, self.noise, self.scale, generator, test=True)
                values.append(float(self.bound(paired(self.critic, self.encoders[0](x), self.encoders[1](y)))))
        return float(np.mean(values))

    @property
    def training_bound(self) -> float:
        """The bound on training batches, the mean over the last 20 steps: what was published as a test bound."""
        return float(np.mean(self.seen[-20:]))


def train(
    trained: Trained,
    steps: int,
    rate: float,
    seed: int,
    *,
    target: float | None = None,
    broken: bool = False,
    looks: Sequence[int] = (),
    watch: Watch | None = None,
) -> Trained:
    """Raise the bound, or bring it to `target` nats by |I - target|; `broken` pairs halves of different images.

    watch: is told at each of the `looks` steps, after that many steps.
    """
    generator = Generator().manual_seed(seed)
    data = trained.data
    parts: list[Tensor] = [p for part in (*trained.encoders, trained.critic) for p in part.parameters()]
    unique = list({id(p): p for p in parts}.values())

    def objective(rows: Tensor) -> Tensor:
        x, y = data.pair(rows, trained.noise, trained.scale, generator)
        y = y.roll(1, 0) if broken else y
        value = trained.bound(paired(trained.critic, trained.encoders[0](x), trained.encoders[1](y)))
        trained.seen.append(float(value.detach()))
        return -value if target is None else (value - target).abs()

    def told(done: int, _: Tensor) -> bool:
        if watch is not None and done in looks:
            watch(done, trained)
        return False

    if watch is not None and 0 in looks:
        watch(0, trained)
    plan = Plan(epochs=steps, optimizer="adam", lr=rate, weight_decay=0.0, schedule="constant")
    descend(objective, unique, shuffled_batches(len(data.upper), trained.batch, generator), plan, watch=told)
    return trained


@dataclass(frozen=True)
class Probed:
    """Accuracies in percent and usable information in bits of one code."""

    published: float
    converged: float
    nearest: float
    linear: float
    perceptron: float | None = None


def probed(encoder: nn.Module, data: Halves, seed: int = 0, *, perceptron: bool = False) -> Probed:
    """What probes read of the upper half's code.

    published: MinMax scaling, multinomial logistic by saga, tol .1, C = 10, as Tschannen et al.; converged: the
    same scaling and C to the minimum; nearest: 1 neighbour by cosine; linear, perceptron: usable information in
    bits.
    """
    with torch.no_grad():
        x, z = encoder(data.upper).numpy(), encoder(data.test_upper).numpy()
    y, truth = data.labels, data.test_labels
    scaler = MinMaxScaler().fit(x)
    scaled, other = scaler.transform(x), scaler.transform(z)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        published = LogisticRegression(solver="saga", tol=0.1, C=10, random_state=seed).fit(scaled, y)
        converged = LogisticRegression(tol=1e-4, C=10, max_iter=500).fit(scaled, y)
    return Probed(
        100 * float(published.score(other, truth)),
        100 * float(converged.score(other, truth)),
        knn(x, y, z, truth, k=1).accuracy,
        usable_information(x, y, test=(z, truth), seed=seed).bits,
        usable_information(x, y, family="mlp", test=(z, truth), seed=seed).bits if perceptron else None,
    )


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation over seeds (n - 1; 0 of one)."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
