"""What a linear Gaussian model cannot identify, shown: other latents at the same likelihood.

p(x) of x = W z + mean + e, z ~ N(0, P), depends on W and P through W P W^T alone. So a rotation of W by an
orthogonal R (W R R^T W^T = W W^T) changes nothing that data could show, nor does W A^-1 with the prior A A^T for
any invertible A; W A^-1 under the old prior is another model. The latents differ each time.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import multivariate_normal, ortho_group

from mutua.generative.factor_analysis import FactorAnalysis
from mutua.generative.linear_gaussian import LinearGaussian
from mutua.generative.ppca import ProbabilisticPCA
from mutua.types import InputError, Result, Table

__all__ = ["Ambiguity", "ambiguity"]


@dataclass(frozen=True)
class Ambiguity:
    """What is drawn.

    Args:
        n_samples: Rows.
        n_features: Columns.
        n_components: Factors behind them.
        seed: Of the rows and of the rotation.
    """

    n_samples: int = 2_000
    n_features: int = 10
    n_components: int = 3
    seed: int = 0


NOTE = (
    "Linear R2 is the share of the new latents' variance that a linear map of the old ones explains: what is lost "
    "is the basis, not the space. Moved is |E'[z | x] - E[z | x]| / |E[z | x]|, root mean squares over all."
)


def judged(
    X: np.ndarray, mean: np.ndarray, W: np.ndarray, prior: np.ndarray, noise: np.ndarray
) -> tuple[float, np.ndarray]:
    """Mean log p(x) (nats) of the rows of X (n, d) under the prior N(0, prior) of z, and E[z | x] (n, q).

    The covariance of x is written out and handed to SciPy, so that nothing of the fitted model's own algebra,
    which takes the prior as N(0, I), has a say.
    """
    C = W @ prior @ W.T + np.diag(noise)  # (d, d)
    loglike = multivariate_normal(mean, C).logpdf(X)  # (n,)
    return float(np.mean(loglike)), np.linalg.solve(C, (X - mean).T).T @ W @ prior


def ambiguity(config: Ambiguity | None = None) -> Result:
    """Fit PPCA and factor analysis, then rotate and rescale W: likelihoods, and how far the latents have moved."""
    config = config or Ambiguity()
    n, d, q = config.n_samples, config.n_features, config.n_components
    if not 2 <= q <= d - 1:
        raise InputError(f"n_components={q} with n_features={d}; give 2 to {d - 1}, as one factor has no rotation")
    random = np.random.default_rng(config.seed)
    X = random.standard_normal((n, q)) @ random.standard_normal((q, d))  # (n, d)
    X += random.standard_normal((n, d)) * random.uniform(0.5, 1.0, d) + random.standard_normal(d)
    R = np.asarray(ortho_group.rvs(q, random_state=np.random.RandomState(config.seed)))
    scale = np.diag(np.linspace(0.5, 3.0, q))
    A = R @ scale  # invertible, and no rotation
    models: list[LinearGaussian] = [ProbabilisticPCA(q), FactorAnalysis(q)]
    tables = [_table(model.fit(X), X, R, scale, A) for model in models]  # type: ignore[attr-defined]
    words = [
        "Rotating W, or changing W and the prior of z together, leaves the likelihood as it was while the latents "
        "change: no amount of data tells these models apart.",
        "Rescaling W alone is another model of x, and the likelihood says so.",
    ]
    return Result("What PPCA and factor analysis cannot identify", tables, {}, words, asdict(config))


def _table(model: Any, X: np.ndarray, R: np.ndarray, scale: np.ndarray, A: np.ndarray) -> Table:
    mean, W, identity = model.mean_, model.mixing_, np.eye(len(R))
    noise = np.broadcast_to(np.asarray(model.noise_variance_), mean.shape)
    changes = [
        ("as fitted", W, identity),
        ("W rotated", W @ R, identity),
        ("W rescaled, prior against it", W @ np.linalg.inv(scale), scale @ scale.T),
        ("W and prior by any invertible map", W @ np.linalg.inv(A), A @ A.T),
        ("W rescaled alone", W @ np.linalg.inv(scale), identity),
    ]
    first, before = judged(X, mean, W, identity, noise)
    rows = []
    for name, changed, prior in changes:
        value, latents = judged(X, mean, changed, prior, noise)
        rest = latents - before @ np.linalg.lstsq(before, latents, rcond=None)[0]
        explained = 1 - (rest**2).sum() / (latents**2).sum()
        moved = np.sqrt(((latents - before) ** 2).sum() / (before**2).sum())
        rows.append((name, value, value - first, float(explained), float(moved)))
    columns = ["model", "log-likelihood", "difference", "linear R2", "latents moved"]
    note = f"Nats a row, mean over {len(X)} rows. {NOTE}"
    return Table(type(model).__name__, columns, rows, note)
