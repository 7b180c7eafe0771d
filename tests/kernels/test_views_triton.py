"""Views by Triton against their plain definitions: interpreted on the CPU, or natively where there is CUDA."""

import pytest
import torch

pytest.importorskip("triton", reason="Triton is not installed")

from mutua.kernels.views import cuda as views_triton
from mutua.views import (
    ColourJitter,
    Compose,
    GaussianBlur,
    HorizontalFlip,
    PaddedCrop,
    RandomResizedCrop,
    Solarise,
    rows,
    simclr,
)
from mutua.views import fused as module
from view_programs import LEVEL, PROGRAMS, RGB, pictures, seeded

CUDA = torch.cuda.is_available()
DEVICE = "cuda" if CUDA else "cpu"

# The interpreter takes about a millisecond for what a device does at once.
N = 12 if CUDA else 2

every_program = pytest.mark.parametrize("name", PROGRAMS)


def photographs(n, *shape):
    """Pictures without the flat ones."""
    return pictures(n + 3, *shape)[3:].to(DEVICE)


def fast(view, images, drawn, dtype=None):
    """By Triton wherever the images lie: `fused` takes this way on CUDA alone. None where it can't."""
    program = module._program(view.flat(drawn), len(images), tuple(images.shape[1:]))
    return None if program is None else module._by_triton(program, images, dtype or images.dtype)


def apart(view, images, drawn):
    """Largest difference from the plain definition, on [0, 1]."""
    images = images.to(DEVICE)
    got, want = fast(view, images, drawn), view.plain(images, drawn)
    assert got.dtype == want.dtype == images.dtype
    assert got.shape == want.shape
    assert got.is_contiguous()
    return float((got.double() - want.double()).abs().max()) / (255 if images.dtype == torch.uint8 else 1)


# 28 x 28 pixels are one block, 33 x 40 are two: contrast then waits for a second launch.
@every_program
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 20, 24), (3, 33, 40), (2, 40, 33)], ids=str)
def test_equals_the_plain_definition(name, shape):
    if shape[0] != 3 and name in RGB:
        pytest.skip("needs RGB")
    if name == "crop-to-a-pixel" and shape[1] > 20 and not CUDA:
        pytest.skip("takes the interpreter too long")
    view, images = Compose(PROGRAMS[name]), photographs(N, *shape)
    drawn = view.draw(N, tuple(shape), seeded(1))
    assert apart(view, images, drawn) <= LEVEL + 1e-9
    assert apart(view, images.float() / 255, drawn) <= (1e-3 if name == "jitter-strong" else 1e-4)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("blur", [0.0, 0.5])
def test_no_neighbour_and_no_layout_changes_a_bit(dtype, blur):
    view, images = simclr(3, (33, 36), blur=blur), photographs(4, 3, 33, 41)
    images = images if dtype == torch.uint8 else images.float() / 255
    drawn = view.draw(4, (3, 33, 41), seeded(2))
    want = fast(view, images, drawn)
    assert torch.equal(fast(view, images.contiguous(memory_format=torch.channels_last), drawn), want)
    assert torch.equal(fast(view, images.mT.contiguous().mT, drawn), want)
    some = torch.tensor([3, 0, 0])
    assert torch.equal(fast(view, images[some.to(DEVICE)], rows(drawn, some)), want[some.to(DEVICE)])


def test_levels_are_the_nearest_of_the_float_result():
    view, images = simclr(3, 32, blur=0.5), photographs(3)
    drawn = view.draw(3, (3, 32, 32), seeded(3))
    levels, floats = fast(view, images, drawn), fast(view, images, drawn, torch.float32)
    assert torch.equal(levels, (floats * 255).round().clamp(0, 255).to(torch.uint8))


@pytest.mark.parametrize("threshold", [0.0, 1 / 255, 100 / 255, 128 / 255, 1.0])
def test_solarise_is_exact_at_every_level(threshold):
    x = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    view = Compose((Solarise(threshold, p=1.0),))
    drawn = view.draw(1, (3, 16, 16), seeded())
    assert apart(view, x, drawn) == 0
    assert apart(view, x.float() / 255, drawn) == 0


def test_what_moves_pixels_alone_is_exact():
    view = Compose((HorizontalFlip(), PaddedCrop(5), HorizontalFlip()))
    images = photographs(4, 3, 12, 20)
    drawn = view.draw(4, (3, 12, 20), seeded(1))
    assert apart(view, images, drawn) == 0
    assert apart(view, torch.rand(4, 3, 12, 20, generator=seeded()), drawn) == 0


def test_images_that_are_not_blurred_are_copied():
    view, images = Compose((GaussianBlur(p=0.5),)), torch.rand(6, 3, 40, 40, generator=seeded()).to(DEVICE)
    drawn = view.draw(6, (3, 40, 40), seeded(1))
    blurred = drawn["0 GaussianBlur"]["applied"]
    assert blurred.any()
    assert not blurred.all()
    kept = (~blurred).to(DEVICE)
    assert torch.equal(fast(view, images, drawn)[kept], images[kept])


def test_numbers_that_are_not_finite_stay_so():
    images = torch.full((2, 3, 8, 8), 0.5, device=DEVICE)
    images[0, 1, 2, 3] = torch.nan
    view = Compose((HorizontalFlip(1.0), ColourJitter(p=1.0)))
    out = fast(view, images, view.draw(2, (3, 8, 8), seeded()))
    assert out[0].isnan().any()
    assert out[1].isfinite().all()


def test_an_empty_batch():
    view, images = simclr(3, 24, blur=0.5), photographs(0)
    out = fast(view, images, view.draw(0, (3, 32, 32), seeded()))
    assert out.shape == (0, 3, 24, 24)
    assert out.dtype == torch.uint8


class Counted:
    """The kernel, its launches counted."""

    def __init__(self, kernel):
        self.kernel, self.launches = kernel, 0

    def __getitem__(self, grid):
        self.launches += 1
        return self.kernel[grid]


@pytest.mark.parametrize(
    ("view", "launches"),
    [(simclr(3, 32), 1), (simclr(3, 33, blur=0.0), 2), (simclr(3, 33), 4), (Compose(()), 1)],
    ids=["a block", "two blocks", "blurred", "nothing"],
)
def test_launches_are_few(view, launches, monkeypatch):
    counted = Counted(views_triton._stage)
    monkeypatch.setattr(views_triton, "_stage", counted)
    fast(view, photographs(1), view.draw(1, (3, 32, 32), seeded()))
    assert counted.launches == launches


class Twice(HorizontalFlip):
    """A subclass that applies something else."""


def test_what_it_cannot_do_is_none():
    images = photographs(4)
    odd = Compose((RandomResizedCrop(), Twice()))
    assert fast(odd, images, odd.draw(4, (3, 32, 32), seeded())) is None
    view = Compose((RandomResizedCrop(),))
    drawn = view.draw(4, (3, 32, 32), seeded())
    drawn["0 RandomResizedCrop"]["top"] = torch.full((4,), 30)
    assert fast(view, images, drawn) is None


@pytest.mark.skipif(not CUDA, reason="no CUDA device here")
@every_program
def test_the_host_never_waits_for_the_device(name):
    view, images = Compose(PROGRAMS[name]), photographs(4)
    drawn = view.draw(4, (3, 32, 32), seeded(4))
    want = fast(view, images, drawn)
    torch.cuda.set_sync_debug_mode("error")
    try:
        got, _ = view.apply(images, drawn), view.plain(images, drawn)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.equal(got, want)
