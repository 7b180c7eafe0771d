"""Decoders: any features to any image, each parameter used, the mirror of an encoder."""

import pytest
import torch
from torch import nn

from mutua.encoders import Decoder, decoder, dim32, resnet18
from mutua.types import InputError

SHAPES = [
    ((5,), (3, 16, 16)),
    ((5,), (1, 7, 30)),
    ((5,), (2, 3, 3)),
    ((5,), (1, 1, 9)),
    ((6, 4, 4), (13, 32, 32)),
    ((6, 5, 3), (3, 20, 11)),
    ((6, 8, 8), (3, 8, 8)),
    ((6, 1, 1), (1, 9, 6)),
    ((6, 7, 7), (1, 28, 28)),
    ((6, 9, 9), (3, 16, 16)),
]


@pytest.mark.parametrize(("features", "image"), SHAPES)
def test_any_features_become_an_image_of_any_shape_and_every_weight_has_a_part(features, image):
    torch.manual_seed(0)
    net = Decoder(features, image, width=4)
    made = net(torch.randn(5, *features))
    assert made.shape == (5, *image)
    assert (made < 0).any()
    assert (made > 0).any()
    (made * torch.randn_like(made)).sum().backward()
    for name, p in net.named_parameters():
        assert p.grad is not None, name
        assert p.grad.any(), name


@pytest.mark.parametrize(("features", "image"), SHAPES)
def test_every_feature_reaches_pixels_and_every_pixel_has_features(features, image):
    torch.manual_seed(0)
    net = Decoder(features, image, width=4, norm=nn.Identity).double()
    x = torch.randn(1, *features, dtype=torch.double, requires_grad=True)
    net(x).pow(2).sum().backward()
    assert (x.grad != 0).all()
    with torch.no_grad():
        moved = net(x + torch.randn_like(x)) - net(x)
    assert (moved != 0).double().mean() > 0.95  # a dead ReLU may leave some as they were


def test_it_mirrors_the_layers_of_a_strided_encoder():
    encoder = dim32(3, 32)
    net = Decoder(encoder.shapes["conv"], encoder.spec.shape)
    up = [m for m in net if isinstance(m, nn.ConvTranspose2d)]
    assert [(m.in_channels, m.out_channels) for m in up] == [(256, 128), (128, 64), (64, 3)]
    assert Decoder((64,), (3, 32, 32))[1].unflattened_size == (256, 4, 4)
    assert (
        sum(isinstance(m, nn.ConvTranspose2d) for m in Decoder(resnet18(3, 32).shapes["layer4"], (3, 32, 32))) == 3
    )
    assert net[-2].bias is not None  # the mean of the pixels


def test_a_vector_of_rows_and_what_is_refused():
    net = decoder((3, 2), (7,), width=2)
    assert net(torch.zeros(4, 6)).shape == (4, 7)
    assert net[0].out_features == 8
    assert isinstance(decoder((4,), (1, 8, 8)), Decoder)
    for features, image in (((4, 4), (3, 8, 8)), ((4,), (8, 8)), ((0,), (3, 8, 8)), ((4,), (3, 0, 8))):
        with pytest.raises(InputError, match="decoder: features"):
            Decoder(features, image)
    with pytest.raises(InputError, match="decoder: 0 features"):
        decoder((0,), (3,))


def test_it_learns_to_show_what_a_code_says():
    torch.manual_seed(0)
    codes, images = torch.eye(4), torch.rand(4, 2, 6, 5)
    net = Decoder((4,), (2, 6, 5), width=8)
    trained = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(60):
        loss = (net(codes) - images).pow(2).mean()
        trained.zero_grad()
        loss.backward()
        trained.step()
    assert loss < 0.1 * images.var()
