"""How far a map is from losing directions: the condition number of its Jacobian, example by example."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mutua.types import InputError, check_finite

__all__ = ["Conditioning", "conditioning"]

Map = Callable[[Tensor], Tensor]
SMALL = 1024
"""Inputs of more numbers are read by Lanczos's iteration."""


@dataclass(frozen=True)
class Conditioning:
    """Largest and least singular value of the Jacobian at each example, and how they were found."""

    largest: Float[np.ndarray, " n"] = field(repr=False)
    least: Float[np.ndarray, " n"] = field(repr=False)
    exact: bool = True

    @property
    def log_condition(self) -> Float[np.ndarray, " n"]:
        """log(s_1 / s_d), natural; infinity where a direction is lost."""
        with np.errstate(divide="ignore"):
            return np.log(self.largest) - np.log(self.least)

    def percentiles(self, at: Sequence[float] = (5, 50, 95)) -> tuple[float, ...]:
        """Of `log_condition` over the examples."""
        return tuple(float(value) for value in np.percentile(self.log_condition, at, method="nearest"))


def conditioning(
    function: Map,
    x: Float[Tensor, n * shape],
    *,
    inverse: Map | None = None,
    steps: int = 60,
    exact: bool | None = None,
    seed: int = 0,
) -> Conditioning:
    """The singular values s_1 and s_d of the Jacobian of a map at each example.

    Examples of up to 1,024 numbers have their whole Jacobian made; larger ones have its products alone, J v and J'
    u, in Lanczos's iteration on J'J. That finds s_1 from below in some tens of steps, and s_d badly, from above:
    where the map is invertible, give its inverse, whose own s_1 is 1 / s_d.

    float64 says more: float32 cannot tell condition numbers beyond e^14 or so. Give x, and the map's weights, in
        it.

    Args:
        function: one batch to another, example by example (no batch norm in training mode).
        x: examples.
        inverse: of `function`; only used by Lanczos.
        steps: of Lanczos.
        exact: make the whole Jacobian, or not; by the size of an example by default.

    Raises `InputError` for NaN or infinity, for integers, and where a map gives other numbers of rows.

    >>> found = conditioning(lambda x: x * torch.tensor([1.0, 10.0]), torch.ones(1, 2))
    >>> round(found.percentiles((50,))[0], 4)  # log 10
    2.3026

    Paper: Tschannen et al. 2020, On Mutual Information Maximization for Representation Learning, arXiv:1907.13625,
    section 3.1 (condition numbers of encoders trained by mutual information).
    """
    if not x.is_floating_point() or x.ndim < 2 or not len(x):
        raise InputError(f"x: {x.dtype} of shape {tuple(x.shape)}; give floats (n, ...), an example a row")
    check_finite(x, "x")
    with torch.no_grad():
        z = function(x)
    if len(z) != len(x):
        raise InputError(f"function: {len(z)} rows out for {len(x)} in; it must map example by example")
    d = x[0].numel()
    whole = d <= SMALL if exact is None else exact
    if whole:
        values = [torch.linalg.svdvals(_jacobian(function, row)) for row in x]
        largest = torch.stack([value[0] for value in values])
        # Fewer outputs than inputs lose directions.
        lost = z[0].numel() < d
        least = torch.zeros_like(largest) if lost else torch.stack([value[-1] for value in values])
    else:
        draw = torch.Generator().manual_seed(seed)
        pairs = [_lanczos(function, row, min(steps, d), draw) for row in x]
        largest = torch.tensor([pair[1] for pair in pairs])
        if inverse is None:
            least = torch.tensor([pair[0] for pair in pairs])
        else:
            least = 1 / torch.tensor([_lanczos(inverse, row, min(steps, d), draw)[1] for row in z])
    return Conditioning(largest.double().numpy(force=True), least.double().numpy(force=True), whole)


def _jacobian(function: Map, row: Tensor) -> Float[Tensor, "k d"]:
    found = torch.func.jacrev(lambda one: function(one[None])[0].flatten())(row)
    return found.detach().reshape(-1, row.numel())


def _lanczos(function: Map, row: Tensor, steps: int, draw: torch.Generator) -> tuple[float, float]:
    """Least and largest singular value, by Lanczos's iteration on J'J with all vectors kept orthogonal."""

    def one(x: Tensor) -> Tensor:
        return function(x.view(1, *row.shape))[0].flatten()

    flat = row.flatten()
    back = torch.func.vjp(one, flat)[1]

    def product(v: Tensor) -> Tensor:
        pushed = torch.func.jvp(one, (flat,), (v,))[1]
        found: Tensor = back(pushed)[0]
        return found.detach()

    q = torch.randn(len(flat), generator=draw, dtype=torch.float64).to(flat)
    basis = [q / q.norm()]
    alpha: list[float] = []
    beta: list[float] = []
    for at in range(steps):
        w = product(basis[-1])
        alpha.append(float(w @ basis[-1]))
        kept = torch.stack(basis)
        for _ in range(2):
            w = w - kept.T @ (kept @ w)
        size = float(w.norm())
        if at + 1 == steps or size <= 1e-7 * max(alpha):
            break
        beta.append(size)
        basis.append(w / size)
    m = len(alpha)
    matrix = np.diag(alpha) + np.diag(beta[: m - 1], 1) + np.diag(beta[: m - 1], -1)
    values = np.linalg.eigvalsh(matrix)
    return math.sqrt(max(float(values[0]), 0.0)), math.sqrt(max(float(values[-1]), 0.0))
