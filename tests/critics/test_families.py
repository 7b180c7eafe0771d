"""Critics that are sums over components, against their formulas written out."""

from __future__ import annotations

import math

import pytest
import torch

from mutua.critics import STATISTICS, AbsoluteInnovation, ExponentialFamily, LearnedInnovation, LearnedStatistics


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", STATISTICS)
def test_exponential_family_by_hand(name: str) -> None:
    critic = ExponentialFamily(3, 2, name).double()
    h, u = normal(4, 3), normal(4, 2, seed=1)
    table, shift = (p.detach() for p in critic.parameters_of.parameters())
    for i in range(4):
        total, at = 0.0, 0
        for component in range(3):
            value = float(h[i, component])
            smooth = math.sqrt(value**2 + 1e-3)
            own = {
                "absolute": [smooth],
                "square": [value**2],
                "moments": [value, value**2],
                "scales": [smooth, value**2],
            }[name]
            for q in own:
                total += q * float(table[at] @ u[i] + shift[at])
                at += 1
        total += float(table[at] @ u[i] + shift[at])
        assert critic(h, u)[i].item() == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("statistics", [None, "scales"])
def test_no_term_sees_two_components(statistics: str | None) -> None:
    torch.manual_seed(0)
    critic = ExponentialFamily(3, 2, statistics, (4,)).double()
    h, u = normal(1, 3).requires_grad_(), normal(1, 2, seed=1)
    hessian = torch.autograd.functional.hessian(lambda h: critic(h, u).sum(), h)[0, :, 0]
    assert torch.allclose(hessian, torch.diag(hessian.diagonal()), atol=1e-12)
    assert hessian.diagonal().abs().min() > 0


def test_learned_statistics_are_networks_of_one_component() -> None:
    torch.manual_seed(0)
    q = LearnedStatistics(3, 2, 4).double()
    h = normal(2, 5, 3)
    for i in range(3):
        hidden = torch.tanh(h[..., i, None] * q.slope[i] + q.bias[i])
        wanted = hidden @ q.out[i] + h[..., i, None] * q.direct[i]
        assert torch.allclose(q(h)[..., i, :], wanted, atol=1e-12)


def test_absolute_innovation_by_hand_and_its_gradient() -> None:
    critic = AbsoluteInnovation(2).double()
    with torch.no_grad():
        for seed, p in enumerate(critic.parameters()):
            p.copy_(normal(*p.shape, seed=seed + 5))
    h, g = normal(3, 2), normal(4, 2, seed=1)
    a, b, c, p, r, m = (x.detach().numpy() for x in critic.parameters())
    for i in range(3):
        for j in range(4):
            total = float(m)
            for k in range(2):
                x, y = float(h[i, k]), float(g[j, k])
                total += -abs(a[k] * x + b[k] * y + c[k]) + p[k] * x**2 + r[k] * math.sqrt(x**2 + 0.1)
            assert critic.matrix(h, g)[i, j].item() == pytest.approx(total, rel=1e-10)
    # The published critic: no |h|, and one factor of h^2.
    with torch.no_grad():
        critic.absolute.zero_()
        critic.square.fill_(0.3)
    published = 0.3 * h.square().sum(1) - (critic.now * h + critic.past * g[:3] + critic.shift).abs().sum(1)
    assert torch.allclose(critic(h, g[:3]), published + critic.constant)
    weights = normal(3, 4, seed=2)
    slow = torch.autograd.grad((weights * critic(h[:, None], g[None])).sum(), list(critic.parameters())[:3])
    fast = torch.autograd.grad((weights * critic.matrix(h, g)).sum(), list(critic.parameters())[:3])
    assert all(torch.allclose(s, f) for s, f in zip(slow, fast, strict=True))


def test_learned_innovation_keeps_components_apart() -> None:
    torch.manual_seed(0)
    critic = LearnedInnovation(3, 2).double()
    critic.own.data.normal_()
    h, g = normal(1, 3), normal(1, 3, seed=1)
    mixed = torch.autograd.functional.hessian(lambda h, g: critic(h, g).sum(), (h, g))[0][1][0, :, 0]
    assert torch.allclose(mixed, torch.diag(mixed.diagonal()), atol=1e-12)
    assert mixed.diagonal().abs().min() > 0
