"""Usable information: what a family of probes gains on held-out rows by looking at z."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from mutua.data.splits import split_rows
from mutua.evaluation.decodable.families import Family, family_of, linear, null
from mutua.evaluation.decodable.targets import Target, representation, target
from mutua.types import InputError

__all__ = ["UsableInformation", "usable_information"]

_LEAST = 20


@dataclass(frozen=True)
class UsableInformation:
    """What `usable_information` returns, in nats.

    value = null - conditional, the mean of `pointwise` over `rows`. `interval` is 95 %, over test
    rows, of this one fit.
    """

    value: float
    interval: tuple[float, float]
    null: float
    conditional: float
    family: str
    pointwise: Float[np.ndarray, " m"] = field(repr=False)
    rows: Int64[np.ndarray, " m"] = field(repr=False)
    settings: Mapping[str, float] = field(default_factory=dict)
    protocol: str = ""

    @property
    def bits(self) -> float:
        """The value in bits."""
        return self.value / math.log(2)


def usable_information(
    z: Any,
    y: Any,
    *,
    family: str = "linear",
    test: tuple[Any, Any] | None = None,
    penalty: float | None = None,
    discrete: bool | None = None,
    seed: int = 0,
) -> UsableInformation:
    """I_V(Z -> Y) = H_V(Y) - H_V(Y | Z), in nats: what probes of a family V can use of what z tells of y.

        H_V(Y | Z) = inf over f in V of E[-log f[z](y)],   H_V(Y) the same of the f that ignore z

    Each infimum is a fit on training rows, its settings chosen on validation rows, and read on test rows. Unlike
    mutual information it can grow under processing, is not symmetric, and a bijection can destroy it: `linear`
    with `penalty=0` sees no invertible linear map and every bent one. With `linear` and numbers it is -1/2 log(1 -
    R^2) of a Gaussian pair. The population's value is never negative; read on test rows it is, where a probe
    learned noise.

    `pointwise` has log f[z](y) - log f0(y) of each test row: negative where z misleads.

    Args:
        z: (n, d), any array or tensor; more axes are flattened. Columns are standardised on the training rows.
        y: (n,) classes (whole numbers, booleans, names), or numbers (n,) or (n, k), whose density is a normal
            about what the probe predicts.
        family: "linear", "knn" or "mlp": see `mutua.evaluation.decodable.families`.
        test: (z, y) to read on; a quarter of the rows, drawn at random, by default. A fifth of the others
        validates. penalty: of the linear family: mean loss + penalty/2 |W|^2; chosen on validation rows by
        default, 0 for none. discrete: whether y is classes, where its type would say otherwise. seed: of the split
        and of the perceptron.

    Raises `InputError` for NaN or infinity, other lengths, y of one class or constant, and fewer than 20 rows.

    >>> rng = np.random.default_rng(0)
    >>> z = rng.normal(size=(4000, 3))
    >>> y = z[:, 0] + rng.normal(size=4000)                # R^2 = 1/2: 0.347 nats
    >>> round(usable_information(z, y).value, 1)
    0.3

    Paper: Xu, Zhao, Song, Stewart and Ermon 2020, A Theory of Usable Information Under Computational Constraints,
    arXiv:2002.10689; Ethayarajh, Choi and Swayamdipta 2022, Understanding Dataset Difficulty with V-Usable
    Information, arXiv:2110.08420 (pointwise).
    """
    fitted: Family = family_of(family)
    if penalty is not None:
        if family != "linear" or not penalty >= 0:
            raise InputError(
                f"penalty: {penalty} with family {family!r}; give a number of 0 or more with 'linear'"
            )
        fitted = partial(linear, penalty=penalty)
    x = representation(z)
    of = target(y, len(x), discrete)
    if test is None:
        learned, tested = _split(of, 0.25, seed)
        test_x, test_of = x[tested], of.rows(tested)
    else:
        learned, tested = np.arange(len(x)), np.arange(len(np.asarray(test[0])))
        test_x, test_of = _test_side(test, x, of, y, discrete)
    fit, held = _split(of.rows(learned), 0.2, seed + 1)
    rows, held_rows = learned[fit], learned[held]
    if min(len(rows), len(tested)) < _LEAST // 4 or len(x) < _LEAST:
        raise InputError(f"z: {len(x)} rows; they are divided in three, give at least {_LEAST}")
    probe = fitted(x[rows], of.rows(rows), x[held_rows], of.rows(held_rows), seed)
    with_z = probe.log_prob(test_x, test_of)
    without = null(of.rows(learned)).log_prob(test_x, test_of)
    gain = with_z - without
    value, error = float(gain.mean()), float(gain.std(ddof=1) / math.sqrt(len(gain)))
    protocol = (
        f"{probe.words}; {len(rows):,} rows fitted, {len(held_rows):,} validate, {len(tested):,} tested; the null "
        "model is fitted on all but the test rows"
    )
    return UsableInformation(
        value,
        (value - 1.96 * error, value + 1.96 * error),
        -float(without.mean()),
        -float(with_z.mean()),
        family,
        gain,
        tested,
        probe.settings,
        protocol,
    )


def _split(of: Target, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to keep and rows held out: of each class alike where each has two."""
    labels = of.codes if of.codes is not None and np.bincount(of.codes)[np.unique(of.codes)].min() > 1 else None
    return split_rows(len(of), labels, share, seed)


def _test_side(
    test: tuple[Any, Any], x: np.ndarray, of: Target, y: Any, discrete: bool | None
) -> tuple[np.ndarray, Target]:
    """The test rows, their classes numbered as those of y are."""
    test_x = representation(test[0], "test z")
    if test_x.shape[1] != x.shape[1]:
        raise InputError(f"test z: {test_x.shape[1]} columns where z has {x.shape[1]}; use one encoder for both")
    if not of.discrete:
        return test_x, target(test[1], len(test_x), discrete, "test y")
    both = target(np.concatenate([np.asarray(y).ravel(), np.asarray(test[1]).ravel()]), len(x) + len(test_x), True)
    assert both.codes is not None
    if both.k > of.k:
        raise InputError(f"test y: {both.k - of.k} classes that y has none of; give rows of each in both")
    return test_x, replace(both, codes=both.codes[len(x) :])
