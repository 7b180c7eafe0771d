"""The chain I >= Barber-Agakov >= Donsker-Varadhan >= NWJ on a Gaussian, and InfoNCE beside it.

With q(x | z) = p(x) e^T(x, z) / Z(z), Z(z) = E_p(x) e^T(x, z), as in the lecture:

    Barber-Agakov   E_p T - E_p(z) log Z(z)      I minus the mean KL(p(x | z) || q(x | z))
    DV              E_p T - log E_p(z) Z(z)      Jensen: log of the mean
    NWJ of T + 1    E_p T + 1 - E_p(z) Z(z)      log t <= t - 1

and InfoNCE replaces Z(z) by the mean over K samples of x, the partner of z among them.
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
from torch import Tensor

from mutua import plots
from mutua.bounds import dv, infonce, jsd, nwj
from mutua.critics import Bilinear, Separable
from mutua.scores import paired
from mutua.studies import LOGGER
from mutua.training import Plan, descend
from mutua.types import Contrast, Critic, Table

__all__ = ["Chain", "Summed", "chain_figure", "chain_table", "exact", "measured"]

SIZES = (8, 64, 256)  # K of InfoNCE


@dataclass(frozen=True)
class Chain:
    """The three bounds, in nats."""

    barber_agakov: float
    dv: float
    nwj: float


class Summed(Critic):
    """T = shift + sum_i scale * log r_rho(y_i, x_i) + tilt (x_i^2 - 1), r_rho of correlation rho.

    The anchor, the lecture's z, comes first, as in all critics. Anything but scale 1, tilt 0, shift 0 and the true
    rho is wrong in a known way.
    """

    def __init__(self, rho: float, scale: float = 1.0, tilt: float = 0.0, shift: float = 0.0) -> None:
        super().__init__()
        self.rho, self.scale, self.tilt, self.shift = rho, scale, tilt, shift

    def coordinates(self, x: Float[Tensor, "*#n"], y: Float[Tensor, "*#n"]) -> Float[Tensor, "*#n"]:
        """The summand of one coordinate."""
        v = 1 - self.rho**2
        log_r = -0.5 * math.log(v) + 0.5 * (y**2 - (y - self.rho * x) ** 2 / v)
        return self.scale * log_r + self.tilt * (x**2 - 1)

    def forward(self, x: Float[Tensor, "*#n d"], y: Float[Tensor, "*#n d"]) -> Float[Tensor, "*#n"]:
        return self.coordinates(x, y).sum(-1) + self.shift


def exact(critic: Summed, rho: float, d: int, nodes: int = 120) -> Chain:
    """The bounds of a critic that sums over coordinates, on d of correlation rho: by Gauss-Hermite quadrature."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    e, w = torch.as_tensor(points), weights / weights.sum()
    z, noise = e[:, None], e[None, :]  # (nodes, 1), (1, nodes)
    joint = critic.coordinates(z, rho * z + math.sqrt(1 - rho**2) * noise).numpy()  # (nodes, nodes)
    log_z = logsumexp(critic.coordinates(z, noise).numpy(), axis=1, b=w)  # (nodes,)
    mean = d * float(w @ joint @ w)
    log_mean_z = d * float(logsumexp(log_z, b=w)) + critic.shift
    return Chain(
        mean - d * float(w @ log_z),
        mean + critic.shift - log_mean_z,
        mean + critic.shift + 1 - math.exp(log_mean_z),
    )


def measured(critic: Critic, z: Float[Tensor, "n d"], x: Float[Tensor, "n d"], rows: int = 512) -> Chain:
    """The bounds of any critic on samples: Z(z_i) over all x_j with j != i, `rows` anchors at a time."""
    n = len(z)
    joint, log_z = [], []
    with torch.no_grad():
        for start in range(0, n, rows):
            scores = critic.matrix(z[start : start + rows], x).double()  # (rows, n)
            here = torch.arange(len(scores))
            joint.append(scores[here, here + start].clone())
            scores[here, here + start] = -math.inf
            log_z.append(scores.logsumexp(1) - math.log(n - 1))
    t, log_zs = torch.cat(joint).mean(), torch.cat(log_z)
    log_mean_z = log_zs.logsumexp(0) - math.log(n)
    return Chain(float(t - log_zs.mean()), float(t - log_mean_z), float(t + 1 - log_mean_z.exp()))


def chain_table(d: int, information: float, *, steps: int, samples: int, seed: int = 0) -> Table:
    """Each critic's place in the chain: closed forms first, then critics trained on fresh batches of 128."""
    rho = math.sqrt(-math.expm1(-2 * information / d))
    low = rho / 2
    generator = torch.Generator().manual_seed(seed)
    z, x = _drawn(samples, d, rho, generator)
    rows: list[list[object]] = []
    for name, critic in {
        "log r": Summed(rho),
        "log r + 1/2": Summed(rho, shift=0.5),
        "log r + c(z)": Summed(rho, tilt=0.2),
        "half of log r": Summed(rho, scale=0.5),
        "log r of half the correlation": Summed(low),
    }.items():
        rows.append(_row(name, exact(critic, rho, d), critic, z, x, information))
    for name, make, objective, offset in _TRAINED:
        LOGGER.info(f"the chain of bounds: {name}")
        torch.manual_seed(seed)
        trained = _train(make(d), objective, d, rho, steps, generator)
        found = measured(trained, z, x)
        if offset:  # NWJ's optimum is 1 + log r: read it where it is tight, as it trained
            found = Chain(found.barber_agakov, found.dv, float(_shifted_nwj(trained, z, x)))
        rows.append(_row(name, found, trained, z, x, information))
    note = (
        f"{d} independent pairs of correlation {rho:.3f}: I = {information:g} nats. First five rows: the "
        f"chain in closed form. Trained: {steps:,} steps of Adam (1e-3) on fresh batches of 128, then read "
        f"on {samples:,} other pairs, each z against all x. InfoNCE: those pairs in disjoint blocks of K, z "
        f"the anchor; it is at most log K ({', '.join(f'{math.log(k):.2f}' for k in SIZES)}). NWJ is of T + "
        f"1, except where NWJ trained."
    )
    columns = ["critic T", "Barber-Agakov", "DV", "NWJ", *(f"InfoNCE {k}" for k in SIZES), "KL(p || q)"]
    return Table("The chain of bounds", columns, rows, note)


_TRAINED: list[tuple[str, Callable[[int], Critic], Contrast, bool]] = [
    ("separable, trained by DV", lambda d: Separable(d, d, 128), dv, False),
    ("separable, trained by NWJ", lambda d: Separable(d, d, 128), nwj, True),
    ("separable, trained by InfoNCE", lambda d: Separable(d, d, 128), infonce, False),
    ("separable, trained by JSD", lambda d: Separable(d, d, 128), jsd, False),
    ("bilinear, trained by InfoNCE", lambda d: Bilinear(d, d), infonce, False),
]


def _drawn(n: int, d: int, rho: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    z, e = torch.randn(2, n, d, generator=generator)
    return z, rho * z + math.sqrt(1 - rho**2) * e


def _train(
    critic: Critic, objective: Contrast, d: int, rho: float, steps: int, generator: torch.Generator
) -> Critic:
    plan = Plan(epochs=steps, optimizer="adam", lr=1e-3, weight_decay=0.0, schedule="constant")
    descend(
        lambda _: -objective(paired(critic, *_drawn(128, d, rho, generator))),
        critic.parameters(),
        repeat(None),
        plan,
    )
    return critic.eval()


def _shifted_nwj(critic: Critic, z: Tensor, x: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.stack(
            [nwj(paired(critic, a, b)) for a, b in zip(z.split(512), x.split(512), strict=True)]
        ).mean()


def _row(name: str, chain: Chain, critic: Critic, z: Tensor, x: Tensor, information: float) -> list[object]:
    contrasted = []
    for k in SIZES:
        blocks = len(z) // k
        with torch.no_grad():
            parts = (side[: blocks * k].unflatten(0, (blocks, k)) for side in (z, x))
            contrasted.append(float(infonce(paired(critic, *parts)).mean()))
    gap = information - chain.barber_agakov
    return [name, chain.barber_agakov, _short(chain.dv), _short(chain.nwj), *contrasted, gap]


def _short(value: float) -> float | str:
    """What ran away by its power of ten, which would cost its column the decimals."""
    return value if abs(value) < 100 else f"{value:.0e}".replace("-", "−", 1)


def chain_figure(table: Table, information: float) -> str:
    """Each critic's bounds on one line."""
    names = [str(row[0]) for row in table.rows]
    marks = dict(zip(table.columns[1:-1], ["D", "s", "v", ".", "o", "^"], strict=True))
    least = min(-0.2, information - 3.0)
    with plots.figure(7.4, 0.42 * len(names) + 1.3) as (fig, axes):
        axes.axvline(information, color=plots.COLOURS[6], linewidth=1.5, linestyle="--", label="I(x; z)")
        for i, (column, mark) in enumerate(marks.items(), 1):
            values = [float(str(row[i]).replace("−", "-")) for row in table.rows]
            places = np.arange(len(names)) + 0.09 * (i - 3.5)
            shown = [max(value, least) for value in values]
            axes.plot(shown, places, mark, color=plots.COLOURS[i - 1], markersize=5, label=column)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_xlabel(f"nats (values under {least:g} stand at the edge)")
        axes.set_xlim(least - 0.1, information + 0.6)
        axes.grid(axis="x", alpha=0.2)
        fig.legend(loc="outside upper center", ncols=4)
        return plots.svg(fig)
