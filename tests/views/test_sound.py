"""Views of sound against slow twins: one recording at a time, its own samples only, in NumPy and float64."""

import math

import numpy as np
import pytest
import torch

from mutua.types import InputError
from mutua.views import rows, sound
from mutua.views.noise import white_noise
from mutua.views.sound.filters import padded_length
from view_batches import padded, seeded, some_sound
from view_noise import slow_noise

T = 301


def slow_crop(view, x, drawn, t):
    samples = view.samples or t
    width = max(1, round(drawn["share"] * min(x.shape[1], samples)))
    start = math.floor(drawn["place"] * (x.shape[1] - width + 1))
    return x[:, start : start + width]


def slow_shift(view, x, drawn, t):
    shift = round(drawn["shift"] * x.shape[1])
    out = np.roll(x, shift, 1)
    if view.fill == "zeros" and shift:
        out[:, slice(0, shift) if shift > 0 else slice(shift, None)] = 0
    return out


def slow_mask(view, x, drawn, t):
    out = x.copy()
    for width, place in zip(drawn["width"], drawn["place"], strict=True):
        w = math.floor(width * x.shape[1])
        start = math.floor(place * (x.shape[1] - w + 1))
        out[:, start : start + w] = 0
    return out


def slow_gain(view, x, drawn, t):
    return x * 10 ** (drawn["decibels"] / 20)


def slow_polarity(view, x, drawn, t):
    return -x


def slow_add(view, x, drawn, t):
    noise = slow_noise(drawn["seed"], len(x), t)
    if view.exponent != (0.0, 0.0):
        spectrum = np.fft.rfft(noise)
        spectrum[:, 0] = 0
        for k in range(1, spectrum.shape[1]):
            spectrum[:, k] *= k ** (-drawn["exponent"] / 2)
        noise = np.fft.irfft(spectrum, t)
    noise = noise[:, : x.shape[1]]
    if not x.any():
        return x
    decibels = 10 * np.log10((x**2).mean() / (noise**2).mean())
    return x + noise * 10 ** ((decibels - drawn["snr"]) / 20)


def slow_response(x, t, amplitude):
    """Each frequency's amplitude, by a DFT written out."""
    n = padded_length(t)
    x = np.pad(x, ((0, 0), (0, n - x.shape[1])))
    turns = np.outer(np.arange(n), np.arange(n)) % n / n
    gain = np.array([amplitude(min(k, n - k) / (n / 2)) for k in range(n)])
    return ((x @ np.exp(-2j * np.pi * turns)) * gain @ np.exp(2j * np.pi * turns)).real / n


def slow_pass(view, x, drawn, t):
    def amplitude(f):
        if drawn["is_low"]:
            return 1 / math.sqrt(1 + (f / drawn["low"]) ** (2 * view.order))
        return 0.0 if f == 0 else 1 / math.sqrt(1 + (drawn["high"] / f) ** (2 * view.order))

    return slow_response(x, t, amplitude)[:, : x.shape[1]]


def slow_stop(view, x, drawn, t):
    a = drawn["place"] * (1 - drawn["width"])
    b = a + drawn["width"]

    def amplitude(f):
        return 1 / math.sqrt(1 + ((b - a) * f / (f * f - a * b)) ** (2 * view.order)) if f != a * b else 0.0

    return slow_response(x, t, amplitude)[:, : x.shape[1]]


def slow_speed(view, x, drawn, t):
    s, last, out = drawn["factor"], x.shape[1] - 1, []
    for j in range(t):
        if j * s > last:
            break
        lower = math.floor(j * s)
        part = j * s - lower
        if view.quality == "linear":
            out.append((1 - part) * x[:, lower] + part * x[:, min(lower + 1, last)])
            continue
        value, total = np.zeros(len(x)), 0.0
        for i in range(lower - 7, lower + 9):
            d = j * s - i
            weight = np.sinc(min(1, 1 / s) * d) * (1 + math.cos(math.pi * d / 8)) / 2
            total += weight
            if 0 <= i <= last:
                value += weight * x[:, i]
        out.append(value / total)
    return np.stack(out, 1)


TWINS = [
    (sound.Crop(), slow_crop),
    (sound.Crop((0.3, 0.6)), slow_crop),
    (sound.Crop((0.3, 1.0), samples=90), slow_crop),
    (sound.Crop((1.0, 1.0), samples=500), slow_crop),
    (sound.TimeShift((-1.0, 1.0)), slow_shift),
    (sound.TimeShift((-0.4, 0.4), fill="zeros"), slow_shift),
    (sound.TimeMask((0.0, 0.3), spans=3), slow_mask),
    (sound.Gain((-20.0, 6.0)), slow_gain),
    (sound.Polarity(), slow_polarity),
    (sound.Noise(), slow_add),
    (sound.Noise((-10.0, 40.0), exponent=(-1.0, 2.0)), slow_add),
    (sound.PassFilter(order=1), slow_pass),
    (sound.PassFilter(share_low=1.0, order=3), slow_pass),
    (sound.BandStop(), slow_stop),
    (sound.Speed(), slow_speed),
    (sound.Speed((0.5, 2.0)), slow_speed),
    (sound.Speed((0.5, 2.0), quality="sinc"), slow_speed),
]


@pytest.mark.parametrize(("view", "slow"), TWINS, ids=lambda value: getattr(value, "__name__", str(value)))
@pytest.mark.parametrize("is_masked", [False, True])
def test_is_its_twin(view, slow, is_masked):
    x = some_sound(8, dtype=torch.float64)
    x[3] = 0
    batch = padded(x, 2) if is_masked else x
    drawn = view.draw(8, (2, T), seeded(1))
    out = view.apply(batch, drawn)
    y, mask = (out["x"], out["mask"]) if is_masked else (out, None)
    singly = view.apply({**batch, "x": batch["x"].float()} if is_masked else x.float(), drawn)
    singly = singly["x"] if is_masked else singly
    for i in range(8):
        own = x[i].numpy()[:, : int(batch["mask"][i].sum())] if is_masked else x[i].numpy()
        one = {name: value[i].double().numpy() if value.is_floating_point() else value[i].numpy()
               for name, value in drawn.items()}  # fmt: skip
        expected = slow(view, own, one, T) if one.get("applied", True) else own
        if is_masked:
            assert int(mask[i].sum()) == expected.shape[1]
        expected = np.pad(expected, ((0, 0), (0, y.shape[2] - expected.shape[1])))
        np.testing.assert_allclose(y[i].numpy(), expected, atol=1e-9)
        np.testing.assert_allclose(singly[i].numpy(), expected, atol=3e-5)


def test_int16_is_read_at_full_scale():
    x = some_sound()
    drawn = sound.Gain().draw(24, (2, T), seeded())
    assert torch.equal(sound.Gain().apply(x, drawn), sound.Gain().apply(x.float() / 32768, drawn))


def test_noise_is_at_the_drawn_ratio():
    view, x = sound.Noise((3.0, 20.0), (0.0, 2.0), p=1.0), some_sound(dtype=torch.float64)
    batch = padded(x, 2, shortest=50)
    drawn = view.draw(24, (2, T), seeded())
    noise = view.apply(batch, drawn)["x"] - batch["x"]
    ratio = 10 * (batch["x"].square().sum((1, 2)) / noise.square().sum((1, 2))).log10()
    torch.testing.assert_close(ratio.float(), drawn["snr"], atol=1e-4, rtol=0)


def test_the_noise_of_seeds_is_standard_normal_and_uncorrelated():
    noise = white_noise(torch.arange(64) * 1000, 2, 2001, torch.float64)
    flat = noise.flatten().numpy()
    n = len(flat)
    assert abs(flat.mean()) < 4 / math.sqrt(n)
    assert abs(flat.var() - 1) < 4 * math.sqrt(2 / n)
    assert abs((flat**4).mean() - 3) < 4 * math.sqrt(96 / n)
    for a, b in [(noise[:, 0], noise[:, 1]), (noise[1:], noise[:-1]), (noise[..., 1:], noise[..., :-1]),
                 (noise[..., :1000], noise[..., 1001:])]:  # fmt: skip
        assert abs(float((a * b).mean())) < 4 / math.sqrt(a.numel())
    inside = np.histogram(flat, [-math.inf, -2, -1, 0, 1, 2, math.inf])[0] / n
    np.testing.assert_allclose(
        inside, [0.02275, 0.13591, 0.34134, 0.34134, 0.13591, 0.02275], atol=4 * 0.5 / math.sqrt(n)
    )


def test_coloured_noise_has_the_slope():
    view = sound.Noise((0.0, 0.0), exponent=(1.0, 1.0), p=1.0)
    x = torch.ones(64, 1, 4096, dtype=torch.float64)
    power = torch.fft.rfft(view(x, seeded()) - x).abs().square().mean((0, 1))
    low, high = power[8:16].mean(), power[512:1024].mean()  # six octaves apart: 2^6 in power
    assert float(low / high) == pytest.approx(64, rel=0.25)


def test_a_filter_at_half_power():
    """A sine at the cut-off keeps half its power; one two octaves above a low-pass of order 2, 1/257."""
    t = torch.arange(4000, dtype=torch.float64)
    view = sound.PassFilter(low=(0.2, 0.2), share_low=1.0, p=1.0)
    for f, power in [(0.2, 0.5), (0.8, 1 / 257), (0.05, 256 / 257)]:
        x = torch.sin(math.pi * f * t)[None, None]
        y = view(x, seeded())[..., 1000:3000]
        assert float(y.square().mean() / x[..., 1000:3000].square().mean()) == pytest.approx(power, rel=0.01)


@pytest.mark.parametrize(("quality", "error"), [("linear", 0.03), ("sinc", 1e-3)])
def test_speed_moves_the_pitch(quality, error):
    t = torch.arange(2000, dtype=torch.float64)
    x = torch.sin(0.3 * t)[None, None]
    y = sound.Speed((1.1, 1.1), quality, p=1.0)(x, seeded())
    assert (y[..., 50:1700] - torch.sin(0.33 * t)[50:1700]).abs().max() < error
    assert (y[..., 1819:] == 0).all()


def test_speed_one_is_the_identity():
    x = some_sound(dtype=torch.float64)
    for quality in ("linear", "sinc"):
        torch.testing.assert_close(sound.Speed((1.0, 1.0), quality, p=1.0)(x, seeded()), x, atol=1e-12, rtol=0)


def test_a_crop_reaches_every_place():
    x = torch.arange(10, dtype=torch.float32)[None, None].expand(4000, 1, 10)
    first = sound.Crop((0.8, 0.8))(x, seeded())[:, 0, 0]
    assert torch.bincount(first.long()).tolist() == pytest.approx([1333] * 3, abs=120)
    assert sound.Crop((1.0, 1.0), samples=4).shape_after((1, 10)) == (1, 4)


def test_published():
    views = sound.simclr(8000.0).views
    assert views == (
        sound.Crop((0.5, 1.0)),
        sound.Polarity(0.8),
        sound.Noise((5.0, 15.0), p=0.3),
        sound.Gain((-6.0, 0.0), p=0.3),
        sound.PassFilter((0.55, 1.0), (0.05, 0.3), p=0.8),
        sound.Speed((0.9, 1.1), p=0.6),
    )
    assert sound.simclr(None).views[4] == sound.PassFilter()
    assert sound.simclr(8000.0, strength=0, flip=0, share=(0.2, 0.4)).views == (sound.Crop((0.2, 0.4)),)
    assert sound.simclr(8000.0, strength=2).views[2].snr == pytest.approx((-1.0206, 8.9794), abs=1e-4)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: sound.Crop((0.0, 1.0)), "share: "),
        (lambda: sound.Crop(samples=0), "samples: 0"),
        (lambda: sound.TimeShift((-2, 1)), "share: "),
        (lambda: sound.TimeShift(fill="mirror"), "fill: 'mirror'"),
        (lambda: sound.TimeMask((0.0, 1.5)), "share: "),
        (lambda: sound.TimeMask((-0.1, 0.5)), "share: "),
        (lambda: sound.TimeMask(spans=0), "spans: 0"),
        (lambda: sound.Gain((3.0, 1.0)), "decibels: "),
        (lambda: sound.Gain((-math.inf, 0.0)), "decibels: "),
        (lambda: sound.Noise((0.0, math.nan)), "snr: "),
        (lambda: sound.Noise(exponent=(0.0, 9.0)), "exponent: "),
        (lambda: sound.PassFilter(low=(0.0, 0.5)), "low: "),
        (lambda: sound.PassFilter(high=(0.5, 1.5)), "high: "),
        (lambda: sound.PassFilter(share_low=2), "share_low: 2"),
        (lambda: sound.PassFilter(order=0), "order: 0"),
        (lambda: sound.BandStop((0.0, 0.1)), "width: "),
        (lambda: sound.Speed((0.0, 1.0)), "factor: "),
        (lambda: sound.Speed(quality="cubic"), "quality: 'cubic'"),
        (lambda: sound.Polarity(1.5), "p: 1.5"),
        (lambda: sound.simclr(0.0), "rate: 0"),
        (lambda: sound.simclr(8000.0, strength=-1), "strength: -1"),
        (lambda: sound.simclr(8000.0, flip=2), "flip: 2"),
    ],
)
def test_settings_out_of_range_are_refused(make, says):
    with pytest.raises(InputError, match=says) as error:
        make()
    assert "\n" not in str(error.value)


def test_rows_of_noise():
    view, x = sound.Noise(p=1.0), some_sound(dtype=torch.float64)
    drawn = view.draw(24, (2, T), seeded())
    index = torch.tensor([5, 5, 1])
    assert torch.equal(view.apply(x[index], rows(drawn, index)), view.apply(x, drawn)[index])
