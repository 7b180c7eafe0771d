"""Critics that factorise, by their formulas."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from mutua.critics import Bilinear, Cosine, Dot, Separable
from mutua.critics.mlp import mlp
from mutua.types import InputError


def pairs(d: int = 4) -> torch.Tensor:
    return torch.randn(2, 6, d, generator=torch.Generator().manual_seed(0))


def test_dot_by_hand() -> None:
    assert Dot()(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, -1.0]])).tolist() == [1.0]


@pytest.mark.parametrize("temperature", [0.05, 0.5, 1.0, 2])
@pytest.mark.parametrize("learn", [False, True])
def test_cosine_over_temperature(temperature: float, learn: bool) -> None:
    x, y = pairs()
    wanted = torch.nn.functional.cosine_similarity(x, y, dim=-1) / temperature
    critic = Cosine(temperature, learn)
    assert torch.allclose(critic(x, y), wanted, rtol=1e-5)
    assert torch.allclose(critic(7 * x, 0.1 * y), wanted, rtol=1e-5)
    assert f"temperature={temperature:.3g}" in repr(critic)


def test_a_cosine_of_itself_is_one_over_temperature_and_of_nothing_is_zero() -> None:
    x, _ = pairs()
    assert torch.allclose(Cosine(0.1)(x, x), torch.tensor(10.0))
    zero = torch.zeros(1, 4, requires_grad=True)
    value = Cosine(0.1)(zero, x[:1])
    value.sum().backward()
    assert value.item() == 0
    assert zero.grad is not None
    assert torch.isfinite(zero.grad).all()


def test_only_a_learned_temperature_is_a_parameter_and_both_are_saved() -> None:
    assert [name for name, _ in Cosine(0.1).named_parameters()] == []
    assert [name for name, _ in Cosine(0.1, learn=True).named_parameters()] == ["log_temperature"]
    assert list(Cosine(0.1).state_dict()) == ["log_temperature"]
    assert Cosine(0.1).state_dict()["log_temperature"].item() == pytest.approx(math.log(0.1))


def test_a_learned_temperature_stays_positive() -> None:
    critic = Cosine(0.1, learn=True)
    x, _ = pairs()
    optimizer = torch.optim.SGD(critic.parameters(), lr=1.0)
    for _ in range(3):
        optimizer.zero_grad()
        critic(x, -x).sum().neg().backward()
        optimizer.step()
    learned = critic.log_temperature.exp().item()
    assert learned > 0
    assert learned != pytest.approx(0.1)


@pytest.mark.parametrize("temperature", [0.0, -0.1, float("nan")])
def test_bad_temperature(temperature: float) -> None:
    with pytest.raises(InputError, match="temperature: ") as caught:
        Cosine(temperature)
    assert "\n" not in str(caught.value)


def test_bilinear_by_its_weight() -> None:
    critic = Bilinear(4, 3)
    x, y = torch.randn(5, 4), torch.randn(5, 3)
    wanted = torch.stack([a @ critic.weight @ b for a, b in zip(x, y, strict=True)])
    assert torch.allclose(critic(x, y), wanted, atol=1e-6)
    assert "dx=4, dy=3" in repr(critic)


def test_separable_is_two_networks_and_a_skip_adds_two_maps() -> None:
    x, y = pairs()
    plain = Separable(4, 4, width=8, embedding=5)
    assert torch.allclose(plain(x, y), (plain.phi(x) * plain.psi(y)).sum(-1), atol=1e-6)
    skipping = Separable(4, 4, width=8, embedding=5, skip=True)
    assert skipping.phi_skip is not None
    assert skipping.psi_skip is not None
    wanted = ((skipping.phi(x) + skipping.phi_skip(x)) * (skipping.psi(y) + skipping.psi_skip(y))).sum(-1)
    assert torch.allclose(skipping(x, y), wanted, atol=1e-6)


def test_the_published_sizes_of_separable_are_the_default() -> None:
    widths = [layer.out_features for layer in Separable(20, 20).phi if isinstance(layer, nn.Linear)]
    assert widths == [256, 256, 32]


def test_mlp_has_no_activation_at_its_end() -> None:
    assert [type(layer) for layer in mlp([3, 8, 8, 2], nn.Tanh)] == [nn.Linear, nn.Tanh] * 2 + [nn.Linear]
    assert [type(layer) for layer in mlp([3, 2])] == [nn.Linear]
