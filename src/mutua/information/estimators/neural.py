"""A neural estimate from arrays, cross-fitted: critics are read on rows that they did not see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Generator, Tensor

from mutua.information.estimators.catalogue import ESTIMATORS, Estimator, Pairs
from mutua.information.fitting import Best, fit_critic, row_batches
from mutua.scores import Dense, Streamed, dense, paired
from mutua.types import Critic, InputError, check_finite, names

__all__ = ["NeuralEstimate", "fold_rows", "held_out_scores", "neural_estimate"]


@dataclass(frozen=True)
class NeuralEstimate:
    """Readings of the folds in nats, and what they were made of."""

    value: float
    """The mean over folds."""
    folds: Sequence[float]
    """Each fold's reading of its own rows, by the critic trained on the others."""
    critics: Sequence[Critic]
    rows: Sequence[Tensor]
    """The rows that each critic was read on."""
    steps: Sequence[int]
    """The step at which each critic did best on its validation rows."""


def neural_estimate(
    estimator: str | Estimator,
    x: Shaped[np.ndarray | Tensor, "n ..."],
    y: Shaped[np.ndarray | Tensor, "m ..."],
    *,
    critic: Callable[[int, int], Critic] | None = None,
    folds: int = 3,
    validation: float = 0.2,
    steps: int = 3000,
    batch: int = 256,
    block: int = 256,
    lr: float = 5e-4,
    weight_decay: float = 1e-4,
    every: int = 25,
    patience: int = 10,
    seed: int = 0,
) -> NeuralEstimate:
    """The estimator's reading of paired rows, in nats, each row read by a critic that never saw it.

    The rows are dealt at random into `folds`. For each, a critic is trained on the others, less a share of
    `validation` that decides when to stop (by the objective itself), and read on the fold in blocks. Columns are
    used as they are: bring them to a deviation near one first. Time grows with steps, memory with n x block.

    Args:
        estimator: a name in `ESTIMATORS`, or one of your own.
        x, y: rows in pairs, (n,) or (n, d).
        critic: dx and dy to a critic; of the estimator's own kind where it is not given.
        folds: parts, at least two.
        validation: the share of the training rows, in (0, 1).
        steps, batch, lr, weight_decay: of training; see `fit_critic`.
        block: rows read together, K of `infonce` (a little more, where it does not divide the rows).
        every, patience: of early stopping; see `Best`.
        seed: of all that is random.

    Raises `InputError` for a name that is not in `ESTIMATORS`, unequal lengths, NaN, and too few rows.
    """
    if isinstance(estimator, str):
        if estimator not in ESTIMATORS:
            raise InputError(f"estimator: {estimator!r} is unknown; choose one of {names(ESTIMATORS)}")
        estimator = ESTIMATORS[estimator]
    a, b = _columns(x, "x"), _columns(y, "y")
    if len(a) != len(b):
        raise InputError(f"x, y: {len(a)} and {len(b)} rows; they must be paired row by row")
    generator = Generator().manual_seed(seed)
    make = critic or estimator.critic
    readings, critics, parts, best_steps = [], [], [], []
    for held_out, rest in fold_rows(len(a), folds, generator):
        some = max(2, round(validation * len(rest)))
        if len(rest) - some < 2:
            raise InputError(f"x, y: {len(a)} rows are too few for {folds} folds; use more rows or fewer folds")
        aside, train = rest[:some], rest[some:]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
            network = make(a.shape[1], b.shape[1]).to(a)
            best = Best(_objective_on(estimator, a[aside], b[aside], block), every, patience)
            fitted = fit_critic(
                estimator,
                network,
                row_batches(a[train], b[train], batch),
                steps=steps,
                generator=generator,
                lr=lr,
                weight_decay=weight_decay,
                callback=best,
            )
        best.restore(fitted)
        scores = held_out_scores(fitted, a[held_out], b[held_out], block, estimator.pairs)
        readings.append(float(estimator.read(scores)))
        critics.append(fitted)
        parts.append(held_out)
        best_steps.append(best.step)
    return NeuralEstimate(sum(readings) / folds, readings, critics, parts, best_steps)


def held_out_scores(
    critic: Critic,
    x: Float[Tensor, "n dx"],
    y: Float[Tensor, "n dy"],
    block: int = 256,
    pairs: Pairs = paired,
) -> Dense:
    """Scores of n rows in disjoint blocks, pooled: a row's draws from the product are of its own block.

    Every reduction is then over all blocks at once: InfoNCE has K = the block's rows, while the normaliser of DV
    is one mean over all n (K - 1) draws, whose log is less biased than the mean of the blocks' logs. Blocks are
    of equal size, at least `block` rows where there are as many; up to one row a block is left out at the end. No
    gradients; the critic is scored one block at a time, and what is kept is n x K.

    Raises `InputError` for fewer than two rows or a block of one.
    """
    if min(len(x), block) < 2:
        raise InputError(
            f"block: {len(x)} rows in blocks of {block} leave no other row to pair with; use two or more"
        )
    count = max(1, len(x) // block)
    size = len(x) // count
    mode = critic.training
    critic.eval()
    with torch.no_grad():
        blocks = [
            pairs(critic, x[start : start + size], y[start : start + size])
            for start in range(0, count * size, size)
        ]
    critic.train(mode)
    held = [dense(scores) for scores in blocks if isinstance(scores, Dense | Streamed)]
    keep = held[0].keep  # (K, K), the same in every block
    return Dense(
        torch.cat([scores.joint for scores in held]),  # (n, 1)
        torch.cat([scores.product for scores in held]),  # (n, K)
        None if keep is None else keep.repeat(count, 1),
    )


def fold_rows(n: int, folds: int, generator: Generator) -> list[tuple[Int[Tensor, " h"], Int[Tensor, " r"]]]:
    """n rows dealt at random into folds: for each its own rows, and all others in random order."""
    if folds < 2 or n < 2 * folds:
        raise InputError(f"folds: {n} rows in {folds} folds; use at least two folds of at least two rows")
    parts = torch.randperm(n, generator=generator).tensor_split(folds)
    pairs = []
    for i, own in enumerate(parts):
        rest = torch.cat([part for j, part in enumerate(parts) if j != i])
        pairs.append((own, rest[torch.randperm(len(rest), generator=generator)]))
    return pairs


def _objective_on(
    estimator: Estimator, x: Float[Tensor, "n dx"], y: Float[Tensor, "n dy"], block: int
) -> Callable[[Critic], float]:
    """What early stopping watches: the training objective, on rows that are not trained on."""

    def score(critic: Critic) -> float:
        return float(estimator.objective()(held_out_scores(critic, x, y, block, estimator.pairs)))

    return score


def _columns(z: np.ndarray | Tensor, name: str) -> Float[Tensor, "n d"]:
    rows = torch.as_tensor(z, dtype=torch.float32)
    check_finite(rows, name)
    return rows.reshape(len(rows), -1)
