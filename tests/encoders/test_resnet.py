"""Residual networks against the known counts, and their two stems and norms."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from mutua.encoders import Staged, group_norm, resnet18, resnet34, resnet50
from mutua.encoders.resnet import Basic, Bottleneck


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("make", "count", "width"),
    [(resnet18, 11_176_512, 512), (resnet34, 21_284_672, 512), (resnet50, 23_508_032, 2048)],
)
def test_parameters_are_those_of_the_imagenet_networks(
    make: Callable[..., Staged], count: int, width: int
) -> None:
    with torch.device("meta"):
        large, small = make(3, 224), make(3, 32)
    assert parameters(large) == count
    assert parameters(small) == count - 64 * 3 * (49 - 9)  # the stem is 3x3, not 7x7
    assert large.width == small.width == width
    assert large.shapes["layer4"] == (width, 7, 7)
    assert small.shapes["layer4"] == (width, 4, 4)


@pytest.mark.parametrize(("size", "stem"), [(8, 8), (32, 32), (64, 64), (65, 17), (96, 24), (224, 56)])
def test_the_small_stem_up_to_64_px_and_the_large_beyond(size: int, stem: int) -> None:
    with torch.device("meta"):
        assert resnet18(3, size).shapes["stem"] == (64, stem, stem)


def test_a_basic_block_by_its_formula() -> None:
    torch.manual_seed(0)
    block = Basic(4, 6, 2, nn.BatchNorm2d).eval()
    x = torch.randn(2, 4, 8, 8)
    convolve = torch.nn.functional.conv2d
    scale = 1 / (1 + 1e-5) ** 0.5  # a fresh batch norm in eval mode
    inner = torch.relu(convolve(x, block.residual[0].weight, stride=2, padding=1) * scale)
    inner = convolve(inner, block.residual[3].weight, padding=1) * scale
    shortcut = convolve(x, block.shortcut[0].weight, stride=2) * scale
    assert torch.allclose(block(x), torch.relu(inner + shortcut), atol=1e-5)


def test_the_stride_of_a_bottleneck_is_in_its_3x3() -> None:
    block = Bottleneck(64, 32, 2, nn.BatchNorm2d)
    strides = [layer.stride for layer in block.residual if isinstance(layer, nn.Conv2d)]
    assert strides == [(1, 1), (2, 2), (1, 1)]
    assert block(torch.randn(2, 64, 8, 8)).shape == (2, 128, 4, 4)


def test_every_block_starts_as_the_identity() -> None:
    encoder = resnet18(3, 16).eval()
    blocks = [module for module in encoder.modules() if isinstance(module, Basic)]
    assert len(blocks) == 8
    x = torch.rand(2, 64, 4, 4)
    assert torch.equal(blocks[0](x), x)  # relu of a positive input
    assert all((block.residual[-1].weight == 0).all() for block in blocks)


def test_group_norm_has_no_statistics_of_the_batch() -> None:
    torch.manual_seed(0)
    encoder = resnet18(3, 16, norm=group_norm).train()
    assert not list(encoder.buffers())
    assert not any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in encoder.modules())
    for module in encoder.modules():
        if isinstance(module, nn.GroupNorm):
            assert module.num_groups == 32
            nn.init.ones_(module.weight)
    x = torch.rand(6, 3, 16, 16)
    in_chunks = torch.cat([encoder(x[:2]), encoder(x[2:])])
    assert torch.allclose(in_chunks, encoder(x), atol=1e-4)
    assert parameters(encoder) == parameters(resnet18(3, 16))


def test_batch_norm_does_see_the_batch() -> None:
    """The control of the test above."""
    encoder = resnet18(3, 16).train()
    x = torch.rand(6, 3, 16, 16)
    assert not torch.allclose(torch.cat([encoder(x[:2]), encoder(x[2:])]), encoder(x), atol=1e-2)


@pytest.mark.parametrize("width", [3, 32, 48, 64])
def test_group_norm_of_any_width(width: int) -> None:
    assert group_norm(width)(torch.rand(2, width, 4, 4)).shape == (2, width, 4, 4)
