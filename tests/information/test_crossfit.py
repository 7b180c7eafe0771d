"""The training loop of stacked critics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from mutua.data.known import known
from mutua.information.default.cross_fit import PLAN, fit, objective
from mutua.information.default.folds import split
from mutua.information.default.log_ratio import LogRatio, wide
from mutua.information.estimators.gaussian import Canonical

NONE = Canonical(np.zeros((2, 0)), np.zeros((2, 0)), np.zeros(0))


def setting(folds: int, seed: int = 0) -> tuple[LogRatio, torch.Tensor, torch.Tensor]:
    x, y = known("multinormal-sparse-2-2-2-2.0").sample(600, seed)
    generator = torch.Generator().manual_seed(seed)
    critic = LogRatio([NONE] * folds, wide(folds, 2), wide(folds, 2), 16, 2, 8, generator)
    return critic, torch.tensor(x).float(), torch.tensor(y).float()


def test_the_objective_by_hand() -> None:
    critic, x, y = setting(1)
    scores = critic.matrix(x[None, :6], y[None, :6])[0].detach().double()
    off = ~torch.eye(6, dtype=torch.bool)
    joint = scores.diagonal()
    jsd = joint.sigmoid().log().mean() + (1 - scores[off].sigmoid()).log().mean()
    nce = [(joint - scores.logsumexp(axis)).mean() for axis in (0, 1)]
    assert torch.allclose(objective(critic, x[None, :6], y[None, :6])[0].double(), jsd + 0.5 * sum(nce), atol=1e-5)


def test_training_helps_on_rows_it_never_saw_and_repeats() -> None:
    results = []
    for _ in range(2):
        critic, x, y = setting(2)
        folds = split(len(x), 2, 1, torch.Generator().manual_seed(0))
        before = objective(critic, x[folds.held], y[folds.held]).detach()
        fitted = fit(critic, x, y, folds, replace(PLAN, epochs=150, batch=64), torch.Generator().manual_seed(1))
        after = objective(fitted.critic, x[folds.held], y[folds.held]).detach()
        assert bool((after > before + 0.5).all())
        assert bool((fitted.step > 0).all())
        results.append(after)
    assert torch.equal(*results)


def test_rows_that_are_held_out_change_nothing() -> None:
    critic, x, y = setting(2)
    folds = split(len(x), 2, 1, torch.Generator().manual_seed(0))
    spoiled = y.clone()
    spoiled[folds.held[0]] = 50.0
    plan = replace(PLAN, epochs=60, batch=64)
    clean = fit(critic, x, y, folds, plan, torch.Generator().manual_seed(1)).critic.fold(0)
    again, _, _ = setting(2)
    other = fit(again, x, spoiled, folds, plan, torch.Generator().manual_seed(1)).critic.fold(0)
    a, b = x[None, :20], y[None, :20]
    assert torch.equal(clean.matrix(a, b), other.matrix(a, b))


def test_noise_is_left_at_the_start_and_still_gives_a_trained_state() -> None:
    critic, x, _ = setting(3)
    noise = torch.randn(600, 2, generator=torch.Generator().manual_seed(5))
    folds = split(600, 3, 1, torch.Generator().manual_seed(0))
    plan = replace(PLAN, epochs=400, batch=64)
    fitted = fit(critic, x, noise, folds, plan, torch.Generator().manual_seed(1), patience=4)
    value = fitted.critic.matrix(x[folds.held], noise[folds.held]).detach()
    assert float(value.std()) < 0.3
    assert set(fitted.trained) == {name for name, _ in critic.named_parameters()}
    assert all(bool(torch.isfinite(state).all()) for state in fitted.trained.values())
    tested = fitted.critic.fold(0, fitted.trained).matrix(x[None, :50], noise[None, :50])
    assert float(tested.std()) > 0
