"""What training asks of an invertible map x -> s, whatever it is made of."""

from __future__ import annotations

import math
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int64

__all__ = ["Make", "Parted", "Pass", "orthogonal"]


@runtime_checkable
class Pass(Protocol):
    """Rows that went through: their sources, log|det ds/dx|, and the way back. Holds until the next `run`."""

    @property
    def sources(self) -> Float[np.ndarray, "d n"]: ...

    def log_det(self) -> Float[np.ndarray, " n"]:
        """log|det ds/dx| of each row."""
        ...

    def back(self, score: Float[np.ndarray, "d n"]) -> Float[np.ndarray, " size"]:
        """The gradient, by the parameters, of mean_n [E(s_n) - log|det ds_n/dx_n|], from score = dE/ds."""
        ...


@runtime_checkable
class Make(Protocol):
    """An invertible map of d channels, its parameters in one vector theta of `size` numbers.

    The first `linear` d d of them are square matrices, the linear layers.
    """

    d: int
    linear: int

    @property
    def size(self) -> int: ...

    def start(self, rng: np.random.Generator) -> Float[np.ndarray, " size"]:
        """Parameters to begin with, float32."""
        ...

    def run(
        self, theta: Float[np.ndarray, " size"], x: Float[np.ndarray, "m d"], rows: Int64[np.ndarray, " n"]
    ) -> Pass:
        """Rows x[rows] forward, in the precision of x."""
        ...

    def inverse(self, theta: Float[np.ndarray, " size"], s: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """The rows x that give sources s, to float64's rounding."""
        ...


class Parted:
    """Parameters of the given shapes, one after the other in a vector theta of `size` numbers."""

    shapes: list[tuple[int, ...]]

    @property
    def size(self) -> int:
        return sum(math.prod(shape) for shape in self.shapes)

    def parts(self, theta: Any) -> list[Any]:
        """Views of theta, of an array or a tensor, in those shapes."""
        found, start = [], 0
        for shape in self.shapes:
            found.append(theta[start : start + math.prod(shape)].reshape(shape))
            start += math.prod(shape)
        return found


def orthogonal(weight: Float[np.ndarray, "k d d"], rng: np.random.Generator) -> None:
    """Fill each matrix with a random orthogonal one."""
    for layer in weight:
        q, r = np.linalg.qr(rng.standard_normal(layer.shape))
        layer[:] = q * np.sign(np.diag(r))
