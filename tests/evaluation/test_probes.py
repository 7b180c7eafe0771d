from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mutua.evaluation import PROBES, linear, svm
from mutua.evaluation.probes.score import moments
from mutua.types import InputError

Four = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def blobs(spread: float = 0.1, n: int = 120, d: int = 8) -> Four:
    random = np.random.RandomState(0)
    labels = np.arange(2 * n) % 3 * 2 + 1  # classes 1, 3, 5
    x = (10 * np.eye(d)[labels] + spread * random.randn(2 * n, d)).astype(np.float32)
    return x[:n], labels[:n], x[n:], labels[n:]


@pytest.mark.parametrize("name", PROBES)
class TestEveryProbe:
    def test_reads_separable_blobs_whole(self, name: str) -> None:
        score = PROBES[name](*blobs(), 0)
        assert score.accuracy == 100
        assert score.protocol
        assert score.settings

    def test_shuffled_labels_are_at_chance(self, name: str) -> None:
        random = np.random.RandomState(1)
        x, z = random.randn(300, 5).astype(np.float32), random.randn(3000, 5).astype(np.float32)
        y, t = random.randint(0, 4, 300), random.randint(0, 4, 3000)
        # Standard deviation of the test alone is 0.8 points.
        assert PROBES[name](x, y, z, t, 0).accuracy == pytest.approx(25, abs=4)

    def test_a_seed_fixes_it_and_test_labels_choose_nothing(self, name: str) -> None:
        x, y, z, t = blobs(spread=8.0)
        first, again = PROBES[name](x, y, z, t, 0), PROBES[name](x, y, z, t, 0)
        other = PROBES[name](x, y, z, np.random.RandomState(2).permutation(t), 0)
        assert first == again
        assert other.settings == first.settings
        assert other.accuracy < first.accuracy

    def test_features_and_labels_are_left_as_they_were(self, name: str) -> None:
        four = blobs(n=30)
        copies = [part.copy() for part in four]
        PROBES[name](*four, 0)
        for part, before in zip(four, copies, strict=True):
            np.testing.assert_array_equal(part, before)

    def test_test_statistics_are_not_used(self, name: str) -> None:
        x, y, z, t = blobs(spread=6.0)
        whole = PROBES[name](x, y, z, t, 0).accuracy
        parts = [PROBES[name](x, y, z[i : i + 60], t[i : i + 60], 0).accuracy for i in (0, 60)]
        assert np.mean(parts) == pytest.approx(whole)

    def test_nan_is_refused_by_row(self, name: str) -> None:
        x, y, z, t = blobs(n=30)
        bad = x.copy()
        bad[4, 2] = np.nan
        with pytest.raises(InputError, match=r"train features.*row 4"):
            PROBES[name](bad, y, z, t, 0)
        with pytest.raises(InputError, match=r"test features.*row 4"):
            PROBES[name](z, t, bad, y, 0)

    def test_sizes_and_one_class_are_refused(self, name: str) -> None:
        x, y, z, t = blobs(n=30)
        with pytest.raises(InputError, match="3 columns where train has 8"):
            PROBES[name](x, y, z[:, :3], t, 0)
        with pytest.raises(InputError, match="train labels"):
            PROBES[name](x, y[:-1], z, t, 0)
        with pytest.raises(InputError, match="only class 3"):
            PROBES[name](x, np.full(30, 3), z, t, 0)

    def test_a_class_with_one_example_is_named_or_taken(self, name: str) -> None:
        x, y, z, t = blobs(n=30)
        y = y.copy()
        y[0] = 7
        if name in ("linear", "svm", "hinge"):
            with pytest.raises(InputError, match="class 7 has one example"):
                PROBES[name](x, y, z, t, 0)
        else:
            assert PROBES[name](x, y, z, t, 0).accuracy > 90

    def test_more_columns_than_rows_and_constant_columns(self, name: str) -> None:
        x, y, z, t = blobs(n=30)
        wide = [np.concatenate([part, np.full((30, 60), 5, np.float32)], 1) for part in (x, z)]
        assert PROBES[name](wide[0], y, wide[1], t, 0).accuracy == 100


def test_linear_is_scikit_learns_at_its_chosen_c() -> None:
    x, y, z, t = blobs(spread=8.0)
    score = linear(x, y, z, t, 0)
    mean, scale = x.mean(0), x.std(0)
    theirs = LogisticRegression(C=score.settings["C"], max_iter=1000, tol=1e-8).fit((x - mean) / scale, y)
    assert score.accuracy == pytest.approx(100 * theirs.score((z - mean) / scale, t), abs=0.9)


def test_c_is_the_one_that_held_out_rows_favour() -> None:
    # One signal column among many of noise, few rows: a strong penalty must win over a weak one.
    random = np.random.RandomState(0)
    x = random.randn(100, 300).astype(np.float32)
    y = (x[:, 0] + x[:, 1] > 0).astype(np.int64)
    assert linear(x, y, x, y, 0).settings["C"] < 1
    # And where signal is clean and rows abound, a weak one.
    x = random.randn(2000, 3).astype(np.float32)
    y = (x[:, 0] + 0.1 * x[:, 1] > 0).astype(np.int64)
    assert linear(x, y, x, y, 0).settings["C"] >= 0.01


def test_choice_does_not_depend_on_the_scale_of_features() -> None:
    x, y, z, t = blobs(spread=8.0)
    for probe in (linear, svm):
        assert probe(1000 * x + 5, y, 1000 * z + 5, t, 0).accuracy == pytest.approx(
            probe(x, y, z, t, 0).accuracy, abs=0.9
        )


def test_moments_are_numpys_over_several_blocks() -> None:
    x = np.random.RandomState(0).randn(9000, 3).astype(np.float32) * 3 + 100
    x[:, 1] = 0.1
    mean, scale = moments(x)
    np.testing.assert_allclose(mean, x.mean(0, dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(scale[[0, 2]], x.std(0, dtype=np.float64)[[0, 2]], rtol=1e-5)
    assert scale[1] == 1
