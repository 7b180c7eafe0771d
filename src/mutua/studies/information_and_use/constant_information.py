"""At constant information accuracy rises, falls, and encoders that could keep all of it stop being invertible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mutua import plots
from mutua.critics import Bilinear
from mutua.encoders import Couplings
from mutua.evaluation import conditioning
from mutua.studies import LOGGER
from mutua.studies.information_and_use.adversary import spoil
from mutua.studies.information_and_use.halves import (
    BOUNDS,
    Halves,
    Probed,
    Trained,
    halves,
    mean_and_spread,
    probed,
    train,
)
from mutua.types import InputError, Result, Table

__all__ = ["PRESETS", "Config", "run"]


@dataclass(frozen=True)
class Config:
    """What is trained, how long.

    Args:
        data: A data set of grey digits: mnist, or digits, which comes with the package.
        train: Training images, at most.
        test: Test images, at most.
        layers: Couplings of the invertible encoders.
        hidden: Units of each of their hidden layers.
        steps: Of training each encoder.
        looks: Steps at which the rising arm is read.
        adversarial: Steps of the encoder that raises the classifier's loss.
        refit: Of these steps, after how many the classifier is fitted anew.
        rate: Learning rate of the first arm.
        batch: Pairs a step; InfoNCE reads at most its logarithm.
        noise: Deviation of the noise on both halves in the arms that have noise.
        inputs: Examples whose Jacobian is made.
        seeds: Of everything.
        seed: The first.
    """

    data: str = "mnist"
    train: int = 20_000
    test: int = 5_000
    layers: int = 8
    hidden: int = 256
    steps: int = 1_000
    looks: tuple[int, ...] = (0, 100, 300, 1_000)
    adversarial: int = 200
    refit: int = 20
    rate: float = 5e-4
    batch: int = 128
    noise: float = 0.05
    inputs: int = 8
    seeds: int = 3
    seed: int = 0


PRESETS = {
    "cpu": Config(),
    "full": Config(
        train=60_000,
        test=10_000,
        layers=30,
        hidden=512,
        steps=21_000,
        rate=1e-4,
        adversarial=4_000,
        looks=(0, 1_000, 5_000, 21_000),
        inputs=64,
        seeds=5,
    ),
}

Rising = dict[tuple[str, int], list[tuple[float, float, Probed]]]
"""(Objective, step) to training bound, held-out bound and probes, a seed each."""
Falling = list[tuple[Probed, Probed, float]]
"""Probes of pixels and of the code, and the error of the way back."""
Free = dict[tuple[str, int], list[tuple[float, float, float, float]]]
"""(Noise, step) to training bound, held-out bound, accuracy and log condition."""
NOISES = ("none", "independent", "shared")


def run(config: Config) -> Result:
    """Upper and lower halves of digits, two encoders, a bilinear critic.

    (a) Additive couplings, which lose nothing, raise InfoNCE or NWJ of the halves, or InfoNCE of halves that do
    not belong together: the bound on training and on held-out pairs, and what probes read of the upper half's
    code. (b) A flow with scales raises the loss of a linear classifier that is refitted to the minimum: a
    bijection below raw pixels. (c) A residual network that begins as the identity raises InfoNCE without noise,
    with noise drawn for each half, and with the same noise on both: bound, accuracy, and the condition number of
    its Jacobian.

    Paper: Tschannen, Djolonga, Rubenstein, Gelly and Lucic 2020, On Mutual Information Maximization for
    Representation Learning, arXiv:1907.13625.
    """
    if config.seeds < 1 or config.steps < 1 or not config.looks or max(config.looks) > config.steps:
        raise InputError(
            f"seeds={config.seeds}, steps={config.steps}, looks={config.looks}; give looks up to the steps"
        )
    rising: Rising = {}
    falling: Falling = []
    free: Free = {}
    back: list[float] = []
    for seed in range(config.seed, config.seed + config.seeds):
        data = halves(config.data, config.train, config.test, seed)
        for arm in ("InfoNCE", "NWJ", "halves of others"):
            LOGGER.info("seed %d: invertible encoders, %s", seed, arm)
            back.append(_rising(config, data, seed, arm, rising))
        LOGGER.info("seed %d: against the classifier", seed)
        falling.append(_falling(config, data, seed))
        for noise in NOISES:
            LOGGER.info("seed %d: free encoders, noise %s", seed, noise)
            _free(config, data, seed, noise, free)
    return _result(config, rising, falling, free, max(back))


def _rising(
    config: Config,
    data: Halves,
    seed: int,
    arm: str,
    found: Rising,
) -> float:
    """Fills `found`; returns the largest error of the way back, in float64."""
    torch.manual_seed(seed)
    flows = [Couplings(data.d, config.layers, config.hidden, False, 1e-4, seed + 100 * side) for side in range(2)]
    bound = BOUNDS.get(arm, BOUNDS["InfoNCE"])
    state = Trained((flows[0], flows[1]), Bilinear(data.d, data.d), bound, data, batch=config.batch)

    def look(done: int, now: Trained) -> None:
        training = now.training_bound if now.seen else now.held_out(5)
        found.setdefault((arm, done), []).append((training, now.held_out(), probed(now.encoders[0], data, seed)))

    train(state, config.steps, config.rate, seed, broken=arm not in BOUNDS, looks=config.looks, watch=look)
    return _way_back(flows[0], data)


def _falling(config: Config, data: Halves, seed: int) -> tuple[Probed, Probed, float]:
    """Probes of the pixels and of the code, and the error of the way back in float64."""
    torch.manual_seed(seed)
    flow = Couplings(data.d, config.layers, config.hidden, True, 1e-4, seed)
    plain = probed(nn.Identity(), data, seed)
    spoil(
        flow, data, steps=config.adversarial, refit=config.refit, rate=config.rate, batch=config.batch, seed=seed
    )
    found = probed(flow, data, seed)
    return plain, found, _way_back(flow, data)


def _way_back(flow: Couplings, data: Halves) -> float:
    """The largest error of x from its code, in float64."""
    exact = flow.double()
    with torch.no_grad():
        x = data.test_upper[:200].double()
        return float((exact.inverse(exact(x)) - x).abs().max())


class _Residual(nn.Module):
    """x + three hidden layers of its own width, the last near 0: it begins as the identity and may lose
    anything."""

    def __init__(self, d: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(3):
            layers += [nn.Linear(d, d), nn.ReLU()]
        last = nn.Linear(d, d)
        nn.init.normal_(last.weight, std=1e-4)
        nn.init.zeros_(last.bias)
        self.net = nn.Sequential(*layers, last)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = x + self.net(x)
        return found


def _free(
    config: Config,
    data: Halves,
    seed: int,
    noise: str,
    found: Free,
) -> None:
    torch.manual_seed(seed)
    nets = (_Residual(data.d), _Residual(data.d))
    state = Trained(nets, Bilinear(data.d, data.d), BOUNDS["InfoNCE"], data, noise, config.noise, config.batch)

    def look(done: int, now: Trained) -> None:
        exact = _Residual(data.d).double()
        exact.load_state_dict(now.encoders[0].state_dict())
        spread = conditioning(exact, data.test_upper[: config.inputs].double())
        accuracy = probed(now.encoders[0], data, seed).converged
        training = now.training_bound if now.seen else now.held_out(5)
        found.setdefault((noise, done), []).append(
            (training, now.held_out(), accuracy, spread.percentiles((50,))[0])
        )

    train(state, config.steps, config.rate, seed, looks=(0, config.steps), watch=look)


PROBES = {
    "published": "published probe, %",
    "converged": "converged, %",
    "nearest": "1-NN, %",
    "linear": "usable, bits",
}
NATS = ("training bound, nats", "held-out bound, nats")


def _probes(seen: Sequence[Probed]) -> list[tuple[float, float]]:
    return [mean_and_spread([getattr(each, part) for each in seen]) for part in PROBES]


def _columns(seen: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    return [mean_and_spread(column) for column in zip(*seen, strict=True)]


def _result(config: Config, rising: Rising, falling: Falling, free: Free, back: float) -> Result:
    first = Table(
        "Additive couplings: accuracy rises at constant information",
        ["objective", "step", *NATS, *PROBES.values()],
        [
            [arm, step, *_columns([each[:2] for each in seen]), *_probes([each[2] for each in seen])]
            for (arm, step), seen in rising.items()
        ],
        f"{config.data}, halves; {config.layers} couplings, bilinear critic, {config.batch} pairs: InfoNCE reads "
        f"{np.log(config.batch):.2f} nats at most. Mean and deviation over {config.seeds} seeds. Nothing is lost: "
        f"log|det| is 0, and the way back from the last code is within {back:.0e} in float64.",
    )
    second = Table(
        "Affine couplings against a linear classifier: accuracy falls at constant information",
        ["code", *PROBES.values()],
        [
            ["pixels", *_probes([each[0] for each in falling])],
            ["after the flow", *_probes([each[1] for each in falling])],
        ],
        f"{config.adversarial} steps; the classifier is fitted to its minimum every {config.refit} steps. The way "
        f"back is within {max(each[2] for each in falling):.0e} in float64.",
    )
    third = Table(
        "Free encoders: what is shared decides",
        ["noise", "step", *NATS, "converged, %", "log condition"],
        [[noise, step, *_columns(seen)] for (noise, step), seen in free.items()],
        f"Residual networks that begin as the identity; noise of deviation {config.noise:g} on both halves in "
        "training: drawn for each, or the same numbers on both, which a bound counts. Probes see no noise. "
        f"log condition: median over {config.inputs} test images, natural logarithm.",
    )
    caption = "Held-out bound and accuracy of the converged probe as invertible encoders train, mean over seeds."
    return Result(
        "Representations at constant information",
        [first, second, third],
        {caption: _figure(config, rising)},
        _words(config, rising, falling, free),
        asdict(config),
    )


def _words(config: Config, rising: Rising, falling: Falling, free: Free) -> list[str]:
    def of(arm: str, step: int, part: str) -> str:
        return f"{np.mean([getattr(each[2], part) for each in rising[arm, step]]):.1f}"

    def at_end(noise: str, part: int) -> float:
        return float(np.mean([each[part] for each in free[noise, config.steps]]))

    start, end = config.looks[0], config.looks[-1]
    gap = np.mean([each[0] - each[1] for each in rising["InfoNCE", end]])
    plain = float(np.mean([before.converged for before, _, _ in falling]))
    spoilt = float(np.mean([after.converged for _, after, _ in falling]))
    each = "; ".join(
        f"{noise}: log condition {at_end(noise, 3):.1f}, held-out bound {at_end(noise, 1):.2f} nats, accuracy "
        f"{at_end(noise, 2):.1f} %"
        for noise in NOISES
    )
    return [
        f"From step {start} to {end} of InfoNCE the converged probe goes from "
        f"{of('InfoNCE', start, 'converged')} to {of('InfoNCE', end, 'converged')} %, the published one from "
        f"{of('InfoNCE', start, 'published')} to "
        f"{of('InfoNCE', end, 'published')} %; on halves that do not belong together the converged one ends at "
        f"{of('halves of others', end, 'converged')} %. The information is constant throughout.",
        f"The training bound, which was published as a test bound, is {gap:.2f} nats above the held-out one.",
        f"Against the classifier the flow takes pixels' {plain:.1f} % to {spoilt:.1f} %, at equal information.",
        f"Free encoders at the end, by the noise on the halves: {each}.",
    ]


def _figure(config: Config, rising: Rising) -> str:
    with plots.figure(7.5, 3.2, columns=2) as (fig, axes):
        left, right = np.ravel(np.asarray(axes))
        for arm in ("InfoNCE", "NWJ", "halves of others"):
            steps = [step for name, step in rising if name == arm]
            held = [float(np.mean([each[1] for each in rising[arm, step]])) for step in steps]
            accuracy = [float(np.mean([each[2].converged for each in rising[arm, step]])) for step in steps]
            left.plot(steps, held, marker="o", label=arm)
            right.plot(steps, accuracy, marker="o", label=arm)
        left.set(xlabel="steps", ylabel="held-out bound, nats", ylim=(-1, float(np.log(config.batch)) + 0.2))
        right.set(xlabel="steps", ylabel="converged probe, % right")
        right.legend()
        return plots.svg(fig)
