import numpy as np
import pytest
from sklearn.svm import LinearSVC

from mutua.evaluation import hinge, mlp
from mutua.evaluation.probes.hinge import fit_hinge
from mutua.kernels.probes.hinge import slow_sweep, sweep
from mutua.types import InputError


def clouds(n=300, d=12, classes=3, seed=0):
    random = np.random.RandomState(seed)
    y = random.randint(0, classes, n)
    x = (0.7 * random.randn(classes, d)[y] + random.randn(n, d)).astype(np.float32)
    return (x - x.mean(0)) / x.std(0), y.astype(np.int64)


@pytest.mark.parametrize("C", [1e-3, 1e-1, 1.0])
def test_the_objective_is_linear_svcs(C):
    x, y = clouds()
    found = fit_hinge(x, y, 3, C, tolerance=1e-5, most=100_000)
    theirs = LinearSVC(loss="hinge", C=C, tol=1e-7, max_iter=500_000).fit(x.astype(np.float64), y)
    want = 0.0
    for c in range(3):
        sign, w, b = np.where(y == c, 1, -1), theirs.coef_[c], theirs.intercept_[c]
        want += 0.5 * (w @ w + b * b) + C * np.maximum(0, 1 - sign * (x @ w + b)).sum()
    assert found.objective == pytest.approx(want, rel=1e-4)
    assert 0 <= found.gap <= 1e-5
    agree = found.scores(x).argmax(1) == theirs.predict(x)
    assert agree.mean() > 0.99


def test_the_gap_bounds_what_is_left():
    x, y = clouds()
    rough, fine = (fit_hinge(x, y, 3, 0.1, tolerance=t, most=5000) for t in (0.1, 1e-5))
    assert rough.passes < fine.passes
    assert rough.objective - fine.objective <= rough.gap * rough.objective + 1e-4 * fine.objective
    assert fit_hinge(x, y, 3, 0.1, tolerance=1e-7, most=3).passes >= 3  # leaves it as it is


def test_it_begins_where_it_is_told():
    x, y = clouds()
    first = fit_hinge(x, y, 3, 0.05, tolerance=1e-4)
    again = fit_hinge(x, y, 3, 0.05, tolerance=1e-4, start=first.alpha)
    assert again.passes < first.passes
    assert again.objective == pytest.approx(first.objective, rel=1e-3)


@pytest.mark.parametrize("margin", [np.inf, 0.05])
def test_a_pass_is_its_twin(margin):
    x, y = clouds(n=40, d=5)
    random = np.random.RandomState(1)
    box = np.float32(0.3)
    alpha = np.clip(random.rand(40, 3) * 0.6 - 0.15, 0, box).astype(np.float32)
    sign = np.where(y[:, None] == np.arange(3), 1, -1).astype(np.float32)
    squares = (x * x).sum(1) + np.float32(1)
    order = random.permutation(40).astype(np.int64)[:30]
    found = []
    for run, kind in ((sweep, np.float32), (slow_sweep, np.float64)):
        a = alpha.astype(kind)
        w, b, active = (a * sign).T @ x.astype(kind), (a * sign).sum(0).astype(kind), np.ones((40, 3), np.bool_)
        active[5, 1] = False
        worst = run(x.astype(kind), y, a, w, b, squares.astype(kind), order, kind(box), active, kind(margin))
        found.append((a, w, b, active, worst))
    for got, want in zip(*found, strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-4, atol=2e-5)
    assert (found[0][0] != alpha).any()
    assert found[0][3].all() == (margin == np.inf) or not found[0][3][5, 1]


def test_hinge_is_the_same_for_any_seed():
    x, y = clouds(n=600, d=20)
    scores = [hinge(x[:400], y[:400], x[400:], y[400:], seed, C=0.01) for seed in range(3)]
    assert max(s.accuracy for s in scores) - min(s.accuracy for s in scores) <= 0.5  # one example of 200
    assert all(s.settings["gap"] <= 1e-3 for s in scores)


def test_bad_tolerance():
    x, y = clouds(n=40)
    with pytest.raises(InputError, match=r"tolerance: 0\.0; give a share"):
        hinge(x, y, x, y, 0, tolerance=0.0)


def test_mlp_reads_the_last_epochs_too():
    x, y = clouds(n=200, d=20)
    four = x[:60], y[:60], x[60:], y[60:]
    plain = mlp(*four, 0, epochs=3, hidden=8)
    read = mlp(*four, 0, epochs=3, hidden=8, averaged=4)
    assert read.accuracy == plain.accuracy  # looking changes nothing
    mean = read.settings["mean of the last 4 epochs"]
    assert mean != read.accuracy
    assert mean == pytest.approx(read.accuracy, abs=5)
    assert mlp(*four, 0, epochs=3, hidden=8, schedule="constant").accuracy != plain.accuracy
