"""One step of descent: momentum made orthogonal for the linear layers, Adam for all other parameters.

A layer's gradient G has singular values that differ by orders of magnitude, which Adam's scaling entry by entry
can't mend. So the step of W is the orthogonal matrix nearest to the momentum of G, all directions at one rate; it
is made by Newton and Schulz's iteration, a polynomial in M M^T that takes every singular value to near 1.

Paper: Jordan et al., Muon: an optimizer for hidden layers in neural networks (2024); Kingma and Ba, Adam (2015).
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from mutua.kernels.ica.flow import adam
from mutua.training.muon import QUINTIC

__all__ = ["Descent", "orthogonalised"]

_BETA1, _BETA2 = np.float32(0.9), np.float32(0.99)


def orthogonalised(m: Float[np.ndarray, "l d d"], rounds: int = 5) -> Float[np.ndarray, "l d d"]:
    """Each matrix with its singular values taken to about 1 (0.7 to 1.2), singular vectors kept."""
    a, b, c = (m.dtype.type(value) for value in QUINTIC)
    x = m / (np.sqrt(np.square(m).sum((1, 2), keepdims=True)) + m.dtype.type(1e-20))
    for _ in range(rounds):
        gram = x @ x.transpose(0, 2, 1)
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x


class Descent:
    """Steps on theta, in place; its first count d d numbers are linear layers.

    turn: the linear layers' rate, root mean square over their entries, over that of the others. clip: the largest
    norm of the others' gradient.
    """

    def __init__(self, theta: Float[np.ndarray, " size"], count: int, d: int, turn: float, clip: float) -> None:
        # An orthogonal matrix has entries of 1/sqrt(d), root mean square.
        self._theta, self._turn, self._clip = theta, turn * math.sqrt(d), np.float32(clip)
        self._cut = count * d * d
        self._momentum = np.zeros((count, d, d), np.float32)
        rest = len(theta) - self._cut
        self._mean, self._square = np.zeros(rest, np.float32), np.zeros(rest, np.float32)
        self._steps = 0

    def step(self, gradient: Float[np.ndarray, " size"], rate: float) -> bool:
        """One step; False, and nothing changed, where the gradient isn't finite."""
        if not np.isfinite(gradient.sum()):
            return False
        self._steps += 1
        found = gradient[: self._cut].reshape(self._momentum.shape)
        self._momentum *= _BETA1
        self._momentum += (1 - _BETA1) * found
        ahead = _BETA1 * self._momentum + (1 - _BETA1) * found
        self._theta[: self._cut] -= np.float32(rate * self._turn) * orthogonalised(ahead).ravel()
        adam(
            self._theta[self._cut :],
            gradient[self._cut :],
            self._mean,
            self._square,
            np.float32(rate),
            _BETA1,
            _BETA2,
            self._steps,
            self._clip,
        )
        return True
