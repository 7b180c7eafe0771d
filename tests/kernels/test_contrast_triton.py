"""The kernels in Triton against torch's blocks: by the interpreter where there is no CUDA, in float32 then.

The interpreter has no bfloat16, and takes what comes in for what is multiplied: rounding is seen on CUDA alone.
"""

from __future__ import annotations

import math

import pytest
import torch

pytest.importorskip("triton", reason="Triton is not installed")

from mutua.kernels.contrast import cuda as kernels
from mutua.kernels.contrast.cpu import Run, row_gradients, row_logsumexp
from mutua.streamed import fused

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
DTYPE, CLOSE = (torch.bfloat16, 8e-3) if torch.cuda.is_available() else (torch.float32, 1e-5)
SMALL = kernels.Shape(16, 32, 4, 2)

# As `mutua.scores` arranges them; n, m and k are no multiples of a block.
RUNS = {
    "pairs": (37, 37, 20, (Run(0, 0, 37),)),
    "pairs, some": (21, 37, 16, (Run(0, 9, 21),)),
    "three views": (24, 24, 16, tuple(Run(8 * a, 8 * b, 8) for a in range(3) for b in range(3))),
    "three views, some": (6, 27, 16, tuple(Run(2 * a, 9 * b + 4, 2) for a in range(3) for b in range(3))),
    "locations": (7, 35, 16, tuple(Run(0, place, 7, 5) for place in range(5))),
    "locations, some": (3, 35, 16, tuple(Run(0, 15 + place, 3, 5) for place in range(5))),
    "none": (9, 40, 3, ()),
}


def apart(found, want):
    return float((found.cpu().double() - want).norm() / want.norm())


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_sums_and_gradients(name, scale, generator):
    n, m, k, runs = RUNS[name]
    left, right = (torch.randn(rows, k, generator=generator).to(DEVICE, DTYPE) for rows in (n, m))
    left = scale * left / math.sqrt(k)
    g = torch.randn(n, generator=generator).to(DEVICE)
    exact = [x.cpu().double() for x in (left, right)]
    lse = row_logsumexp(*exact, runs)
    at_left, at_right = row_gradients(*exact, runs, lse, g.cpu().double())

    gaps = kernels.gaps_of(runs, n, m)
    assert gaps is not None
    logs, means = kernels.row_sums(left, right, gaps, True, SMALL)
    assert apart(logs * math.log(2), lse) < 1e-5
    assert torch.equal(kernels.row_sums(left, right, gaps, False, SMALL)[0], logs)
    assert apart(g[:, None] * means, at_left) < CLOSE
    assert apart(kernels.weighted_sums(left, right, gaps, (logs, g), None, SMALL), at_left) < CLOSE
    assert apart(kernels.weighted_sums(right, left, gaps.turned, None, (logs, g), SMALL), at_right) < CLOSE


def test_symmetric_gradient(generator):
    n, _, k, runs = RUNS["three views"]
    z, g = torch.randn(n, k, generator=generator).to(DEVICE, DTYPE), torch.randn(n, generator=generator).to(DEVICE)
    gaps = kernels.gaps_of(runs, n, n)
    logs, _ = kernels.row_sums(z, z, gaps, False, SMALL)
    exact = z.cpu().double()
    want = sum(row_gradients(exact, exact, runs, row_logsumexp(exact, exact, runs), g.cpu().double()))
    assert apart(kernels.weighted_sums(z, z, gaps, (logs, g), (logs, g), SMALL), want) < CLOSE


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("learns", ["both", "left", "right"])
def test_gradients_that_autograd_asks_for(name, learns, generator):
    n, m, k, runs = RUNS[name]
    left, right = (torch.randn(rows, k, generator=generator).to(DEVICE, DTYPE) for rows in (n, m))
    g = torch.randn(n, generator=generator).to(DEVICE)
    given = {"both": [left, right], "left": [left], "right": [right]}[learns]
    for x in given:
        x.requires_grad_()
    rows = fused._Rows.apply(left, right, kernels.gaps_of(runs, n, m), True)
    found = torch.autograd.grad(rows, given, g)
    exact = [x.detach().cpu().double() for x in (left, right)]
    at_left, at_right = row_gradients(*exact, runs, row_logsumexp(*exact, runs), g.cpu().double())
    want = {"both": [at_left, at_right], "left": [at_left], "right": [at_right]}[learns]
    assert all(apart(a, b) < CLOSE for a, b in zip(found, want, strict=True))


def test_gradient_of_one_with_itself(generator):
    n, _, k, runs = RUNS["three views"]
    z = torch.randn(n, k, generator=generator).to(DEVICE, DTYPE).requires_grad_()
    g = torch.randn(n, generator=generator).to(DEVICE)
    (found,) = torch.autograd.grad(fused._Symmetric.apply(z, kernels.gaps_of(runs, n, n)), z, g)
    exact = z.detach().cpu().double()
    want = sum(row_gradients(exact, exact, runs, row_logsumexp(exact, exact, runs), g.cpu().double()))
    assert apart(found, want) < CLOSE


@pytest.mark.parametrize("room", [64, 99, 163, 227])
@pytest.mark.parametrize("k", [16, 64, 128, 200, 256])
@pytest.mark.parametrize("sums", [False, True])
def test_blocks_fit_the_shared_memory_of_every_device(room, k, sums):
    shape = kernels.block_shape(k, sums, room << 10)
    width = 256 if k > 128 else 128
    rows, columns = shape.BM, shape.BN * shape.num_stages
    assert 2 * (rows + columns) * width <= room << 10
    larger = kernels.block_shape(k, sums, 227 << 10)
    assert shape.BM <= larger.BM
    assert shape.BN <= larger.BN


def test_other_gaps_are_no_arrangement():
    assert kernels.gaps_of((Run(0, 0, 3),), 4, 4) is None
    assert kernels.gaps_of((Run(0, 0, 2), Run(2, 2, 2)), 4, 4) is None
    assert kernels.gaps_of((Run(0, 0, 4), Run(0, 1, 4)), 4, 5) is None
    assert kernels.gaps_of(tuple(Run(0, place, 3, 5) for place in range(4)), 3, 15) is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
@pytest.mark.parametrize("k", [3, 64, 128, 200, 256])
def test_on_cuda_by_the_shapes_that_are_used(k, generator):
    n = 1000
    left, right = (torch.randn(n, k, generator=generator).to(DEVICE, DTYPE) for _ in range(2))
    g = torch.rand(n, generator=generator).to(DEVICE)
    gaps = kernels.gaps_of((Run(0, 0, n),), n, n)
    exact = [x.cpu().double() for x in (left, right)]
    lse = row_logsumexp(*exact, (Run(0, 0, n),))
    at_left, at_right = row_gradients(*exact, (Run(0, 0, n),), lse, g.cpu().double())
    logs, means = kernels.row_sums(left, right, gaps, True)
    assert apart(logs * math.log(2), lse) < 1e-5
    assert apart(g[:, None] * means, at_left) < CLOSE
    assert apart(kernels.weighted_sums(left, right, gaps, (logs, g), None), at_left) < CLOSE
    assert apart(kernels.weighted_sums(right, left, gaps.turned, None, (logs, g)), at_right) < CLOSE
    # Each thread's gradients come in one order: the same bits every time.
    again = kernels.weighted_sums(right, left, gaps.turned, None, (logs, g))
    assert torch.equal(again, kernels.weighted_sums(right, left, gaps.turned, None, (logs, g)))
