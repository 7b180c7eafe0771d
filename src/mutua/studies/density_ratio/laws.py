"""The properties of mutual information in the lecture, each checked on numbers."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from mutua.data.known import bivariate, cubic, gaussian, mixed_cubic, stacked
from mutua.types import Table

__all__ = ["entropy", "information", "laws"]


def entropy(p: Float[np.ndarray, "*shape"]) -> float:
    """H = -sum p log p, in nats, of a discrete distribution of any shape; 0 log 0 is 0."""
    kept = p[p > 0]
    return float(-(kept * np.log(kept)).sum())


def information(p: Float[np.ndarray, "n m"]) -> float:
    """I(x; z) = KL(p(x, z) || p(x)p(z)), in nats, of a table of probabilities.

    >>> round(information(np.array([[0.5, 0.0], [0.0, 0.5]])), 4)
    0.6931
    """
    product = p.sum(1, keepdims=True) * p.sum(0, keepdims=True)  # (n, m)
    kept = p > 0
    return float((p[kept] * np.log(p[kept] / product[kept])).sum())


def laws(seed: int = 0, tables: int = 1000, samples: int = 200_000) -> Table:
    """Each law, its two sides at their tightest, and whether it held everywhere it was tried.

    Discrete laws are exact sums over `tables` random joint distributions, Gaussian ones closed forms, and
    reparametrisation compares log ratios pair by pair on `samples` draws.
    """
    rng = np.random.default_rng(seed)
    drawn = [_random_table(rng) for _ in range(tables)]
    values = np.array([information(p) for p in drawn])
    rows = [
        _least("I(x; z) >= 0", values, np.zeros(tables)),
        _equal(
            "I(x; z) = 0 where p(x, z) = p(x)p(z)",
            np.array([information(np.outer(p.sum(1), p.sum(0))) for p in drawn]),
            np.zeros(tables),
        ),
        _equal("I(x; z) = I(z; x)", values, np.array([information(p.T.copy()) for p in drawn])),
        _equal(
            "I(x; z) = H(x) + H(z) - H(x, z)",
            values,
            np.array([entropy(p.sum(1)) + entropy(p.sum(0)) - entropy(p) for p in drawn]),
        ),
        _least(
            "min(H(x), H(z)) >= I(x; z), both discrete",
            np.array([min(entropy(p.sum(1)), entropy(p.sum(0))) for p in drawn]),
            values,
        ),
        _least(
            "I(x; z) >= I(x; g(z)), g joins two symbols",
            values,
            np.array([information(np.add.reduceat(p, [0, 2], axis=1)) for p in drawn]),
        ),
        _unbounded(),
        *_reparametrised(samples, seed),
        _additive(samples, seed),
    ]
    note = (
        f"Discrete: {tables:,} random tables of 2 to 6 by 3 to 6 symbols, zeros among them; the tightest "
        f"case is shown, and {_SLACK:g} nats of rounding are allowed. Log ratios: {samples:,} draws, the "
        f"pair that differs most; tolerance {_TOLERANCE:g}. Minimum of the entropies bounds information for "
        f"discrete variables only."
    )
    return Table("What mutual information obeys", ["law", "left", "right", "held"], rows, note)


_SLACK = 1e-10
_TOLERANCE = 1e-6  # a cube and its root keep about nine figures


def _random_table(rng: np.random.Generator) -> Float[np.ndarray, "n m"]:
    """Probabilities of Dirichlet's, sparse or even, some of them zero."""
    n, m = rng.integers(2, 7), rng.integers(3, 7)
    p = rng.dirichlet(np.full(n * m, rng.choice([0.1, 1.0, 10.0]))).reshape(n, m)
    p[rng.random(p.shape) < 0.1] = 0.0
    p += 1e-300  # so that the sum is positive
    return p / p.sum()


def _least(law: str, more: np.ndarray, less: np.ndarray) -> list[object]:
    tightest = int((more - less).argmin())
    held = bool((more - less >= -_SLACK).all())
    return [law, float(more[tightest]), float(less[tightest]), "yes" if held else "no"]


def _equal(law: str, left: np.ndarray, right: np.ndarray, tolerance: float = _SLACK) -> list[object]:
    worst = int(np.abs(left - right).argmax())
    held = bool(np.abs(left - right).max() <= tolerance)
    return [law, float(left[worst]), float(right[worst]), "yes" if held else "no"]


def _unbounded() -> list[object]:
    """z = x + noise: the less noise, the more information, past any bound; without noise it is infinite."""
    noise = 10.0 ** -np.arange(1, 13)
    nats = 0.5 * np.log1p(noise**-2)  # x and the noise Gaussian
    held = bool((np.diff(nats) > 2).all())
    law = "z = x + noise of sd 1e-12, against sd 0.1: no bound if continuous"
    return [law, float(nats[-1]), float(nats[0]), "yes" if held else "no"]


def _reparametrised(samples: int, seed: int) -> list[list[object]]:
    """log p(f(x), g(z))/p(f(x))p(g(z)) = log p(x, z)/p(x)p(z), at every pair."""
    rows = []
    for name, change in (("z cubed", cubic), ("z mixed by W, then cubed", mixed_cubic)):
        before = gaussian(20, information=4.0)
        after = change(before)
        assert before.log_ratio is not None
        assert after.log_ratio is not None
        left = before.log_ratio(*before.sample(samples // 20, seed))
        right = after.log_ratio(*after.sample(samples // 20, seed))
        law = f"log r unchanged by an invertible map: {name}"
        rows.append(_equal(law, left, right, _TOLERANCE * max(1.0, float(np.abs(left).max()))))
    return rows


def _additive(samples: int, seed: int) -> list[object]:
    """Independent pairs side by side: information adds up."""
    one, other = bivariate(), gaussian(3, information=1.0)
    both = stacked(one, other)
    assert both.log_ratio is not None
    measured = both.log_ratio(*both.sample(samples, seed))
    spread = float(measured.std() / np.sqrt(samples))
    total = one.information + other.information
    held = abs(float(measured.mean()) - total) < 4 * spread
    law = "I((x1, x2); (z1, z2)) = I(x1; z1) + I(x2; z2), independent pairs, within 4 standard errors"
    return [law, float(measured.mean()), total, "yes" if held else "no"]
