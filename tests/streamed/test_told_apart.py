"""Anchors told apart from candidates, block by block, against loops over single scores."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator, Tensor

from mutua.streamed import told_apart as module
from mutua.streamed.told_apart import told_apart


def made(anchors: int, candidates: int, width: int = 3) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = Generator().manual_seed(0)
    parts = [
        torch.randn(n, width, dtype=torch.float64, generator=generator, requires_grad=True)
        for n in (anchors, anchors, candidates)
    ]
    kept = torch.rand(anchors, candidates, generator=generator) > 0.4
    kept[0] = False  # an anchor without negatives
    return parts[0], parts[1], parts[2], kept


def slow(a: Tensor, p: Tensor, c: Tensor, kept: Tensor) -> tuple[Tensor, float, int]:
    loss, nats, right = a.new_zeros(()), 0.0, 0
    for i in range(len(a)):
        joint = a[i] @ p[i]
        scores = [a[i] @ c[j] for j in range(len(c)) if kept[i, j]]
        each = torch.stack([joint, *scores]).logsumexp(0) - joint
        loss = loss + each
        nats += math.log(1 + len(scores)) - float(each)
        right += bool(scores) and all(float(joint) > float(s) for s in scores)
    return loss, nats, right


@pytest.mark.parametrize("block", [1, 8, 10_000])
def test_it_is_the_loop_over_scores_and_so_is_its_gradient(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SCORES", block)
    a, p, c, kept = made(5, 4)
    loss, nats, right = told_apart(a, p, c, lambda rows: kept[rows])
    want, want_nats, want_right = slow(a, p, c, kept)
    assert loss.item() == pytest.approx(want.item(), rel=1e-12)
    assert nats.item() == pytest.approx(want_nats, rel=1e-12)
    assert int(right) == want_right
    assert torch.autograd.gradcheck(lambda *parts: told_apart(*parts, lambda rows: kept[rows])[0], (a, p, c))
    got = torch.autograd.grad(3 * loss, (a, p, c))
    for one, other in zip(got, torch.autograd.grad(3 * want, (a, p, c)), strict=True):
        torch.testing.assert_close(one, other)


def test_a_positive_of_30_has_loss_0_and_constant_scores_have_log_k() -> None:
    def everyone(rows: slice) -> Tensor:
        return torch.ones(len(range(4)[rows]), 9, dtype=torch.bool)

    one, none = torch.ones(4, 1, dtype=torch.float64), torch.zeros(9, 1, dtype=torch.float64)
    loss, nats, right = told_apart(one, 30 * one, none, everyone)
    assert loss.item() == pytest.approx(0, abs=1e-9)
    assert nats.item() == pytest.approx(4 * math.log(10))
    assert int(right) == 4
    loss, nats, right = told_apart(one, one, torch.ones_like(none), everyone)
    assert loss.item() == pytest.approx(4 * math.log(10))
    assert nats.item() == pytest.approx(0, abs=1e-12)
    assert int(right) == 0  # a tie is not found


def test_huge_scores_and_no_candidates_are_finite() -> None:
    a = torch.full((3, 2), 1e3, requires_grad=True)
    loss, _, _ = told_apart(a, -a.detach(), a.detach()[:2], lambda rows: torch.ones(3, 2, dtype=torch.bool)[rows])
    loss.backward()
    assert torch.isfinite(loss)
    assert a.grad is not None
    assert torch.isfinite(a.grad).all()
    loss, nats, right = told_apart(a, a, a.detach()[:0], lambda rows: torch.ones(3, 0, dtype=torch.bool)[rows])
    assert (float(loss), float(nats), int(right)) == (0.0, 0.0, 0)
