"""Flows of every make: exact inverses, exact Jacobians, densities that integrate to 1."""

from functools import partial

import numpy as np
import pytest
import torch

from mutua.ica.flow.base import Make
from mutua.ica.flow.coupling import Coupled
from mutua.ica.flow.layers import Layered, torch_layers
from mutua.ica.flow.makes import MAKES
from mutua.ica.flow.steps import Descent, orthogonalised
from mutua.ica.flow.torched import Torched
from mutua.types import InputError

CPU = torch.device("cpu")


def twin(d: int, count: int | None, knees: int, device: torch.device) -> Make:
    """Layers by torch, as on CUDA."""
    made = Layered(d, count or 4, knees)
    return Torched(d, made.size, made.linear, made.start, partial(torch_layers, made), made.inverse, str(device))


EVERY = {**MAKES, "layers by torch": twin}


def started(name: str, d: int, seed: int = 0, off: float = 0.2) -> tuple[Make, np.ndarray]:
    rng = np.random.default_rng(seed)
    make = EVERY[name](d, 3, 3, CPU)
    theta = make.start(rng).astype(np.float64)
    return make, theta + off * rng.standard_normal(len(theta))


@pytest.mark.parametrize("name", EVERY)
def test_inverse_undoes_it(name: str) -> None:
    make, theta = started(name, 5)
    x = 3 * np.random.default_rng(1).standard_normal((200, 5))
    x[0] = 100.0  # far outside
    s = make.run(theta, x, np.arange(200)).sources.T
    np.testing.assert_allclose(make.inverse(theta, s), x, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", EVERY)
def test_log_det_is_that_of_the_jacobian(name: str) -> None:
    make, theta = started(name, 4)
    x = np.random.default_rng(2).standard_normal((6, 4))
    found = make.run(theta, x, np.arange(6)).log_det()
    known = torch.from_numpy(theta)
    forward = make.forward if isinstance(make, Coupled) else getattr(make, "_forward", None)
    forward = forward or partial(torch_layers, make)
    for row, log_det in zip(torch.from_numpy(x), found, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda one: forward(known, one[None])[0][0], row)
        assert log_det == pytest.approx(torch.linalg.slogdet(jacobian)[1].item(), abs=1e-10)


@pytest.mark.parametrize("name", EVERY)
def test_gradient_is_of_finite_differences(name: str) -> None:
    make, theta = started(name, 3)
    x, rows = np.random.default_rng(3).standard_normal((40, 3)), np.arange(40)

    def loss(at: np.ndarray) -> float:
        passed = make.run(at, x, rows)
        return float((0.5 * (passed.sources**2).sum(0) - passed.log_det()).mean())

    passed = make.run(theta, x, rows)
    gradient = passed.back(passed.sources.copy())
    for i in np.random.default_rng(4).integers(len(theta), size=25):
        step = np.zeros_like(theta)
        step[i] = 1e-6
        assert gradient[i] == pytest.approx((loss(theta + step) - loss(theta - step)) / 2e-6, abs=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_density_integrates_to_one(name: str) -> None:
    make, theta = started(name, 2, off=0.1)
    axis = np.linspace(-25, 25, 1001)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    passed = make.run(theta, grid, np.arange(len(grid)))
    log_prob = -0.5 * (passed.sources**2).sum(0) - np.log(2 * np.pi) + passed.log_det()
    edge = np.abs(grid).max(1) > 24.9
    assert np.exp(log_prob[edge]).max() < 1e-9  # the grid holds it all
    assert np.exp(log_prob).sum() * (axis[1] - axis[0]) ** 2 == pytest.approx(1, abs=2e-3)


def test_layers_need_no_map_and_couplings_two_channels() -> None:
    make = Layered(3, 0, 1)
    theta = make.start(np.random.default_rng(0)).astype(np.float64)
    x = np.random.default_rng(1).standard_normal((10, 3))
    passed = make.run(theta, x, np.arange(10))
    np.testing.assert_allclose(passed.sources.T, x @ theta[:9].reshape(3, 3).T)
    np.testing.assert_allclose(passed.log_det(), 0, atol=1e-6)
    with pytest.raises(InputError, match="two channels"):
        Coupled(1, 2)


def test_orthogonalised_keeps_directions_and_levels_sizes() -> None:
    rng = np.random.default_rng(0)
    m = rng.standard_normal((3, 5, 5))
    left, _, right = np.linalg.svd(m)
    rotated = left.transpose(0, 2, 1) @ orthogonalised(m) @ right.transpose(0, 2, 1)
    sizes = np.diagonal(rotated, axis1=1, axis2=2)
    assert ((sizes > 0.5) & (sizes < 1.3)).all()
    assert np.abs(rotated - sizes[:, None] * np.eye(5)).max() < 1e-10
    assert np.abs(orthogonalised(np.zeros((1, 2, 2)))).max() == 0


def test_a_step_that_is_not_finite_is_refused() -> None:
    theta = np.ones(6, np.float32)
    descent = Descent(theta, 1, 2, 1.0, 5.0)
    assert not descent.step(np.full(6, np.nan, np.float32), 0.1)
    assert (theta == 1).all()
    assert descent.step(np.arange(6, dtype=np.float32), 0.1)
    assert (theta != 1).all()
