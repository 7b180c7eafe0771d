"""Steps along the nearest orthogonal matrix: beside the decomposition, and by hand."""

import math

import pytest
import torch

from mutua.training.muon import Muon, orthogonalised


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (1, 4)])
def test_singular_values_become_about_one_and_vectors_stay(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    u, s, vt = torch.linalg.svd(matrix, full_matrices=False)
    found = orthogonalised(matrix)
    # The slow twin: the quintic on each singular value.
    s = s / s.square().sum().sqrt()
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    torch.testing.assert_close(found, u @ torch.diag(s) @ vt)
    assert ((s > 0.5) & (s < 1.3)).all()
    assert (orthogonalised(torch.zeros(shape)) == 0).all()


def test_two_steps_by_hand() -> None:
    generator = torch.Generator().manual_seed(1)
    start, *gradients = (torch.randn(3, 4, generator=generator, dtype=torch.float64) for _ in range(3))
    w = start.clone().requires_grad_()
    optimizer = Muon([w], lr=0.1, momentum=0.9, weight_decay=0.5, turn=1.0)
    want, velocity = start.clone(), torch.zeros_like(start)
    for g in gradients:
        w.grad = g
        optimizer.step()
        velocity = 0.9 * velocity + g
        want = (1 - 0.05) * want - 0.1 * math.sqrt(4) * orthogonalised(g + 0.9 * velocity)
    torch.testing.assert_close(w.detach(), want)


def test_what_has_no_gradient_stays() -> None:
    still = torch.ones(2, 2, requires_grad=True)
    Muon([still], lr=1.0, weight_decay=0.5).step()
    assert (still == 1).all()


def test_convolutions_are_matrices_and_the_rest_takes_adams_steps() -> None:
    generator = torch.Generator().manual_seed(3)
    shapes = [(4, 2, 3, 3), (4,), (2, 3)]
    start = [torch.randn(shape, generator=generator) for shape in shapes]
    conv, bias, head = (w.clone().requires_grad_() for w in start)
    ours = Muon(
        [{"params": [conv]}, {"params": [bias]}, {"params": [head], "orthogonal": False}],
        lr=0.1,
        turn=0.2,
        betas=(0.9, 0.99),
    )
    twins = [w.clone().requires_grad_() for w in start[1:]]
    adam = torch.optim.AdamW(twins, lr=0.1, betas=(0.9, 0.99), weight_decay=0.0)
    for _ in range(3):
        gradients = [torch.randn(shape, generator=generator) for shape in shapes]
        for w, g in zip([conv, bias, head], gradients, strict=True):
            w.grad = g.clone()
        for w, g in zip(twins, gradients[1:], strict=True):
            w.grad = g.clone()
        ours.step()
        adam.step()
    torch.testing.assert_close([bias, head], twins)
    moved = (conv - start[0]).detach().flatten(1)
    assert torch.linalg.matrix_norm(moved, 2) < 3 * 0.1 * 0.2 * math.sqrt(18) * 1.3  # three turns at most


def test_its_state_goes_on_where_it_was() -> None:
    def steps(optimizer: Muon, w: torch.Tensor, count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            w.square().sum().backward()
            optimizer.step()

    one = torch.eye(3).requires_grad_()
    steps(Muon([one], lr=0.1), one, 4)
    other = torch.eye(3).requires_grad_()
    first = Muon([other], lr=0.1)
    steps(first, other, 2)
    second = Muon([other], lr=0.1)
    second.load_state_dict(first.state_dict())
    steps(second, other, 2)
    assert torch.equal(one, other)
