"""The compiled path of `Compose` against its plain definition, and against itself."""

import os

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mutua.types import InputError
from mutua.views import (
    VIEWS,
    ColourJitter,
    Compose,
    GaussianBlur,
    Greyscale,
    HorizontalFlip,
    PaddedCrop,
    RandomResizedCrop,
    Solarise,
    rows,
    simclr,
)
from mutua.views.image import fused as module
from mutua.views.image.fused import KNOWN, fused
from view_programs import LEVEL, PROGRAMS, RGB, pictures, seeded

every_program = pytest.mark.parametrize("name", PROGRAMS)


def both(view, images, parameters):
    """(By the compiled loop, by the plain definition): and the first is what `apply` gives."""
    fast = fused(view.flat(parameters), images, images.dtype)
    assert fast is not None
    assert torch.equal(view.apply(images, parameters), fast)
    return fast, view.plain(images, parameters)


def apart(view, images, parameters):
    """Largest difference of the two, on [0, 1]."""
    fast, plain = both(view, images, parameters)
    assert fast.dtype == plain.dtype == images.dtype
    assert fast.shape == plain.shape
    assert fast.is_contiguous()
    white = 255 if images.dtype == torch.uint8 else 1
    return float((fast.double() - plain.double()).abs().max()) / white if len(images) else 0.0


@every_program
@pytest.mark.parametrize(("channels", "side"), [(1, 28), (3, 32), (3, 96), (1, 96), (3, 224)])
def test_equals_the_plain_definition(name, channels, side):
    if channels == 1 and name in RGB:
        pytest.skip("needs RGB")
    view = Compose(PROGRAMS[name])
    images = pictures(12 if side < 100 else 4, channels, side)
    drawn = view.draw(len(images), (3, side, side), seeded(1))
    assert apart(view, images, drawn) <= LEVEL + 1e-9
    # On float there is no rounding to a level; strong contrast and saturation enlarge what rounding there is.
    assert apart(view, images.float() / 255, drawn) <= (1e-3 if name == "jitter-strong" else 1e-4)


@every_program
def test_levels_are_the_nearest_of_the_float_result(name):
    view, images = Compose(PROGRAMS[name]), pictures()
    drawn = view.draw(12, (3, 32, 32), seeded(2))
    levels = fused(view.flat(drawn), images, torch.uint8)
    floats = fused(view.flat(drawn), images, torch.float32)
    assert torch.equal(levels, (floats * 255).round().clamp(0, 255).to(torch.uint8))


@every_program
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_no_number_of_threads_and_no_neighbour_changes_a_bit(name, dtype):
    view, images = Compose(PROGRAMS[name]), pictures()
    images = images if dtype == torch.uint8 else images.float() / 255
    drawn = view.draw(12, (3, 32, 32), seeded(3))
    want = fused(view.flat(drawn), images, dtype, threads=1)
    for threads in (2, 3, 7, 12):
        assert torch.equal(fused(view.flat(drawn), images, dtype, threads=threads), want)
    some = torch.tensor([9, 0, 0, 5])
    assert torch.equal(fused(view.flat(rows(drawn, some)), images[some], dtype), want[some])


@every_program
def test_layout_of_the_input_does_not_matter(name):
    view, images = Compose(PROGRAMS[name]), pictures(side=33, width=41)
    drawn = view.draw(12, (3, 33, 41), seeded(4))
    want = view.apply(images, drawn)
    last = images.to(memory_format=torch.channels_last)
    wide = torch.empty(12, 5, 40, 90, dtype=torch.uint8)[:, 1:4, 3:36, 4:86:2]
    wide.copy_(images)
    backwards = images.flip(0, 3).flip(0, 3).mT.contiguous().mT
    for same in (last, wide, backwards):
        before = same.clone()
        assert torch.equal(view.apply(same, drawn), want)
        assert torch.equal(same, before)
    one = images[:1].expand(12, -1, -1, -1)
    assert torch.equal(view.apply(one, drawn), view.apply(one.contiguous(), drawn))


@st.composite
def extremes(draw):
    """A composition, images of any small size, and parameters at and beyond what a draw gives."""
    n, channels = draw(st.integers(1, 3)), draw(st.sampled_from([1, 2, 3]))
    h, w = draw(st.integers(2, 40)), draw(st.integers(2, 40))
    flag = st.lists(st.booleans(), min_size=n, max_size=n).map(torch.tensor)
    factor = st.one_of(st.sampled_from([0.0, 1.0, 4.0]), st.floats(0, 4))
    rgb = channels == 3
    H, W = draw(st.integers(1, 50)), draw(st.integers(1, 50))
    top, left = draw(st.integers(0, h - 1)), draw(st.integers(0, w - 1))
    box = (top, left, draw(st.integers(1, h - top)), draw(st.integers(1, w - left)))
    pad = draw(st.integers(0, 45))

    def many(strategy):
        return torch.tensor([draw(strategy) for _ in range(n)])

    jitter = ColourJitter(1.0, 1.0, float(rgb), 0.5 * rgb, p=1.0)
    order = torch.tensor([draw(st.permutations(range(4))) for _ in range(n)])
    factors = {name: many(factor) for name in ("brightness", "contrast", "saturation")}
    turn = many(st.one_of(st.sampled_from([-0.5, 0.0, 0.5, 1 / 3]), st.floats(-2, 2)))
    parts = [
        (PaddedCrop(pad), {"shift": torch.stack([many(st.integers(0, 2 * pad)) for _ in range(2)], 1)}),
        (HorizontalFlip(), {"applied": draw(flag)}),
        (jitter, {"applied": draw(flag), "order": order, **factors, "hue": turn}),
    ]
    if rgb:
        parts.append((Greyscale(), {"applied": draw(flag)}))
    parts.append((GaussianBlur(), {"applied": draw(flag), "sigma": many(st.floats(1e-3, 1e4))}))
    parts = draw(st.permutations(parts))
    crop = dict(zip(("top", "left", "height", "width"), torch.tensor([box] * n).T, strict=True))
    # Last, so that the box need not follow what comes before, or first: with a flip after it both go in one.
    if draw(st.booleans()):
        parts = [*parts, (RandomResizedCrop((H, W)), crop)]
    elif min(H, W) > 1:
        parts = [(RandomResizedCrop((H, W)), crop), *parts]
    images = pictures(n, channels, h, w, seed=draw(st.integers(0, 99)))
    view = Compose(tuple(part for part, _ in parts))
    return view, images, {f"{k} {type(part).__name__}": own for k, (part, own) in enumerate(parts)}


@given(extremes())
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_extreme_parameters(case):
    view, images, drawn = case
    assert apart(view, images, drawn) <= LEVEL + 1e-9
    assert apart(view, images.float() / 255, drawn) <= 1e-3


@pytest.mark.parametrize("threshold", [0.0, 1 / 255, 100 / 255, 128 / 255, 1.0])
def test_solarise_is_exact_at_every_level(threshold):
    x = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    view = Compose((Solarise(threshold, p=1.0),))
    drawn = view.draw(1, (3, 16, 16), seeded())
    assert apart(view, x, drawn) == 0
    assert apart(view, x.float() / 255, drawn) == 0


def test_solarise_differs_only_beside_its_threshold():
    view = Compose((RandomResizedCrop(24), Solarise(0.3, p=1.0)))
    images = pictures().float() / 255
    drawn = view.draw(12, (3, 32, 32), seeded(1))
    fast, plain = both(view, images, drawn)
    before = view.views[0].apply(images, drawn["0 RandomResizedCrop"])
    beside = (before - 0.3).abs() < 1e-5
    assert beside.float().mean() < 1e-3
    assert float(((fast - plain).abs() * ~beside).max()) < 1e-5


def test_what_moves_pixels_alone_is_exact():
    view = Compose((HorizontalFlip(), PaddedCrop(5), HorizontalFlip()))
    for images in (pictures(), torch.rand(12, 3, 32, 32, generator=seeded())):
        assert apart(view, images, view.draw(12, (3, 32, 32), seeded(1))) == 0


def test_draws_are_the_views_own():
    view, images = simclr(3, 32), pictures()
    drawn = view.draw(12, (3, 32, 32), seeded(5))
    assert torch.equal(view(images, seeded(5)), view.apply(images, drawn))
    g = seeded(5)
    for name, one in zip(drawn, view.views, strict=True):
        for key, value in one.draw(12, (3, 32, 32), g).items():
            assert torch.equal(drawn[name][key], value)


class Twice(HorizontalFlip):
    """A subclass that applies something else."""

    def apply(self, images, parameters):
        return images.flip(-2)


def test_what_it_does_not_know_takes_the_plain_path(monkeypatch):
    images = pictures()
    odd = Compose((RandomResizedCrop(), Twice()))
    assert torch.equal(odd(images, seeded()), odd.plain(images, odd.draw(12, (3, 32, 32), seeded())))
    view = simclr(3, 32)
    drawn = view.draw(12, (3, 32, 32), seeded())
    for other in (images.double() / 255, images.bfloat16() / 255, images.half() / 255):
        assert fused(view.flat(drawn), other, other.dtype) is None
        assert torch.equal(view.apply(other, drawn), view.plain(other, drawn))
    wanting = (images.float() / 255).requires_grad_()
    view.apply(wanting, drawn).sum().backward()
    assert wanting.grad is not None
    meta = images.to("meta")
    assert fused(view.flat(drawn), meta, meta.dtype) is None
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert fused(view.flat(drawn), images, images.dtype) is None


def test_every_member_of_known_views_is_compiled():
    for name, make in VIEWS.items():
        view = Compose((make(),))
        if view.kind != "image":
            continue
        flat = view.flat(view.draw(4, (3, 32, 32), seeded()))
        known = all(type(one) in KNOWN for one, _ in flat)
        assert known or "simclr" not in name
        assert (fused(flat, pictures(4), torch.uint8) is not None) == known, name
    assert {type(view) for program in PROGRAMS.values() for view in program} >= set(KNOWN)


@pytest.mark.parametrize(
    ("view", "change"),
    [
        (RandomResizedCrop(), {"top": torch.full((12,), 30)}),
        (RandomResizedCrop(), {"left": torch.full((12,), -1)}),
        (RandomResizedCrop(), {"height": torch.zeros(12, dtype=torch.long)}),
        (GaussianBlur(p=1.0), {"sigma": torch.zeros(12)}),
        (PaddedCrop(2), {"shift": torch.full((12, 2), 9)}),
        (ColourJitter(p=1.0), {"order": torch.full((12, 4), 7)}),
        (HorizontalFlip(), {"applied": torch.ones(3, dtype=torch.bool)}),
    ],
    ids=["below", "left", "empty", "sigma", "shift", "order", "rows"],
)
def test_parameters_that_no_draw_gives_never_reach_the_loop(view, change):
    """It checks no bounds: they go the plain way, whatever that makes of them."""
    drawn = view.draw(12, (3, 32, 32), seeded()) | change
    assert fused([(view, drawn)], pictures(), torch.uint8) is None


def test_errors_are_the_plain_ones():
    with pytest.raises(InputError, match="needs 3 channels"):
        simclr(3, 32)(pictures(channels=1), seeded())
    with pytest.raises(InputError, match="1 x 32"):
        Compose((GaussianBlur(p=1.0),))(pictures()[..., :1, :], seeded())
    view = Compose((HorizontalFlip(),))
    with pytest.raises(InputError, match="3 rows for 12 images"):
        view.apply(pictures(), view.draw(3, (3, 32, 32), seeded()))


def test_numbers_that_are_not_finite_stay_so():
    images = torch.full((2, 3, 8, 8), 0.5)
    images[0, 1, 2, 3] = torch.nan
    view = Compose((HorizontalFlip(1.0), ColourJitter(p=1.0)))
    out = view(images, seeded())
    assert out[0].isnan().any()
    assert out[1].isfinite().all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_works_in_a_forked_child():
    view, images = simclr(3, 32), pictures()
    drawn = view.draw(12, (3, 32, 32), seeded())
    want = fused(view.flat(drawn), images, torch.uint8, threads=3)
    assert module._pool.cache_info().currsize == 1
    child = os.fork()
    if child == 0:
        got = fused(view.flat(drawn), images, torch.uint8, threads=3)
        os._exit(0 if torch.equal(got, want) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_threads_are_few_where_there_is_little_to_do():
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        assert module._threads(1, 10**9) == 1
        assert module._threads(8, 3 * 32 * 32) == 1
        assert module._threads(512, 3 * 32 * 32) == 4
    finally:
        torch.set_num_threads(before)


def test_neither_way_is_rounded_by_autocast():
    view, images = simclr(3, 33, blur=1.0), pictures(6, 3, 40).float() / 255
    parameters = view.draw(6, (3, 40, 40), seeded(5))
    want = view.plain(images, parameters), view.apply(images, parameters)
    with torch.autocast("cpu", torch.bfloat16):
        found = view.plain(images, parameters), view.apply(images, parameters)
    assert all(torch.equal(a, b) for a, b in zip(found, want, strict=True))
