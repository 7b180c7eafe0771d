"""Arrangements against twins written with loops over single pairs."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from mutua.critics import Concat, Dot
from mutua.scores import Dense, drawn, local, multiview, paired, shuffled
from mutua.types import Critic, InputError, Scores

Rows = list[tuple[list[float], list[float]]]


def rows_of(scores: Dense) -> Rows:
    """Each anchor's joint scores, and its draws from the product, as plain numbers."""
    keep = torch.ones(scores.product.shape[-2:], dtype=torch.bool) if scores.keep is None else scores.keep
    return [
        (joint.tolist(), product[kept].tolist())
        for joint, product, kept in zip(scores.joint, scores.product, keep, strict=True)
    ]


def same(seen: Rows, wanted: Rows) -> None:
    assert len(seen) == len(wanted)
    for (joint, product), (joint_wanted, product_wanted) in zip(seen, wanted, strict=True):
        assert sorted(joint) == pytest.approx(sorted(joint_wanted), abs=1e-12)
        assert sorted(product) == pytest.approx(sorted(product_wanted), abs=1e-12)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def critic() -> Critic:
    torch.manual_seed(0)
    return Concat(3, 3, (8,)).double()


def test_paired(critic: Critic) -> None:
    x, y = normal(4, 3), normal(4, 3, seed=1)
    scores = paired(critic, x, y)
    wanted = [
        ([critic(x[i], y[i]).item()], [critic(x[i], y[j]).item() for j in range(4) if j != i]) for i in range(4)
    ]
    same(rows_of(scores), wanted)
    assert scores.others == 3


def test_drawn(critic: Critic) -> None:
    x, y, noise = normal(4, 3), normal(4, 3, seed=1), normal(4, 5, 3, seed=2)
    scores = drawn(critic, x, y, noise)
    wanted = [
        ([critic(x[i], y[i]).item()], [critic(x[i], noise[i, k]).item() for k in range(5)]) for i in range(4)
    ]
    same(rows_of(scores), wanted)
    assert scores.others == 5


@pytest.mark.parametrize("v", [2, 3])
def test_multiview(critic: Critic, v: int) -> None:
    views = normal(v, 4, 3)
    scores = multiview(critic, views)
    wanted = [
        (
            [critic(views[k, i], views[other, i]).item() for other in range(v) if other != k],
            [critic(views[k, i], views[other, j]).item() for other in range(v) for j in range(4) if j != i],
        )
        for k in range(v)
        for i in range(4)
    ]
    same(rows_of(scores), wanted)
    assert scores.others == v * 3


def test_local(critic: Critic) -> None:
    x, y = normal(4, 3), normal(4, 6, 3, seed=1)
    scores = local(critic, x, y)
    wanted = [
        (
            [critic(x[i], y[i, place]).item() for place in range(6)],
            [critic(x[i], y[j, place]).item() for j in range(4) for place in range(6) if j != i],
        )
        for i in range(4)
    ]
    same(rows_of(scores), wanted)
    assert scores.others == 18


@pytest.mark.parametrize("n", [2, 3, 4, 17])
def test_shuffled_never_draws_a_true_pair(n: int) -> None:
    identity = torch.eye(n)  # <x_i, y_j> is 1 for the true pair alone
    partners = set()
    for seed in range(100):
        scores = shuffled(Dot(), identity, identity, torch.Generator().manual_seed(seed))
        assert (scores.joint == 1).all()
        assert (scores.product == 0).all()
        assert scores.product.shape == (n, 1)
        value = shuffled(
            Dot(), identity, torch.arange(n)[:, None] * torch.ones(n), torch.Generator().manual_seed(seed)
        )
        drawn_from = tuple(int(number) for number in value.product.flatten())
        assert sorted(drawn_from) == list(range(n))  # each y is used once
        partners.add(drawn_from)
    assert len(partners) == {2: 1, 3: 2, 4: 6}.get(n, len(partners))  # every cycle turns up
    assert n < 5 or len(partners) > 90


def test_shuffled_follows_its_generator() -> None:
    x, y = normal(9, 3), normal(9, 3, seed=1)
    one, two, three = (shuffled(Dot(), x, y, torch.Generator().manual_seed(seed)) for seed in (5, 5, 6))
    assert torch.equal(one.product, two.product)
    assert not torch.equal(one.product, three.product)


def test_leading_axes_are_batches_of_their_own(critic: Critic) -> None:
    x, y, noise = normal(2, 5, 4, 3), normal(2, 5, 4, 3, seed=1), normal(2, 5, 4, 6, 3, seed=2)
    all_pairs, draws = paired(critic, x, y), drawn(critic, x, y, noise)
    assert all_pairs.mean(torch.exp).shape == (2, 5)
    assert draws.row_logmeanexp().shape == (2, 5, 4)
    for a in range(2):
        for b in range(5):
            one = paired(critic, x[a, b], y[a, b])
            assert torch.allclose(all_pairs.logmeanexp()[a, b], one.logmeanexp(), atol=1e-12)
            assert torch.allclose(all_pairs.row_logmeanexp()[a, b], one.row_logmeanexp(), atol=1e-12)
            assert torch.allclose(all_pairs.mean(torch.exp)[a, b], one.mean(torch.exp), atol=1e-12)
            few = drawn(critic, x[a, b], y[a, b], noise[a, b])
            assert torch.allclose(draws.logmeanexp()[a, b], few.logmeanexp(), atol=1e-12)


@pytest.mark.parametrize("masked", [False, True])
def test_reductions_equal_loops(masked: bool) -> None:
    product = normal(4, 5)
    keep = torch.ones(4, 5, dtype=torch.bool)
    if masked:
        keep[torch.arange(4), torch.tensor([3, 0, 4, 4])] = False
    scores = Dense(normal(4, 2, seed=1), product, keep if masked else None)
    assert isinstance(scores, Scores)
    kept = [[product[i, j].item() for j in range(5) if keep[i, j]] for i in range(4)]
    flat = [value for row in kept for value in row]
    assert scores.others == len(kept[0])
    assert scores.mean(torch.tanh).item() == pytest.approx(sum(map(math.tanh, flat)) / len(flat), abs=1e-12)
    assert scores.logmeanexp().item() == pytest.approx(math.log(sum(map(math.exp, flat)) / len(flat)), abs=1e-12)
    squared = math.log(sum(math.exp(value**2) for value in flat) / len(flat))
    assert scores.logmeanexp(torch.square).item() == pytest.approx(squared, abs=1e-12)
    for i, row in enumerate(kept):
        wanted = math.log(sum(map(math.exp, row)) / len(row))
        assert scores.row_logmeanexp()[i].item() == pytest.approx(wanted, abs=1e-12)


def test_reductions_hold_at_huge_scores() -> None:
    scores = Dense(torch.zeros(2, 1), torch.tensor([[9000.0, -9000.0], [9000.0, 9000.0]]))
    assert scores.logmeanexp().item() == pytest.approx(9000 + math.log(3 / 4), rel=1e-6)
    assert scores.row_logmeanexp().tolist() == pytest.approx([9000 - math.log(2), 9000], rel=1e-6)


def test_what_is_masked_gets_no_gradient() -> None:
    product = normal(3, 3).requires_grad_()
    scores = Dense(normal(3, 1), product, ~torch.eye(3, dtype=torch.bool))
    (scores.logmeanexp() + scores.mean(torch.exp) + scores.row_logmeanexp().sum()).backward()
    assert product.grad is not None
    assert (product.grad.diagonal() == 0).all()
    assert (product.grad[~torch.eye(3, dtype=torch.bool)] > 0).all()


def test_too_little_to_contrast_is_refused_in_one_line() -> None:
    one, generator = torch.zeros(1, 3), torch.Generator()
    for make in (
        lambda: paired(Dot(), one, one),
        lambda: paired(Dot(), torch.zeros(0, 3), torch.zeros(0, 3)),
        lambda: multiview(Dot(), torch.zeros(2, 1, 3)),
        lambda: local(Dot(), one, torch.zeros(1, 6, 3)),
        lambda: shuffled(Dot(), one, one, generator),
        lambda: drawn(Dot(), one, one, torch.zeros(1, 0, 3)),
    ):
        with pytest.raises(InputError, match=r"at least two|leave no draw") as caught:
            make()
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="1 view of each example"):
        multiview(Dot(), torch.zeros(1, 4, 3))


@pytest.mark.parametrize("arrange", ["paired", "views", "places"])
def test_scores_are_not_rounded_by_autocast(arrange):
    x = torch.randn(2, 40, 8, generator=torch.Generator().manual_seed(0))
    how = {
        "paired": lambda: paired(Dot(), x[0], x[1]),
        "views": lambda: multiview(Dot(), x),
        "places": lambda: local(Dot(), x[0], x[1][:, None]),
    }[arrange]
    want = how().product
    with torch.autocast("cpu", torch.bfloat16):
        found = how().product
    assert found.dtype == torch.float32
    assert torch.equal(found, want)
