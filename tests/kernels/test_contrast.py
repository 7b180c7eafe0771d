"""Blocks against one matrix, written out."""

from __future__ import annotations

import pytest
import torch

from mutua.kernels.contrast.cpu import (
    Run,
    blocks,
    fill,
    holes,
    row_gradients,
    row_logsumexp,
    symmetric_gradient,
    symmetric_logsumexp,
    triangle,
)

RUNS = (Run(0, 2, 4), Run(3, 0, 2, 3), Run(6, 6, 1))


def entries(runs):
    return {(run.row + t, run.column + t * run.step) for run in runs for t in range(run.length)}


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_blocks_hold_the_entries_of_the_runs(size):
    matrix = torch.zeros(7, 8)
    for row, column in entries(RUNS):
        matrix[row, column] = 5.0
    for rows in blocks(7, size):
        for columns in blocks(8, size):
            part = matrix[rows.start : rows.stop, columns.start : columns.stop]
            assert torch.equal(fill(torch.zeros(part.shape), RUNS, rows, columns, 5.0), part)
            gaps = holes(RUNS, rows, columns, matrix.device)
            assert (gaps is None) == (part == 0).all()
            assert gaps is None or torch.equal(gaps, part == 5)
            several = fill(torch.zeros(2, *part.shape), RUNS, rows, columns, 5.0)
            assert torch.equal(several, part.expand(2, -1, -1))


def test_a_triangle_of_blocks_is_all_of_them_once():
    seen = torch.zeros(7, 7)
    for rows, columns in triangle(7, 3):
        seen[rows.start : rows.stop, columns.start : columns.stop] += 1
        if columns.start > rows.start:
            seen[columns.start : columns.stop, rows.start : rows.stop] += 1
    assert (seen == 1).all()


def by_matrix(left, right, runs, g):
    """lse, and the gradients of <g, lse>, by autograd on the whole matrix."""
    left, right = left.clone().requires_grad_(), right.clone().requires_grad_()
    keep = torch.ones(len(left), len(right), dtype=torch.bool)
    for row, column in entries(runs):
        keep[row, column] = False
    lse = (left @ right.T).masked_fill(~keep, -torch.inf).logsumexp(1)
    lse.backward(g)
    return lse.detach(), left.grad, right.grad


@pytest.mark.parametrize("scale", [1.0, 30.0], ids=["bounded", "not bounded"])
@pytest.mark.parametrize("size", [1, 3, 4, 100])
def test_row_sums_and_gradients(scale, size, generator):
    left, right, g = (
        torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((9, 3), (10, 3), (9,))
    )
    left = scale * left
    want = by_matrix(left, right, RUNS, g)
    lse = row_logsumexp(left, right, RUNS, size)
    for found, value in zip((lse, *row_gradients(left, right, RUNS, lse, g, size)), want, strict=True):
        torch.testing.assert_close(found, value)


@pytest.mark.parametrize("scale", [1.0, 30.0], ids=["bounded", "not bounded"])
@pytest.mark.parametrize("size", [1, 3, 4, 100])
def test_symmetric_sums_and_gradients(scale, size, generator):
    runs = (Run(0, 0, 8), Run(0, 4, 4), Run(4, 0, 4))
    z, g = (torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((8, 3), (8,)))
    z = scale * z
    want, left, right = by_matrix(z, z, runs, g)
    lse = symmetric_logsumexp(z, runs, size)
    torch.testing.assert_close(lse, want)
    torch.testing.assert_close(symmetric_gradient(z, runs, lse, g, size), left + right)


def test_what_is_left_out_may_be_largest_by_far(generator):
    """The anchor with itself, at a low temperature: a sum that took it in and out would be nothing but error."""
    z = torch.nn.functional.normalize(torch.randn(6, 4, generator=generator), dim=1) / 0.028**0.5
    runs = (Run(0, 0, 6),)
    g = torch.ones(6)
    want, left, right = by_matrix(z.double(), z.double(), runs, g.double())
    lse = symmetric_logsumexp(z, runs, 4)
    torch.testing.assert_close(lse.double(), want, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(symmetric_gradient(z, runs, lse, g, 4).double(), left + right, rtol=1e-4, atol=1e-4)


def test_a_row_without_any_is_minus_infinity():
    runs = (Run(0, 0, 1), Run(0, 1, 1))
    found = row_logsumexp(torch.ones(2, 3), torch.ones(2, 3), runs)
    assert found[0] == -torch.inf
    assert found[1] == pytest.approx(3 + torch.tensor(2.0).log().item())
    found = row_logsumexp(99 * torch.ones(2, 3), torch.ones(2, 3), runs)
    assert found[0] == -torch.inf
