"""Independent sources whose distributions depend on u: modulated by segment, by time, or by their own past."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy.signal import lfilter

from mutua.data.sources.base import Sources, System
from mutua.types import InputError

__all__ = ["Noise", "autoregressive", "gaussian", "laplace", "segments", "smooth"]

Noise = Callable[[np.random.Generator, int, int], np.ndarray]
"""A generator, n and d to independent noise (n, d) of variance 1."""


def laplace(rng: np.random.Generator, n: int, d: int) -> Float[np.ndarray, "n d"]:
    """Laplace noise of variance 1."""
    return rng.laplace(scale=np.sqrt(0.5), size=(n, d))


def gaussian(rng: np.random.Generator, n: int, d: int) -> Float[np.ndarray, "n d"]:
    """Gaussian noise of variance 1."""
    return rng.standard_normal((n, d))


def segments(noise: Noise, d: int, count: int, rows: int, low: float, high: float) -> System:
    """s = deviation[u] * noise, deviations U(low, high) of each segment and source; u is the segment's number.

    `count` segments of `rows` rows, one after the other.
    """

    def system(rng: np.random.Generator) -> Sources:
        deviation = rng.uniform(low, high, (count, d))
        u = np.repeat(np.arange(count), rows)
        return lambda draws: (noise(draws, count * rows, d) * deviation[u], u)

    return system


def smooth(noise: Noise, d: int, n: int, waves: int = 6, swing: float = 0.7) -> System:
    """s_t = exp(a(t)) * noise, u = t in [0, 1): the log-deviation a_i of each source is a sum of `waves` sines.

    Sine k = 1 .. waves has k periods, a random phase and a random amplitude; a has mean 0 and deviation `swing`.
    """

    def system(rng: np.random.Generator) -> Sources:
        amplitude = rng.standard_normal((waves, d))
        amplitude *= swing * np.sqrt(2 / np.square(amplitude).sum(0))
        phase = rng.uniform(0, 2 * np.pi, (waves, d))
        time = np.arange(n) / n
        cycles = 2 * np.pi * np.arange(1, waves + 1)[:, None, None] * time[:, None]  # (waves, n, 1)
        course = (amplitude[:, None] * np.sin(cycles + phase[:, None])).sum(0)  # (n, d)
        return lambda draws: (noise(draws, n, d) * np.exp(course), time)

    return system


def autoregressive(noise: Noise, d: int, n: int, rho: float, burn: int = 200) -> System:
    """s_t = rho s_{t-1} + sqrt(1 - rho^2) noise, of variance 1; u = t in [0, 1). `burn` steps go before the first.

    There is nothing to draw once: another system is the same.

    Raises `InputError` unless -1 < rho < 1: else nothing is stationary.
    """
    if not -1 < rho < 1:
        raise InputError(f"rho: {rho}; give a number between -1 and 1")

    def system(rng: np.random.Generator) -> Sources:
        def draw(draws: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
            innovations = noise(draws, n + burn, d) * np.sqrt(1 - rho**2)
            return lfilter([1.0], [1.0, -rho], innovations, axis=0)[burn:], np.arange(n) / n

        return draw

    return system
