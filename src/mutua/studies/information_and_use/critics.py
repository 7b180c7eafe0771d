"""More flexible critics and tighter bounds against what probes read; two encoders at one bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from mutua import plots
from mutua.critics import Bilinear, Concat, Separable
from mutua.studies import LOGGER
from mutua.studies.information_and_use.halves import (
    BOUNDS,
    Encoders,
    Halves,
    Trained,
    halves,
    mean_and_spread,
    probed,
    train,
)
from mutua.types import Critic, InputError, Result, Table

__all__ = ["CRITICS", "PRESETS", "Config", "run"]


@dataclass(frozen=True)
class Config:
    """What is trained, how long.

    Args:
        data: A data set of grey digits: mnist, or digits, which comes with the package.
        train: Training images, at most.
        test: Test images, at most.
        steps: Of training each pair of encoders with its critic.
        judged: Steps of the one critic that judges all encoders, frozen.
        targets: Bounds in nats to which encoders of two kinds are brought.
        rate: Learning rate.
        batch: Pairs a step.
        width: Numbers of a code.
        seeds: Of everything.
        seed: The first.
    """

    data: str = "mnist"
    train: int = 20_000
    test: int = 5_000
    steps: int = 1_000
    judged: int = 300
    targets: tuple[float, ...] = (2.0, 4.0)
    rate: float = 1e-3
    batch: int = 128
    width: int = 100
    seeds: int = 3
    seed: int = 0


PRESETS = {
    "cpu": Config(),
    "full": Config(train=60_000, test=10_000, steps=21_000, judged=5_000, rate=1e-4, seeds=10),
}

CRITICS: dict[str, Callable[[int], Critic]] = {
    "bilinear": lambda width: Bilinear(width, width),
    "separable": lambda width: Separable(width, width, width=100, depth=1, embedding=100),
    "MLP": lambda width: Concat(width, width, (200,)),
}


def run(config: Config) -> Result:
    """Encoders of the upper and the lower half of digits, MLPs of 300-300-100, under InfoNCE and NWJ by three
    critics: the bound on training pairs, on held-out pairs (which was never published), as one MLP critic trained
    afterwards on the frozen codes reads it by InfoNCE, and what probes read. Then MLPs and convolutional networks
    brought to one bound by |I - t| under a bilinear critic: the encoder's own bias.

    InfoNCE of in-batch negatives under an inner product is the multi-class N-pair loss: metric learning by another
    name.

    Paper: Tschannen et al. 2020, On Mutual Information Maximization for Representation Learning, arXiv:1907.13625;
    Sohn 2016, Improved Deep Metric Learning with Multi-class N-pair Loss Objective.
    """
    if config.seeds < 1 or config.steps < 1 or config.judged < 1:
        raise InputError(
            f"seeds={config.seeds}, steps={config.steps}, judged={config.judged}; give 1 or more of each"
        )
    found: dict[tuple[str, str], list[list[float]]] = {}
    brought: dict[tuple[float, str], list[list[float]]] = {}
    for seed in range(config.seed, config.seed + config.seeds):
        data = halves(config.data, config.train, config.test, seed)
        LOGGER.info("seed %d: random encoders", seed)
        untrained = _perceptrons(config, data, seed)
        judged = _judged(config, untrained, data, seed)
        found.setdefault(("none", "random weights"), []).append(
            [float("nan"), float("nan"), judged, *_read(untrained, data, seed)]
        )
        for bound in BOUNDS:
            for critic, make_critic in CRITICS.items():
                LOGGER.info("seed %d: %s, %s critic", seed, bound, critic)
                nets = _perceptrons(config, data, seed)
                state = Trained(nets, make_critic(config.width), BOUNDS[bound], data, batch=config.batch)
                train(state, config.steps, config.rate, seed)
                row = [state.training_bound, state.held_out(), _judged(config, nets, data, seed)]
                found.setdefault((bound, critic), []).append([*row, *_read(nets, data, seed)])
        for target in config.targets:
            for name, make in (("MLP", _perceptrons), ("convolutional", _convolutional)):
                LOGGER.info("seed %d: %s encoders to %g nats", seed, name, target)
                nets = make(config, data, seed)
                state = Trained(
                    nets, Bilinear(config.width, config.width), BOUNDS["InfoNCE"], data, batch=config.batch
                )
                train(state, config.steps, config.rate, seed, target=target)
                row = [state.training_bound, state.held_out()]
                brought.setdefault((target, name), []).append([*row, *_read(nets, data, seed)])
    return _result(config, found, brought)


def _perceptrons(config: Config, data: Halves, seed: int) -> Encoders:
    torch.manual_seed(seed)

    def one() -> nn.Module:
        return nn.Sequential(
            nn.Linear(data.d, 300), nn.ReLU(), nn.Linear(300, 300), nn.ReLU(), nn.Linear(300, config.width)
        )

    return one(), one()


class _Unflat(nn.Module):
    """Flat halves as pictures (n, 1, h, w), twice as wide as high."""

    def forward(self, x: Tensor) -> Tensor:
        high = round((x.shape[1] / 2) ** 0.5)
        return x.view(len(x), 1, high, 2 * high)


def _convolutional(config: Config, data: Halves, seed: int) -> Encoders:
    """5 x 5 convolutions of stride 2, 64 and 128 channels, layer norm, mean over places, as published."""
    torch.manual_seed(seed)

    def one() -> nn.Module:
        return nn.Sequential(
            _Unflat(),
            nn.Conv2d(1, 64, 5, 2, 2),
            nn.GroupNorm(1, 64),
            nn.ReLU(),
            nn.Conv2d(64, 128, 5, 2, 2),
            nn.GroupNorm(1, 128),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(128, config.width),
        )

    return one(), one()


class _Frozen(nn.Module):
    """An encoder without gradients."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = [encoder]  # in a list: its weights are no parameters of this

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            found: Tensor = self.encoder[0](x)
        return found


def _judged(config: Config, nets: Encoders, data: Halves, seed: int) -> float:
    """Held-out InfoNCE of one MLP critic, trained on the frozen codes: bounds of different encoders by one
    measure."""
    torch.manual_seed(seed + 1)
    frozen = (_Frozen(nets[0]), _Frozen(nets[1]))
    state = Trained(
        frozen, Concat(config.width, config.width, (200,)), BOUNDS["InfoNCE"], data, batch=config.batch
    )
    return train(state, config.judged, config.rate, seed + 1).held_out()


def _read(nets: Encoders, data: Halves, seed: int) -> list[float]:
    found = probed(nets[0], data, seed)
    return [found.published, found.converged, found.linear]


PROBES = ("published probe, %", "converged, %", "usable, bits")


def _result(
    config: Config,
    found: dict[tuple[str, str], list[list[float]]],
    brought: dict[tuple[float, str], list[list[float]]],
) -> Result:
    def cells(seen: list[list[float]]) -> list[Any]:
        return [None if np.isnan(column).all() else mean_and_spread(column) for column in zip(*seen, strict=True)]

    first = Table(
        "Critics, bounds and what is read",
        ["bound", "critic", "training, nats", "held out, nats", "by one critic, nats", *PROBES],
        [[*names, *cells(seen)] for names, seen in found.items()],
        f"{config.data}, halves; MLP encoders 300-300-{config.width}, {config.steps} steps of {config.batch} "
        f"pairs (InfoNCE reads {np.log(config.batch):.2f} nats at most). By one critic: an MLP trained for "
        f"{config.judged} steps on the frozen codes, read by InfoNCE on held-out pairs. Mean and deviation over "
        f"{config.seeds} seeds.",
    )
    second = Table(
        "Two encoders at one bound",
        ["target, nats", "encoder", "training, nats", "held out, nats", *PROBES],
        [[*names, *cells(seen)] for names, seen in brought.items()],
        "InfoNCE under a bilinear critic brought to the target by |I - t| on training pairs.",
    )
    trained = {names: seen for names, seen in found.items() if names[0] != "none"}
    held = [float(np.mean([row[1] for row in seen])) for seen in trained.values()]
    one = [float(np.mean([row[2] for row in seen])) for seen in trained.values()]
    right = [float(np.mean([row[4] for row in seen])) for seen in trained.values()]
    best, tightest = list(trained)[int(np.argmax(right))], list(trained)[int(np.argmax(held))]
    gaps = [
        np.mean([row[3] for row in brought[target, "convolutional"]])
        - np.mean([row[3] for row in brought[target, "MLP"]])
        for target in config.targets
    ]
    words = [
        f"The tightest held-out bound, {max(held):.2f} nats, is of the {tightest[1]} critic under {tightest[0]}; "
        f"most is read ({max(right):.1f} %) of the codes of the {best[1]} critic under {best[0]}.",
        f"Over the {len(held)} trained settings the rank correlation of accuracy with the held-out bound is "
        f"{spearmanr(held, right).statistic:+.2f}, and with the bound by one critic "
        f"{spearmanr(one, right).statistic:+.2f}.",
        "At one training bound convolutional encoders are read better than MLPs by "
        + ", ".join(
            f"{gap:+.1f} points at {target:g} nats" for gap, target in zip(gaps, config.targets, strict=True)
        )
        + ".",
    ]
    caption = "Accuracy of the converged probe against the held-out bound, a point a seed."
    return Result(
        "Critics and representations", [first, second], {caption: _figure(trained)}, words, asdict(config)
    )


def _figure(trained: dict[tuple[str, str], list[list[float]]]) -> str:
    with plots.figure(5.5, 3.6) as (fig, axes):
        for colour, ((bound, critic), seen) in zip(plots.COLOURS, trained.items(), strict=False):
            marker = "o" if bound == "InfoNCE" else "s"
            axes.scatter(
                [row[1] for row in seen],
                [row[4] for row in seen],
                c=colour,
                marker=marker,
                label=f"{bound}, {critic}",
            )
        axes.set(xlabel="held-out bound, nats", ylabel="converged probe, % right")
        axes.legend(fontsize="small")
        return plots.svg(fig)
