"""The default estimator: cross-fitted critics on Gaussianised margins, doubly normalised, read from both ends.

1. Columns go to Gaussian quantiles (`margins`), so tails, bounds and units are out of the way.
2. Each fold's critic is a Gaussian log ratio with what a separable network adds to it (`ratio`): for a relation
   that is linear after step 1, training stops at step 0 and the estimate is the efficient one.
3. It is trained by JSD plus InfoNCE and stopped on rows of its own (`cross_fit`).
4. Read on its held-out rows (`reading`), a critic's estimate is low by what it failed to learn; read on its
   training rows, it is high by what it learned of noise. To first order the two errors are equal (as the
   optimism and the excess risk of a maximum-likelihood fit are: Akaike 1974), so the middle is the value.
5. Where rows kept aside say that the critics' scale is too large, they are read by InfoNCE (`temperature`).
6. In few columns a net smooths sharp edges; nearest neighbours don't, and both err downward, so what neighbours
   read beyond their own noise counts (`direct.believed`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Generator, Tensor

from mutua.information.default import cross_fit
from mutua.information.default.certificate import blocks_of, lower_limit, smoothed_infonce
from mutua.information.default.direct import near_copies, nearest
from mutua.information.default.folds import Folds, split
from mutua.information.default.log_ratio import LogRatio, narrow, wide
from mutua.information.default.permutation import permutation_test
from mutua.information.default.score_test import combined, score_test
from mutua.information.default.sinkhorn import Read, doubly_normalised
from mutua.information.default.temperature import factors, tempered
from mutua.information.estimators.gaussian import Canonical, canonical, shrunk
from mutua.information.variables import Variable
from mutua.training import Plan

__all__ = ["EFFORTS", "Effort", "Evidence", "gather"]

ROWS = 2000
NARROW_FROM = 10


@dataclass(frozen=True)
class Effort:
    """How much work: folds, the networks' width, how long each is trained at most, how many looks in vain end it,
    and whether a second view is tried where columns are many."""

    folds: int
    width: int
    plan: Plan
    patience: int
    narrow: bool


EFFORTS: dict[str, Effort] = {
    "quick": Effort(3, 128, replace(cross_fit.PLAN, epochs=800), 8, False),
    "default": Effort(5, 128, cross_fit.PLAN, 12, True),
    "thorough": Effort(10, 256, replace(cross_fit.PLAN, epochs=4000, batch=256), 20, True),
}


@dataclass(frozen=True)
class Evidence:
    """What the folds say; the mean over everything in `held` is the low reading, over `seen` the high one.

    Attributes:
        held: (n,) log ratios at rows their critic never saw; seen: (m,) at rows it was trained on.
        by_fold: (f,) the middle of the two, a fold at a time.
        linear: the information of the Gaussian part alone.
        neighbours: KSG on the Gaussianised columns, see `direct.nearest`; nan where it wasn't taken.
        copies: the share of rows that are copies of others but for noise, see `direct.near_copies`.
        lower: the certificate. blocks: its block size.
        p_value: of the test on all rows and of the critic's on fold 0, combined.
        normalised, effective: of the readings of held-out rows, see `sinkhorn.Read`.
        factor: what critics were multiplied by, the mean over folds; 1 where their scale held, see `temperature`.
        steps: (f,) where each fold's training was stopped. limit: the most it could take.
    """

    held: Float[ndarray, " n"]
    seen: Float[ndarray, " m"]
    by_fold: Float[ndarray, " f"]
    linear: float
    neighbours: float
    copies: float
    lower: float
    blocks: int
    p_value: float
    normalised: float
    effective: float
    factor: float
    steps: tuple[int, ...]
    limit: int

    @property
    def nearest(self) -> float:
        """What neighbours read, where they are to be believed; else nan."""
        return math.nan if self.copies else self.neighbours


def gather(
    x: Variable,
    y: Variable,
    effort: Effort,
    block: int,
    seed: int,
    permutations: int = 999,
    told: Callable[[int, int], None] | None = None,
) -> Evidence:
    """Train the critics of a cross-fit and read them. `block` neighbouring rows are never dealt apart."""
    generator = torch.Generator().manual_seed(seed)
    # Held-out parts of fewer than eight pieces can be neither normalised nor permuted.
    folds = split(len(x), max(2, min(effort.folds, len(x) // block // 8)), block, generator)
    a, b = torch.from_numpy(x.columns()), torch.from_numpy(y.columns())
    found, fitted = _trained(x, y, a, b, effort, folds, generator, told)
    critics = [fitted.critic.fold(k) for k in range(len(folds))]
    sample = folds.train[:, torch.randperm(folds.train.shape[1], generator=generator)[: folds.held.shape[1]]]
    stopped = folds.stop[:, :ROWS]
    scales = factors([_matrix(one, a[r], b[r]) for one, r in zip(critics, stopped, strict=True)])
    held, seen = (
        [_read(one, a[r], b[r], s) for one, r, s in zip(critics, rows, scales, strict=True)]
        for rows in (folds.held, sample)
    )
    middle = np.array([0.5 * (_mean(h) + _mean(s)) for h, s in zip(held, seen, strict=True)])
    # The block size is settled on rows the critics have seen, so that the certificate stays one.
    size = blocks_of(float(np.mean([_mean(s) for s in seen])), folds.held.numel())
    certified = torch.cat(
        [_blocks(one, a[r], b[r], size, s) for one, r, s in zip(critics, folds.held, scales, strict=True)]
    )
    tested = folds.held[0, : max(ROWS // block, 4) * block]
    matrix = _matrix(fitted.critic.fold(0, fitted.trained), a[tested], b[tested])
    copies = near_copies(x, y)
    return Evidence(
        held=np.concatenate([r.pointwise.numpy() for h in held for r in h]),
        seen=np.concatenate([r.pointwise.numpy() for s in seen for r in s]),
        by_fold=middle,
        linear=float(np.mean([one.information for one in found])),
        neighbours=math.nan if x.parts or y.parts else nearest(x, y, seed),
        copies=copies,
        lower=lower_limit(certified),
        blocks=size,
        p_value=combined(
            score_test(x, y, permutations, block, seed), permutation_test(matrix, generator, permutations, block)
        ),
        normalised=float(np.mean([r.normalised for h in held for r in h])),
        effective=float(np.median([r.effective for h in held for r in h])),
        factor=float(np.mean(scales)),
        steps=tuple(fitted.step.tolist()),
        limit=effort.plan.epochs,
    )


def _trained(
    x: Variable,
    y: Variable,
    a: Float[Tensor, "n dx"],
    b: Float[Tensor, "n dy"],
    effort: Effort,
    folds: Folds,
    generator: Generator,
    told: Callable[[int, int], None] | None,
) -> tuple[list[Canonical], cross_fit.Fitted]:
    """The Gaussian part of each fold, and the critics; of two kinds, where there are many columns, the better."""
    rows = folds.train.shape[1]
    whole = [_canonical(x, y, train) for train in folds.train.numpy()]
    found = [shrunk(one, rows) for one in whole]
    views = [(wide(len(folds), a.shape[1]), wide(len(folds), b.shape[1]))]
    if effort.narrow and min(x.continuous.shape[1], y.continuous.shape[1]) >= NARROW_FROM:
        k = [len(one.correlations) + 1 for one in found]
        left = narrow([one.left[:, :most] for one, most in zip(whole, k, strict=True)], a.shape[1])
        right = narrow([one.right[:, :most] for one, most in zip(whole, k, strict=True)], b.shape[1])
        views.append((left, right))
    fits = []
    for number, (left, right) in enumerate(views):
        critic = LogRatio(found, left, right, effort.width, 3, 32, generator)
        heard = (
            None if told is None else lambda step, steps, at=number: told(at * steps + step, len(views) * steps)
        )
        fits.append(cross_fit.fit(critic, a, b, folds, effort.plan, generator, heard, patience=effort.patience))
    return found, max(fits, key=lambda one: float(one.value.mean()))


def _canonical(x: Variable, y: Variable, rows: ndarray) -> Canonical:
    """The canonical directions of the continuous columns; none where a side has no such column."""
    if x.discrete or y.discrete:
        return Canonical(np.zeros((x.continuous.shape[1], 0)), np.zeros((y.continuous.shape[1], 0)), np.zeros(0))
    return canonical(x.continuous[rows], y.continuous[rows])


@torch.no_grad()
def _matrix(critic: LogRatio, x: Float[Tensor, "n dx"], y: Float[Tensor, "n dy"]) -> Float[Tensor, "n n"]:
    return critic.matrix(x[None], y[None])[0]


def _read(critic: LogRatio, x: Float[Tensor, "n dx"], y: Float[Tensor, "n dy"], factor: float) -> list[Read]:
    """In pieces of at most `ROWS` rows, so that memory doesn't grow with the square of n."""
    pieces = max(1, math.ceil(len(x) / ROWS))
    read = doubly_normalised if factor == 1 else partial(tempered, factor=factor)
    return [
        read(_matrix(critic, one, other))
        for one, other in zip(x.tensor_split(pieces), y.tensor_split(pieces), strict=True)
    ]


def _mean(reads: list[Read]) -> float:
    return float(torch.cat([read.pointwise for read in reads]).mean())


@torch.no_grad()
def _blocks(
    critic: LogRatio, x: Float[Tensor, "n dx"], y: Float[Tensor, "n dy"], size: int, factor: float
) -> Float[Tensor, " m"]:
    """The certificate's readings of the disjoint blocks of `size` rows."""
    m = len(x) // size
    left = critic.left(x[None, : m * size])[0].view(m, size, -1)  # (m, k, e)
    right = critic.right(y[None, : m * size])[0].view(m, size, -1)
    return torch.cat(
        [
            smoothed_infonce(factor * one @ other.mT)
            for one, other in zip(left.split(64), right.split(64), strict=True)
        ]
    )
