"""Families V of probes: each is fitted to rows, its settings chosen on other rows, and gives log f[z](y) in nats.

A family is closed under ignoring z: the null model, fitted to y alone, is the same for all. Classes are given
probabilities; numbers a normal density with a mean that the probe makes and one covariance for all rows, so that
of the linear family the usable information of a Gaussian pair is -1/2 log(1 - R^2).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mutua.evaluation.decodable.targets import Target
from mutua.evaluation.probes.many_heads import Heads, solve_many
from mutua.evaluation.probes.score import moments
from mutua.training import Plan, descend, shuffled_batches
from mutua.types import InputError, names

__all__ = [
    "FAMILIES",
    "PENALTIES",
    "Family",
    "Fitted",
    "family_of",
    "linear",
    "mixed",
    "mlp",
    "nearest",
    "null",
    "standardised",
]

Values = Float[np.ndarray, " _"]
LogProb = Callable[[Tensor, Target], Values]
"""Of standardised rows."""
Matrix = Float[np.ndarray, "_ _"]

PENALTIES = (1e3, 1e2, 10.0, 1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""1/C of the linear family, per row: the objective is mean loss + penalty/2 |W|^2."""

NEIGHBOURS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


@dataclass(frozen=True)
class Fitted:
    """A probe: `log_prob(z, y)` is log f[z](y) in nats, a value a row; the settings chosen; what it is, in
    words."""

    log_prob: Callable[[Matrix, Target], Values]
    settings: Mapping[str, float] = field(default_factory=dict)
    words: str = ""


@runtime_checkable
class Family(Protocol):
    """Fits to (z, y), choosing settings on held-out rows (z', y')."""

    def __call__(self, z: Matrix, y: Target, held_z: Matrix, held_y: Target, seed: int) -> Fitted: ...


def standardised(train: Matrix) -> Callable[[Matrix], Tensor]:
    """Columns by their mean and deviation on `train`; a constant column is 0 there. Preprocessing is part of V."""
    mean, scale = (torch.from_numpy(m) for m in moments(train))
    return lambda z: (torch.from_numpy(z) - mean) / scale


def mixed(logs: Tensor, n: int) -> Tensor:
    """log((n p + 1/k) / (n + 1)): a pseudo-row spread over all k classes, so that no class that the n rows lack
    costs infinitely much."""
    k = logs.shape[-1]
    return torch.logaddexp(logs + math.log(n / (n + 1)), logs.new_tensor(-math.log(k * (n + 1.0))))


def _read(logs: Tensor, y: Target) -> Values:
    assert y.codes is not None
    return logs.double().gather(1, torch.from_numpy(y.codes)[:, None])[:, 0].numpy()


def null(y: Target) -> Fitted:
    """The best that ignores z: class frequencies (with a pseudo-row, as everywhere), or mean and covariance."""
    if y.discrete:
        assert y.codes is not None
        share = torch.from_numpy(np.bincount(y.codes, minlength=y.k) / len(y))
        logs = mixed(share.log(), len(y))
        return Fitted(lambda z, other: _read(logs.expand(len(other), -1), other), {}, "class frequencies")
    assert y.values is not None
    centre = y.values.mean(0)
    normal = _Normal.of(y.values - centre, len(y) - 1)
    return Fitted(lambda z, other: normal(other, np.broadcast_to(centre, (len(other), y.k))), {}, "a normal")


@dataclass(frozen=True)
class _Normal:
    """A normal density about a mean, of one covariance L L'."""

    lower: Float[np.ndarray, "k k"]

    @classmethod
    def of(cls, residual: Float[np.ndarray, "n k"], freedom: float) -> _Normal:
        """With the covariance residual' residual / freedom."""
        covariance = residual.T @ residual / max(freedom, 1.0)
        # A perfect fit has a density without bound.
        covariance += 1e-12 * np.diag(np.square(residual).mean(0) + 1e-30)
        return cls(np.linalg.cholesky(covariance))

    def __call__(self, y: Target, mean: Float[np.ndarray, "n k"]) -> Values:
        assert y.values is not None
        off = np.linalg.solve(self.lower, (y.values - mean).T)  # (k, n)
        volume = np.log(np.diag(self.lower)).sum() + 0.5 * y.k * math.log(2 * math.pi)
        return -0.5 * np.square(off).sum(0) - volume


def linear(
    z: Matrix,
    y: Target,
    held_z: Matrix,
    held_y: Target,
    seed: int,
    *,
    penalty: float | None = None,
) -> Fitted:
    """Multinomial logistic regression of classes, least squares of numbers, with penalty/2 |W|^2 on standardised
    columns.

    Args:
        penalty: chosen of `PENALTIES` on the held-out rows by default, then refitted on all; 0 for none, with
            which invertible linear maps of z change nothing.
    """
    both = np.concatenate([z, held_z])
    scale = standardised(both)
    every = _together(y, held_y)
    solved = _classes if y.discrete else _numbers
    chosen = penalty
    if chosen is None:
        # From the strongest on: the weakest are the slowest, and past the best they only fit noise.
        least, worse = math.inf, 0
        for each, fit in zip(PENALTIES, solved(scale(z), y, PENALTIES), strict=True):
            lost = -float(fit(scale(held_z), held_y).mean())
            worse = 0 if lost < least else worse + 1
            if lost < least:
                least, chosen = lost, each
            if worse == 2:
                break
        assert chosen is not None
    (fit,) = solved(scale(both), every, (chosen,))
    words = "logistic regression" if y.discrete else "least squares with one covariance"
    how = "chosen on validation rows, then refitted on all" if penalty is None else "given"
    return Fitted(
        lambda other, of: fit(scale(other), of),
        {"penalty": chosen},
        f"linear: {words} on standardised columns, penalty {chosen:g}/2 |W|^2 {how}",
    )


def _classes(x: Tensor, y: Target, penalties: Sequence[float]) -> Iterator[LogProb]:
    assert y.codes is not None
    n = len(x)
    # Without a penalty the maximum is what is asked for: in float64, where it is reached to the digit.
    rows = (x.double() if min(penalties) == 0 else x)[None]
    product, heads = (rows.mT @ rows).double(), None
    for penalty in penalties:
        C = torch.tensor([1 / (penalty * n) if penalty else math.inf], dtype=torch.float64)
        heads = solve_many(rows, torch.from_numpy(y.codes)[None], y.k, C, product, heads, steps=1000)

        def log_prob(other: Tensor, of: Target, found: Heads = heads) -> Values:
            return _read(mixed(found.log_probs(other[None].to(rows.dtype))[0, 0], n), of)

        yield log_prob


def _numbers(x: Tensor, y: Target, penalties: Sequence[float]) -> Iterator[LogProb]:
    assert y.values is not None
    a, centre = x.double().numpy(), y.values.mean(0)
    mean = a.mean(0)
    u, s, vt = np.linalg.svd(a - mean, full_matrices=False)
    s = np.where(s > 1e-6 * s.max(initial=1e-300), s, 0.0)
    turned = u.T @ (y.values - centre)  # (r, k)

    def read(penalty: float) -> LogProb:
        assert y.values is not None
        shrunk = np.divide(s, s**2 + penalty * len(a), out=np.zeros_like(s), where=s > 0)
        weight = vt.T @ (shrunk[:, None] * turned)
        residual = y.values - centre - (a - mean) @ weight
        normal = _Normal.of(residual, len(a) - 1 - float((s * shrunk).sum()))
        return lambda other, of: normal(of, (other.double().numpy() - mean) @ weight + centre)

    yield from map(read, penalties)


def _together(a: Target, b: Target) -> Target:
    if a.codes is not None and b.codes is not None:
        return Target(a.k, codes=np.concatenate([a.codes, b.codes]))
    assert a.values is not None
    assert b.values is not None
    return Target(a.k, values=np.concatenate([a.values, b.values]))


def nearest(z: Matrix, y: Target, held_z: Matrix, held_y: Target, seed: int, *, k: int | None = None) -> Fitted:
    """The k nearest rows by Euclidean distance of standardised columns: their classes, with one pseudo-row of the
    class frequencies; or the mean of their numbers.

    Args:
        k: chosen of 1 to 1,000 on the held-out rows by default.
    """
    scale = standardised(z)
    keys = scale(z)
    grid = [many for many in ((k,) if k is not None else NEIGHBOURS) if many <= len(z)] or [len(z)]

    def found(other: Matrix) -> Tensor:
        parts = [
            torch.cdist(part, keys).topk(grid[-1], 1, largest=False).indices for part in scale(other).split(1024)
        ]
        return torch.cat(parts)  # (m, most)

    if y.codes is not None:
        codes = torch.from_numpy(y.codes)
        prior = torch.bincount(codes, minlength=y.k) / len(codes)

        def probabilities(rows: Tensor, many: int) -> Tensor:
            votes = F.one_hot(codes[rows[:, :many]], y.k).sum(1) + prior
            return mixed((votes / (many + 1)).log(), len(codes))

        seen = found(held_z)
        best = min(grid, key=lambda many: -_read(probabilities(seen, many), held_y).mean())
        return Fitted(
            lambda other, of: _read(probabilities(found(other)[:, :best], best), of), {"k": best}, _near(best, k)
        )
    assert y.values is not None
    assert held_y.values is not None
    values = y.values
    seen = found(held_z)

    def means(rows: Tensor, many: int) -> np.ndarray:
        return values[rows[:, :many].numpy()].mean(1)

    # The covariance is that of rows the means were not made of.
    left = {many: held_y.values - means(seen, many) for many in grid}
    best = min(grid, key=lambda many: float(np.linalg.slogdet(left[many].T @ left[many])[1]))
    normal = _Normal.of(left[best], len(left[best]))
    return Fitted(lambda other, of: normal(of, means(found(other), best)), {"k": best}, _near(best, k))


def _near(best: int, k: int | None) -> str:
    how = "chosen on validation rows" if k is None else "given"
    return f"knn: {best} nearest rows by Euclidean distance of standardised columns, k {how}"


def mlp(
    z: Matrix,
    y: Target,
    held_z: Matrix,
    held_y: Target,
    seed: int,
    *,
    hidden: int = 256,
    rate: float = 1e-3,
    steps: int = 2000,
    batch: int = 256,
    every: int = 20,
    patience: int = 10,
) -> Fitted:
    """A perceptron with two hidden layers; Adam, stopped where the held-out loss stops falling, the best weights
    kept.

    Args:
        hidden: units of each layer.
        steps: at most.
        every: how many steps lie between two looks at the held-out rows.
        patience: looks without a better loss before it stops.
    """
    scale = standardised(z)
    x, held = scale(z), scale(held_z)
    if y.values is not None:
        assert held_y.values is not None
        centre, spread = y.values.mean(0), y.values.std(0)
        wanted, held_wanted = (torch.from_numpy((v - centre) / spread).float() for v in (y.values, held_y.values))
    else:
        assert y.codes is not None
        assert held_y.codes is not None
        wanted, held_wanted = torch.from_numpy(y.codes), torch.from_numpy(held_y.codes)
    loss = F.cross_entropy if y.discrete else F.mse_loss
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = nn.Sequential(
            nn.Linear(x.shape[1], hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, y.k),
        )
    # At the start it is the null model: that is in the family, and what an early stop must be able to give back.
    head = net[-1]
    assert isinstance(head, nn.Linear)
    with torch.no_grad():
        head.weight.zero_()
        share = torch.bincount(wanted, minlength=y.k) / len(wanted) if y.discrete else None
        head.bias.copy_((share + 1 / len(wanted)).log() if share is not None else torch.zeros(y.k))
        best = float(loss(net(held), held_wanted))
    kept, worse = {key: value.clone() for key, value in net.state_dict().items()}, 0

    def watch(done: int, _: Tensor) -> bool:
        nonlocal best, kept, worse
        if done % every:
            return False
        with torch.no_grad():
            lost = float(loss(net(held), held_wanted))
        worse = 0 if lost < best else worse + 1
        if lost < best:
            best, kept = lost, {key: value.clone() for key, value in net.state_dict().items()}
        return worse >= patience

    generator = torch.Generator().manual_seed(seed)
    plan = Plan(epochs=steps, optimizer="adam", lr=rate, weight_decay=0.0)
    descend(
        lambda rows: loss(net(x[rows]), wanted[rows]),
        net.parameters(),
        shuffled_batches(len(x), batch, generator),
        plan,
        watch=watch,
    )
    net.load_state_dict(kept)
    words = f"mlp: 2 x {hidden} units on standardised columns, Adam {rate:g}, stopped early on validation rows"

    def made(other: Matrix) -> Tensor:
        with torch.no_grad():
            return torch.cat([net(part) for part in scale(other).split(4096)])

    settings = {"hidden": float(hidden)}
    if y.discrete:
        n = len(z)
        return Fitted(lambda other, of: _read(mixed(torch.log_softmax(made(other), 1), n), of), settings, words)
    assert held_y.values is not None

    def mean(other: Matrix) -> np.ndarray:
        return made(other).double().numpy() * spread + centre

    residual = held_y.values - mean(held_z)
    normal = _Normal.of(residual, len(residual))
    return Fitted(lambda other, of: normal(of, mean(other)), settings, words)


FAMILIES: dict[str, Family] = {"linear": linear, "knn": nearest, "mlp": mlp}


def family_of(name: str) -> Family:
    """The family of that name. Raises `InputError` for any other name."""
    if name not in FAMILIES:
        raise InputError(f"family: {name!r} is none of {names(FAMILIES)}")
    return FAMILIES[name]
