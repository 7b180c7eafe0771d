"""Steps along the nearest orthogonal matrix: beside the decomposition, and by hand."""

import math

import pytest
import torch

from mutua.ica.contrastive.descent import redundancy
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
    optimizer = Muon([w], lr=0.1, momentum=0.9, weight_decay=0.5)
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


def test_redundancy_by_hand() -> None:
    generator = torch.Generator().manual_seed(2)
    h = torch.randn(20_000, 3, generator=generator, dtype=torch.float64)
    assert float(redundancy(h)) < 1e-3
    # A mean of twice the deviation, log 5 of one in three; magnitudes are then near linear, and no more alike.
    assert float(redundancy(h + torch.tensor([0.0, 0.0, 2.0]))) == pytest.approx(math.log(5) / 3, abs=0.02)
    # Two alike: a correlation of 1 twice, of both kinds.
    assert float(redundancy(h[:, [0, 1, 0]])) == pytest.approx(4 / 3, abs=0.01)
    few = h[:6].clone().requires_grad_()
    assert torch.autograd.gradcheck(redundancy, few)
