"""Reading a critic on rows it never saw: the doubly normalised plug-in, in nats.

A density ratio has mean one along every row and column of the product: E_y r(x, y) = 1 for each x, and the same
for each y. A critic's exp T misses this a little, and every bound pays for it in its own way. Scaling rows and
columns in turn until both hold (Sinkhorn) gives the ratio closest to the critic's that has the right margins,

    log r~(x, y) = T(x, y) + a(x) + b(y),     I >= E_p log r~ = I - KL(p || p~) >= DV, InfoNCE of the same critic,

because p~ = r~ p(x)p(y) is the I-projection of the critic's joint on the couplings of p(x) and p(y), to which p
belongs too (Csiszar 1975). On a finite sample a and b are estimated from the rows at hand. Where the information
is so large that a row's mean of exp T rests on a few terms, they would be noise, upward: the scaling is faded out
by the effective number of terms, and what is left is E_p T, which the training objective calibrates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["Read", "doubly_normalised"]

TRUSTED, USELESS = 50.0, 5.0
TINY = 1e-250


@dataclass(frozen=True)
class Read:
    """One critic on one set of rows.

    Attributes:
        pointwise: (n,) log r~ at each joint pair; its mean is the estimate.
        normalised: how much of the scaling was used, 1 all to 0 none.
        effective: the median effective number of terms in a row's or column's mean of exp T, the smaller.
    """

    pointwise: Float[Tensor, " n"]
    normalised: float
    effective: float


@torch.no_grad()
def doubly_normalised(matrix: Float[Tensor, "n n"], rounds: int = 100) -> Read:
    """Read the scores T(x_i, y_j) of n joint pairs (the diagonal) and their product (the rest).

    a and b solve sum_j!=i exp(T_ij + a_i + b_j) = n - 1 for all i, and the same by columns. The log of a mean
    of m effective terms is low by 1/2m in expectation (Jensen), which is given back.

    Raises: nothing; n must be at least 3.
    """
    n = len(matrix)
    joint = matrix.diagonal().double()
    # Scaled in the domain of exp, where a round is two matrix-vector products; c keeps exp in range.
    c = matrix.max(1).values.double()  # (n,)
    kernel = (matrix.double() - c[:, None]).exp_().fill_diagonal_(0.0)  # (n, n)
    right = torch.ones_like(joint)
    for _ in range(rounds):
        left = (n - 1) / (kernel @ right).clamp_min(TINY)
        previous, right = right, (n - 1) / (left @ kernel).clamp_min(TINY)
        if ((right - previous).abs() <= 1e-7 * right).all():
            break
    a, b = left.log() - c, right.log()
    squares = kernel.square_()  # (n, n)
    per_row = (n - 1) ** 2 / (left**2 * (squares @ right**2)).clamp_min(TINY)
    per_column = (n - 1) ** 2 / (right**2 * (left**2 @ squares)).clamp_min(TINY)
    effective = float(torch.minimum(per_row.median(), per_column.median()))
    # Few rows can't have many terms: a third of them is then as good as it gets.
    enough = max(min(TRUSTED, n / 3), 2 * USELESS)
    weight = min(1.0, max(0.0, math.log(max(effective, 1e-9) / USELESS) / math.log(enough / USELESS)))
    bias = 0.5 * (1 / per_row + 1 / per_column) - 1 / (n - 1)
    # Unused scaling may be infinite, where a row's mean underflows.
    return Read(joint + weight * (a + b - bias) if weight > 0 else joint, weight, effective)
