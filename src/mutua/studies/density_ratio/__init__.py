"""Density ratio estimation by classification, what mutual information obeys, and the chain of its bounds.

As in the lecture a = (x, z); b = 0 marks the joint, p(a | b = 0) = p(x, z), and b = 1 the product,
p(a | b = 1) = p(x)p(z). A classifier's logit f(a) = log p(b = 0 | a)/p(b = 1 | a) is log r(a) where both classes
are drawn equally often, and its mean over the joint is I(x; z).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import logsumexp
from torch import Tensor, nn
from torch.nn.functional import softplus

from mutua import plots
from mutua.bounds import jsd
from mutua.critics import Concat
from mutua.critics.mlp import mlp
from mutua.data.known import x_shaped
from mutua.scores import shuffled
from mutua.studies import LOGGER
from mutua.studies.density_ratio.bound_chain import chain_figure, chain_table
from mutua.studies.density_ratio.laws import laws
from mutua.studies.mi_estimators.figures import panels
from mutua.training import Plan, descend
from mutua.types import InputError, Result, Table

__all__ = ["PRESETS", "Config", "run"]


@dataclass(frozen=True)
class Config:
    """What the study is run with.

    Args:
        steps: Of each classifier, on fresh samples.
        batch: Samples a class in each step.
        rate: Learning rate of Adam.
        width: Of the two hidden layers.
        correlation: Of each arm of the X in two dimensions.
        dimensions: Columns of x and of z in the chain of bounds.
        information: In nats, in the chain of bounds.
        chain_steps: Of each critic trained for the chain.
        samples: Pairs that the chain is read on.
        seed: Of everything random.
    """

    steps: int = 2000
    batch: int = 512
    rate: float = 2e-3
    width: int = 64
    correlation: float = 0.9
    dimensions: int = 4
    information: float = 2.0
    chain_steps: int = 1500
    samples: int = 4096
    seed: int = 0


PRESETS = {"cpu": Config(), "full": Config(steps=10_000, batch=2048, chain_steps=10_000, samples=16_384)}

# Nats a dimension: above, p(x | z) is narrower than the nodes of `bound_chain.exact`'s quadrature are apart.
MOST = 1.5

Log = Callable[[np.ndarray], np.ndarray]


def run(config: Config) -> Result:
    """Draw p, q, log r and the classifier's logit; check the laws of information; measure the chain of bounds.

    Raises `InputError` for sizes below 1 (2 for a batch, 256 samples), and for a rate, a correlation, a seed and
    an information outside their ranges.

    Paper: Sugiyama, Suzuki and Kanamori 2012, Density Ratio Estimation in Machine Learning; Hjelm et al. 2019,
    arXiv:1808.06670; Barber and Agakov 2003, The IM algorithm; Belghazi et al. 2018, arXiv:1801.04062; van den
    Oord et al. 2018, arXiv:1807.03748; Poole et al. 2019, arXiv:1905.06922.
    """
    _check(config)
    LOGGER.info("a classifier in one dimension")
    line_figure, line_row = _line(config)
    LOGGER.info("a classifier in two dimensions")
    plane_figure, plane_row = _plane(config)
    LOGGER.info("laws of information")
    law_table = laws(config.seed)
    LOGGER.info("the chain of bounds: training critics")
    chain = chain_table(
        config.dimensions,
        config.information,
        steps=config.chain_steps,
        samples=config.samples,
        seed=config.seed,
    )
    fit = Table(
        "A classifier's logit against the true log ratio",
        ["a", "error under b=0", "error under b=1", "mean logit, b=0", "true mean log r, b=0", "accuracy %"],
        [line_row, plane_row],
        f"Mean |f - log r| in nats under samples of each class; the mean logit under the joint estimates "
        f"the KL divergence, in two dimensions I(x; z). Trained {config.steps:,} steps on fresh "
        f"{config.batch} + "
        f"{config.batch} samples, judged on 20,000 others.",
    )
    kept = sum(row[-1] == "yes" for row in law_table.rows)
    words = [
        f"A classifier told b=0 (joint) from b=1 (product) and its logit became the log density ratio: in "
        f"two dimensions it is {plane_row[1]:.2f} nats off under the joint, and its mean there is "
        f"{plane_row[3]:.3f} "
        f"where I(x; z) is {plane_row[4]:.3f}. Where neither class has samples it may be anything.",
        f"{kept} of {len(law_table.rows)} laws of mutual information hold on numbers.",
        _chain_words(chain, config),
    ]
    figures = {
        "One dimension: p(a | b = 0) and p(a | b = 1), the true log ratio and the classifier's logit": line_figure,
        "Two dimensions: samples of the joint (b = 0) and of the product (b = 1), "
        "the true log ratio and the classifier's logit": plane_figure,
        "The chain of bounds for each critic, in nats": chain_figure(chain, config.information),
    }
    return Result("Density ratio estimation by classification", [fit, law_table, chain], figures, words)


def _chain_words(chain: Table, config: Config) -> str:
    nats = [[float(str(value).replace("−", "-")) for value in row[1:]] for row in chain.rows]
    ordered = sum(ba >= dv - 1e-6 >= nwj - 2e-6 for ba, dv, nwj, *_ in nats)
    ba, dv, nwj = nats[[row[0] for row in chain.rows].index("log r")][:3]
    return (
        f"Barber-Agakov >= DV >= NWJ for {ordered} of {len(nats)} critics, on {config.information:g} nats; "
        f"at log r they read {ba:.2f}, {dv:.2f}, {nwj:.2f}. Each gap is what that bound doesn't normalise: "
        f"Barber-Agakov normalises every z, DV all z at once, NWJ nothing. InfoNCE normalises too, but by K "
        f"samples, so that it cannot pass log K."
    )


def _check(config: Config) -> None:
    least = {"steps": 1, "batch": 2, "width": 1, "dimensions": 1, "chain_steps": 1, "samples": 256}
    for name, value in least.items():
        if getattr(config, name) < value:
            raise InputError(f"{name}: {getattr(config, name)}; use at least {value}")
    if not 0 < config.rate < math.inf:
        raise InputError(f"rate: {config.rate}; use a positive number, such as 2e-3")
    if not 0 <= config.seed < 2**32:
        raise InputError(f"seed: {config.seed}; use a whole number from 0 to {2**32 - 1}")
    x_shaped(config.correlation)  # refuses what is no correlation
    if not config.information > 0:
        raise InputError(f"information: {config.information}; use a positive number of nats")
    most = MOST * config.dimensions
    if config.information > most:
        raise InputError(
            f"information: {config.information:g} nats in {config.dimensions} dimensions, where the closed forms "
            f"are exact up to {most:g}; use less, or more dimensions"
        )


# --- one dimension -----------------------------------------------------------------------------------------

# p(a | b = 0) has two bumps, p(a | b = 1) one: their ratio rises and falls twice.
_BUMPS = {0: ((0.6, -1.0, 0.5), (0.4, 1.6, 0.7)), 1: ((1.0, 0.0, 1.5),)}


def _log_density(a: Float[np.ndarray, "n 1"], b: int) -> Float[np.ndarray, " n"]:
    terms = [np.log(w) - 0.5 * ((a[:, 0] - m) / s) ** 2 - np.log(s * np.sqrt(2 * np.pi)) for w, m, s in _BUMPS[b]]
    return np.asarray(logsumexp(terms, axis=0))


def _draw(n: int, b: int, rng: np.random.Generator) -> Float[np.ndarray, "n 1"]:
    weights, means, widths = (np.array(column) for column in zip(*_BUMPS[b], strict=True))
    part = rng.choice(len(weights), size=n, p=weights)
    return (means[part] + widths[part] * rng.standard_normal(n))[:, None]


def _line(config: Config) -> tuple[str, list[object]]:
    rng = np.random.default_rng(config.seed)
    torch.manual_seed(config.seed)
    logit = mlp([1, config.width, config.width, 1], nn.SiLU)

    def loss() -> Tensor:
        joint, product = (_tensor(_draw(config.batch, b, rng)) for b in (0, 1))
        return softplus(-logit(joint)).mean() + softplus(logit(product)).mean()

    _descend(logit, loss, config)

    def f(a: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return logit(_tensor(a))[:, 0].double().numpy()

    def log_r(a: np.ndarray) -> np.ndarray:
        return _log_density(a, 0) - _log_density(a, 1)

    grid = np.linspace(-6, 6, 400)[:, None]
    with plots.figure(7.4, 3.1, 1, 2) as (fig, axes):
        left, right = panels(axes)
        for b, colour, label in ((0, plots.COLOURS[0], "b = 0"), (1, plots.COLOURS[1], "b = 1")):
            left.plot(grid, np.exp(_log_density(grid, b)), color=colour, label=f"p(a | {label})")
            drawn = _draw(60, b, rng)[:, 0]
            left.plot(drawn, np.full(60, -0.012 * (b + 1)), "|", color=colour, markersize=5, alpha=0.6)
        left.set_xlabel("a")
        left.set_ylabel("density")
        left.legend()
        right.plot(grid, log_r(grid), color=plots.COLOURS[6], linewidth=3, alpha=0.6, label="log r(a)")
        right.plot(grid, f(grid), color=plots.COLOURS[2], label="logit f(a)")
        right.set_ylim(-6, 4)
        right.set_xlabel("a")
        right.set_ylabel("nats")
        right.legend()
        svg = plots.svg(fig)
    return svg, _row("one dimension", f, log_r, _draw(20_000, 0, rng), _draw(20_000, 1, rng))


# --- two dimensions ----------------------------------------------------------------------------------------


def _plane(config: Config) -> tuple[str, list[object]]:
    pair = x_shaped(config.correlation)
    assert pair.log_ratio is not None
    rng = np.random.default_rng(config.seed)
    torch.manual_seed(config.seed)
    generator = torch.Generator().manual_seed(config.seed)
    critic = Concat(1, 1, (config.width, config.width))

    def loss() -> Tensor:
        x, z = (_tensor(side) for side in pair.draw(config.batch, rng))
        return -jsd(shuffled(critic, x, z, generator))

    _descend(critic, loss, config)

    def f(a: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return critic(_tensor(a[:, :1]), _tensor(a[:, 1:])).double().numpy()

    def log_r(a: np.ndarray) -> np.ndarray:
        assert pair.log_ratio is not None
        return pair.log_ratio(a[:, :1], a[:, 1:])

    joint = np.hstack(pair.draw(20_000, rng))
    product = np.hstack([pair.draw(20_000, rng)[0], pair.draw(20_000, rng)[1]])
    ticks = np.linspace(-3, 3, 61)
    grid = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)
    levels = np.arange(-4.0, 2.01, 0.5)
    with plots.figure(7.4, 6.4, 2, 2) as (fig, axes):
        above, beside, below, last = panels(axes)
        for one, points, title, colour in (
            (above, joint, "b = 0: p(x, z)", plots.COLOURS[0]),
            (beside, product, "b = 1: p(x)p(z)", plots.COLOURS[1]),
        ):
            one.plot(points[:600, 0], points[:600, 1], ".", color=colour, markersize=3, alpha=0.5)
            one.set_title(title)
        for one, values, title in (
            (below, log_r(grid), "log r(x, z)"),
            (last, f(grid), "logit f(x, z)"),
        ):
            drawn = one.contourf(
                ticks, ticks, values.reshape(61, 61).clip(-4, 2), levels, cmap="PuOr", vmin=-4, vmax=4
            )
            one.set_title(title)
        fig.colorbar(drawn, ax=[below, last], label="nats", shrink=0.9)
        for one in (above, beside, below, last):
            one.set(xlim=(-3, 3), ylim=(-3, 3), xlabel="x", ylabel="z", aspect="equal")
        svg = plots.svg(fig)
    row = _row(f"an X, correlation {config.correlation:g}", f, log_r, joint, product)
    row[4] = pair.information
    return svg, row


# --- both --------------------------------------------------------------------------------------------------


def _tensor(values: np.ndarray) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float32)


def _descend(network: nn.Module, loss: Callable[[], Tensor], config: Config) -> None:
    """Adam, its rate falling to nothing in a half cosine: what is shown is the optimum, not the last noise."""
    plan = Plan(epochs=config.steps, optimizer="adam", lr=config.rate, weight_decay=0.0)
    descend(lambda _: loss(), network.parameters(), repeat(None), plan)


def _row(name: str, f: Log, log_r: Log, joint: np.ndarray, product: np.ndarray) -> list[object]:
    f_joint, f_product, r_joint = f(joint), f(product), log_r(joint)
    right = 50 * ((f_joint > 0).mean() + (f_product < 0).mean())
    errors = np.abs(f_joint - r_joint).mean(), np.abs(f_product - log_r(product)).mean()
    return [name, *map(float, (*errors, f_joint.mean(), r_joint.mean(), right))]
