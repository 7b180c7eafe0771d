"""Independent components that are not the sources: every map is what it says, and so is the study."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kstest, multivariate_normal

from mutua.data.sources import Coupling, Mixing
from mutua.evaluation import mcc, spearman
from mutua.evaluation.sources.hsic import hsic, hsic_test
from mutua.studies.darmois import PRESETS, run
from mutua.studies.darmois.maps import (
    Known,
    bent,
    darmois_from_samples,
    gaussianised,
    sech_cdf,
    sech_from_normal,
    sech_ppf,
    swirled,
    swirled_sources,
)
from mutua.studies.darmois.twin import decoder, prior_error
from mutua.types import InputError


def test_hsic_is_the_trace_of_its_kernels():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=30), rng.normal(size=30)
    j = np.arange(1, 13)

    def kernel(v):
        grade = (np.argsort(np.argsort(v)) + 0.5) / 30
        features = np.cos(np.pi * np.outer(grade, j))
        return features @ np.diag(np.exp(-0.5 * (0.1 * np.pi * j) ** 2)) @ features.T

    H = np.eye(30) - 1 / 30
    expected = np.trace(kernel(x) @ H @ kernel(y) @ H) / 30**2
    assert hsic(x, y) == pytest.approx(expected)
    assert hsic(np.exp(x), -y) == pytest.approx(expected)


def test_the_test_rejects_one_in_twenty_of_independent_pairs_and_sees_dependence_without_correlation():
    rng = np.random.default_rng(0)
    p = [hsic_test(*rng.normal(size=(2, 60)), permutations=99, seed=i) for i in range(200)]
    assert kstest(p, "uniform").pvalue > 0.01
    x = rng.uniform(-1, 1, 200)
    assert hsic_test(x, x**2 + 0.1 * rng.normal(size=200), permutations=199) == 1 / 200
    with pytest.raises(InputError, match="hsic_test: 5 and 5 rows"):
        hsic_test(x[:5], x[:5])


def test_sech_maps_invert():
    s = np.linspace(-12, 12, 41)
    np.testing.assert_allclose(sech_ppf(sech_cdf(-np.abs(s))), -np.abs(s), atol=1e-9)
    pairs = np.stack([s, s[::-1]], 1)
    np.testing.assert_allclose(sech_from_normal(gaussianised(pairs)), pairs, atol=1e-9)


TRIANGULAR = Mixing([Coupling(np.array([[0.5]]), np.array([[2.0]]))])


@pytest.mark.parametrize("mixing", [bent(0.3), TRIANGULAR])
def test_the_exact_map_is_uniform_and_independent_by_both_orders(mixing):
    known = Known(mixing, nodes=800)
    assert known.mass == pytest.approx(1, abs=1e-8)
    _, x = known.sample(2000, np.random.default_rng(0))
    for first in (0, 1):
        y = known.darmois(x, first)
        assert kstest(y[:, 0], "uniform").pvalue > 0.01
        assert kstest(y[:, 1], "uniform").pvalue > 0.01
        assert hsic_test(y[:, 0], y[:, 1], permutations=199) > 0.05
        finer = Known(mixing, nodes=1200).darmois(x[:200], first)
        np.testing.assert_allclose(y[:200], finer, atol=1e-4)
    assert hsic_test(x[:, 0], x[:, 1], permutations=199) == 1 / 200


def test_the_triangular_mixture_is_undone_by_one_order_alone():
    known = Known(TRIANGULAR, nodes=800)
    s, x = known.sample(2000, np.random.default_rng(1))
    np.testing.assert_allclose(known.darmois(x, 0), sech_cdf(s), atol=1e-5)
    assert mcc(s, known.darmois(x, 1), spearman) < 0.9


def test_from_samples_it_comes_near_the_exact_one():
    known = Known(bent(0.3), nodes=800)
    rng = np.random.default_rng(0)
    _, train = known.sample(4000, rng)
    _, x = known.sample(300, rng)
    for first in (0, 1):
        assert np.abs(darmois_from_samples(train, x, first) - known.darmois(x, first)).mean() < 0.02


def test_swirls_keep_the_distribution_and_have_an_inverse():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(500, 2))
    np.testing.assert_allclose(np.linalg.norm(swirled(z, 1.3), axis=1), np.linalg.norm(z, axis=1))
    np.testing.assert_allclose(swirled(swirled(z, 1.3), -1.3), z, atol=1e-12)
    s = sech_from_normal(z)
    assert prior_error(s, 0.7) < 1e-6
    moved = swirled_sources(s, 0.7)
    assert kstest(sech_cdf(moved[:, 0]), "uniform").pvalue > 0.01
    assert mcc(s, moved, spearman) < 0.7


def test_a_twin_has_the_same_p_of_x_to_rounding_and_another_joint():
    model = decoder(0)
    s, x = model.sample(40, np.random.default_rng(0))
    twin = model.twin(0.5)
    first, posterior = model.marginal(x)
    second, moved = twin.marginal(x, angles=400)
    np.testing.assert_allclose(first, second, atol=1e-6)
    np.testing.assert_allclose(model.marginal(x, angles=400)[0], second, atol=1e-12)
    assert (model.log_joint(s, x) - twin.log_joint(s, x)).mean() > 1
    assert mcc(posterior, moved, spearman) < 0.9


def test_the_quadrature_is_right_where_a_closed_form_exists():
    # W_2 = 0: x is the noise alone.
    model = replace(decoder(0), outer=np.zeros((3, 8)))
    x = np.random.default_rng(0).normal(size=(5, 3))
    found, posterior = model.marginal(x)
    np.testing.assert_allclose(found, multivariate_normal(np.zeros(3), 0.09 * np.eye(3)).logpdf(x), rtol=1e-9)
    np.testing.assert_allclose(posterior, 0, atol=1e-9)


def test_the_study_runs_small_and_says_what_it_found():
    config = replace(
        PRESETS["cpu"],
        n_samples=300,
        n_train=500,
        data_sets=2,
        permutations=99,
        turns=(0.0, 1.0),
        rows=20,
        angles=160,
    )
    result = run(config)
    maps, swirls, twins = result.tables
    found = {(row["mixture"], row["components"]): row for row in maps.records()}
    assert found["bent", "x itself"]["dependent at 5%"] == "2 of 2"
    assert found["triangular", "order 1, 2"]["MCC, sources"][0] == pytest.approx(1, abs=1e-4)
    assert swirls.records()[0]["MCC, Pearson"][0] == pytest.approx(1)
    assert swirls.records()[1]["MCC, Spearman"][0] < 0.6
    assert twins.records()[1]["largest change of log p(x)"] < 1e-4
    assert twins.records()[1]["KL of p(s, x)"][0] > 1
    assert len(result.figures) == 3
    assert all(text.startswith("<svg") for text in result.figures.values())
    with pytest.raises(InputError, match="darmois: data_sets=0"):
        run(replace(config, data_sets=0))
