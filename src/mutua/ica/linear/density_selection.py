"""`density="auto"`: which density each source has, from a sample of the whitened recording."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from mutua.estimators.newton import Solution, maximise
from mutua.ica.linear.densities import Density, Laplace, Sech, Student, SubGaussian
from mutua.ica.linear.likelihood import objective

__all__ = ["CANDIDATES", "by_stability", "fit_scale", "select", "separate", "stability"]

CANDIDATES: tuple[Density, ...] = (Sech(), Laplace(), Student(), SubGaussian())
"""What "auto" chooses among; at a tie the first. A Gaussian is near to Sech with a free scale, and stays there."""

_ROUNDS = 6


def stability(y: Float[np.ndarray, "n k"]) -> Float[np.ndarray, " k"]:
    """E[1 - tanh^2 y] E[y^2] - E[y tanh y] of each column at unit variance.

    Above 0 a component of that distribution is a stable point of the likelihood under 1/cosh (super-Gaussian);
    below 0 it is one under `SubGaussian`; a Gaussian has 0.

    Paper: Lee, Girolami and Sejnowski, an extended infomax algorithm (1999).
    """
    y = y / np.sqrt(np.mean(y**2, 0))
    tanh = np.tanh(y)
    return 1 - np.mean(tanh**2, 0) - np.mean(y * tanh, 0)


def fit_scale(y: Float[np.ndarray, "n k"], density: Density, steps: int = 5) -> Float[np.ndarray, " k"]:
    """The scale sigma of each column that maximises E log p(sigma y) + log sigma: Newton's steps on log sigma."""
    log_scale = -0.5 * np.log(np.mean(y**2, 0))  # (k,)
    for _ in range(steps):
        u = y * np.exp(log_scale)  # (n, k)
        slope = 1 + np.mean(density.score(u) * u, 0)
        curvature = np.mean(density.score_derivative(u) * u**2 + density.score(u) * u, 0)
        # Where the likelihood is not concave in log sigma a plain step up is taken.
        log_scale = log_scale + np.clip(slope / np.maximum(-curvature, 0.3), -1, 1)
    return np.exp(log_scale)


def separate(
    z: Float[np.ndarray, "n k"], w: Float[np.ndarray, "k k"], *, tol: float, max_steps: int
) -> tuple[Solution, list[Density]]:
    """Maximise the likelihood of whitened z from w, with 1/cosh or `SubGaussian` for each component.

    `stability` says which; it is asked anew until nothing changes, at most six times.
    """
    densities: list[Density] = [Sech()] * len(w)
    steps = 0
    for turn in range(_ROUNDS):
        evaluate = objective(lambda: iter((z,)), densities)
        # The first turn only gets components that stability can be asked of.
        most = min(10, max_steps) if turn == 0 else max_steps - steps
        found = maximise(evaluate, evaluate(w), tol=tol, max_steps=most, rounding=1e-7)
        w, steps = found.state.w, steps + found.steps
        wanted = by_stability(z @ w.T)
        if wanted == densities and (turn or found.converged):
            break
        densities = wanted
    found.steps = steps
    return found, densities


def select(
    train: Float[np.ndarray, "n k"], test: Float[np.ndarray, "m k"]
) -> tuple[list[Density], Float[np.ndarray, " k"]]:
    """For each column of separated sources: the candidate of highest mean log-likelihood on `test`, at the scale
    that is best on `train`, and that scale."""
    scales = np.stack([fit_scale(train, density) for density in CANDIDATES])  # (c, k)
    likelihood = np.stack(
        [
            np.mean(density.log_prob(test * scale), 0) + np.log(scale)
            for density, scale in zip(CANDIDATES, scales, strict=True)
        ]
    )  # (c, k)
    best = likelihood.argmax(0)  # (k,)
    return [CANDIDATES[c] for c in best], scales[best, np.arange(len(best))]


def by_stability(y: Float[np.ndarray, "n k"]) -> list[Density]:
    """1/cosh where `stability` is not negative, else `SubGaussian`."""
    return [Sech() if value >= 0 else SubGaussian() for value in stability(y)]
