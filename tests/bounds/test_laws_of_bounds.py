"""Laws that every member of BOUNDS and CONTRASTS keeps, on every arrangement of scores."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from mutua.bounds import BOUNDS, CONTRASTS
from mutua.critics import Concat
from mutua.scores import Dense, drawn, local, multiview, paired, shuffled

MEMBERS: dict[str, Callable[[Dense], Tensor]] = {name: reading.bound for name, reading in BOUNDS.items()} | {
    name: training.contrast for name, training in CONTRASTS.items()
}


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def scored(arrangement: str) -> Dense:
    torch.manual_seed(0)
    critic = Concat(3, 3, (16,)).double()
    x, y = normal(5, 3, seed=1), 3 * normal(5, 3, seed=2)
    if arrangement == "paired":
        return paired(critic, x, y)
    if arrangement == "drawn":
        return drawn(critic, x, y, 3 * normal(5, 4, 3, seed=3))
    if arrangement == "shuffled":
        return shuffled(critic, x, y, torch.Generator().manual_seed(4))
    if arrangement == "multiview":
        return multiview(critic, normal(3, 5, 3, seed=5))
    return local(critic, x, normal(5, 4, 3, seed=6))


ARRANGEMENTS = ("paired", "drawn", "shuffled", "multiview", "local")


def rows_of(scores: Dense) -> list[tuple[list[float], list[float]]]:
    keep = torch.ones(scores.product.shape[-2:], dtype=torch.bool) if scores.keep is None else scores.keep
    pairs = zip(scores.joint, scores.product, keep, strict=True)
    return [(joint.tolist(), product[kept].tolist()) for joint, product, kept in pairs]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def slow(name: str, rows: list[tuple[list[float], list[float]]]) -> float:
    """The formulas, one number at a time."""
    exp, log = math.exp, math.log
    joint = [t for row, _ in rows for t in row]
    product = [t for _, row in rows for t in row]
    k = len(rows[0][1])
    softplus_joint = mean([log(1 + exp(-t)) for t in joint])
    softplus_product = mean([log(1 + exp(t)) for t in product])
    softmax = []
    nt_xent = []
    for row, others in rows:
        for t in row:
            softmax.append(log(exp(t) / (exp(t) + sum(map(exp, others)))))
            nt_xent.append(log(exp(t) / sum(map(exp, row + others))))
    if name == "dv":
        return mean(joint) - log(mean(list(map(exp, product))))
    if name == "tuba":
        return 1 + mean(joint) - mean(list(map(exp, product)))
    if name == "nwj":
        return mean(joint) - mean([exp(t - 1) for t in product])
    if name == "infonce":
        return log(k + 1) + mean(softmax)
    if name == "infonce_loss":
        return mean(softmax)
    if name == "nt_xent":
        return mean(nt_xent)
    if name == "smile":
        return mean(joint) - log(mean([exp(min(max(t, -5), 5)) for t in product]))
    if name == "jsd":
        return -softplus_joint - softplus_product
    if name == "logistic":
        return -softplus_joint - k * softplus_product
    assert name == "interpolated"
    first, second = [], []
    for row, others in rows:
        for t in row:
            m = (exp(t) + sum(map(exp, others))) / (k + 1)
            first.append(log(exp(t) / (0.5 * m + 0.5 * math.e)))
        m = mean(list(map(exp, others)))
        second += [exp(t) / (0.5 * m + 0.5 * math.e) for t in others]
    return 1 + mean(first) - mean(second)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("name", MEMBERS)
def test_equals_its_slow_twin(name: str, arrangement: str) -> None:
    scores = scored(arrangement)
    value = MEMBERS[name](scores)
    assert value.shape == ()
    assert value.dtype == torch.float64
    assert value.item() == pytest.approx(slow(name, rows_of(scores)), abs=1e-12)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("name", MEMBERS)
def test_gradient_is_finite_and_reaches_all_that_counts(name: str, arrangement: str) -> None:
    made = scored(arrangement)
    joint = made.joint.detach().requires_grad_()
    product = made.product.detach().requires_grad_()
    MEMBERS[name](Dense(joint, product, made.keep)).backward()
    assert joint.grad is not None
    assert product.grad is not None
    assert torch.isfinite(joint.grad).all()
    assert torch.isfinite(product.grad).all()
    assert (joint.grad != 0).all()
    counted = torch.ones_like(product, dtype=torch.bool) if made.keep is None else made.keep
    assert (product.grad[counted] < 0).all()  # training lowers what comes from the product
    assert (product.grad[~counted] == 0).all()


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("name", MEMBERS)
def test_gradcheck(name: str, arrangement: str) -> None:
    made = scored(arrangement)
    # Copies, for the joint scores may be a view of the product's diagonal.
    joint = made.joint.detach().clone().requires_grad_()
    product = made.product.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda t, q: MEMBERS[name](Dense(t, q, made.keep)), (joint, product))


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("name", MEMBERS)
def test_the_order_of_anchors_partners_and_draws_is_nothing(name: str, arrangement: str) -> None:
    made = scored(arrangement)
    generator = torch.Generator().manual_seed(7)
    n, m = made.product.shape
    rows, columns = torch.randperm(n, generator=generator), torch.randperm(m, generator=generator)
    partners = torch.randperm(made.joint.shape[1], generator=generator)
    keep = None if made.keep is None else made.keep[rows][:, columns]
    moved = Dense(made.joint[rows][:, partners], made.product[rows][:, columns], keep)
    assert torch.allclose(MEMBERS[name](moved), MEMBERS[name](made), atol=1e-12)


@pytest.mark.parametrize("name", MEMBERS)
def test_leading_axes_are_kept_and_never_mixed(name: str) -> None:
    joint, product = normal(2, 3, 5, 2, seed=8), normal(2, 3, 5, 4, seed=9)
    value = MEMBERS[name](Dense(joint, product))
    assert value.shape == (2, 3)
    for a in range(2):
        for b in range(3):
            assert torch.allclose(value[a, b], MEMBERS[name](Dense(joint[a, b], product[a, b])), atol=1e-12)


@pytest.mark.parametrize("name", sorted(set(MEMBERS) - {"tuba", "nwj", "interpolated"}))
@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_huge_scores_stay_finite(name: str, scale: float) -> None:
    """All but those with an unnormalised exp, which overflows honestly."""
    joint = torch.full((3, 1), scale, requires_grad=True)
    product = torch.full((3, 2), -scale, requires_grad=True)
    value = MEMBERS[name](Dense(joint, product))
    value.backward()
    assert torch.isfinite(value)
    assert joint.grad is not None
    assert torch.isfinite(joint.grad).all()


@pytest.mark.parametrize("name", MEMBERS)
def test_float32_agrees_with_float64(name: str) -> None:
    joint, product = normal(6, 1, seed=10), normal(6, 5, seed=11)
    value = MEMBERS[name](Dense(joint.float(), product.float()))
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(MEMBERS[name](Dense(joint, product)).item(), abs=1e-5)


def test_the_catalogues_are_whole() -> None:
    assert set(BOUNDS) == {"dv", "tuba", "nwj", "infonce", "interpolated", "smile"}
    assert set(CONTRASTS) == {"jsd", "logistic", "infonce_loss", "nt_xent"}
    assert {name for name, reading in BOUNDS.items() if reading.side == "neither"} == {"smile"}
    for function in MEMBERS.values():
        assert "Paper:" in (function.__doc__ or "")
