"""The product of two Gaussians for each of many rows, and its gradient by hand.

    P = R R^T + diag(w) = C C^T,   mean = P^-1 R R^T o,   factor = C^-T,   so that factor factor^T = P^-1

`product` is the compiled pair of passes as a differentiable function; `slow_product` is its twin in torch, which
serves other devices. Matrices this small cost torch more in dispatch than in arithmetic.
"""

from __future__ import annotations

from typing import Any, no_type_check

import numba
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["product", "slow_product"]


def slow_product(
    offset: Float[Tensor, "n k"], root: Float[Tensor, "n k k"], weight: Float[Tensor, "n k"]
) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k k"]]:
    """(mean, factor) of the rows' products: o = offset, R = root (lower triangular), w = weight > 0."""
    precision = root @ root.mT + torch.diag_embed(weight)
    lower = torch.linalg.cholesky(precision)
    eye = torch.eye(offset.shape[-1], dtype=offset.dtype, device=offset.device)
    inverse = torch.linalg.solve_triangular(lower, eye.expand_as(lower), upper=False)
    pull = root @ (root.mT @ offset[..., None])
    return (inverse.mT @ (inverse @ pull))[..., 0], inverse.mT


@no_type_check
@numba.njit(cache=True, error_model="numpy")
def _forward(o, R, w, mean, F, C):
    n, k = o.shape
    b = np.empty(k, o.dtype)
    y = np.empty(k, o.dtype)
    for row in range(n):
        for j in range(k):
            for i in range(j, k):
                total = R[row, i, 0] * R[row, j, 0]
                for m in range(1, j + 1):
                    total += R[row, i, m] * R[row, j, m]
                if i == j:
                    total += w[row, i]
                for m in range(j):
                    total -= C[row, i, m] * C[row, j, m]
                # NaN where P is not positive definite, as after weights that are not finite.
                C[row, i, j] = np.sqrt(total) if i == j else total / C[row, j, j]
        for j in range(k):  # column j of C^-1, which is row j of F
            for i in range(j):
                F[row, j, i] = 0
                C[row, i, j] = 0
            F[row, j, j] = 1 / C[row, j, j]
            for i in range(j + 1, k):
                total = C[row, i, j] * F[row, j, j]
                for m in range(j + 1, i):
                    total += C[row, i, m] * F[row, j, m]
                F[row, j, i] = -total / C[row, i, i]
        for j in range(k):
            b[j] = 0
            for i in range(j, k):
                b[j] += R[row, i, j] * o[row, i]
        for i in range(k):  # y = C^-1 R b
            y[i] = 0
        for j in range(k):
            pull = R[row, j, 0] * b[0]
            for m in range(1, j + 1):
                pull += R[row, j, m] * b[m]
            for i in range(j, k):
                y[i] += F[row, j, i] * pull
        for i in range(k):
            mean[row, i] = 0
            for m in range(i, k):
                mean[row, i] += F[row, i, m] * y[m]


@no_type_check
@numba.njit(cache=True, error_model="numpy")
def _backward(o, R, C, F, mean, gmean, gF, go, gR, gw):
    n, k = o.shape
    M = np.empty((k, k), o.dtype)
    D = np.empty((k, k), o.dtype)
    P = np.empty((k, k), o.dtype)
    a, b, c = np.empty(k, o.dtype), np.empty(k, o.dtype), np.empty(k, o.dtype)
    for row in range(n):
        # C' = -F (F'^T F), its lower triangle; of F' the upper one counts.
        for i in range(k):
            for j in range(k):
                M[i, j] = 0
                for m in range(min(i, j) + 1):
                    M[i, j] += gF[row, m, i] * F[row, m, j]
        for i in range(k):
            for j in range(i + 1):
                D[i, j] = 0
                for m in range(i, k):
                    D[i, j] -= F[row, i, m] * M[m, j]
        # Phi(C^T C'): the lower triangle, half of the diagonal.
        for i in range(k):
            for j in range(i + 1):
                M[i, j] = 0
                for m in range(i, k):
                    M[i, j] += C[row, m, i] * D[m, j]
            M[i, i] *= 0.5
        # F Phi F^T, then symmetrised.
        for i in range(k):
            for j in range(k):
                D[i, j] = 0
                for m in range(j, i + 1):
                    D[i, j] += M[i, m] * F[row, j, m]
        for i in range(k):
            for j in range(k):
                P[i, j] = 0
                for m in range(i, k):
                    P[i, j] += F[row, i, m] * D[m, j]
        for i in range(k):  # c = F^T gmean for now
            c[i] = 0
            for m in range(i + 1):
                c[i] += F[row, m, i] * gmean[row, m]
        for i in range(k):
            a[i] = 0
            for m in range(i, k):
                a[i] += F[row, i, m] * c[m]
        for i in range(k):
            for j in range(i + 1):
                both = 0.5 * (P[i, j] + P[j, i] - a[i] * mean[row, j] - mean[row, i] * a[j])
                P[i, j] = both
                P[j, i] = both
        for j in range(k):
            b[j] = 0
            c[j] = 0
            for i in range(j, k):
                b[j] += R[row, i, j] * o[row, i]
                c[j] += R[row, i, j] * a[i]
        for i in range(k):
            gw[row, i] = P[i, i]
            go[row, i] = 0
            for j in range(k):
                if j > i:
                    gR[row, i, j] = 0
                    continue
                go[row, i] += R[row, i, j] * c[j]
                total = a[i] * b[j] + o[row, i] * c[j]
                for m in range(j, k):
                    total += 2 * P[i, m] * R[row, m, j]
                gR[row, i, j] = total


class _Product(torch.autograd.Function):
    """The kernels as one node of autograd's graph."""

    @staticmethod
    def forward(ctx: Any, offset: Tensor, root: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        offset, root, weight = offset.contiguous(), root.contiguous(), weight.contiguous()
        mean, factor, lower = torch.empty_like(offset), torch.empty_like(root), torch.empty_like(root)
        arrays = [t.detach().numpy() for t in (offset, root, weight, mean, factor, lower)]
        _forward(*arrays)
        ctx.save_for_backward(offset, root, lower, factor, mean)
        return mean, factor

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        offset, root, lower, factor, mean = ctx.saved_tensors
        out = torch.empty_like(offset), torch.empty_like(root), torch.empty_like(offset)
        _backward(
            *(t.detach().numpy() for t in (offset, root, lower, factor, mean)),
            *(gradient.contiguous().numpy() for gradient in gradients),
            *(t.numpy() for t in out),
        )
        return out


def product(
    offset: Float[Tensor, "n k"], root: Float[Tensor, "n k k"], weight: Float[Tensor, "n k"]
) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k k"]]:
    """`slow_product`, compiled where the tensors are on the CPU. A product that isn't proper is NaN, no error."""
    if offset.device.type != "cpu":
        return slow_product(offset, root, weight)
    mean, factor = _Product.apply(offset, root, weight)
    return mean, factor
