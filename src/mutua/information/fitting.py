"""Training a critic by the objective of an estimator: on fresh draws from a sampler, or on rows of an array."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from mutua.data.known import Known
from mutua.information.estimators.catalogue import Arrangement, Estimator
from mutua.information.estimators.tuba_baseline import Baselined
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
    optimizer: torch.optim.Optimizer | None = None
    for step in range(1, steps + 1):
        x, y = batches(generator)  # (n, dx), (n, dy)
        if optimizer is None:
            if estimator.baseline is not None and not isinstance(critic, Baselined):
                critic = Baselined(critic, estimator.baseline(x.shape[-1]).to(x))
            critic.train()
            optimizer = torch.optim.AdamW(critic.parameters(), lr=lr, weight_decay=weight_decay)
        value = objective(arrangement(critic, x, y, generator)).mean()
        if not torch.isfinite(value):
            raise InputError(
                f"{estimator.name}: its objective is {value.item()} at step {step} of {steps}; "
                "scale the columns, or lower lr"
            )
        optimizer.zero_grad(set_to_none=True)
        (-value).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if callback is not None and callback(step, critic, value.detach()):
            break
    return critic.eval()


def fresh_batches(known: Known, batch: int, dtype: torch.dtype = torch.float32) -> Batches:
    """Batches never seen before, drawn from a known distribution; reproducible from the generator."""

    def draw(generator: Generator) -> tuple[Float[Tensor, "n dx"], Float[Tensor, "n dy"]]:
        seed = int(torch.randint(2**62, (), generator=generator))
        x, y = known.draw(batch, np.random.default_rng(seed))
        return torch.as_tensor(x, dtype=dtype), torch.as_tensor(y, dtype=dtype)

    return draw


def row_batches(x: Float[Tensor, "n dx"], y: Float[Tensor, "n dy"], batch: int) -> Batches:
    """Batches of paired rows, no row twice in a pass over them (twice in a batch, it would be its own negative).

    What fills no batch at the end of a pass is left out of it. A batch larger than the rows takes them all.
    """
    size = min(batch, len(x))
    waiting: list[Tensor] = []

    def draw(generator: Generator) -> tuple[Float[Tensor, "b dx"], Float[Tensor, "b dy"]]:
        if not waiting:
            order = torch.randperm(len(x), generator=generator, device=generator.device).to(x.device)
            waiting.extend(order[: len(x) // size * size].split(size))
        rows = waiting.pop()
        return x[rows], y[rows]

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
