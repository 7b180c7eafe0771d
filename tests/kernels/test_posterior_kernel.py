"""The compiled product of Gaussians against its twin in torch: values and gradients."""

from __future__ import annotations

import pytest
import torch

from mutua.kernels.ica.posterior import product, slow_product


@pytest.mark.parametrize("k", [1, 2, 5])
def test_values_and_gradients_are_those_of_torch(k: int) -> None:
    generator = torch.Generator().manual_seed(k)
    offset = torch.randn(7, k, generator=generator, dtype=torch.float64, requires_grad=True)
    root = torch.randn(7, k, k, generator=generator, dtype=torch.float64).tril()
    root = root.detach().requires_grad_()
    weight = torch.rand(7, k, generator=generator, dtype=torch.float64).add(0.1).requires_grad_()
    downstream = torch.randn(7, k, generator=generator, dtype=torch.float64)

    def gradients(function) -> tuple[torch.Tensor, ...]:  # type: ignore[no-untyped-def]
        mean, factor = function(offset, root.tril(), weight)
        s = mean + (factor @ downstream[..., None])[..., 0]
        log_diagonal = factor.diagonal(dim1=1, dim2=2).log()
        loss = s.pow(3).sum() + log_diagonal.sum() + factor.square().sum(-1).mul(weight).sum()
        return mean, factor, *torch.autograd.grad(loss, (offset, root, weight))

    for found, expected in zip(gradients(product), gradients(slow_product), strict=True):
        torch.testing.assert_close(found, expected)
