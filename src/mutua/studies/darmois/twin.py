"""A generative model and its twin: the same p(x), other latents. The constructive half of the VAE theorem.

With p(s) = prod p_d(s_d) in two dimensions or more, let f be any bijection with p(f(s)) |det f'(s)| = p(s).
Then the decoder g(f^-1(s)) under the same prior gives

    p'(x) = int N(x; g(f^-1(s)), v) p(s) ds = int N(x; g(s), v) p(s) ds = p(x)

for every x, while p'(s, x) is another joint. Here f is
`darmois_maps.swirled_sources`.

Paper: Khemakhem et al., Variational autoencoders and nonlinear ICA: a unifying framework (2020), and its appendix.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from mutua.studies.darmois.maps import sech_from_normal, sech_log_prob, swirled_sources

__all__ = ["Model", "decoder", "prior_error"]


@dataclass(frozen=True)
class Model:
    """s: two independent sech latents; x | s ~ N(W_2 tanh(W_1 f^-1(s) + b), noise^2 I).

    Args:
        inner: (h, 2), W_1. bias: (h,), b. outer: (d, h), W_2.
        noise: the deviation of x given s.
        turns: of the swirl in f; 0 makes f the identity.
    """

    inner: Float[np.ndarray, "h 2"]
    bias: Float[np.ndarray, " h"]
    outer: Float[np.ndarray, "d h"]
    noise: float
    turns: float = 0.0

    def twin(self, turns: float) -> Model:
        """The model of the same p(x) whose latents are f(s) of this one's."""
        return replace(self, turns=self.turns + turns)

    def mean(self, s: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n d"]:
        """E[x | s]."""
        before = swirled_sources(s, -self.turns)
        return np.tanh(before @ self.inner.T + self.bias) @ self.outer.T

    def sample(
        self, n: int, rng: np.random.Generator
    ) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n d"]]:
        """(s, x)."""
        s = sech_from_normal(rng.standard_normal((n, 2)))
        return s, self.mean(s) + self.noise * rng.standard_normal((n, len(self.outer)))

    def log_joint(self, s: Float[np.ndarray, "n 2"], x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        """log p(s, x) of each row."""
        return sech_log_prob(s).sum(1) + _normal(np.square(x - self.mean(s)).sum(1), x.shape[1], self.noise)

    def marginal(
        self, x: Float[np.ndarray, "n d"], radii: int = 80, angles: int = 160
    ) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n 2"]]:
        """log p(x) and E[s | x] of each row, by quadrature over s.

        In polar coordinates of the normal scores z of s: Gauss and Legendre's rule in the radius, equal steps of
        the angle, which converge exponentially for a smooth periodic function, and as fast wherever they begin.
        """
        at, weight = np.polynomial.legendre.leggauss(radii)
        r = 4.25 * (at + 1)  # to 8.5: beyond lies exp(-36) of the prior
        log_weight = np.log(4.25 * weight * r) - r**2 / 2 - math.log(angles)
        phi = 2 * np.pi * np.arange(angles) / angles
        z = np.stack([np.outer(r, np.cos(phi)), np.outer(r, np.sin(phi))], -1).reshape(-1, 2)
        s = sech_from_normal(z)
        centres, log_weight = self.mean(s), np.repeat(log_weight, angles)
        log_prob, posterior = np.empty(len(x)), np.empty((len(x), 2))
        for a in range(0, len(x), 64):
            rows = slice(a, a + 64)
            squared = np.square(x[rows, None] - centres).sum(2)  # (64, nodes)
            terms = _normal(squared, x.shape[1], self.noise) + log_weight
            log_prob[rows] = np.asarray(logsumexp(terms, axis=1))
            posterior[rows] = np.exp(terms - log_prob[rows, None]) @ s
        return log_prob, posterior


def decoder(seed: int, d: int = 5, hidden: int = 8, noise: float = 0.3) -> Model:
    """A random decoder of two latents to x of d dimensions."""
    rng = np.random.default_rng(seed)
    return Model(
        rng.standard_normal((hidden, 2)),
        0.5 * rng.standard_normal(hidden),
        rng.standard_normal((d, hidden)) / math.sqrt(hidden),
        noise,
    )


def prior_error(s: Float[np.ndarray, "n 2"], turns: float, step: float = 1e-5) -> float:
    """The largest |log p(f(s)) + log |det f'(s)| - log p(s)| over rows, the Jacobian by central differences."""

    columns = [
        (swirled_sources(s + step * e, turns) - swirled_sources(s - step * e, turns)) / (2 * step)
        for e in np.eye(2)
    ]
    volume = np.linalg.slogdet(np.stack(columns, 2))[1]
    return float(np.abs(sech_log_prob(swirled_sources(s, turns)).sum(1) + volume - sech_log_prob(s).sum(1)).max())


def _normal(squared: Float[np.ndarray, "*n"], d: int, noise: float) -> Float[np.ndarray, "*n"]:
    """log N(x; m, noise^2 I) at |x - m|^2."""
    return -0.5 * squared / noise**2 - d * math.log(noise * math.sqrt(2 * math.pi))
