"""Views of series against slow twins: one series at a time, its own steps only, in NumPy and float64."""

import math

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline

from mutua.types import InputError
from mutua.views import series
from view_batches import padded, seeded, some_series
from view_noise import slow_noise

T = 67


def slow_crop(view, x, drawn, t):
    n = len(x)
    width = max(1, round(drawn["share"] * n))
    start = math.floor(drawn["place"] * (n - width + 1))
    window = x[start : start + width]
    if not view.resized:
        return window
    at = np.linspace(0, width - 1, n) if n > 1 else np.zeros(1)
    return np.stack([np.interp(at, np.arange(width), column) for column in window.T], 1)


def slow_warp(view, x, drawn, t):
    n, knots = len(x), len(drawn["speed"])
    speed = CubicSpline(np.linspace(0, 1, knots), drawn["speed"])(np.linspace(0, 1, t))
    clock = [0.0]
    for value in speed[1:]:
        clock.append(clock[-1] + max(value, 0.05))
    clock = np.array(clock) / clock[-1]
    at = np.interp(np.linspace(0, 1, n) if n > 1 else [0.0], np.linspace(0, 1, t), clock) * (n - 1)
    return np.stack([np.interp(at, np.arange(n), column) for column in x.T], 1)


def slow_permute(view, x, drawn, t):
    m = int(drawn["count"])
    parts = [x[k * len(x) // m : (k + 1) * len(x) // m] for k in range(m)]
    return np.concatenate([parts[k] for k in np.argsort(drawn["order"][:m], kind="stable")])


def slow_mask(view, x, drawn, t):
    out = x.copy()
    for width, place in zip(drawn["width"], drawn["place"], strict=True):
        w = math.floor(width * len(x))
        start = math.floor(place * (len(x) - w + 1))
        out[start : start + w] = x.mean(0) if view.fill == "mean" else 0
    return out


def slow_jitter(view, x, drawn, t):
    return x + view.sigma * x.std(0) * slow_noise(drawn["seed"], x.shape[1], t).T[: len(x)]


def slow_scale(view, x, drawn, t):
    return x * drawn["factor"]


def slow_negate(view, x, drawn, t):
    return -x


def slow_drop(view, x, drawn, t):
    out = x.copy()
    for k in np.flatnonzero(drawn["dropped"]):
        out[:, k] = x[:, k].mean()
    return out


TWINS = [
    (series.Crop(), slow_crop),
    (series.Crop((0.01, 0.3)), slow_crop),
    (series.Crop(resized=False), slow_crop),
    (series.TimeWarp(), slow_warp),
    (series.TimeWarp(1.0, knots=2), slow_warp),
    (series.Permute(), slow_permute),
    (series.Permute(1), slow_permute),
    (series.TimeMask((0.0, 0.4), spans=2), slow_mask),
    (series.TimeMask(fill="zero"), slow_mask),
    (series.Jitter(0.5), slow_jitter),
    (series.Scale(), slow_scale),
    (series.Negate(0.5), slow_negate),
    (series.ColumnDrop(0.7), slow_drop),
]


@pytest.mark.parametrize(("view", "slow"), TWINS, ids=lambda value: getattr(value, "__name__", str(value)))
@pytest.mark.parametrize("is_masked", [False, True])
def test_is_its_twin(view, slow, is_masked):
    x = some_series(12, dtype=torch.float64)
    x[3] = 2.5
    batch = padded(x, 1) if is_masked else x
    drawn = view.draw(12, (T, 3), seeded(1))
    out = view.apply(batch, drawn)
    y = out["x"] if is_masked else out
    for i in range(12):
        own = x[i].numpy()[: int(batch["mask"][i].sum())] if is_masked else x[i].numpy()
        one = {name: value[i].double().numpy() if value.is_floating_point() else value[i].numpy()
               for name, value in drawn.items()}  # fmt: skip
        expected = slow(view, own, one, T) if one.get("applied", True) else own
        if is_masked:
            assert int(out["mask"][i].sum()) == len(expected)
        after = np.zeros(3) if is_masked else expected.mean(0)
        expected = np.concatenate([expected, np.tile(after, (T - len(expected), 1))])
        np.testing.assert_allclose(y[i].numpy(), expected, atol=1e-9)


def test_jitter_is_by_each_columns_own_deviation():
    x = some_series(200, dtype=torch.float64)
    x[:, :, 2] = 3.0
    noise = series.Jitter(0.1, p=1.0)(x, seeded()) - x
    size = (noise / x.std(1, correction=0, keepdim=True).clamp(min=1e-12)).std((0, 1))
    assert size[:2].tolist() == pytest.approx([0.1, 0.1], rel=0.03)  # five standard errors
    assert (noise[:, :, 2] == 0).all()


def test_a_column_always_stays():
    dropped = series.ColumnDrop(1.0, p=1.0).draw(50, (9, 3), seeded())["dropped"]
    assert (dropped.sum(1) == 2).all()
    assert not series.ColumnDrop(1.0).draw(50, (9, 1), seeded())["dropped"].any()


def test_a_warp_keeps_ends_and_order():
    x = torch.arange(60, dtype=torch.float64)[None, :, None].expand(100, -1, -1)
    y = series.TimeWarp(3.0, p=1.0)(x, seeded())[..., 0]
    assert (y[:, 0] == 0).all()
    torch.testing.assert_close(y[:, -1], torch.full((100,), 59.0, dtype=torch.float64))
    assert (y.diff(dim=1) > 0).all()
    assert y.std(0).max() > 1


def test_permuted_steps_are_the_same_steps():
    x = some_series(dtype=torch.float64)
    y = series.Permute(8, p=1.0)(x, seeded())
    torch.testing.assert_close(y.sort(1).values, x.sort(1).values)


def test_published():
    sizes = series.Scale(0.1), series.Jitter(0.05), series.TimeMask((0.0, 0.2))
    assert series.simclr().views == (series.Crop((0.5, 1.0), resized=False), *sizes)
    assert series.simclr(warp=0.2).views[1] == series.TimeWarp(0.2)
    assert series.simclr(strength=0, flip=0.5).views == (series.Crop(resized=False), series.Negate(0.5))


def test_by_default_no_view_changes_how_fast_things_happen():
    t = torch.arange(128, dtype=torch.float32)
    x = torch.stack([torch.sin(0.1 * k * t) for k in range(1, 9)])[..., None]
    rate = lambda y: (y[..., 0].diff(dim=1)[:, :60] * 1000).abs().mean(1)  # noqa: E731
    seen = torch.stack([rate(series.simclr(strength=0)(x, seeded(k))) for k in range(9)])
    assert (seen.std(0) / seen.mean(0)).max() < 0.1
    assert series.simclr(strength=9).views[-1].share == (0.0, 0.5)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: series.Crop((0.5, 1.5)), "share: "),
        (lambda: series.TimeWarp(-1), "sigma: -1"),
        (lambda: series.TimeWarp(knots=1), "knots: 1"),
        (lambda: series.Permute(0), "segments: 0"),
        (lambda: series.TimeMask(fill="one"), "fill: 'one'"),
        (lambda: series.TimeMask((0.0, 2.0)), "share: "),
        (lambda: series.TimeMask(spans=0), "spans: 0"),
        (lambda: series.Jitter(-0.1), "sigma: -0.1"),
        (lambda: series.Scale(math.inf), "sigma: inf"),
        (lambda: series.Negate(2), "p: 2"),
        (lambda: series.ColumnDrop(1.5), "share: 1.5"),
        (lambda: series.simclr(strength=math.nan), "strength: nan"),
        (lambda: series.simclr(flip=-1), "flip: -1"),
    ],
)
def test_settings_out_of_range_are_refused(make, says):
    with pytest.raises(InputError, match=says) as error:
        make()
    assert "\n" not in str(error.value)
