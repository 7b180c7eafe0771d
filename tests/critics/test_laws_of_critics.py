"""Laws that every critic keeps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from mutua.critics import (
    CRITICS,
    AbsoluteInnovation,
    Bilinear,
    ComponentSum,
    Concat,
    Cosine,
    Dot,
    EncodeAndDot,
    ExponentialFamily,
    LearnedInnovation,
    Separable,
)
from mutua.types import Critic, InnerProduct

MAKERS: dict[str, Callable[[], Critic]] = {
    "concat": lambda: Concat(4, 4, (8, 6)),
    "concat-one-layer": lambda: Concat(4, 4, (8,)),
    "bilinear": lambda: Bilinear(4, 4),
    "separable": lambda: Separable(4, 4, width=8, embedding=5),
    "separable-skip": lambda: Separable(4, 4, width=8, depth=1, embedding=5, skip=True),
    "cosine": lambda: Cosine(0.1),
    "cosine-learned": lambda: Cosine(0.1, learn=True),
    "dot": Dot,
    "component_sum": lambda: ComponentSum(4, 4, width=6),
    "exponential_family": lambda: ExponentialFamily(4, 4),
    "exponential_family-learned": lambda: ExponentialFamily(4, 4, None, (5,)),
    "absolute_innovation": lambda: AbsoluteInnovation(4),
    "learned_innovation": lambda: LearnedInnovation(4),
    "encode_and_dot": lambda: EncodeAndDot(4, 4, units=16),
}
PARAMETRISED = sorted(set(MAKERS) - {"cosine", "dot"})


def made(name: str) -> Critic:
    torch.manual_seed(0)
    return MAKERS[name]().double().eval()


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_every_critic_of_the_catalogue_is_here() -> None:
    assert {type(made(name)) for name in MAKERS} == set(CRITICS.values())
    assert all(type(made(name)) is kind for name, kind in CRITICS.items())


@pytest.mark.parametrize("name", MAKERS)
def test_the_diagonal_of_matrix_is_forward(name: str) -> None:
    critic, x, y = made(name), normal(6, 4), normal(6, 4, seed=1)
    value = critic(x, y)
    assert value.shape == (6,)
    assert torch.allclose(critic.matrix(x, y).diagonal(), value, atol=1e-12)


@pytest.mark.parametrize("name", MAKERS)
def test_matrix_is_the_loop_over_pairs(name: str) -> None:
    critic, x, y = made(name), normal(5, 4), normal(7, 4, seed=1)
    matrix = critic.matrix(x, y)
    assert matrix.shape == (5, 7)
    for i in range(5):
        for j in range(7):
            assert matrix[i, j].item() == pytest.approx(critic(x[i : i + 1], y[j : j + 1]).item(), abs=1e-12)


@pytest.mark.parametrize("name", MAKERS)
def test_leading_axes_are_kept(name: str) -> None:
    critic, x, y = made(name), normal(2, 3, 5, 4), normal(2, 3, 7, 4, seed=1)
    assert critic(x, y[..., :5, :]).shape == (2, 3, 5)
    matrix = critic.matrix(x, y)
    assert matrix.shape == (2, 3, 5, 7)
    for a in range(2):
        for b in range(3):
            assert torch.allclose(matrix[a, b], critic.matrix(x[a, b], y[a, b]), atol=1e-12)


@pytest.mark.parametrize("name", MAKERS)
def test_forward_broadcasts_one_x_against_many_y(name: str) -> None:
    critic, x, y = made(name), normal(5, 4), normal(5, 3, 4, seed=1)
    assert torch.allclose(critic(x[:, None], y), critic(x[:, None].expand(5, 3, 4), y), atol=1e-12)


@pytest.mark.parametrize("name", MAKERS)
def test_gradients_reach_both_sides(name: str) -> None:
    x, y = normal(5, 4).requires_grad_(), normal(5, 4, seed=1).requires_grad_()
    critic = made(name)
    assert torch.autograd.gradcheck(critic.matrix, (x, y))
    critic(x, y).square().sum().backward()
    assert x.grad is not None
    assert y.grad is not None
    assert (x.grad != 0).any(1).all()
    assert (y.grad != 0).any(1).all()


@pytest.mark.parametrize("whole", [False, True], ids=["forward", "matrix"])
@pytest.mark.parametrize("name", PARAMETRISED)
def test_every_parameter_gets_a_gradient(name: str, whole: bool) -> None:
    critic = made(name)
    x, y = normal(32, 4), normal(32, 4, seed=1)
    (critic.matrix(x, y) if whole else critic(x, y)).square().sum().backward()
    for key, parameter in critic.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        assert (parameter.grad != 0).any(), key


@pytest.mark.parametrize("name", MAKERS)
def test_saved_and_loaded_it_scores_the_same(name: str, tmp_path: Path) -> None:
    critic, x, y = made(name), normal(5, 4), normal(5, 4, seed=1)
    state = critic.state_dict()
    torch.manual_seed(1)
    other = MAKERS[name]().double().eval()
    if state:
        save_file(state, tmp_path / "critic.safetensors")
        state = load_file(tmp_path / "critic.safetensors")
    if name in PARAMETRISED and name not in ("cosine-learned", "absolute_innovation"):  # these start alike
        assert not torch.equal(other(x, y), critic(x, y))
    other.load_state_dict(state)
    assert torch.equal(other(x, y), critic(x, y))


@pytest.mark.parametrize("name", MAKERS)
def test_the_repr_names_the_class(name: str) -> None:
    assert repr(made(name)).startswith(type(made(name)).__name__ + "(")


@pytest.mark.parametrize("name", sorted(n for n in MAKERS if isinstance(MAKERS[n](), InnerProduct)))
def test_an_inner_product_factorises(name: str) -> None:
    critic, x, y = made(name), normal(2, 5, 4), normal(2, 7, 4, seed=1)
    assert isinstance(critic, InnerProduct)
    left, right = critic.left(x), critic.right(y)
    assert left.shape[:-1] == (2, 5)
    assert right.shape[:-1] == (2, 7)
    assert torch.allclose(critic.matrix(x, y), torch.einsum("bnk,bmk->bnm", left, right), atol=1e-12)
    for row in range(5):  # one side never looks at the rest of its batch
        assert torch.allclose(critic.left(x[:, row : row + 1]), left[:, row : row + 1], atol=1e-12)


@pytest.mark.parametrize("name", ["concat", "bilinear", "separable", "component_sum"])
def test_the_sides_may_differ_in_width(name: str) -> None:
    maker = {
        "concat": lambda: Concat(3, 5, (8,)),
        "bilinear": lambda: Bilinear(3, 5),
        "separable": lambda: Separable(3, 5, skip=True),
        "component_sum": lambda: ComponentSum(3, 5),
    }[name]
    assert maker().matrix(torch.randn(4, 3), torch.randn(6, 5)).shape == (4, 6)
