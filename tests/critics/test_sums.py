"""The sum over components."""

from __future__ import annotations

import pytest
import torch

from mutua.critics import ComponentSum


@pytest.fixture
def critic() -> ComponentSum:
    torch.manual_seed(0)
    return ComponentSum(4, 3, width=6).double()


def test_no_component_sees_another(critic: ComponentSum) -> None:
    u = torch.randn(3, dtype=torch.float64)
    for seed in range(10):
        h = torch.randn(4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        jacobian = torch.autograd.functional.jacobian(lambda h: critic.components(h, u), h)
        off = ~torch.eye(4, dtype=torch.bool)
        assert (jacobian[off] == 0).all()
    assert (jacobian.diagonal() != 0).any()


def test_the_critic_has_no_cross_derivative(critic: ComponentSum) -> None:
    """T(h, u) - T(h with one changed) does not depend on the others: what identifies the sources."""
    u = torch.randn(3, dtype=torch.float64)
    h, other = torch.randn(2, 4, dtype=torch.float64).unbind(0)

    def change(rest: torch.Tensor) -> float:
        one, two = rest.clone(), rest.clone()
        one[0], two[0] = 0.3, -1.1
        return (critic(one, u) - critic(two, u)).item()

    assert change(h) == pytest.approx(change(other), abs=1e-12)


def test_each_component_is_its_own_small_network(critic: ComponentSum) -> None:
    h, u = torch.randn(5, 4, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64)
    wanted = torch.zeros(5, 4, dtype=torch.float64)
    for row in range(5):
        for i in range(4):
            hidden = torch.relu(h[row, i] * critic.into_h[i] + u[row] @ critic.into_u[i] + critic.bias[i])
            hidden = torch.relu(hidden @ critic.middle[i] + critic.middle_bias[i])
            wanted[row, i] = hidden @ critic.out[i]
    assert torch.allclose(critic.components(h, u), wanted, atol=1e-12)
    assert torch.allclose(critic(h, u), wanted.sum(1) + critic.constant, atol=1e-12)


def test_every_component_hears_u(critic: ComponentSum) -> None:
    h, u = torch.randn(20, 4, dtype=torch.float64), torch.randn(20, 3, dtype=torch.float64, requires_grad=True)
    for i in range(4):
        (gradient,) = torch.autograd.grad(critic.components(h, u)[:, i].sum(), u)
        assert (gradient != 0).any()


def test_the_repr_gives_the_sizes(critic: ComponentSum) -> None:
    assert repr(critic) == "ComponentSum(d=4, du=3)"
