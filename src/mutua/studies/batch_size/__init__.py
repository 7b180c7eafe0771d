"""How large a batch? What InfoNCE loses at K pairs, and what larger batches cost in time and memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count

import torch
from jaxtyping import Float
from torch import Tensor

from mutua.bounds import infonce, infonce_loss
from mutua.critics import Separable
from mutua.data.known import Known, gaussian
from mutua.scores import paired
from mutua.studies import LOGGER
from mutua.studies.batch_size.cost import encoder_step, held, score_step
from mutua.studies.batch_size.figures import Cost, Readings, exact_figure, memory_figure, trained_figure
from mutua.training import Plan, descend
from mutua.types import Critic, InnerProduct, InputError, Result, Table

__all__ = ["PRESETS", "Config", "GaussianRatio", "run"]


@dataclass(frozen=True)
class Config:
    """What is read at which K, and what is timed.

    Args:
        dimensions: Columns of x and of y.
        levels: True information in nats, of pairs that the exact log ratio scores.
        sizes: Batch sizes K, rising.
        pairs: Scored at each K, in batches of K; at least one batch.
        level: True information of the pairs that critics are trained on.
        trained: Batch sizes K to train a critic at, rising.
        steps: Of each training.
        rate: Learning rate of Adam.
        held: Largest K whose matrix of scores is held in memory, for comparison.
        images: Batches of an encoder's step, whole and in chunks.
        micro_batch: Images in a chunk.
        pixels: Height and width of an image.
        seed: Of pairs and weights.
    """

    dimensions: int = 20
    levels: tuple[float, ...] = (2.0, 6.0, 10.0)
    sizes: tuple[int, ...] = (16, 64, 256, 1024, 4096, 16384, 65536)
    pairs: int = 65536
    level: float = 6.0
    trained: tuple[int, ...] = (16, 64, 256, 1024)
    steps: int = 300
    rate: float = 1e-3
    held: int = 4096
    images: tuple[int, ...] = (32, 64, 128, 256)
    micro_batch: int = 32
    pixels: int = 16
    seed: int = 0


PRESETS = {
    "cpu": Config(),
    "full": Config(
        trained=(16, 64, 256, 1024, 4096, 16384),
        steps=4000,
        held=16384,
        images=(64, 256, 1024, 4096),
        micro_batch=64,
        pixels=32,
    ),
}


class GaussianRatio(InnerProduct):
    """log p(x, y)/p(x)p(y) of standard Gaussians, x_i and y_i correlated by rho, as one inner product.

        sum_i [rho x_i y_i - rho^2 (x_i^2 + y_i^2)/2] / (1 - rho^2) - log(1 - rho^2) d/2

    so that the optimal critic streams: left(x) = (rho x/(1 - rho^2), a(x) + I, 1), right(y) = (y, 1, a(y)).

    Args:
        d: columns of x, and of y.
        information: I in nats, which fixes rho.
    """

    def __init__(self, d: int, information: float) -> None:
        super().__init__()
        self.rest = math.exp(-2 * information / d)  # 1 - rho^2
        self.rho = math.sqrt(-math.expm1(-2 * information / d))
        self.information = information

    def _alone(self, x: Tensor) -> Tensor:
        return -(self.rho**2) / (2 * self.rest) * x.square().sum(-1, keepdim=True)  # (*n, 1)

    def left(self, x: Float[Tensor, "*n d"]) -> Float[Tensor, "*n k"]:
        alone = self._alone(x)
        return torch.cat([self.rho / self.rest * x, alone + self.information, torch.ones_like(alone)], -1)

    def right(self, y: Float[Tensor, "*m d"]) -> Float[Tensor, "*m k"]:
        alone = self._alone(y)
        return torch.cat([y, torch.ones_like(alone), alone], -1)


def run(config: Config) -> Result:
    """InfoNCE of the optimal and of trained critics at K = 16 to 65,536 on pairs whose information is known, then
    the time and memory of a step: scores held or streamed, an encoder's activations whole or in chunks.

    Raises `InputError` where sizes don't rise or a training's K is not read.

    Paper: van den Oord et al. 2018, arXiv:1807.03748; Poole et al. 2019, arXiv:1905.06922; McAllester and Stratos
    2020, arXiv:1811.04251, for log K; Gao et al. 2021, arXiv:2101.06983, for chunks.
    """
    for name in ("sizes", "trained", "images"):
        values = getattr(config, name)
        if not values or list(values) != sorted(set(values)) or values[0] < 2:
            raise InputError(f"{name}: {values}; give sizes of 2 or more, rising")
    if missing := set(config.trained) - set(config.sizes):
        raise InputError(f"trained: {sorted(missing)} are not among sizes; add them, or leave them out")
    torch.manual_seed(config.seed)
    exact = {level: _readings(config, GaussianRatio(config.dimensions, level), level) for level in config.levels}
    critics = {size: _trained(config, size) for size in config.trained}
    own = {size: _reading(config, critic, config.level, size) for size, critic in critics.items()}
    LOGGER.info("the critic of the largest batch at every K")
    largest = _readings(config, critics[config.trained[-1]], config.level)
    score_step(paired, config.sizes[0], 32)  # what a first call sets up is no step's
    costs = [
        (n, *score_step(paired, n, 32), *(score_step(held, n, 32) if n <= config.held else (None, None)))
        for n in config.sizes
    ]
    LOGGER.info("an encoder's step, whole and in chunks")
    steps = [
        (n, *encoder_step(n, 0, config.pixels), *encoder_step(n, config.micro_batch, config.pixels))
        for n in config.images
    ]
    tables = [
        _bias_table(config, exact, own, largest),
        Table(
            "Scores of a step",
            ["K", "streamed, CPU s", "streamed, MiB", "held, CPU s", "held, MiB"],
            costs,
            "Forward and backward of InfoNCE on K pairs of 32 numbers, inner products as scores; MiB: rise of the "
            f"process's memory at most. Held: the K x K matrix, up to K = {config.held:,}.",
        ),
        Table(
            "An encoder's step",
            ["batch", "whole, CPU s", "whole, MiB", "chunks, CPU s", "chunks, MiB", "time, ratio"],
            [[*row, row[3] / row[1]] for row in steps],
            f"SimCLR, ResNet-18 with group norm, {config.pixels} px, two views, in chunks of {config.micro_batch} "
            "images; the gradient is the same.",
        ),
    ]
    figures = {
        "InfoNCE against K: pairs of known information scored by the exact log ratio; log K is the ceiling": (
            exact_figure(config.sizes, exact)
        ),
        f"Critics trained at K, {config.level:g} nats: read at the K of their training, and that of the largest "
        "batch at every K": trained_figure(config.sizes, config.level, exact.get(config.level, {}), own, largest),
    }
    if steps[-1][2] is not None:
        caption = "Memory of a step: scores held or streamed, an encoder's activations whole or in chunks"
        figures[caption] = memory_figure(costs, steps)
    return Result(
        "How large a batch?", tables, figures, _words(config, exact, own, largest, steps), asdict(config)
    )


def _pairs(known: Known, n: int, seed: int) -> tuple[Tensor, Tensor]:
    x, y = known.sample(n, seed)
    return torch.from_numpy(x).float(), torch.from_numpy(y).float()


@torch.no_grad()
def _reading(config: Config, critic: Critic, level: float, size: int) -> float:
    """Mean InfoNCE of batches of `size` fresh pairs."""
    batches = max(config.pairs // size, 1)
    x, y = _pairs(gaussian(config.dimensions, information=level), batches * size, config.seed)
    x, y = x.unflatten(0, (batches, size)), y.unflatten(0, (batches, size))  # (b, K, d)
    together = max(2**22 // size**2, 1)  # batches scored at once
    parts = zip(x.split(together), y.split(together), strict=True)
    found = [infonce(paired(critic, a.squeeze(0), b.squeeze(0))).flatten() for a, b in parts]
    return float(torch.cat(found).mean())


def _readings(config: Config, critic: Critic, level: float) -> dict[int, float]:
    found = {}
    for size in config.sizes:
        found[size] = _reading(config, critic, level, size)
        LOGGER.info(f"{level:g} nats, K = {size}: InfoNCE reads {found[size]:.3f}")
    return found


def _trained(config: Config, size: int) -> Critic:
    """A separable critic after `steps` fresh batches of `size` pairs."""
    torch.manual_seed(config.seed)
    critic = Separable(config.dimensions, config.dimensions)
    known = gaussian(config.dimensions, information=config.level)
    losses: list[float] = []
    descend(
        lambda seed: -infonce_loss(paired(critic, *_pairs(known, size, seed))),
        critic.parameters(),
        count(config.seed + 1000),
        Plan(epochs=config.steps, optimizer="adam", lr=config.rate, weight_decay=0.0, schedule="constant"),
        watch=lambda step, loss: losses.append(float(loss)),
    )
    LOGGER.info(f"trained at K = {size}: loss {losses[-1]:.3f}")
    return critic.eval()


def _bias_table(config: Config, exact: Readings, own: dict[int, float], largest: dict[int, float]) -> Table:
    top = config.trained[-1]
    columns = [
        "K",
        "log K",
        *(f"exact, {level:g}" for level in config.levels),
        "trained at K",
        f"trained at {top}",
    ]
    rows: list[list[object]] = []
    for size in config.sizes:
        trained = own[size] - config.level if size in own else None
        biases = [exact[level][size] - level for level in config.levels]
        rows.append([size, math.log(size), *biases, trained, largest[size] - config.level])
    note = (
        f"Reading less truth, nats: means of {config.pairs:,} pairs in batches of K. Gaussian, d = "
        f"{config.dimensions}. Exact: the log density ratio as critic, at {_list(config.levels)} nats. Trained: "
        f"a separable critic after {config.steps:,} batches of K at {config.level:g} nats, read on fresh pairs."
    )
    return Table("Bias of InfoNCE", columns, rows, note)


def _list(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _enough(readings: Mapping[int, float], level: float, short: float) -> str:
    found = [size for size, reading in readings.items() if level - reading < short]
    return f"{found[0]:,}" if found else f"more than {max(readings):,}"


def _words(
    config: Config,
    exact: Readings,
    own: dict[int, float],
    largest: dict[int, float],
    steps: Sequence[Cost],
) -> list[str]:
    said = []
    for level in config.levels:
        half, tenth = (_enough(exact[level], level, short) for short in (0.5, 0.1))
        said.append(f"{half} and {tenth} where it is {level:g} nats (e^I = {math.exp(level):,.0f})")
    first, last = config.trained[0], config.trained[-1]
    words = [
        "With the best critic there is, InfoNCE comes within half a nat of the truth, and within a tenth, at K = "
        + "; ".join(said)
        + ".",
        f"Trained and read at K = {first} it reads {own[first]:.2f} of {config.level:g} nats, at K = {last:,} "
        f"{own[last]:.2f}; that critic read at K = {config.sizes[-1]:,} reads {largest[config.sizes[-1]]:.2f}: "
        "what is left at large K is what the critic has not learned, and no K to read it at mends that.",
    ]
    n, whole, whole_mib, chunks, chunks_mib = steps[-1]
    assert chunks is not None
    memory = "" if whole_mib is None or chunks_mib is None else f" and {chunks_mib:,.0f} of {whole_mib:,.0f} MiB"
    words.append(
        f"In chunks of {config.micro_batch}, a batch of {n} images takes {chunks / whole:.2f} times the time"
        f"{memory}, for the same gradient."
    )
    return words
