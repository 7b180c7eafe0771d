"""The networks of contrastive ICA, and the loop that trains them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from mutua.ica.contrastive.networks import NETWORKS, Bent, Maxout, OneHot, Waves


def test_bent_is_a_leaky_relu_far_out_and_smooth_between() -> None:
    unit = Bent(1, bend=0.25).double()
    y = torch.tensor([[-1e6], [1e6], [0.0]], dtype=torch.float64)
    assert torch.allclose(unit(y)[:2] / y[:2], torch.tensor([[0.75], [1.25]], dtype=torch.float64), atol=1e-6)
    assert unit(y)[2].item() == pytest.approx(0.25)
    assert torch.autograd.gradcheck(unit, torch.randn(4, 1, dtype=torch.float64, requires_grad=True))


def test_maxout_by_hand_and_its_start() -> None:
    torch.manual_seed(0)
    layer = Maxout(4, 3).double()
    x = torch.randn(200, 4, dtype=torch.float64)
    weight, bias = layer.pieces.weight, layer.pieces.bias
    by_hand = torch.stack([x @ weight[j] + bias[j] for j in range(6)], 1).view(-1, 2, 3).amax(1)
    assert torch.allclose(layer(x), by_hand)
    z = x @ weight[:3].mT
    assert (layer(x) - nn.functional.leaky_relu(z, 0.3)).abs().max() < 0.2


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("sizes", [(), (8, 8)])
def test_every_parameter_has_a_gradient_and_one_layer_is_linear(name: str, sizes: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    network = NETWORKS[name](4, 2, sizes)
    x = torch.randn(50, 4)
    network(x).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
    straight = torch.allclose(network(x) + network(-x), 2 * network(0 * x), atol=1e-5)
    assert straight == (sizes == ())


def test_codings_of_u() -> None:
    assert OneHot(3)(torch.tensor([2, 0])).tolist() == [[0, 0, 1], [1, 0, 0]]
    u = torch.tensor([[0.5]])
    waves = Waves(2)(u)[0].tolist()
    assert waves == pytest.approx([0.5, math.sin(0.5), math.sin(1.0), math.cos(0.5), math.cos(1.0)])
