"""The maximum of the ICA likelihood by relative quasi-Newton steps.

W is moved by W <- (I + alpha M) W. With y = W x, psi = -phi and E the mean over samples, the loss is

    L(W) = -log|det W| - sum_i E log p_i(y_i),

its relative gradient G = E[psi(y) y^T] - I, and its relative Hessian is near block-diagonal where the sources are
independent: the pair (m_ij, m_ji) sees the 2 x 2 block [[h_ij, 1], [1, h_ji]], h_ij = E[psi_i'(y_i) y_j^2], and
m_ii sees 1 + h_ii. Blocks are shifted until their least eigenvalue is `LEAST_EIGENVALUE`.

The first step is the blocks' Newton step. Later steps are L-BFGS with the blocks as the initial Hessian: what the
blocks leave out (dependent sources, small samples) is learned from the steps taken.

Paper: Ablin, Cardoso and Gramfort, Faster independent component analysis by preconditioning with Hessian
approximations (2018).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

__all__ = ["LEAST_EIGENVALUE", "Evaluate", "Solution", "State", "block_step", "maximise"]

LEAST_EIGENVALUE = 1e-2
MEMORY = 10

Square = Float[np.ndarray, "k k"]


@dataclass(frozen=True)
class State:
    """At one W: the loss in nats a sample, E log p_i(y_i) each, the relative gradient and the h_ij."""

    w: Square
    loss: float
    log_prob: Float[np.ndarray, " k"]
    gradient: Square
    curvature: Square

    @property
    def size(self) -> float:
        """The largest entry of the relative gradient, which is zero at a maximum of the likelihood."""
        return float(np.abs(self.gradient).max())


@runtime_checkable
class Evaluate(Protocol):
    """W to its `State`: one pass over the data. Without `curved` the curvature is left out."""

    def __call__(self, w: Square, curved: bool = True) -> State: ...


@dataclass
class Solution:
    """Where `maximise` stopped: its state, steps and evaluations, the loss after every step, the pairs learned."""

    state: State
    converged: bool = False
    steps: int = 0
    evaluations: int = 0
    losses: list[float] = field(default_factory=list)
    pairs: deque[tuple[Square, Square]] = field(default_factory=lambda: deque(maxlen=MEMORY))


def block_step(right: Square, curvature: Square) -> Square:
    """Solve H M = right for the block-diagonal H of `curvature`, its eigenvalues kept above LEAST_EIGENVALUE."""
    h, ht = curvature, curvature.T
    least = 0.5 * (h + ht - np.sqrt((h - ht) ** 2 + 4.0))  # the lesser eigenvalue of each block
    shift = np.maximum(LEAST_EIGENVALUE - least, 0.0)
    h, ht = h + shift, ht + shift
    step = (ht * right - right.T) / (h * ht - 1.0)
    diagonal = np.maximum(1.0 + np.diag(curvature), LEAST_EIGENVALUE)
    np.fill_diagonal(step, np.diag(right) / diagonal)
    return step


def _direction(state: State, pairs: deque[tuple[Square, Square]]) -> Square:
    """-H^-1 G by the two loops of L-BFGS around the block solve."""
    q = state.gradient.copy()
    kept = []
    for s, y in reversed(pairs):
        rho = 1.0 / np.vdot(s, y)
        alpha = rho * np.vdot(s, q)
        q -= alpha * y
        kept.append((rho, alpha, s, y))
    r = block_step(q, state.curvature)
    for rho, alpha, s, y in reversed(kept):
        r += (alpha - rho * np.vdot(y, r)) * s
    return -r


def maximise(
    evaluate: Evaluate,
    start: State,
    *,
    tol: float,
    max_steps: int,
    rounding: float,
    halvings: int = 12,
    stale: float = 0.0,
    pairs: deque[tuple[Square, Square]] | None = None,
) -> Solution:
    """Steps until the largest relative gradient is at most `tol`; every step lowers the loss.

    Args:
        evaluate: W to its `State`: one pass over the data.
        start: the state to start at.
        rounding: how far the loss is known, relative to its size. A step whose loss is not lower beyond that is
            taken only if it also makes the gradient smaller.
        halvings: trials along one direction before it is given up.
        stale: the largest relative gradient at which the curvature is no longer made anew: near the maximum it
            hardly changes.
        pairs: steps and changes of the gradient learned on the same data before, in less precision.

    Where no step of a direction lowers the loss the memory is dropped, then the plain gradient is tried; where
    that fails too it stops, `converged` False.
    """
    found = Solution(start)
    if pairs:
        found.pairs.extend(pairs)
    state = start
    while state.size > tol and found.steps < max_steps:
        following = None
        for direction in _directions(state, found.pairs):
            following, step = _searched(evaluate, state, direction, rounding, halvings, stale, found)
            if following is not None:
                break
            found.pairs.clear()
        if following is None:
            break
        change = following.gradient - state.gradient
        # Curvature too small to trust would make the inverse Hessian explode.
        if np.vdot(step, change) > 1e-10 * np.vdot(step, step):
            found.pairs.append((step, change))
        state = following
        found.state = state
        found.steps += 1
        found.losses.append(state.loss)
    found.converged = state.size <= tol
    return found


def _directions(state: State, pairs: deque[tuple[Square, Square]]) -> Iterator[Square]:
    if pairs:
        yield _direction(state, pairs)
    yield -block_step(state.gradient, state.curvature)
    yield -state.gradient


def _searched(
    evaluate: Evaluate,
    state: State,
    direction: Square,
    rounding: float,
    halvings: int,
    stale: float,
    found: Solution,
) -> tuple[State | None, Square]:
    """Halve the step until the loss falls (Armijo, 1e-4), or is the same to rounding with a smaller gradient."""
    slope = float(np.vdot(direction, state.gradient))
    # An entry past 1 is beyond what the second-order model knows of.
    alpha = min(1.0, 1.0 / max(float(np.abs(direction).max()), 1e-300))
    if slope >= 0:
        return None, direction
    for _ in range(halvings):
        curved = state.size > stale
        trial = evaluate(state.w + alpha * (direction @ state.w), curved=curved)
        if not curved:
            trial = replace(trial, curvature=state.curvature)
        found.evaluations += 1
        noise = rounding * (1.0 + abs(state.loss))
        gain = state.loss - trial.loss
        if np.isfinite(trial.loss):
            if gain >= max(-1e-4 * alpha * slope, noise):
                return trial, alpha * direction
            if abs(gain) < noise and trial.size < state.size:
                return trial, alpha * direction
        alpha *= 0.5
    return None, direction
