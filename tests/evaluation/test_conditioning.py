"""Condition numbers of maps whose singular values are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from mutua.encoders import Couplings
from mutua.evaluation import conditioning
from mutua.types import InputError

SCALES = torch.logspace(-2, 1, 12, dtype=torch.float64)


def turned(seed: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(12, 12, generator=draw, dtype=torch.float64))[0]


MATRIX = turned(0) @ torch.diag(SCALES) @ turned(1)


@pytest.mark.parametrize("exact", [True, False])
def test_of_a_matrix(exact: bool) -> None:
    x = torch.randn(4, 3, 4, dtype=torch.float64)
    inverse = torch.linalg.inv(MATRIX)
    found = conditioning(
        lambda x: x.flatten(1) @ MATRIX.T, x, inverse=lambda z: (z @ inverse.T).view(-1, 3, 4), exact=exact
    )
    np.testing.assert_allclose(found.largest, 10, rtol=1e-6)
    np.testing.assert_allclose(found.least, 0.01, rtol=1e-4)
    assert found.percentiles((0, 50, 100)) == pytest.approx([3 * math.log(10)] * 3, abs=1e-4)
    assert found.exact == exact


def test_lanczos_is_the_whole_jacobian_of_a_flow() -> None:
    torch.manual_seed(0)
    flow = Couplings(12, 2, 16, True, 0.5, 0).double()
    x = torch.randn(2, 12, dtype=torch.float64)
    whole = conditioning(flow, x, exact=True)
    some = conditioning(flow, x, inverse=flow.inverse, steps=12, exact=False)
    np.testing.assert_allclose(some.log_condition, whole.log_condition, rtol=1e-3)
    assert len(set(whole.log_condition.round(6))) == 2


def test_what_loses_directions_is_infinite() -> None:
    x = torch.randn(2, 5)
    assert (conditioning(nn.Linear(5, 3), x).log_condition == np.inf).all()
    assert conditioning(lambda x: x * 1.0, x).percentiles() == pytest.approx((0, 0, 0), abs=1e-6)


def test_refused() -> None:
    with pytest.raises(InputError, match="x: NaN or infinity in row 1"):
        conditioning(lambda x: x, torch.tensor([[1.0], [math.nan]]))
    with pytest.raises(InputError, match="give floats"):
        conditioning(lambda x: x, torch.ones(2, 2, dtype=torch.int64))
    with pytest.raises(InputError, match="1 rows out for 2 in"):
        conditioning(lambda x: x[:1], torch.ones(2, 2))
