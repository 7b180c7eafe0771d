"""Invertible encoders: the way back, the determinant, the start."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mutua.encoders import Couplings, Flow, build, image_spec, nice, real_nvp
from mutua.types import InputError

MAKERS = {"nice": nice, "real_nvp": real_nvp}


def trained(name: str, d: int = 7) -> Couplings:
    """Couplings far from the identity."""
    torch.manual_seed(0)
    found = Couplings(d, 4, 16, name == "real_nvp", 0.5, 0)
    for net in found.nets:
        nn.init.normal_(net[-1].bias, std=0.5)
    return found


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("d", [2, 3, 7, 8])
def test_the_way_back_is_exact_in_float32_and_float64(name: str, d: int) -> None:
    couplings = trained(name, d)
    x = torch.randn(50, d)
    z = couplings(x)
    assert (z - x).abs().max() > 0.3
    assert (couplings.inverse(z) - x).abs().max() < 1e-5
    exact = couplings.double()
    assert (exact.inverse(exact(x.double())) - x.double()).abs().max() < 1e-13


@pytest.mark.parametrize("name", MAKERS)
def test_log_det_is_that_of_the_jacobian(name: str) -> None:
    couplings = trained(name).double()
    x = torch.randn(5, 7, dtype=torch.float64)
    _, got = couplings.both(x)
    for row, value in zip(x, got, strict=True):
        jacobian = torch.func.jacrev(lambda one: couplings(one[None])[0])(row)
        assert float(value.detach()) == pytest.approx(float(torch.linalg.slogdet(jacobian)[1]), abs=1e-9)
    assert (got == 0).all() == (name == "nice")


@pytest.mark.parametrize("name", MAKERS)
def test_it_begins_near_the_identity_and_keeps_images(name: str) -> None:
    encoder = build(name, image_spec(1, 9))
    assert isinstance(encoder, Flow)
    images = torch.randint(0, 256, (6, 1, 9, 9), dtype=torch.uint8)
    code = encoder(images)
    assert code.shape == (6, 81)
    tolerance = 5e-3 if name == "nice" else 0.5
    assert (code - encoder.prepare(images)).abs().max() < tolerance
    back = encoder.inverse(code)
    assert back.shape == (6, 1, 9, 9)
    assert ((back + 1) * 127.5 - images).abs().max() < 1e-2
    assert encoder.log_det(images).abs().max() < (1e-9 if name == "nice" else 1.0)
    moved = Couplings(81, 2, 4, False, 1e-4, 0)
    assert set(moved.orders[0, :40].tolist()) & set(moved.orders[1, :40].tolist()) == set()


def test_gradients_are_those_of_finite_differences() -> None:
    couplings = trained("real_nvp", 4).double()
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(couplings.both, (x,))
    assert torch.autograd.gradcheck(couplings.inverse, (x,))


def test_refused() -> None:
    with pytest.raises(InputError, match="1 coordinate, of which none is left to move"):
        nice(image_spec(1, 1))
    with pytest.raises(InputError, match="0 layers"):
        real_nvp(image_spec(1, 4), layers=0)
