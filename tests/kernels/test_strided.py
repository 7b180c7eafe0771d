"""The convolution, norm and ReLU in one, against its plain twin."""

from __future__ import annotations

import pytest
import torch
from torch import Generator

from mutua.kernels.encoders.strided import fitting, plain, strided


@pytest.mark.parametrize(("stride", "t", "channels"), [(5, 103, 1), (4, 40, 3), (2, 4, 2), (2, 9, 5), (1, 6, 2)])
def test_values_and_gradients_are_the_twins(stride: int, t: int, channels: int) -> None:
    generator = Generator().manual_seed(0)

    def made(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator, requires_grad=True)

    x, weight, scale, shift = made(3, t, channels), made(6, channels, 2 * stride), made(6), made(6)
    assert fitting(x, 2 * stride, stride)
    results = []
    for function in (plain, strided):
        y = function(x, weight, stride, scale, shift, 1e-5)
        mark = torch.arange(y.numel(), dtype=torch.float64).sin().reshape(y.shape)
        results.append([y, *torch.autograd.grad((y * mark).sum(), (x, weight, scale, shift))])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)
    assert torch.autograd.gradcheck(lambda *parts: strided(parts[0], parts[1], stride, *parts[2:], 0.1),
                                    (x, weight, scale, shift))  # fmt: skip


def test_where_it_does_not_fit_the_plain_way_is_taken() -> None:
    x = torch.zeros(1, 7, 2)
    assert not fitting(x, 3, 2)
    assert not fitting(x, 8, 4)
    with torch.autocast("cpu", torch.bfloat16):
        assert not fitting(x, 4, 2)
