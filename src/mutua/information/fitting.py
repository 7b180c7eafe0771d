"""Training a critic by the objective of an estimator: on fresh draws from a sampler, or on rows of an array."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from itertools import chain

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from mutua.data.known import Known
from mutua.information.estimators.catalogue import Arrangement, Estimator
from mutua.information.estimators.tuba_baseline import Baselined
from mutua.training import Diverged, Plan, descend, shuffled_batches
from mutua.types import Critic, InputError

__all__ = ["Batches", "Best", "Callback", "fit_critic", "fresh_batches", "row_batches"]

Batches = Callable[[Generator], tuple[Tensor, Tensor]]
"""A generator to the next batch: x (n, dx) and y (n, dy), paired row by row."""

Callback = Callable[[int, Critic, Tensor], bool | None]
"""Steps done, the critic, and the objective's value at the batch: after each step. True ends the training."""


def fit_critic(
    estimator: Estimator,
    critic: Critic,
    batches: Batches,
    *,
    steps: int,
    generator: Generator,
    lr: float = 5e-4,
    weight_decay: float = 0.0,
    arrangement: Arrangement | None = None,
    callback: Callback | None = None,
) -> Critic:
    """Raise the estimator's objective by Adam for `steps` batches; return the critic to read, in eval mode.

    What is returned is the critic given, or, for an estimator with a baseline, that critic less its learned log
    baseline (`Baselined`; one that already is keeps its baseline, so that training may go on).

    Args:
        estimator: a member of `ESTIMATORS`.
        critic: trained in place.
        batches: `fresh_batches` of a known distribution, `row_batches` of arrays, or any function like them.
        steps: batches to train on.
        generator: of all that is random here: the batches, and the draws of the arrangement.
        lr, weight_decay: of AdamW (Adam, where nothing decays).
        arrangement: which pairs stand for the product; the estimator's own where it is not given.
        callback: called after each step; ends the training by returning True.

    Raises `InputError` where the objective is not finite.
    """
    arrangement = arrangement or estimator.arrangement
    objective = estimator.objective()
    first = batches(generator)  # (n, dx), (n, dy)
    if estimator.baseline is not None and not isinstance(critic, Baselined):
        critic = Baselined(critic, estimator.baseline(first[0].shape[-1]).to(first[0]))
    fitted = critic.train()
    try:
        descend(
            lambda pair: -objective(arrangement(fitted, *pair, generator)).mean(),
            fitted.parameters(),
            chain([first], iter(lambda: batches(generator), None)),
            Plan(epochs=steps, optimizer="adamw", lr=lr, weight_decay=weight_decay, schedule="constant"),
            watch=None if callback is None else lambda step, loss: callback(step, fitted, -loss),
        )
    except Diverged as error:
        raise InputError(
            f"{estimator.name}: its objective is not finite at step {error.step} of {steps}; "
            "scale the columns, or lower lr"
        ) from None
    return fitted.eval()


def fresh_batches(known: Known, batch: int, dtype: torch.dtype = torch.float32) -> Batches:
    """Batches never seen before, drawn from a known distribution; reproducible from the generator."""

    def draw(generator: Generator) -> tuple[Float[Tensor, "n dx"], Float[Tensor, "n dy"]]:
        seed = int(torch.randint(2**62, (), generator=generator))
        x, y = known.draw(batch, np.random.default_rng(seed))
        return torch.as_tensor(x, dtype=dtype), torch.as_tensor(y, dtype=dtype)

    return draw


def row_batches(x: Float[Tensor, "n dx"], y: Float[Tensor, "n dy"], batch: int) -> Batches:
    """Batches of paired rows, no row twice in a pass over them (twice in a batch, it would be its own negative).

    What fills no batch at the end of a pass is left out of it. A batch larger than the rows takes them all. The
    generator of the first call orders every pass.
    """
    rows: Iterator[Tensor] | None = None

    def draw(generator: Generator) -> tuple[Float[Tensor, "b dx"], Float[Tensor, "b dy"]]:
        nonlocal rows
        rows = rows or shuffled_batches(len(x), batch, generator)
        at = next(rows).to(x.device)
        return x[at], y[at]

    return draw


class Best:
    """A callback that stops early, and keeps the weights that did best.

    Args:
        score: the critic, in eval mode and without gradients, to a number, the higher the better.
        every: steps between two scorings.
        patience: scorings without a new best after which training ends.
    """

    def __init__(self, score: Callable[[Critic], float], every: int = 25, patience: int = 10) -> None:
        self.score = score
        self.every = every
        self.patience = patience
        self.step = 0
        self.value = -float("inf")
        self._weights: dict[str, Tensor] | None = None

    def __call__(self, step: int, critic: Critic, value: Tensor) -> bool:
        if step % self.every:
            return False
        critic.eval()
        with torch.no_grad():
            now = self.score(critic)
        critic.train()
        if now > self.value:
            self.step, self.value = step, now
            self._weights = copy.deepcopy(critic.state_dict())
        return step - self.step >= self.every * self.patience

    def restore(self, critic: Critic) -> Critic:
        """The critic with the best weights put back; as it is, where nothing was scored."""
        if self._weights is not None:
            critic.load_state_dict(self._weights)
        return critic
