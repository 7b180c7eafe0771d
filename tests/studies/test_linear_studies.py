"""Studies of what linear models cannot identify: each says what it measured, and measures what is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate

from mutua.ica import DENSITIES
from mutua.studies import density_choice, gaussian_sources, ppca_ambiguity, study
from mutua.types import InputError


@pytest.mark.parametrize("name", ["ppca-ambiguity", "gaussian-sources", "density-choice"])
def test_they_are_in_the_catalogue_with_presets(name: str) -> None:
    found = study(name)
    assert set(found.PRESETS) == {"cpu", "full"}
    assert "Paper:" in (found.run.__doc__ or "")


def test_likelihood_stays_while_w_turns() -> None:
    result = ppca_ambiguity.run(ppca_ambiguity.Config(n_samples=300, n_features=5, n_components=2))
    assert [table.title for table in result.tables] == ["ProbabilisticPCA", "FactorAnalysis"]
    for table in result.tables:
        rows = {row[0]: row for row in table.rows}
        assert abs(rows["W rotated"][2]) < 1e-9
        assert abs(rows["W rescaled, prior against it"][2]) < 1e-9
        assert rows["W rescaled alone"][2] < -1e-3
        assert rows["W rotated"][4] > 0.1
    ((caption, svg),) = result.figures.items()
    assert svg.startswith("<svg")
    assert "turned" in caption


def test_gaussian_sources_are_at_chance_and_one_is_found() -> None:
    result = gaussian_sources.run(gaussian_sources.Config(n_sources=3, n_samples=2500, data_sets=1, refits=4))
    none, one, two, every = result.tables[0].records()
    assert none["identified, Laplace"] == "3 of 3"
    assert one["identified, Gaussian"] == "1 of 1"
    assert one["|r|, Gaussian"] > 0.99
    assert two["identified, Gaussian"] == "0 of 2"
    assert two["identified, Laplace"] == "1 of 1"
    assert every["identified, Gaussian"] == "0 of 3"
    assert every["index"] < every["noise, most"] < none["index"]
    assert "at the level of chance in 1 of 1" in result.words[0]
    with pytest.raises(InputError, match="at least 3 sources"):
        gaussian_sources.run(gaussian_sources.Config(n_sources=2))


def test_theory_tells_where_a_wrong_density_separates() -> None:
    result = density_choice.run(density_choice.Config(n_samples=3000, data_sets=1))
    assert "in 35 of 35 cases" in result.words[0]
    assert "uniform twice under sech" in result.words[1]
    assert "separates every pair" in result.words[2]
    distances, products = (table.records() for table in result.tables)
    assert distances[0]["sech"] < 0.03
    assert distances[3]["sech"] > 0.9
    assert products[0]["sech"] > 1 > products[3]["sech"]
    with pytest.raises(InputError, match="at least 100"):
        density_choice.run(density_choice.Config(n_samples=10))


@pytest.mark.parametrize("density", sorted(DENSITIES))
def test_kappa_is_that_of_the_integrals(density: str) -> None:
    # A logistic source: its density is sech^2(s/2)/4, its variance pi^2/3.
    p = DENSITIES[density]()

    def mean(f) -> float:
        return integrate.quad(lambda s: f(np.array([s]))[0] / (4 * math.cosh(s / 2) ** 2), -60, 60, limit=200)[0]

    # The best scale solves E[psi(scale s) scale s] = 1.
    scales = np.geomspace(0.2, 3, 30)
    slopes = [1 + mean(lambda s, c=c: p.score(c * s) * c * s) for c in scales]
    at = int(np.flatnonzero(np.diff(np.sign(slopes)))[0])
    scale = float(np.interp(0, [slopes[at + 1], slopes[at]], [scales[at + 1], scales[at]]))
    kappa = -mean(lambda s: p.score_derivative(scale * s)) * scale**2 * math.pi**2 / 3
    assert density_choice.stability_of("logistic", density) == pytest.approx(kappa, rel=0.03)
