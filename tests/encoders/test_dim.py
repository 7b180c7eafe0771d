"""Deep InfoMax's encoders against the published sizes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mutua.encoders import dim32, dim64
from mutua.types import InputError


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_dim32_has_the_published_shapes() -> None:
    encoder = dim32()
    assert encoder.shapes == {
        "conv1": (64, 16, 16),
        "local": (128, 8, 8),
        "conv": (256, 4, 4),  # 4096 features
        "fc": (1024,),
        "Y": (64,),
    }
    assert torch.Size(encoder.shapes["conv"]).numel() == 4096
    assert encoder.width == 64


def test_dim32_has_the_parameters_counted_by_hand() -> None:
    convolutions = 3 * 64 * 16 + 64 * 128 * 16 + 128 * 256 * 16
    norms = 2 * (64 + 128 + 256 + 1024)
    assert parameters(dim32()) == convolutions + norms + 4096 * 1024 + 1024 * 64 + 64 == 4_921_280


def test_dim32_is_batch_norm_and_relu_everywhere_but_on_y() -> None:
    kinds = [type(module).__name__ for module in dim32().modules() if not list(module.children())]
    convolution = ["Conv2d", "BatchNorm2d", "ReLU"]
    assert kinds == [*convolution * 3, "Flatten", "Linear", "BatchNorm1d", "ReLU", "Linear"]
    for module in dim32().modules():
        if isinstance(module, nn.Conv2d):
            assert (module.kernel_size, module.stride, module.padding) == ((4, 4), (2, 2), (1, 1))


@pytest.mark.parametrize(
    ("size", "local", "conv"),
    [(8, 2, 1), (9, 2, 1), (28, 7, 3), (31, 7, 3), (33, 8, 4), (64, 16, 8), (96, 24, 12)],
)
def test_dim32_on_other_sizes(size: int, local: int, conv: int) -> None:
    encoder = dim32(1, size)
    assert encoder.shapes["local"] == (128, local, local)
    assert encoder.shapes["conv"] == (256, conv, conv)
    assert encoder.shapes["Y"] == (64,)


@pytest.mark.parametrize(
    ("size", "maps"),
    [(15, (7, 3, 1)), (16, (7, 3, 1)), (64, (31, 15, 7)), (96, (47, 23, 11)), (128, (63, 31, 15))],
)
def test_dim64_pools_as_alexnet(size: int, maps: tuple[int, int, int]) -> None:
    one, two, three = maps
    with torch.device("meta"):  # its fc1 is large
        encoder = dim64(3, size)
    assert encoder.shapes == {
        "conv1": (96, one, one),
        "conv2": (192, two, two),
        "conv3": (384, two, two),
        "local": (384, two, two),
        "conv": (192, three, three),
        "fc1": (4096,),
        "fc": (4096,),
        "Y": (64,),
    }
    convolutions = 9 * (3 * 96 + 96 * 192 + 192 * 384 + 384 * 384 + 384 * 192)
    norms = 2 * (96 + 192 + 384 + 384 + 192 + 4096 + 4096)
    dense = 192 * three**2 * 4096 + 4096**2 + 4096 * 64 + 64
    assert parameters(encoder) == convolutions + norms + dense


@pytest.mark.parametrize("name", ["dim32", "dim64"])
@pytest.mark.parametrize("size", [0, 1, 4, 7])
def test_images_too_small_are_refused_naming_the_size_and_the_mend(name: str, size: int) -> None:
    with pytest.raises(InputError, match=rf"size: {name} takes images of \d+ px or more, got {size}; enlarge"):
        {"dim32": dim32, "dim64": dim64}[name](3, size)


def test_the_smallest_size_is_the_smallest_that_works() -> None:
    with pytest.raises(InputError, match="15 px or more, got 14"):
        dim64(3, 14)
    encoder = dim32(3, 8).train()
    assert encoder(torch.rand(4, 3, 8, 8)).shape == (4, 64)


def test_images_of_another_size_than_the_encoder_was_built_for() -> None:
    with pytest.raises(InputError, match=r"image: 3 x 28 x 32 do not pass fc .* 3 x 32 x 32 px; resize"):
        dim32()(torch.rand(2, 3, 28, 32))
    assert dim32().read(torch.rand(2, 3, 28, 32), ("local",))["local"].shape == (2, 128, 7, 8)


def test_the_width_of_y_can_be_chosen() -> None:
    assert dim32(width=10).shapes["Y"] == (10,)
