"""The report on components: each verdict on a recording made to deserve it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from mutua.ica import LinearICA, Sech, nongaussianity, report
from mutua.ica.trust.block_bootstrap import block_edges, block_sums, resampled_means, resampled_rows
from mutua.ica.trust.nongaussianity import shape_of
from mutua.ica.trust.stability import Refits, refitted, stability_of
from mutua.types import InputError, Result

N = 5000


def mixed(*sources: np.ndarray, seed: int = 0) -> np.ndarray:
    """The sources, from the loudest to the faintest, so that they come back in this order."""
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.normal(size=(len(sources), len(sources))))
    return np.stack([10.0**-i * s / s.std() for i, s in enumerate(sources)], 1) @ q.T


def judged(x: np.ndarray, **settings) -> tuple[list[dict], str, Result]:
    result = report(LinearICA(**settings).fit(x), x, refits=6, restarts=2)
    return result.tables[0].records(), " ".join(result.words), result


def test_non_gaussian_sources_are_identified_and_one_gaussian_is_allowed() -> None:
    rng = np.random.default_rng(0)
    x = mixed(rng.laplace(size=N), rng.normal(size=N), rng.uniform(size=N))
    rows, words, _ = judged(x)
    assert [row["verdict"] for row in rows] == [
        "identified",
        "identified: near-Gaussian, the only one",
        "identified",
    ]
    assert min(row["agreement"] for row in rows) > 0.98
    assert "3 of 3" in words
    assert "One such component is allowed" in words


def test_two_gaussians_are_not_told_apart_while_the_rest_is() -> None:
    rng = np.random.default_rng(1)
    x = mixed(rng.normal(size=N), rng.laplace(size=N), rng.normal(size=N))
    rows, words, _ = judged(x)
    assert sorted(row["verdict"].split(", as is")[0] for row in rows) == [
        "identified",
        "not identified: near-Gaussian",
        "not identified: near-Gaussian",
    ]
    assert "Any rotation" in words
    assert "level of chance" not in words


def test_gaussian_noise_is_at_chance_and_said_to_be() -> None:
    rows, words, _ = judged(np.random.default_rng(2).normal(size=(N, 4)))
    assert all(row["verdict"].startswith("not identified: near-Gaussian") for row in rows)
    assert "0 of 4 components are identified" in words
    assert "level of chance" in words


def test_an_elliptical_pair_is_one_source_of_two_dimensions() -> None:
    rng = np.random.default_rng(3)
    pair = rng.normal(size=(N, 2)) * np.exp(rng.normal(size=(N, 1)))
    rows, words, _ = judged(mixed(pair[:, 0], pair[:, 1], rng.laplace(size=N)))
    assert [row["verdict"] for row in rows] == [
        "not identified: depends on 1",
        "not identified: depends on 0",
        "identified",
    ]
    assert "one source of two dimensions" in words


def test_a_density_that_does_not_fit_is_named() -> None:
    x = mixed(*np.random.default_rng(4).uniform(size=(3, N)))
    rows, words, _ = judged(x, density="sech")
    assert all("density does not fit" in row["verdict"] for row in rows)
    assert "density='auto'" in words
    rows, _, _ = judged(x)
    assert all(row["verdict"] == "identified" for row in rows)


def test_too_few_samples_are_named() -> None:
    rng = np.random.default_rng(5)
    rows, words, _ = judged(mixed(*rng.standard_t(4, size=(6, 150))))
    assert sum("not identified" in row["verdict"] for row in rows) >= 3
    assert "150 samples" in words or "can't be told from Gaussians" in words


def test_the_method_is_the_function_and_settings_do_not_matter_to_it() -> None:
    rng = np.random.default_rng(6)
    x = mixed(rng.laplace(size=800), rng.laplace(size=800))
    ica = LinearICA(density=[Sech(), Sech()], n_components=2).fit(x)
    assert ica.report(x) == report(ica, x)
    single = LinearICA(n_components=1).fit(x)
    assert "nothing was unmixed" in single.report(x).words[0]


def test_a_fit_that_stopped_early_is_told() -> None:
    x = mixed(*np.random.default_rng(7).laplace(size=(3, 1000)))
    with pytest.warns(UserWarning, match="largest relative gradient"):
        ica = LinearICA(max_iter=1).fit(x)
    assert any("did not converge" in word for word in report(ica, x, refits=2, restarts=2).words)


def test_long_recordings_are_sampled_and_it_is_said() -> None:
    x = mixed(*np.random.default_rng(8).laplace(size=(2, 3000)))
    result = report(LinearICA().fit(x), x, refits=2, restarts=2, most_rows=1000)
    assert "Judged on 1,000 of 3,000 samples" in result.words[-1]


def test_bad_input() -> None:
    x = mixed(*np.random.default_rng(9).laplace(size=(2, 500)))
    ica = LinearICA().fit(x)
    with pytest.raises(InputError, match="agreement needs at least 2"):
        report(ica, x, refits=1)
    with pytest.raises(InputError, match="samples for 2 components"):
        report(ica, x[:2])
    with pytest.raises(InputError, match="use a share between"):
        nongaussianity(x, level=95)


def test_block_sums_and_means_are_those_of_numpy() -> None:
    x = np.random.default_rng(0).normal(size=(5003, 3))
    edges = block_edges(len(x))
    chunks = np.split(x, [17, 900, 2600, 2601])
    sums = block_sums(chunks, edges)
    expected = [x[i:j].sum(0) for i, j in pairwise(edges)]
    np.testing.assert_allclose(sums, expected, atol=1e-9)
    means = resampled_means(sums, edges, 400, np.random.RandomState(0))
    np.testing.assert_allclose(means.std(0), x.std(0) / np.sqrt(len(x)), rtol=0.15)
    rows = resampled_rows(edges, np.random.RandomState(0))
    assert rows.min() >= 0
    assert rows.max() < len(x)
    assert abs(len(rows) - len(x)) < 300


def test_errors_of_a_slow_recording_are_larger_than_of_independent_rows() -> None:
    rng = np.random.default_rng(0)
    loud = np.exp(np.repeat(rng.normal(size=50), 200))  # loudness that lasts
    slow = (rng.normal(size=10_000) * loud)[:, None]
    shuffled = slow[rng.permutation(len(slow))]
    assert shape_of(slow).peak_deviation[0] > 3 * shape_of(shuffled).peak_deviation[0]


def test_shape_of_known_distributions() -> None:
    rng = np.random.default_rng(0)
    y = np.stack([rng.laplace(size=200_000), rng.uniform(size=200_000), rng.normal(size=200_000)], 1)
    shape = shape_of(y)
    gaussian = np.sqrt(2 / np.pi)
    # E|y| at unit variance is 1/sqrt(2) of a Laplace, sqrt(3)/2 of a uniform distribution.
    np.testing.assert_allclose(shape.peak, [gaussian - 2**-0.5, gaussian - 3**0.5 / 2, 0], atol=3e-3)
    assert np.abs(shape.skew).max() < 3e-3
    assert shape.distance[2] < 20 < shape.distance[:2].min()


def test_distance_of_gaussians_has_the_distribution_it_claims() -> None:
    distance = shape_of(np.random.default_rng(0).normal(size=(5000, 400))).distance
    assert 0.02 < (distance > 5.99).mean() < 0.1  # chi-squared, 2 degrees of freedom: 5 %
    assert 1.6 < distance.mean() < 2.4


def test_nongaussianity_before_a_fit() -> None:
    rng = np.random.default_rng(1)
    x = mixed(rng.laplace(size=6000), rng.uniform(size=6000), rng.normal(size=6000))
    verdicts = [row[-1] for row in nongaussianity(x).rows]
    assert sorted(verdicts[3:]) == ["not told from a Gaussian", "sub-Gaussian", "super-Gaussian"]
    noise = nongaussianity(rng.normal(size=(6000, 3)))
    assert {row[-1] for row in noise.rows} == {"not told from a Gaussian"}


def test_index_is_one_where_refits_agree_and_counts_by_hand_where_they_do_not() -> None:
    z = np.random.default_rng(0).normal(size=(4000, 2))
    z = np.linalg.solve(np.linalg.cholesky(np.cov(z.T, bias=True)), (z - z.mean(0)).T).T
    same = np.repeat(np.eye(2)[None], 3, 0)
    np.testing.assert_allclose(stability_of(Refits(same, 0), np.eye(2), z).index, 1, atol=1e-12)
    turned = np.array([[np.cos(0.3), np.sin(0.3)], [-np.sin(0.3), np.cos(0.3)]])
    found = stability_of(Refits(np.stack([np.eye(2), turned]), 0), np.eye(2), z)
    np.testing.assert_allclose(found.inside, np.cos(0.3))
    np.testing.assert_allclose(found.outside, 2 * np.sin(0.3) / 4)  # two pairs within a refit, two between


def test_refits_are_matched_whatever_their_order_and_sign() -> None:
    x = mixed(*np.random.default_rng(0).laplace(size=(3, 3000)))
    z = (x - x.mean(0)) / x.std(0)
    reference = LinearICA().fit(z).components_
    flipped = reference[[2, 0, 1]] * [[-1], [1], [-1]]
    found = refitted(z, flipped, lambda seed: LinearICA(random_state=seed), 3, resample=False, random_state=0)
    np.testing.assert_allclose(stability_of(found, flipped, z).confusion.diagonal(), 1, atol=1e-6)
