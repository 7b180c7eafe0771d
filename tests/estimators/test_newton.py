"""The solver: gradient, block solve, monotone steps, and the maximum that a general optimiser finds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from mutua.estimators.newton import LEAST_EIGENVALUE, block_step, maximise
from mutua.ica import Laplace, Mixture, Sech, Student, SubGaussian
from mutua.ica.linear.likelihood import objective


def recording(n: int = 400, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    s = np.stack([rng.laplace(size=n), rng.uniform(-2, 2, n), rng.standard_t(4, n)], 1)
    return s @ rng.normal(size=(3, 3))


DENSITIES = [Laplace(0.3), SubGaussian(), Student(4.0)]


def loss(w: np.ndarray, x: np.ndarray, densities: list) -> float:
    y = x @ w.T
    terms = [density.log_prob(column).mean() for density, column in zip(densities, y.T, strict=True)]
    return -float(np.log(abs(np.linalg.det(w))) + sum(terms))


@pytest.mark.parametrize("densities", [DENSITIES, [Mixture(), Sech(), Laplace()]])
def test_loss_and_relative_gradient(densities: list) -> None:
    x = recording()
    w = np.random.default_rng(1).normal(size=(3, 3))
    state = objective(lambda: iter((x[:100], x[100:])), densities)(w)
    assert state.loss == pytest.approx(loss(w, x, densities), rel=1e-12)
    for i in range(3):
        for j in range(3):
            nudge = np.zeros((3, 3))
            nudge[i, j] = 1e-6
            ahead, behind = (loss(w + sign * nudge @ w, x, densities) for sign in (1, -1))
            assert state.gradient[i, j] == pytest.approx((ahead - behind) / 2e-6, abs=1e-6)


def test_whitening_inside_the_objective() -> None:
    x = recording()
    matrix, w = np.random.default_rng(2).normal(size=(2, 3, 3))
    inside = objective(lambda: iter((x,)), DENSITIES, matrix)(w)
    outside = objective(lambda: iter((x @ matrix.T,)), DENSITIES)(w)
    assert inside.loss == pytest.approx(outside.loss)
    np.testing.assert_allclose(inside.curvature, outside.curvature)


def test_block_step_solves_the_blocks() -> None:
    rng = np.random.default_rng(3)
    right, h = rng.normal(size=(4, 4)), rng.uniform(0.1, 3, (4, 4))
    step = block_step(right, h)
    for i in range(4):
        assert step[i, i] == pytest.approx(right[i, i] / (1 + h[i, i]))
        for j in range(i):
            block = np.array([[h[i, j], 1], [1, h[j, i]]])
            block += max(LEAST_EIGENVALUE - np.linalg.eigvalsh(block)[0], 0) * np.eye(2)
            np.testing.assert_allclose(block @ [step[i, j], step[j, i]], [right[i, j], right[j, i]])


@pytest.mark.parametrize("seed", range(5))
def test_every_step_lowers_the_loss(seed: int) -> None:
    x = recording(seed=seed)
    evaluate = objective(lambda: iter((x,)), DENSITIES)
    start = evaluate(np.random.default_rng(seed).normal(size=(3, 3)))
    found = maximise(evaluate, start, tol=1e-9, max_steps=200, rounding=1e-14)
    assert found.converged
    assert np.abs(found.state.gradient).max() <= 1e-9
    assert (np.diff([start.loss, *found.losses]) <= 1e-13).all()
    assert found.steps == len(found.losses) >= 2


def test_maximum_is_that_of_a_general_optimiser() -> None:
    x = recording()
    evaluate = objective(lambda: iter((x,)), DENSITIES)
    start = np.linalg.inv(np.random.default_rng(0).normal(size=(3, 3)).T)
    found = maximise(evaluate, evaluate(start), tol=1e-10, max_steps=200, rounding=1e-14).state
    general = minimize(
        lambda w: loss(w.reshape(3, 3), x, DENSITIES), (found.w * 1.05).ravel(), method="BFGS", tol=1e-9
    )
    np.testing.assert_allclose(found.w, general.x.reshape(3, 3), rtol=1e-4, atol=1e-4)
    assert found.loss <= general.fun + 1e-12


def test_it_stops_and_says_so() -> None:
    x = recording()
    evaluate = objective(lambda: iter((x,)), DENSITIES)
    found = maximise(evaluate, evaluate(np.eye(3)), tol=1e-12, max_steps=2, rounding=1e-14)
    assert not found.converged
    assert found.steps == 2
