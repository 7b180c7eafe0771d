"""PPCA and factor analysis beside scikit-learn's, in one run: likelihood reached and CPU time, on one thread."""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.decomposition import FactorAnalysis as PeerFactorAnalysis
from threadpoolctl import threadpool_limits

from bench.record import Log, keep
from mutua.generative import FactorAnalysis, ProbabilisticPCA
from mutua.types import Table

ROUNDS = 21


def drawn(n: int, d: int, q: int, seed: int = 0) -> np.ndarray:
    """Rows of a factor model: W and z normal, noise of standard deviation U(0.5, 1.5) a feature."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=(n, d)) * random.uniform(0.5, 1.5, d)
    return random.normal(size=(n, q)) @ random.normal(size=(q, d)) + noise + random.normal(size=d)


def timed(run: Callable[[], float]) -> tuple[float, float]:
    """What it returns, and the CPU seconds it took."""
    start = time.process_time()
    value = run()
    return value, time.process_time() - start


def compared(name: str, X: np.ndarray, ours: Any, theirs: Any, exact: Any) -> list[Any]:
    """A row of the table: fit and score, the two in turn, the order swapped each round."""
    seconds: list[tuple[float, float]] = []
    values = (0.0, 0.0)
    for i in range(ROUNDS + 1):
        runs = [lambda: ours.fit(X).score(X), lambda: theirs.fit(X).score(X)]
        found = [timed(run) for run in (runs if i % 2 else runs[::-1])]
        (a, at), (b, bt) = found if i % 2 else found[::-1]
        values = (a, b)
        if i:  # the first round warms up
            seconds.append((at, bt))
    best = exact.fit(X).score(X)
    return [
        name,
        type(ours).__name__,
        values[0],
        f"{(values[0] - values[1]) / abs(values[1]):+.1e}",
        f"{(values[0] - best) / abs(best):+.1e}",
        1e3 * median(at for at, _ in seconds),
        1e3 * median(bt for _, bt in seconds),
        median(at / bt for at, bt in seconds),
    ]


def main(args: list[str]) -> None:
    """Fit and score on drawn data and on the digits."""
    argparse.ArgumentParser(prog="python -m bench linear_models", description=__doc__).parse_args(args)
    log = Log()
    digits = load_digits().data
    data = {
        "drawn 10,000 x 50, q = 8": (drawn(10_000, 50, 8), 8),
        "drawn 2,000 x 200, q = 10": (drawn(2_000, 200, 10), 10),
        "drawn 200 x 1,000, q = 5": (drawn(200, 1_000, 5), 5),
        "digits, q = 10": (digits, 10),
        "digits without constant pixels, q = 10": (digits[:, digits.std(0) > 0], 10),
    }
    rows = []
    with threadpool_limits(1), warnings.catch_warnings():
        # The peer's convergence warnings are part of what is measured: its row says how far it got.
        warnings.simplefilter("ignore")
        for name, (X, q) in data.items():
            rows.append(compared(name, X, ProbabilisticPCA(q), PCA(q), PCA(q, svd_solver="full")))
            log(f"{name}: PPCA {rows[-1][-1]:.2f} of the time")
            if X.std(0).min() > 0:
                peer = PeerFactorAnalysis(q, random_state=0)
                exact = PeerFactorAnalysis(q, svd_method="lapack", tol=1e-6, max_iter=2_000)
                rows.append(compared(name, X, FactorAnalysis(q), peer, exact))
                log(f"{name}: factor analysis {rows[-1][-1]:.2f} of the time")
    note = (
        "Mean log-likelihood of the training rows in nats; its relative excess over scikit-learn's defaults, and "
        "over scikit-learn at its most exact (PCA by full SVD; FactorAnalysis by LAPACK, tol 1e-6); CPU "
        f"milliseconds of fit and score, medians of {ROUNDS} interleaved rounds on one thread; the median ratio."
    )
    columns = ["data", "model", "log-likelihood", "excess", "excess, exact", "ms", "scikit-learn ms", "ratio"]
    words = [
        "PCA divides by n - 1 where maximum likelihood divides by n, and with n < d takes its noise over n - q "
        "directions where there are d - q: its likelihood is a little lower, and then much lower."
    ]
    table = Table("Likelihood and time", columns, rows, note)
    keep("linear_models", "PPCA and factor analysis beside scikit-learn", [table], log, words, {"rounds": ROUNDS})
