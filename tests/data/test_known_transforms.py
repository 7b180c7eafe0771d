"""Maps of x and of y: the base's own samples, mapped, and mapped back."""

import numpy as np
import pytest
from scipy import stats
from scipy.linalg import expm

from mutua.data.known import (
    asinh,
    bimodal,
    bivariate,
    cubic,
    gaussian,
    half_cube,
    mixed_cubic,
    normal,
    normal_cdf,
    sparse,
    spiral,
    student,
    swiss_roll,
    wiggly,
)
from mutua.data.known.transforms import plane, spun
from mutua.types import InputError

BASE = normal(np.array([[1, 0.3, 0.5, 0.1], [0.3, 1, 0.2, 0], [0.5, 0.2, 1, 0.4], [0.1, 0, 0.4, 1.0]]), 2)

MAPS = {
    "normal_cdf": (normal_cdf, BASE),
    "half_cube": (half_cube, BASE),
    "asinh": (asinh, BASE),
    "asinh of heavy tails": (asinh, student(2, 2, 1)),
    "cubic": (cubic, BASE),
    "mixed_cubic": (mixed_cubic, BASE),
    "wiggly": (wiggly, BASE),
    "spiral": (spiral, BASE),
    "fast spiral": (lambda base: spiral(base, speed=10.0), sparse(5, 4)),
    "swiss_roll": (swiss_roll, normal_cdf(bivariate())),
    "spiral of cdf": (spiral, normal_cdf(BASE)),
}


@pytest.mark.parametrize("name", MAPS)
def test_ratio_and_information_are_the_bases(name: str):
    """At the mapped sample, the mapped distribution has the log ratio the base has at its own: an inverse."""
    transform, base = MAPS[name]
    mapped = transform(base)
    assert mapped.information == base.information
    assert mapped.log_ratio is not None
    assert base.log_ratio is not None
    ours, its = mapped.log_ratio(*mapped.sample(500, seed=4)), base.log_ratio(*base.sample(500, seed=4))
    np.testing.assert_allclose(ours, its, atol=1e-6)


def both(transform, base, n: int = 300, seed: int = 5):
    return (*transform(base).sample(n, seed), *base.sample(n, seed))


def test_elementwise_maps():
    u, v, x, y = both(normal_cdf, BASE)
    np.testing.assert_allclose(u, stats.norm.cdf(x), atol=1e-14)
    np.testing.assert_allclose(v, stats.norm.cdf(y), atol=1e-14)
    u, v, x, y = both(half_cube, BASE)
    np.testing.assert_allclose(u, x * np.sqrt(np.abs(x)), atol=1e-14)
    np.testing.assert_allclose(v, y * np.sqrt(np.abs(y)), atol=1e-14)
    u, v, x, y = both(asinh, BASE)
    np.testing.assert_allclose(np.sinh(u), x, atol=1e-12)
    np.testing.assert_allclose(np.sinh(v), y, atol=1e-12)
    u, v, x, y = both(cubic, BASE)
    np.testing.assert_array_equal(u, x)
    np.testing.assert_allclose(v, y * y * y, atol=1e-12)


def test_wiggly_by_hand():
    u, v, x, y = both(wiggly, BASE)
    np.testing.assert_allclose(
        u, x + 0.4 * np.sin(x) + 0.2 * np.sin(1.7 * x + 1) + 0.03 * np.sin(3.3 * x - 2.5), atol=1e-12
    )
    np.testing.assert_allclose(
        v, y - 0.4 * np.sin(0.4 * y) + 0.17 * np.sin(1.3 * y + 3.5) + 0.02 * np.sin(4.3 * y - 2.5), atol=1e-12
    )
    line = np.sort(u[:, 0])
    np.testing.assert_array_equal(np.argsort(x[:, 0]), np.argsort(u[:, 0]))
    assert (np.diff(line) > 0).all()


def test_spiral_is_the_matrix_exponential():
    """Radians |x|^2/d, from column 0 to 1 in x and from 1 to 2 in y; the published benchmark's planes."""
    u, v, x, y = both(lambda base: spiral(base, speed=1.0), sparse(3, 4), n=20)
    in_x, in_y = np.zeros((3, 3)), np.zeros((4, 4))
    in_x[0, 1], in_x[1, 0] = -1, 1
    in_y[1, 2], in_y[2, 1] = -1, 1
    for i in range(20):
        np.testing.assert_allclose(u[i], expm(in_x * (x[i] @ x[i]) / 3) @ x[i], atol=1e-12)
        np.testing.assert_allclose(v[i], expm(in_y * (y[i] @ y[i]) / 4) @ y[i], atol=1e-12)


def test_a_spiral_of_any_generator_keeps_lengths():
    square = np.random.default_rng(0).standard_normal((4, 4))
    turn = square - square.T
    x = np.random.default_rng(1).standard_normal((6, 4))
    slow = np.stack([expm(turn * (row @ row)) @ row for row in x])
    np.testing.assert_allclose(spun(x, turn), slow, atol=1e-10)
    np.testing.assert_allclose(np.linalg.norm(spun(x, turn), axis=1), np.linalg.norm(x, axis=1), atol=1e-12)


def test_a_quarter_turn_by_hand():
    turned = spun(np.array([[1.0, 0.0]]), plane(2, 0, 1) * np.pi / 2)
    np.testing.assert_allclose(turned, [[0.0, 1.0]], atol=1e-15)


def test_swiss_roll_by_hand():
    u, v, x, y = both(swiss_roll, normal_cdf(bivariate()))
    t = 1.5 * np.pi * (1 + 2 * x[:, 0])
    np.testing.assert_allclose(u, np.stack([t * np.cos(t), t * np.sin(t)], axis=1) / 21, atol=1e-12)
    np.testing.assert_array_equal(v, y)


def test_mixed_cubic_is_the_cube_of_a_well_conditioned_mixture():
    base = gaussian(6, information=3.0)
    u, v, x, y = both(lambda known: mixed_cubic(known, seed=1, condition=9.0), base)
    np.testing.assert_array_equal(u, x)
    mix, residual = np.linalg.lstsq(y, np.cbrt(v), rcond=None)[:2]
    assert residual.max() < 1e-20
    assert np.linalg.cond(mix) == pytest.approx(9.0)
    assert np.count_nonzero(np.abs(mix) > 0.01) > 30
    other = mixed_cubic(base, seed=2).sample(300, 5)[1]
    assert not np.allclose(v, other)


def test_bimodal_margins_and_order():
    x, y = bimodal().sample(20_000, seed=0)
    norm = stats.norm.cdf
    assert stats.kstest(x[:, 0], lambda t: 0.3 * norm(t) + 0.7 * norm(t - 5)).pvalue > 1e-3
    assert stats.kstest(y[:, 0], lambda t: 0.5 * norm(t + 1) + 0.5 * norm(t - 3)).pvalue > 1e-3
    normal_x, normal_y = bivariate().sample(20_000, seed=0)
    np.testing.assert_array_equal(np.argsort(x[:, 0]), np.argsort(normal_x[:, 0]))
    np.testing.assert_array_equal(np.argsort(y[:, 0]), np.argsort(normal_y[:, 0]))


def test_names_are_put_before():
    assert spiral(normal_cdf(sparse(3, 3))).name == "spiral-normal_cdf-multinormal-sparse-3-3-2-2.0"


@pytest.mark.parametrize(
    "make",
    [
        lambda: swiss_roll(BASE),
        lambda: swiss_roll(bivariate()).sample(100, seed=0),
        lambda: spiral(bivariate()),
        lambda: spiral(BASE, generator_x=np.eye(2)),
        lambda: spiral(BASE, generator_y=np.zeros((3, 3))),
        lambda: mixed_cubic(BASE, condition=0.5),
        lambda: plane(2, 0, 2),
        lambda: plane(2, 1, 1),
        lambda: bimodal(-1.0),
    ],
)
def test_bad_parameters_are_refused_in_one_line(make):
    with pytest.raises(InputError) as refusal:
        make()
    assert "\n" not in str(refusal.value)
