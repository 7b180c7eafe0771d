"""What PPCA and factor analysis cannot identify: the likelihood while W is rotated or rescaled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np

from mutua import plots
from mutua.generative import FactorAnalysis, ProbabilisticPCA
from mutua.generative.ambiguity import Ambiguity as Config
from mutua.generative.ambiguity import ambiguity, judged
from mutua.types import Result

__all__ = ["PRESETS", "Config", "run"]

PRESETS = {"cpu": Config(), "full": Config(n_samples=50_000, n_features=30, n_components=5)}


def run(config: Config) -> Result:
    """Tables of `mutua.generative.ambiguity`, and the likelihood along a whole turn of W and a range of scales.

    Paper: Tipping and Bishop, Probabilistic principal component analysis (1999).
    """
    found = ambiguity(config)
    caption = (
        "Change of the mean log-likelihood as the first two columns of W are turned, and as W is multiplied by a "
        "factor: with the prior of z divided by it, and alone. Below: the first two latents as fitted and turned "
        "by 45 degrees, equally likely."
    )
    return replace(found, figures={caption: _figure(config)})


def _figure(config: Config) -> str:
    random = np.random.default_rng(config.seed)
    n, d, q = config.n_samples, config.n_features, config.n_components
    X = random.standard_normal((n, q)) @ random.standard_normal((q, d))
    X += random.standard_normal((n, d)) * random.uniform(0.5, 1.0, d)
    with plots.figure(7, 5.6, rows=2, columns=2) as (fig, grid):
        axes = cast(Any, grid)
        for model, colour in zip((ProbabilisticPCA(q), FactorAnalysis(q)), plots.COLOURS, strict=False):
            model.fit(X)
            name = type(model).__name__
            mean, W, identity = model.mean_, model.mixing_, np.eye(q)
            noise = np.broadcast_to(np.asarray(model.noise_variance_), mean.shape)
            first, latents = judged(X, mean, W, identity, noise)
            angles, factors = np.linspace(0, 360, 25), np.linspace(0.5, 2, 25)
            turned = [judged(X, mean, W @ _turn(q, a), identity, noise)[0] - first for a in angles]
            axes[0, 0].plot(angles, turned, color=colour, label=name)
            against = [judged(X, mean, W * f, identity / f**2, noise)[0] - first for f in factors]
            alone = [judged(X, mean, W * f, identity, noise)[0] - first for f in factors]
            axes[0, 1].plot(factors, against, color=colour, label=f"{name}, prior against it")
            axes[0, 1].plot(factors, alone, "--", color=colour, label=f"{name}, alone")
        _, moved = judged(X, mean, W @ _turn(q, 45), identity, noise)
        for one, points, title in (
            (axes[1, 0], latents, "latents as fitted"),
            (axes[1, 1], moved, "latents of W turned by 45°"),
        ):
            one.scatter(points[:400, 0], points[:400, 1], s=4, c=latents[:400, 0], cmap="PuOr")
            one.set(title=title, xlabel="first", ylabel="second", aspect="equal")
        axes[0, 0].set(title="W turned", xlabel="degrees", ylabel="nats a row", ylim=(-1e-9, 1e-9))
        axes[0, 0].legend()
        axes[0, 1].set(title="W multiplied", xlabel="factor")
        axes[0, 1].legend(fontsize="small")
        return plots.svg(fig)


def _turn(q: int, degrees: float) -> np.ndarray:
    """A rotation of the first two of q axes."""
    turn, angle = np.eye(q), np.deg2rad(degrees)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn
