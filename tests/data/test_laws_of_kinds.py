"""Laws that every kind of data keeps: a new kind is tested by being listed in `KINDS`."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
import torch
from torch import Generator

from mutua.data import KINDS, Held, Reading
from mutua.types import InputError, parted


def batch(kind: str, n: int = 5, seed: int = 4):
    return KINDS[kind].sample(KINDS[kind].small, n, Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_is_what_its_spec_says(kind: str) -> None:
    spec = KINDS[kind].small
    assert spec.kind == kind == KINDS[kind].name
    x, _ = parted(batch(kind))
    assert (5, *spec.shape) == tuple(x.shape)
    assert str(x.dtype) == f"torch.{spec.dtype}"
    spec.check(batch(kind))
    assert torch.equal(x, parted(batch(kind))[0])
    assert not torch.equal(x, parted(batch(kind, seed=5))[0])


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_of_another_kind_is_refused_in_one_line(kind: str) -> None:
    spec = KINDS[kind].small
    for other in KINDS:
        if len(KINDS[other].small.shape) == len(spec.shape):
            continue
        with pytest.raises(InputError, match=rf"batch: .* where {kind} \(n, .*\) is meant") as caught:
            spec.check(batch(other))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_the_raw_control_is_a_vector_each_and_of_its_example_alone(kind: str) -> None:
    x, _ = parted(batch(kind, 8))
    described = KINDS[kind].raw(Held(KINDS[kind].small, values=x.numpy()))
    found = described(x)
    assert found.shape[0] == 8
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert len(np.unique(found, axis=0)) > 1
    np.testing.assert_allclose(described(x[2:5]), found[2:5], rtol=1e-5, atol=1e-6)
    assert KINDS[kind].raw_name


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_bytes_of_one_size(kind: str) -> None:
    x = batch(kind)
    found = KINDS[kind].pictures(x, KINDS[kind].small)
    if found is None:
        return
    assert found.dtype == np.uint8
    assert found.ndim == 4
    assert len(found) == 5
    assert found.shape[1] in (1, 3)
    assert (found[0] != found[1]).any()


@pytest.mark.parametrize("kind", ["sound"])
def test_what_can_be_heard_is_the_same_samples(kind: str) -> None:
    spec = KINDS[kind].small
    x, _ = parted(batch(kind))
    for one, wav in zip(x, KINDS[kind].sounds(x, spec), strict=True):
        samples, rate = soundfile.read(io.BytesIO(wav), dtype="int16")
        assert rate == spec.rate
        assert np.abs(samples - one[0].numpy()).max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_data_are_read_as_an_encoder_of_their_spec_takes_them(kind: str) -> None:
    reading = KINDS[kind].reading(KINDS[kind].small)
    assert reading.kind == kind
    assert set(reading.said()) - {"kind", "target"} <= KINDS[kind].takes


@pytest.mark.parametrize("kind", KINDS)
def test_an_option_of_another_kind_is_refused(kind: str) -> None:
    options = {"size": 8, "channels": 1, "length": "10", "hop": "5", "rate": 8.0, "tokens": 4, "frames": 2}
    for name, value in options.items():
        reading = Reading(**{name: value})
        if name in KINDS[kind].takes:
            reading.only(kind, KINDS[kind].takes, "here")
            continue
        with pytest.raises(InputError, match=rf"here: {name} says nothing of data of kind {kind}"):
            reading.only(kind, KINDS[kind].takes, "here")
