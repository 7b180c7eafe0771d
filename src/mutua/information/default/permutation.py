"""Is there any information at all? An exact test: a frozen critic, and pairs it never saw, re-dealt."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from mutua.types import InputError

__all__ = ["permutation_test"]


def permutation_test(
    matrix: Float[Tensor, "n n"], generator: Generator, permutations: int = 999, block: int = 1
) -> float:
    """p-value of mean_i T(x_i, y_i) among mean_i T(x_i, y_s(i)) over random permutations s.

    (1 + how many permutations reach the observed mean) / (1 + permutations): exact under independence, since the
    critic was trained on other rows and every pairing of these is then as likely. Dependent rows are permuted in
    runs of `block` neighbours, which keeps the dependence inside a run; rows must come in such runs.

    Raises `InputError` where fewer than four runs are left.
    """
    n = len(matrix) // block * block
    runs = n // block
    if runs < 4:
        raise InputError(f"{len(matrix)} rows in runs of {block} can't be permuted; use shorter runs or more rows")
    scores = matrix[:n, :n].double()
    rows = torch.arange(n)
    observed = scores.diagonal().mean()
    reached = 0
    for _ in range(permutations):
        order = torch.randperm(runs, generator=generator)
        partner = (order[:, None] * block + torch.arange(block)).flatten()  # (n,)
        # A hair of tolerance: means of the same terms in another order differ by rounding.
        reached += int(scores[rows, partner].mean() >= observed - 1e-12 * observed.abs())
    return (1 + reached) / (1 + permutations)
